"""What the sketch computes is what Keras builds; no numbers from a network's own code."""

import numpy as np
import pytest

from unet_core.architectures.catalogue import CATALOGUE
from unet_core.architectures.specs import Specification, UNetArguments
from unet_core.errors import UserError

VARIANTS = [
    {},
    {"depth": 1, "batch_norm": True},
    {"depth": 3, "skips": False},
    {"padding": "valid", "depth": 2},
    {"padding": "valid", "batch_norm": True, "skips": False, "depth": 2},
    {"channels": 1, "dropout": 0.5},
]


def unet(outputs: int, size: int, **arguments) -> Specification:
    """A U-Net from scratch with the paper's filters."""
    return CATALOGUE["compact"].specification(outputs, size, {"filters": 64} | arguments)


@pytest.mark.parametrize("arguments", VARIANTS, ids=str)
def test_layer_by_layer_it_agrees_with_the_builder(arguments):
    from unet_core.models import build

    arguments = {"filters": 3} | arguments
    size = UNetArguments.of(arguments).nearest_size(64)
    model = build("compact", 2, arguments, size)
    specification = unet(2, size, **arguments)
    for layer in specification.layers:
        built = model.get_layer(layer.name).output.shape
        channels = 3 if layer.kind == "input" else layer.channels
        assert built == (None, layer.size, layer.size, channels), layer.name
    assert specification.parameters == model.count_params()
    assert specification.trainable == sum(np.prod(w.shape) for w in model.trainable_weights)


def test_tiles_and_whole_pictures_of_unpadded_networks():
    original = CATALOGUE["original"]
    assert original.tile({}, 572) == original.tile({}, 570) == 572
    assert original.covering_size({}, 388) == 572 and original.covering_size({}, 389) == 588
    assert CATALOGUE["compact"].tile({}, 256) is None
    assert CATALOGUE["compact"].covering_size({}, 256) == 256


@pytest.mark.parametrize("name", ["compact", "mobilenetv2-fast"])
def test_sizes_that_cannot_be_halved_are_refused(name):
    with pytest.raises(UserError, match="250"):
        CATALOGUE[name].tile({}, 250)


@pytest.mark.parametrize("name", ["mobilenetv2", "mobilenetv2-fast"])
def test_the_pretrained_ones_agree_in_shapes_and_totals(name):
    from unet_core.models import build

    model = build(name, 3, {}, 64)
    specification = CATALOGUE[name].specification(3, 64)
    assert specification.parameters == model.count_params()
    assert specification.trainable == sum(np.prod(w.shape) for w in model.trainable_weights)
    given = model.get_layer("encoder").compute_output_shape((1, 64, 64, 3))
    shapes = [tuple(shape[1:]) for shape in given]
    expanded = [f"block_{number}_expand_relu" for number in (1, 3, 6, 13)]
    listed = [specification.layer(x) for x in (*expanded, "block_16_project")]
    assert list(specification.features[1:]) == listed
    assert shapes == [(x.size, x.size, x.channels) for x in listed]
    assert [x.level for x in listed] == [1, 2, 3, 4, 5]
    for layer in specification.layers:
        if layer.part != "encoder":
            built = model.get_layer(layer.name).output.shape
            assert built == (None, layer.size, layer.size, layer.channels), layer.name
    assert model.layers[-1].name == specification.output.name == "logits"
    by_hand = 0
    for layer in model.layers:
        kernels = sum(np.prod(w.shape) for w in layer.weights if len(w.shape) == 4)
        if kernels and layer.name != "encoder":
            is_transposed = type(layer).__name__ == "Conv2DTranspose"
            by_hand += kernels * (layer.input if is_transposed else layer.output).shape[1] ** 2
    decoder = [x for x in specification.layers if x.part in ("decoder", "head")]
    assert sum(x.multiply_adds for x in decoder) == by_hand


@pytest.mark.parametrize(("depth", "skips"), [(1, True), (2, True), (2, False)])
def test_receptive_field_is_how_far_one_pixel_is_seen(depth, skips):
    """Weights all positive: an output pixel changes if and only if it can see the input pixel."""
    from unet_core.models import build

    size = 64
    arguments = {"depth": depth, "filters": 1, "skips": skips}
    model = build("compact", 1, arguments, size)
    model.set_weights([np.ones_like(w) * (w.ndim > 1) for w in model.get_weights()])
    lit = np.zeros((size, size, size, 3), np.float32)
    lit[np.arange(size), 32, np.arange(size)] = 255  # one white pixel in each image
    seen = model(lit).numpy()[:, 32, :, 0] > 0  # (where it is, who sees it)
    assert seen.sum(0).max() == unet(1, size, **arguments).receptive_field


def test_multiply_adds_by_hand():
    # 8x8, one level of 2 filters, 4 at the bottom, one output, three colours in
    by_hand = 64 * 9 * (3 * 2 + 2 * 2) + 16 * 9 * (2 * 4 + 4 * 4)  # down, bottom
    by_hand += 16 * 4 * 4 * 2 + 64 * 9 * (4 * 2 + 2 * 2) + 64 * 2  # up, decoder, logits
    assert unet(1, 8, depth=1, filters=2).multiply_adds == by_hand


def test_mobilenet_has_the_papers_multiply_adds():
    layers = CATALOGUE["mobilenetv2"].specification(3, 224).layers
    encoder = sum(x.multiply_adds for x in layers if x.part == "encoder")
    head = 320 * 1280 * 7 * 7 + 1280 * 1000  # what the paper's 300 million have on top
    assert encoder + head == pytest.approx(300e6, rel=0.01)


def test_training_memory_by_hand():
    # floats: image, 2 convolutions; pool; 2 at the bottom; up, concatenated, 2; logits
    floats = 64 * (3 + 2 + 2) + 16 * 2 + 16 * (4 + 4) + 64 * (2 + 4 + 2 + 2) + 64
    assert unet(1, 8, depth=1, filters=2).training_memory == 4 * floats


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
def test_a_valid_size_survives_every_halving(depth):
    net = UNetArguments(depth=depth, padding="valid")
    for wanted in (1, 100, 255, 572):
        side = net.nearest_size(wanted)
        for _ in range(depth):
            side -= 4
            assert side > 0 and side % 2 == 0
            side //= 2
        for _ in range(depth):
            side = 2 * (side - 4)
        assert side - 4 >= 4
    assert UNetArguments(padding="valid").nearest_size(570) == 572


@pytest.mark.parametrize(
    ("arguments", "size", "says"),
    [
        ({"padding": "valid"}, 571, "572"),
        ({"depth": 5}, 240, "256"),
        ({"depth": 0}, 64, "Depth"),
        ({"padding": "mirror"}, 64, "Padding"),
        ({"width": 3}, 64, "width"),
    ],
)
def test_what_cannot_be_built_is_said(arguments, size, says):
    with pytest.raises(UserError, match=says):
        unet(1, size, **arguments)


def test_what_a_network_takes_and_covers():
    padded, original = CATALOGUE["compact"], CATALOGUE["original"]
    assert padded.prediction_side({}, 256, None) == padded.covering_size({}, 256) == 256
    assert padded.prediction_side({}, 256, 128) == 256  # it takes the whole image
    assert original.prediction_side({}, 512, None) == UNetArguments.of(
        original.arguments
    ).nearest_size(512)
    assert original.prediction_side({}, 512, 572) == 572
    assert original.covering_size({}, 388) == 572
    assert CATALOGUE["mobilenetv2"].prediction_side({}, 256, None) == 256
    assert CATALOGUE["mobilenetv2"].covering_size({}, 250) == 256
    with pytest.raises(UserError, match="multiples of 32"):
        CATALOGUE["mobilenetv2"].prediction_side({}, 250, None)
