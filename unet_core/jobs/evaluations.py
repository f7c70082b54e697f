"""Evaluations as processes of their own, and all results that a run has.

A run's own ``evaluation.json`` is on the data it was trained on. Results on other data, and all
that are made of shipped runs, lie in ``runs/.evaluations/<id of the run>/<data and split>/``, with
the job's ``progress.json``. One evaluation works at a time.
"""

import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from unet_core.data import data_of, open_dataset
from unet_core.data.base import Dataset
from unet_core.data.uploads import PAIRS, Pairs
from unet_core.errors import UserError
from unet_core.jobs.launchers import NOT_OURS, detached
from unet_core.jobs.processes import kill
from unet_core.metrics.evaluate import check_classes, evaluate, names_of
from unet_core.store.files import modified, write_json
from unet_core.store.locks import at_work, held, identity, locked
from unet_core.store.runs import Run, all_runs, evaluations_folder
from unet_core.store.schemas import PROGRESS, read_as, read_evaluation

OWN = "own"  # the name of a run's own evaluation.json among its results
REPORT_EVERY = 0.5  # seconds
SILENCE = 60.0  # seconds without progress after which a job counts as dead


@dataclass(frozen=True)
class EvaluationJob:
    """One evaluation's folder; everything is read from disk when asked for."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def lock(self) -> Path:
        """The file that the process holds as long as it evaluates."""
        return self.path / "lock"

    @property
    def result(self) -> dict | None:
        """As `evaluation.evaluate` returns it; None before it is there."""
        return read_evaluation(self.path / "evaluation.json")

    @property
    def progress(self) -> dict:
        """``run``, ``data``, ``split``, ``done``, ``total``, ``error``, ``state``.

        ``state`` is ``running``, ``done``, ``stopped`` or ``failed``.
        """
        progress = read_as(self.path / "progress.json", PROGRESS)
        if progress is None:
            lost = {"run": "", "data": "", "data_title": "", "split": "", "done": 0, "total": 0}
            state = "running" if held(self.lock) else "failed"
            return lost | {"error": "It left nothing behind.", "state": state}
        if self.result:
            return progress | {"state": "done"}
        if progress["error"]:
            return progress | {"state": "failed"}
        if at_work(self.lock, progress, SILENCE):
            return progress | {"state": "running"}
        if os.path.exists(self.path / "stop"):
            return progress | {"state": "stopped"}
        return progress | {"state": "failed", "error": "The process ended unexpectedly."}

    def report(self, **changes) -> None:
        """Merge ``changes`` into ``progress.json`` and set the heartbeat to now."""
        known = read_as(self.path / "progress.json", PROGRESS) or {}
        write_json(self.path / "progress.json", known | changes | {"heartbeat": time.time()})


def open_data(run: Run, name: str) -> Dataset:
    """The data set of that name, split as it was when the run learned from it; or an upload, which
    takes the run's classes."""
    if name.startswith(PAIRS):
        return Pairs(name, run.classes)
    is_own = run.config["training"].get("data") == name
    return data_of(run.config) if is_own else open_dataset(name)


def start(run: Run, data: str, split: str, limit: int | None = None) -> EvaluationJob:
    """Evaluate ``run`` in a process of its own; an older result on the same data goes.

    ``UserError`` when the data does not fit, or another evaluation is at work.
    """
    with locked(evaluations_folder() / "lock"):  # two visitors may press at the same moment
        if (other := working()) is not None:
            raise UserError(f"{other.progress['run']} is being evaluated; wait for it or stop it.")
        job = new_job(run, data, split, limit)
        out = str(job.path.absolute())
        command = ["evaluate", run.name, "--data", data, "--split", split, "--out", out]
        if limit:
            command += ["--max-images", str(limit)]
        pid = detached(command, job.path / "evaluate.log")
        job.report(pid=pid, process=identity(pid))
    return job


def new_job(run: Run, data: str, split: str, limit: int | None = None) -> EvaluationJob:
    """An empty folder for the run's result on that split, in place of an older one.

    ``UserError`` when the data does not fit, or the older one is still at work.
    """
    dataset = open_data(run, data)
    check_classes(run, dataset)
    total = len(names_of(dataset, split, limit))
    job = EvaluationJob(evaluations_folder() / run.id / _key(run, data, split))
    if job.progress["state"] == "running":
        raise UserError(f"{run.title} is being evaluated on that data; wait for it or stop it.")
    shutil.rmtree(job.path, ignore_errors=True)
    job.path.mkdir(parents=True, exist_ok=True)
    process = identity()
    job.report(
        run=run.name, data=data, data_title=dataset.title, split=split, done=0, total=total,
        error="", pid=process["pid"], process=process,
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
    try:
        with locked(job.lock, wait=False):
            return _work(job, run, data, split, limit, tell)
    except BlockingIOError:
        raise UserError(f"Another process evaluates into {job.path}; wait for it.") from None


def _work(job, run, data, split, limit, tell) -> dict:
    process = identity()
    job.report(error="", pid=process["pid"], process=process)
    told = time.monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal told
        tell(done, total)
        if time.monotonic() - told > REPORT_EVERY:
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
    """End the job's process at once; there is no result then.

    ``UserError`` when it cannot be ended from here.
    """
    progress = job.progress
    if progress["state"] == "running":
        with suppress(FileNotFoundError):  # it has just gone
            (job.path / "stop").touch()
        kill(progress, str(job.path.absolute()))
        if job.progress["state"] == "running":
            raise UserError(NOT_OURS.format("the evaluation"))


def working() -> EvaluationJob | None:
    """The job that is at work."""
    return next((job for job in jobs() if job.progress["state"] == "running"), None)


def jobs() -> list[EvaluationJob]:
    """All jobs whose folders are there, the latest first."""
    return _jobs_in("*/*/") + _jobs_in("*--*--*/")


def results(run: Run) -> dict[str, dict]:
    """All results of a run by name: its own first, then those of jobs, the latest first."""
    found = {OWN: run.evaluation}
    for job in _jobs_in(f"{run.id}/*/"):
        found[job.name] = run.result_in(job.path)
    for job in _jobs_in(f"{run.name}--*/"):
        if (result := run.result_in(job.path)) and _is_of(run, job, result):
            found.setdefault(job.name, result)
    return {name: result for name, result in found.items() if result}


def is_private(result: dict) -> bool:
    """Whether it is about somebody's uploaded images."""
    return result["data"].startswith(PAIRS)


def _jobs_in(folders: str) -> list[EvaluationJob]:
    paths = evaluations_folder().glob(f"{folders}progress.json")
    return [EvaluationJob(path.parent) for path in sorted(paths, key=modified, reverse=True)]


def _is_of(run: Run, job: EvaluationJob, result: dict) -> bool:
    """Whether a result that was stored by names alone, as formerly, is this very run's."""
    names = (run.name, _plain(result["data"]), result["split"])
    namesakes = [other for other in all_runs() if other.name == run.name]
    made_since = result["date"] >= run.config.get("created", "")
    return (
        result.get("run") == run.name
        and job.name == "--".join(names)
        and made_since
        and len(namesakes) == 1
    )


def _key(run: Run, data: str, split: str) -> str:
    """A name for a folder and for links, another for every run, data and split."""
    digest = hashlib.sha256(json.dumps([run.id, data, split]).encode()).hexdigest()[:12]
    return f"{_plain(data)[:40]}-{split}-{digest}".strip("-")


def _plain(data: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", data.lower()).strip("-")[-60:]
