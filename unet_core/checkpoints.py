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

from unet_core.config import TrainingConfig
from unet_core.runs import MONITOR, Run, best_epoch

MOST_STEPS = 100_000  # of one epoch: the random numbers of two epochs are that far apart


class TrainingEnd(Exception):
    """Leaves ``fit`` at once, in the middle of an epoch, which then does not count."""


def checkpoint_callbacks(run: Run, config: TrainingConfig) -> list[keras.callbacks.Callback]:
    """Keras's own, in the order in which they must act when an epoch ends.

    The best weights come first, then the history, then the backup: whatever a kill cuts off is
    done again, and nothing that the history tells is missing from the disk.
    """
    history, backup = run.history, run.path / "backup"
    best = best_epoch(history)
    best_score = None if best is None else history[best][MONITOR]
    patience = _patience_callbacks(config)
    return [
        BestWeights(backup / "best.weights.h5", best_score),
        *([keras.callbacks.SwapEMAWeights()] if config.weight_average else []),
        keras.callbacks.CSVLogger(run.path / "history.csv", append=bool(history)),
        # double: a kill may hit the writing of one copy
        keras.callbacks.BackupAndRestore(backup, delete_checkpoint=False, double_checkpoint=True),
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


class BestWeights(keras.callbacks.ModelCheckpoint):
    """Keeps the weights with the best validation score, whole or not at all.

    Saves when validation ends rather than the epoch: a `SwapEMAWeights` that stands behind it in
    the list has the averaged weights in the model then, which are those that were scored.
    """

    def __init__(self, path: Path, best: float | None):
        self.path, self.unfinished = path, path.with_name(f"new.{path.name}")
        super().__init__(
            self.unfinished, monitor=MONITOR, mode="max", save_best_only=True,
            save_weights_only=True, initial_value_threshold=best,
        )  # fmt: skip

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_test_end(self, logs=None):
        super().on_epoch_end(self.epoch, {f"val_{name}": value for name, value in logs.items()})
        if self.unfinished.exists():
            os.replace(self.unfinished, self.path)

    def on_epoch_end(self, epoch, logs=None):
        """Nothing is left to do."""


class Resumption(keras.callbacks.Callback):
    """Puts the files and the patience back to where the restored backup stands.

    A backup has neither the counters of early stopping and plateaus nor a learning rate that was
    lowered at the very end of its epoch: both follow from the history, which is told to the
    ``patience`` callbacks once more. Nor has it the state of dropout's random numbers, which
    therefore begin anew with every epoch.
    """

    def __init__(self, run: Run, config: TrainingConfig, patience: Iterable):
        super().__init__()
        self.run, self.config, self.patience = run, config, list(patience)
        self.is_first = True

    def on_epoch_begin(self, epoch, logs=None):
        for layer in self.model.layers:
            if isinstance(layer, keras.layers.Dropout):
                state = layer.seed_generator.state
                state.assign([state[0], epoch * MOST_STEPS])
        if self.is_first:
            self.is_first = False
            self._go_back_to(epoch)

    def _go_back_to(self, epoch: int) -> None:
        cut_rows(self.run.path / "history.csv", lambda row: int(row["epoch"]) < epoch)
        cut_rows(self.run.path / "steps.csv", lambda row: int(row["epoch"]) <= epoch)
        if self.config.schedule == "plateau":
            self.model.optimizer.learning_rate = self.config.learning_rate
        for row in self.run.history:
            for callback in self.patience:
                callback.on_epoch_end(int(row["epoch"]) - 1, dict(row))
        if self.model.stop_training:  # it was patient enough before it was interrupted
            raise TrainingEnd


def cut_rows(path: Path, belongs: Callable[[dict[str, str]], bool]) -> None:
    """Cut a CSV file, in place, before its first row that is broken or does not belong.

    In place, since `CSVLogger` has the file open for appending.
    """
    if not path.exists():
        return
    header, *rows = path.read_bytes().splitlines(keepends=True) or [b""]
    whole = len(header)
    for line in rows:
        try:
            (row,) = csv.DictReader([header.decode(), line.decode()])
            if not line.endswith(b"\n") or not belongs(row):
                break
        except (ValueError, TypeError):  # half a line, or numbers that are none
            break
        whole += len(line)
    os.truncate(path, whole)
