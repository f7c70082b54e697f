"""The catalogue's networks have the counts and shapes of their articles (DESIGN.md, section 4)."""

import os
import subprocess
import sys
from collections import Counter

import keras
import numpy as np
import onnxruntime
import pytest

from unet_core.architectures.catalogue import CATALOGUE
from unet_core.errors import UserError
from unet_core.models import build, load_run, outputs_for
from unet_core.store.config import TrainingConfig
from unet_core.store.runs import SHIPPED, create_run
from unet_core.training.optimizers import (
    STARTING_SHARE,
    momentum_within,
    set_statistics_momentum,
)


def trainable(model: keras.Model) -> int:
    return sum(int(np.prod(w.shape)) for w in model.trainable_weights)


@pytest.mark.parametrize(
    ("name", "arguments", "parameters", "learning", "output"),
    [
        ("compact", {}, 7_760_097, 7_760_097, (256, 256, 1)),
        ("compact", {"channels": 1}, 7_759_521, 7_759_521, (256, 256, 1)),
        ("batchnorm", {}, 31_055_297, 31_043_521, (512, 512, 1)),
        ("original", {}, 31_031_810, 31_031_810, (388, 388, 2)),
        ("original", {"channels": 1}, 31_030_658, 31_030_658, (388, 388, 2)),  # the paper's
    ],
)
def test_articles_counts_and_shapes(name, arguments, parameters, learning, output):
    entry = CATALOGUE[name]
    model = build(name, entry.outputs, arguments, entry.size)
    assert model.count_params() == parameters
    assert trainable(model) == learning
    assert model.output_shape == (None, *output)
    assert entry.specification(entry.outputs, entry.size, arguments).parameters == parameters


def test_the_pretrained_articles_counts():
    from unet_core.models.pretrained import set_encoder_training

    model = build("mobilenetv2", 3, {}, 256)
    set_encoder_training(model, True)
    assert model.count_params() == CATALOGUE["mobilenetv2"].parameters == 10_124_067
    assert trainable(model) == 8_280_163
    assert model.output_shape == (None, 256, 256, 3)
    assert made_of(model) == {
        "Rescaling": 1,
        "Functional": 1,
        "Conv2DTranspose": 5,
        "BatchNormalization": 4,
        "ReLU": 4,
        "Concatenate": 4,
    }
    np.testing.assert_allclose(rescaled(model), [-1, 1])


def made_of(model: keras.Model) -> dict[str, int]:
    """How many layers of each kind there are, the encoder being one."""
    kinds = Counter(type(layer).__name__ for layer in model.layers)
    return {kind: number for kind, number in kinds.items() if kind != "InputLayer"}


def rescaled(model: keras.Model) -> np.ndarray:
    """What the network makes of black and white before it looks at them."""
    layer = next(x for x in model.layers if isinstance(x, keras.layers.Rescaling))
    return np.asarray(layer(np.float32([0, 255])))


def test_the_light_decoder_is_made_of_cheap_layers():
    model = build("mobilenetv2-fast", 3, {})
    assert made_of(model) == {
        "Rescaling": 1,
        "Functional": 1,
        "UpSampling2D": 5,
        "Concatenate": 5,
        "SeparableConv2D": 8,
        "Conv2D": 12,
        "BatchNormalization": 19,
        "ReLU": 19,
    }
    np.testing.assert_allclose(rescaled(model), [-1, 1])
    for layer in model.layers:
        if isinstance(layer, keras.layers.UpSampling2D):
            assert (layer.interpolation, layer.size) == ("bilinear", (2, 2))
        if isinstance(layer, keras.layers.BatchNormalization):
            assert layer.momentum == 0.9


def test_a_block_is_convolution_normalisation_relu_twice():
    arguments = {"depth": 1, "filters": 2, "batch_norm": True, "dropout": 0.25}
    model = build("compact", 1, arguments)
    block = ["Conv2D", "BatchNormalization", "ReLU"] * 2
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds == [
        "InputLayer",
        "Rescaling",
        *block,
        "MaxPooling2D",
        *block,
        "SpatialDropout2D",
        "Conv2DTranspose",
        "Concatenate",
        *block,
        "Conv2D",
    ]
    assert model.layers[kinds.index("SpatialDropout2D")].rate == 0.25
    initial = model.get_layer("decoder1_conv2").kernel_initializer
    assert isinstance(initial, keras.initializers.HeNormal)
    assert model.get_layer("logits").activation is keras.activations.linear


def momenta(model: keras.Model) -> list[float]:
    """Of all batch normalisation, the encoder's too."""
    parts = [part for layer in model.layers for part in getattr(layer, "layers", [layer])]
    return [p.momentum for p in parts if isinstance(p, keras.layers.BatchNormalization)]


def test_statistics_are_ready_after_an_epoch_and_averaged_as_long_as_the_weights():
    model = build("batchnorm", 1, {"depth": 1, "filters": 2})
    assert set(momenta(model)) == {0.99}
    set_statistics_momentum(model, 1000, 0.0)  # Keras's own forgets in time
    assert set(momenta(model)) == {0.99}
    set_statistics_momentum(model, 5, 0.0)
    assert len(momenta(model)) == 6
    for momentum in momenta(model):
        assert momentum**5 == pytest.approx(STARTING_SHARE)
    set_statistics_momentum(model, 5, 0.98)
    assert set(momenta(model)) == {0.98}
    model = build("mobilenetv2-fast", 3, {})
    set_statistics_momentum(model, 5, 0.0)
    assert len(momenta(model)) > 60 and max(momenta(model)) ** 5 < STARTING_SHARE + 1e-6
    assert momentum_within(1, 0.99) == STARTING_SHARE and momentum_within(5, 0.0) == 0


def test_a_network_without_a_size_takes_any_that_fits():
    model = build("compact", 2, {"depth": 2, "filters": 2})
    assert model(np.zeros((1, 20, 36, 3), np.float32)).shape == (1, 20, 36, 2)
    model = build("original", 2, {"depth": 1, "filters": 2})
    assert model(np.zeros((1, 30, 20, 3), np.float32)).shape == (1, 14, 4, 2)


def test_cropped_features_stay_in_place():
    """With every layer a pass-through, the skip hands on exactly the image's middle."""
    model = build("original", 1, {"depth": 1, "filters": 1}, 36)
    kernels = [np.zeros_like(w) for w in model.get_weights()]
    for kernel in kernels:
        if kernel.shape[:2] == (3, 3):
            kernel[1, 1, 0] = 1  # of the joined features: the first, which is the skip
        elif kernel.shape[:2] == (1, 1):
            kernel[:] = 1
    model.set_weights(kernels)
    image = np.random.default_rng(0).uniform(0, 255, (1, 36, 36, 3)).astype(np.float32)
    result = model(image).numpy()
    assert result.shape == (1, 20, 20, 1)
    np.testing.assert_allclose(result[0, ..., 0], image[0, 8:-8, 8:-8, 0] / 255, rtol=1e-6)


def test_one_channel_is_the_mean_of_the_colours():
    model = build("compact", 1, {"depth": 1, "filters": 2, "channels": 1})
    colour = np.random.default_rng(0).uniform(0, 255, (1, 8, 8, 3)).astype(np.float32)
    grey = np.repeat(colour.mean(-1, keepdims=True), 3, axis=-1)
    np.testing.assert_allclose(model(colour), model(grey), atol=1e-5)


def test_without_skips_nothing_is_handed_over():
    names = [x.name for x in build("compact", 1, {"depth": 2, "filters": 2, "skips": False}).layers]
    assert not any(name.startswith(("skip", "cropping")) for name in names)


def test_two_classes_are_one_channel():
    assert [outputs_for(classes) for classes in (2, 3, 4)] == [1, 3, 4]


def test_errors_say_what_fits():
    with pytest.raises(UserError, match="572"):
        build("original", 2, {}, 570)
    with pytest.raises(UserError, match="compact"):
        build("unknown", 2, {})


def test_forward_pass_on_jax():
    pytest.importorskip("jax", reason="JAX is not installed")
    code = (
        "import numpy as np; from unet_core.models import build\n"
        "small = {'depth': 1, 'filters': 2}\n"
        "for name, arguments, size in (\n"
        "    ('compact', small, 20), ('original', small, 20), ('batchnorm', small, 20),\n"
        "    ('mobilenetv2', {}, 32), ('mobilenetv2-fast', {}, 32),\n"
        "):\n"
        "    model = build(name, 2, arguments, size)\n"
        "    print(*model(np.ones((1, size, size, 3), 'float32')).shape)"
    )
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    shapes = ["1 20 20 2", "1 4 4 2", "1 20 20 2", "1 32 32 2", "1 32 32 2"]
    assert done.stdout.splitlines() == shapes, done.stderr


def test_a_run_is_loaded_with_its_weights_at_the_size_that_it_predicts():
    arguments = {"depth": 1, "filters": 1}
    training = TrainingConfig(
        model="original", model_arguments=arguments, image_size=64, crop_size=36
    )
    classes = [{"name": name, "color": "#000000"} for name in ("a", "b")]
    config = {"title": "Tiles", "training": training.to_dict(), "classes": classes}
    run = create_run(config, "tiles")
    with pytest.raises(UserError, match="'tiles' has no weights yet"):
        load_run("tiles")
    trained = build("original", 1, arguments, 36)
    trained.save_weights(run.path / "model.weights.h5")
    found, model = load_run("tiles")
    assert found == run and model.input_shape == (None, 36, 36, 3)
    for ours, theirs in zip(model.get_weights(), trained.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    create_run(config | {"training": training.changed(crop_size=None).to_dict()}, "whole")
    trained.save_weights(run.path.parent / "whole" / "model.weights.h5")
    assert load_run("whole")[1].input_shape == (None, 64, 64, 3)


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*/model.onnx")), ids=lambda p: p.parent.name)
def test_shipped_weights_still_mean_what_their_export_computes(path):
    run, model = load_run(path.parent.name)
    noise = np.random.default_rng(0).uniform(0, 255, (1, 4, 4, 3)).astype(np.float32)
    image = keras.ops.image.resize(noise, model.input_shape[1:3])  # smooth shapes
    logits = model(image)
    finish = keras.ops.sigmoid if logits.shape[-1] == 1 else keras.ops.softmax
    exported = onnxruntime.InferenceSession(path)
    name = exported.get_inputs()[0].name
    (probabilities,) = exported.run(None, {name: np.asarray(image)})
    assert np.ptp(probabilities) > 0.1
    np.testing.assert_allclose(finish(logits), probabilities, atol=0.005)  # weights are float16
