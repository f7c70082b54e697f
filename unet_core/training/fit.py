"""Training with Keras, from prepared images to a model that predicts: `fit` is the whole of it."""

import math
import platform
import shutil
import sys
import time
from contextlib import suppress
from itertools import chain

import keras
import numpy as np
import tensorflow as tf

from unet_core.architectures.catalogue import CATALOGUE
from unet_core.data.base import Dataset
from unet_core.data.prepared import Prepared
from unet_core.jobs.estimate import finishing_seconds
from unet_core.jobs.protocol import Reporter
from unet_core.metrics.calibration import fit_temperature
from unet_core.metrics.evaluate import evaluate, names_of, write_evaluation
from unet_core.models import build, outputs_for
from unet_core.models.losses import SegmentationLoss
from unet_core.models.pretrained import load_encoder, set_encoder_training
from unet_core.prediction import familiarity
from unet_core.store.config import TrainingConfig
from unet_core.store.runs import Run, evaluations_of, write_json
from unet_core.training import checkpoints
from unet_core.training.batches import TrainingBatches, validation_batches
from unet_core.training.callbacks import LiveProgress, SamplePredictions
from unet_core.training.export import export, save_weights
from unet_core.training.optimizers import build_optimizer, set_statistics_momentum
from unet_core.training.weight_map import background_id

MAX_PIXELS = 1_000_000  # of the validation images, to which the temperature is fitted


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
    counts = {"training": len(training), "validation": len(validation)}
    model = build_for_training(config, len(dataset.classes), run, counts)

    entry, arguments = CATALOGUE[config.model], config.model_arguments
    crop = entry.window(arguments, config.image_size, config.crop_size)
    whole = entry.covering_size(arguments, config.image_size)
    background = background_id(dataset.classes)
    batches = TrainingBatches(training, config, crop, output_side(model, crop), background)
    held_out = validation_batches(validation, config.batch_size, whole, output_side(model, whole))

    compile_model(model, config, batches.steps)
    first_epoch = checkpoints.restore(run, model, batches.steps)
    seconds_after = finishing_seconds(config, len(dataset.splits["test"]))
    progress = LiveProgress(run, reporter, batches, seconds_after, deadline)
    samples = SamplePredictions(run, validation, dataset.classes, whole)
    with suppress(checkpoints.TrainingEnd):
        model.fit(
            batches.dataset,
            epochs=config.epochs,
            initial_epoch=first_epoch,
            validation_data=held_out,
            callbacks=[progress, samples, *checkpoints.checkpoint_callbacks(run, config)],
            verbose=1 if sys.stdout.isatty() else 2,
        )
    finish(run, config, model, dataset, (training, validation), reporter)
    return not progress.is_stopped


def output_side(model: keras.Model, side: int) -> int:
    """Side of the logits for images of ``side``; smaller where convolutions are unpadded."""
    return model.compute_output_shape((1, side, side, 3))[1]


def build_for_training(
    config: TrainingConfig, classes: int, run: Run, images: dict[str, int]
) -> keras.Model:
    """The network with its starting weights, whose origin completes the run's ``config.json``.

    So do ``images``, how many there are for training (pseudo-labelled ones too) and validation.
    """
    model = build(config.model, outputs_for(classes), config.model_arguments)
    start = None
    if "encoder" in {layer.name for layer in model.layers}:
        if not checkpoints.backup_of(run).exists():  # which has all weights
            start = load_encoder(model, config.encoder_weights)
        set_encoder_training(model, config.freeze_encoder, config.fine_tune_from)
    if "versions" not in run.config:  # a resumed run keeps what it started with
        versions = {"python": platform.python_version(), "keras": keras.__version__}
        facts = {
            "images": images,
            "starting_weights": start,
            "parameters": model.count_params(),
            "trainable_parameters": sum(math.prod(w.shape) for w in model.trainable_weights),
            "versions": versions | {"tensorflow": tf.version.VERSION, "numpy": np.__version__},
        }
        write_json(run.path / "config.json", run.config | facts)
    return model


def compile_model(model: keras.Model, config: TrainingConfig, steps: int) -> None:
    """Attach loss, optimizer and the metrics of the history, all on logits; ``steps`` an epoch."""
    optimizer = build_optimizer(config, model, steps * config.epochs)
    set_statistics_momentum(model, steps, optimizer.ema_momentum)
    metrics = keras.metrics
    if (outputs := model.output_shape[-1]) == 1:
        measured = [
            metrics.BinaryAccuracy("accuracy", threshold=0.0),
            metrics.BinaryIoU((0, 1), threshold=0.0, name="mean_iou"),
            Dice((1,), threshold=0.0, name="dice"),
            metrics.Precision(thresholds=0.0, name="precision"),
            metrics.Recall(thresholds=0.0, name="recall"),
            metrics.AUC(num_thresholds=50, from_logits=True, name="auc"),
        ]
    else:
        measured = [
            metrics.SparseCategoricalAccuracy("accuracy"),
            metrics.MeanIoU(outputs, sparse_y_pred=False, name="mean_iou"),
        ]
    model.compile(optimizer, SegmentationLoss(config.loss), metrics=measured)


class Dice(keras.metrics.BinaryIoU):
    """Dice coefficient 2·IoU / (1 + IoU) of the foreground."""

    def result(self) -> keras.KerasTensor:
        iou = super().result()
        return 2 * iou / (1 + iou)


def temperature_of(model: keras.Model, config: TrainingConfig, validation: Prepared) -> float:
    """By what the logits are divided so that probabilities are as high as the network is right.

    ``model`` takes any size. Guo et al. 2017, see `metrics.calibration`.
    """
    whole = CATALOGUE[config.model].covering_size(config.model_arguments, config.image_size)
    side = output_side(model, whole)
    step = math.ceil(math.sqrt(len(validation) * side**2 / MAX_PIXELS))
    logits, truth = [], []
    for images, masks in validation_batches(validation, config.batch_size, whole, side):
        found = model.predict_on_batch(images)[:, ::step, ::step]
        logits.append(found.reshape(-1, found.shape[-1]))
        truth.append(masks[:, ::step, ::step].numpy().ravel())
    return fit_temperature(np.concatenate(logits), np.concatenate(truth))


def finish(
    run: Run,
    config: TrainingConfig,
    model: keras.Model,
    dataset: Dataset,
    images: tuple[Prepared, Prepared],
    reporter: Reporter,
) -> None:
    """From the best weights: the weights file (float16), the prediction model, its temperature,
    what ``images`` (for training and validation) look familiar to it, the evaluation."""
    reporter.report(phase="Exporting")
    if (best := checkpoints.best_of(run)).exists():  # not so before the first epoch's end
        model.load_weights(best)
    for name in ("evaluation.json", familiarity.FILE):  # they are of other weights
        (run.path / name).unlink(missing_ok=True)
    for result in evaluations_of(run):
        shutil.rmtree(result, ignore_errors=True)
    entry, arguments = CATALOGUE[config.model], config.model_arguments
    side = entry.prediction_side(arguments, config.image_size, config.crop_size)
    sized = build(config.model, model.output_shape[-1], arguments, side)
    sized.set_weights(model.get_weights())
    save_weights(sized, run.path / "model.weights.h5")
    temperature = temperature_of(model, config, images[1])
    write_json(run.path / "config.json", Run(run.path).config | {"temperature": temperature})
    export(sized, run.path / "model.onnx", "onnx", temperature)

    reporter.report(phase="Evaluating")
    describe_known(run, dataset, images)
    started = time.time()

    def progress(done: int, total: int) -> None:
        left = (time.time() - started) / done * (total - done)
        reporter.report(message=f"{done} of {total} pictures", seconds_left=round(left))

    write_evaluation(run, evaluate(run, dataset, "test", progress=progress))


def describe_known(run: Run, dataset: Dataset, images: tuple[Prepared, Prepared]) -> None:
    """What ``images``, for training and validation, look like to the network; tried on the test."""
    known = chain.from_iterable(familiarity.spread(part.images) for part in images)
    names = names_of(dataset, "test", familiarity.MAX_IMAGES)
    familiarity.write_familiarity(run, known, (dataset.load_image(name) for name in names))
