"""What the programs are given: a photo under drawn rain, so that a fast wrong answer shows in its PSNR."""
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
    """The photo, twice (h, w, 3) in [0, 1]; `programs` is the folder that has sapnet-rain."""
    rainy = folder / "rainy.png"
    subprocess.run([programs / "sapnet-rain", PHOTO, "-o", rainy], check=True, capture_output=True)
    return read(rainy), read(PHOTO)


def mirrored(picture, width, height):
    """Its upper left corner, or beyond its edges its mirror image, to that size."""
    pads = [(0, max(0, size - have)) for size, have in zip((height, width), picture.shape)]
    return numpy.pad(picture, (*pads, (0, 0)), mode="symmetric")[:height, :width]


def patches(pictures, count, side):
    """The same random places of each picture, (pictures, count, side, side, 3)."""
    random = numpy.random.default_rng(0)
    height, width, _ = pictures[0].shape
    places = [(random.integers(height - side + 1), random.integers(width - side + 1)) for _ in range(count)]
    return numpy.stack([[picture[y:y + side, x:x + side] for y, x in places] for picture in pictures])


def write(file, values):
    numpy.ascontiguousarray(values, "<f4").tofile(file)
    return file


def psnr(output, clean):
    """In dB, of what is shown: values between 0 and 1."""
    error = numpy.mean((numpy.clip(output, 0, 1).astype(numpy.float64) - clean) ** 2)
    return -10 * math.log10(error) if error > 0 else math.inf
