"""Measurement for the PyTorch peers, as in sapnet-bench."""
import time

import numpy
import torch


def read_input(file, shape):
    """Reads raw little-endian fp32 of this shape; noise without a file."""
    return torch.from_numpy(numpy.fromfile(file, "<f4")).reshape(shape) if file else torch.rand(shape)


def status_bytes(field):
    """A size in bytes from /proc/self/status, e.g. VmHWM, the peak memory."""
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {field}")


def seconds_for(function, cuda):
    """The result and the elapsed seconds; on a GPU measured with events."""
    if cuda:
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        torch.cuda.synchronize()
        start.record()
        result = function()
        end.record()
        torch.cuda.synchronize()
        return result, start.elapsed_time(end) / 1000
    start = time.perf_counter()
    result = function()
    return result, time.perf_counter() - start


def time_runs(function, repeat, cuda=False):
    """The last result, and the sorted seconds of `repeat` calls."""
    seconds = []
    for _ in range(repeat):
        result, elapsed = seconds_for(function, cuda)
        seconds.append(elapsed)
    return result, sorted(seconds)


def summary(seconds):
    count = len(seconds)
    return {"min": seconds[0], "p10": seconds[count // 10], "median": seconds[count // 2],
            "p90": seconds[count * 9 // 10]}


def report(mode, options, seconds, before, **more):
    """The report of a peer. before: the process's memory before the work."""
    document = {
        "program": f"PyTorch {torch.__version__}",
        "mode": mode.name,
        **more,
        "threads": options.threads,
        "repeat": options.repeat,
        "seconds": summary(seconds),
        "peak_memory_bytes": status_bytes("VmHWM"),
        "memory_before_bytes": before,
    }
    if mode.cuda:
        document["tensor_peak_bytes"] = torch.cuda.max_memory_allocated()
        document["device"] = torch.cuda.get_device_name()
        document["cudnn"] = torch.backends.cudnn.version()
    return document
