"""Calibration: whether of the pixels with a confidence of 80 %, 80 % are right.

Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks" (ICML 2017).
"""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from unet_core.prediction.masks import class_ids

BINS = 20  # of the reliability diagram
TEMPERATURES = (0.05, 20.0)  # the limits of what is fitted


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


def fit_temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """The T for which softmax(logits / T) has the least negative log-likelihood.

    ``logits``: float (N, classes), or (N, 1) before a sigmoid; ``truth``: class ids (N,). Above 1
    for a network that is surer than right. 1 where a diverged network gives no numbers.

    >>> logits = np.array([[3.0], [3.0], [3.0], [3.0]])  # sure by 95 %, right by 75 %
    >>> round(fit_temperature(logits, np.array([1, 1, 1, 0])), 2)
    2.73
    """
    if not np.isfinite(logits).all():
        return 1.0
    if logits.shape[1] == 1:
        logits = np.concatenate([np.zeros_like(logits), logits], axis=1)

    def loss(log_temperature: float) -> float:
        chances = log_softmax(logits / np.exp(log_temperature), axis=1)
        return -float(np.take_along_axis(chances, truth[:, None], axis=1).mean())

    found = minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded")
    return float(np.exp(found.x))
