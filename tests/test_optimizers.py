"""Optimizers by what they do to variables: rates, the slow encoder, decay, averages."""

import math

import keras
import numpy as np
import pytest
from keras import layers

from unet_core.models import build
from unet_core.models.pretrained import set_encoder_training
from unet_core.store.config import OPTIMIZERS, TrainingConfig
from unet_core.store.runs import create_run
from unet_core.training.checkpoints import checkpoint_callbacks
from unet_core.training.optimizers import build_optimizer

STEPS = 40
PEAK = 1e-3
PLAIN = TrainingConfig(learning_rate=PEAK, freeze_encoder=False, weight_decay=0.0)


@pytest.fixture
def network() -> keras.Model:
    """Kernels, biases and batch normalisation in an encoder and after it."""

    def block(x):
        return layers.BatchNormalization()(layers.Conv2D(2, 3, bias_initializer="ones")(x))

    seen = layers.Input((9, 9, 3))
    encoder = keras.Model(seen, block(seen), name="encoder")
    pixels = layers.Input((9, 9, 3))
    return keras.Model(pixels, block(encoder(pixels)))


def encoder_of(model: keras.Model) -> set[int]:
    """The ids of what learns in the encoder."""
    return {id(weight) for weight in model.get_layer("encoder").trainable_weights}


def applied(optimizer, variables, gradient: float) -> list[np.ndarray]:
    """By how much one step with this gradient everywhere moves each variable."""
    before = [variable.numpy() for variable in variables]
    optimizer.apply([keras.ops.full(v.shape, gradient) for v in variables], variables)
    return [old - v.numpy() for old, v in zip(before, variables, strict=True)]


def rates(config: TrainingConfig, model: keras.Model, steps: int = STEPS) -> np.ndarray:
    """The rate (steps, 2) of the decoder and of the encoder at each step, from what has moved.

    Under a gradient that is always the same, Adam's steps are the rate, and RMSprop's the rate
    over √(1 - 0.9ⁿ).
    """
    optimizer = build_optimizer(config, model, STEPS)
    variables = model.trainable_variables
    for variable in variables:  # near zero, float32 tells small steps apart
        variable.assign(keras.ops.zeros_like(variable))
    measured = []
    for step in range(steps):
        moved = applied(optimizer, variables, 1.0)
        factor = math.sqrt(1 - 0.9 ** (step + 1)) if config.optimizer == "rmsprop" else 1.0
        of_part, encoder = [], encoder_of(model)
        for slow in (False, True):
            parts = [m for m, v in zip(moved, variables, strict=True) if (id(v) in encoder) == slow]
            values = np.concatenate([part.ravel() for part in parts]) * factor
            assert np.allclose(values, values[0], rtol=1e-2)  # all of the part alike
            of_part.append(values.mean())
        measured.append(of_part)
    return np.array(measured)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_cosine_rises_and_falls_and_the_encoder_follows_at_its_own_rate(optimizer, network):
    config = PLAIN.changed(optimizer=optimizer, schedule="cosine", encoder_lr_multiplier=0.1)
    decoder, encoder = rates(config, network).T
    # half of the way up at the first of two steps; half of 0.99, and 0.01, in the middle;
    # 0.01 + 0.99 (1 + cos 39/40 π) / 2 at the last
    expected = {0: 0.5 * PEAK, 1: 0.99847 * PEAK, 20: 0.505 * PEAK, 39: 0.011526 * PEAK}
    for step, rate in expected.items():
        assert decoder[step] == pytest.approx(rate, rel=0.01)
        assert encoder[step] == pytest.approx(rate / 10, rel=0.01)
    assert np.argmax(decoder) == 1 and (np.diff(decoder[1:]) < 0).all()


@pytest.mark.parametrize("schedule", ["constant", "plateau"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_other_schedules_keep_the_rate_from_the_first_step_to_the_last(
    optimizer, schedule, network
):
    config = PLAIN.changed(
        optimizer=optimizer, schedule=schedule, fine_tune_from=7, encoder_lr_multiplier=0.5
    )
    measured = rates(config, network)
    for step in (0, 20, 39):
        np.testing.assert_allclose(measured[step], [PEAK, PEAK / 2], rtol=0.01)


def test_on_a_plateau_both_parts_go_on_with_a_tenth(network):
    config = PLAIN.changed(schedule="plateau", encoder_lr_multiplier=0.1)
    run = create_run({"title": "", "training": config.to_dict(), "classes": []}, "plateau")
    optimizer = build_optimizer(config, network, STEPS)
    network.compile(optimizer, "mse")
    plateau = [
        callback
        for callback in checkpoint_callbacks(run, config)
        if isinstance(callback, keras.callbacks.ReduceLROnPlateau)
    ]
    assert len(plateau) == 1
    plateau[0].set_model(network)
    plateau[0].on_train_begin()
    logs = {"loss": 1.0, "val_loss": 1.0, "val_mean_iou": 0.5}
    for epoch in range(5):
        plateau[0].on_epoch_end(epoch, dict(logs))
    variables = network.trainable_variables

    def moved() -> dict[bool, float]:
        steps = applied(optimizer, variables, 1.0)
        parts = zip(variables, steps, strict=True)
        return {id(v) in encoder_of(network): float(m.mean()) for v, m in parts}

    assert moved() == pytest.approx({False: PEAK, True: PEAK / 10}, rel=0.01)
    plateau[0].on_epoch_end(5, dict(logs))
    assert moved() == pytest.approx({False: PEAK / 10, True: PEAK / 100}, rel=0.01)


def test_in_the_real_network_what_learns_slowly_is_the_encoder_from_block_7_on():
    model = build("mobilenetv2-fast", 3, {})
    set_encoder_training(model, False, 7)
    config = TrainingConfig(
        freeze_encoder=False, fine_tune_from=7, schedule="constant", weight_decay=0.0
    )
    optimizer = build_optimizer(config, model, STEPS)
    variables = model.trainable_variables
    slow = encoder_of(model)
    assert 0 < len(slow) < len(variables)
    for variable, moved in zip(variables, applied(optimizer, variables, 1.0), strict=True):
        rate = PEAK * (0.1 if id(variable) in slow else 1.0)
        assert moved.mean() == pytest.approx(rate, rel=0.05), variable.path


@pytest.mark.parametrize("model", ["mobilenetv2-fast", "batchnorm"])
def test_adamw_decays_kernels_and_neither_biases_nor_batch_normalisation(model):
    arguments = {"filters": 2, "depth": 2} if model == "batchnorm" else {}
    network = build(model, 3, arguments)
    config = TrainingConfig(schedule="constant", learning_rate=0.1, weight_decay=0.5)
    variables = network.trainable_variables
    for variable in variables:
        variable.assign(keras.ops.ones_like(variable))
    applied(build_optimizer(config, network, STEPS), variables, 0.0)
    kinds = {True: set(), False: set()}
    for variable in variables:
        decays = variable.name.endswith("kernel")  # of a depthwise convolution too
        kinds[decays].add(variable.name)
        np.testing.assert_allclose(variable.numpy(), 0.95 if decays else 1.0, rtol=1e-6)
    assert kinds[False] == {"bias", "gamma", "beta"} and "kernel" in kinds[True]


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop"])
def test_the_other_optimizers_decay_nothing(optimizer, network):
    config = TrainingConfig(optimizer=optimizer, schedule="constant")
    optimizer = build_optimizer(config, network, STEPS)
    moved = applied(optimizer, network.trainable_variables, 0.0)
    assert not any(part.any() for part in moved)


def test_the_default_decay_is_adamws():
    assert build_optimizer(TrainingConfig(), build("compact", 1, {"filters": 1}), 9).weight_decay


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_averages_the_weights(optimizer, network):
    config = TrainingConfig(
        optimizer=optimizer, schedule="constant", learning_rate=0.1, ema_momentum=0.75
    )
    built = build_optimizer(config, network, STEPS)
    variables, average = network.trainable_variables, None
    for step in range(4):
        applied(built, variables, 1.0)
        now = [variable.numpy() for variable in variables]
        old = now if step == 0 else average
        average = [0.75 * a + 0.25 * b for a, b in zip(old, now, strict=True)]
    assert np.abs(average[0] - now[0]).max() > 0.01
    built.finalize_variable_values(variables)
    for variable, expected in zip(variables, average, strict=True):
        np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-5, atol=1e-6)


def test_without_a_momentum_nothing_is_averaged(network):
    optimizer = build_optimizer(TrainingConfig(schedule="constant"), network, STEPS)
    applied(optimizer, network.trainable_variables, 1.0)
    now = [variable.numpy() for variable in network.trainable_variables]
    optimizer.finalize_variable_values(network.trainable_variables)
    for variable, expected in zip(network.trainable_variables, now, strict=True):
        np.testing.assert_array_equal(variable.numpy(), expected)


def test_a_whole_number_is_a_rate_too(network):
    config = TrainingConfig(learning_rate=1, schedule="constant", weight_decay=0.0)
    moved = applied(build_optimizer(config, network, STEPS), network.trainable_variables, 1.0)
    assert all(part.mean() == pytest.approx(1, rel=0.01) for part in moved[-2:])
