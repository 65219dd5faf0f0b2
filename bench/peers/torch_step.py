"""Times a training step in PyTorch, as sapnet-bench step does: same options, same JSON."""
import argparse
import json

import torch

import modes
from losses import parts, ssim
from measurement import read_input, report, status_bytes, time_runs
from networks import load_network
from vision import Vgg16, draw_segmentation, read_linear
from weight_file import read_weights

DEPTH, SEED = 101, 1  # of the random ResNet, as in TrainConfig
WEIGHTS = (1, 0.1, 0.1, 0.1)  # as in train/configs/paper.json


def loss_function(options, mode):
    """Of derained, clean and rainy images: -SSIM alone, or all four."""
    if not options.vgg:
        return lambda derained, clean, rainy: -ssim(derained, clean)
    vgg, segmentation = Vgg16(), draw_segmentation(DEPTH, SEED).eval()
    vgg.load_state_dict(read_weights(options.vgg))
    for frozen in (vgg, segmentation):
        mode.moved(frozen.requires_grad_(False))
        if mode.half:
            frozen.half()  # once, not in each step
    linear = [weight.to(mode.device) for weight in read_linear(options.lpips)]
    weights = torch.tensor(WEIGHTS, device=mode.device)
    return lambda *images: (parts(*images, vgg, linear, segmentation) * weights).sum()


def make_scaler(mode):
    """A gradient scaler for fp16, disabled otherwise."""
    scaler = torch.amp.GradScaler if hasattr(torch.amp, "GradScaler") else torch.cuda.amp.GradScaler  # its older name
    return scaler(enabled=mode.half)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    modes.add_options(parser, training=True)
    parser.add_argument("--weights", required=True)
    parser.add_argument("--vgg", help="VGG-16's weights: all four losses count then, else -SSIM alone")
    parser.add_argument("--lpips", help="LPIPS's linear weights, to go with --vgg")
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--patch", type=int, default=100)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--input", help="raw little-endian fp32 (2, batch, patch, patch, 3); without it, noise")
    options = parser.parse_args()
    if bool(options.vgg) != bool(options.lpips):
        parser.error("--vgg and --lpips go together")

    mode = modes.Mode(options)
    network = load_network(options.weights).train()
    name = type(network).__name__
    network = mode.moved(network)
    shape = (2, options.batch, options.patch, options.patch, 3)
    rainy, clean = map(mode.maps, read_input(options.input, shape))
    loss_of = loss_function(options, mode)
    forward = mode.compiled(lambda: loss_of(network(rainy), clean, rainy))
    adam = torch.optim.Adam(network.parameters(), lr=1e-4, **({"fused": True} if mode.cuda else {}))
    scaler = make_scaler(mode)
    losses = []  # kept on the device until the end, to avoid synchronisation

    def forward_back():
        adam.zero_grad(set_to_none=True)
        with mode.autocast():
            loss = forward()
        scaler.scale(loss).backward()
        return loss.detach()

    def step(forward_back):
        losses.append(forward_back().clone())
        scaler.step(adam)
        scaler.update()

    before = status_bytes("VmRSS")
    ready = mode.ready(forward_back, lambda: step(forward_back))
    _, seconds = time_runs(lambda: step(ready), options.repeat, mode.cuda)
    print(json.dumps(report(mode, options, seconds, before, network=name, loss="all" if options.vgg else "ssim",
                            batch=options.batch, patch=options.patch, losses=[float(loss) for loss in losses])))


if __name__ == "__main__":
    main()
