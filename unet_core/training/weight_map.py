"""The U-Net paper's weight map: the gap between two touching cells counts most in the loss."""

import numpy as np
from scipy.ndimage import distance_transform_edt, find_objects
from skimage.measure import label

from unet_core.store.classes import ClassInfo

SIGMA = 5.0  # pixels, as in the paper
REACH = 15  # pixels beyond which the weight is nothing: exp(-(2 * 15)² / 2σ²) < 1e-7


def weight_map(mask: np.ndarray, strength: float, background: int = 0) -> np.ndarray:
    """1 + ``strength`` · exp(-(d1 + d2)² / 2σ²) for each pixel outside of cells; float32 (H, W).

    ``mask``: class ids (H, W), ``background`` where no cell is; touching cells are one. d1 and d2
    are the distances to the nearest and the second nearest cell (Ronneberger et al. 2015, equation
    2; the weight that balances the classes is left out). Inside cells the weight is 1.
    """
    cells = label(mask != background)
    nearest, second = np.full((2, *mask.shape), np.inf, np.float32)
    for number, box in enumerate(find_objects(cells), start=1):
        window = tuple(slice(max(0, s.start - REACH), s.stop + REACH) for s in box)
        distance = distance_transform_edt(cells[window] != number)
        farther = np.maximum(nearest[window], distance)
        second[window] = np.minimum(second[window], farther)
        nearest[window] = np.minimum(nearest[window], distance)
    weights = 1 + strength * np.exp(-((nearest + second) ** 2) / (2 * SIGMA**2))
    return np.where(cells == 0, weights, 1).astype(np.float32)


def background_id(classes: tuple[ClassInfo, ...]) -> int:
    """The class id between cells: the background's; without one 0, as of the membranes."""
    return next((number for number, c in enumerate(classes) if c.is_background), 0)
