"""The frozen networks of the perceptual losses in PyTorch: the peers of model/vgg16.h, model/resnet.h and
model/segmentation.h. Modules have torchvision's names."""
import functools

import torch
import torch.nn as nn
import torch.nn.functional as F

from draw import draw_normal, draw_uniform
from weight_file import read_weights

VGG_BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
LINEAR_NAMES = [f"lin{k}.model.1.weight" for k in range(len(VGG_BLOCKS))]  # of LPIPS, one for each tap
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def normalized(images):
    """Normalised by ImageNet's mean and standard deviation."""
    def of(values):
        return colour(values, images.dtype, images.device)

    return (images - of(MEAN)) / of(DEVIATION)


@functools.lru_cache  # avoids host-to-GPU copies in a step, which a CUDA graph cannot capture
def colour(values, dtype, device):
    return torch.tensor(values, dtype=torch.float32).to(device, dtype)[None, :, None, None]


class Vgg16(nn.Module):
    """relu1_2, relu2_2, relu3_3, relu4_3 and relu5_3, as far as `blocks` go."""

    def __init__(self, blocks=len(VGG_BLOCKS)):
        super().__init__()
        layers, channels = [], 3
        for out, count in VGG_BLOCKS[:blocks]:
            for _ in range(count):
                layers += [nn.Conv2d(channels, out, 3, padding=1), nn.ReLU(inplace=True)]
                channels = out
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)

    def forward(self, images, wanted=None):
        """The first `wanted` taps, or all."""
        taps = []
        x = images
        for layer in self.features[:-1]:  # the last pooling layer is unused
            if isinstance(layer, nn.MaxPool2d):
                taps.append(x)
                if len(taps) == wanted:
                    return taps
            x = layer(x)
        return taps + [x]


class Block(nn.Module):
    """Three convolutions, 1×1, 3×3, 1×1; or two of 3×3 in the shallow network."""

    def __init__(self, channels, width, stride, deep):
        super().__init__()
        out = 4 * width if deep else width
        if deep:
            self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
            self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
            self.conv3 = nn.Conv2d(width, out, 1, bias=False)
            self.bn3 = nn.BatchNorm2d(out)
        else:
            self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
            self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        self.deep = deep
        self.downsample = None
        if stride > 1 or channels != out:
            self.downsample = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.deep:
            y = self.bn3(self.conv3(F.relu(y)))
        return F.relu(y + (self.downsample(x) if self.downsample else x))


class ResNet(nn.Module):
    BLOCKS = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}

    def __init__(self, depth):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        deep, channels = depth > 18, 64
        for group, count in enumerate(self.BLOCKS[depth]):
            width, blocks = 64 << group, []
            for k in range(count):
                blocks.append(Block(channels, width, 2 if group > 0 and k == 0 else 1, deep))
                channels = 4 * width if deep else width
            setattr(self, f"layer{group + 1}", nn.Sequential(*blocks))
        self.channels = channels

    def forward(self, images):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(images))), 3, 2, 1)
        maps = []
        for group in range(1, 5):
            x = getattr(self, f"layer{group}")(x)
            maps.append(x)
        return maps


class Segmentation(nn.Module):
    CLASSES = 21

    def __init__(self, depth):
        super().__init__()
        self.backbone = ResNet(depth)
        deepest = self.backbone.channels
        self.toplayer = nn.Conv2d(deepest, 256, 1)
        for k in (1, 2, 3):
            setattr(self, f"latlayer{k}", nn.Conv2d(deepest >> k, 256, 1))
        for k in (1, 2, 3, 4):
            setattr(self, f"smooth{k}_1", nn.Conv2d(256, 256, 3, padding=1))
            setattr(self, f"smooth{k}_2", nn.Conv2d(256, 128, 3, padding=1))
        self.classify = nn.Conv2d(512, self.CLASSES, 3, padding=1)

    def forward(self, images):
        def up(x, like):
            return F.interpolate(x, size=like.shape[-2:], mode="bilinear", align_corners=False)

        c2, c3, c4, c5 = self.backbone(images)
        levels = [self.toplayer(c5)]
        for k, c in enumerate((c4, c3, c2), 1):
            lateral = getattr(self, f"latlayer{k}")(c)
            levels.append(up(levels[-1], lateral) + lateral)
        levels = [getattr(self, f"smooth{k}_2")(getattr(self, f"smooth{k}_1")(p)) for k, p in enumerate(levels, 1)]
        return self.classify(torch.cat([up(p, levels[-1]) for p in levels[:-1]] + levels[-1:], 1))


def draw_vgg16(seed, blocks=len(VGG_BLOCKS)):
    """Weights from N(0, 2 / inputs), biases from ±0.1: as in tests/model/seeded.h."""
    vgg = Vgg16(blocks)
    number = 0
    for layer in vgg.features:
        if isinstance(layer, nn.Conv2d):
            weight = draw_normal(seed, number, layer.weight.numel(), (2 / layer.weight[0].numel()) ** 0.5)
            layer.weight.data = torch.from_numpy(weight).reshape(layer.weight.shape)
            layer.bias.data = torch.from_numpy(draw_uniform(seed, number + 1, layer.bias.numel(), 0.1))
            number += 2
    return vgg


def draw_linear(seed):
    """LPIPS's linear layers, uniform in [0, 1), as in tests/model/seeded.h."""
    return [torch.from_numpy(draw_uniform(seed, k, out, 0.5)) + 0.5 for k, (out, _) in enumerate(VGG_BLOCKS)]


def read_linear(path):
    tensors = read_weights(path)
    return [tensors[name].flatten() for name in LINEAR_NAMES if name in tensors]


def draw_segmentation(depth, seed):
    """Random weights as in model/resnet.h and model/segmentation.h."""
    net = Segmentation(depth)
    number = 0x1000
    for name, module in net.backbone.named_modules():
        if isinstance(module, nn.Conv2d):
            outputs = module.weight.shape[0] * module.weight.shape[2] * module.weight.shape[3]
            weight = draw_normal(seed, number, module.weight.numel(), (2 / outputs) ** 0.5)
            module.weight.data = torch.from_numpy(weight).reshape(module.weight.shape)
            number += 1
        last = "bn3" if depth > 18 else "bn2"
        if name.endswith("." + last):
            module.weight.data.fill_(sum(ResNet.BLOCKS[depth]) ** -0.5)
    heads = ["toplayer", "latlayer1", "latlayer2", "latlayer3"]
    names = [name for k in range(4) for name in (heads[k], f"smooth{k + 1}_1", f"smooth{k + 1}_2")] + ["classify"]
    for k, name in enumerate(names):
        layer = getattr(net, name)
        layer.weight.data = torch.from_numpy(draw_normal(seed, 0x2000 + k, layer.weight.numel(), 0.01)).reshape(
            layer.weight.shape)
        layer.bias.data.zero_()
    return net
