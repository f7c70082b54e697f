"""Two models on the same images."""

import json
from collections.abc import Iterable
from dataclasses import asdict

import numpy as np

from unet_core.architectures.catalogue import CATALOGUE
from unet_core.architectures.specs import UNetArguments
from unet_core.errors import UserError
from unet_core.metrics.bootstrap import interval, resampled
from unet_core.metrics.confusion import class_metrics, overall_metrics
from unet_core.store.runs import Run


def compare(first: dict, second: dict) -> dict:
    """Compare two results of `evaluate.evaluate` on the images that both have.

    Returns ``images`` (how many), ``rows`` – a metric each: ``score`` (its title), ``first``,
    ``second``, ``difference`` (second less first) and its paired 95 % bootstrap interval ``low``,
    ``high`` (NaN for a single image) – and ``per_image``: ``name``, ``first``, ``second`` (mean
    IoU) and ``difference``, the widest apart first. ``UserError`` when they were not scored on the
    same data and classes, or have no image in common.
    """
    if any(first[key] != second[key] for key in ("data", "split", "classes")):
        raise UserError("Only results on the same split of the same data can be compared.")
    known, others = ({p["name"]: p["confusion"] for p in r["per_image"]} for r in (first, second))
    names = [name for name in known if name in others]
    if not names:
        raise UserError("The two results have no picture in common.")
    a, b = (np.array([m[name] for name in names], dtype=np.int64) for m in (known, others))
    return {
        "images": len(names),
        "rows": _metric_rows(a, b, first["classes"]),
        "per_image": _image_rows(a, b, names),
    }


def _metric_rows(first: np.ndarray, second: np.ndarray, classes: list[str]) -> list[dict]:
    a, b = (_metrics(confusions.sum(0), classes) for confusions in (first, second))
    redrawn_a, redrawn_b = (_metrics(resampled(c), classes) for c in (first, second))
    rows = []
    for title in a:
        low, high = interval(redrawn_b[title] - redrawn_a[title], len(first))
        rows.append({"score": title} | _difference(a[title], b[title]) | {"low": low, "high": high})
    return rows


def _difference(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    return {"first": float(first), "second": float(second), "difference": float(second - first)}


def _metrics(confusion: np.ndarray, classes: list[str]) -> dict[str, np.ndarray]:
    iou = class_metrics(confusion)["iou"]
    overall = overall_metrics(confusion)
    return {
        "Pixel accuracy": overall["pixel_accuracy"],
        "Mean IoU": overall["mean_iou"],
        **{f"IoU of {name}": iou[..., number] for number, name in enumerate(classes)},
    }


def _image_rows(first: np.ndarray, second: np.ndarray, names: list[str]) -> list[dict]:
    a, b = (overall_metrics(confusions)["mean_iou"] for confusions in (first, second))
    order = np.argsort(-np.abs(b - a), kind="stable")
    return [{"name": names[i]} | _difference(a[i], b[i]) for i in order]


def skip_pairs(runs: Iterable[Run]) -> list[tuple[Run, Run]]:
    """Runs with and without skip connections whose settings differ in nothing else.

    Of several alike, the first counts.
    """
    alike: dict[str, dict[bool, Run]] = {}
    for run in runs:
        training = run.config["training"]
        entry = CATALOGUE.get(training["model"])
        if entry and entry.is_from_scratch:
            arguments = UNetArguments.of(entry.arguments | training["model_arguments"])
            rest = training | {"model_arguments": asdict(arguments) | {"skips": None}}
            group = alike.setdefault(json.dumps(rest, sort_keys=True), {})
            group.setdefault(arguments.skips, run)
    return [(group[True], group[False]) for group in alike.values() if len(group) == 2]
