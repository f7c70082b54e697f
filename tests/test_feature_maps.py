"""What a network sees, against Keras's own intermediate outputs; and runs that differ in skips."""

from pathlib import Path

import numpy as np
import pytest

from unet_core.architectures.catalogue import CATALOGUE
from unet_core.architectures.specs import UNetArguments
from unet_core.data.pets import PET_CLASSES
from unet_core.errors import UserError
from unet_core.prediction.feature_maps import FeatureMap, FeatureMaps, shown_layers
from unet_core.store.config import TrainingConfig
from unet_core.store.runs import SHIPPED, Run, write_json

HALF = 0.02  # an export keeps weights as float16
IMAGE = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)


def write_config(path: Path, model: str, arguments: dict, **changes) -> Run:
    path.mkdir(parents=True)
    training = TrainingConfig(model=model, model_arguments=arguments, **changes)
    classes = [{"name": c.name, "color": c.color} for c in PET_CLASSES]
    config = {"title": path.name, "description": "", "classes": classes}
    write_json(path / "config.json", config | {"training": training.to_dict()})
    return Run(path)


def build_run(path: Path, name: str, arguments: dict, size: int):
    """A run of random weights with its exported model, and the Keras model."""
    from unet_core.models import build
    from unet_core.training.export import export

    run = write_config(path, name, arguments, image_size=size)
    model = build(name, len(PET_CLASSES), arguments, size)
    for layer in model.layers:  # statistics that make batch normalisation do something
        if layer.__class__.__name__ == "BatchNormalization":
            layer.set_weights([w + 0.1 for w in layer.get_weights()])
    export(model, path / "model.onnx", "onnx")
    return run, model


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("compact", {}),
        ("batchnorm", {"channels": 1}),
        ("original", {"batch_norm": True}),
    ],
)
def test_maps_are_what_keras_computes(tmp_path, name, arguments):
    import keras

    arguments = {"depth": 2, "filters": 4} | arguments
    size = UNetArguments.of(CATALOGUE[name].arguments | arguments).nearest_size(64)
    run, model = build_run(tmp_path / "run", name, arguments, size)
    image = IMAGE[:50, :50].repeat(3, 0).repeat(3, 1)[:size, :size]
    levels = FeatureMaps(run).levels(image)
    assert [level.encoder.layer.name for level in levels] == [
        "encoder1_conv2",
        "encoder2_conv2",
        "bottom_conv2",
    ]
    inner = keras.Model(model.input, [model.get_layer(f"skip{level}").output for level in (1, 2)])
    for level, joined in zip(levels, inner(image[None].astype(np.float32)), strict=False):
        joined = np.moveaxis(np.asarray(joined)[0], -1, 0)
        assert level.is_handed_over
        own = FeatureMap.of(level.below.layer, joined[len(joined) // 2 :])
        np.testing.assert_allclose(level.below.summary, own.summary, atol=HALF)
        if name != "original":  # whose features are cropped on the way across
            handed = FeatureMap.of(level.encoder.layer, joined[: len(joined) // 2])
            np.testing.assert_allclose(level.encoder.summary, handed.summary, atol=HALF)
            np.testing.assert_allclose(level.encoder.channels, handed.channels, atol=HALF)
    assert (levels[0].decoder.layer.name, levels[-1].below) == ("decoder1_conv2", None)


def test_without_skips_the_encoder_is_shown_but_not_handed_over(tmp_path):
    run, _ = build_run(
        tmp_path / "run", "batchnorm", {"depth": 1, "filters": 2, "skips": False}, 32
    )
    levels = FeatureMaps(run).levels(IMAGE)
    assert [level.is_handed_over for level in levels] == [False, False]
    assert levels[0].decoder.summary.shape == (32, 32)


def test_the_articles_transposed_convolutions(tmp_path):
    run, _ = build_run(tmp_path / "run", "mobilenetv2", {}, 64)
    levels = FeatureMaps(run).levels(IMAGE)
    assert [level.encoder.layer.name for level in levels] == [
        "block_1_expand_relu",
        "block_3_expand_relu",
        "block_6_expand_relu",
        "block_13_expand_relu",
        "block_16_project",
    ]
    assert all(level.decoder is None for level in levels)


def test_the_shipped_model_is_looked_into_by_the_encoders_names():
    """In MobileNetV2 Keras's names survive the export, so that they can be compared."""
    maps = FeatureMaps(Run(SHIPPED / "pets-fast"))
    names = {layer.name: tensor for layer, tensor in zip(maps._layers, maps._tensors, strict=True)}
    for name in ("block_1_expand_relu", "block_6_expand_relu", "block_16_project"):
        assert name in names[name]
    levels = maps.levels(IMAGE)
    assert [level.encoder.layer.size for level in levels] == [256, 128, 64, 32, 16, 8]
    image = levels[0].decoder.image(60, 40)
    assert (image.shape, image.dtype) == ((40, 122, 3), np.uint8)


def test_the_liveliest_channels_come_first():
    layer = shown_layers(CATALOGUE["compact"].specification(1, 64))[0][0]
    ramp = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    values = np.stack([ramp * scale for scale in (0, 1, 5, 3, 2, 4)])
    seen = FeatureMap.of(layer, values)
    assert seen.silent == 1
    assert len(seen.channels) == 4
    assert seen.summary[0, 0] == 0 and seen.summary[-1, -1] == 1


def test_a_model_of_another_make_is_said(channel_run):
    with pytest.raises(UserError, match="export the run again"):
        FeatureMaps(channel_run)
