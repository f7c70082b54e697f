"""Optimizers and learning-rate schedules, named as in ``TrainingConfig``."""

import math

import keras
from keras import ops

from unet_core.store.config import TrainingConfig


def build_optimizer(config: TrainingConfig, model: keras.Model, steps: int):
    """The configured optimizer over ``steps`` steps.

    A tuned encoder learns more slowly under each of them, and each can average the weights. AdamW
    alone decays them: kernels, never batch normalisation or biases.
    """
    rate = float(config.learning_rate)
    if config.schedule == "cosine":
        rate = WarmupCosine(rate, steps)
    slow = set()
    if "encoder" in {layer.name for layer in model.layers}:
        slow = {id(weight) for weight in model.get_layer("encoder").trainable_weights}
    optimizer = OPTIMIZERS[config.optimizer](
        rate,
        slow=slow,
        slow_rate=config.encoder_lr_multiplier,
        weight_decay=config.decay if config.optimizer == "adamw" else None,
        use_ema=config.ema_momentum > 0,
        ema_momentum=config.ema_momentum,
    )
    optimizer.exclude_from_weight_decay(
        [weight for weight in model.trainable_variables if not is_kernel(weight)]
    )
    optimizer.build(model.trainable_variables)  # else the first step is traced twice
    return optimizer


def is_kernel(weight: keras.Variable) -> bool:
    """Whether it is a convolution's kernel: biases, and what batch normalisation learns, have one
    axis."""
    return len(weight.shape) > 1


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


class SlowPart:
    """For an optimizer whose variables with an id in ``slow`` learn at ``slow_rate`` of the rate.

    (Scaling gradients instead would change nothing: these optimizers divide by their size.)
    """

    def __init__(self, learning_rate, slow=(), slow_rate=1.0, **options):
        super().__init__(learning_rate, **options)
        self.slow, self.slow_rate = frozenset(slow), slow_rate

    def update_step(self, gradient, variable, learning_rate):
        known = self._trainable_variables[self._get_variable_index(variable)]
        factor = self.slow_rate if id(known) in self.slow else 1.0
        super().update_step(gradient, variable, ops.cast(learning_rate, "float32") * factor)


class SlowPartAdam(SlowPart, keras.optimizers.Adam):
    """Adam with a part that learns slowly."""


class SlowPartAdamW(SlowPart, keras.optimizers.AdamW):
    """AdamW with a part that learns slowly."""


class SlowPartRMSprop(SlowPart, keras.optimizers.RMSprop):
    """RMSprop with a part that learns slowly."""


OPTIMIZERS = {"adam": SlowPartAdam, "adamw": SlowPartAdamW, "rmsprop": SlowPartRMSprop}
