"""Runs programs that print JSON, one at a time, until the time is up."""
import json
import os
import re
import subprocess
import sys
import time


TIME_IS_UP = "for the time is up"


class Clock:
    """Seconds since it was made, and until the time is up."""

    def __init__(self, limit):
        self.start, self.limit = time.monotonic(), limit

    def passed(self):
        return time.monotonic() - self.start

    def left(self):
        return self.limit - self.passed()


def environment(pixels):
    """Threads that sleep while they wait; and for large maps memory that glibc keeps, rather than returning
    it after every layer: faulting it in again would cost PyTorch a good part of its time."""
    variables = dict(os.environ, OMP_WAIT_POLICY="passive")
    if pixels >= 500_000:
        variables["MALLOC_MMAP_MAX_"] = "0"
    return variables


def reason(result):
    """The last line that a program said, or Python's exception, which advice may follow."""
    lines = result.stderr.strip().splitlines()
    raised = [line for line in lines if re.match(r"[\w.]*(Error|Exception)\b", line)]
    return (raised or lines or [f"exit status {result.returncode}"])[-1]


def run(command, pixels, clock):
    """What the program prints, or {"not_measured": why not}, "failed" being whether it is its own fault."""
    if clock.left() < 1:
        return {"not_measured": f"left out, {TIME_IS_UP}", "failed": False}
    try:
        result = subprocess.run(command, env=environment(pixels), capture_output=True, text=True, timeout=clock.left())
    except subprocess.TimeoutExpired:
        return {"not_measured": f"stopped, {TIME_IS_UP}", "failed": False}
    except OSError as error:
        return {"not_measured": str(error), "failed": True}
    if result.returncode != 0:
        return {"not_measured": reason(result), "failed": True}
    return json.loads(result.stdout)


def typical(device, report):
    """A GPU's median; on a CPU, where others come between, the shortest."""
    return report["seconds"]["median" if device == "cuda" else "min"]


def best(reports):
    """Of several rounds, or the best of some, the fastest; memory is the least that sufficed. Of none, why."""
    measured = [report for report in reports if "seconds" in report]
    if not measured:
        return reports[0]
    fastest = dict(min(measured, key=lambda report: report["seconds"]["min"]))
    fastest["peak_memory_bytes"] = min(report["peak_memory_bytes"] for report in measured)
    fastest["rounds"] = sum(report.get("rounds", 1) for report in measured)
    return fastest


def take_turns(case, names, clock):
    """Runs the case's programs of these names, one after the other in each round, and keeps the best reports, of those
    that it has too."""
    reports = {name: [case.reports[name]] if name in case.reports else [] for name in names}
    for k in range(case.rounds):
        for name in names:
            what = f"{case.title}, {name}" + (f", round {k + 1} of {case.rounds}" if case.rounds > 1 else "")
            if clock.left() >= 1:
                print(f"[{clock.passed():3.0f} s] {what}", file=sys.stderr, flush=True)
            reports[name].append(run(case.commands[name], case.pixels, clock))
    case.reports |= {name: best(several) for name, several in reports.items()}
