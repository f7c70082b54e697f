"""U-Nets whose encoder is a MobileNetV2 (Sandler et al. 2018) that has learned from other images.

Both networks take float32 RGB pixels in 0–255 and give logits of the input's height and width,
which must be multiples of 32. Without ``size`` they take images of any such height and width;
the ONNX export needs a fixed one.
"""

from pathlib import Path

import keras
from keras import layers

from unet_core.errors import UserError

SKIPS = (
    "block_1_expand_relu",  # 1/2 of the input's height and width
    "block_3_expand_relu",  # 1/4
    "block_6_expand_relu",  # 1/8
    "block_13_expand_relu",  # 1/16
)
BOTTOM = "block_16_project"  # 1/32


def build_mobilenetv2(classes: int, size: int | None = None) -> keras.Model:
    """The article's network: transposed convolutions 512–256–128–64 over a MobileNetV2.

    After "U-Net on Oxford pets by transfer learning"; with three classes it has 10,124,067
    parameters, of which 8,280,163 train while the encoder is frozen.
    """
    pixels = layers.Input((size, size, 3), name="pixels")
    *skips, x = encoder()(layers.Rescaling(1 / 127.5, offset=-1)(pixels))
    for filters, skip in zip((512, 256, 128, 64), reversed(skips), strict=True):
        x = layers.Conv2DTranspose(filters, 4, strides=2, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Concatenate()([x, skip])
    logits = layers.Conv2DTranspose(classes, 3, strides=2, padding="same", name="logits")(x)
    return keras.Model(pixels, logits, name="mobilenetv2")


def build_mobilenetv2_fast(classes: int, size: int | None = None) -> keras.Model:
    """Ours: a light decoder of 1×1 projections and depthwise-separable convolutions.

    The decoder works up to half the input's resolution; the last step to the full one is a plain
    convolution over 16 channels that also sees the pixels themselves, for sharp outlines.
    """
    pixels = layers.Input((size, size, 3), name="pixels")
    scaled = layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    *skips, x = encoder()(scaled)
    for filters, skip in zip((160, 112, 80, 56), reversed(skips), strict=True):
        x = layers.UpSampling2D(interpolation="bilinear")(_projection(x, filters))
        x = layers.Concatenate()([x, _projection(skip, filters // 2)])
        x = _separable(_separable(x, filters), filters)
    x = layers.UpSampling2D(interpolation="bilinear")(_projection(x, 16))
    x = layers.Concatenate()([x, _convolution(scaled, 8)])
    logits = layers.Conv2D(classes, 1, name="logits")(_convolution(x, 16))
    return keras.Model(pixels, logits, name="mobilenetv2-fast")


def _convolution(x, filters: int):
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


def _projection(x, filters: int):
    x = layers.Conv2D(filters, 1, use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


def _separable(x, filters: int):
    x = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)(x)
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


def encoder() -> keras.Model:
    """A MobileNetV2 with random weights that gives its four skips and its bottom features."""
    base = keras.applications.MobileNetV2((None, None, 3), include_top=False, weights=None)
    outputs = [base.get_layer(name).output for name in (*SKIPS, BOTTOM)]
    return keras.Model(base.input, outputs, name="encoder")


def set_encoder_training(model: keras.Model, freeze: bool, first_block: int = 0) -> None:
    """Let none of the encoder learn, or its blocks from ``first_block`` (0: all of it) on.

    Frozen layers keep their batch normalisation in inference mode (Keras does that). Tuned ones
    follow the new statistics with momentum 0.9: Keras's MobileNetV2 has 0.999, which lags hundreds
    of steps behind the weights.
    """
    part = model.get_layer("encoder")
    part.trainable = not freeze
    first = _position(part, f"block_{first_block}_expand") if first_block else 0
    for position, layer in enumerate(part.layers):
        layer.trainable = not freeze and position >= first
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.9


def _position(model: keras.Model, name: str) -> int:
    return [layer.name for layer in model.layers].index(name)


def load_encoder(model: keras.Model, source: str) -> dict | None:
    """Fill the encoder and say where the weights are from: ``origin``, ``licence``, ``note``.

    ``source``: ``imagenet`` (Keras downloads them once), a path to a ``.weights.h5`` file of
    ``keras.applications.MobileNetV2(include_top=False)``, the name of a run with such an encoder,
    ``none``, or ``auto``: ImageNet where the machine is online, else the best shipped run.
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
    from unet_core.models import load_run  # it imports this module

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
    from unet_core.store.runs import shipped_runs

    for run in shipped_runs():
        if run.config["training"]["model"].startswith("mobilenetv2"):
            return run.name
    raise UserError("No shipped run has a MobileNetV2 encoder; choose encoder weights by hand.")


def _copy(source: keras.Model, model: keras.Model) -> None:
    for layer in filter(lambda part: part.weights, model.get_layer("encoder").layers):
        layer.set_weights(source.get_layer(layer.name).get_weights())
