"""The losses in PyTorch, as peers and for goldens. Maps are NCHW in [0, 1]."""
import torch
import torch.nn.functional as F


def gaussian_window(radius=5, sigma=1.5, **options):
    """(2·radius + 1)² weights that sum to 1, (1, 1, k, k)."""
    x = torch.arange(-radius, radius + 1, dtype=torch.float64)
    line = torch.exp(-(x**2) / (2 * sigma**2))
    line /= line.sum()
    return torch.outer(line, line)[None, None].to(**options)


def ssim(x, y, c1=0.01**2, c2=0.03**2):
    """Mean structural similarity (Wang et al. 2004): 11×11 Gaussian window, σ = 1.5, zero-padded."""
    channels = x.shape[1]
    window = gaussian_window(dtype=x.dtype, device=x.device).expand(channels, 1, -1, -1)

    def mean(z):
        return F.conv2d(z, window, padding=window.shape[-1] // 2, groups=channels)

    mean_x, mean_y = mean(x), mean(y)
    variance_x, variance_y = mean(x * x) - mean_x**2, mean(y * y) - mean_y**2
    covariance = mean(x * y) - mean_x * mean_y
    return ((2 * mean_x * mean_y + c1) * (2 * covariance + c2)
            / ((mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2))).mean()


def feature_contrast(derained, clean, rainy, epsilon=1e-7):
    """The contrastive loss of SAPNet (arXiv 2111.08892, section 3.4) on one map of features."""
    return (derained - clean).abs().mean() / ((derained - rainy).abs().mean() + epsilon)


def feature_distance(derained, clean, weight, epsilon=1e-10):
    """LPIPS (Zhang et al. 2018) on one map of features; weight: one number for each channel."""
    def unit(features):
        return features / (features.pow(2).sum(1, keepdim=True).sqrt() + epsilon)

    squares = (unit(derained) - unit(clean)).pow(2)
    return (squares * weight.view(1, -1, 1, 1)).sum(1).mean()


def focal(logits, gamma=2, alpha=1, epsilon=1e-7):
    """The focal loss (Lin et al. 2017) with the most probable class of each pixel as its label."""
    # NumPy's argmax takes the first of equals, which PyTorch does not promise.
    label = torch.from_numpy(logits.detach().cpu().numpy().argmax(1)).to(logits.device)
    p = torch.softmax(logits, 1).gather(1, label[:, None]).clamp(epsilon, 1 - epsilon)
    return (-alpha * (1 - p) ** gamma * torch.log(p)).mean()


def contrast(derained, clean, rainy, taps=(1 / 32, 1 / 16, 1 / 8, 1 / 4)):
    """The same of features at VGG-16's taps, lists as long."""
    return sum(weight * feature_contrast(*maps) for weight, *maps in zip(taps, derained, clean, rainy))


def distance(derained, clean, linear):
    """LPIPS of features at VGG-16's taps; linear: a vector of weights for each."""
    return sum(feature_distance(*maps) for maps in zip(derained, clean, linear))
