"""Times VGG-16's convolutions in PyTorch, forward and backward to the images, as sapnet-bench vgg does:
same options, same JSON."""
import argparse
import json

import torch

import modes
from losses import contrast
from measurement import read_input, report, status_bytes, time_runs
from vision import Vgg16
from weight_file import read_weights


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    modes.add_options(parser, training=True)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--patch", type=int, default=100)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--input", help="raw little-endian fp32 (batch, patch, patch, 3); without it, noise")
    parser.add_argument("--output", help="where to write the gradient, in the same layout")
    options = parser.parse_args()

    mode = modes.Mode(options)
    vgg = Vgg16()
    vgg.load_state_dict(read_weights(options.weights))
    vgg = mode.moved(vgg.requires_grad_(False))
    shape = (options.batch, options.patch, options.patch, 3)
    images = mode.maps(read_input(options.input, shape)).requires_grad_()
    with torch.no_grad():
        deepest = vgg(images)[-1]
    zeros, ones = torch.zeros_like(deepest), torch.ones_like(deepest)

    def there_and_back():
        images.grad = None
        (1000 * contrast(vgg(images)[-1:], [zeros], [ones], taps=(1,))).backward()

    before = status_bytes("VmRSS")
    _, seconds = time_runs(mode.ready(there_and_back), options.repeat, mode.cuda)
    if options.output:
        images.grad.permute(0, 2, 3, 1).contiguous().numpy().astype("<f4").tofile(options.output)
    print(json.dumps(report(mode, options, seconds, before, batch=options.batch, patch=options.patch)))


if __name__ == "__main__":
    main()
