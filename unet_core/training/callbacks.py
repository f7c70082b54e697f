"""What a training tells the world while it runs: status, the live loss, sample predictions."""

import csv
import time

import keras
import numpy as np
from PIL import Image

from unet_core.data.prepared import Prepared
from unet_core.jobs.estimate import Pace
from unet_core.jobs.protocol import Reporter
from unet_core.prediction.overlay import color_mask
from unet_core.store.files import size
from unet_core.store.runs import Run
from unet_core.training.batches import centre, mirror
from unet_core.training.checkpoints import TrainingEnd

STEP_INTERVAL = 0.5  # seconds between rows of steps.csv


class LiveProgress(keras.callbacks.Callback):
    """Step, speed and time left in the status, the loss in ``steps.csv``, and the polite stop.

    Also completes the epoch's logs with what ``CSVLogger`` lacks: ``seconds`` and
    ``learning_rate``; so it must stand before it.
    """

    def __init__(self, run: Run, reporter: Reporter, batches, epochs: int, seconds_after: float,
                 deadline: float | None):  # fmt: skip
        super().__init__()
        self.run, self.reporter, self.batches = run, reporter, batches
        self.epochs, self.seconds_after, self.deadline = epochs, seconds_after, deadline
        earlier = run.history
        self.started = time.time() - (earlier[-1]["seconds"] if earlier else 0)
        self.pace = Pace()
        self.validation = run.config["training"]["val_fraction"]
        self.last_row = 0.0
        self.is_stopped = False  # before its end

    def on_epoch_begin(self, epoch, logs=None):
        self.batches.set_epoch(epoch)
        self.epoch = epoch
        self.pace.begin_epoch()
        self.reporter.report(phase="Training", epoch=epoch + 1)

    def on_train_batch_end(self, batch, logs=None):
        now = time.time()
        done = batch + 1
        self.pace.step()
        if self.reporter.should_stop() or (self.deadline and now > self.deadline):
            self.is_stopped = True
            self.reporter.report(state="stopping", message="Keeping the best weights so far.")
            raise TrainingEnd
        if now - self.last_row < STEP_INTERVAL and done < self.batches.steps:
            return
        self.last_row = now
        step = self.epoch * self.batches.steps + done
        append_row(
            self.run.path / "steps.csv",
            {"step": step, "epoch": self.epoch + 1, "loss": logs["loss"],
             "seconds": now - self.started},
        )  # fmt: skip
        self.reporter.report(
            step=step,
            steps=self.epochs * self.batches.steps,
            **self._speed(step),
        )

    def on_test_begin(self, logs=None):
        self.reporter.report(phase="Validating")

    def on_epoch_end(self, epoch, logs=None):
        logs["seconds"] = time.time() - self.started
        logs["learning_rate"] = float(
            keras.ops.convert_to_numpy(self.model.optimizer.learning_rate)
        )

    def _speed(self, step: int) -> dict:
        """The steady speed and the time left by it; nothing before there is one."""
        pace, steps = self.pace, self.batches.steps
        if pace.step_seconds is None:
            return {}
        pause = pace.pause_seconds(steps, self.validation)
        learning = (self.epochs * steps - step) * pace.step_seconds
        left = learning + (self.epochs - self.epoch) * pause + self.seconds_after
        return {
            "images_per_second": round(self.batches.batch_size / pace.step_seconds, 2),
            "pace": {"step": pace.step_seconds, "pause": pause, "steps": pace.steps},
            "seconds_left": round(left),
        }


class SamplePredictions(keras.callbacks.Callback):
    """After every validation, a strip of its images: image, truth, prediction.

    Must stand before a `SwapEMAWeights`, so that the averaged weights are still in the model.
    """

    def __init__(self, run: Run, data: Prepared, colors: list[str], whole: int):
        super().__init__()
        # The images with the rarest share of truth at the front would flatter nobody:
        # the first few in the data set's own order are shown.
        self.run, self.colors = run, colors
        self.images, self.masks = np.array(data.images[:5]), np.array(data.masks[:5])
        self.inputs = mirror(self.images, whole).astype(np.float32)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_test_end(self, logs=None):
        logits = self.model.predict_on_batch(self.inputs)
        masks = centre(class_ids(np.asarray(logits)), self.masks.shape[1])
        columns = [
            np.concatenate([image, color_mask(truth, self.colors), color_mask(mask, self.colors)])
            for image, truth, mask in zip(self.images, self.masks, masks, strict=True)
        ]
        folder = self.run.path / "samples"
        folder.mkdir(exist_ok=True)
        temporary = folder / "strip.tmp"
        Image.fromarray(np.concatenate(columns, axis=1)).save(temporary, format="PNG")
        temporary.replace(folder / f"epoch-{self.epoch + 1:03d}.png")


def class_ids(logits: np.ndarray) -> np.ndarray:
    """Logits (N, H, W, C) to class ids uint8 (N, H, W); one channel is a sigmoid's."""
    if logits.shape[-1] == 1:
        return (logits[..., 0] > 0).astype(np.uint8)
    return logits.argmax(-1).astype(np.uint8)


def append_row(path, row: dict) -> None:
    """Add a row to a CSV file, with a header where the file is new."""
    is_new = size(path) == 0
    with open(path, "a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, row)
        if is_new:
            writer.writeheader()
        writer.writerow(row)
