"""Compares sapnet with PyTorch on the CPU and on a GPU: time, memory, PSNR, and the difference of the outputs.

    /usr/bin/python3 bench/compare.py
    python3 bench/compare.py --device cuda --program build/portable/bin/sapnet-bench --json FILE --seconds 200

Each measurement runs in its own process, so that programs share neither caches nor memory. On the CPU, programs
alternate over several rounds, and the best round counts. PyTorch runs in every mode of bench/peers/modes.py; the
fastest is compared. Compiled modes, which are slowest to start, run last (on the CPU, alternating with sapnet again),
so that the other results are complete if time runs out.
"""
import argparse
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from comparison import cases, runs, table

ROOT = pathlib.Path(__file__).resolve().parents[1]


def gpu_unavailable_reason(options, clock):
    """Why sapnet-bench cannot use a GPU; None if it can."""
    command = [options.program, "network", "--device", "cuda", "--weights", options.weights, "--size", "16x16",
               "--repeat", "1"]
    return runs.run(command, 0, clock).get("not_measured")


def turns(case, compiled):
    """The programs of one of a case's two turns: those that do not compile, then those that do."""
    names = [name for name in case.commands if (name in cases.COMPILED) == compiled]
    return ["ours", *names] if compiled and names and case.device == "cpu" else names


def measure(options, device, seconds, absent, save):
    """Prints the table of a device and returns its cases; if the device is absent, prints why."""
    clock = runs.Clock(seconds)
    table.print_header(device, options)
    if absent:
        print(f"Not measured: {absent}")
    with tempfile.TemporaryDirectory() as folder:
        of_device = cases.all_cases(options, device, pathlib.Path(folder))
        for compiled in (False, True):
            for case in of_device:
                names = turns(case, compiled)
                if not absent and names:
                    runs.take_turns(case, names, clock)
                    for name in names:
                        if "seconds" in case.reports[name]:
                            case.reports[name] |= case.judge(name, case.reports)
                save([table.result(case) for case in of_device if case.reports])
                if compiled:
                    table.print_case(case)
    return [] if absent else of_device


def git(*arguments):
    result = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True)
    return result.stdout.strip() if result.returncode == 0 else "unknown"


def describe(options):
    """Describes what was measured."""
    commit = os.environ.get("COMMIT")  # where git is not available
    if not commit:
        commit = git("rev-parse", "--short=12", "HEAD")
        if git("status", "--porcelain", "--untracked-files=no") not in ("", "unknown"):
            commit += "-modified"
    return {"date": datetime.date.today().isoformat(), "commit": commit, "threads": options.threads,
            "weights": options.weights.name}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build" / "bin" / "sapnet-bench",
                        help="sapnet-bench, with sapnet-rain in the same folder")
    parser.add_argument("--weights", type=pathlib.Path, default=ROOT / "weights" / "sapnet.safetensors")
    parser.add_argument("--device", choices=("cpu", "cuda"), help="default: both")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--only", default="", help="only cases whose title contains this, such as 481x321")
    parser.add_argument("--modes", nargs="+", metavar="MODE", help="PyTorch's modes (default: all of the device)")
    parser.add_argument("--small", action="store_true", help="small images and batches, to test the program")
    parser.add_argument("--seconds", type=float, default=450,
                        help="time limit for all devices; the rest is skipped (default 450)")
    parser.add_argument("--json", type=pathlib.Path, help="file for the results, updated after each measurement")
    parser.add_argument("--save", action="store_true", help="write the results to bench/results/")
    options = parser.parse_args()

    document = describe(options) | {"cpu": "unknown", "results": []}
    files = [options.json] if options.json else []
    if options.save:
        kind = "gpu_peers" if options.device == "cuda" else f"{options.threads}threads"
        files.append(ROOT / "bench" / "results" / f"{document['date']}_{document['commit']}_{kind}.json")

    devices = [options.device] if options.device else ["cpu", "cuda"]
    clock = runs.Clock(options.seconds)
    absent = {"cuda": gpu_unavailable_reason(options, clock)} if "cuda" in devices else {}
    share = clock.left() / max(1, sum(not absent.get(device) for device in devices))
    measured = []
    for device in devices:
        before = document["results"]

        def save(results):
            document["results"] = before + results
            for report in (report for result in results for report in result["programs"].values()):
                document["cpu"] = report.get("cpu", document["cpu"])
            for file in files:
                file.parent.mkdir(parents=True, exist_ok=True)
                unfinished = file.with_suffix(".unfinished")  # so that the file is complete whenever the run is stopped
                unfinished.write_text(json.dumps(document, indent=1) + "\n")
                unfinished.replace(file)

        measured += measure(options, device, share, absent.get(device), save)
    if any(runs.TIME_IS_UP in report.get("not_measured", "") for case in measured for report in case.reports.values()):
        print(f"Some measurements were skipped; use more than --seconds {options.seconds:.0f} for all.")
    for file in files:
        print(f"written: {file}")
    if not measured or any(case.failed() for case in measured):
        sys.exit("compare.py: some measurements failed, see above")


if __name__ == "__main__":
    main()
