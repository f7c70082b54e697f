"""Where the weights of a pretrained encoder come from, and which of them go on learning."""

from pathlib import Path

import keras
from keras import layers

from unet_core.architectures.catalogue import CATALOGUE
from unet_core.errors import UserError
from unet_core.models import load_run
from unet_core.models.layers import PRETRAINED
from unet_core.store.runs import shipped_runs


def set_encoder_training(model: keras.Model, freeze: bool, first_block: int = 0) -> None:
    """Let none of the encoder learn, or its blocks from ``first_block`` (0: all of it) on.

    Frozen layers keep their batch normalisation in inference mode (Keras does that). Tuned ones
    follow the new statistics with momentum 0.9: Keras's MobileNetV2 has 0.999, which lags hundreds
    of steps behind the weights.
    """
    part = model.get_layer("encoder")
    part.trainable = not freeze
    names = [layer.name for layer in part.layers]
    first = names.index(f"block_{first_block}_expand") if first_block else 0
    for position, layer in enumerate(part.layers):
        layer.trainable = not freeze and position >= first
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.9


def load_encoder(model: keras.Model, source: str) -> dict | None:
    """Fill the encoder; return the weights' ``origin`` and ``licence``, None for random ones.

    ``source``: ``imagenet`` (Keras downloads them once), a path to a ``.weights.h5`` file of
    ``keras.applications.MobileNetV2(include_top=False)``, the name of a run with such an encoder,
    ``none``, or ``auto``: ImageNet where the machine is online, else the best shipped run.
    ``UserError`` when there are no such weights.
    """
    if source == "none":
        return None
    if source == "auto":
        try:
            return load_encoder(model, "imagenet")
        except UserError:
            return _encoder_of_a_run(model, _shipped_with_encoder())
    if source == "imagenet":
        return _imagenet_encoder(model)
    if Path(source).is_file():
        return _encoder_from_file(model, Path(source))
    return _encoder_of_a_run(model, source)


def _imagenet_encoder(model: keras.Model) -> dict:
    try:
        base = keras.applications.MobileNetV2((224, 224, 3), include_top=False)
    except Exception as error:  # Keras raises a bare Exception when the download fails
        raise UserError(
            "The ImageNet weights could not be downloaded; go online, or start from the encoder "
            "of a shipped run."
        ) from error
    _copy(base, model)
    return {"origin": "ImageNet, keras.applications.MobileNetV2", "licence": "Apache-2.0"}


def _encoder_from_file(model: keras.Model, path: Path) -> dict:
    base = keras.applications.MobileNetV2((None, None, 3), include_top=False, weights=None)
    base.load_weights(path)
    _copy(base, model)
    return {"origin": path.name, "licence": "see its source"}


def _encoder_of_a_run(model: keras.Model, name: str) -> dict:
    run, donor = load_run(name)
    if "encoder" not in {layer.name for layer in donor.layers}:
        raise UserError(f"The run {name!r} has no pretrained encoder to start from.")
    _copy(donor.get_layer("encoder"), model)
    start = run.config.get("starting_weights") or {}
    before = f"; before that: {start['origin']}" if start else ""
    return {
        "origin": f"the run {run.name!r}, already tuned on {run.config['data_title']}{before}",
        "licence": start.get("licence", "MIT"),
    }


def _shipped_with_encoder() -> str:
    for run in shipped_runs():
        entry = CATALOGUE.get(run.config["training"]["model"])
        if entry and entry.encoder in PRETRAINED:
            return run.name
    raise UserError("No shipped run has a MobileNetV2 encoder; choose encoder weights by hand.")


def _copy(source: keras.Model, model: keras.Model) -> None:
    for layer in model.get_layer("encoder").layers:
        if layer.weights:
            layer.set_weights(source.get_layer(layer.name).get_weights())
