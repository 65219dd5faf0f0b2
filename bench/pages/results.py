"""Reads results of bench/compare.py and bench/gpu_day.py, and reports of sapnet-bench kernels."""
import dataclasses
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

from comparison.runs import typical  # noqa: E402


@dataclasses.dataclass
class Measurement:
    """A case on a machine at a commit; (seconds, program), or None if not measured."""
    date: str
    commit: str
    committed: int  # commit time, to order measurements of one date
    ours: tuple | None = None
    peer: tuple | None = None

    def add(self, seconds, program, ours):
        kind = "ours" if ours else "peer"
        if getattr(self, kind) is None or seconds < getattr(self, kind)[0]:
            setattr(self, kind, (seconds, program))

    @property
    def of(self):
        return f"{self.date}, {self.commit}"

    @property
    def ratio(self):
        return self.peer[0] / self.ours[0] if self.ours and self.peer else None


class Results:
    """history: machine → case → measurements, oldest first; on_gpu: whether any is from a GPU; kernels: reports of
    operations, newest first."""

    def __init__(self, files):
        self._cases, self.kernels, self.on_gpu = {}, [], False
        for file in files:
            self._read(json.loads(file.read_text()), {})
        self.history = {}
        for (machine, case), several in sorted(self._cases.items(), key=lambda item: order(*item[0])):
            in_time = sorted(several.values(), key=lambda one: (one.date, one.committed))
            self.history.setdefault(machine, {})[case] = in_time
        self.kernels.sort(key=lambda report: report["date"], reverse=True)

    def _read(self, document, context):
        """Nested documents inherit date, commit and machine."""
        context = context | {key: document[key] for key in ("date", "commit", "cpu", "gpu", "threads") if key in document}
        for result in document.get("results", []):
            device = result.get("device", "cpu")
            for name, report in result["programs"].items():
                if report and "seconds" in report:
                    self._add(result, report, device, context, name)
        for measurement in document.get("measurements", []):
            self._read(measurement, context)
        if "roofs" in document:
            self.kernels.append({"date": "", "commit": ""} | context | document)
        elif "seconds" in document and ("width" in document or "batch" in document):
            self._add(document, document, "cuda" if "gpu" in context else "cpu", context, "ours")

    def _add(self, what, report, device, context, name):
        if device == "cuda":
            self.on_gpu = True
            machine = report.get("device", context.get("gpu", "unknown GPU")).split(",")[0]
        else:
            machine = f"{context.get('cpu', 'unknown CPU')}, {context.get('threads', '?')} threads"
        commit = context.get("commit", "unknown")
        several = self._cases.setdefault((machine, case_name(what)), {})
        if (context["date"], commit) not in several:
            several[context["date"], commit] = Measurement(context["date"], commit, commit_time(commit))
        ours = name.startswith("ours")
        program = report["mode"] if ours else f"{report['program']}, {name}"
        several[context["date"], commit].add(typical(device, report), program, ours)


def case_name(result):
    if "width" in result:
        return f"{result['width']}×{result['height']}"
    if "vgg_batch" in result:
        return f"VGG-16 forward and backward, {result['vgg_batch']}×{result['vgg_patch']}×{result['vgg_patch']}"
    loss = "all losses" if result.get("loss") == "all" else "−SSIM"
    return f"Training step, {result['batch']}×{result['patch']}×{result['patch']}, {loss}"


def order(machine, case):
    """Sorts machines by name; image sizes first, in order."""
    width = case.split("×")[0]
    return machine, not width.isdigit(), int(width) if width.isdigit() else 0, case


def commit_time(commit):
    command = ["git", "-C", ROOT, "show", "-s", "--format=%ct", commit.removesuffix("-modified")]
    result = subprocess.run(command, capture_output=True, text=True)
    return int(result.stdout) if result.returncode == 0 else 0
