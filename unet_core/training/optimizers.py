"""Optimizers, learning-rate schedules and moving averages, named as in `TrainingConfig`."""

import math
from collections.abc import Iterable
from typing import Any

import keras
from keras import ops

from unet_core.store.config import TrainingConfig

STARTING_SHARE = 0.05  # most that a moving average's first value may count for when it is used


def build_optimizer(
    config: TrainingConfig, model: keras.Model, steps: int
) -> keras.optimizers.Optimizer:
    """The configured optimizer over ``steps`` steps.

    An encoder that is fine-tuned learns more slowly under each of them, and each can average the
    weights (EMA). AdamW alone decays them: kernels, never batch normalization or biases.
    """
    rate: Any = float(config.learning_rate)
    if config.schedule == "cosine":
        rate = WarmupCosine(rate, steps)
    has_encoder = "encoder" in {layer.name for layer in model.layers}
    encoder = model.get_layer("encoder").trainable_weights if has_encoder else []
    optimizer = OPTIMIZERS[config.optimizer](
        rate,
        slow=map(id, encoder),
        slow_rate=config.encoder_lr_multiplier,
        weight_decay=config.decay if config.optimizer == "adamw" else None,
        use_ema=config.ema_momentum > 0,
        ema_momentum=momentum_within(steps, config.ema_momentum),
    )
    # Biases, and what batch normalization learns, have one axis; kernels have more.
    flat = [weight for weight in model.trainable_variables if len(weight.shape) == 1]
    optimizer.exclude_from_weight_decay(flat)
    optimizer.build(model.trainable_variables)  # else the first step is traced twice
    return optimizer


class WarmupCosine(keras.optimizers.schedules.LearningRateSchedule):
    """Linear rise over the first twentieth of the steps, then half a cosine down to 1 %.

    (Keras's ``CosineDecay`` has a condition in it that is traced once a variable: many seconds.)
    """

    def __init__(self, peak: float, steps: int):
        self.peak, self.steps = peak, steps

    def __call__(self, step: Any) -> keras.KerasTensor:
        step = ops.cast(step, "float32")
        part = ops.clip(step / self.steps, 0.0, 1.0)
        cosine = 0.01 + 0.99 * (1 + ops.cos(math.pi * part)) / 2
        return self.peak * ops.minimum(cosine, (step + 1) / max(1.0, self.steps / 20))


class SlowPart(keras.optimizers.Optimizer):
    """For an optimizer whose variables with an id in ``slow`` learn at ``slow_rate`` of the rate.

    (Scaling gradients instead would change nothing: these optimizers divide by their size.)
    """

    def __init__(self, rate: Any, slow: Iterable[int] = (), slow_rate: float = 1.0, **options: Any):
        super().__init__(rate, **options)
        self.slow, self.slow_rate = frozenset(slow), slow_rate

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        known = self._trainable_variables[self._get_variable_index(variable)]
        factor = self.slow_rate if id(known) in self.slow else 1.0
        super().update_step(gradient, variable, ops.cast(learning_rate, "float32") * factor)


class Adam(SlowPart, keras.optimizers.Adam):
    """Adam with a part that learns slowly."""


class AdamW(SlowPart, keras.optimizers.AdamW):
    """AdamW with a part that learns slowly."""


class RMSprop(SlowPart, keras.optimizers.RMSprop):
    """RMSprop with a part that learns slowly."""


OPTIMIZERS = {"adam": Adam, "adamw": AdamW, "rmsprop": RMSprop}


def momentum_within(steps: int, momentum: float) -> float:
    """``momentum`` of a moving average, lowered where its first value would last over ``steps``.

    >>> momentum_within(1000, 0.99), round(momentum_within(10, 0.99), 3)
    (0.99, 0.741)
    """
    return min(momentum, STARTING_SHARE ** (1 / steps))


def set_statistics_momentum(model: keras.Model, steps: int, average: float) -> None:
    """Let batch normalization forget its first statistics within an epoch of ``steps``.

    With Keras's momentum of 0.99 a network is no better than chance after a hundred steps, since it
    is validated with the statistics that it was built with. But they are averaged over no fewer
    steps than the weights, whose EMA has the momentum ``average``: averaged weights with the
    statistics of the last ten steps are no better than chance either.
    """
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            set_statistics_momentum(layer, steps, average)
        elif isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = max(momentum_within(steps, layer.momentum), average)
