"""Times a network in PyTorch on the CPU, the way sapnet-bench times ours: same options, same JSON."""
import argparse
import json
import sys

import numpy
import torch

from measurement import status_bytes, summary, time_runs
from networks import load_network

MODES = ("eager", "channels_last", "traced")


def prepare(network, x, mode):
    """The network and the input as the mode wants them."""
    if mode == "channels_last":
        return network.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
    if mode == "traced":
        frozen = torch.jit.freeze(torch.jit.trace(network, x, check_trace=False))
        return torch.jit.optimize_for_inference(frozen), x
    return network, x


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--size", required=True, help="WxH")
    parser.add_argument("--mode", choices=MODES, default="channels_last")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--input", help="raw little-endian fp32 (h, w, 3); without it, noise")
    parser.add_argument("--output", help="where to write the result, in the same layout")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    network = load_network(options.weights)
    name = type(network).__name__
    if options.input:
        values = numpy.fromfile(options.input, "<f4").reshape(1, height, width, 3)
        x = torch.from_numpy(values).permute(0, 3, 1, 2).contiguous()
    else:
        x = torch.rand(1, 3, height, width)
    before = status_bytes("VmRSS")
    with torch.inference_mode():
        network, x = prepare(network, x, options.mode)
        # One run before is not counted, or two where the first one compiles.
        warmups = 2 if isinstance(network, torch.jit.ScriptModule) else 1
        y, seconds = time_runs(lambda: network(x), warmups, options.repeat)
    peak = status_bytes("VmHWM")
    if options.output:
        y.permute(0, 2, 3, 1).contiguous().numpy().astype("<f4").tofile(options.output)
    json.dump(
        {
            "program": f"PyTorch {torch.__version__}",
            "mode": options.mode,
            "network": name,
            "width": width,
            "height": height,
            "threads": options.threads,
            "repeat": options.repeat,
            "seconds": summary(seconds),
            "peak_memory_bytes": peak,
            "memory_before_bytes": before,
        },
        sys.stdout,
    )
    print()


if __name__ == "__main__":
    main()
