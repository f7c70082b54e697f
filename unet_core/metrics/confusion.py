"""Scores from one confusion matrix.

A confusion matrix is int64 (classes, classes) in pixels, rows the truth, columns the prediction
(as in scikit-learn). A score that divides by zero is NaN, and means skip NaN: a class that is
neither in the truth nor in the prediction has no score, rather than a perfect or a bad one. Nor
does a mean count a class that the truth of no image has: what is taken for it is missing from the
classes that are there.
"""

import numpy as np


def confusion_matrix(truth: np.ndarray, prediction: np.ndarray, classes: int) -> np.ndarray:
    """Count pixels of class ids (any shape, the same for both) by truth and prediction."""
    pairs = truth.ravel().astype(np.int64) * classes + prediction.ravel()
    return np.bincount(pairs, minlength=classes**2).reshape(classes, classes)


def class_metrics(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """``iou``, ``dice``, ``precision``, ``recall`` and ``support`` (pixels), one value a class.

    ``confusion`` may have leading axes, as in (images, classes, classes).
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1).astype(np.float64)
    support, predicted = confusion.sum(-1), confusion.sum(-2)
    return {
        "iou": _divide(hits, support + predicted - hits),
        "dice": _divide(2 * hits, support + predicted),
        "precision": _divide(hits, predicted),
        "recall": _divide(hits, support),
        "support": support,
    }


def classes_in_truth(confusions: np.ndarray) -> np.ndarray:
    """Which classes the truth has in any of the confusions (…, classes, classes): boolean."""
    return confusions.reshape(-1, *confusions.shape[-2:]).sum((0, 2)) > 0


def overall_metrics(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """``pixel_accuracy``, ``mean_iou`` and ``mean_dice``, with ``confusion``'s leading axes.

    Along these are images, or resamples, of one set: its truth tells which classes the means
    count, so that a false alarm in one image counts when another image has the class.
    """
    hits = np.trace(confusion, axis1=-2, axis2=-1)
    scores = class_metrics(confusion)
    counted = classes_in_truth(confusion)
    return {
        "pixel_accuracy": _divide(hits, confusion.sum((-2, -1))),
        "mean_iou": known_mean(np.where(counted, scores["iou"], np.nan)),
        "mean_dice": known_mean(np.where(counted, scores["dice"], np.nan)),
    }


def beats_trivial(confusion: np.ndarray) -> bool:
    """Whether a model is better than calling everything by the truth's most frequent class.

    In pixel accuracy and in mean IoU: a model that calls all pets is right now and then.
    """
    confusion = np.asarray(confusion)
    trivial = np.zeros_like(confusion)
    trivial[:, confusion.sum(1).argmax()] = confusion.sum(1)
    ours, theirs = overall_metrics(confusion), overall_metrics(trivial)
    return all(bool(ours[key] > theirs[key]) for key in ("pixel_accuracy", "mean_iou"))


def pet_metrics(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """IoU of pet against the rest, for classes pet, background, border, in two conventions.

    ``pet_iou``: pixels whose truth is border are left out, and a predicted border is no pet
    (the border counts as neither). ``pet_or_border_iou``: the border counts as pet on both sides.
    """
    inner = confusion[..., :2, :]
    hits = inner[..., 0, 0]
    neither = _divide(hits, inner[..., 0, :].sum(-1) + inner[..., 1, 0])
    hits = confusion[..., ::2, ::2].sum((-2, -1))
    union = confusion.sum((-2, -1)) - confusion[..., 1, 1]
    return {"pet_iou": neither, "pet_or_border_iou": _divide(hits, union)}


def foreground_metrics(confusion: np.ndarray) -> dict[str, np.ndarray]:
    """``foreground_iou`` and ``foreground_dice`` of a binary model's second class."""
    scores = class_metrics(confusion)
    return {f"foreground_{key}": scores[key][..., 1] for key in ("iou", "dice")}


def image_metrics(confusions: np.ndarray) -> dict[str, np.ndarray]:
    """Each image's ``mean_iou``, and ``iou`` a class, of confusions (images, classes, classes).

    A class that an image neither has nor is said to have is NaN there.
    """
    return {
        "mean_iou": overall_metrics(confusions)["mean_iou"],
        "iou": class_metrics(confusions)["iou"],
    }


def resampling_weights(count: int, resamples: int = 2000, seed: int = 0) -> np.ndarray:
    """How often each of ``count`` images is drawn, with replacement: int64 (resamples, count)."""
    random = np.random.default_rng(seed)
    return random.multinomial(count, np.full(count, 1 / count), size=resamples)


def bootstrap_intervals(confusions: np.ndarray, score) -> dict[str, tuple[float, float]]:
    """95 % intervals of ``score(summed confusion)``, a dictionary, when images are redrawn.

    ``confusions``: (images, classes, classes). Percentile bootstrap over images;
    NaN of one image alone, or where no resample has a score.
    """
    weights = resampling_weights(len(confusions))
    values = score(np.einsum("rp,pij->rij", weights, confusions.astype(np.int64)))
    return {key: interval(value, len(confusions)) for key, value in values.items()}


def bootstrap_mean_interval(values: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean of one value an image, NaN left out, when images are redrawn."""
    weights, known = resampling_weights(len(values)), ~np.isnan(values)
    means = _divide(weights[:, known] @ values[known], weights[:, known].sum(-1))
    return interval(means, known.sum())


def interval(resampled: np.ndarray, images: int) -> tuple[float, float]:
    """Limits of the middle 95 %. NaN for one image, which says nothing about others."""
    if images < 2 or np.isnan(resampled).all():
        return np.nan, np.nan
    low, high = np.nanpercentile(resampled, (2.5, 97.5))
    return float(low), float(high)


def _divide(numerator, denominator) -> np.ndarray:
    numerator = np.asarray(numerator, np.float64)
    denominator = np.asarray(denominator, np.float64)
    missing = np.full(np.broadcast(numerator, denominator).shape, np.nan)
    return np.divide(numerator, denominator, out=missing, where=denominator > 0)


def known_mean(values: np.ndarray) -> np.ndarray:
    """Mean along the last axis without NaN; NaN where there is nothing else."""
    known = ~np.isnan(values)
    return _divide(np.where(known, values, 0).sum(-1), known.sum(-1))
