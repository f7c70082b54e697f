"""Evaluations as processes of their own, and all results that a run has.

A run's own ``evaluation.json`` is on the data it was trained on. Results on other data lie in
folders of their own under ``runs/.evaluations/``, which also hold the job's ``progress.json``;
shipped runs stay as they are. One evaluation works at a time.
"""

import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from unet_core.data import data_of, open_dataset
from unet_core.data.base import Dataset
from unet_core.data.pairs import PREFIX, Pairs
from unet_core.errors import UserError
from unet_core.evaluation import check_classes, evaluate, names_of
from unet_core.jobs import detached
from unet_core.processes import alive, kill, locked
from unet_core.runs import Run, read_json, runs_folder, write_json

OWN = "own"  # the name of a run's own evaluation.json among its results
TELL_EVERY = 0.5  # seconds
SILENCE = 60.0  # seconds without progress after which a job counts as dead


@dataclass(frozen=True)
class EvaluationJob:
    """One evaluation's folder; everything is read from disk when asked for."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def result(self) -> dict | None:
        """As `evaluation.evaluate` returns it; None before it is there."""
        return read_json(self.path / "evaluation.json")

    @property
    def progress(self) -> dict:
        """``run``, ``data``, ``split``, ``done``, ``total``, ``error``, ``state``.

        ``state`` is ``running``, ``done``, ``stopped`` or ``failed``.
        """
        progress = read_json(self.path / "progress.json") or {"error": "It left nothing behind."}
        if self.result:
            return progress | {"state": "done"}
        if progress["error"]:
            return progress | {"state": "failed"}
        if (self.path / "stop").exists():
            return progress | {"state": "stopped"}
        silent = time.time() - progress["heartbeat"] > SILENCE
        if silent or not alive(progress["pid"]):
            return progress | {"state": "failed", "error": "The process ended unexpectedly."}
        return progress | {"state": "running"}

    def report(self, **changes) -> None:
        """Merge ``changes`` into ``progress.json`` and set the heartbeat to now."""
        known = read_json(self.path / "progress.json") or {}
        write_json(self.path / "progress.json", known | changes | {"heartbeat": time.time()})


def open_data(run: Run, name: str) -> Dataset:
    """The data set of that name, split as it was when the run learned from it; or an upload, which
    takes the run's classes."""
    if name.startswith(PREFIX):
        return Pairs(name, run.classes)
    is_own = run.config["training"].get("data") == name
    return data_of(run.config) if is_own else open_dataset(name)


def start(run: Run, data: str, split: str, limit: int | None = None) -> EvaluationJob:
    """Evaluate ``run`` in a process of its own; an older result on the same data goes.

    ``UserError`` when the data does not fit, or another evaluation is at work.
    """
    with locked(_store() / "lock"):  # two visitors may press at the same moment
        if (other := working()) is not None:
            raise UserError(f"{other.progress['run']} is being evaluated; wait for it or stop it.")
        job = new_job(run, data, split, limit)
        out = str(job.path.absolute())
        command = ["evaluate", run.name, "--data", data, "--split", split, "--out", out]
        if limit:
            command += ["--pictures", str(limit)]
        job.report(pid=detached(command, job.path / "evaluate.log"))
    return job


def new_job(run: Run, data: str, split: str, limit: int | None = None) -> EvaluationJob:
    """An empty folder for the run's result on that split, in place of an older one.

    ``UserError`` when the data does not fit.
    """
    dataset = open_data(run, data)
    check_classes(run, dataset)
    total = len(names_of(dataset, split, limit))
    job = EvaluationJob(_store() / f"{run.name}--{_plain(data)}--{split}")
    shutil.rmtree(job.path, ignore_errors=True)
    job.path.mkdir(parents=True)
    job.report(
        run=run.name, data=data, data_title=dataset.title, split=split, done=0, total=total,
        error="", pid=os.getpid(),
    )  # fmt: skip
    return job


def work(
    job: EvaluationJob,
    run: Run,
    data: str,
    split: str,
    limit: int | None,
    tell: Callable[[int, int], None],
) -> dict:
    """What the process does: evaluate, report, and leave ``evaluation.json`` in the job's folder.

    An error is kept for whoever looks at the job, and raised.
    """
    job.path.mkdir(parents=True, exist_ok=True)
    job.report(error="", pid=os.getpid())
    told = time.monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal told
        tell(done, total)
        if time.monotonic() - told > TELL_EVERY:
            job.report(done=done, total=total)
            told = time.monotonic()

    try:
        dataset = open_data(run, data)
        result = evaluate(run, dataset, split, names_of(dataset, split, limit), progress)
    except Exception as error:
        job.report(error=str(error))
        raise
    write_json(job.path / "evaluation.json", result)
    return result


def stop(job: EvaluationJob) -> None:
    """End the job's process at once; there is no result then."""
    progress = job.progress
    if progress["state"] == "running":
        (job.path / "stop").touch()
        kill(progress["pid"])


def working() -> EvaluationJob | None:
    """The job that is at work."""
    return next((job for job in jobs() if job.progress["state"] == "running"), None)


def jobs() -> list[EvaluationJob]:
    """All jobs whose folders are there, the latest first."""
    paths = sorted(_store().glob("*--*--*/progress.json"), key=lambda p: -p.stat().st_mtime)
    return [EvaluationJob(path.parent) for path in paths]


def results(run: Run) -> dict[str, dict]:
    """All results of a run by name: its own first, then those of jobs, the latest first."""
    found = {OWN: run.evaluation}
    for job in jobs():
        if job.name.startswith(f"{run.name}--"):
            found[job.name] = job.result
    return {name: result for name, result in found.items() if result}


def is_private(result: dict) -> bool:
    """Whether it is about somebody's uploaded pictures."""
    return result["data"].startswith(PREFIX)


def _store() -> Path:
    return runs_folder() / ".evaluations"


def _plain(data: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", data.lower()).strip("-")[-60:]
