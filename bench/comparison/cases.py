"""The cases: networks, training steps, and VGG-16 forward and backward, each for every program."""
import dataclasses
import pathlib
import sys
from typing import Callable

import numpy

from . import images
from .runs import typical

PEERS = pathlib.Path(__file__).resolve().parents[1] / "peers"
sys.path.insert(0, str(PEERS))

from modes import COMPILED, MODES  # noqa: E402
from vision import LINEAR_NAMES, draw_linear, draw_vgg16  # noqa: E402
from weight_file import write_safetensors  # noqa: E402

BATCH, PATCH = 12, 100  # the paper's
# Width, height, rounds of processes, timed runs in each: small images are faster and vary more.
NETWORKS = {"cpu": ((100, 100, 3, 7), (481, 321, 2, 2), (1280, 720, 1, 1)),
            "cuda": ((481, 321, 1, 20), (1920, 1080, 1, 20), (3840, 2160, 1, 10))}
VGG_TITLE = f"VGG {BATCH}x{PATCH}x{PATCH}"
# Losses, rounds, timed steps in each.
STEPS = {"cpu": (("ssim", 3, 2), ("all", 1, 2)), "cuda": (("ssim", 1, 20), ("all", 1, 20))}


@dataclasses.dataclass
class Case:
    title: str
    key: dict  # identifies the case in the results file
    device: str
    pixels: int
    rounds: int
    commands: dict
    judge: Callable  # (name, reports) to {"psnr": …, "difference": …}, as far as available
    reports: dict = dataclasses.field(default_factory=dict)

    def failed(self):
        """Whether a program failed. Failures of PyTorch on a GPU are reported but do not count."""
        return any(report.get("failed") for name, report in self.reports.items()
                   if self.device == "cpu" or name.startswith("ours"))

    def measured(self, ours):
        """Seconds by name, for our programs or for the peers."""
        return {name: typical(self.device, report) for name, report in self.reports.items()
                if "seconds" in report and name.startswith("ours") == ours}


def reference(reports):
    """Our fp32 program, which the others are compared with."""
    return next((name for name in ("ours", "ours fp32") if "seconds" in reports.get(name, {})), None)


def programs(options, device, command, peer, arguments, training=False):
    """Commands of our programs and PyTorch's, by name."""
    arguments = [*map(str, arguments), "--threads", str(options.threads), "--device", device]
    ours = {"ours": []} if device == "cpu" else {f"ours {p}": ["--precision", p] for p in ("fp16", "fp32")}
    commands = {name: [options.program, command, *arguments, *more] for name, more in ours.items()}
    for mode in options.modes or MODES[device]:
        if not (training and mode == "traced"):
            commands[mode] = [sys.executable, PEERS / peer, *arguments, "--mode", mode]
    return commands


def with_outputs(commands, folder):
    """Adds --output to the commands; also returns a function that reads an output."""
    files = {name: folder / f"{name.replace(' ', '_')}.f32" for name in commands}
    commands = {name: [*command, "--output", files[name]] for name, command in commands.items()}
    return commands, lambda name: numpy.fromfile(files[name], "<f4")


def network_title(width, height):
    return f"{width}x{height}"


def network(options, device, photo, folder, width, height, rounds, repeat):
    title, key = network_title(width, height), {"width": width, "height": height}
    if options.small:
        width, height, repeat = 16, 12, 1
    rainy, clean = (images.mirrored(image, width, height) for image in photo)
    folder = folder / title
    folder.mkdir()
    commands, output = with_outputs(programs(options, device, "network", "torch_network.py", [
        "--weights", options.weights, "--size", f"{width}x{height}", "--repeat", repeat,
        "--input", images.write(folder / "rainy.f32", rainy)]), folder)

    def judge(name, reports):
        values = output(name)
        result = {"psnr": images.psnr(values.reshape(clean.shape), clean)}
        if reference(reports) not in (None, name):
            result["difference"] = float(numpy.abs(values - output(reference(reports))).max())
        return result

    return Case(title, key, device, width * height, rounds, commands, judge)


def step_title(loss):
    return f"step {BATCH}x{PATCH}x{PATCH}, {'all losses' if loss == 'all' else '-SSIM'}"


def step(options, device, photo, folder, loss, rounds, repeat):
    batch, patch, repeat = (1, 16, 1) if options.small else (BATCH, PATCH, repeat)
    arguments = ["--weights", options.weights, "--batch", batch, "--patch", patch, "--repeat", repeat, "--input",
                 images.write(folder / "patches.f32", images.patches(photo, batch, patch))]
    if loss == "all":
        linear = {name: weight.view(1, -1, 1, 1) for name, weight in zip(LINEAR_NAMES, draw_linear(2))}
        write_safetensors(folder / "lpips.safetensors", linear)
        arguments += ["--vgg", random_vgg16(folder), "--lpips", folder / "lpips.safetensors"]
    commands = programs(options, device, "step", "torch_step.py", arguments, training=True)

    def judge(name, reports):
        """Compares the losses of the first steps."""
        if reference(reports) in (None, name):
            return {}
        pairs = zip(reports[name]["losses"], reports[reference(reports)]["losses"])
        return {"difference": max(abs(a - b) for a, b in pairs)}

    key = {"batch": BATCH, "patch": PATCH, "loss": loss}
    return Case(step_title(loss), key, device, batch * patch**2, rounds, commands, judge)


def vgg(options, folder):
    """On noise, with random weights, which do not affect the time. The difference is the relative 2-norm error of the
    input gradient, since a maximum of nearly equal values may route its gradient either way."""
    noise = numpy.random.default_rng(0).random((BATCH, PATCH, PATCH, 3), numpy.float32)
    folder = folder / "vgg"
    folder.mkdir()
    commands, gradient = with_outputs(programs(options, "cpu", "vgg", "torch_vgg.py", [
        "--weights", random_vgg16(folder), "--batch", BATCH, "--patch", PATCH, "--repeat", 5,
        "--input", images.write(folder / "noise.f32", noise)], training=True), folder)

    def judge(name, reports):
        if reference(reports) in (None, name):
            return {}
        ours, theirs = gradient(reference(reports)), gradient(name)
        return {"difference": float(numpy.linalg.norm(ours - theirs) / numpy.linalg.norm(theirs))}

    return Case(VGG_TITLE, {"vgg_batch": BATCH, "vgg_patch": PATCH}, "cpu",
                BATCH * PATCH**2, 3, commands, judge)


def random_vgg16(folder):
    file = folder / "vgg16.safetensors"
    if not file.exists():
        write_safetensors(file, draw_vgg16(1).state_dict())
    return file


def all_cases(options, device, folder):
    """Those whose title contains options.only."""
    photo = images.rainy_and_clean(options.program.parent, folder)
    cases = [network(options, device, photo, folder, *of) for of in NETWORKS[device]
             if options.only in network_title(*of[:2])]
    cases += [step(options, device, photo, folder, *of) for of in STEPS[device] if options.only in step_title(of[0])]
    return cases + ([vgg(options, folder)] if device == "cpu" and options.only in VGG_TITLE else [])
