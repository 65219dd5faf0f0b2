"""Times VGG-16's convolutions in PyTorch on the CPU, forward and back to the pictures, the way sapnet-bench vgg
times ours: same options, same JSON."""
import argparse
import json
import sys

import numpy
import torch

from losses import contrast
from measurement import status_bytes, summary, time_runs
from vision import VGG_BLOCKS, Vgg16
from weight_file import read_weights


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--patch", type=int, default=100)
    parser.add_argument("--mode", choices=("eager", "channels_last"), default="channels_last")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--input", required=True, help="raw little-endian fp32 (batch, patch, patch, 3)")
    parser.add_argument("--output", help="where to write the gradient, in the same layout")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    weights = read_weights(options.weights)
    layout = torch.channels_last if options.mode == "channels_last" else torch.contiguous_format
    vgg = Vgg16(len(VGG_BLOCKS))
    vgg.load_state_dict(weights)
    vgg = vgg.requires_grad_(False).to(memory_format=layout)
    shape = (options.batch, options.patch, options.patch, 3)
    pictures = torch.from_numpy(numpy.fromfile(options.input, "<f4")).reshape(shape).permute(0, 3, 1, 2)
    pictures = pictures.contiguous(memory_format=layout).requires_grad_()
    with torch.no_grad():
        deepest = vgg(pictures)[-1]
    zeros, ones = torch.zeros_like(deepest), torch.ones_like(deepest)

    def there_and_back():
        pictures.grad = None
        (1000 * contrast(vgg(pictures)[-1:], [zeros], [ones], taps=(1,))).backward()

    before = status_bytes("VmRSS")
    _, seconds = time_runs(there_and_back, 1, options.repeat)
    if options.output:
        pictures.grad.permute(0, 2, 3, 1).contiguous().numpy().astype("<f4").tofile(options.output)
    json.dump({"program": f"PyTorch {torch.__version__}", "mode": options.mode, "batch": options.batch,
               "patch": options.patch, "threads": options.threads, "repeat": options.repeat,
               "seconds": summary(seconds), "peak_memory_bytes": status_bytes("VmHWM"),
               "memory_before_bytes": before}, sys.stdout)
    print()


if __name__ == "__main__":
    main()
