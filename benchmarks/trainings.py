"""Trainings of benchmarks: each once, in a process of its own, into a run with a fixed name."""

import multiprocessing

from unet_core.jobs.new_runs import new_run
from unet_core.store.config import TrainingConfig
from unet_core.store.environment import runs_folder
from unet_core.store.runs import Run
from unet_core.training.process import train


def trained(name: str, title: str, config: TrainingConfig) -> Run:
    """The run ``name``, trained with ``config``; one that has ended already is not trained again.

    An interrupted one goes on. ``SystemExit`` when the training fails.
    """
    path = runs_folder() / name
    if not (path / "evaluation.json").exists():
        arguments = (name, title, config)
        process = multiprocessing.get_context("spawn").Process(target=_train, args=arguments)
        process.start()
        process.join()
        if process.exitcode:
            raise SystemExit(f"The training {title!r} failed; its run is {path}.")
    return Run(path)


def _train(name: str, title: str, config: TrainingConfig) -> None:
    path = runs_folder() / name
    train(Run(path) if path.exists() else new_run(config, name, title))
