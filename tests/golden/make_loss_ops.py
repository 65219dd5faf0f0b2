"""Writes loss_ops.safetensors: inputs of the losses on features and logits, and PyTorch's results for them.

    /usr/bin/python3 tests/golden/make_loss_ops.py

Each case has its inputs, the value, and its gradient with respect to the first input; maps are (n, h, w, channels).
Inputs are representable in fp16, and everything is computed in double precision.
"""
import pathlib
import sys

import torch

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parents[1] / "bench" / "peers"))

from losses import feature_contrast, feature_distance, focal  # noqa: E402
from weight_file import write_safetensors  # noqa: E402


def randn(*shape):
    return torch.randn(*shape).half().float()


def nhwc(x):
    return x.permute(0, 2, 3, 1).float()


def case(name, loss, **inputs):
    """loss: a function of the inputs, in order."""
    exact = [x.double() for x in inputs.values()]
    exact[0].requires_grad_()
    value = loss(*exact)
    value.backward()
    print(f"{name}: {value.item():.6g}")
    tensors = {f"{name}.{key}": nhwc(x) if x.dim() == 4 else x for key, x in inputs.items()}
    return tensors | {f"{name}.value": value.detach()[None], f"{name}.gradient": nhwc(exact[0].grad)}


def feature_contrasts():
    derained, clean, rainy = randn(2, 6, 3, 5), randn(2, 6, 3, 5), randn(2, 6, 3, 5)
    some = torch.where(torch.rand_like(clean) < 0.3, derained, clean)
    return (case("feature_contrast.random", feature_contrast, derained=derained, clean=clean, rainy=rainy)
            | case("feature_contrast.some_equal", feature_contrast, derained=derained, clean=some, rainy=rainy)
            | case("feature_contrast.clean", feature_contrast, derained=derained, clean=derained, rainy=rainy)
            | case("feature_contrast.rainy", feature_contrast, derained=derained, clean=clean, rainy=derained)
            | case("feature_contrast.all_equal", feature_contrast, derained=derained, clean=derained, rainy=derained))


def feature_distances():
    derained, clean, weight = randn(2, 20, 3, 5).relu(), randn(2, 20, 3, 5).relu(), torch.rand(20)
    tensors = case("feature_distance.random", feature_distance, derained=derained, clean=clean, weight=weight)
    tensors |= case("feature_distance.equal", feature_distance, derained=derained, clean=derained, weight=weight)
    derained, clean = derained.clone(), clean.clone()
    derained[1, :, 2, 4] = 0
    clean[0, :, 0, 0] = 0
    name = "feature_distance.zero"
    tensors |= case(name, feature_distance, derained=derained, clean=clean, weight=weight)
    # For a zero vector the gradient is NaN in PyTorch, and zero by our definition.
    undefined = tensors[f"{name}.gradient"].isnan()
    assert undefined.sum() == 20 and undefined[1, 2, 4].all()
    tensors[f"{name}.gradient"][undefined] = 0
    return tensors


def focals():
    tensors = {}

    def add(name, logits, gamma, alpha):
        name = f"focal.{name}"
        tensors.update(case(name, lambda x: focal(x, gamma, alpha), logits=logits))
        tensors[f"{name}.options"] = torch.tensor([gamma, alpha]).float()

    logits = 2 * randn(2, 21, 3, 5)
    add("random", logits, 2, 1)
    add("cross_entropy", logits, 0, 1)
    add("gamma_2.5", logits, 2.5, 0.25)
    add("ties", logits.sign(), 2, 1)
    saturated = logits.clone()
    saturated[0, 3, 0] = 40
    saturated[1, 20, 2, 1:3] = 40
    saturated[:, 7] = -40
    add("saturated", saturated, 2, 1)
    add("saturated_cross_entropy", saturated, 0, 1)
    return tensors


if __name__ == "__main__":
    torch.manual_seed(1)
    write_safetensors(FOLDER / "loss_ops.safetensors", feature_contrasts() | feature_distances() | focals())
