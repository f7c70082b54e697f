"""What files said before, as they say it today: the one place that knows old names.

Settings, metrics and counts once had the project's own words. Whoever reads a file gets today's,
whenever it was written; files are never rewritten for it.
"""

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
AUGMENTATIONS = {"full": "standard", "strong": "cutmix"}
DATA = {"drawn": "synthetic"}
RESULT = {"pictures": "images", "per_picture": "per_image", "scores": "metrics"}
COUNTS = {"pictures": "images", "pictures_per_second": "images_per_second"}


def training_of_today(training: dict) -> dict:
    """Settings of a training; runs of Adam and RMSprop stored a decay that was never applied."""
    today = _renamed(training, SETTINGS)
    if "encoder" in today:
        today |= _known(ENCODERS, today.pop("encoder"), {})
    for key, names in (("augmentation", AUGMENTATIONS), ("data", DATA)):
        if key in today:
            today[key] = _known(names, today[key], today[key])
    if today.get("optimizer") in ("adam", "rmsprop"):
        today["weight_decay"] = 0.0
    return today


def config_of_today(config: dict) -> dict:
    """A ``config.json``."""
    today = _renamed(config, COUNTS)
    if isinstance(today.get("training"), dict):
        today["training"] = training_of_today(today["training"])
    return today


def result_of_today(result: dict) -> dict:
    """An ``evaluation.json``, or the progress of an evaluation."""
    today = _renamed(result, RESULT)
    return (
        today | {"data": _known(DATA, today["data"], today["data"])} if "data" in today else today
    )


def counts_of_today(content: dict) -> dict:
    """A status, or the facts of a download."""
    return _renamed(content, COUNTS)


def _renamed(content: dict, names: dict[str, str]) -> dict:
    return {names.get(key, key): value for key, value in content.items()}


def _known(names: dict, value: object, otherwise: object):
    return names.get(value, otherwise) if isinstance(value, str) else otherwise
