"""How good a run is on a split of a data set: ``evaluation.json``."""

import random
import time
from datetime import datetime, timezone
from importlib.metadata import version

import numpy as np

from unet_core.data.base import Dataset
from unet_core.data.prepared import Progress, resize_sample
from unet_core.errors import UserError
from unet_core.metrics import confusion
from unet_core.metrics.bootstrap import bootstrap_intervals, bootstrap_mean_interval
from unet_core.metrics.boundary import TOLERANCE, class_boundary_f1
from unet_core.metrics.calibration import BINS, calibration_error, reliability
from unet_core.metrics.thresholds import ProbabilityCounts
from unet_core.prediction.masks import class_ids, resize_channels
from unet_core.prediction.segmenter import Segmenter
from unet_core.store.classes import ClassInfo, can_score
from unet_core.store.files import write_json
from unet_core.store.runs import Run

DIVERGED = (
    "{run} gives no numbers for {name}: its training diverged. Train it again with a lower "
    "learning rate."
)


def evaluate(
    run: Run,
    dataset: Dataset,
    split: str,
    names: list[str] | None = None,
    progress: Progress = lambda done, total: None,
    segmenter: Segmenter | None = None,
) -> dict:
    """Score the run's prediction model on the split, or on ``names`` of it, one at a time.

    Masks are squashed, by the nearest pixel, to the run's ``score_size``, without one to the
    model's size, and the probabilities are resized to it.
    Returns the content of ``evaluation.json``. ``UserError`` when the classes differ, the split
    does not exist or the network gives NaN.
    """
    names = names or names_of(dataset, split)
    check_classes(run, dataset)
    segmenter = segmenter or Segmenter(run)
    size = run.config["training"].get("score_size") or segmenter.size
    is_binary = len(dataset.classes) == 2
    started = time.time()
    images, bins, counts = [], np.zeros((BINS, 3)), ProbabilityCounts()
    for done, name in enumerate(names, start=1):
        sample = dataset.load(name)
        truth = resize_sample(sample, size).mask
        probabilities = segmenter.probabilities(sample.image)
        if np.isnan(probabilities).any():
            raise UserError(DIVERGED.format(run=run.title, name=name))
        probabilities = as_scored(probabilities, run.classes, dataset.classes)
        if probabilities.shape[:2] != (size, size):
            probabilities = resize_channels(probabilities, size, size)
        images.append({"name": name} | measure_image(truth, probabilities))
        bins += reliability(truth, probabilities)
        if is_binary:
            counts.add(truth == 1, probabilities[..., 1])
        progress(done, len(names))
    _add_means(images)
    return {
        **_what_was_scored(run, dataset, split, size, segmenter.size),
        "notes": _notes(dataset, _confusions(images)),
        "seconds": round(time.time() - started, 1),
        "images": len(names),
        **summarize(images, [c.name for c in dataset.classes]),
        "reliability": bins.tolist(),
        "calibration_error": calibration_error(bins),
        **(counts.summary() if is_binary else {}),
        "per_image": images,
    }


def _what_was_scored(run: Run, dataset: Dataset, split: str, size: int, input_size: int) -> dict:
    return {
        "run": run.name,
        "data": dataset.name,
        "data_title": dataset.title,
        "split": split,
        "split_rule": dataset.split_rule,
        "resolution": size,
        "input": input_size,
        "resizing": "pictures to the input, anti-aliased; masks to the resolution, by the nearest",
        "classes": [c.name for c in dataset.classes],
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": {name: version(name) for name in ("onnxruntime", "numpy", "pillow")},
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
    """What a reader of the metrics must know of these masks, in sentences."""
    there = confusion.classes_in_truth(confusions)
    absent = [c.name for c, has in zip(dataset.classes, there, strict=True) if not has]
    notes = [dataset.note] if dataset.note else []
    if absent:
        notes.append(f"No mask has {' or '.join(absent)}: means are of the other classes.")
    return notes


def write_evaluation(run: Run, result: dict) -> None:
    """Keep the result as the run's ``evaluation.json``."""
    write_json(run.path / "evaluation.json", result)


def measure_image(truth: np.ndarray, probabilities: np.ndarray) -> dict:
    """What is kept of one image: its ``confusion`` and its ``boundary_f1_by_class``.

    ``truth``: class ids (H, W); ``probabilities``: float (H, W, classes).
    """
    prediction, classes = class_ids(probabilities), probabilities.shape[-1]
    return {
        "confusion": confusion.confusion_matrix(truth, prediction, classes).tolist(),
        "boundary_f1_by_class": _listed(class_boundary_f1(truth, prediction, classes)),
    }


def _add_means(images: list[dict]) -> None:
    """Each image's ``mean_iou`` and ``boundary_f1``, of the classes that the truth of any has."""
    confusions, by_class = _confusions(images), _column(images, "boundary_f1_by_class")
    mean_iou = confusion.overall_metrics(confusions)["mean_iou"].tolist()
    boundary = _listed(confusion.known_mean(by_class[:, confusion.classes_in_truth(confusions)]))
    for image, iou, f1 in zip(images, mean_iou, boundary, strict=True):
        image |= {"mean_iou": iou, "boundary_f1": f1}


def summarize(images: list[dict], class_names: list[str]) -> dict:
    """Of all ``images`` together: ``confusion``, ``metrics`` with ``intervals`` and ``per_class``.

    An image is a dictionary as `measure_image` returns it, with its ``boundary_f1``.
    """
    confusions = _confusions(images)
    total = confusions.sum(0)

    def from_confusion(matrix: np.ndarray) -> dict[str, np.ndarray]:
        found = confusion.overall_metrics(matrix)
        if class_names == ["pet", "background", "border"]:
            found |= confusion.pet_metrics(matrix)
        if len(class_names) == 2:
            found |= confusion.foreground_metrics(matrix)
        return found

    boundary, by_class = (_column(images, f"boundary_f1{end}") for end in ("", "_by_class"))
    overall = from_confusion(total) | {"boundary_f1": confusion.known_mean(boundary)}
    per_class = confusion.class_metrics(total) | {"boundary_f1": confusion.known_mean(by_class.T)}
    intervals = bootstrap_intervals(confusions, from_confusion)
    intervals["boundary_f1"] = bootstrap_mean_interval(boundary)
    return {
        "confusion": total.tolist(),
        "metrics": {key: float(value) for key, value in overall.items() if not np.isnan(value)},
        "intervals": {k: limits for k, limits in intervals.items() if not np.isnan(limits).any()},
        "per_class": {key: _listed(values) for key, values in per_class.items()},
        "boundary_tolerance": TOLERANCE,
    }


def _confusions(images: list[dict]) -> np.ndarray:
    return np.array([image["confusion"] for image in images], dtype=np.int64)


def _column(images: list[dict], key: str) -> np.ndarray:
    """Numbers from JSON, which has no NaN and keeps None in its place: float64 (images, …)."""
    return np.array([image[key] for image in images], dtype=np.float64)


def _listed(values: np.ndarray) -> list:
    """Numbers for JSON: None in place of NaN."""
    return np.where(np.isnan(values), np.array(None), values.astype(object)).tolist()
