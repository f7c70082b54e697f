"""Metrics from one confusion matrix.

A confusion matrix is int64 (classes, classes) in pixels, rows the truth, columns the prediction
(as in scikit-learn); all functions take leading axes too, such as (images, classes, classes). A
metric that divides by zero is NaN, and means skip NaN: a class that is neither in the truth nor in
the prediction has no metric, rather than a perfect or a bad one. Nor does a mean count a class that
the truth of no image has: what is taken for it is missing from the classes that are there.
"""

import numpy as np


def confusion_matrix(truth: np.ndarray, prediction: np.ndarray, classes: int) -> np.ndarray:
    """Count pixels of class ids (any shape, the same for both) by truth and prediction.

    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).tolist()
    [[1, 1], [0, 1]]
    """
    pairs = truth.ravel().astype(np.int64) * classes + prediction.ravel()
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def class_metrics(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """``iou``, ``dice``, ``precision``, ``recall`` and ``support`` (pixels), one value a class.

    >>> class_metrics(np.array([[3, 1], [2, 4]]))["precision"].tolist()
    [0.6, 0.8]
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1).astype(np.float64)
    support, predicted = confusion.sum(-1), confusion.sum(-2)
    return {
        "iou": divide(hits, support + predicted - hits),
        "dice": divide(2 * hits, support + predicted),
        "precision": divide(hits, predicted),
        "recall": divide(hits, support),
        "support": support,
    }


def classes_in_truth(confusions: np.ndarray) -> np.ndarray:
    """Which classes the truth has in any of the confusions: boolean (classes,)."""
    return confusions.reshape(-1, *confusions.shape[-2:]).sum((0, 2)) > 0


def overall_metrics(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """``pixel_accuracy``, ``mean_iou`` and ``mean_dice``, with the leading axes of ``confusion``.

    Along these are images, or resamples, of one set: its truth tells which classes the means
    count, so that a false alarm in one image counts when another image has the class.
    """
    hits = np.trace(confusion, axis1=-2, axis2=-1)
    metrics = class_metrics(confusion)
    counted = classes_in_truth(confusion)
    return {
        "pixel_accuracy": divide(hits, confusion.sum((-2, -1))),
        "mean_iou": known_mean(np.where(counted, metrics["iou"], np.nan)),
        "mean_dice": known_mean(np.where(counted, metrics["dice"], np.nan)),
    }


def pet_metrics(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """IoU of pet against the rest, for classes pet, background, border, in two conventions.

    ``pet_iou``: pixels whose truth is border are left out, and a predicted border is no pet
    (the border counts as neither). ``pet_or_border_iou``: the border counts as pet on both sides.
    """
    pets, backgrounds = confusion[..., 0, :].sum(-1), confusion[..., 1, 0]
    pet_or_border = confusion[..., ::2, ::2].sum((-2, -1))
    union = confusion.sum((-2, -1)) - confusion[..., 1, 1]
    return {
        "pet_iou": divide(confusion[..., 0, 0], pets + backgrounds),
        "pet_or_border_iou": divide(pet_or_border, union),
    }


def foreground_metrics(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """``foreground_iou`` and ``foreground_dice`` of a binary model's second class."""
    metrics = class_metrics(confusion)
    return {f"foreground_{key}": metrics[key][..., 1] for key in ("iou", "dice")}


def image_metrics(confusions: np.ndarray) -> dict[str, np.ndarray]:
    """Each image's ``mean_iou`` (images,), and ``iou`` a class (images, classes).

    A class that an image neither has nor is predicted to have is NaN there.
    """
    mean_iou = overall_metrics(confusions)["mean_iou"]
    return {"mean_iou": mean_iou, "iou": class_metrics(confusions)["iou"]}


def beats_trivial(confusion: np.ndarray | list) -> bool:
    """Whether a model is better than calling everything by the truth's most frequent class.

    In pixel accuracy and in mean IoU: a model that calls all pets is right now and then.
    """
    confusion = np.asarray(confusion)
    trivial = np.zeros_like(confusion)
    trivial[:, confusion.sum(1).argmax()] = confusion.sum(1)
    ours, theirs = overall_metrics(confusion), overall_metrics(trivial)
    return all(bool(ours[key] > theirs[key]) for key in ("pixel_accuracy", "mean_iou"))


def divide(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """The quotient, float64; NaN where the denominator is 0."""
    missing = np.full(np.broadcast(numerator, denominator).shape, np.nan)
    return np.divide(numerator, denominator, out=missing, where=np.asarray(denominator) > 0)


def known_mean(values: np.ndarray) -> np.ndarray:
    """Mean along the last axis without NaN; NaN where there is nothing else.

    >>> known_mean(np.array([[1, np.nan, 3], [np.nan] * 3])).tolist()
    [2.0, nan]
    """
    known = ~np.isnan(values)
    return divide(np.where(known, values, 0).sum(-1), known.sum(-1))
