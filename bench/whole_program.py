"""Times whole programs including file I/O: images per second of sapnet-infer on a folder, frames per second with
--video, and steps per second of sapnet-train, each with the network's share of the time.

    python3 bench/whole_program.py --programs build/bin [--device cuda]

The share is the network's time from sapnet-bench divided by the program's time. Start-up is excluded by subtracting a
run on one image. Prints JSON on stdout and readable lines on stderr.
"""
import argparse
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
THREADS = len(os.sched_getaffinity(0))
ENVIRONMENT = dict(os.environ, OMP_WAIT_POLICY="passive")  # as the programs set it themselves


def size_of_png(file):
    return struct.unpack(">II", file.read_bytes()[16:24])


def run(command, **options):
    """Returns stdout and the seconds."""
    start = time.perf_counter()
    result = subprocess.run([str(part) for part in command], capture_output=True, env=ENVIRONMENT, **options)
    seconds = time.perf_counter() - start
    if result.returncode != 0:
        sys.exit(f"whole_program.py: {' '.join(map(str, command[:2]))}: {result.stderr.decode(errors='replace')[-300:]}")
    return result.stdout, seconds


class Programs:
    def __init__(self, options):
        self.folder = options.programs.resolve()
        self.photos, self.attempts = options.photos, options.attempts
        self.photo = min(self.photos.glob("*.png"))
        self.device = ["--device", options.device]
        self.typical = "median" if options.device == "cuda" else "min"  # on a CPU other processes interfere
        self.precision = ["--precision", options.precision]
        self.weights = ["--weights", ROOT / "weights" / "sapnet.safetensors"]

    def seconds_of_one(self, run, count):
        """Extra seconds of a run with one more image, frame or step, from the fastest of several attempts."""
        fastest = [min(run(number) for _ in range(self.attempts)) for number in (1, 1 + count)]
        return (fastest[1] - fastest[0]) / count

    def seconds_of_network(self, width, height):
        out, _ = run([self.folder / "sapnet-bench", "network", *self.device, *self.precision, *self.weights, "--size",
                      f"{width}x{height}", "--threads", THREADS, "--repeat", 5])
        return json.loads(out)["seconds"][self.typical]

    def folder_of_images(self, count, form, work):
        """Seconds per additional image, and of the network in it."""
        def derain(number):
            images, out = work / f"images{number}", work / "out"
            shutil.rmtree(images, ignore_errors=True)
            images.mkdir()
            for k in range(number):
                shutil.copy(self.photo, images / f"{k:04}.png")
            return run([self.folder / "sapnet-infer", images, "-o", out, "--format", form, *self.device,
                        *self.precision, *self.weights])[1]

        width, height = size_of_png(self.photo)
        return self.seconds_of_one(derain, count), self.seconds_of_network(width, height)

    def video(self, count, width, height):
        def derain(number):
            frames = bytes(range(251)) * (number * width * height * 3 // 251 + 1)
            return run([self.folder / "sapnet-infer", "--video", f"{width}x{height}", *self.device, *self.precision,
                        *self.weights], input=frames[:number * width * height * 3])[1]

        return self.seconds_of_one(derain, count), self.seconds_of_network(width, height)

    def training(self, steps, batch, patch, work):
        def train(number):
            out = work / "run"
            shutil.rmtree(out, ignore_errors=True)
            images = sum(file.suffix in (".png", ".jpg") for file in self.photos.iterdir())
            settings = {"epochs": 1, "batch": batch, "patch": patch, "stride": 0,
                        "patches_per_image": number * batch // images}
            return run([self.folder / "sapnet-train", "--config", ROOT / "train" / "configs" / "ssim.json", "--data",
                        self.photos, *self.device, *self.precision, "--out", out, "--set",
                        *(f"{name}={value}" for name, value in settings.items())])[1]

        out, _ = run([self.folder / "sapnet-bench", "step", *self.device, *self.precision, *self.weights, "--batch", batch,
                      "--patch", patch, "--threads", THREADS, "--repeat", 3])
        return self.seconds_of_one(train, steps), json.loads(out)["seconds"][self.typical]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, default=ROOT / "build" / "bin")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--precision", choices=("fp32", "fp16"), default=None, help="fp16 on a GPU, fp32 on the CPU")
    parser.add_argument("--photos", type=pathlib.Path, default=ROOT / "docs" / "photos",
                        help="folder of clean photos; the first PNG is derained")
    parser.add_argument("--attempts", type=int, default=3, help="runs of each program; the fastest counts")
    parser.add_argument("--images", type=int, default=None)
    parser.add_argument("--frames", type=int, default=None)
    parser.add_argument("--frame-size", default=None, help="WIDTHxHEIGHT")
    parser.add_argument("--steps", type=int, default=None)
    parser.add_argument("--patch", type=int, default=100)
    options = parser.parse_args()
    cuda = options.device == "cuda"
    options.precision = options.precision or ("fp16" if cuda else "fp32")
    width, height = map(int, (options.frame_size or ("1920x1080" if cuda else "481x321")).split("x"))
    programs = Programs(options)
    rows = []

    def report(what, unit, measured):
        seconds, network = measured
        share = network / seconds
        print(f"{1 / seconds:10.2f} {unit} per second, the network runs {100 * share:3.0f} % of the time: {what}",
              file=sys.stderr, flush=True)
        rows.append({"what": what, "unit": unit, "per_second": 1 / seconds, "network_share": share})

    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        images = options.images or (400 if cuda else 8)
        size = "x".join(map(str, size_of_png(programs.photo)))
        for form in ("png", "jpg"):
            report(f"sapnet-infer on a folder of {size}, PNG to {form.upper()}", "images",
                   programs.folder_of_images(images, form, work))
        report(f"sapnet-infer --video {width}x{height}", "frames",
               programs.video(options.frames or (100 if cuda else 8), width, height))
        report(f"sapnet-train, 12×{options.patch}×{options.patch}, -SSIM", "steps",
               programs.training(options.steps or (200 if cuda else 3), 12, options.patch, work))
    json.dump({"program": "whole programs", "device": options.device, "precision": options.precision, "rows": rows},
              sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
