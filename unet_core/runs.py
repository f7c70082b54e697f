"""The run folder: a model, how it was trained, and how good it is.

Shipped models (``weights/<name>/``) and a user's own runs (``runs/<name>/``) have the same layout,
so that every page and every command works on both. All writes are atomic (a temporary file, then
``os.replace``): a run can be read at any moment, also after a ``kill -9``.
"""

import csv
import json
import math
import os
import re
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import cached_property
from itertools import chain, count
from pathlib import Path

from unet_core.data.base import ClassInfo, read_classes
from unet_core.errors import UserError
from unet_core.processes import alive

SHIPPED = Path(__file__).parent.parent / "weights"
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
MONITOR = "val_mean_iou"  # what "best" means in a history: the epoch with the most of it is kept
ACTIVE = ("queued", "running", "stopping")
HEARTBEAT_LIMIT = 15.0  # seconds without a sign of life after which a run counts as dead


def runs_folder() -> Path:
    """Where users' runs lie: ``UNET_RUNS_DIR``, or ``runs/`` in the working directory."""
    return Path(os.environ.get("UNET_RUNS_DIR", "runs"))


@dataclass(frozen=True)
class Run:
    """A run folder; everything is read from disk when asked for."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def is_shipped(self) -> bool:
        """Shipped runs are read-only."""
        return self.path.parent.resolve() == SHIPPED.resolve()

    @cached_property
    def config(self) -> dict:
        """``config.json``: ``title``, ``description``, ``training`` (a ``TrainingConfig`` as a
        dictionary), ``classes``, ``parameters``, ``starting_weights``, ``versions``, …"""
        config = read_json(self.path / "config.json")
        if not config:
            raise UserError(f"The run {self.name!r} has no readable config.json; delete it.")
        return config

    @property
    def title(self) -> str:
        """What people call it: the name that a user gave it, else the config's."""
        label = read_json(self.path / "label.json") or {}
        return label.get("title") or self.config.get("title") or self.name

    @property
    def is_pinned(self) -> bool:
        """A pinned run is never removed to make room."""
        return (self.path / "pinned").exists()

    @property
    def classes(self) -> tuple[ClassInfo, ...]:
        data = self.config.get("training", {}).get("data") or ""
        return read_classes(self.config["classes"], is_own_data=":" in data)  # as in npz:FILE

    @property
    def is_binary(self) -> bool:
        """Two classes: one sigmoid channel, and a threshold."""
        return len(self.config["classes"]) == 2

    @property
    def status(self) -> dict:
        """``status.json`` as it must be understood now.

        The state is ``failed`` when the process is gone or stopped giving signs, and ``stopping``
        from the moment in which it was asked to stop.
        """
        status = read_json(self.path / "status.json") or {"state": "done"}
        silent = time.time() - status.get("heartbeat", 0) > HEARTBEAT_LIMIT
        if status["state"] in ("running", "stopping") and (silent or not alive(status.get("pid"))):
            status |= {"state": "failed", "message": "The training process ended unexpectedly."}
        if status["state"] == "running" and (self.path / "stop").exists():
            status["state"] = "stopping"
        return status

    @property
    def history(self) -> list[dict]:
        """Rows of ``history.csv``, one an epoch (counted from 1), numbers as floats.

        An epoch that was repeated after a crash counts once, as it went the last time.
        """
        rows = {row["epoch"]: row for row in read_csv(self.path / "history.csv")}
        return [row | {"epoch": epoch + 1} for epoch, row in sorted(rows.items())]

    @property
    def steps(self) -> list[dict]:
        """Rows of ``steps.csv``: the loss every few steps."""
        return read_csv(self.path / "steps.csv")

    @property
    def evaluation(self) -> dict | None:
        """``evaluation.json``, or None where the run was not evaluated."""
        return read_json(self.path / "evaluation.json")

    @property
    def can_predict(self) -> bool:
        return (self.path / "model.onnx").is_file()

    def write_status(self, **changes) -> None:
        """Merge ``changes`` into ``status.json`` and set the heartbeat to now."""
        status = read_json(self.path / "status.json") or {}
        write_json(self.path / "status.json", status | changes | {"heartbeat": time.time()})


def shipped_runs() -> list[Run]:
    """The models in ``weights/``, best first (``rank`` in their configs)."""
    runs = [Run(path.parent) for path in SHIPPED.glob("*/config.json")]
    return sorted(runs, key=lambda run: (run.config.get("rank", 99), run.name))


def user_runs() -> list[Run]:
    """The user's runs, newest first; folders without a readable config are passed over."""
    runs = [Run(path.parent) for path in runs_folder().glob("*/config.json")]
    runs = [run for run in runs if NAME.fullmatch(run.name) and read_json(run.path / "config.json")]
    return sorted(runs, key=lambda run: run.config.get("created", ""), reverse=True)


def all_runs() -> list[Run]:
    """Shipped models first, then the user's runs."""
    return shipped_runs() + user_runs()


def find_run(name: str) -> Run:
    """The run of that name; ``UserError`` when there is none, or the name is not a plain one."""
    for folder in (SHIPPED, runs_folder()):
        if NAME.fullmatch(name) and (folder / name / "config.json").is_file():
            return Run(folder / name)
    raise UserError(f"There is no run called {name!r}. `python -m unet_core models` lists them.")


def unique_title(title: str, run: Run | None = None) -> str:
    """``title``, with a number behind it where another run than ``run`` has it already.

    Lists and links name runs by their titles.
    """
    taken = {other.title for other in all_runs() if other != run}
    numbered = (f"{title} ({number})" for number in count(2))
    return next(t for t in chain([title], numbered) if t not in taken)


def create_run(config: dict, name: str | None = None) -> Run:
    """Make a folder with ``config.json`` and the state ``created`` under ``runs_folder()``.

    ``config`` needs ``title``, ``training``, ``classes``. Without ``name`` the run is called after
    its model and the moment. ``UserError`` when the name is taken or not made of ``a-z0-9-``.
    """
    now = datetime.now(timezone.utc)
    name = name or f"{config['training']['model']}-{now:%Y%m%d-%H%M%S}"
    if not NAME.fullmatch(name):
        raise UserError("A run's name has small letters, digits and hyphens only, 64 at most.")
    path = runs_folder() / name
    try:
        path.mkdir(parents=True)
    except FileExistsError:
        raise UserError(f"There is already a run called {name!r}; choose another name.") from None
    write_json(path / "config.json", config | {"created": now.isoformat(timespec="seconds")})
    run = Run(path)
    run.write_status(state="created")
    return run


def best_epoch(history: list[dict]) -> int | None:
    """Position of the epoch with the highest `MONITOR`, the first of equals: the one that was kept.

    None where no epoch has it.
    """
    scores = {i: row.get(MONITOR, math.nan) for i, row in enumerate(history)}
    known = [i for i, score in scores.items() if not math.isnan(score)]
    return max(known, key=scores.get, default=None)


def read_json(path: Path) -> dict | None:
    """The file's content, or None when it is missing or not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def write_json(path: Path, content: dict) -> None:
    """Write atomically: a reader sees the old file or the new one, never half of it."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
        os.replace(temporary, path)
    except OSError:  # a full disk must not fill up with halves
        temporary.unlink(missing_ok=True)
        raise


def read_csv(path: Path) -> list[dict]:
    """Rows as dictionaries of floats; a last line that is still being written is left out."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    except OSError:
        return []
    rows = csv.DictReader(line for line in lines if line.endswith("\n"))
    return [{key: to_float(value) for key, value in row.items()} for row in rows]


def to_float(text: str | None) -> float:
    """The number in a CSV cell; NaN for an empty or odd one."""
    try:
        return float(text)
    except (TypeError, ValueError):
        return float("nan")
