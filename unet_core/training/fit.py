"""Training with Keras: from prepared images to a model that predicts. Needs TensorFlow."""

import math
import os
import platform
import shutil
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import h5py
import keras
import numpy as np
import tensorflow as tf

from unet_core.architectures.catalogue import CATALOGUE
from unet_core.data.base import Dataset
from unet_core.data.prepared import Prepared
from unet_core.jobs.estimate import finishing_seconds
from unet_core.metrics.evaluate import evaluate, write_evaluation
from unet_core.models import build, outputs_for
from unet_core.models.losses import SegmentationLoss
from unet_core.models.pretrained import load_encoder, set_encoder_training
from unet_core.store.config import TrainingConfig
from unet_core.store.runs import Run, evaluations_of, write_json
from unet_core.training.batches import TrainingBatches, validation_batches
from unet_core.training.callbacks import LiveProgress, Reporter, SamplePredictions
from unet_core.training.checkpoints import TrainingEnd, backup_of, checkpoint_callbacks, restore
from unet_core.training.export import export
from unet_core.training.optimizers import build_optimizer
from unet_core.training.weight_map import outside_of

STARTING_SHARE = 0.05  # most that a moving average's first value may count for when it is used


def fit(
    run: Run,
    config: TrainingConfig,
    dataset: Dataset,
    training: Prepared,
    validation: Prepared,
    reporter: Reporter,
    deadline: float | None = None,
) -> bool:
    """Train to the end, or go on where the run's ``backup/`` ends; export and evaluate.

    Ends early, but whole, when ``reporter.should_stop()`` or after ``deadline`` (seconds since
    1970): the epoch in work does not count. Returns whether it came to its end.
    """
    keras.utils.set_random_seed(config.seed)
    reporter.report(phase="Building the network")
    images = {"training": len(training), "validation": len(validation)}
    model = build_for_training(config, len(dataset.classes), run, images)
    entry, arguments = CATALOGUE[config.model], config.model_arguments
    window = entry.window(arguments, config.image_size, config.crop_size)
    batches = TrainingBatches(
        training, config.batch_size, config.augmentation, window, config.seed,
        output_side(model, window), config.weight_map, outside_of(dataset.classes),
    )  # fmt: skip
    whole = entry.covering_size(arguments, config.image_size)
    validation_data = validation_batches(
        validation, config.batch_size, whole, output_side(model, whole)
    )
    steps = batches.steps * config.epochs
    average = momentum_within(steps, config.ema_momentum)
    set_statistics_momentum(model, batches.steps, average)
    compile_model(model, replace(config, ema_momentum=average), steps)
    first = restore(run, model, batches.steps)
    colors = [c.color for c in dataset.classes]
    after = finishing_seconds(config, len(dataset.splits["test"]))
    progress = LiveProgress(run, reporter, batches, config.epochs, after, deadline)
    samples = SamplePredictions(run, validation, colors, whole)
    with suppress(TrainingEnd):
        model.fit(
            batches.dataset,
            epochs=config.epochs,
            initial_epoch=first,
            validation_data=validation_data,
            callbacks=[progress, samples, *checkpoint_callbacks(run, config)],
            verbose=1 if sys.stdout.isatty() else 2,
        )
    finish(run, config, model, dataset, reporter)
    return not progress.is_stopped


def output_side(model: keras.Model, side: int) -> int:
    """Side of the logits for images of ``side``; smaller where convolutions are unpadded."""
    return model.compute_output_shape((1, side, side, 3))[1]


def build_for_training(
    config: TrainingConfig, classes: int, run: Run, images: dict[str, int]
) -> keras.Model:
    """The network with its starting weights, whose origin completes the run's ``config.json``.

    So do ``images``, how many there are for training (self-labelled ones too) and validation.
    """
    model = build(config.model, outputs_for(classes), config.model_arguments)
    start = None
    if "encoder" in {layer.name for layer in model.layers}:
        if not backup_of(run).exists():  # which has all weights
            start = load_encoder(model, config.encoder_weights)
        set_encoder_training(model, config.freeze_encoder, config.fine_tune_from)
    if "versions" not in run.config:  # a resumed run keeps what it started with
        facts = {
            "images": images,
            "starting_weights": start,
            "parameters": model.count_params(),
            "trainable_parameters": sum(math.prod(w.shape) for w in model.trainable_weights),
            "versions": {
                "python": platform.python_version(),
                "keras": keras.__version__,
                "tensorflow": tf.version.VERSION,
                "numpy": np.__version__,
            },
        }
        write_json(run.path / "config.json", run.config | facts)
    return model


def momentum_within(steps: int, momentum: float) -> float:
    """``momentum`` of a moving average, lowered where its first value would last over ``steps``."""
    return min(momentum, STARTING_SHARE ** (1 / steps))


def set_statistics_momentum(model: keras.Model, steps: int, average: float) -> None:
    """Batch normalisation forgets its first statistics within an epoch of ``steps``.

    With Keras's momentum of 0.99 a network scores by chance after a hundred steps, since it is
    validated with the statistics that it was built with. But they are averaged over no fewer steps
    than the weights, whose momentum is ``average``: averaged weights with the statistics of the
    last ten steps score by chance too.
    """
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            set_statistics_momentum(layer, steps, average)
        elif isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = max(momentum_within(steps, layer.momentum), average)


def compile_model(model: keras.Model, config: TrainingConfig, steps: int) -> None:
    """Attach loss, optimizer and the metrics of the history, all on logits."""
    classes = model.output_shape[-1]
    if classes == 1:
        metrics = [
            keras.metrics.BinaryAccuracy("accuracy", threshold=0.0),
            keras.metrics.BinaryIoU((0, 1), threshold=0.0, name="mean_iou"),
            Dice((1,), threshold=0.0, name="dice"),
            keras.metrics.Precision(thresholds=0.0, name="precision"),
            keras.metrics.Recall(thresholds=0.0, name="recall"),
            keras.metrics.AUC(num_thresholds=50, from_logits=True, name="auc"),
        ]
    else:
        metrics = [
            keras.metrics.SparseCategoricalAccuracy("accuracy"),
            keras.metrics.MeanIoU(classes, sparse_y_pred=False, name="mean_iou"),
        ]
    model.compile(
        optimizer=build_optimizer(config, model, steps),
        loss=SegmentationLoss(config.loss),
        metrics=metrics,
    )


class Dice(keras.metrics.BinaryIoU):
    """Dice coefficient 2·IoU / (1 + IoU) of the foreground."""

    def result(self):
        iou = super().result()
        return 2 * iou / (1 + iou)


def finish(run: Run, config: TrainingConfig, model: keras.Model, dataset, reporter) -> None:
    """From the best weights: the weights file (float16), the prediction model, the scores."""
    reporter.report(phase="Exporting")
    if (run.path / "backup" / "best.weights.h5").exists():  # not so before the first epoch's end
        model.load_weights(run.path / "backup" / "best.weights.h5")
    outputs, arguments = model.output_shape[-1], config.model_arguments
    side = CATALOGUE[config.model].prediction_side(arguments, config.image_size, config.crop_size)
    (run.path / "evaluation.json").unlink(missing_ok=True)  # its scores are of other weights
    for result in evaluations_of(run):
        shutil.rmtree(result, ignore_errors=True)
    sized = build(config.model, outputs, arguments, side)
    sized.set_weights(model.get_weights())
    save_weights(sized, run.path / "model.weights.h5")
    export(sized, run.path / "model.onnx", "onnx")
    reporter.report(phase="Evaluating")

    started = time.time()

    def tell(done: int, total: int) -> None:
        left = (time.time() - started) / done * (total - done)
        reporter.report(message=f"{done} of {total} pictures", seconds_left=round(left))

    write_evaluation(run, evaluate(run, dataset, "test", progress=tell))


def save_weights(model: keras.Model, path: Path) -> None:
    """Save the weights alone, as float16: half the size, and far finer than masks can show."""
    full, half = path.with_name(f"full.{path.name}"), path.with_suffix(".tmp")
    model.save_weights(full)
    with h5py.File(full) as source, h5py.File(half, "w") as target:
        _copy_as_float16(source, target)
    os.replace(half, path)
    full.unlink()


def _copy_as_float16(source: h5py.Group, target: h5py.Group) -> None:
    target.attrs.update(source.attrs)
    for name, item in source.items():
        if isinstance(item, h5py.Group):
            _copy_as_float16(item, target.create_group(name))
        else:
            target.create_dataset(name, data=item[()].astype(np.float16))
