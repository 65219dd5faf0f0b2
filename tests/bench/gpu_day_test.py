"""Tests bench/gpu_day.py: gpu_day_test.py PROGRAMS

The programs run on the CPU, so that a test takes seconds: wrappers replace the device. sapnet-tests, compute-sanitizer
and ncu are stand-ins.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = pathlib.Path(sys.argv.pop(1)).resolve()
ON_CPU = """#!/bin/bash
for argument in "$@"; do
  case $argument in
    cuda) arguments+=(cpu) ;;
    fp16) arguments+=(fp32) ;;
    *) arguments+=("$argument") ;;
  esac
done
exec PROGRAM "${arguments[@]}"
"""
SANITIZER = """#!/bin/bash
[[ "$1 $3" == "--tool --error-exitcode" ]] && exec "${@:5}"
"""
NCU = """#!/bin/bash
while [ "$1" != --log-file ]; do shift; done
cat >"$2" <<'CSV'
==PROF== Connected to process 1
"ID","Kernel Name","Block Size","Grid Size","gpu__time_duration.sum","launch__registers_per_thread"
"","","","","ns","register/thread"
"0","conv2d_rows<Half>","(256, 1, 1)","(13, 4, 12)","8,512","192"
CSV
exec "${@:3}"
"""


def write_program(file, text):
    file.write_text(text)
    file.chmod(0o755)


class GpuDay(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.bin, self.tools, self.inputs = (self.folder / name for name in ("bin", "tools", "inputs"))
        for folder in (self.bin, self.tools, self.inputs):
            folder.mkdir()
        for name in ("sapnet-bench", "sapnet-infer", "sapnet-rain", "sapnet-train"):
            write_program(self.bin / name, ON_CPU.replace("PROGRAM", str(PROGRAMS / name)))
        for patch in (ROOT / "bench" / "variants").glob("*.patch"):
            (self.bin / f"variant-{patch.stem}").symlink_to("sapnet-bench")
        write_program(self.tools / "compute-sanitizer", SANITIZER)
        write_program(self.tools / "ncu", NCU)
        self.replace_tests("[ $SAPNET_REQUIRE_GPU = 1 ]")
        self.program("sapnet-rain", ROOT / "tests/train/image/images/ramp.jpg", "-o", self.inputs / "rainy.png")
        self.program("sapnet-infer", self.inputs / "rainy.png", "--weights", ROOT / "weights/sapnet.safetensors",
                     "--device", "cpu", "-o", self.inputs / "derained_on_cpu.png")

    def program(self, name, *arguments):
        subprocess.run([PROGRAMS / name, *arguments], check=True, capture_output=True)

    def replace_tests(self, command):
        """Replaces sapnet-tests by one test, a shell command that is named after the test spec."""
        write_program(self.bin / "sapnet-tests", f'#!/bin/bash\n[[ $1 == --list* ]] && echo "$2" && exit\n{command}\n')

    def start(self, *arguments):
        return subprocess.Popen([sys.executable, ROOT / "bench" / "gpu_day.py", *arguments, "--programs", self.bin,
                                 "--inputs", self.inputs, "--out", self.folder / "out", "--small"],
                                env=dict(os.environ, PATH=f"{self.tools}:{os.environ['PATH']}"),
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run_to_end(self, *arguments):
        """Exit code, output and results."""
        process = self.start(*arguments)
        output, _ = process.communicate()
        return process.returncode, output, self.results()

    def results(self):
        file, = (self.folder / "out").glob("*.json")
        return json.loads(file.read_text())

    def outcomes(self, results):
        return {step["name"]: step["outcome"] for step in results["steps"]}

    def test_check_runs_each_step_and_keeps_the_logs(self):
        code, output, results = self.run_to_end("check", "--slower", "3")
        self.assertEqual(code, 0, output)
        self.assertEqual(self.outcomes(results), dict.fromkeys([
            "conformance", "image", "GPU tests", "memcheck, network fp16", "memcheck, training step",
            "memcheck, network fp32", "racecheck, network fp16", "racecheck, training step",
            "racecheck, network fp32"], "passed"))
        archive, = (self.folder / "out").glob("*.tar.xz")
        with tarfile.open(archive) as logs:
            self.assertIn("logs/GPU_tests.out", logs.getnames())

    def test_measure_fills_the_results_that_the_page_reads(self):
        steps = "operations|ncu|481x321, PyTorch graph|-SSIM, PyTorch graph|variant igemm-128|whole|training"
        code, output, results = self.run_to_end("measure", "--slower", "3", "--only", steps)
        faults = {name: outcome for name, outcome in self.outcomes(results).items() if outcome != "passed"}
        self.assertEqual(code, 1 if faults else 0)
        for name, outcome in faults.items():  # only those of a PyTorch that is not installed here or finds no GPU
            self.assertIn("PyTorch", name, output)
            self.assertRegex(outcome, r"SKIPPED: .* lacks |NOT MEASURED: graph: .* finds no GPU", output)
        measurements = results["measurements"]
        operations = measurements[0]["kernels"]
        self.assertGreater(len(operations), 0)
        launches, = (measurement["launches"] for measurement in measurements if measurement.get("program") == "ncu")
        self.assertEqual((launches[0]["nanoseconds"], launches[0]["percent_of_dram_peak"]), (8512, None))
        trained = [measurement for measurement in measurements if measurement.get("program") == "sapnet-train"]
        self.assertEqual([run["precision"] for run in trained], ["fp32", "fp16"])
        sys.path.insert(0, str(ROOT / "bench" / "pages"))
        from results import Results
        file, = (self.folder / "out").glob("*.json")
        page = Results([file])
        self.assertEqual(page.kernels[0]["kernels"], operations)
        if any("results" in measurement for measurement in measurements):
            self.assertIn("481×321", next(iter(page.history.values())))

    def test_a_killed_run_leaves_its_finished_steps(self):
        sleeper = self.folder / "sleeper"
        self.replace_tests(f"[[ $* != *max_pool* ]] && exit; echo $$ >{sleeper}; exec sleep 60")
        process = self.start("check", "--slower", "3")
        deadline = time.monotonic() + 60
        while not (sleeper.exists() and sleeper.read_text()) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        os.kill(int(sleeper.read_text()), signal.SIGKILL)
        self.assertEqual(self.outcomes(self.results()),
                         {"conformance": "passed", "image": "passed", "GPU tests": "not finished"})

    def test_a_slow_step_is_stopped_and_the_rest_runs_until_the_time_is_up(self):
        self.replace_tests("sleep 60")
        code, output, results = self.run_to_end("check", "--seconds", "30", "--only", "conformance|GPU tests")
        self.assertEqual(code, 1)
        outcomes = self.outcomes(results)
        self.assertRegex(outcomes["conformance"], r"STOPPED: took longer than \d+ s", output)
        self.assertEqual(outcomes["GPU tests"], "SKIPPED: no time left", output)

    def test_a_failed_step_reports_its_last_lines(self):
        self.replace_tests("echo why; exit 3")
        shutil.copy(self.inputs / "rainy.png", self.inputs / "derained_on_cpu.png")
        code, output, results = self.run_to_end("check", "--only", "conformance|image")
        self.assertEqual(code, 1)
        conformance, image = results["steps"]
        self.assertEqual(conformance["outcome"], "FAILED: exit code 1")
        self.assertIn("why", conformance["last_lines"])
        self.assertIn("failed: [conformance]", conformance["last_lines"])
        self.assertRegex(image["outcome"], r"FAILED: [\d.]+ dB from the CPU's result", output)


if __name__ == "__main__":
    unittest.main()
