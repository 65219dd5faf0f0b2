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
