"""What moving the threshold of a binary model does: one table of counts, and all that it tells.

A *sweep* is int64 (101, 2, 2): for each of ``THRESHOLDS`` the confusion matrix [truth, prediction]
of background and foreground, when a pixel counts as foreground from that probability on.
"""

import numpy as np

from unet_core.scores import class_scores

THRESHOLDS = np.linspace(0, 1, 101).astype(np.float32)


def threshold_sweep(truth: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Count pixels at every threshold: int64 (101, 2, 2).

    ``truth``: boolean, True for foreground; ``probability``: float in 0–1; the same shape.
    """
    passed = np.searchsorted(THRESHOLDS, probability.ravel(), side="right")  # thresholds reached
    sweep = np.zeros((len(THRESHOLDS), 2, 2), np.int64)
    for kind in (0, 1):
        counts = np.bincount(passed[truth.ravel() == kind], minlength=len(THRESHOLDS) + 1)
        positive = counts[::-1].cumsum()[::-1][1:]  # reach at least this many thresholds
        sweep[:, kind, 1] = positive
        sweep[:, kind, 0] = counts.sum() - positive
    return sweep


def roc_curve(sweep: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False and true positive rates, float (102,) each, from (0, 0) to (1, 1).

    NaN where the truth has no background or no foreground.
    """
    tn, fp, fn, tp = np.asarray(sweep).reshape(-1, 4).T
    with np.errstate(invalid="ignore"):
        rates = fp / (fp + tn), tp / (tp + fn)
    return tuple(np.append(0.0, rate[::-1]) for rate in rates)


def precision_recall_curve(sweep: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Recall and precision, float (101,) each, by falling threshold.

    Precision is NaN where nothing is predicted as foreground.
    """
    foreground = class_scores(np.asarray(sweep))
    return foreground["recall"][::-1, 1], foreground["precision"][::-1, 1]


def roc_area(sweep: np.ndarray) -> float:
    """Area under the ROC curve by trapezoids: 0.5 for guessing, 1 for perfect, else NaN."""
    false_positive, true_positive = roc_curve(sweep)
    return float(np.trapezoid(true_positive, false_positive))


def average_precision(sweep: np.ndarray) -> float:
    """Precision summed over the steps of recall, as scikit-learn's ``average_precision_score``."""
    recall, precision = precision_recall_curve(sweep)
    steps = np.diff(np.append(0.0, recall))
    return float(np.sum(steps * np.where(steps > 0, precision, 0)))


def best_threshold(sweep: np.ndarray) -> tuple[float, float]:
    """The threshold with the highest foreground Dice, and that Dice."""
    dice = class_scores(np.asarray(sweep))["dice"][:, 1]
    best = int(np.nanargmax(dice))
    return float(THRESHOLDS[best]), float(dice[best])
