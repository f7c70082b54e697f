"""From a network's probabilities to masks of class ids."""

import numpy as np
from PIL import Image
from scipy.ndimage import binary_erosion

from unet_core.store.classes import ClassInfo


def class_ids(probabilities: np.ndarray, threshold: float = 0.5) -> np.ndarray:
    """Probabilities (H, W, C) to class ids uint8 (H, W).

    Two classes: class 1 where its probability reaches ``threshold``. More: the likeliest class.

    >>> class_ids(np.array([[[0.7, 0.3], [0.4, 0.6]]])).tolist()
    [[0, 1]]
    """
    if probabilities.shape[-1] == 2:
        return (probabilities[..., 1] >= threshold).astype(np.uint8)
    return probabilities.argmax(-1).astype(np.uint8)


def resize_channels(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize float32 (h, w, C) bilinearly to (height, width, C), each channel alone."""
    channels = [
        Image.fromarray(channel).resize((width, height), Image.Resampling.BILINEAR)
        for channel in np.moveaxis(values, -1, 0)
    ]
    return np.stack([np.asarray(channel) for channel in channels], axis=-1)


def resize_ids(ids: np.ndarray, height: int, width: int) -> np.ndarray:
    """Class ids uint8 (h, w) at another resolution, by the nearest pixel."""
    if ids.shape == (height, width):
        return ids
    return np.asarray(Image.fromarray(ids).resize((width, height), Image.Resampling.NEAREST))


def edge(mask: np.ndarray) -> np.ndarray:
    """The pixels of a boolean mask (H, W) that have one of their four neighbors outside of it.

    The image's frame is no edge: of what it cuts nobody knows where it ends.
    """
    return mask & ~binary_erosion(mask, border_value=1)


def shares(ids: np.ndarray, classes: tuple[ClassInfo, ...]) -> dict[str, float]:
    """Part of the image (0–1) that each class covers, by its name."""
    counts = np.bincount(ids.ravel(), minlength=len(classes))
    return {c.name: float(n) / ids.size for c, n in zip(classes, counts, strict=True)}


def entropy(probabilities: np.ndarray) -> np.ndarray:
    """How undecided each pixel is: entropy (H, W) of probabilities (H, W, C), from 0 (certain) to
    1 (all classes alike)."""
    p = np.clip(probabilities, 1e-7, 1)
    return -(p * np.log(p)).sum(-1) / np.log(p.shape[-1])
