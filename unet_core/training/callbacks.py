"""What a training shows while it runs: its status, the live loss, sample predictions."""

import csv
import time
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from unet_core.data.prepared import Prepared
from unet_core.jobs.estimate import Pace
from unet_core.jobs.protocol import Reporter
from unet_core.prediction.masks import class_ids
from unet_core.prediction.overlay import color_mask
from unet_core.store.classes import ClassInfo
from unet_core.store.files import size
from unet_core.store.runs import Run
from unet_core.training.batches import TrainingBatches, center_crop, mirror
from unet_core.training.checkpoints import TrainingEnd

STEP_INTERVAL = 0.5  # seconds between rows of steps.csv


@dataclass(eq=False)
class LiveProgress(keras.callbacks.Callback):
    """Step, speed and time left in the status, the loss in ``steps.csv``, and the polite stop.

    ``seconds_after``: what the training still takes after its last epoch. ``deadline``: seconds
    since 1970. ``is_stopped``: whether it was stopped before its end. Also completes the
    epoch's logs with what `CSVLogger` lacks, ``seconds`` and ``learning_rate``, so it must stand
    before it.
    """

    run: Run
    reporter: Reporter
    batches: TrainingBatches
    seconds_after: float
    deadline: float | None

    def __post_init__(self) -> None:
        super().__init__()
        self.config, self.steps = self.batches.config, self.batches.steps  # of an epoch
        earlier = self.run.history
        self.started = time.time() - (earlier[-1]["seconds"] if earlier else 0)
        self.pace, self.last_row, self.is_stopped = Pace(), 0.0, False

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.batches.set_epoch(epoch)
        self.epoch = epoch
        self.pace.begin_epoch()
        self.reporter.report(phase="Training", epoch=epoch + 1)

    def on_train_batch_end(self, batch: int, logs: dict) -> None:
        now, step = time.time(), self.epoch * self.steps + batch + 1
        self.pace.step()
        if self.reporter.should_stop() or (self.deadline and now > self.deadline):
            self.is_stopped = True
            self.reporter.report(state="stopping", message="Keeping the best weights so far.")
            raise TrainingEnd
        if now - self.last_row < STEP_INTERVAL and batch + 1 < self.steps:
            return
        self.last_row = now
        row = {"step": step, "epoch": self.epoch + 1, "loss": logs["loss"]}
        append_row(self.run.path / "steps.csv", row | {"seconds": now - self.started})
        steps = self.config.epochs * self.steps
        self.reporter.report(step=step, steps=steps, **self._speed(steps - step))

    def on_test_begin(self, logs: dict | None = None) -> None:
        self.reporter.report(phase="Validating")

    def on_epoch_end(self, epoch: int, logs: dict) -> None:
        logs["seconds"] = time.time() - self.started
        rate = keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        logs["learning_rate"] = float(rate)

    def _speed(self, steps_left: int) -> dict:
        """The steady speed and the seconds left by it; nothing before there is one."""
        seconds = self.pace.step_seconds
        if seconds is None:
            return {}
        pause = self.pace.pause_seconds(self.steps, self.config.val_fraction)
        pauses = (self.config.epochs - self.epoch) * pause
        left = steps_left * seconds + pauses + self.seconds_after
        return {
            "images_per_second": round(self.config.batch_size / seconds, 2),
            "pace": {"step": seconds, "pause": pause, "steps": self.pace.steps},
            "seconds_left": round(left),
        }


class SamplePredictions(keras.callbacks.Callback):
    """After every validation, ``samples/epoch-NNN.png``: images, truth, predictions in rows.

    The images are the first five of the validation data, in its own order. ``side``: of the
    network's input for whole images. Must stand before a `SwapEMAWeights`, so that the averaged
    weights are still in the model.
    """

    def __init__(self, run: Run, data: Prepared, classes: tuple[ClassInfo, ...], side: int):
        super().__init__()
        self.run, self.colors = run, [c.color for c in classes]
        self.images, self.masks = np.array(data.images[:5]), np.array(data.masks[:5])
        self.inputs = mirror(self.images, side).astype(np.float32)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self.epoch = epoch

    def on_test_end(self, logs: dict | None = None) -> None:
        logits = np.asarray(self.model.predict_on_batch(self.inputs))
        predicted = center_crop(logits_to_ids(logits), self.masks.shape[1])
        masks = (color_mask(ids, self.colors) for ids in (self.masks, predicted))
        rows = [np.concatenate(list(row), axis=1) for row in (self.images, *masks)]
        folder = self.run.path / "samples"
        folder.mkdir(exist_ok=True)
        temporary = folder / "strip.tmp"
        Image.fromarray(np.concatenate(rows)).save(temporary, format="PNG")
        temporary.replace(folder / f"epoch-{self.epoch + 1:03d}.png")


def logits_to_ids(logits: np.ndarray) -> np.ndarray:
    """Logits (N, H, W, C) to class ids uint8 (N, H, W); one channel is a sigmoid's.

    >>> logits_to_ids(np.array([[[[-1.0], [2.0]]]])).tolist()
    [[[0, 1]]]
    """
    if logits.shape[-1] == 1:
        logits = np.concatenate([-logits, logits], axis=-1)
    return class_ids(logits, 0.0)


def append_row(path: Path, row: dict) -> None:
    """Add a row to a CSV file, with a header where the file is new."""
    is_new = size(path) == 0
    with open(path, "a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, row)
        if is_new:
            writer.writeheader()
        writer.writerow(row)
