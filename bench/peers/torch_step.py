"""Times a training step in PyTorch on the CPU, the way sapnet-bench step times ours: same options, same JSON."""
import argparse
import json
import sys

import numpy
import torch

from losses import ssim
from measurement import status_bytes, summary, time_runs
from networks import load_network

MODES = ("eager", "channels_last")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--patch", type=int, default=100)
    parser.add_argument("--mode", choices=MODES, default="channels_last")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--input", help="raw little-endian fp32 (2, batch, patch, patch, 3); without it, noise")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    network = load_network(options.weights).train()
    shape = (2, options.batch, options.patch, options.patch, 3)
    pictures = torch.from_numpy(numpy.fromfile(options.input, "<f4")).reshape(shape) if options.input else torch.rand(shape)
    layout = torch.channels_last if options.mode == "channels_last" else torch.contiguous_format
    rainy, clean = (batch.permute(0, 3, 1, 2).contiguous(memory_format=layout) for batch in pictures)
    network = network.to(memory_format=layout)
    adam = torch.optim.Adam(network.parameters(), lr=1e-4)
    losses = []

    def step():
        loss = -ssim(network(rainy), clean)
        loss.backward()
        adam.step()
        adam.zero_grad(set_to_none=True)
        losses.append(float(loss.detach()))

    before = status_bytes("VmRSS")
    _, seconds = time_runs(step, 1, options.repeat)
    json.dump(
        {
            "program": f"PyTorch {torch.__version__}",
            "mode": options.mode,
            "network": type(network).__name__,
            "batch": options.batch,
            "patch": options.patch,
            "threads": options.threads,
            "repeat": options.repeat,
            "seconds": summary(seconds),
            "losses": losses,
            "peak_memory_bytes": status_bytes("VmHWM"),
            "memory_before_bytes": before,
        },
        sys.stdout,
    )
    print()


if __name__ == "__main__":
    main()
