"""NVIDIA's compute-sanitizer and ncu, and the libraries that PyTorch's packages bring along."""
import csv
import importlib.util
import os
import pathlib
import shutil

from .runner import ROOT

# The eight kernels in which a training step spends most of its time.
KERNELS = ("conv2d_rows", "conv_lstm_rows", "conv2d_thin", "conv2d_igemm", "sum_slices", "sum_scale_gradient",
           "ssim_tiles", "ssim_backward_tiles")
# Whole sections, since ncu refuses to run with a single metric that it does not know on this GPU.
SECTIONS = ("SpeedOfLight", "ComputeWorkloadAnalysis", "MemoryWorkloadAnalysis", "WarpStateStats", "Occupancy",
            "LaunchStats")
METRICS = {
    "nanoseconds": "gpu__time_duration.sum",
    "percent_of_arithmetic_peak": "sm__throughput.avg.pct_of_peak_sustained_elapsed",
    "percent_of_memory_peak": "gpu__compute_memory_throughput.avg.pct_of_peak_sustained_elapsed",
    "percent_of_dram_peak": "gpu__dram_throughput.avg.pct_of_peak_sustained_elapsed",
    "percent_of_l2_peak": "lts__throughput.avg.pct_of_peak_sustained_elapsed",
    "percent_of_l1_peak": "l1tex__throughput.avg.pct_of_peak_sustained_active",
    "percent_of_issue_slots": "sm__inst_issued.avg.pct_of_peak_sustained_active",
    "percent_of_warps": "sm__warps_active.avg.pct_of_peak_sustained_active",
    "registers": "launch__registers_per_thread",
}


def find(name):
    """The tool in PATH, in a CUDA toolkit or in the pack; None if it is missing."""
    places = [*map(pathlib.Path, os.get_exec_path()), pathlib.Path("/usr/local/cuda/bin"),
              *sorted(pathlib.Path("/opt/nvidia/nsight-compute").glob("*"), reverse=True), ROOT / name]
    return next((found for place in places if (found := shutil.which(name, path=place))), None)


def library_path():
    """LD_LIBRARY_PATH with cuDNN and cuBLAS, which are often installed only as Python packages."""
    nvidia = importlib.util.find_spec("nvidia")
    packages = nvidia.submodule_search_locations if nvidia else []
    folders = {str(file.parent) for package in packages for library in ("libcudnn.so.9", "libcublas.so.1[23]")
               for file in pathlib.Path(package).rglob(library)}
    return ":".join(filter(None, [*sorted(folders), os.environ.get("LD_LIBRARY_PATH")]))


def profile(ncu, file, command):
    """The command under ncu: the first launch of each of KERNELS at each size, as CSV in the file."""
    sections = [part for section in SECTIONS for part in ("--section", section)]
    return [ncu, "--clock-control", "none", "--kernel-name", f"regex:{'|'.join(KERNELS)}", "--filter-mode",
            "per-launch-config", "--launch-count", "1", *sections, "--csv", "--page", "raw", "--print-units", "base",
            "--log-file", file, *command]


def read_profile(file):
    """METRICS of the launches, from ncu's messages, a header, a row of units and a row for each launch."""
    lines = file.read_text().splitlines()
    header = [k for k, line in enumerate(lines) if line.startswith('"ID"')][0]
    _, *launches = csv.DictReader(lines[header:])
    return [{"kernel": launch["Kernel Name"], "grid": launch["Grid Size"], "block": launch["Block Size"]}
            | {name: number(launch.get(metric) or "") for name, metric in METRICS.items()} for launch in launches]


def number(text):
    """None if ncu has no value."""
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None
