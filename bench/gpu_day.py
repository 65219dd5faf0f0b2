"""Runs everything that needs a GPU machine, from a pack of bench/gpu_pack.sh; see docs/benchmarks.md.

    python3 bench/gpu_day.py check      # tests, compute-sanitizer, one image: 150 s at most
    python3 bench/gpu_day.py measure    # benchmarks and training: 400 s at most

Each step has a time limit, and steps for which no time is left are skipped; the most important come first. Results:
DATE_COMMIT_gpu.json (of check: DATE_COMMIT_gpu_check.json), rewritten after each step, so a killed run leaves its
finished steps. Logs are in a temporary folder, packed next to the results at the end. Exit code 0: all steps passed.
"""
import argparse
import csv
import importlib.util
import json
import os
import pathlib
import shutil
import sys
import tempfile

from day import tools
from day.runner import ROOT, Day

LIMITS = {"check": 150, "measure": 400}
WEIGHTS = ROOT / "weights" / "sapnet.safetensors"
MIN_PSNR = 60  # dB; see image()
NETWORKS = ("481x321", "1920x1080", "3840x2160")
STEPS = ("step 12x100x100, -SSIM", "step 12x100x100, all losses")
FOR_IMPORTS = 8  # seconds until PyTorch is imported
FOR_COMPILE = 90  # seconds that training leaves for torch.compile


class Programs:
    """The programs of a folder, with arguments for full or small sizes."""

    def __init__(self, options):
        self.folder, self.inputs, self.small = options.programs.resolve(), options.inputs.resolve(), options.small
        self.repeat = 1 if self.small else 20

    def tests(self, spec):
        return [sys.executable, ROOT / "bench" / "day" / "run_tests.py", self.folder / "sapnet-tests", spec]

    def kernels(self, names, program="sapnet-bench"):
        return [self.folder / program, "kernels", "--device", "cuda", "--repeat", self.repeat, "--filter", names,
                *["--small"] * self.small]

    def network(self, precision, size):
        return [self.folder / "sapnet-bench", "network", "--device", "cuda", "--precision", precision, "--weights",
                WEIGHTS, "--size", size, "--repeat", 1]

    def training_step(self, batch, patch):
        return [self.folder / "sapnet-bench", "step", "--device", "cuda", "--precision", "fp16", "--weights", WEIGHTS,
                "--batch", batch, "--patch", patch, "--repeat", 1]


def check(day, programs):
    day.step("conformance", 30, programs.tests("[conformance]"))
    image(day, programs)
    day.step("GPU tests", 90, programs.tests("max_pool*[gpu]" if programs.small else "[gpu]~[conformance]"))
    sanitizer = tools.find("compute-sanitizer")
    if not sanitizer:
        day.skip("compute-sanitizer", "not found in the pack, in PATH or in /usr/local/cuda/bin")
        return
    # The image is wider than a strip of the kernels, and no side is a multiple of a block.
    commands = {"network fp16": programs.network("fp16", "9x7" if programs.small else "75x41"),
                "training step": programs.training_step(1, 12 if programs.small else 35),
                "network fp32": programs.network("fp32", "9x7" if programs.small else "75x41")}
    for tool in ("memcheck", "racecheck"):
        for name, command in commands.items():
            day.step(f"{tool}, {name}", 30, [sanitizer, "--tool", tool, "--error-exitcode", 9, *command])


def image(day, programs):
    """Compares an image in fp16 with the CPU's. The rms error is at most 2e-4 in the tests, a twentieth of 1/255.
    So one value in twenty may round to the neighbouring byte: 10 lg(255² · 20) = 61 dB; one less is allowed."""
    scores = day.log("image", ".json")

    def judge():
        psnr = json.loads(scores.read_text())["images"][0]["derained"]["psnr_rgb"]  # null if there is no difference
        return None if psnr is None or psnr > MIN_PSNR else f"FAILED: {psnr:.1f} dB from the CPU's result"

    day.step("image", 20, [programs.folder / "sapnet-infer", programs.inputs / "rainy.png", "--weights", WEIGHTS,
                           "--device", "cuda", "--reference", programs.inputs / "derained_on_cpu.png",
                           "-o", day.log("image", ".png"), "--json", scores], judge)


def measure(day, programs):
    for precision, limit in (("fp16", 80), ("fp32", 40)):
        kernels(day, programs, precision, limit)
    profile(day, programs)
    for case in NETWORKS + STEPS:
        compare(day, programs, case, "graph", 40)
    variants(day, programs)
    kernels_in_pytorch(day, programs)
    whole_programs(day, programs)
    training(day, programs, "fp32", 2 if programs.small else 15)
    training(day, programs, "fp16", 2 if programs.small else day.left() - FOR_COMPILE)
    for case in NETWORKS[:2] + STEPS + NETWORKS[2:]:
        compare(day, programs, case, "compile", day.left())


def kernels(day, programs, precision, limit):
    """All operations beside cuDNN; both precisions become one report."""
    name = f"operations {precision}"
    seconds = 3 if programs.small else day.limit(limit) - 15  # the last case may take longer

    def save():
        report = json.loads(day.log(name, ".out").read_text())
        before = day.measurements.get("operations", {}).get("kernels", [])
        day.record("operations", report | {"kernels": before + report["kernels"]})

    day.step(name, limit, [*programs.kernels(", " + precision), "--seconds", seconds], save)


def kernels_in_pytorch(day, programs):
    name = "operations in PyTorch"
    if "operations" not in day.measurements or lacks_packages(day, name):
        return
    report, result = day.log("operations", ".json"), day.log("operations_in_PyTorch", ".json")
    report.write_text(json.dumps(day.measurements["operations"]))
    day.step(name, 40, [sys.executable, ROOT / "bench" / "compare_kernels.py", "--device", "cuda", "--report", report,
                        "--json", result, "--repeat", programs.repeat, "--seconds", day.limit(40) - FOR_IMPORTS],
             lambda: day.record("operations", json.loads(result.read_text())))


def profile(day, programs):
    ncu = tools.find("ncu")
    if not ncu:
        day.skip("ncu", "not found in PATH, /usr/local/cuda/bin or /opt/nvidia/nsight-compute")
        return
    file = day.log("ncu", ".csv")
    command = programs.training_step(1, 12) if programs.small else programs.training_step(12, 100)
    if day.step("ncu", 45, tools.profile(ncu, file, command),
                lambda: None if tools.read_profile(file) else "FAILED: no kernel was profiled"):
        day.record("ncu", {"program": "ncu", "of": "sapnet-bench step", "launches": tools.read_profile(file)})


def lacks_packages(day, name):
    """Skips the step if this Python lacks packages that the comparisons with PyTorch need."""
    lacking = [package for package in ("torch", "numpy", "PIL") if not importlib.util.find_spec(package)]
    if lacking:
        day.skip(name, f"{sys.executable} lacks {', '.join(lacking)}")
    return bool(lacking)


def compare(day, programs, case, mode, limit):
    """A network or training step beside one of PyTorch's modes (bench/peers/modes.py)."""
    name = f"{case}, PyTorch {mode}"
    if lacks_packages(day, name):
        return
    result = day.log(name, ".json")

    def judge():
        reports = json.loads(result.read_text())["results"][0]["programs"]
        missing = [f"{program}: {report['not_measured']}" for program, report in reports.items()
                   if "seconds" not in report]
        return "NOT MEASURED: " + "; ".join(missing) if missing else None

    day.step(name, limit, [sys.executable, ROOT / "bench" / "compare.py", "--device", "cuda", "--program",
                           programs.folder / "sapnet-bench", "--only", case, "--modes", mode, "--json", result,
                           "--seconds", day.limit(limit) - FOR_IMPORTS, *["--small"] * programs.small], judge)
    if result.exists():  # even if some programs failed
        day.record(name, json.loads(result.read_text()))


def variants(day, programs):
    """Each of bench/variants, and the unmodified kernels."""
    for patch in sorted((ROOT / "bench" / "variants").glob("*.patch")):
        cases = patch.read_text().splitlines()[2].removeprefix("Cases: ")
        for name, program in ((f"variant {patch.stem}", f"variant-{patch.stem}"),
                              (f"variant {patch.stem}, without it", "sapnet-bench")):
            day.step(name, 15, programs.kernels(cases, program), lambda name=name: day.record(
                name, json.loads(day.log(name, ".out").read_text()) | {"variant": name}))


def whole_programs(day, programs):
    name = "whole programs"
    command = [sys.executable, ROOT / "bench" / "whole_program.py", "--programs", programs.folder, "--device", "cuda"]
    if programs.small:
        command += ["--photos", programs.inputs, "--attempts", 1, "--images", 1, "--frames", 1, "--frame-size", "9x7",
                    "--steps", 1, "--patch", 12]
    day.step(name, 45, command, lambda: day.record(name, json.loads(day.log(name, ".out").read_text())))


def training(day, programs, precision, seconds):
    """Trains until the time is up; the last row of metrics.csv counts."""
    name = f"training {precision}"
    run = day.log(name, "")
    command = [programs.folder / "sapnet-train", "--config", ROOT / "train" / "configs" / "quick.json", "--device",
               "cuda", "--precision", precision, "--out", run, "--set", "epochs=100000"]
    if programs.small:
        command += ["patch=12", "batch=1", "--data", programs.inputs]

    def rows():
        with open(run / "metrics.csv", newline="") as file:
            return list(csv.DictReader(file))

    if day.step(name, seconds, command, lambda: None if rows() else "FAILED: no step was logged", until_stopped=True):
        day.record(name, {"program": "sapnet-train", "precision": precision, "last_row": rows()[-1]})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=LIMITS)
    parser.add_argument("--programs", type=pathlib.Path, default=ROOT / "bin")
    parser.add_argument("--inputs", type=pathlib.Path, default=ROOT / "inputs",
                        help="folder with rainy.png and derained_on_cpu.png")
    parser.add_argument("--out", type=pathlib.Path, default=os.environ.get("OUT", ROOT / "bench" / "results"),
                        help="folder for the results (default: $OUT, or bench/results)")
    parser.add_argument("--only", default="", help="regular expression that selects steps by name")
    parser.add_argument("--seconds", type=float, help="time limit of the whole run")
    parser.add_argument("--slower", type=float, default=1, metavar="N",
                        help="multiply all time limits, for the emulator")
    parser.add_argument("--small", action="store_true", help="small maps and few images, to test this script")
    options = parser.parse_args()
    if not (options.programs / "sapnet-tests").exists():
        parser.error(f"there is no sapnet-tests in {options.programs}; see docs/benchmarks.md")

    os.environ["LD_LIBRARY_PATH"] = tools.library_path()
    logs = pathlib.Path(tempfile.mkdtemp(prefix="sapnet-gpu-day-"))
    name = "gpu" if options.what == "measure" else "gpu_check"
    day = Day(name, options.seconds or LIMITS[options.what], options.only, options.slower, logs, options.out.resolve())
    programs = Programs(options)
    try:
        if options.what == "check":
            check(day, programs)
        else:
            measure(day, programs)
    finally:
        passed = day.finish()
        shutil.rmtree(logs)
    sys.exit(0 if passed else 1)


if __name__ == "__main__":
    main()
