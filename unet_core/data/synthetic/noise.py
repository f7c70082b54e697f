"""Smooth random fields."""

import numpy as np
from scipy.ndimage import gaussian_filter, zoom


def clouds(random: np.random.Generator, height: int, width: int, grain: float) -> np.ndarray:
    """Smooth noise (height, width), mean 0 and deviation 1; ``grain``: size of a bump in pixels."""
    rows, columns = max(3, int(height / grain) + 2), max(3, int(width / grain) + 2)
    coarse = random.normal(size=(rows, columns)).astype(np.float32)
    field = zoom(coarse, (height / rows, width / columns), order=1)[:height, :width]
    field = gaussian_filter(field, grain / 3, mode="nearest")
    return (field - field.mean()) / (field.std() + 1e-6)


def streaks(random, height: int, width: int, length: float, thickness: float) -> np.ndarray:
    """Noise drawn out downwards, like fur or grass; mean 0 and deviation 1."""
    field = random.normal(size=(height, width)).astype(np.float32)
    field = gaussian_filter(field, (length, thickness))
    return (field - field.mean()) / (field.std() + 1e-6)
