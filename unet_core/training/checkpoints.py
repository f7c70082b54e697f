"""What a training keeps on disk so that an interrupted one loses nothing. Needs Keras.

An epoch counts when it is whole: a training that is stopped or killed inside one goes on, when it
is resumed, from that epoch's beginning, with the same batches at the same learning rates as an
uninterrupted one. ``history.csv`` and ``steps.csv`` never hold an epoch twice.
"""

import csv
import math
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import keras

from unet_core.store.config import TrainingConfig
from unet_core.store.runs import MONITOR, Run, best_epoch
from unet_core.training.batches import MAX_STEPS


class TrainingEnd(Exception):
    """Leaves ``fit`` at once, in the middle of an epoch, which then does not count."""


def backup_of(run: Run) -> Path:
    """The file from which an interrupted training goes on: weights and optimizer."""
    return run.path / "backup" / "latest.weights.h5"


def best_of(run: Run) -> Path:
    """The weights of the epoch with the best validation metric so far."""
    return run.path / "backup" / "best.weights.h5"


def restore(run: Run, model: keras.Model, steps: int) -> int:
    """Load the run's backup, if there is one; returns the epoch, from 0, to go on with.

    ``steps``: of an epoch. Whatever the run's files hold of that epoch and later ones is cut off.
    """
    epoch = 0
    if (path := backup_of(run)).exists():
        model.load_weights(path)
        epoch = int(model.optimizer.iterations) // steps
    cut_rows(run.path / "history.csv", lambda row: int(row["epoch"]) < epoch)
    cut_rows(run.path / "steps.csv", lambda row: int(row["epoch"]) <= epoch)
    for strip in (run.path / "samples").glob("epoch-*.png"):
        if strip.stem > f"epoch-{epoch:03d}":
            strip.unlink()
    return epoch


def checkpoint_callbacks(run: Run, config: TrainingConfig) -> list[keras.callbacks.Callback]:
    """In the order in which they must act when an epoch ends; for a run that is restored.

    The best weights come first, then the history, then the backup: whatever a kill cuts off is
    done again, and nothing that the history has is missing from the disk.
    """
    history = run.history
    best = best_epoch(history)
    watch, patience = {"monitor": MONITOR, "mode": "max"}, []
    if config.schedule == "plateau":
        patience.append(keras.callbacks.ReduceLROnPlateau(factor=0.1, patience=5, **watch))
    if config.early_stopping:
        patience.append(keras.callbacks.EarlyStopping(patience=config.early_stopping, **watch))
    return [
        BestWeights(best_of(run), -math.inf if best is None else history[best][MONITOR]),
        *([keras.callbacks.SwapEMAWeights()] if config.ema_momentum else []),
        keras.callbacks.CSVLogger(run.path / "history.csv", append=bool(history)),
        Backup(backup_of(run)),
        *patience,
        Resumption(run, config, patience),
    ]


def save_whole(model: keras.Model, path: Path) -> None:
    """Save the weights: whenever the process is killed, the file is whole, or the one before."""
    unfinished = path.with_name(f"new.{path.name}")
    path.parent.mkdir(exist_ok=True)
    model.save_weights(unfinished)
    os.replace(unfinished, path)


class BestWeights(keras.callbacks.Callback):
    """Keeps the weights with the best validation metric, if better than ``best``.

    Saves when validation ends rather than the epoch: a `SwapEMAWeights` that stands behind it in
    the list has the averaged weights in the model then, which are those that were validated.
    """

    def __init__(self, path: Path, best: float):
        super().__init__()
        self.path, self.best = path, best

    def on_test_end(self, logs: dict) -> None:
        metric = logs[MONITOR.removeprefix("val_")]
        if metric > self.best:
            self.best = metric
            save_whole(self.model, self.path)


class Backup(keras.callbacks.Callback):
    """Weights and optimizer after each epoch, in one file; its epoch follows from the optimizer's
    steps.

    Keras's `BackupAndRestore` writes two files, one after the other and neither at once: a kill in
    between made a training repeat an epoch, or never go on.
    """

    def __init__(self, path: Path):
        super().__init__()
        self.path = path

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        save_whole(self.model, self.path)


class Resumption(keras.callbacks.Callback):
    """Puts back what a backup does not have.

    That is the counters of early stopping and plateaus, and a learning rate that was lowered at the
    very end of its epoch: both follow from the history, which is replayed to the ``patience``
    callbacks, behind which this one must stand. And the state of dropout's random numbers, which
    therefore begin anew with every epoch.
    """

    def __init__(self, run: Run, config: TrainingConfig, patience: Iterable):
        super().__init__()
        self.run, self.config, self.patience = run, config, list(patience)

    def on_train_begin(self, logs: dict | None = None) -> None:
        if self.config.schedule == "plateau":
            self.model.optimizer.learning_rate = self.config.learning_rate
        for row in self.run.history:
            for callback in self.patience:
                callback.on_epoch_end(int(row["epoch"]) - 1, dict(row))
        if self.model.stop_training:  # it was patient enough before it was interrupted
            raise TrainingEnd

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        for layer in self.model.layers:
            if isinstance(layer, keras.layers.Dropout):
                state = layer.seed_generator.state
                state.assign([state[0], epoch * MAX_STEPS])


def cut_rows(path: Path, belongs: Callable[[dict[str, str]], bool]) -> None:
    """Cut a CSV file before its first row that is broken or does not belong.

    All of it is cut off where there is no header.
    """
    if not path.exists():
        return
    header, *rows = path.read_bytes().splitlines(keepends=True) or [b""]
    whole = 0
    if header.endswith(b"\n") and b"epoch" in header.strip().split(b","):
        whole = len(header)
        for line in rows:
            try:
                (row,) = csv.DictReader([header.decode(), line.decode()])
                if not line.endswith(b"\n") or not belongs(row):
                    break
            except (ValueError, TypeError, csv.Error):  # half a line, or numbers that are none
                break
            whole += len(line)
    os.truncate(path, whole)
