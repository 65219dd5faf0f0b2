"""Times a network in PyTorch, as sapnet-bench network does: same options, same JSON."""
import argparse
import json

import torch

import modes
from measurement import read_input, report, status_bytes, time_runs
from networks import load_network


def prepare(network, x, mode):
    """The network and the input for the mode. Half weights instead of autocast, which would cast them each time."""
    network = mode.moved(network)
    if mode.half:
        network, x = network.half(), x.half()
    if mode.name == "traced":
        frozen = torch.jit.freeze(torch.jit.trace(network, x, check_trace=False))
        return torch.jit.optimize_for_inference(frozen), x
    return mode.compiled(network), x


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    modes.add_options(parser)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--size", required=True, help="WxH")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--input", help="raw little-endian fp32 (h, w, 3); without it, noise")
    parser.add_argument("--output", help="where to write the result, in the same layout")
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))

    mode = modes.Mode(options)
    network = load_network(options.weights)
    name = type(network).__name__
    shape = (1, height, width, 3)
    x = mode.maps(read_input(options.input, shape))
    before = status_bytes("VmRSS")
    with mode.inference():
        network, x = prepare(network, x, mode)
        y, seconds = time_runs(mode.ready(lambda: network(x)), options.repeat, mode.cuda)
    print(json.dumps(report(mode, options, seconds, before, network=name, width=width, height=height)))
    if options.output:
        y.permute(0, 2, 3, 1).float().cpu().contiguous().numpy().astype("<f4").tofile(options.output)


if __name__ == "__main__":
    main()
