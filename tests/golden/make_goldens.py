"""Writes the golden files of this folder: inputs, weights, and PyTorch's results for them.

    /usr/bin/python3 tests/golden/make_goldens.py

sapnet.safetensors and prenet.safetensors hold a network's tensors with their published names, and golden.input
and golden.stage1 to golden.stage6. sapnet_training.safetensors holds the results of training
sapnet.safetensors, and prenet_gradients.safetensors the gradients of prenet.safetensors.
operations.safetensors holds one operation per prefix. Maps are (n, h, w, channels), weights (out, in, k, k).

The networks are computed in double precision and rounded to fp32 at the end, so that a golden file does not
contain one library's fp32 rounding errors. Prints the largest difference from PyTorch in fp32.
"""
import pathlib
import sys

import torch
import torch.nn.functional as F

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench" / "peers"))

from losses import ssim  # noqa: E402
from networks import CHANNELS, PReNet, SAPNet  # noqa: E402
from weight_file import read_weights, write_safetensors  # noqa: E402

FOLDER = pathlib.Path(__file__).resolve().parent


def nhwc(x):
    return x.permute(0, 2, 3, 1).float()


def redraw(network):
    """Weights that preserve the signal's scale from layer to layer (He et al. 2015), so that every layer affects
    the output; with PyTorch's default initialisation the signal fades. Undamped layers, PReNet's branches and the
    output layer, get smaller weights."""
    for name, parameter in network.named_parameters():
        if parameter.dim() == 1:
            parameter.data.uniform_(-0.1, 0.1)
        else:
            fan_in = parameter[0].numel()
            undamped = name.startswith("conv.0") or (isinstance(network, PReNet) and ".2.weight" in name)
            gain = 0.3 if undamped else 2
            parameter.data.normal_(0, (gain / fan_in) ** 0.5)
        if name.endswith("conv_du.0.weight"):
            # Opposite signs, so that the following ReLU passes one of the two for any mean.
            parameter.data[1] = -0.5 * parameter.data[0]


@torch.inference_mode()
def network_golden(network, seed, n=2, height=29, width=37):
    torch.manual_seed(seed)
    redraw(network)
    rainy = torch.rand(n, 3, height, width)
    single = network.forward_stages(rainy)
    tensors = dict(network.state_dict())
    tensors = {name: tensor.clone() for name, tensor in tensors.items()}
    exact = network.double().forward_stages(rainy.double())
    tensors["golden.input"] = nhwc(rainy)
    for stage, output in enumerate(exact, 1):
        tensors[f"golden.stage{stage}"] = nhwc(output)
    differences = [(a - b).abs().max().item() for a, b in zip(single, exact)]
    name = type(network).__name__
    print(f"{name}: outputs within ±{exact[-1].abs().max():.2f}; PyTorch's fp32 differs by at most "
          + ", ".join(f"{difference:.1e}" for difference in differences) + " after stages 1 to 6")
    return tensors


def gradient_summary(network, weights, seed, n=2, height=13, width=18):
    """The loss -SSIM and, for the gradient of each weight, the 2-norm and the dot product with the weight."""
    network.load_state_dict({name: tensor for name, tensor in read_weights(FOLDER / weights).items()
                             if not name.startswith("golden.")})
    torch.manual_seed(seed)
    rainy, clean = torch.rand(n, 3, height, width), torch.rand(n, 3, height, width)
    network = network.double()
    loss = -ssim(network.forward_stages(rainy.double())[-1], clean.double())
    loss.backward()
    tensors = {"rainy": nhwc(rainy), "clean": nhwc(clean), "loss": loss.detach()[None]}
    for name, parameter in network.named_parameters():
        tensors[f"summary.{name}"] = torch.stack((parameter.grad.norm(), (parameter.grad * parameter).sum())).detach()
    return tensors


def training_golden(network, weights, seed, steps=10, learning_rate=1e-4, n=2, height=13, width=18):
    """The loss -SSIM and the gradients of all weights, in double; and `steps` steps of PyTorch's Adam on the same
    images: each loss, and the final weights. The initial weights are those of the golden file `weights`."""
    network.load_state_dict({name: tensor for name, tensor in read_weights(FOLDER / weights).items()
                             if not name.startswith("golden.")})
    torch.manual_seed(seed)
    rainy, clean = torch.rand(n, 3, height, width), torch.rand(n, 3, height, width)
    network = network.double()
    tensors = {"rainy": nhwc(rainy), "clean": nhwc(clean)}
    optimizer = torch.optim.Adam(network.parameters(), lr=learning_rate)
    losses = []
    for step in range(steps):
        optimizer.zero_grad()
        loss = -ssim(network.forward_stages(rainy.double())[-1], clean.double())
        loss.backward()
        if step == 0:
            tensors |= {f"gradient.{name}": p.grad.clone().float() for name, p in network.named_parameters()}
        losses.append(loss.item())
        optimizer.step()
    tensors["losses"] = torch.tensor(losses)
    tensors |= {f"trained.{name}": p.detach().float() for name, p in network.named_parameters()}
    print(f"{type(network).__name__}: {steps} steps take the loss from {losses[0]:.4f} to {losses[-1]:.4f}")
    return tensors


@torch.inference_mode()
def conv2d_goldens():
    """Cases (in, out, kernel, stride, dilation, padding)."""
    tensors = {}
    cases = [(3, 32, 3, 1, 1, 1), (32, 3, 3, 1, 1, 1), (5, 7, 3, 2, 1, 1), (4, 6, 3, 1, 3, 3),
             (6, 4, 5, 2, 2, 3), (8, 3, 1, 1, 1, 0), (3, 8, 7, 2, 1, 3)]
    for index, (inputs, outputs, kernel, *geometry) in enumerate(cases):
        stride, dilation, padding = geometry
        x = torch.randn(2, inputs, 7, 11)
        weight = torch.randn(outputs, inputs, kernel, kernel) / (inputs * kernel * kernel) ** 0.5
        bias = torch.randn(outputs)
        out = F.conv2d(x.double(), weight.double(), bias.double(), stride, padding, dilation)
        tensors |= {f"conv2d.{index}.geometry": torch.tensor(geometry).float(), f"conv2d.{index}.input": nhwc(x),
                    f"conv2d.{index}.weight": weight, f"conv2d.{index}.bias": bias,
                    f"conv2d.{index}.output": nhwc(out)}
    return tensors


@torch.inference_mode()
def conv_lstm_goldens():
    """Two steps from the zero state: the first without h and c, the second with them."""
    inputs, hidden = 32, 32
    x = torch.randn(2, 1, inputs, 5, 7)
    fan_in = 9 * (inputs + hidden)
    gates = {gate: (torch.randn(hidden, inputs + hidden, 3, 3) / fan_in**0.5, torch.randn(hidden)) for gate in "ifgo"}
    tensors = {}
    for gate, (weight, bias) in gates.items():
        tensors |= {f"conv_lstm.{gate}.weight": weight, f"conv_lstm.{gate}.bias": bias}
    h = c = torch.zeros(1, hidden, 5, 7).double()
    for step in range(2):
        z = torch.cat((x[step].double(), h), 1)
        i, f, g, o = (F.conv2d(z, gates[gate][0].double(), gates[gate][1].double(), padding=1) for gate in "ifgo")
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        tensors |= {f"conv_lstm.input{step}": nhwc(x[step]), f"conv_lstm.hidden{step}": nhwc(h),
                    f"conv_lstm.cell{step}": nhwc(c)}
    return tensors


@torch.inference_mode()
def attended_conv_goldens():
    """At every dilation of the network, on maps with sides longer and shorter than the dilation."""
    hidden = 2
    weight = torch.randn(CHANNELS, CHANNELS, 3, 3) / (9 * CHANNELS) ** 0.5
    bias = torch.randn(CHANNELS)
    w1 = torch.randn(hidden, CHANNELS, 1, 1) / CHANNELS**0.5
    w2 = torch.randn(CHANNELS, hidden, 1, 1)
    w3 = torch.randn(CHANNELS, CHANNELS, 1, 1) / CHANNELS**0.5
    tensors = {"attended_conv.weight": weight, "attended_conv.bias": bias, "attended_conv.w1": w1,
               "attended_conv.w2": w2, "attended_conv.w3": w3}
    for size, (height, width) in enumerate([(5, 36), (18, 5), (1, 1)]):
        # Away from zero, so that the means in the attention depend on the border.
        x = torch.randn(1, CHANNELS, height, width) + 0.5
        tensors[f"attended_conv.{size}.input"] = nhwc(x)
        for dilation in (1, 2, 4, 8, 16):
            y = F.conv2d(x.double(), weight.double(), bias.double(), padding=dilation, dilation=dilation)
            mean = y.mean((2, 3), keepdim=True)
            logits = F.conv2d(F.relu(F.conv2d(mean, w1.double())), w2.double()) + F.conv2d(mean, w3.double())
            out = F.relu(y * torch.sigmoid(logits))
            tensors[f"attended_conv.{size}.output{dilation}"] = nhwc(out)
            if dilation == 16:
                tensors[f"attended_conv.{size}.with_residual16"] = nhwc(F.relu(out + x.double()))
    return tensors


def main():
    torch.set_num_threads(1)
    write_safetensors(FOLDER / "sapnet.safetensors", network_golden(SAPNet(), seed=1))
    write_safetensors(FOLDER / "sapnet_training.safetensors", training_golden(SAPNet(), "sapnet.safetensors", seed=4))
    write_safetensors(FOLDER / "prenet.safetensors", network_golden(PReNet(), seed=2))
    write_safetensors(FOLDER / "prenet_gradients.safetensors", gradient_summary(PReNet(), "prenet.safetensors", seed=5))
    torch.manual_seed(3)
    write_safetensors(FOLDER / "operations.safetensors",
                      conv2d_goldens() | conv_lstm_goldens() | attended_conv_goldens())


if __name__ == "__main__":
    main()
