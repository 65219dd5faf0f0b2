#!/usr/bin/python3
"""Writes the small images that the tests of images read, into tests/train/image/images/.

Two motifs, whose values the test knows by the same formulas:
  checks(x, y, c): sharp, for the lossless kinds, 9x7
  ramp(x, y, c):   smooth, for JPEG, 24x16
PNGs come from the writer below, since PIL writes neither 16-bit colour nor interlacing; PIL reads back
what it can. Run with Debian's python3-pil: /usr/bin/python3 tests/train/image/make_images.py
"""
import io
import pathlib
import struct
import zlib

from PIL import Image

FOLDER = pathlib.Path(__file__).parent / "images"
WIDTH, HEIGHT = 9, 7
RAMP_WIDTH, RAMP_HEIGHT = 24, 16
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def checks(x, y, c):
    return (37 * x + 59 * y + 83 * c + 11) % 256


def checks16(x, y, c):
    return (5003 * x + 7919 * y + 20011 * c + 257) % 65536


def ramp(x, y, c):
    return (10 * x, 15 * y, 128)[c]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def write_png(name, depth, colour, channels, value, width=WIDTH, height=HEIGHT, interlace=False, before_pixels=b""):
    """value(x, y, c) gives a sample of `depth` bits; rows use filter 1 (sub) and 2 (up) in turn."""
    def row_bytes(xs, y):
        bits = "".join(format(value(x, y, c), f"0{depth}b") for x in xs for c in range(channels))
        bits += "0" * (-len(bits) % 8)
        return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))

    step = max(1, depth * channels // 8)
    raw = b""
    for x0, y0, dx, dy in ADAM7 if interlace else [(0, 0, 1, 1)]:
        xs = range(x0, width, dx)
        previous = bytes((len(xs) * depth * channels + 7) // 8)
        for number, y in enumerate(range(y0, height, dy) if xs else []):
            row = row_bytes(xs, y)
            left = bytes(step) + row
            other = left if number % 2 == 0 else previous
            raw += bytes([1 + number % 2]) + bytes((a - b) % 256 for a, b in zip(row, other))
            previous = row
    ihdr = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlace))
    pixels = zlib.compress(raw, 9)
    half = len(pixels) // 2
    (FOLDER / name).write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", ihdr) + before_pixels +
                                chunk(b"IDAT", pixels[:half]) + chunk(b"IDAT", pixels[half:]) + chunk(b"IEND", b""))


def image_of(formula, width, height):
    image = Image.new("RGB", (width, height))
    image.putdata([tuple(formula(x, y, c) for c in range(3)) for y in range(height) for x in range(width)])
    return image


def write_pngs():
    write_png("rgb8.png", 8, 2, 3, checks)
    write_png("rgb8_interlaced.png", 8, 2, 3, checks, interlace=True)
    write_png("rgba8.png", 8, 6, 4, checks)
    write_png("grey8.png", 8, 0, 1, checks)
    write_png("grey_alpha8.png", 8, 4, 2, checks)
    write_png("grey1.png", 1, 0, 1, lambda x, y, c: (x + y) % 2)
    write_png("grey4_interlaced.png", 4, 0, 1, lambda x, y, c: (x + 2 * y) % 16, interlace=True)
    write_png("rgb16.png", 16, 2, 3, checks16)
    write_png("rgba16_interlaced.png", 16, 6, 4, checks16, interlace=True)
    write_png("grey16.png", 16, 0, 1, checks16)
    write_png("grey_alpha16.png", 16, 4, 2, checks16)
    write_png("one_pixel.png", 8, 2, 3, checks, 1, 1)
    palette = chunk(b"PLTE", bytes(checks(i, 0, c) for i in range(16) for c in range(3)))
    index = lambda x, y, c: (x + y) % 16
    write_png("palette4.png", 4, 3, 1, index, before_pixels=palette)
    write_png("palette8_transparent.png", 8, 3, 1, index, before_pixels=palette + chunk(b"tRNS", bytes([0, 128])))
    # Colours 8 and up are beyond this palette: black.
    write_png("palette_short.png", 8, 3, 1, index,
              before_pixels=chunk(b"PLTE", bytes(checks(i, 0, c) for i in range(8) for c in range(3))))
    key = chunk(b"tRNS", struct.pack(">HHH", *(checks(1, 1, c) for c in range(3))))
    write_png("rgb8_keyed.png", 8, 2, 3, checks, before_pixels=key)
    key16 = chunk(b"tRNS", struct.pack(">HHH", *(checks16(1, 1, c) for c in range(3))))
    write_png("rgb16_keyed.png", 16, 2, 3, checks16, before_pixels=key16)
    tiff = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x03\0\0\0\0\0\0"
    write_png("rgb8_upside_down.png", 8, 2, 3, lambda x, y, c: checks(WIDTH - 1 - x, HEIGHT - 1 - y, c),
              before_pixels=chunk(b"eXIf", tiff))
    write_png("rgba8_upside_down.png", 8, 6, 4, lambda x, y, c: checks(WIDTH - 1 - x, HEIGHT - 1 - y, c),
              before_pixels=chunk(b"eXIf", tiff))
    for name in ("rgb8.png", "rgb8_interlaced.png", "rgba8.png"):
        assert Image.open(FOLDER / name).convert("RGB").tobytes() == image_of(checks, WIDTH, HEIGHT).tobytes(), name


def write_jpeg_in_scans(name, image):
    """A scan for each of Y, Cb and Cr, which PIL does not write: three grey JPEGs, whose tables are the same."""
    def segments(plane):
        stream = io.BytesIO()
        plane.save(stream, "JPEG", quality=95)
        data, at = stream.getvalue(), 2
        while data[at + 1] != 0xDA:
            end = at + 2 + int.from_bytes(data[at + 2:at + 4], "big")
            yield data[at + 1], data[at:end]
            at = end
        yield 0xDA, data[at:-2]

    planes = [dict(segments(plane)) for plane in image.convert("YCbCr").split()]
    tables = b"".join(data for marker, data in segments(image.getchannel("R")) if marker in (0xDB, 0xC4))
    frame = struct.pack(">BBHBHHB", 0xFF, 0xC0, 17, 8, image.height, image.width, 3)
    frame += b"".join(bytes([number, 0x11, 0]) for number in (1, 2, 3))
    # Byte 5 of a scan of one component is the component's number.
    scans = b"".join(plane[0xDA][:5] + bytes([number]) + plane[0xDA][6:] for number, plane in enumerate(planes, 1))
    (FOLDER / name).write_bytes(b"\xff\xd8" + tables + frame + scans + b"\xff\xd9")


def write_jpegs():
    image = image_of(ramp, RAMP_WIDTH, RAMP_HEIGHT)
    image.save(FOLDER / "ramp.jpg", quality=95)
    image.save(FOLDER / "ramp_progressive.jpg", quality=95, progressive=True)
    image.convert("CMYK").save(FOLDER / "ramp_cmyk.jpg", quality=95)
    image.getchannel("R").save(FOLDER / "ramp_grey.jpg", quality=95)
    write_jpeg_in_scans("ramp_scans.jpg", image)
    # How the upright image must be turned before storing, so that each orientation stands it up again.
    stored = {1: None, 2: Image.FLIP_LEFT_RIGHT, 3: Image.ROTATE_180, 4: Image.FLIP_TOP_BOTTOM, 5: Image.TRANSPOSE,
              6: Image.ROTATE_90, 7: Image.TRANSVERSE, 8: Image.ROTATE_270}
    for orientation, turn in stored.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        turned = image if turn is None else image.transpose(turn)
        turned.save(FOLDER / f"ramp_orientation{orientation}.jpg", quality=95, exif=exif)


def write_bmps():
    image = image_of(checks, WIDTH, HEIGHT)
    image.save(FOLDER / "rgb8.bmp")
    palette = Image.new("P", (WIDTH, HEIGHT))
    palette.putpalette([checks(i, 0, c) for i in range(256) for c in range(3)])
    palette.putdata([(x + y) % 16 for y in range(HEIGHT) for x in range(WIDTH)])
    palette.save(FOLDER / "palette8.bmp")
    Image.open(FOLDER / "grey1.png").convert("1").save(FOLDER / "grey1.bmp")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    write_pngs()
    write_jpegs()
    write_bmps()
