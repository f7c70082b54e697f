"""What earlier versions wrote, as it is written today: the one place that knows old names.

Settings, metrics and counts once had the project's own words. Whoever reads a file gets today's,
whenever it was written; files are never rewritten for it.
"""

from typing import Any

SETTINGS = {
    "pictures": "max_images",
    "teacher": "pseudo_labels",
    "validation": "val_fraction",
    "size": "image_size",
    "crop": "crop_size",
    "border_weight": "weight_map",
    "weight_average": "ema_momentum",
    "encoder_rate": "encoder_lr_multiplier",
}
ENCODERS = {  # what the setting ``encoder`` meant
    "frozen": {"freeze_encoder": True, "fine_tune_from": 0},
    "late": {"freeze_encoder": False, "fine_tune_from": 7},
    "tuned": {"freeze_encoder": False, "fine_tune_from": 0},
}
VALUES = {
    "augmentation": {"full": "standard", "strong": "cutmix"},
    "data": {"drawn": "synthetic"},
}
RESULT = {"pictures": "images", "per_picture": "per_image", "scores": "metrics"}
COUNTS = {"pictures": "images", "pictures_per_second": "images_per_second"}


def training(settings: dict) -> dict:
    """Settings of a training; runs of Adam and RMSprop stored a decay that was never applied.

    >>> training({"size": 96, "encoder": "frozen"})
    {'image_size': 96, 'freeze_encoder': True, 'fine_tune_from': 0}
    """
    today = _renamed(settings, SETTINGS)
    if "encoder" in today:
        today |= _known(ENCODERS, today.pop("encoder"), {})
    if today.get("optimizer") in ("adam", "rmsprop"):
        today["weight_decay"] = 0.0
    return today


def config(content: dict) -> dict:
    """A ``config.json``."""
    today = _renamed(content, COUNTS)
    if isinstance(today.get("training"), dict):
        today["training"] = training(today["training"])
    return today


def result(content: dict) -> dict:
    """An ``evaluation.json``."""
    return _renamed(content, RESULT)


def progress(content: dict) -> dict:
    """The status of an evaluation or a download, which once had an ``error`` and no ``state``."""
    today = _renamed(content, RESULT)
    if "error" in today:
        error = today.pop("error")
        today = {"state": "failed" if error else "running", "message": error} | today
    return today


def counts(content: dict) -> dict:
    """The status of a training, or the facts of a download."""
    return _renamed(content, COUNTS)


def with_roles(classes: list[dict], is_own_data: bool) -> list[dict]:
    """Classes with their ``role``; before that was kept, the name decided: "background", "border".

    Users' own data always had the background first and no border, but whoever renamed the first
    class lost it: it counts as background unless another is called so.
    """
    if all("role" in entry for entry in classes):
        return classes
    names = [entry["name"] for entry in classes]
    roles = dict.fromkeys(names, "object")
    if "background" in names or is_own_data:
        roles["background" if "background" in names else names[0]] = "background"
    if "border" in names and not is_own_data:
        roles["border"] = "border"
    return [entry | {"role": roles[entry["name"]]} for entry in classes]


def names_of_data(data: str) -> list[str]:
    """What a data set was and is called.

    >>> names_of_data("synthetic")
    ['synthetic', 'drawn']
    """
    return [data, *(old for old, new in VALUES["data"].items() if new == data)]


def _renamed(content: dict, names: dict[str, str]) -> dict:
    """The content with other names for its keys, and for the values of `VALUES`."""
    today = {names.get(key, key): value for key, value in content.items()}
    for key in VALUES.keys() & today.keys():
        today[key] = _known(VALUES[key], today[key], today[key])
    return today


def _known(names: dict[str, Any], value: object, otherwise: Any) -> Any:
    return names.get(value, otherwise) if isinstance(value, str) else otherwise
