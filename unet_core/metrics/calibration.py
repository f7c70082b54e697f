"""Calibration: whether of the pixels with a confidence of 80 %, 80 % are right.

Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks" (ICML 2017).
"""

import numpy as np

from unet_core.prediction.masks import class_ids

BINS = 20  # of the reliability diagram


def reliability(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Of class ids (H, W) and probabilities (H, W, classes): float64 (BINS, 3), for pixels of
    rising confidence the summed confidence, the right pixels and all pixels."""
    confidence = probabilities.max(-1).ravel()
    right = (class_ids(probabilities) == truth).ravel()
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    columns = [np.bincount(bins, weights, BINS) for weights in (confidence, right, None)]
    return np.stack(columns, axis=1)


def calibration_error(table: np.ndarray | list) -> float:
    """Expected calibration error in 0–1: mean distance of confidence and accuracy over the pixels
    of a summed `reliability`.

    >>> round(calibration_error([[9.0, 9, 10], [6.0, 4, 10]]), 3)
    0.1
    """
    confidence, right, pixels = np.asarray(table).T
    return float(np.abs(confidence - right).sum() / pixels.sum())
