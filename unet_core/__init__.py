"""U-Nets for image segmentation: see, train and judge them.

A folder is a layer, and imports go down only: ``store`` (what a run is), ``architectures`` (what a
network is made of), ``prediction``, ``data``, ``metrics``, beside each other ``jobs``, ``figures``
and ``models``, then ``training`` and on top ``cli``. Keras and TensorFlow are imported by
``models`` and ``training`` alone, which the web process never loads.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

NAMES = {  # what a script needs, and where it is; loaded when it is asked for
    "Segmenter": "prediction.segmenter",
    "TrainingConfig": "store.config",
    "evaluate": "metrics.evaluate",
    "find_run": "store.runs",
    "new_run": "jobs.new_runs",
    "open_dataset": "data",
    "read_image": "data.io",
    "train": "training.process",
}


def __getattr__(name: str) -> Any:
    if name not in NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{NAMES[name]}"), name)
