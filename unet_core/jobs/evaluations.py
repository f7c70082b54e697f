"""Evaluations as jobs, and all results that a run has.

A run's own ``evaluation.json`` is on the data it was trained on. Results on other data, and all
that are made of shipped runs, lie in ``runs/.evaluations/<id of the run>/<data and split>/``, with
the job's status in ``progress.json``. One evaluation works at a time.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Callable

from unet_core.data import data_of, open_dataset
from unet_core.data.base import Dataset
from unet_core.data.uploads import PAIRS, Pairs
from unet_core.errors import UserError
from unet_core.jobs.protocol import end_job, launch_job, working
from unet_core.metrics.evaluate import check_classes, evaluate, names_of
from unet_core.store.files import modified, write_json
from unet_core.store.job import Job
from unet_core.store.legacy import names_of_data
from unet_core.store.locks import locked
from unet_core.store.runs import Run, all_runs, evaluations_folder
from unet_core.store.schemas import PROGRESS, read_evaluation

OWN = "own"  # the name of a run's own evaluation.json among its results


class Evaluation(Job):
    """The folder of an evaluation; its status names the ``run``, ``data``, ``split``."""

    kind = PROGRESS
    status_file = "progress.json"
    log_file = "evaluate.log"
    lost = dict.fromkeys(("run", "data", "data_title", "split"), "") | {
        "done": 0,
        "total": 0,
        "message": "It left nothing behind.",
    }

    @property
    def title(self) -> str:
        return "the evaluation"

    @property
    def result(self) -> dict | None:
        """As `evaluate` returns it; None before it is there."""
        return read_evaluation(self.path / "evaluation.json")

    @property
    def status(self) -> dict:
        """As `Job.status`; whatever it says, one that has its result is ``done``."""
        return super().status | ({"state": "done"} if self.result else {})


def open_data(run: Run, name: str) -> Dataset:
    """The data set of that name, split as it was when the run learned from it; or an upload, which
    takes the run's classes."""
    if name.startswith(PAIRS):
        return Pairs(name, run.classes)
    is_own = run.config["training"].get("data") == name
    return data_of(run.config) if is_own else open_dataset(name)


def start(run: Run, data: str, split: str, limit: int | None = None) -> Evaluation:
    """Evaluate ``run`` in a process of its own; an older result on the same data goes.

    ``UserError`` when the data does not fit, or another evaluation is at work.
    """
    with locked(evaluations_folder() / "lock"):  # two visitors may press at the same moment
        if (other := at_work()) is not None:
            raise UserError(f"{other.status['run']} is being evaluated; wait for it or stop it.")
        job = new_job(run, data, split, limit)
        out = str(job.path.resolve())
        arguments = ["evaluate", run.name, "--data", data, "--split", split, "--out", out]
        launch_job(job, arguments + (["--max-images", str(limit)] if limit else []))
    return job


def new_job(run: Run, data: str, split: str, limit: int | None = None) -> Evaluation:
    """An empty folder for the run's result on that split, in place of an older one.

    ``UserError`` when the data does not fit, or the older one is still at work.
    """
    dataset = open_data(run, data)
    check_classes(run, dataset)
    total = len(names_of(dataset, split, limit))
    job = Evaluation(evaluations_folder() / run.id / _key(run, data, split))
    if job.is_working:
        raise UserError(f"{run.title} is being evaluated on that data; wait for it or stop it.")
    shutil.rmtree(job.path, ignore_errors=True)
    job.path.mkdir(parents=True, exist_ok=True)
    facts = {"run": run.name, "data": data, "data_title": dataset.title, "split": split}
    job.write_status(state="created", message="", done=0, total=total, **facts)
    return job


def work(
    job: Evaluation,
    run: Run,
    data: str,
    split: str,
    limit: int | None,
    show: Callable[[int, int], None],
) -> dict:
    """What the process does: evaluate, report, and leave ``evaluation.json`` in the job's folder.

    ``show`` is given how many images are done, and how many there are. An error is kept for whoever
    looks at the job, and raised.
    """

    def progress(done: int, total: int) -> None:
        show(done, total)
        reporter.progress(done, total)

    with working(job, f"Another process evaluates into {job.path}; wait for it.") as reporter:
        dataset = open_data(run, data)
        result = evaluate(run, dataset, split, names_of(dataset, split, limit), progress)
        write_json(job.path / "evaluation.json", result)
    return result


def stop(job: Evaluation) -> None:
    """End the job's process at once; there is no result then.

    ``UserError`` when it cannot be ended from here.
    """
    end_job(job)


def at_work() -> Evaluation | None:
    """The evaluation that is at work."""
    return next((job for job in jobs() if job.is_working), None)


def jobs() -> list[Evaluation]:
    """All evaluations whose folders are there, the latest first."""
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


def _jobs_in(folders: str) -> list[Evaluation]:
    paths = evaluations_folder().glob(f"{folders}{Evaluation.status_file}")
    return [Evaluation(path.parent) for path in sorted(paths, key=modified, reverse=True)]


def _is_of(run: Run, job: Evaluation, result: dict) -> bool:
    """Whether a result that was stored by names alone, as formerly, is this very run's."""
    names = [_plain(data) for data in names_of_data(result["data"])]
    namesakes = [other for other in all_runs() if other.name == run.name]
    made_since = result["date"] >= run.config.get("created", "")
    return (
        result.get("run") == run.name
        and job.name in [f"{run.name}--{name}--{result['split']}" for name in names]
        and made_since
        and len(namesakes) == 1
    )


def _key(run: Run, data: str, split: str) -> str:
    """A name for a folder and for links, another for every run, data and split."""
    digest = hashlib.sha256(json.dumps([run.id, data, split]).encode()).hexdigest()[:12]
    return f"{_plain(data)[:40]}-{split}-{digest}".strip("-")


def _plain(data: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", data.lower()).strip("-")[-60:]
