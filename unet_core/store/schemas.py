"""What the files of a run, a job and an upload may hold; they are checked here and nowhere else.

A disk cuts files short, people edit them, other versions write them. Whoever reads one gets values
of these types, or None; so no page has to check again.
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

from unet_core.store import legacy
from unet_core.store.files import MAX_NUMBER, read_json

THRESHOLDS = 101  # rows of a stored sweep, for 0 to 1

_FORMATS = FormatChecker(formats=())
_Validator = extend(
    Draft202012Validator,  # for which 3.0 is an integer too
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, x: type(x) is int),
)


class Kind:
    """What files of one kind hold: a JSON schema, and ``update``, which gives the content of older
    files the names of today (see `legacy`)."""

    def __init__(self, schema: dict, update: Callable[[dict], dict] = lambda content: content):
        self._validator = _Validator(schema, format_checker=_FORMATS)
        self._update = update

    def read(self, path: Path, nan: bool = False) -> dict | None:
        """The file's content with the names of today, or None where it is of another kind.

        ``nan``: whether NaN may stand in it.
        """
        content = read_json(path, nan)
        if not isinstance(content, dict):
            return None
        content = self._update(content)
        return content if self._validator.is_valid(content) else None


@_FORMATS.checks("moment", raises=ValueError)
def _is_moment(text: str) -> bool:
    return datetime.fromisoformat(text).tzinfo is not None


@_FORMATS.checks("day", raises=ValueError)
def _is_day(text: str) -> bool:
    return bool(datetime.fromisoformat(text))


def _map(required: dict, optional: dict | None = None, others: dict | bool = True) -> dict:
    """An object; ``others``: what values under other names are."""
    properties = required | (optional or {})
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": others,
    }


def _each(schema: dict, names: str) -> dict[str, dict]:
    """The same for several names."""
    return dict.fromkeys(names.split(), schema)


def _list(items: dict, min_items: int = 0, **more: object) -> dict:
    return {"type": "array", "items": items, "minItems": min_items} | more


def _whole(minimum: int = 0, maximum: float = MAX_NUMBER) -> dict:
    return {"type": "integer", "minimum": minimum, "maximum": maximum}


def _or_null(schema: dict) -> dict:
    return schema | {"type": [schema["type"], "null"]}


MAX_TEXT = 5000  # characters
TEXT = {"type": "string", "pattern": r"\A[^\x00]*\Z", "maxLength": MAX_TEXT}
NAME = TEXT | {"minLength": 1, "maxLength": 300}
NUMBER = {"type": "number", "minimum": -MAX_NUMBER, "maximum": MAX_NUMBER}
FLAG = {"type": "boolean"}
COUNT = _whole()
SIDE = _whole(1, 2**16)  # pixels
POSITIVE = NUMBER | {"minimum": 0}
TEMPERATURE = NUMBER | {"exclusiveMinimum": 0}
DAY = TEXT | {"format": "day"}
SCALAR = TEXT | NUMBER | {"type": ["string", "number", "boolean", "null"]}
COLOR = {"type": "string", "pattern": r"\A#[0-9a-fA-F]{6}\Z"}
ROLE = {"enum": ["object", "background", "border"]}
CLASSES = _list(_map({"name": NAME, "color": COLOR}, {"role": ROLE}), maxItems=256)
UNET = _each(COUNT, "depth filters channels") | _each(FLAG, "batch_norm skips")
UNET |= {"padding": TEXT, "dropout": NUMBER}
TRAINING = _each(SIDE, "image_size") | _each(_or_null(SIDE), "score_size crop_size")
TRAINING |= {"model": NAME, "data": TEXT, "epochs": _whole(1, 10**6)}
TRAINING |= {"model_arguments": _map({}, UNET, SCALAR)}
CONFIG = Kind(
    _map(
        {"classes": CLASSES, "training": _map({}, TRAINING, SCALAR)},
        _each(TEXT, "title description data_title data_credit")
        | {"created": DAY, "rank": NUMBER, "parameters": COUNT, "temperature": TEMPERATURE}
        | {"starting_weights": _or_null(_map({"origin": TEXT}, {"licence": TEXT}))},
    ),
    legacy.config,
)
LABEL = Kind(_map({"title": NAME}))

STATES = ("created", "queued", "running", "stopping", "stopped", "failed", "done")
PID = _or_null(_whole(1, 2**31 - 1))
PROCESS = _or_null(_map({"pid": PID}, _each(TEXT, "host boot") | {"born": NUMBER}))
STATE = {"state": {"enum": list(STATES)}}  # of any job, see `store.job`; beside it there may be:
JOB = {"phase": TEXT, "message": _or_null(TEXT), "pid": PID, "process": PROCESS}
JOB |= {"heartbeat": NUMBER, "oom_kills": _or_null(COUNT)}
MOMENT = TEXT | {"format": "moment"}
STATUS = Kind(  # of a training
    _map(
        STATE,
        JOB
        | _each(COUNT, "epoch epochs step steps")
        | {"queued": NUMBER, "started": MOMENT}
        | {"images_per_second": POSITIVE, "seconds_left": _or_null(POSITIVE)},
    ),
    legacy.counts,
)
DONE = STATE | _each(COUNT, "done total")
PROGRESS = Kind(  # of an evaluation
    _map(DONE | _each(TEXT, "run data data_title split"), JOB), legacy.progress
)
DOWNLOAD = Kind(_map(DONE, JOB | {"what": TEXT}), legacy.progress)
DOWNLOADED = Kind(_map({"images": _or_null(COUNT)}), legacy.counts)

FILES = _list({"type": "string", "pattern": r"\A[^/\\\x00]{1,300}\Z"}, 1)
SPLITS = _map({"trainval": FILES, "test": FILES})
UPLOAD = Kind(_map({"title": NAME, "classes": CLASSES, "splits": SPLITS}))
NAMES = _list(TEXT)
SUBSET = Kind(  # what a training learns from
    _map(_each(NAMES | {"minItems": 1}, "training validation"), {"further": _map({}, {}, NAMES)})
)
INTERVALS = _map({}, {}, _list(NUMBER, 2, maxItems=2))
CLASS_NAMES = _list(NAME, 1, maxItems=256, uniqueItems=True)
EVALUATION = Kind(  # its tables: see `_is_whole`
    _map(
        _each(TEXT, "data data_title split")
        | {"date": DAY, "images": COUNT, "resolution": _whole(1), "classes": CLASS_NAMES}
        | {"metrics": _map(_each(NUMBER, "pixel_accuracy mean_iou"), {}, NUMBER)}
        | {"intervals": INTERVALS, "calibration_error": NUMBER}
        | {"per_class": {"type": "object"}, "per_image": {"type": "array", "minItems": 1}}
        | _each({}, "confusion reliability"),
        {"run": TEXT, "notes": NAMES, "boundary_tolerance": NUMBER}
        | _each(_or_null(NUMBER), "roc_area average_precision"),
    ),
    legacy.result,
)


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
    """A result of `metrics.evaluate.evaluate` whose parts fit each other, else None."""
    content = EVALUATION.read(path, nan=True)
    return content if content and _is_whole(content) else None


def _is_whole(result: dict) -> bool:
    """Whether an evaluation's tables have the sizes that its classes and images ask for.

    Thousands of images are checked at once: one by one would take half a second.
    """
    classes, images, per_class = len(result["classes"]), result["per_image"], result["per_class"]
    try:
        tables = [
            ("i", [result["confusion"]], (1, classes, classes)),
            ("i", [image["confusion"] for image in images], (len(images), classes, classes)),
            ("if", result["reliability"], (len(result["reliability"]), 3)),
        ]
        if "thresholds" in result:
            tables.append(("i", result["thresholds"], (THRESHOLDS, 2, 2)))
        if "curve" in result:
            tables.append(("if", result["curve"], (max(1, len(result["curve"])), 3)))
        columns = ["iou", "dice", "precision", "recall", "support"]
        if "boundary_f1" in per_class:
            columns.append("boundary_f1")
            result["boundary_tolerance"]  # a KeyError without it
        # None for a class without a score
        rows = [[math.nan if v is None else v for v in per_class[column]] for column in columns]
        tables += [("if", [row], (1, classes)) for row in rows]
        return all(_is_table(*table) for table in tables) and all(
            _is_name(image["name"]) for image in images
        )
    except (TypeError, KeyError, ValueError):
        return False


def _is_name(name: object) -> bool:
    return isinstance(name, str) and 0 < len(name) <= MAX_TEXT and "\0" not in name


def _is_table(kinds: str, values: object, shape: tuple[int, ...]) -> bool:
    table = np.array(values)
    fits = table.shape == shape and table.dtype.kind in kinds
    return bool(fits and not np.any(np.abs(table) > MAX_NUMBER))
