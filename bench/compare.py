"""Sets our engine beside PyTorch on the CPU: time, peak memory, and how far the outputs are apart.

    /usr/bin/python3 bench/compare.py --program build/bin/sapnet-bench

Every figure comes from a process of its own, so that neither warms the other's caches nor shares its memory;
programs take turns, several rounds of them, and each figure is the best of its rounds. PyTorch runs in every
mode of bench/peers/torch_network.py; the fastest of them is the one that we are compared with.
"""
import argparse
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bench" / "peers"))

from vision import draw_vgg16  # noqa: E402
from weight_file import write_safetensors  # noqa: E402

MODES = ("eager", "channels_last", "traced")
STEP_MODES = ("eager", "channels_last")
STEP_BATCH, STEP_PATCH = 12, 100  # the paper's
STEP_ROUNDS, STEP_REPEAT = 3, 2
VGG_REPEAT = 5
# Width, height, rounds of processes, timed runs in each: small images vary more and take less.
SIZES = ((100, 100, 3, 7), (481, 321, 2, 2), (1280, 720, 1, 1))


def environment(pixels):
    """Threads that sleep while they wait; and for large maps memory that glibc keeps, rather than returning
    it after every layer: faulting it in again would cost PyTorch a good part of its time."""
    variables = dict(os.environ, OMP_WAIT_POLICY="passive")
    if pixels >= 500_000:
        variables["MALLOC_MMAP_MAX_"] = "0"
    return variables


def run(command, pixels):
    """The JSON that a program prints, or None, with the reason on stderr."""
    try:
        result = subprocess.run(command, env=environment(pixels), capture_output=True, text=True)
    except OSError as error:
        print(error, file=sys.stderr)
        return None
    if result.returncode != 0:
        reason = result.stderr.strip().splitlines()[-1:] or [f"exit status {result.returncode}"]
        print(f"{' '.join(map(str, command[:3]))}: {reason[0]}", file=sys.stderr)
        return None
    return json.loads(result.stdout)


def best(reports):
    """Of several rounds, the fastest; memory is the least that sufficed."""
    reports = [report for report in reports if report]
    if not reports:
        return None
    fastest = dict(min(reports, key=lambda report: report["seconds"]["min"]))
    fastest["peak_memory_bytes"] = min(report["peak_memory_bytes"] for report in reports)
    fastest["rounds"] = len(reports)
    return fastest


def take_turns(commands, rounds, pixels):
    """The best report of each command, None of one that failed; they run one after the other in each round."""
    reports = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            reports[name].append(run(command, pixels))
    return {name: best(several) for name, several in reports.items()}


def measure(options, width, height, rounds, repeat, folder):
    """Reports by program, "ours" and PyTorch's modes, and the largest difference between our output and
    those of PyTorch."""
    rainy = folder / "rainy.f32"
    numpy.random.default_rng(0).random((height, width, 3), numpy.float32).astype("<f4").tofile(rainy)
    common = ["--weights", options.weights, "--size", f"{width}x{height}", "--threads", str(options.threads),
              "--repeat", str(repeat), "--input", rainy]
    peer = [sys.executable, ROOT / "bench" / "peers" / "torch_network.py", *common]
    commands = {"ours": [options.program, "network", *common]}
    commands |= {mode: [*peer, "--mode", mode] for mode in MODES}
    commands = {name: [*command, "--output", folder / f"{name}.f32"] for name, command in commands.items()}
    reports = take_turns(commands, rounds, width * height)
    outputs = {name: numpy.fromfile(folder / f"{name}.f32", "<f4") for name in commands if reports[name]}
    difference = None
    if "ours" in outputs and len(outputs) > 1:
        difference = max(float(numpy.abs(outputs["ours"] - outputs[name]).max()) for name in outputs)
    return reports, difference


def measure_step(options, folder):
    """The same of a training step; the difference is that of the losses."""
    shape = (2, STEP_BATCH, STEP_PATCH, STEP_PATCH, 3)
    pictures = folder / "pictures.f32"
    numpy.random.default_rng(0).random(shape, numpy.float32).astype("<f4").tofile(pictures)
    common = ["--weights", options.weights, "--batch", str(STEP_BATCH), "--patch", str(STEP_PATCH),
              "--threads", str(options.threads), "--repeat", str(STEP_REPEAT), "--input", pictures]
    peer = [sys.executable, ROOT / "bench" / "peers" / "torch_step.py", *common]
    commands = {"ours": [options.program, "step", *common]}
    commands |= {mode: [*peer, "--mode", mode] for mode in STEP_MODES}
    reports = take_turns(commands, STEP_ROUNDS, STEP_BATCH * STEP_PATCH**2)
    losses = [report["losses"] for report in reports.values() if report]
    difference = None
    if reports["ours"] and len(losses) > 1:
        difference = float(numpy.abs(numpy.subtract(losses[1:], losses[0])).max())
    return reports, difference


def measure_vgg(options, folder):
    """The same of VGG-16's convolutions, there and back; the difference is the 2-norm of that of the
    gradients by the pictures, by their own: a maximum of two that are next to equal may be either, and sends its gradient
    elsewhere. Weights are drawn, for what they are tells in no time."""
    weights, pictures = folder / "vgg16.safetensors", folder / "pictures.f32"
    write_safetensors(weights, draw_vgg16(1).state_dict())
    numpy.random.default_rng(0).random((STEP_BATCH, STEP_PATCH, STEP_PATCH, 3), numpy.float32).tofile(pictures)
    common = ["--weights", weights, "--batch", str(STEP_BATCH), "--patch", str(STEP_PATCH),
              "--threads", str(options.threads), "--repeat", str(VGG_REPEAT), "--input", pictures]
    peer = [sys.executable, ROOT / "bench" / "peers" / "torch_vgg.py", *common]
    commands = {"ours": [options.program, "vgg", *common]}
    commands |= {mode: [*peer, "--mode", mode] for mode in STEP_MODES}
    commands = {name: [*command, "--output", folder / f"{name}.f32"] for name, command in commands.items()}
    reports = take_turns(commands, STEP_ROUNDS, STEP_BATCH * STEP_PATCH**2)
    gradients = {name: numpy.fromfile(folder / f"{name}.f32", "<f4") for name in commands if reports[name]}
    difference = None
    if "ours" in gradients and len(gradients) > 1:
        size = numpy.linalg.norm
        difference = max(float(size(gradients["ours"] - gradient) / size(gradient)) for gradient in gradients.values())
    return reports, difference


def fastest_mode(reports):
    measured = [mode for mode in MODES if reports.get(mode)]
    return min(measured, key=lambda mode: reports[mode]["seconds"]["min"], default=None)


def text(value, form):
    return "not measured" if value is None else form.format(value)


def compare(ours, peer):
    """The figures of a row; None where one was not measured."""
    seconds = [report and report["seconds"]["min"] for report in (ours, peer)]
    memory = [report and report["peak_memory_bytes"] / 2**20 for report in (ours, peer)]
    ratio = lambda pair: pair[1] / pair[0] if all(pair) else None
    return {"seconds": seconds, "speedup": ratio(seconds), "memory_mib": memory, "memory_ratio": ratio(memory)}


def print_header(options):
    print(f"{options.weights.name}, threads: {options.threads}; times in seconds, best of the runs; peak memory "
          "of the whole process in MiB; % of peak counts the multiplications of a direct convolution, of which Winograd "
          "does a quarter, so that it may pass 100")
    print(f"{'':>15}{'ours':>14}{'PyTorch':>14} {'(mode)':<16}{'speedup':>14}{'ours MiB':>14}"
          f"{'PyTorch MiB':>14}{'times less':>14}{'difference':>14}{'% of peak':>14}")


def print_row(size, row, mode, difference, percent):
    cells = [text(row["seconds"][0], "{:.3f}"), text(row["seconds"][1], "{:.3f}"), text(row["speedup"], "{:.2f}"),
             text(row["memory_mib"][0], "{:.0f}"), text(row["memory_mib"][1], "{:.0f}"),
             text(row["memory_ratio"], "{:.2f}"), text(difference, "{:.1e}"), text(percent, "{:.0f}")]
    cells = [f"{cell:>14}" for cell in cells]
    cells.insert(2, f" {'(' + mode + ')' if mode else '':<16}")
    print(f"{size:>15}" + "".join(cells), flush=True)


def save(options, results):
    """Writes bench/results/DATE_COMMIT.json and says where."""
    def git(*arguments):
        result = subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True)
        return result.stdout.strip() if result.returncode == 0 else "unknown"

    commit = git("rev-parse", "--short=12", "HEAD")
    if git("status", "--porcelain", "--untracked-files=no"):
        commit += "-modified"
    date = datetime.date.today().isoformat()
    ours = [result["programs"]["ours"] for result in results]
    cpu = next((report["cpu"] for report in ours if report), "unknown")
    file = ROOT / "bench" / "results" / f"{date}_{commit}_{options.threads}threads.json"
    file.parent.mkdir(exist_ok=True)
    document = {"date": date, "commit": commit, "cpu": cpu, "threads": options.threads,
                "weights": options.weights.name, "results": results}
    file.write_text(json.dumps(document, indent=1) + "\n")
    print(f"written: {file.relative_to(ROOT)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build" / "bin" / "sapnet-bench")
    parser.add_argument("--weights", type=pathlib.Path, default=ROOT / "weights" / "sapnet.safetensors")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--save", action="store_true", help="write the figures to bench/results/")
    options = parser.parse_args()

    print_header(options)
    results = []

    def report(what, reports, difference, **case):
        mode = fastest_mode(reports)
        row = compare(reports["ours"], reports[mode] if mode else None)
        percent = reports["ours"].get("percent_of_peak") if reports["ours"] else None
        print_row(what, row, mode, difference, percent)
        results.append({**case, "programs": reports, "fastest_peer": mode, "comparison": row,
                        "largest_difference": difference})

    with tempfile.TemporaryDirectory() as folder:
        for width, height, rounds, repeat in SIZES:
            measured = measure(options, width, height, rounds, repeat, pathlib.Path(folder))
            report(f"{width}x{height}", *measured, width=width, height=height)
        measured = measure_step(options, pathlib.Path(folder))
        report(f"step {STEP_BATCH}x{STEP_PATCH}x{STEP_PATCH}", *measured, batch=STEP_BATCH, patch=STEP_PATCH)
        measured = measure_vgg(options, pathlib.Path(folder))
        report(f"VGG {STEP_BATCH}x{STEP_PATCH}x{STEP_PATCH}", *measured, vgg_batch=STEP_BATCH, vgg_patch=STEP_PATCH)
    if options.save:
        save(options, results)
    if any(report is None for result in results for report in result["programs"].values()):
        sys.exit("compare.py: something could not be measured, see above")


if __name__ == "__main__":
    main()
