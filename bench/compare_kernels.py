"""Compares operations with PyTorch's, using the cases of sapnet-bench kernels.

    /usr/bin/python3 bench/compare_kernels.py --json build/bench/kernels.json
    python3 bench/compare_kernels.py --device cuda --filter ssim

The programs alternate over several rounds, and the best round of each operation counts; PyTorch runs in each mode of
MODES, and the fastest is compared. Writes the report of sapnet-bench kernels with an entry "pytorch" for each
operation.
"""
import argparse
import json
import os
import pathlib
import sys
import tempfile

from comparison import runs, table

ROOT = pathlib.Path(__file__).resolve().parent
MODES = {"cpu": ("eager", "channels_last"), "cuda": ("eager", "fp16")}


def key(kernel):
    return tuple(kernel[part] for part in ("operation", "pass", "case", "precision"))


def keep_faster(best, kernel, device):
    """Updates `best`, by key."""
    before = best.get(key(kernel))
    if before is None or runs.typical(device, kernel) < runs.typical(device, before):
        best[key(kernel)] = kernel


def measure(options, clock):
    """Our report with each kernel's fastest round, and PyTorch's fastest mode for it."""
    arguments = ["--device", options.device, "--threads", str(options.threads), "--repeat", str(options.repeat)]
    report, ours, theirs = None, {}, {}
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "kernels.json"
        rounds = 1 if options.report else options.rounds
        for k in range(rounds):
            print(f"[{clock.passed():3.0f} s] operations, round {k + 1} of {rounds}", file=sys.stderr, flush=True)
            if options.report:
                measured = json.loads(options.report.read_text())
            else:
                measured = runs.run([options.program, "kernels", *arguments, "--filter", options.filter], 0, clock)
            if "kernels" not in measured:
                print(f"sapnet-bench: not measured: {measured['not_measured']}", file=sys.stderr)
                break
            report = measured
            file.write_text(json.dumps(report))
            for kernel in report["kernels"]:
                keep_faster(ours, kernel, options.device)
            for mode in MODES[options.device]:
                peer = runs.run([sys.executable, ROOT / "peers" / "torch_kernels.py", *arguments, "--mode", mode,
                                 "--report", file], 0, clock)
                if "kernels" not in peer:
                    print(f"PyTorch {mode}: not measured: {peer['not_measured']}", file=sys.stderr)
                for kernel in peer.get("kernels", []):
                    kernel["name"] = f"{peer['program']}, {mode}"
                    keep_faster(theirs, kernel, options.device)
    if report is None:
        sys.exit("compare_kernels.py: nothing was measured, see above")
    for name, kernel in ours.items():
        if name in theirs:
            kernel["pytorch"] = {part: theirs[name][part] for part in ("name", "seconds")}
    return report | {"kernels": list(ours.values())}


def print_kernels(report, device):
    print(f"\nOperations, {report['device']}: {'median' if device == 'cuda' else 'minimum'} of the runs; percentage "
          "of the roofline; PyTorch.")
    for kernel in report["kernels"]:
        time, peer = runs.typical(device, kernel), kernel.get("pytorch")
        comparison = "not measured"
        if peer:
            theirs = runs.typical(device, peer)
            comparison = f"{table.seconds(theirs):>10}  {theirs / time:6.2f} times ours  {peer['name'].split(', ')[-1]}"
        share = f"{kernel['percent_of_roofline']:.0f} %" if "percent_of_roofline" in kernel else ""
        print(f"{', '.join(key(kernel)):<66}{table.seconds(time):>12}{share:>7}  {comparison}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT.parent / "build" / "bin" / "sapnet-bench")
    parser.add_argument("--device", choices=MODES, default="cpu")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--filter", default="", help="only operations whose name contains this")
    parser.add_argument("--report", type=pathlib.Path, help="output of sapnet-bench kernels (default: run it)")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3, help="timed runs in each round")
    parser.add_argument("--seconds", type=float, default=300, help="time limit (default 300)")
    parser.add_argument("--json", type=pathlib.Path, help="output file")
    options = parser.parse_args()
    report = measure(options, runs.Clock(options.seconds))
    print_kernels(report, options.device)
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
