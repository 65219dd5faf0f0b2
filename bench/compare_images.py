"""Compares outputs with PyTorch's on real images, before they are rounded to bytes.

    /usr/bin/python3 bench/compare_images.py --program build/bin/sapnet-bench
                                             --weights sapnet_published_2021-09-12.pth rain100L/rain photos/

Prints the largest absolute difference for each image and overall (fp32, outputs in [0, 1]), and exits with 1 if it
exceeds --limit.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy
import torch
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bench" / "peers"))

from networks import load_network  # noqa: E402

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp"}


def images(paths):
    for path in paths:
        yield from sorted(file for file in path.iterdir() if file.suffix in SUFFIXES) if path.is_dir() else [path]


@torch.inference_mode()
def torch_output(network, rainy, kept):
    """Maps (h, w, 3) to the same shape. kept: a cache file for the output, or None."""
    if kept and kept.exists():
        return numpy.fromfile(kept, "<f4").reshape(rainy.shape)
    x = torch.from_numpy(rainy).permute(2, 0, 1)[None].contiguous(memory_format=torch.channels_last)
    derained = network(x)[0].permute(1, 2, 0).contiguous().numpy()
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        derained.astype("<f4").tofile(kept)
    return derained


def our_output(options, rainy, folder):
    height, width, _ = rainy.shape
    source, result = folder / "rainy.f32", folder / "derained.f32"
    rainy.astype("<f4").tofile(source)
    command = [options.program, "network", "--weights", options.weights, "--size", f"{width}x{height}",
               "--repeat", "1", "--threads", str(options.threads), "--input", source, "--output", result]
    subprocess.run(command + ["--strict"] * options.strict, check=True, stdout=subprocess.DEVNULL)
    return numpy.fromfile(result, "<f4").reshape(rainy.shape)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", nargs="+", type=pathlib.Path, help="files and folders")
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build" / "bin" / "sapnet-bench")
    parser.add_argument("--weights", type=pathlib.Path, default=ROOT / "weights" / "sapnet.safetensors")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--strict", action="store_true", help="use direct convolutions")
    parser.add_argument("--limit", type=float, default=2e-5)
    parser.add_argument("--outputs", type=pathlib.Path,
                        help="cache PyTorch's outputs here, as make_yardstick.py does")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    network = load_network(options.weights).to(memory_format=torch.channels_last)
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for file in images(options.images):
            rainy = numpy.asarray(Image.open(file).convert("RGB"), numpy.float32) / numpy.float32(255)
            group = file.parent.parent.name if file.parent.name == "rain" else file.parent.name
            kept = options.outputs and options.outputs / options.weights.stem / group / f"{file.stem}.f32"
            expected = torch_output(network, rainy, kept)
            difference = float(numpy.abs(our_output(options, rainy, pathlib.Path(folder)) - expected).max())
            worst = max(worst, difference)
            print(f"{file}  {rainy.shape[1]}x{rainy.shape[0]}  {difference:.2e}", flush=True)
    print(f"largest difference: {worst:.2e}, limit {options.limit:.0e}")
    if not worst <= options.limit:
        sys.exit(1)


if __name__ == "__main__":
    main()
