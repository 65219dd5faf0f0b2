"""Runs steps with time limits and keeps their results in one JSON file."""
import contextlib
import datetime
import functools
import itertools
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tarfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
GRACE = 4  # seconds on a GPU from SIGTERM to SIGKILL
SHORTEST = 5  # seconds; with less time left, no step starts
LARGEST_LOG = 2**20  # bytes; larger files, such as checkpoints, are left out
LAST_LINES = 15  # of a failed step, printed and kept in the results


@functools.cache
def commit():
    """The commit: in a pack, from the file that bench/gpu_pack.sh wrote."""
    file = ROOT / "COMMIT"
    if file.exists():
        return file.read_text().strip()
    command = ["git", "-C", ROOT, "describe", "--always", "--abbrev=12", "--dirty=-modified", "--exclude=*"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip() or "unknown"


def gpu_state():
    query = "name,driver_version,memory.total,clocks.sm,clocks.mem,clocks.max.sm,temperature.gpu,power.draw"
    try:
        return subprocess.run(["nvidia-smi", "--format=csv,noheader", "--query-gpu=" + query], capture_output=True,
                              check=True, text=True, timeout=20).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown: nvidia-smi failed"


def stop(process, grace):
    """Ends the process and all that it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):  # even SIGKILL waits for a GPU driver that hangs
            process.wait(grace)


def unused(folder, stem):
    """The first of STEM.json, STEM_2.json, … that does not exist."""
    names = itertools.chain([stem], (f"{stem}_{k}" for k in itertools.count(2)))
    return next(file for file in (folder / f"{name}.json" for name in names) if not file.exists())


class Day:
    """A run of several steps within `limit` seconds. The results are written to `file` when a step starts and ends.

    only: a regular expression that selects steps; slower: a factor for all time limits; logs, out: folders."""

    def __init__(self, name, limit, only, slower, logs, out):
        self._start, self._limit, self._slower = time.monotonic(), limit * slower, slower
        self._grace = GRACE * slower
        self._only, self._logs = re.compile(only), logs
        self._environment = dict(os.environ, COMMIT=commit(), SAPNET_SOURCE_DIR=str(ROOT), SAPNET_REQUIRE_GPU="1",
                                 OMP_WAIT_POLICY="passive")
        date = datetime.date.today().isoformat()
        self.file = unused(out, f"{date}_{commit()}_{name}")
        self.measurements = {}  # by name, as in bench/results
        self._document = {"date": date, "commit": commit(), "gpu": gpu_state(), "limit": self._limit, "steps": []}
        out.mkdir(parents=True, exist_ok=True)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the logs are kept
        print(f"GPU: {self._document['gpu']}\nCommit: {commit()}\nTime limit: {self._limit:.0f} s\n"
              f"Results: {self.file}", flush=True)
        self._save()

    def elapsed(self):
        """Seconds since the start."""
        return time.monotonic() - self._start

    def left(self):
        return self._limit - self.elapsed()

    def limit(self, seconds):
        """The time limit of a step that may take so long on a GPU."""
        return min(seconds * self._slower, self.left() - self._grace)

    def wants(self, name):
        return self._only.search(name) is not None

    def log(self, name, suffix):
        return self._logs / (re.sub(r"[^\w.-]", "_", name) + suffix)

    def skip(self, name, reason):
        if self.wants(name):
            self._document["steps"].append({"name": name, "limit": 0, "seconds": 0, "outcome": f"SKIPPED: {reason}"})
            self._say(f"{name}: SKIPPED: {reason}")
            self._save()

    def record(self, name, measurement):
        """Adds or replaces a measurement of the results."""
        self.measurements[name] = measurement
        self._save()

    def step(self, name, limit, command, judge=None, until_stopped=False):
        """Runs a command for at most `limit` seconds; returns whether it passed. Its output goes to log(name, ".out")
        and log(name, ".err"). judge: called if the command succeeds; returns what is wrong with the results, or None.
        until_stopped: whether the command is meant to run until the limit."""
        if not self.wants(name):
            return False
        limit = self.limit(limit)
        if limit < SHORTEST:
            self.skip(name, "no time left")
            return False
        step = {"name": name, "limit": round(limit), "seconds": 0, "outcome": "not finished"}
        self._document["steps"].append(step)
        self._say(f"{name}: at most {limit:.0f} s")
        self._save()
        begin = time.monotonic()
        fault = self._run(name, limit, command, until_stopped)
        if not fault and judge:
            try:
                fault = judge()
            except (OSError, ValueError, LookupError) as error:  # missing or damaged results
                fault = f"unexpected results: {error!r}"
        step["seconds"] = round(time.monotonic() - begin, 1)
        step["outcome"] = fault or "passed"
        self._say(f"{name}: {step['outcome']} after {step['seconds']:.0f} s")
        if fault:
            step["last_lines"] = [line for suffix in (".out", ".err") for line in
                                  self.log(name, suffix).read_text(errors="replace").splitlines()[-LAST_LINES:]]
            print("".join(f"    | {line}\n" for line in step["last_lines"]), end="")
        self._save()
        return not fault

    def _run(self, name, limit, command, until_stopped):
        """Returns what went wrong, or None."""
        # A process group of its own, so that what it starts can be stopped as well.
        with open(self.log(name, ".out"), "wb") as out, open(self.log(name, ".err"), "wb") as err:
            try:
                process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=out,
                                           stderr=err, env=self._environment, cwd=ROOT, start_new_session=True)
            except OSError as error:
                return f"FAILED: {error}"
            try:
                code = process.wait(limit)
            except subprocess.TimeoutExpired:
                if not until_stopped:
                    return f"STOPPED: took longer than {limit:.0f} s"
                os.killpg(process.pid, signal.SIGTERM)
                try:
                    code = process.wait(self._grace)
                except subprocess.TimeoutExpired:
                    return f"STOPPED: did not end within {self._grace:.0f} s of SIGTERM"
                return None if code in (0, -signal.SIGTERM, 128 + signal.SIGTERM) else f"FAILED: exit code {code}"
            finally:
                stop(process, self._grace)
        return f"FAILED: exit code {code}" if code else None

    def _say(self, line):
        print(f"[{self.elapsed():3.0f} s] {line}", flush=True)

    def _save(self, **more):
        """Replaces the file at once, so that it is complete whenever the run is killed."""
        self._document |= {"seconds": round(self.elapsed(), 1)} | more
        text = json.dumps(self._document | {"measurements": list(self.measurements.values())}, indent=1)
        unfinished = self.file.with_suffix(".unfinished")
        unfinished.write_text(text + "\n")
        unfinished.replace(self.file)

    def finish(self):
        """Packs the logs and prints a summary; returns whether all steps passed."""
        self._save(gpu_after=gpu_state())
        with tarfile.open(self.file.with_suffix(".logs.tar.xz"), "w:xz") as archive:
            archive.add(self._logs, "logs", filter=lambda entry: entry if entry.size < LARGEST_LOG else None)
        print("\nSummary")
        for step in self._document["steps"]:
            print(f"{step['seconds']:6.1f} of {step['limit']:3d} s  {step['name']:<40}{step['outcome']}")
        passed = [step["outcome"] == "passed" for step in self._document["steps"]]
        print(f"{sum(passed)} of {len(passed)} steps passed in {self.elapsed():.0f} s of {self._limit:.0f}\n"
              f"Results: {self.file}")
        return bool(passed) and all(passed)
