"""The catalogue of networks, in Keras 3: float32 RGB pixels in 0–255 in, logits out."""

import keras

from unet_core.errors import UserError


def build(name: str, classes: int, arguments: dict, size: int | None = None) -> keras.Model:
    if name == "mobilenetv2":
        from unet_core.models.mobilenet import build_mobilenetv2

        return build_mobilenetv2(classes, size, **arguments)
    if name == "mobilenetv2-fast":
        from unet_core.models.mobilenet import build_mobilenetv2_fast

        return build_mobilenetv2_fast(classes, size, **arguments)
    raise UserError("?")


def outputs_for(classes: int) -> int:
    return 1 if classes == 2 else classes
