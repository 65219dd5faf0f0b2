"""The losses in PyTorch, as peers and for goldens. Maps are NCHW in [0, 1]."""
import functools

import torch
import torch.nn.functional as F

from vision import normalized

CONTRAST_TAPS = 4


@functools.lru_cache  # avoids host-to-GPU copies in a step, which a CUDA graph cannot capture
def gaussian_window(radius=5, sigma=1.5, **options):
    """(2·radius + 1)² weights that sum to 1, (1, 1, k, k)."""
    x = torch.arange(-radius, radius + 1, dtype=torch.float64)
    line = torch.exp(-(x**2) / (2 * sigma**2))
    line /= line.sum()
    return torch.outer(line, line)[None, None].to(**options)


def ssim(x, y, c1=0.01**2, c2=0.03**2):
    """Mean structural similarity (Wang et al. 2004): 11×11 Gaussian window, σ = 1.5, zero-padded. Always in
    fp32, even under autocast, since it subtracts nearly equal squares."""
    x, channels = x.to(y.dtype), x.shape[1]
    window = gaussian_window(dtype=x.dtype, device=x.device).expand(channels, 1, -1, -1)

    def mean(z):
        return F.conv2d(z, window, padding=window.shape[-1] // 2, groups=channels)

    with torch.autocast(x.device.type, enabled=False):
        mean_x, mean_y = mean(x), mean(y)
        variance_x, variance_y = mean(x * x) - mean_x**2, mean(y * y) - mean_y**2
        covariance = mean(x * y) - mean_x * mean_y
        return ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)
                / ((mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2))).mean()


def feature_contrast(derained, clean, rainy, epsilon=1e-7):
    """The contrastive loss of SAPNet (arXiv 2111.08892, section 3.4) on one feature map."""
    return (derained - clean).abs().mean() / ((derained - rainy).abs().mean() + epsilon)


def feature_distance(derained, clean, weight, epsilon=1e-10):
    """LPIPS (Zhang et al. 2018) on one feature map; weight: one per channel."""
    def unit(features):
        return features / (features.pow(2).sum(1, keepdim=True).sqrt() + epsilon)

    squares = (unit(derained) - unit(clean)).pow(2)
    return (squares * weight.view(1, -1, 1, 1)).sum(1).mean()


def first_argmax(logits):
    """The first of equal maxima, which NumPy's argmax guarantees and PyTorch's does not."""
    return torch.from_numpy(logits.numpy().argmax(1))


def focal(logits, gamma=2, alpha=1, epsilon=1e-7):
    """The focal loss (Lin et al. 2017) with each pixel's most probable class as its label."""
    label = logits.detach().argmax(1) if logits.is_cuda else first_argmax(logits.detach())
    p = torch.softmax(logits, 1).gather(1, label[:, None]).clamp(epsilon, 1 - epsilon)
    return (-alpha * (1 - p) ** gamma * torch.log(p)).mean()


def contrast(derained, clean, rainy, taps=(1 / 32, 1 / 16, 1 / 8, 1 / 4)):
    """feature_contrast() over VGG-16's taps; all arguments are lists."""
    return sum(weight * feature_contrast(*maps) for weight, *maps in zip(taps, derained, clean, rainy))


def lpips(derained, clean, linear):
    """LPIPS over VGG-16's taps; linear: a weight vector per tap."""
    return sum(feature_distance(*maps) for maps in zip(derained, clean, linear))


def parts(derained, clean, rainy, vgg, linear, segmentation):
    """The unweighted training losses (train/losses.h): -SSIM, contrast, lpips and segmentation."""
    with torch.no_grad():
        of_clean, of_rainy = vgg(normalized(clean)), vgg(normalized(rainy), CONTRAST_TAPS)
    of_derained = vgg(normalized(derained))
    return torch.stack([-ssim(derained, clean),
                        contrast(of_derained[:CONTRAST_TAPS], of_clean[:CONTRAST_TAPS], of_rainy),
                        lpips(of_derained, of_clean, linear),
                        focal(segmentation(normalized(derained)))])
