"""Writes losses.safetensors: PyTorch's results, in double precision, for the perceptual and semantic losses.

    /usr/bin/python3 tests/golden/make_losses.py

Both sides generate weights and images from the same seeds (bench/peers/draw.py, tests/model/seeded.h), so the file
holds only results: for each loss its value and its gradient with respect to the derained images, (n, h, w, 3); for
a whole step its terms and, for the gradient of each SAPNet weight, the 2-norm and the dot product with the weight.
Cases named real_ use trained weights, if ../shared/weights has them.
"""
import pathlib
import sys

import torch

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench" / "peers"))

from draw import draw_uniform  # noqa: E402
from losses import contrast, focal, lpips, parts  # noqa: E402
from networks import SAPNet  # noqa: E402
from vision import Vgg16, draw_linear, draw_segmentation, draw_vgg16, normalized, read_linear  # noqa: E402
from weight_file import read_weights, write_safetensors  # noqa: E402

FOLDER = pathlib.Path(__file__).resolve().parent
SHARED = ROOT.parent / "shared" / "weights"
IMAGES, VGG, LINEAR, SEGMENTATION = 11, 12, 13, 1  # seeds
# With 1, two classes are so close at one pixel that in fp32, also in PyTorch, the other one becomes the label.
BATCH_SEGMENTATION = 2


def draw_images(n, height, width):
    """Clean, rainy and derained images."""
    def draw(number, limit):
        values = draw_uniform(IMAGES, number, n * height * width * 3, limit)
        return torch.from_numpy(values).reshape(n, height, width, 3).permute(0, 3, 1, 2)

    clean = draw(0, 0.5) + 0.5
    return clean, clean + (draw(1, 0.25) + 0.25), clean + (draw(2, 0.0625) + 0.0625)


def result(name, loss, derained):
    """loss: a function of the derained images."""
    derained = derained.double().requires_grad_()
    value = loss(derained)
    value.backward()
    print(f"{name}: {value.item():.6g}, gradient {derained.grad.norm().item():.3g}")
    return {f"{name}.value": value.detach()[None].float(),
            f"{name}.gradient": derained.grad.permute(0, 2, 3, 1).float()}


def each_loss():
    clean, rainy, derained = draw_images(2, 40, 36)
    exact_clean, exact_rainy = clean.double(), rainy.double()
    tensors = {}

    def perceptual(prefix, vgg, linear):
        def raw(images):
            return vgg(images)[:4]

        def features(images):
            return vgg(normalized(images))

        tensors.update(result(f"{prefix}contrast", lambda d: contrast(
            features(d)[:4], features(exact_clean)[:4], features(exact_rainy)[:4]), derained))
        tensors.update(result(f"{prefix}contrast_none", lambda d: 4 * contrast(
            raw(d), raw(exact_clean), raw(exact_rainy)), derained))
        tensors.update(result(f"{prefix}distance", lambda d: lpips(features(d), features(exact_clean), linear),
                              derained))

    perceptual("", draw_vgg16(VGG).double(), [w.double() for w in draw_linear(LINEAR)])
    partial, lpips = SHARED / "vgg16_conv1_1_to_conv2_2.safetensors", SHARED / "lpips_vgg_linear_v0.1.pth"
    if partial.exists() and lpips.exists():
        real = Vgg16(2)
        real.load_state_dict(read_weights(partial))
        linear = [w.double() for w in read_linear(lpips)[:2]]
        perceptual("real_", real.double(), linear)
    else:
        print("the learned weights are not there, so neither are the cases named real_")

    for depth, seed, trains in ((101, SEGMENTATION, False), (18, BATCH_SEGMENTATION, True)):
        net = draw_segmentation(depth, seed).double().train(trains)
        tensors.update(result(f"segmentation{depth}", lambda d: focal(net(normalized(d))), derained))
    return tensors


def whole_step(name, n, side, stages, depth, segmentation_weight):
    clean, rainy, _ = draw_images(n, side, side)
    network = SAPNet()
    network.load_state_dict({key: tensor for key, tensor in read_weights(FOLDER / "sapnet.safetensors").items()
                             if not key.startswith("golden.")})
    network = network.double()
    vgg, segmentation = draw_vgg16(VGG).double(), draw_segmentation(depth, SEGMENTATION).double().eval()
    for frozen in (vgg, segmentation):
        frozen.requires_grad_(False)
    clean, rainy = clean.double(), rainy.double()
    derained = network.forward_stages(rainy)[stages - 1]
    values = parts(derained, clean, rainy, vgg, [w.double() for w in draw_linear(LINEAR)], segmentation)
    loss = (values * torch.tensor([1, 0.1, 0.1, segmentation_weight], dtype=torch.double)).sum()
    loss.backward()
    print(f"{name}: {loss.item():.6g} of {[round(value.item(), 4) for value in values]}")
    tensors = {f"{name}.loss": loss.detach()[None].float(), f"{name}.parts": values.detach().float()}
    for key, parameter in network.named_parameters():
        gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        tensors[f"{name}.summary.{key}"] = torch.stack(
            (gradient.norm(), (gradient * parameter).sum())).detach().float()
    return tensors


def main():
    torch.set_num_threads(2)
    write_safetensors(FOLDER / "losses.safetensors",
                      each_loss() | whole_step("step", 2, 64, 6, 101, 0.1)
                      | whole_step("small_step", 1, 16, 2, 18, 10))


if __name__ == "__main__":
    main()
