"""The run folder: a model, how it was trained, and how good it is.

Shipped models (``weights/<name>/``) and a user's own runs (``runs/<name>/``) have the same layout,
so that every page and every command works on both. All writes are atomic (a temporary file, then
``os.replace``): a run can be read at any moment, also after a ``kill -9``.
"""

import errno
import hashlib
import math
import os
import re
import tempfile
from datetime import datetime, timezone
from functools import cached_property
from itertools import chain, count
from pathlib import Path

from unet_core.errors import UserError
from unet_core.store.classes import ClassInfo, can_score, read_classes
from unet_core.store.config import TrainingConfig, UNetSettings
from unet_core.store.environment import APP, runs_folder
from unet_core.store.files import read_rows, write_json
from unet_core.store.job import Job
from unet_core.store.locks import held
from unet_core.store.schemas import CONFIG, LABEL, PROGRESS, read_as, read_evaluation

SHIPPED = APP / "weights"
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
MONITOR = "val_mean_iou"  # the best epoch of a history has the highest; its weights are kept
FILES = ("config.json", "status.json", "history.csv", "model.onnx")  # a folder with one is a run


class Run(Job):
    """A run folder: the job of training a model, and what has come of it.

    Everything is read from disk when asked for.
    """

    lost = {"message": "Its status.json cannot be read; Resume goes on from the last whole epoch."}
    died = "The training process ended unexpectedly."

    @property
    def is_shipped(self) -> bool:
        """Shipped runs are read-only."""
        return self.path.parent.resolve() == SHIPPED.resolve()

    @property
    def id(self) -> str:
        """Unique, also among earlier and later runs of its name."""
        facts = f"{self.name} {(self._config or {}).get('created', '')}"
        return f"{self.name}-{hashlib.sha256(facts.encode()).hexdigest()[:12]}"

    @cached_property
    def _config(self) -> dict | None:
        config = read_as(self.path / "config.json", CONFIG)
        if config is None:
            return None
        config["training"] = TrainingConfig().to_dict() | config["training"]
        try:
            UNetSettings.from_dict(config["training"]["model_arguments"])
        except UserError:
            return None
        return config

    @property
    def is_damaged(self) -> bool:
        """Nothing can be done with a run whose ``config.json`` cannot be read but delete it."""
        return self._config is None

    @property
    def config(self) -> dict:
        """``config.json``: ``title``, ``description``, ``training`` (a ``TrainingConfig`` as a
        dictionary), ``classes``, ``parameters``, ``starting_weights``, ``versions``, …

        ``UserError`` when it is damaged; see `schemas.CONFIG`.
        """
        if self._config is None:
            raise UserError(f"The run {self.name!r} has no readable config.json; delete it.")
        return self._config

    @property
    def title(self) -> str:
        """What people call it: the name that a user gave it, else the config's."""
        label = read_as(self.path / "label.json", LABEL) or {}
        return label.get("title") or (self._config or {}).get("title") or self.name

    @property
    def is_pinned(self) -> bool:
        """A pinned run is never removed to make room."""
        return os.path.exists(self.path / "pinned")

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
        """As `Job.status`; a shipped run needs no ``status.json``."""
        has_file = os.path.lexists(self.path / self.status_file)
        if self.can_predict and not has_file and not held(self.lock):
            return {"state": "done"}
        return super().status

    @property
    def history(self) -> list[dict]:
        """Rows of ``history.csv``, one an epoch (counted from 1), numbers as floats.

        An epoch that was repeated after a crash counts once, as it went the last time.
        """
        rows = {row["epoch"]: row for row in read_rows(self.path / "history.csv")}
        return [row | {"epoch": epoch + 1} for epoch, row in sorted(rows.items())]

    @property
    def steps(self) -> list[dict]:
        """Rows of ``steps.csv``: the loss every few steps."""
        return read_rows(self.path / "steps.csv")

    @property
    def evaluation(self) -> dict | None:
        """``evaluation.json``, or None where the run was not evaluated."""
        return self.result_in(self.path)

    def result_in(self, folder: Path) -> dict | None:
        """The ``evaluation.json`` there; None without one, or where it is of other classes."""
        result = read_evaluation(folder / "evaluation.json")
        return result if result and can_score(result["classes"], self.classes) else None

    @property
    def can_predict(self) -> bool:
        return os.path.isfile(self.path / "model.onnx")


def shipped_runs() -> list[Run]:
    """The models in ``weights/``, best first (``rank`` in their configs)."""
    runs = [run for run in _runs_in(SHIPPED) if not run.is_damaged]
    return sorted(runs, key=lambda run: (run.config.get("rank", 99), run.name))


def user_runs() -> list[Run]:
    """The user's runs, newest first, without the damaged ones."""
    runs = [run for run in _runs_in(runs_folder()) if not run.is_damaged]
    return sorted(runs, key=lambda run: (run.config.get("created", ""), run.name), reverse=True)


def damaged_runs() -> list[Run]:
    """The user's runs of which nothing can be read; they wait to be deleted."""
    return [run for run in _runs_in(runs_folder()) if run.is_damaged]


def _runs_in(folder: Path) -> list[Run]:
    """Folders of runs, whatever they hold; other folders are not ours."""
    try:
        names = sorted(name for name in os.listdir(folder) if NAME.fullmatch(name))
    except OSError:
        return []
    return [
        Run(folder / name)
        for name in names
        if any(os.path.lexists(folder / name / file) for file in FILES)
    ]


def all_runs() -> list[Run]:
    """Shipped models first, then the user's runs."""
    return shipped_runs() + user_runs()


def evaluations_folder() -> Path:
    """Where results lie that are not the runs' own: ``<id of the run>/<data and split>/``.

    Older ones lie there as ``<run>--<data>--<split>/``.
    """
    return runs_folder() / ".evaluations"


def evaluations_of(run: Run) -> list[Path]:
    """Folders of results and jobs that go when this user's run goes.

    Those of earlier runs of its name too, but never those of a shipped one.
    """
    namesake = Run(SHIPPED / run.name)
    mine = re.compile(re.escape(run.name) + r"-[0-9a-f]{12}")
    found = [
        folder
        for folder in evaluations_folder().glob(f"{run.name}-*")
        if mine.fullmatch(folder.name) and folder.name != namesake.id
    ]
    older = [
        path.parent
        for path in evaluations_folder().glob(f"{run.name}--*/progress.json")
        if (read_as(path, PROGRESS) or {}).get("run") == run.name
    ]
    return found + ([] if namesake.path.exists() else older)


def find_run(name: str) -> Run:
    """The run of that name; ``UserError`` when there is none, or the name is not a plain one."""
    for folder in (SHIPPED, runs_folder()):
        if NAME.fullmatch(name) and os.path.isfile(folder / name / "config.json"):
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
    plain = name or f"{config['training']['model']}-{now:%Y%m%d-%H%M%S}"
    if not NAME.fullmatch(plain):
        raise UserError("A run's name has small letters, digits and hyphens only, 64 at most.")
    runs_folder().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=runs_folder(), prefix=".new-") as work:
        run = Run(Path(work) / "run")  # nobody sees it before it is whole
        run.path.mkdir()
        write_json(run.path / "config.json", config | {"created": now.isoformat()})
        run.write_status(state="created")
        path, numbers = runs_folder() / plain, count(2)
        while not _moved(run.path, path):
            if name:
                raise UserError(f"There is already a run called {name!r}; choose another name.")
            path = runs_folder() / f"{plain}-{next(numbers)}"
    return Run(path)


def _moved(folder: Path, target: Path) -> bool:
    """Whether ``folder`` is now called ``target``, a name that no run had."""
    if os.path.lexists(target) or os.path.lexists(SHIPPED / target.name):
        return False
    try:
        folder.rename(target)
    except OSError as error:
        if error.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR):
            return False  # another was quicker
        raise
    return True


def best_epoch(history: list[dict]) -> int | None:
    """Position of the epoch with the highest `MONITOR`, the first of equals: the one that was kept.

    None where no epoch has it.
    """
    values = [row.get(MONITOR, math.nan) for row in history]
    known = [i for i, value in enumerate(values) if not math.isnan(value)]
    return max(known, key=lambda i: values[i], default=None)
