"""Writes yardstick.json: PyTorch's scores with the published weights on the benchmark pairs.

    /usr/bin/python3 tests/golden/make_yardstick.py [--data ../shared/data] [--weights ../shared/weights]
                                                    [--outputs DIR]

Per weight file, set and image: PSNR in dB and SSIM, RGB, for outputs truncated and outputs rounded to bytes.
With --outputs the unrounded results are stored as raw fp32 (h, w, 3), and existing ones are not recomputed.
"""
import argparse
import json
import pathlib
import sys

import numpy
import torch
import torch.nn.functional as F
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench" / "peers"))

from networks import load_network  # noqa: E402

RUNS = [
    ("sapnet_published_2021-09-12.pth", "rain100L"),
    ("sapnet_published_2021-09-12.pth", "rain100H"),
    ("prenet_rain100L.pth", "rain100L"),
    ("prenet_rain100H.pth", "rain100H"),
]


def read_bytes(path):
    """(h, w, 3), 0 to 255."""
    return numpy.asarray(Image.open(path).convert("RGB"))


def to_tensor(pixels):
    """Bytes (h, w, 3) to (1, 3, h, w) in [0, 1], double."""
    return torch.from_numpy(pixels.astype(numpy.float64) / 255).permute(2, 0, 1)[None]


def psnr(a, b):
    return (-10 * torch.log10(((a - b) ** 2).mean())).item()


def ssim(a, b):
    """Wang et al. 2004: 11×11 Gaussian window, σ = 1.5, zero-padded, the mean over pixels and channels."""
    line = torch.exp(-((torch.arange(11).double() - 5) ** 2) / (2 * 1.5**2))
    line /= line.sum()
    across, down = line.view(1, 1, 1, 11), line.view(1, 1, 11, 1)
    blur = lambda x: F.conv2d(F.conv2d(x.transpose(0, 1), across, padding=(0, 5)), down, padding=(5, 0))
    mean_a, mean_b = blur(a), blur(b)
    variance_a, variance_b = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2
    covariance = blur(a * b) - mean_a * mean_b
    c1, c2 = 0.01**2, 0.03**2
    numerator = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    denominator = (mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2)
    return (numerator / denominator).mean().item()


@torch.inference_mode()
def score(network, rain_file, clean_file, output_file):
    rainy = to_tensor(read_bytes(rain_file)).float().contiguous(memory_format=torch.channels_last)
    clean = to_tensor(read_bytes(clean_file))
    if output_file and output_file.exists():
        derained = numpy.fromfile(output_file, "<f4").reshape(*rainy.shape[2:], 3)
    else:
        derained = network(rainy)[0].permute(1, 2, 0).contiguous().numpy()
        if output_file:
            output_file.parent.mkdir(parents=True, exist_ok=True)
            derained.astype("<f4").tofile(output_file)
    scaled = numpy.clip(derained, 0, 1) * numpy.float32(255)
    scores = {}
    for rounding, pixels in (("truncate", numpy.trunc(scaled)), ("nearest", numpy.rint(scaled))):
        result = to_tensor(pixels)
        scores[rounding] = {"psnr": round(psnr(result, clean), 5), "ssim": round(ssim(result, clean), 7)}
    return scores


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = ROOT.parent / "shared"
    parser.add_argument("--data", type=pathlib.Path, default=shared / "data")
    parser.add_argument("--weights", type=pathlib.Path, default=shared / "weights")
    parser.add_argument("--outputs", type=pathlib.Path)
    options = parser.parse_args()
    yardstick = {"torch": torch.__version__}
    for weights, pairs in RUNS:
        network = load_network(options.weights / weights).to(memory_format=torch.channels_last)
        images = {}
        for rain_file in sorted((options.data / pairs / "rain").glob("*.png")):
            stem = pathlib.Path(weights).stem
            output_file = options.outputs and options.outputs / stem / pairs / f"{rain_file.stem}.f32"
            images[rain_file.name] = score(network, rain_file, options.data / pairs / "clean" / rain_file.name,
                                           output_file)
        yardstick.setdefault(weights, {})[pairs] = images
        for rounding in ("truncate", "nearest"):
            mean = {figure: sum(image[rounding][figure] for image in images.values()) / len(images)
                    for figure in ("psnr", "ssim")}
            print(f"{weights} on {len(images)} pairs of {pairs}, {rounding}: "
                  f"{mean['psnr']:.4f} dB, SSIM {mean['ssim']:.5f}", flush=True)
    text = json.dumps(yardstick, indent=1) + "\n"
    pathlib.Path(__file__).with_name("yardstick.json").write_text(text)


if __name__ == "__main__":
    main()
