"""Optimizers and learning-rate schedules, named as in ``TrainingConfig``."""

import keras
from keras import ops

from unet_core.config import TrainingConfig


def build_optimizer(config: TrainingConfig, model: keras.Model, steps: int):
    """The configured optimizer over ``steps`` steps; a tuned encoder learns more slowly."""
    rate = config.learning_rate
    if config.schedule == "cosine":
        warmup = max(1, steps // 20)
        rate = keras.optimizers.schedules.CosineDecay(
            rate / 20, steps - warmup, alpha=0.01, warmup_target=rate, warmup_steps=warmup
        )
    if config.optimizer == "rmsprop":
        return keras.optimizers.RMSprop(rate)
    if config.optimizer == "adam":
        return keras.optimizers.Adam(rate)
    slow = set()
    if "encoder" in {layer.name for layer in model.layers}:
        slow = {weight.path for weight in model.get_layer("encoder").trainable_weights}
    return LayerwiseAdamW(rate, slow=slow, slow_rate=config.encoder_rate)


class LayerwiseAdamW(keras.optimizers.AdamW):
    """AdamW whose variables with a path in ``slow`` learn at ``slow_rate`` of the rate.

    (Scaling gradients instead would change nothing: Adam divides by their size.)
    """

    def __init__(self, learning_rate, slow=(), slow_rate=1.0, weight_decay=1e-4):
        super().__init__(learning_rate, weight_decay=weight_decay)
        self.slow, self.slow_rate = frozenset(slow), slow_rate

    def update_step(self, gradient, variable, learning_rate):
        path = self._trainable_variables[self._get_variable_index(variable)].path
        factor = self.slow_rate if path in self.slow else 1.0
        super().update_step(gradient, variable, ops.cast(learning_rate, "float32") * factor)
