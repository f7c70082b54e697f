"""How right a model is when it says how sure it is."""

import numpy as np

from unet_core.prediction.overlay import class_ids

BINS = 20  # of the reliability diagram


def _reliability(truth: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """(BINS, 3): summed confidence, right pixels and all pixels, by confidence 0–1."""
    confidence = probabilities.max(-1).ravel()
    right = (class_ids(probabilities) == truth).ravel()
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    columns = [np.bincount(bins, weights, BINS) for weights in (confidence, right, None)]
    return np.stack(columns, axis=1)


def calibration_error(reliability: np.ndarray) -> float:
    """Expected calibration error: mean distance of confidence and accuracy over the pixels."""
    confidence, right, _ = np.asarray(reliability).T
    return float(np.abs(confidence - right).sum() / np.sum(reliability, axis=0)[2])
