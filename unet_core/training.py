"""Training: from a run folder with a ``config.json`` to a model that predicts."""

import math
import os
import platform
import shutil
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

import h5py
import keras
import numpy as np
import tensorflow as tf

from unet_core.callbacks import LiveProgress, Reporter, SamplePredictions
from unet_core.config import TrainingConfig
from unet_core.data import open_dataset
from unet_core.data.base import Dataset
from unet_core.data.prepared import Prepared, prepare
from unet_core.errors import UserError
from unet_core.evaluation import evaluate, write_evaluation
from unet_core.export import export
from unet_core.models import build, outputs_for
from unet_core.models.losses import SegmentationLoss
from unet_core.models.mobilenet import load_encoder, set_encoder_training
from unet_core.optimizers import build_optimizer
from unet_core.pipeline import TrainingBatches, validation_batches
from unet_core.runs import Run, create_run, write_json

EXPORT_SECONDS = 12.0  # what is left after the last epoch, for the estimate of the time left


def new_run(config: TrainingConfig, name: str | None = None, title: str = "") -> Run:
    """Create the run folder for ``config``; ``UserError`` when its data cannot be had."""
    dataset = open_dataset(config.data)
    return create_run(
        {
            "title": title or f"{config.model} on {dataset.title.lower()}",
            "description": f"Trained on {dataset.title.lower()}.",
            "training": config.to_dict(),
            "classes": [{"name": c.name, "color": c.color} for c in dataset.classes],
            "data_title": dataset.title,
            "data_credit": dataset.credit,
        },
        name,
    )


def split_names(dataset: Dataset, config: TrainingConfig) -> tuple[list[str], list[str]]:
    """Names to train on and names to choose the best epoch on, drawn with the config's seed."""
    names = list(dataset.splits["trainval"])
    np.random.default_rng(config.seed).shuffle(names)
    names = names[: config.pictures]
    if len(names) < 4:
        raise UserError(f"{dataset.title} has {len(names)} pictures to train on; 4 are needed.")
    held_out = max(1, round(len(names) * config.validation))
    return names[held_out:], names[:held_out]


def train(run: Run, minutes: float | None = None) -> None:
    """Train the run to its end, or go on where its ``backup/`` ends.

    Writes everything that a run folder holds. Ends early, but whole, when a file ``stop``
    appears in the folder or after ``minutes``.
    """
    config = TrainingConfig.from_dict(run.config["training"])
    (run.path / "stop").unlink(missing_ok=True)
    reporter = Reporter(
        run, state="running", phase="Starting", pid=os.getpid(), epochs=config.epochs,
        started=datetime.now(timezone.utc).isoformat(timespec="seconds"), message="",
    )  # fmt: skip
    try:
        state = _train(run, config, reporter, minutes and time.time() + 60 * minutes)
        reporter.close(state=state, phase="Done", seconds_left=0, message="")
    except BaseException as error:
        message = str(error) if isinstance(error, UserError | OSError) else repr(error)
        reporter.close(state="failed", message=message[:2000])
        raise


def _train(run: Run, config: TrainingConfig, reporter: Reporter, deadline: float | None) -> str:
    keras.utils.set_random_seed(config.seed)
    dataset = open_dataset(config.data)
    training, validation = _prepare(dataset, config, reporter)
    reporter.report(phase="Building the network")
    model = build_for_training(config, len(dataset.classes), run)
    mask_size = model.compute_output_shape((1, config.size, config.size, 3))[1]
    side = config.crop or config.size
    batches = TrainingBatches(
        training, config.batch_size, config.augmentation, config.crop, config.seed,
        model.compute_output_shape((1, side, side, 3))[1],
    )  # fmt: skip
    compile_model(model, config, batches.steps * config.epochs)
    colors = [c.color for c in dataset.classes]
    progress = LiveProgress(run, reporter, batches, config.epochs, EXPORT_SECONDS, deadline)
    samples = SamplePredictions(run, validation, colors, mask_size)
    model.fit(
        batches.dataset,
        epochs=config.epochs,
        validation_data=validation_batches(validation, config.batch_size, mask_size),
        callbacks=[progress, *keras_callbacks(run, config), samples],
        verbose=1 if sys.stdout.isatty() else 2,
    )
    stopped = reporter.should_stop() or bool(deadline and time.time() > deadline)
    finish(run, config, model, dataset, reporter)
    if stopped:
        return "stopped"
    shutil.rmtree(run.path / "backup")
    return "done"


def _prepare(dataset: Dataset, config: TrainingConfig, reporter: Reporter):
    parts: list[Prepared] = []
    names = split_names(dataset, config)
    total = sum(map(len, names))
    last = 0.0

    def tell(done: int, _) -> None:
        nonlocal last
        if time.time() - last > 0.3:
            last = time.time()
            ready = done + sum(map(len, parts))
            reporter.report(phase="Preparing pictures", message=f"{ready} of {total} pictures")

    for part in names:
        parts.append(prepare(dataset, part, config.size, tell))
    return parts


def build_for_training(config: TrainingConfig, classes: int, run: Run) -> keras.Model:
    """The network with its starting weights, whose origin completes the run's ``config.json``."""
    model = build(config.model, outputs_for(classes), config.model_arguments)
    start = None
    if "encoder" in {layer.name for layer in model.layers}:
        start = load_encoder(model, config.encoder_weights)
        set_encoder_training(model, config.encoder)
    if "versions" not in run.config:  # a resumed run keeps what it started with
        facts = {
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


def compile_model(model: keras.Model, config: TrainingConfig, steps: int) -> None:
    """Attach loss, optimizer and the metrics of the history, all on logits."""
    if model.output_shape[-1] == 1:
        accuracy = keras.metrics.BinaryAccuracy("accuracy", threshold=0.0)
        mean_iou = keras.metrics.BinaryIoU((0, 1), threshold=0.0, name="mean_iou")
    else:
        accuracy = keras.metrics.SparseCategoricalAccuracy("accuracy")
        mean_iou = keras.metrics.MeanIoU(
            model.output_shape[-1], sparse_y_pred=False, name="mean_iou"
        )
    model.compile(
        optimizer=build_optimizer(config, model, steps),
        loss=SegmentationLoss(config.loss),
        metrics=[accuracy, mean_iou],
    )


def keras_callbacks(run: Run, config: TrainingConfig) -> list[keras.callbacks.Callback]:
    """Keras's own: log, best weights, backup, and early stopping and plateau where asked for."""
    history = run.history
    best = max((row["val_mean_iou"] for row in history), default=None)
    callbacks = [
        keras.callbacks.ModelCheckpoint(
            run.path / "backup" / "best.weights.h5", monitor="val_mean_iou", mode="max",
            save_best_only=True, save_weights_only=True, initial_value_threshold=best,
        ),
    ]  # fmt: skip
    if config.schedule == "plateau":
        callbacks.append(keras.callbacks.ReduceLROnPlateau(factor=0.1, patience=5))
    if config.early_stopping:
        callbacks.append(keras.callbacks.EarlyStopping(patience=config.early_stopping))
    callbacks.append(keras.callbacks.CSVLogger(run.path / "history.csv", append=bool(history)))
    callbacks.append(
        keras.callbacks.BackupAndRestore(
            # double: a kill may hit the writing of one copy
            run.path / "backup",
            delete_checkpoint=False,
            double_checkpoint=True,
        )
    )
    return callbacks


def finish(run: Run, config: TrainingConfig, model: keras.Model, dataset, reporter) -> None:
    """From the best weights: the weights file (float16), the prediction model, the scores."""
    reporter.report(phase="Exporting")
    if (run.path / "backup" / "best.weights.h5").exists():  # not so before the first epoch's end
        model.load_weights(run.path / "backup" / "best.weights.h5")
    sized = build(config.model, model.output_shape[-1], config.model_arguments, config.size)
    sized.set_weights(model.get_weights())
    save_weights(sized, run.path / "model.weights.h5")
    export(sized, run.path / "model.onnx", "onnx")
    reporter.report(phase="Evaluating")

    def tell(done: int, total: int) -> None:
        reporter.report(message=f"{done} of {total} pictures")

    write_evaluation(run, evaluate(run, dataset, "test", progress=tell))


def save_weights(model: keras.Model, path: Path) -> None:
    """Save the weights alone, as float16: half the size, and far finer than masks can show."""
    model.save_weights(path)
    half = path.with_suffix(".tmp")
    with h5py.File(path) as source, h5py.File(half, "w") as target:
        _copy_as_float16(source, target)
    os.replace(half, path)


def _copy_as_float16(source: h5py.Group, target: h5py.Group) -> None:
    target.attrs.update(source.attrs)
    for name, item in source.items():
        if isinstance(item, h5py.Group):
            _copy_as_float16(item, target.create_group(name))
        else:
            target.create_dataset(name, data=item[()].astype(np.float16))
