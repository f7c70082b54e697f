"""The pretrained encoder: every door by which its weights come in, and which part learns."""

import keras
import numpy as np
import pytest

from unet_core.errors import UserError
from unet_core.models import build
from unet_core.models.layers import mobilenetv2_encoder
from unet_core.models.pretrained import load_encoder, set_encoder_training
from unet_core.store.config import TrainingConfig
from unet_core.store.runs import Run, write_json
from unet_core.training import fit as training


def fill(model: keras.Model, value: float) -> None:
    model.set_weights([np.full(w.shape, value) for w in model.weights])


def values(model: keras.Model) -> set[float]:
    """All different values among the encoder's weights."""
    return {float(v) for w in model.get_layer("encoder").get_weights() for v in np.unique(w)}


@pytest.fixture(scope="module")
def built() -> keras.Model:
    """Something around an encoder; building one takes a second."""
    part = mobilenetv2_encoder()
    pixels = keras.Input((None, None, 3))
    return keras.Model(pixels, part(pixels)[-1])


@pytest.fixture
def model(built) -> keras.Model:
    """An encoder of threes."""
    fill(built, 3)
    return built


@pytest.fixture(scope="module")
def mobilenet() -> keras.Model:
    """Keras's own network, which has layers beyond the encoder's last."""
    return keras.applications.MobileNetV2((None, None, 3), include_top=False, weights=None)


@pytest.fixture
def imagenet(monkeypatch, mobilenet):
    """Whether the machine is online, where ImageNet's weights are sevens."""
    original = keras.applications.MobileNetV2

    def constructor(shape, include_top=True, weights="imagenet"):
        assert not include_top
        if weights != "imagenet":
            return original(shape, include_top=include_top, weights=weights)
        if not switch["online"]:
            raise Exception("URL fetch failure")
        fill(mobilenet, 7)
        return mobilenet

    switch = {"online": True}
    monkeypatch.setattr(keras.applications, "MobileNetV2", constructor)
    return switch


@pytest.fixture(scope="module")
def trained() -> dict[str, keras.Model]:
    small = {"depth": 1, "filters": 2}
    return {
        "mobilenetv2-fast": build("mobilenetv2-fast", 3, {}, 32),
        "compact": build("compact", 3, small, 32),
    }


@pytest.fixture
def ship(shipped, trained):
    """Make a shipped run whose weights are all the same."""

    def one(name: str, model: str, value: float, rank: int, **more) -> None:
        path = shipped / name
        path.mkdir()
        arguments = {"depth": 1, "filters": 2} if model == "compact" else {}
        training = {
            "model": model,
            "model_arguments": arguments,
            "image_size": 32,
            "crop_size": None,
        }
        classes = [{"name": c, "color": "#000000"} for c in "abc"]
        config = {"training": training, "classes": classes, "data_title": "Beasts", "rank": rank}
        write_json(path / "config.json", config | more)
        fill(trained[model], value)
        trained[model].save_weights(path / "model.weights.h5")

    return one


def test_none_leaves_the_random_weights(model):
    assert load_encoder(model, "none") is None
    assert values(model) == {3}


def test_imagenet(model, imagenet):
    start = load_encoder(model, "imagenet")
    assert values(model) == {7}
    origin = "ImageNet, keras.applications.MobileNetV2"
    assert start == {"origin": origin, "licence": "Apache-2.0"}
    imagenet["online"] = False
    with pytest.raises(UserError, match="go online"):
        load_encoder(model, "imagenet")


def test_a_file_of_keras(model, mobilenet, tmp_path):
    path = tmp_path / "mine.weights.h5"
    fill(mobilenet, 5)
    mobilenet.save_weights(path)
    start = load_encoder(model, str(path))
    assert values(model) == {5}
    assert start == {"origin": "mine.weights.h5", "licence": "see its source"}


def test_auto_is_imagenet_where_the_machine_is_online_else_the_best_shipped_run(
    model, imagenet, ship
):
    before = {"origin": "ImageNet", "licence": "Apache-2.0"}
    ship("a-third", "mobilenetv2-fast", 4, 3, starting_weights=before)
    ship("b-first", "compact", 5, 1)  # the best one has no such encoder
    ship("c-second", "mobilenetv2-fast", 6, 2)
    load_encoder(model, "auto")
    assert values(model) == {7}
    imagenet["online"] = False
    start = load_encoder(model, "auto")
    assert values(model) == {6}
    assert start == {"origin": "the run 'c-second', already tuned on Beasts", "licence": "MIT"}
    start = load_encoder(model, "a-third")
    assert values(model) == {4}
    origin = "the run 'a-third', already tuned on Beasts; before that: ImageNet"
    assert start == {"origin": origin, "licence": "Apache-2.0"}


def test_what_cannot_be_a_start_is_refused(model, imagenet, ship, shipped):
    imagenet["online"] = False
    ship("plain", "compact", 5, 1)
    with pytest.raises(UserError, match="'plain' has no pretrained encoder"):
        load_encoder(model, "plain")
    with pytest.raises(UserError, match="no run called 'nobody'"):
        load_encoder(model, "nobody")
    with pytest.raises(UserError, match="by hand"):
        load_encoder(model, "auto")
    (shipped / "plain" / "model.weights.h5").unlink()
    with pytest.raises(UserError, match="'plain' has no weights yet"):
        load_encoder(model, "plain")
    assert values(model) == {3}


@pytest.mark.parametrize(
    ("mode", "first"),
    [((True, 0), None), ((False, 7), "block_7_expand"), ((False, 0), "Conv1")],
)
def test_from_one_layer_on_all_learn_before_it_none(model, mode, first):
    set_encoder_training(model, *mode)
    layers = [layer for layer in model.get_layer("encoder").layers if layer.weights]
    start = [layer.name for layer in layers].index(first) if first else len(layers)
    assert not any(layer.trainable_weights for layer in layers[:start])
    assert all(layer.trainable_weights for layer in layers[start:])
    normalising = [x for x in layers if isinstance(x, keras.layers.BatchNormalization)]
    assert {layer.momentum for layer in normalising} == {0.9}


def test_only_what_learns_follows_new_statistics(model):
    names = ("bn_Conv1", "block_15_project_BN")
    early, late = (model.get_layer("encoder").get_layer(name) for name in names)
    pixels = np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 3))
    expected = {(True, 0): (True, True), (False, 7): (True, False), (False, 0): (False, False)}
    for mode, stay in expected.items():
        fill(model, 3)
        set_encoder_training(model, *mode)
        model(pixels, training=True)
        means = [np.asarray(layer.moving_mean.value) for layer in (early, late)]
        assert tuple(bool((mean == 3).all()) for mean in means) == stay


def test_skips_have_a_half_to_a_sixteenth_of_the_side_and_the_bottom_a_32nd(model):
    shapes = model.get_layer("encoder").compute_output_shape((1, 64, 96, 3))
    assert [shape[1:] for shape in shapes] == [
        (32, 48, 96),
        (16, 24, 144),
        (8, 12, 192),
        (4, 6, 576),
        (2, 3, 320),
    ]


def test_a_backup_has_all_weights_so_that_its_donor_may_be_gone(tmp_path, monkeypatch):
    config = TrainingConfig(encoder_weights="a run that was removed")
    run = Run(tmp_path)
    write_json(tmp_path / "config.json", {"training": config.to_dict(), "classes": []})
    with pytest.raises(UserError, match="no run called"):
        training.build_for_training(config, 3, run, {})
    (tmp_path / "backup").mkdir()
    (tmp_path / "backup" / "latest.weights.h5").touch()
    assert training.build_for_training(config, 3, run, {}).count_params() == 2_128_695
