"""The inputs: a photo with synthetic rain, so that wrong results show in the PSNR."""
import math
import pathlib
import subprocess

import numpy
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]
PHOTO = ROOT / "docs" / "photos" / "coffee.jpg"


def read(file):
    return numpy.asarray(Image.open(file).convert("RGB"), numpy.float32) / numpy.float32(255)


def rainy_and_clean(programs, folder):
    """The photo with and without rain, (h, w, 3) in [0, 1]; `programs` is the folder of sapnet-rain."""
    rainy = folder / "rainy.png"
    subprocess.run([programs / "sapnet-rain", PHOTO, "-o", rainy], check=True, capture_output=True)
    return read(rainy), read(PHOTO)


def mirrored(image, width, height):
    """The upper left corner in this size, extended by reflection if necessary."""
    pads = [(0, max(0, size - have)) for size, have in zip((height, width), image.shape)]
    return numpy.pad(image, (*pads, (0, 0)), mode="symmetric")[:height, :width]


def patches(images, count, side):
    """Patches at the same random positions of each image, (images, count, side, side, 3)."""
    random = numpy.random.default_rng(0)
    height, width, _ = images[0].shape
    places = [(random.integers(height - side + 1), random.integers(width - side + 1)) for _ in range(count)]
    return numpy.stack([[image[y:y + side, x:x + side] for y, x in places] for image in images])


def write(file, values):
    numpy.ascontiguousarray(values, "<f4").tofile(file)
    return file


def psnr(output, clean):
    """PSNR in dB after clamping to [0, 1]."""
    error = numpy.mean((numpy.clip(output, 0, 1).astype(numpy.float64) - clean) ** 2)
    return -10 * math.log10(error) if error > 0 else math.inf
