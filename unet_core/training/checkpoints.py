"""What a training keeps on disk so that an interrupted one loses nothing. Needs Keras.

An epoch counts when it is whole: a training that is stopped or killed inside one goes on, when it
is resumed, from that epoch's beginning, and sees the same batches at the same learning rates as an
uninterrupted one. ``history.csv`` and ``steps.csv`` never hold an epoch twice.
"""

import csv
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import keras

from unet_core.store.config import TrainingConfig
from unet_core.store.runs import MONITOR, Run, best_epoch

MOST_STEPS = 100_000  # of one epoch: the random numbers of two epochs are that far apart


class TrainingEnd(Exception):
    """Leaves ``fit`` at once, in the middle of an epoch, which then does not count."""


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


def backup_of(run: Run) -> Path:
    """The file from which an interrupted training goes on."""
    return run.path / "backup" / "latest.weights.h5"


def checkpoint_callbacks(run: Run, config: TrainingConfig) -> list[keras.callbacks.Callback]:
    """In the order in which they must act when an epoch ends; for a run that is restored.

    The best weights come first, then the history, then the backup: whatever a kill cuts off is
    done again, and nothing that the history tells is missing from the disk.
    """
    history = run.history
    best = best_epoch(history)
    best_score = None if best is None else history[best][MONITOR]
    patience = _patience_callbacks(config)
    return [
        BestWeights(run.path / "backup" / "best.weights.h5", best_score),
        *([keras.callbacks.SwapEMAWeights()] if config.ema_momentum else []),
        keras.callbacks.CSVLogger(run.path / "history.csv", append=bool(history)),
        Backup(backup_of(run)),
        *patience,
        Resumption(run, config, patience),
    ]


def _patience_callbacks(config: TrainingConfig) -> list[keras.callbacks.Callback]:
    watch = {"monitor": MONITOR, "mode": "max"}
    callbacks = []
    if config.schedule == "plateau":
        callbacks.append(keras.callbacks.ReduceLROnPlateau(factor=0.1, patience=5, **watch))
    if config.early_stopping:
        callbacks.append(keras.callbacks.EarlyStopping(patience=config.early_stopping, **watch))
    return callbacks


class WholeFile:
    """A file of weights that is whole or not there, whenever the process is killed."""

    def __init__(self, path: Path):
        self.path, self.unfinished = path, path.with_name(f"new.{path.name}")
        self.unfinished.unlink(missing_ok=True)
        path.parent.mkdir(exist_ok=True)

    def finish(self) -> None:
        """What was written to ``unfinished``, if anything, takes its place."""
        if self.unfinished.exists():
            os.replace(self.unfinished, self.path)


class Backup(keras.callbacks.Callback):
    """Weights and optimizer after each epoch, in one file, whose epoch the optimizer tells.

    Keras's `BackupAndRestore` writes two files, one after the other and neither at once: a kill in
    between made a training repeat an epoch, or never go on.
    """

    def __init__(self, path: Path):
        super().__init__()
        self.file = WholeFile(path)

    def on_epoch_end(self, epoch, logs=None):
        self.model.save_weights(self.file.unfinished)
        self.file.finish()


class BestWeights(keras.callbacks.ModelCheckpoint):
    """Keeps the weights with the best validation score, whole or not at all.

    Saves when validation ends rather than the epoch: a `SwapEMAWeights` that stands behind it in
    the list has the averaged weights in the model then, which are those that were scored.
    """

    def __init__(self, path: Path, best: float | None):
        self.file = WholeFile(path)
        super().__init__(
            self.file.unfinished, monitor=MONITOR, mode="max", save_best_only=True,
            save_weights_only=True, initial_value_threshold=best,
        )  # fmt: skip

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_test_end(self, logs=None):
        super().on_epoch_end(self.epoch, {f"val_{name}": value for name, value in logs.items()})
        self.file.finish()

    def on_epoch_end(self, epoch, logs=None):
        """Nothing is left to do."""


class Resumption(keras.callbacks.Callback):
    """Puts back what a backup does not have.

    That is the counters of early stopping and plateaus, and a learning rate that was lowered at the
    very end of its epoch: both follow from the history, which is told to the ``patience`` callbacks
    once more, behind which this one must stand. And the state of dropout's random numbers, which
    therefore begin anew with every epoch.
    """

    def __init__(self, run: Run, config: TrainingConfig, patience: Iterable):
        super().__init__()
        self.run, self.config, self.patience = run, config, list(patience)

    def on_train_begin(self, logs=None):
        if self.config.schedule == "plateau":
            self.model.optimizer.learning_rate = self.config.learning_rate
        for row in self.run.history:
            for callback in self.patience:
                callback.on_epoch_end(int(row["epoch"]) - 1, dict(row))
        if self.model.stop_training:  # it was patient enough before it was interrupted
            raise TrainingEnd

    def on_epoch_begin(self, epoch, logs=None):
        for layer in self.model.layers:
            if isinstance(layer, keras.layers.Dropout):
                state = layer.seed_generator.state
                state.assign([state[0], epoch * MOST_STEPS])


def cut_rows(path: Path, belongs: Callable[[dict[str, str]], bool]) -> None:
    """Cut a CSV file before its first row that is broken or does not belong; all of it where there
    is no header."""
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
