"""Elastic deformation, the augmentation that the U-Net paper found decisive for few pictures."""

import numpy as np
from scipy.ndimage import map_coordinates, zoom

GRID = 3  # displacements are drawn at so many points a side, as in the paper
DEVIATION = 10.0  # pixels, of their normal distribution


def deform(image: np.ndarray, truth: np.ndarray, rng) -> tuple[np.ndarray, np.ndarray]:
    """Bend a picture uint8 (H, W, 3) and its truth (H, W, T) alike, at random.

    Smooth displacements come from a coarse grid by cubic interpolation (Ronneberger et al. 2015,
    section 3.1). A quarter turn is drawn too: what is deformed like this has no upside. The truth
    is taken from the nearest pixel. The picture must be square.
    """
    turns = rng.integers(4)
    image, truth = np.rot90(image, turns), np.rot90(truth, turns)
    side = image.shape[0]
    shifts = [
        zoom(rng.normal(0, DEVIATION, (GRID, GRID)), side / GRID, order=3, grid_mode=True,
             mode="nearest")
        for _ in range(2)
    ]  # fmt: skip
    where = [grid + shift for grid, shift in zip(np.indices((side, side)), shifts, strict=True)]

    def warp(channels: np.ndarray, order: int) -> np.ndarray:
        return np.stack(
            [
                map_coordinates(channels[..., c], where, order=order, mode="mirror")
                for c in range(channels.shape[-1])
            ],
            axis=-1,
        )

    return warp(image, 1), warp(truth, 0)
