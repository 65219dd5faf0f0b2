"""Runs programs that print JSON, one at a time, within a time limit."""
import json
import os
import re
import subprocess
import sys
import time


TIME_IS_UP = "the time limit is reached"


class Clock:
    """Elapsed and remaining seconds."""

    def __init__(self, limit):
        self.start, self.limit = time.monotonic(), limit

    def passed(self):
        return time.monotonic() - self.start

    def left(self):
        return self.limit - self.passed()


def environment(pixels):
    """Makes waiting threads sleep; for large maps, also makes glibc keep freed memory, since page faults after every
    layer would slow PyTorch down considerably."""
    variables = dict(os.environ, OMP_WAIT_POLICY="passive")
    if pixels >= 500_000:
        variables["MALLOC_MMAP_MAX_"] = "0"
    return variables


def reason(result):
    """The last line of stderr, or Python's exception, which may be followed by advice."""
    lines = result.stderr.strip().splitlines()
    raised = [line for line in lines if re.match(r"[\w.]*(Error|Exception)\b", line)]
    return (raised or lines or [f"exit status {result.returncode}"])[-1]


def run(command, pixels, clock):
    """What the program prints, or {"not_measured": reason, "failed": whether the program itself failed}."""
    if clock.left() < 1:
        return {"not_measured": f"skipped: {TIME_IS_UP}", "failed": False}
    try:
        result = subprocess.run(command, env=environment(pixels), capture_output=True, text=True, timeout=clock.left())
    except subprocess.TimeoutExpired:
        return {"not_measured": f"stopped: {TIME_IS_UP}", "failed": False}
    except OSError as error:
        return {"not_measured": str(error), "failed": True}
    if result.returncode != 0:
        return {"not_measured": reason(result), "failed": True}
    return json.loads(result.stdout)


def typical(device, report):
    """The median on a GPU; on a CPU, where other processes interfere, the minimum."""
    return report["seconds"]["median" if device == "cuda" else "min"]


def best(reports):
    """The fastest of several rounds, with the smallest memory; if none was measured, the first report."""
    measured = [report for report in reports if "seconds" in report]
    if not measured:
        return reports[0]
    fastest = dict(min(measured, key=lambda report: report["seconds"]["min"]))
    fastest["peak_memory_bytes"] = min(report["peak_memory_bytes"] for report in measured)
    fastest["rounds"] = sum(report.get("rounds", 1) for report in measured)
    return fastest


def take_turns(case, names, clock):
    """Alternates the named programs of the case over its rounds and keeps the best reports, including earlier ones."""
    reports = {name: [case.reports[name]] if name in case.reports else [] for name in names}
    for k in range(case.rounds):
        for name in names:
            what = f"{case.title}, {name}" + (f", round {k + 1} of {case.rounds}" if case.rounds > 1 else "")
            if clock.left() >= 1:
                print(f"[{clock.passed():3.0f} s] {what}", file=sys.stderr, flush=True)
            reports[name].append(run(case.commands[name], case.pixels, clock))
    case.reports |= {name: best(several) for name, several in reports.items()}
