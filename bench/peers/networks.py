"""SAPNet and PReNet in PyTorch: the reference for results and speed.

Written from the papers (arXiv 2111.08892; Ren et al., CVPR 2019) so that the published weights load by
name. Maps are (n, channels, h, w); images are RGB in [0, 1].
"""
import torch
import torch.nn.functional as F
from torch import nn

from weight_file import read_weights

CHANNELS = 32
DILATIONS = (1, 2, 4, 8, 16)
STAGES = 6
GATES = "ifgo"


def conv3x3(inputs, outputs, dilation=1):
    return nn.Conv2d(inputs, outputs, 3, padding=dilation, dilation=dilation)


class ChannelResidualAttention(nn.Module):
    """y · σ(W2 relu(W1 m) + W3 m), where m is the mean of y over rows and columns."""

    def __init__(self, hidden=2):
        super().__init__()
        self.conv_du = nn.Sequential(
            nn.Conv2d(CHANNELS, hidden, 1, bias=False), nn.ReLU(), nn.Conv2d(hidden, CHANNELS, 1, bias=False)
        )
        self.conv_1_1 = nn.Conv2d(CHANNELS, CHANNELS, 1, bias=False)

    def forward(self, y):
        mean = y.mean((2, 3), keepdim=True)
        return y * torch.sigmoid(self.conv_du(mean) + self.conv_1_1(mean))


class RecurrentDerainer(nn.Module):
    """The common part of both networks: a recurrent head, five residual units, and a tail that adds the input."""

    def __init__(self, units, stages):
        super().__init__()
        self.stages = stages
        self.conv0 = nn.Sequential(conv3x3(6, CHANNELS), nn.ReLU())
        for index, unit in enumerate(units, 1):
            setattr(self, f"res_conv{index}", unit)
        for gate in GATES:
            setattr(self, f"conv_{gate}", nn.Sequential(conv3x3(2 * CHANNELS, CHANNELS)))
        self.conv = nn.Sequential(conv3x3(CHANNELS, 3))

    def gates(self, z):
        if hasattr(self, "conv_gates"):
            return self.conv_gates(z).chunk(len(GATES), 1)
        return [getattr(self, f"conv_{gate}")(z) for gate in GATES]

    def remember(self, z, cell):
        """The next hidden and cell states; z: the input concatenated with the hidden state."""
        i, f, g, o = self.gates(z)
        cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(cell), cell

    def fuse_gates(self):
        """Replaces the four gate convolutions by one; this renames the weights."""
        convolutions = [getattr(self, f"conv_{gate}")[0] for gate in GATES]
        fused = conv3x3(2 * CHANNELS, len(GATES) * CHANNELS)
        with torch.no_grad():
            fused.weight.copy_(torch.cat([convolution.weight for convolution in convolutions]))
            fused.bias.copy_(torch.cat([convolution.bias for convolution in convolutions]))
        for gate in GATES:
            delattr(self, f"conv_{gate}")
        self.conv_gates = fused
        return self

    def forward(self, rainy):
        return self.forward_stages(rainy)[-1]

    def forward_stages(self, rainy):
        """The output after every stage."""
        hidden = cell = torch.zeros_like(rainy[:, :1]).expand(-1, CHANNELS, -1, -1)
        x, outputs = rainy, []
        for _ in range(self.stages):
            z = torch.cat((self.conv0(torch.cat((rainy, x), 1)), hidden), 1)
            hidden, cell = self.remember(z, cell)
            x = hidden
            for unit in (self.res_conv1, self.res_conv2, self.res_conv3, self.res_conv4, self.res_conv5):
                x = F.relu(unit(x) + x)
            x = self.conv(x) + rainy
            outputs.append(x)
        return outputs


class SAPNet(RecurrentDerainer):
    def __init__(self, stages=STAGES):
        super().__init__([self.unit(dilation) for dilation in DILATIONS], stages)

    @staticmethod
    def unit(dilation):
        half = lambda: (conv3x3(CHANNELS, CHANNELS, dilation), ChannelResidualAttention(), nn.ReLU())
        return nn.Sequential(*half(), *half())


class PReNet(RecurrentDerainer):
    def __init__(self, stages=STAGES):
        super().__init__([self.unit() for _ in DILATIONS], stages)

    @staticmethod
    def unit():
        return nn.Sequential(conv3x3(CHANNELS, CHANNELS), nn.ReLU(), conv3x3(CHANNELS, CHANNELS), nn.ReLU())


def load_network(path, stages=STAGES):
    """Loads the network for a weight file; all tensors must match by name and shape."""
    tensors = read_weights(path)
    attended = any("conv_du" in name for name in tensors)
    network = SAPNet(stages) if attended else PReNet(stages)
    network.load_state_dict(tensors, strict=True)
    return network.eval()
