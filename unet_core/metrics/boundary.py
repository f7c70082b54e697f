"""Boundary F1: how well the outlines of two masks agree.

Csurka, Larlus and Perronnin, "What is a good evaluation measure for semantic segmentation?"
(BMVC 2013): for each class, the share of either mask's outline that lies nearer than a tolerance
to the other's, as the harmonic mean of precision and recall.
"""

import numpy as np
from scipy.ndimage import distance_transform_edt

from unet_core.prediction.masks import edge

TOLERANCE = 0.0075  # of the image's diagonal, as in the article


def boundary_f1(truth: np.ndarray, prediction: np.ndarray, tolerance: float = TOLERANCE) -> float:
    """Boundary F1 in 0–1 of boolean masks (H, W); ``tolerance`` is a part of the diagonal.

    0 where one mask alone has the class or an outline; NaN where neither has an outline, for the
    class is in neither or fills both.
    """
    if truth.any() != prediction.any():
        return 0.0
    outlines = [edge(mask) for mask in (truth, prediction)]
    if not all(line.any() for line in outlines):
        return 0.0 if any(line.any() for line in outlines) else np.nan
    reach = tolerance * np.hypot(*truth.shape)
    near = [distance_transform_edt(~line) < reach for line in outlines]
    recall, precision = near[1][outlines[0]].mean(), near[0][outlines[1]].mean()
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0


def class_boundary_f1(truth: np.ndarray, prediction: np.ndarray, classes: int) -> np.ndarray:
    """`boundary_f1` of each class of two masks of class ids (H, W): float64 (classes,)."""
    return np.array([boundary_f1(truth == c, prediction == c) for c in range(classes)])


def percent(tolerance: float) -> str:
    """The tolerance beside a metric: ``0.75 %``, of the image's diagonal.

    >>> percent(0.0075)
    '0.75 %'
    """
    return f"{100 * tolerance:g} %"
