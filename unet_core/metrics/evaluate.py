"""How good a run is on a split of a data set: ``evaluation.json``."""

import random
import time
from collections.abc import Callable
from datetime import datetime, timezone
from importlib.metadata import version

import numpy as np

from unet_core.data.base import Dataset
from unet_core.data.prepared import resize_sample
from unet_core.errors import UserError
from unet_core.metrics import confusion as scores
from unet_core.metrics.boundary import TOLERANCE, class_boundary_f1
from unet_core.metrics.calibration import BINS, _reliability, calibration_error
from unet_core.metrics.thresholds import THRESHOLDS, ProbabilityCounts, threshold_sweep
from unet_core.prediction.overlay import class_ids
from unet_core.prediction.segmenter import Segmenter, resize_channels
from unet_core.store.classes import ClassInfo, can_score
from unet_core.store.runs import Run, write_json

DIVERGED = (
    "{run} gives no numbers for {name}: its training diverged. Train it again with a lower "
    "learning rate."
)


def evaluate(
    run: Run,
    dataset: Dataset,
    split: str,
    names: list[str] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    segmenter: Segmenter | None = None,
) -> dict:
    """Score the run's prediction model on the split, or on ``names`` of it, one at a time.

    Images are squashed to the model's resolution. Masks are squashed, by the nearest pixel, to
    the run's ``score_size``, without one to the same, and the probabilities are resized to it.
    ``UserError`` when the classes differ, the split does not exist or the network gives NaN.
    """
    names = names or names_of(dataset, split)
    check_classes(run, dataset)
    segmenter = segmenter or Segmenter(run)
    size = run.config["training"].get("score_size") or segmenter.size
    is_binary = len(dataset.classes) == 2
    started = time.time()
    images, reliability = [], np.zeros((BINS, 3))
    sweep, counts = np.zeros((len(THRESHOLDS), 2, 2), np.int64), ProbabilityCounts()
    for position, name in enumerate(names):
        sample = dataset.load(name)
        squashed, truth = resize_sample(sample, segmenter.size)
        probabilities = segmenter.probabilities(squashed)
        if np.isnan(probabilities).any():
            raise UserError(DIVERGED.format(run=run.title, name=name))
        probabilities = as_scored(probabilities, run.classes, dataset.classes)
        if segmenter.size != size:
            truth = resize_sample(sample, size).mask
            probabilities = resize_channels(probabilities, size, size)
        images.append({"name": name} | _score_image(truth, probabilities))
        reliability += _reliability(truth, probabilities)
        if is_binary:
            sweep += threshold_sweep(truth == 1, probabilities[..., 1])
            counts.add(truth == 1, probabilities[..., 1])
        progress(position + 1, len(names))
    confusions = np.array([image["confusion"] for image in images], dtype=np.int64)
    _add_means(images, confusions)
    return {
        "run": run.name,
        "data": dataset.name,
        "data_title": dataset.title,
        "split": split,
        "split_rule": dataset.split_rule,
        "images": len(names),
        "resolution": size,
        "input": segmenter.size,
        "resizing": "pictures to the input, anti-aliased; masks to the resolution, by the nearest",
        "classes": [c.name for c in dataset.classes],
        "notes": _notes(dataset, confusions),
        "seconds": round(time.time() - started, 1),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": {name: version(name) for name in ("onnxruntime", "numpy", "pillow")},
        **summarize(images, [c.name for c in dataset.classes]),
        "reliability": reliability.tolist(),
        "calibration_error": calibration_error(reliability),
        **({"thresholds": sweep.tolist()} | counts.summary() if is_binary else {}),
        "per_image": images,
    }


def names_of(dataset: Dataset, split: str, limit: int | None = None) -> list[str]:
    """The split's images, or ``limit`` of them drawn with a fixed seed; ``UserError`` if none."""
    names = dataset.splits.get(split)
    if not names:
        raise UserError(f"{dataset.title} has no pictures in a split called {split!r}.")
    if limit and limit < len(names):
        return sorted(random.Random(0).sample(names, limit))
    return names


def check_classes(run: Run, dataset: Dataset) -> None:
    """``UserError`` unless the data has the classes that the model knows (see `can_score`)."""
    known, found = ([c.name for c in thing.classes] for thing in (run, dataset))
    if not can_score(found, run.classes):
        raise UserError(
            f"{run.title} knows the classes {', '.join(known)}, but {dataset.title} has "
            f"{', '.join(found)}; choose other data or another model."
        )


def as_scored(
    probabilities: np.ndarray, known: tuple[ClassInfo, ...], scored: tuple[ClassInfo, ...]
) -> np.ndarray:
    """Probabilities (H, W, known) as those of the classes that are ``scored``: (H, W, scored).

    These are the ``known`` ones, or their `background_and_object`: then the objects' probabilities
    are added, and a border's is left out, so that the likelier of the two counts there. (Photos
    change most in the middle of the pets' borders. Against outlines there, on 206 images, pets
    reach an IoU of 0.888 so, of 0.835 were all border pet, of 0.800 were none.)
    """
    if [c.name for c in known] == [c.name for c in scored]:
        return probabilities
    parts = ([c.is_background for c in known], [c.is_object for c in known])
    both = np.stack([probabilities[..., part].sum(-1) for part in parts], axis=-1)
    total = both.sum(-1, keepdims=True)
    return np.divide(both, total, out=np.full_like(both, 0.5), where=total > 0)


def _notes(dataset: Dataset, confusions: np.ndarray) -> list[str]:
    """What a reader of the scores must know of these masks, in sentences."""
    there = scores.classes_in_truth(confusions)
    absent = [c.name for c, has in zip(dataset.classes, there, strict=True) if not has]
    notes = [dataset.note] if dataset.note else []
    if absent:
        notes.append(f"No mask has {' or '.join(absent)}: means are of the other classes.")
    return notes


def write_evaluation(run: Run, result: dict) -> None:
    """Keep the result as the run's ``evaluation.json``."""
    write_json(run.path / "evaluation.json", result)


def summarize(images: list[dict], class_names: list[str]) -> dict:
    """Confusion matrix, scores and their 95 % bootstrap intervals over the images."""
    confusions = np.array([image["confusion"] for image in images], dtype=np.int64)
    total = confusions.sum(0)

    def score(confusion: np.ndarray) -> dict[str, np.ndarray]:
        found = scores.overall_metrics(confusion)
        if class_names == ["pet", "background", "border"]:
            found |= scores.pet_metrics(confusion)
        if len(class_names) == 2:
            found |= scores.foreground_metrics(confusion)
        return found

    by_image, by_class = (
        np.array([image[key] for image in images], dtype=np.float64)  # None becomes NaN
        for key in ("boundary_f1", "boundary_f1_by_class")
    )
    overall = score(total) | {"boundary_f1": scores.known_mean(by_image)}
    per_class = scores.class_metrics(total) | {"boundary_f1": scores.known_mean(by_class.T)}
    intervals = scores.bootstrap_intervals(confusions, score)
    intervals["boundary_f1"] = scores.bootstrap_mean_interval(by_image)
    return {
        "confusion": total.tolist(),
        "metrics": {key: float(value) for key, value in overall.items() if not np.isnan(value)},
        "intervals": {k: limits for k, limits in intervals.items() if not np.isnan(limits).any()},
        "per_class": {key: _listed(values) for key, values in per_class.items()},
        "boundary_tolerance": TOLERANCE,
    }


def _score_image(truth: np.ndarray, probabilities: np.ndarray) -> dict:
    prediction = class_ids(probabilities)
    classes = probabilities.shape[-1]
    confusion = scores.confusion_matrix(truth, prediction, classes)
    by_class = class_boundary_f1(truth, prediction, classes)
    return {
        "confusion": confusion.tolist(),
        "boundary_f1_by_class": _listed(by_class),
    }


def _add_means(images: list[dict], confusions: np.ndarray) -> None:
    """Each image's ``mean_iou`` and ``boundary_f1``, of the classes that the truth of any has."""
    there = scores.classes_in_truth(confusions)
    for image, iou in zip(images, scores.image_metrics(confusions)["mean_iou"], strict=True):
        by_class = np.array(image["boundary_f1_by_class"], dtype=np.float64)
        image["mean_iou"] = float(iou)
        image["boundary_f1"] = _listed(scores.known_mean(by_class[there]))


def _listed(values: np.ndarray):
    """Numbers as JSON knows them, which has no NaN: None in its place."""
    values = np.asarray(values)
    return np.where(np.isnan(values), None, values.astype(object)).tolist()
