"""What the files of a run, a job and an upload may hold: they are judged here, and nowhere else.

A disk cuts files short, people edit them, other versions write them. Whoever reads one gets values
of the types that are said here, or nothing; so no page has to ask twice.
"""

import copy
import math
import os
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from pathlib import Path

import numpy as np
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.validators import extend

from unet_core.store.files import MOST, read_json
from unet_core.store.legacy import config_of_today, counts_of_today, result_of_today

THRESHOLDS = 101  # rows of a stored sweep, for 0 to 1

_FORMATS = FormatChecker(formats=())
_Validator = extend(
    Draft202012Validator,  # for which 3.0 is an integer too
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, x: type(x) is int),
)


class Kind:
    """What files of one kind hold, as a JSON schema; ``today`` gives older ones today's names."""

    def __init__(self, schema: dict, today: Callable[[dict], dict] = lambda content: content):
        self._validator = _Validator(schema, format_checker=_FORMATS)
        self._today = today

    def read(self, path: Path, nan: bool = False) -> dict | None:
        """The file's content with the names of today, or None where it is of another kind."""
        content = read_json(path, nan)
        if isinstance(content, dict):
            content = self._today(content)
        return content if self._validator.is_valid(content) else None


@_FORMATS.checks("moment", raises=ValueError)
def _is_moment(text: str) -> bool:
    return datetime.fromisoformat(text).tzinfo is not None


@_FORMATS.checks("day", raises=ValueError)
def _is_day(text: str) -> bool:
    return bool(datetime.fromisoformat(text))


def _map(properties: dict, *required: str, **more) -> dict:
    return {"type": "object", "properties": properties, "required": list(required)} | more


def _list(items: dict, least: int = 0, **more) -> dict:
    return {"type": "array", "items": items, "minItems": least} | more


def _whole(least: int = 0, most: float = MOST) -> dict:
    return {"type": "integer", "minimum": least, "maximum": most}


def _or_null(schema: dict) -> dict:
    return schema | {"type": [schema["type"], "null"]}


TEXT = {"type": "string", "pattern": r"\A[^\x00]*\Z", "maxLength": 5000}
NAME = TEXT | {"minLength": 1, "maxLength": 300}
NUMBER = {"type": "number", "minimum": -MOST, "maximum": MOST}
FLAG = {"type": "boolean"}
POSITIVE = NUMBER | {"minimum": 0}
SCALAR = TEXT | NUMBER | {"type": ["string", "number", "boolean", "null"]}
PID = _or_null(_whole(1, 2**31 - 1))
PROCESS = _or_null(_map({"pid": PID, "host": TEXT, "boot": TEXT, "born": NUMBER}, "pid"))
CLASSES = _list(
    _map({"name": NAME, "color": {"type": "string", "pattern": r"\A#[0-9a-fA-F]{6}\Z"},
          "role": {"enum": ["object", "background", "border"]}}, "name", "color"), maxItems=256,
)  # fmt: skip
CONFIG = Kind(_map(
    {
        "title": TEXT,
        "description": TEXT,
        "data_title": TEXT,
        "data_credit": TEXT,
        "created": TEXT | {"format": "day"},
        "rank": NUMBER,
        "parameters": _whole(),
        "classes": CLASSES,
        "starting_weights": _or_null(_map({"origin": TEXT, "licence": TEXT}, "origin")),
        "training": _map(
            {
                "model": NAME,
                "model_arguments": _map(
                    {"depth": _whole(), "filters": _whole(), "padding": TEXT, "dropout": NUMBER,
                     "batch_norm": FLAG, "skips": FLAG, "channels": _whole()},
                    additionalProperties=SCALAR,
                ),
                "data": TEXT,
                "epochs": _whole(1, 10**6),
                "image_size": _whole(1, 2**16),
                "score_size": _or_null(_whole(1, 2**16)),
                "crop_size": _or_null(_whole(1, 2**16)),
            },
            additionalProperties=SCALAR,
        ),
    },
    "training", "classes",
), config_of_today)  # fmt: skip
STATUS = Kind(
    _map(
        {
            "state": {
                "enum": ["created", "queued", "running", "stopping", "stopped", "failed", "done"]
            },
            "phase": TEXT,
            "message": _or_null(TEXT),
            "pid": PID,
            "process": PROCESS,
            "heartbeat": NUMBER,
            "queued": NUMBER,
            "started": TEXT | {"format": "moment"},
            "epoch": _whole(),
            "epochs": _whole(),
            "step": _whole(),
            "steps": _whole(),
            "images_per_second": POSITIVE,
            "seconds_left": _or_null(POSITIVE),
            "oom_kills": _or_null(_whole()),
        },
        "state",
    ),
    counts_of_today,
)
LABEL = Kind(_map({"title": NAME}, "title"))
PROGRESS = Kind(_map(  # of an evaluation
    {"run": TEXT, "data": TEXT, "data_title": TEXT, "split": TEXT, "done": _whole(),
     "total": _whole(), "error": TEXT, "pid": PID, "process": PROCESS, "heartbeat": NUMBER},
    "run", "data", "data_title", "split", "done", "total", "error", "heartbeat",
), result_of_today)  # fmt: skip
DOWNLOAD = Kind(_map(  # how far it is
    {"what": TEXT, "done": _whole(), "total": _whole(), "error": TEXT, "pid": PID,
     "process": PROCESS}, "done", "total", "error",
))  # fmt: skip
DOWNLOADED = Kind(_map({"images": _or_null(_whole())}, "images"), counts_of_today)
IMAGES = _list({"type": "string", "pattern": r"\A[^/\\\x00]{1,300}\Z"}, 1)
UPLOAD = Kind(_map(
    {"title": NAME, "classes": CLASSES,
     "splits": _map({"trainval": IMAGES, "test": IMAGES}, "trainval", "test")},
    "title", "classes", "splits",
))  # fmt: skip
SUBSET = Kind(_map(  # what a training learns from
    {"training": _list(TEXT, 1), "validation": _list(TEXT, 1),
     "further": _map({}, additionalProperties=_list(TEXT))},
    "training", "validation",
))  # fmt: skip
SCORES = _map({"pixel_accuracy": NUMBER, "mean_iou": NUMBER}, "pixel_accuracy", "mean_iou",
              additionalProperties=NUMBER)  # fmt: skip
EVALUATION = Kind(_map(  # its numbers beside the scores: see `_is_whole`
    {
        "run": TEXT,
        "data": TEXT,
        "data_title": TEXT,
        "split": TEXT,
        "date": TEXT | {"format": "day"},
        "images": _whole(),
        "resolution": _whole(1),
        "classes": _list(NAME, 1, maxItems=256, uniqueItems=True),
        "metrics": SCORES,
        "intervals": _map({}, additionalProperties=_list(NUMBER, 2, maxItems=2)),
        "calibration_error": NUMBER,
        "notes": _list(TEXT),
        "boundary_tolerance": NUMBER,
        "roc_area": _or_null(NUMBER),
        "average_precision": _or_null(NUMBER),
        "per_class": {"type": "object"},
        "per_image": {"type": "array", "minItems": 1},
    },
    "data", "data_title", "split", "date", "images", "resolution", "classes", "metrics",
    "intervals", "calibration_error", "per_class", "per_image", "confusion", "reliability",
), result_of_today)  # fmt: skip


def read_as(path: Path, kind: Kind) -> dict | None:
    """The file's content where it is of that kind, else None. No number in it is NaN."""
    try:
        facts = os.stat(path)
    except OSError:
        return None
    # Pages ask for the same files again and again: whether one fits is found out once.
    return copy.deepcopy(_read_as(path, kind, facts.st_ino, facts.st_mtime_ns, facts.st_size))


@lru_cache(maxsize=500)
def _read_as(path: Path, kind: Kind, *_facts: int) -> dict | None:
    return kind.read(path)


def read_evaluation(path: Path) -> dict | None:
    """A result of `evaluation.evaluate` whose parts fit each other, else None."""
    content = EVALUATION.read(path, nan=True)
    return content if content and _is_whole(content) else None


def _is_whole(result: dict) -> bool:
    """Whether an evaluation's tables have the sizes that its classes and images ask for.

    Thousands of images are judged at once: one by one would take half a second.
    """
    classes, images = len(result["classes"]), result["per_image"]
    try:
        counts = [
            ([result["confusion"]], (1, classes, classes)),
            ([image["confusion"] for image in images], (len(images), classes, classes)),
        ]
        if "thresholds" in result:
            counts.append((result["thresholds"], (THRESHOLDS, 2, 2)))
        others = [(result["reliability"], (len(result["reliability"]), 3))]
        if "curve" in result:
            others.append((result["curve"], (max(1, len(result["curve"])), 3)))
        columns = ["iou", "dice", "precision", "recall", "support"]
        if "boundary_f1" in result["per_class"]:
            columns.append("boundary_f1")
            result["boundary_tolerance"]  # must be told then
        for column in columns:
            values = result["per_class"][column]  # null for a class without a score
            others.append(([math.nan if v is None else v for v in values], (classes,)))
        return (
            all(_is_table(*table, kinds="i") for table in counts)
            and all(_is_table(*table, kinds="if") for table in others)
            and all(_is_name(image["name"]) for image in images)
        )
    except (TypeError, KeyError, ValueError):
        return False


def _is_name(name: object) -> bool:
    return isinstance(name, str) and 0 < len(name) <= TEXT["maxLength"] and "\0" not in name


def _is_table(values: object, shape: tuple[int, ...], kinds: str) -> bool:
    table = np.array(values)
    return table.shape == shape and table.dtype.kind in kinds and not np.any(np.abs(table) > MOST)
