"""Times the operations of a sapnet-bench kernels report in PyTorch, on maps of the same shapes. Pairs of concatenated
inputs are a single map here. Backward passes are timed alone, with the saved state of a forward pass."""
import argparse
import json

import torch
import torch.nn.functional as F

import modes
from losses import focal, ssim
from measurement import summary, time_runs
from networks import PReNet, SAPNet


class Maps:
    """Creates the inputs of an operation. Images and inputs of losses stay fp32."""

    def __init__(self, mode, shape):
        self.mode, self.shape = mode, shape
        self.dtype = torch.half if mode.half else torch.float

    def map(self, channels, fp32=False):
        n, h, w = (self.shape[side] for side in "nhw")
        return self.mode.maps(torch.rand(n, h, w, channels) - 0.5).to(torch.float if fp32 else self.dtype)

    def network(self, network):
        return self.mode.moved(network.requires_grad_(False)).to(self.dtype)

    def filter(self, outputs, inputs):
        k = self.shape["kernel"]
        return self.mode.moved(torch.nn.Conv2d(inputs, outputs, k)).weight.detach().to(self.dtype)


def backward(outputs, inputs):
    """Returns the backward pass from outputs to inputs, which can be called repeatedly."""
    gradients = [torch.ones_like(output) for output in outputs]
    return lambda: torch.autograd.grad(outputs, inputs, gradients, retain_graph=True)


def conv2d(which, shape, maps):
    inputs, outputs, dilation = sum(shape["in"]), shape["out"], shape["dilation"]
    padding = dilation * (shape["kernel"] - 1) // 2
    x = maps.map(inputs)
    if which == "forward":
        weight, bias = maps.filter(outputs, inputs), torch.rand(outputs, device=x.device, dtype=x.dtype)
        if outputs == 3:  # SAPNet's last convolution, which adds the rainy image
            rainy = maps.map(3)
            return lambda: F.conv2d(x, weight, bias, 1, padding, dilation).add_(rainy)
        return lambda: F.conv2d(x, weight, bias, 1, padding, dilation).relu_()
    # For dgrad, `in` is the incoming gradient and `out` the resulting one.
    is_dgrad = which == "dgrad"
    gradient, other = (x, maps.map(outputs)) if is_dgrad else (maps.map(outputs), x)
    weight = maps.filter(inputs, outputs) if is_dgrad else maps.filter(outputs, inputs)
    return lambda: torch.ops.aten.convolution_backward(
        gradient, other, weight, [weight.shape[0]], [1, 1], [padding] * 2, [dilation] * 2, False, [0, 0], 1,
        [is_dgrad, not is_dgrad, not is_dgrad])


def conv_lstm(which, shape, maps):
    network = maps.network(PReNet())
    if which == "forward":
        z, cell = maps.map(sum(shape["in"])), maps.map(shape["in"][1])
        return lambda: network.remember(z, cell)
    # The backward pass through the cell only, from its states to the gates' sums.
    sums = [maps.map(shape["in"][0]).requires_grad_() for _ in range(4)]
    cell = maps.map(shape["in"][0]).requires_grad_()
    network.gates = lambda _: sums
    return backward(network.remember(None, cell), [*sums, cell])


def attended_conv(which, shape, maps):
    half = maps.network(SAPNet.unit(shape["dilation"])[:3])
    x, residual = maps.map(shape["in"][0]), maps.map(shape["in"][0])
    return lambda: (half(x) + residual).relu_()


def max_pool(which, shape, maps):
    x = maps.map(shape["in"][0]).requires_grad_()
    if which == "forward":
        return lambda: F.max_pool2d(x, 2)
    return backward([F.max_pool2d(x, 2)], [x])


def loss(function, which, inputs):
    first = inputs[0].requires_grad_()
    return (lambda: function(*inputs)) if which == "forward" else backward([function(*inputs)], [first])


def adam(which, shape, maps):
    parameter = torch.rand(shape["w"], device=maps.mode.device, requires_grad=True)
    parameter.grad = torch.rand_like(parameter)
    return torch.optim.Adam([parameter], **({"fused": True} if maps.mode.cuda else {})).step


OPERATIONS = {
    "conv2d": conv2d, "conv_lstm": conv_lstm, "attended_conv": attended_conv, "max_pool": max_pool, "adam": adam,
    "ssim": lambda which, shape, maps: loss(ssim, which, [maps.map(shape["in"][0], fp32=True) for _ in "xy"]),
    "focal": lambda which, shape, maps: loss(focal, which, [maps.map(shape["in"][0], fp32=True)]),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    modes.add_options(parser, training=True)
    parser.add_argument("--report", required=True, help="output of sapnet-bench kernels")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()

    mode = modes.Mode(options)
    with open(options.report) as file:
        kernels = json.load(file)["kernels"]
    timed = []
    for kernel in kernels:
        keys = ("operation", "pass", "case", "precision")
        if kernel["precision"] != ("fp16" if mode.half else "fp32"):
            continue
        make = OPERATIONS[kernel["operation"]]
        function = mode.ready(make(kernel["pass"], kernel["shape"], Maps(mode, kernel["shape"])))
        _, seconds = time_runs(function, options.repeat, mode.cuda)
        timed.append({key: kernel[key] for key in keys} | {"seconds": summary(seconds)})
    print(json.dumps({"program": f"PyTorch {torch.__version__}", "mode": mode.name, "threads": options.threads,
                      "repeat": options.repeat, "kernels": timed}))


if __name__ == "__main__":
    main()
