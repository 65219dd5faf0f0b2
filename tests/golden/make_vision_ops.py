"""Writes vision_ops.safetensors: PyTorch's results for the operations of VGG, ResNet and FPN, and their gradients.

    /usr/bin/python3 tests/golden/make_vision_ops.py

Each case has its input, the output's gradient, and the results for both. Maps are (n, h, w, channels). Inputs are
representable in fp16; max_pool copies values, everything else is computed in double precision.
"""
import torch
import torch.nn.functional as F

from make_goldens import FOLDER, nhwc, write_safetensors


def back(out, gradient, by):
    """The gradients with respect to the tensors `by`; maps are (n, h, w, channels)."""
    return [nhwc(g) for g in torch.autograd.grad(out, by, gradient)]


def in_fp16(tensor):
    return tensor.half().double()


def max_pool_goldens():
    """Cases (kernel, stride, padding), with few distinct values, so that there are ties; and with NaN."""
    tensors = {}
    for index, geometry in enumerate([(2, 2, 0), (3, 2, 1)]):
        x = (torch.randn(1, 19, 13, 9) * 2).round() / 2
        x[torch.rand_like(x) < 0.02] = float("nan")
        x.requires_grad_()
        out = F.max_pool2d(x, *geometry)
        gradient = torch.randint(-16, 16, out.shape) / 4
        dx, = back(out, gradient, [x])
        name = f"max_pool.{index}"
        tensors |= {f"{name}.geometry": torch.tensor(geometry).float(), f"{name}.input": nhwc(x),
                    f"{name}.output": nhwc(out), f"{name}.output_gradient": nhwc(gradient),
                    f"{name}.input_gradient": dx}
    return tensors


def resize_goldens():
    """Cases (height, width) to (height, width); the first two with a residual."""
    tensors = {}
    cases = [((13, 9), (26, 18)), ((7, 5), (13, 9)), ((25, 13), (13, 25)), ((30, 11), (7, 3)), ((1, 1), (4, 3)),
             ((6, 5), (6, 5))]
    for index, (size, out_size) in enumerate(cases):
        x = in_fp16(torch.randn(2, 3, *size)).requires_grad_()
        out = F.interpolate(x, out_size, mode="bilinear", align_corners=False)
        gradient = in_fp16(torch.randn(out.shape))
        dx, = back(out, gradient, [x])
        name = f"resize_bilinear.{index}"
        if index < 2:
            residual = in_fp16(torch.randn(out.shape))
            out = out + residual
            tensors[f"{name}.residual"] = nhwc(residual)
        tensors |= {f"{name}.input": nhwc(x), f"{name}.output": nhwc(out), f"{name}.output_gradient": nhwc(gradient),
                    f"{name}.input_gradient": dx}
    return tensors


def batch_norm_goldens():
    """Cases with and without a residual and a ReLU."""
    tensors = {}
    for index, (with_residual, relu) in enumerate([(False, False), (False, True), (True, True), (True, False)]):
        channels = 5
        # Away from zero, each channel by at least its standard deviation.
        x = in_fp16(torch.randn(2, channels, 13, 7) * torch.linspace(0.05, 2, channels)[:, None, None] + 1)
        residual = in_fp16(torch.randn(x.shape))
        x.requires_grad_(), residual.requires_grad_()
        gamma, beta = torch.randn(channels), torch.randn(channels)
        out = F.batch_norm(x, None, None, gamma.double(), beta.double(), training=True, eps=1e-5)
        if with_residual:
            out = out + residual
        if relu:
            out = F.relu(out)
        gradient = in_fp16(torch.randn(out.shape))
        name = f"batch_norm.{index}"
        tensors |= {f"{name}.input": nhwc(x), f"{name}.gamma": gamma, f"{name}.beta": beta,
                    f"{name}.relu": torch.tensor([float(relu)]), f"{name}.output": nhwc(out),
                    f"{name}.output_gradient": nhwc(gradient)}
        if with_residual:
            tensors[f"{name}.residual"] = nhwc(residual)
            tensors[f"{name}.input_gradient"], tensors[f"{name}.residual_gradient"] = back(out, gradient, [x, residual])
        else:
            tensors[f"{name}.input_gradient"], = back(out, gradient, [x])
    return tensors


def main():
    torch.set_num_threads(1)
    torch.manual_seed(6)
    write_safetensors(FOLDER / "vision_ops.safetensors",
                      max_pool_goldens() | resize_goldens() | batch_norm_goldens())


if __name__ == "__main__":
    main()
