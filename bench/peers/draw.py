"""The random numbers of engine/random.h and model/init.h, so that PyTorch's networks get the same weights."""
import numpy as np

WEIGHTS = 0xFFFFFFFF  # the counter's third word


def philox4x32(counter, key):
    """128 random bits for each counter, (n, 4) as uint64 with 32 bits each (Salmon et al. 2011)."""
    mask = np.uint64(0xFFFFFFFF)
    words = [counter[:, k] for k in range(4)]
    key = [np.uint64(key[0]), np.uint64(key[1])]
    for _ in range(10):
        product0, product1 = np.uint64(0xD2511F53) * words[0], np.uint64(0xCD9E8D57) * words[2]
        words = [(product1 >> np.uint64(32)) ^ words[1] ^ key[0], product1 & mask,
                 (product0 >> np.uint64(32)) ^ words[3] ^ key[1], product0 & mask]
        key = [(key[0] + np.uint64(0x9E3779B9)) & mask, (key[1] + np.uint64(0xBB67AE85)) & mask]
    return np.stack(words, axis=1)


def words(seed, parameter, count):
    """At least `count` random words of a network's parameter."""
    fours = (count + 3) // 4
    counter = np.zeros((fours, 4), np.uint64)
    counter[:, 0] = np.arange(fours)
    counter[:, 1] = parameter
    counter[:, 2] = WEIGHTS
    return philox4x32(counter, (seed & 0xFFFFFFFF, seed >> 32)).reshape(-1)


def draw_uniform(seed, parameter, count, limit):
    unit = (words(seed, parameter, count)[:count] >> np.uint64(8)).astype(np.float32) * np.float32(2**-24)
    return np.float32(limit) * (2 * unit - 1)


def draw_normal(seed, parameter, count, deviation):
    pairs = words(seed, parameter, count + 1)[: (count + 1) // 2 * 2].reshape(-1, 2).astype(np.float64)
    radius = deviation * np.sqrt(-2 * np.log((pairs[:, 0] + 1) * 2.0**-32))
    angle = 2 * np.pi * pairs[:, 1] * 2.0**-32
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).reshape(-1)[:count].astype(np.float32)
