"""How the PyTorch peers measure: as sapnet-bench does."""
import time


def status_bytes(field):
    """A size that the kernel keeps of this process, e.g. VmHWM, the most memory it ever held."""
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {field}")


def time_runs(function, warmups, repeat):
    """The last result and the sorted seconds of `repeat` calls, with some before them that are not counted."""
    for _ in range(warmups):
        result = function()
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        result = function()
        seconds.append(time.perf_counter() - start)
    return result, sorted(seconds)


def summary(seconds):
    return {"min": seconds[0], "median": seconds[len(seconds) // 2], "p90": seconds[(len(seconds) * 9) // 10]}
