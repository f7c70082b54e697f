"""Optimizers and learning-rate schedules, named as in ``TrainingConfig``."""

import math

import keras
from keras import ops

from unet_core.config import TrainingConfig


def build_optimizer(config: TrainingConfig, model: keras.Model, steps: int):
    """The configured optimizer over ``steps`` steps; a tuned encoder learns more slowly."""
    rate = config.learning_rate
    if config.schedule == "cosine":
        rate = WarmupCosine(rate, steps)
    if config.optimizer == "rmsprop":
        optimizer = keras.optimizers.RMSprop(rate)
    elif config.optimizer == "adam":
        optimizer = keras.optimizers.Adam(rate)
    else:
        slow = set()
        if "encoder" in {layer.name for layer in model.layers}:
            slow = {weight.path for weight in model.get_layer("encoder").trainable_weights}
        optimizer = LayerwiseAdamW(
            rate,
            slow=slow,
            slow_rate=config.encoder_rate,
            weight_decay=config.weight_decay,
            use_ema=config.weight_average > 0,
            ema_momentum=config.weight_average,
        )
    optimizer.build(model.trainable_variables)  # else the first step is traced twice
    return optimizer


class WarmupCosine(keras.optimizers.schedules.LearningRateSchedule):
    """Linear rise over the first twentieth of the steps, then half a cosine down to 1 %.

    (Keras's ``CosineDecay`` has a condition in it that is traced once a variable: many seconds.)
    """

    def __init__(self, peak: float, steps: int):
        self.peak, self.steps = peak, steps

    def __call__(self, step):
        step = ops.cast(step, "float32")
        part = ops.clip(step / self.steps, 0.0, 1.0)
        cosine = 0.01 + 0.99 * (1 + ops.cos(math.pi * part)) / 2
        return self.peak * ops.minimum(cosine, (step + 1) / max(1.0, self.steps / 20))


class LayerwiseAdamW(keras.optimizers.AdamW):
    """AdamW whose variables with a path in ``slow`` learn at ``slow_rate`` of the rate.

    (Scaling gradients instead would change nothing: Adam divides by their size.)
    """

    def __init__(self, learning_rate, slow=(), slow_rate=1.0, **options):
        super().__init__(learning_rate, **options)
        self.slow, self.slow_rate = frozenset(slow), slow_rate

    def update_step(self, gradient, variable, learning_rate):
        path = self._trainable_variables[self._get_variable_index(variable)].path
        factor = self.slow_rate if path in self.slow else 1.0
        super().update_step(gradient, variable, ops.cast(learning_rate, "float32") * factor)
