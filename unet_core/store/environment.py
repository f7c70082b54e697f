"""All environment variables: where folders lie, and what a host allows.

A public demo is no free compute service: a host can cap trainings or switch them off.
"""

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from unet_core.errors import NOT_INSTALLED, UserError
from unet_core.store.config import TrainingConfig

PACKAGE = Path(__file__).parents[1]
# What is no code of the package: an installed one has it inside, a repository beside.
APP = PACKAGE / "app" if (PACKAGE / "app").is_dir() else PACKAGE.parent
CAN_TRAIN = find_spec("tensorflow") is not None  # looked for, never loaded


@dataclass(frozen=True)
class Limits:
    """Caps on trainings; None is no cap."""

    training: bool = True
    epochs: int | None = None
    images: int | None = None
    minutes: float | None = None
    runs: int = 50
    megabytes: int | None = None  # of all runs and prepared images together
    upload_megabytes: int = 100  # of one upload of a visitor's own data

    def check(self) -> None:
        """``UserError`` where training is switched off, or what it needs is not installed."""
        if not self.training:
            raise UserError("Training is switched off on this host; run the app on your own.")
        if not CAN_TRAIN:
            raise UserError(NOT_INSTALLED)

    def apply(self, config: TrainingConfig) -> TrainingConfig:
        """The config within the caps; ``UserError`` as in `check`."""
        self.check()
        images = [n for n in (config.max_images, self.images) if n is not None]
        return config.changed(
            epochs=min(config.epochs, self.epochs or config.epochs),
            max_images=min(images, default=None),
        )


CAPS = {
    "epochs": "UNET_MAX_EPOCHS",
    "images": "UNET_MAX_PICTURES",
    "minutes": "UNET_MAX_MINUTES",
    "runs": "UNET_MAX_RUNS",
    "megabytes": "UNET_MAX_RUNS_MB",
    "upload_megabytes": "UNET_MAX_UPLOAD_MB",
}


def from_environment() -> Limits:
    """Read ``UNET_TRAINING`` (``on``, ``off``) and the variables of `CAPS`, whole numbers.

    One that is not set, or 0, leaves the default. ``UserError`` for a bad one.
    """
    is_on = os.environ.get("UNET_TRAINING", "on").lower() != "off"
    caps: dict[str, Any] = {limit: _number(name) for limit, name in CAPS.items()}
    return Limits(is_on, **{limit: number for limit, number in caps.items() if number})


def _number(name: str) -> int:
    text = os.environ.get(name, "")
    if text and not text.isdigit():
        raise UserError(f"{name} must be a whole number, not {text!r}.")
    return int(text or 0)


def data_folder() -> Path:
    """Where data sets lie: ``UNET_DATA_DIR``, or ``data/`` in the working directory."""
    return Path(os.environ.get("UNET_DATA_DIR", "data"))


def cache_folder() -> Path:
    """``UNET_CACHE_DIR``, or ``.cache`` among the runs; its content can always be made again."""
    return Path(os.environ.get("UNET_CACHE_DIR", runs_folder() / ".cache"))


def runs_folder() -> Path:
    """Where users' runs lie: ``UNET_RUNS_DIR``, or ``runs/`` in the working directory."""
    return Path(os.environ.get("UNET_RUNS_DIR", "runs"))


def variables() -> dict[str, str]:
    """The environment for a process with another working directory: our folders are absolute."""
    folders = {"RUNS": runs_folder(), "DATA": data_folder(), "CACHE": cache_folder()}
    return os.environ | {f"UNET_{name}_DIR": str(path.resolve()) for name, path in folders.items()}
