"""Times a network in PyTorch on the CPU, the way sapnet-bench times ours: same options, same JSON."""
import argparse
import json
import sys
import time

import numpy
import torch

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


def status_bytes(field):
    """A size that the kernel keeps of this process, e.g. VmHWM, the most memory it ever held."""
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {field}")


def measure(network, x, repeat):
    """The output and the seconds of `repeat` runs. One run before them is not counted, or two where the
    first one compiles."""
    for _ in range(2 if isinstance(network, torch.jit.ScriptModule) else 1):
        y = network(x)
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        y = network(x)
        seconds.append(time.perf_counter() - start)
    return y, seconds


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
        y, seconds = measure(network, x, options.repeat)
    seconds.sort()
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
            "seconds": {
                "min": seconds[0],
                "median": seconds[len(seconds) // 2],
                "p90": seconds[(len(seconds) * 9) // 10],
            },
            "peak_memory_bytes": peak,
            "memory_before_bytes": before,
        },
        sys.stdout,
    )
    print()


if __name__ == "__main__":
    main()
