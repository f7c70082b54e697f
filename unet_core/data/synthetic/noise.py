"""Smooth random fields."""

import numpy as np
from numpy.random import Generator
from scipy.ndimage import gaussian_filter, zoom


def clouds(random: Generator, shape: tuple[int, ...], grain: float) -> np.ndarray:
    """Smooth noise, float32 of ``shape`` (H, W), with mean 0 and standard deviation 1.

    ``grain``: size of a bump in pixels.
    """
    height, width = shape
    rows, columns = max(3, int(height / grain) + 2), max(3, int(width / grain) + 2)
    coarse = random.normal(size=(rows, columns)).astype(np.float32)
    field = zoom(coarse, (height / rows, width / columns), order=1)[:height, :width]
    return _standardized(gaussian_filter(field, grain / 3, mode="nearest"))


def streaks(
    random: Generator, shape: tuple[int, ...], length: float, thickness: float
) -> np.ndarray:
    """Noise stretched downwards, like fur or grass: as `clouds`, sizes in pixels."""
    field = random.normal(size=shape).astype(np.float32)
    return _standardized(gaussian_filter(field, (length, thickness)))


def _standardized(field: np.ndarray) -> np.ndarray:
    return (field - field.mean()) / (field.std() + 1e-6)
