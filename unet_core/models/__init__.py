"""The networks of the catalogue, in Keras 3: float32 RGB pixels in 0–255 in, logits out."""

import keras

from unet_core.architectures.catalogue import CATALOGUE
from unet_core.errors import UserError
from unet_core.models.mobilenet import build_mobilenetv2, build_mobilenetv2_fast
from unet_core.models.unet import build_unet
from unet_core.store.runs import Run, find_run

BUILDERS = {
    "mobilenetv2": build_mobilenetv2,
    "mobilenetv2-fast": build_mobilenetv2_fast,
    "compact": build_unet,
    "batchnorm": build_unet,
    "original": build_unet,
}


def build(name: str, outputs: int, arguments: dict, size: int | None = None) -> keras.Model:
    """Build a network of the catalogue with random weights.

    ``outputs``: channels of the logits (`outputs_for`). ``size``: side of the images; None
    accepts any that fits. ``arguments`` take the place of the catalogue's own. ``UserError`` for a
    name that the catalogue does not have.
    """
    if name not in BUILDERS:
        raise UserError(f"There is no network {name!r}; there are: {', '.join(CATALOGUE)}.")
    return BUILDERS[name](outputs, size, **(CATALOGUE[name].arguments | arguments))


def outputs_for(classes: int) -> int:
    """Channels of a network for so many classes: one (a sigmoid) for two, else one each."""
    return 1 if classes == 2 else classes


def load_run(name: str) -> tuple[Run, keras.Model]:
    """A run and its network with the trained weights, at the size it was trained for."""
    run = find_run(name)
    path = run.path / "model.weights.h5"
    if not path.is_file():
        raise UserError(f"The run {name!r} has no weights yet; let its training end first.")
    training = run.config["training"]
    name, arguments = training["model"], training["model_arguments"]
    side = CATALOGUE[name].prediction_side(arguments, training["image_size"], training["crop_size"])
    model = build(name, outputs_for(len(run.classes)), arguments, side)
    model.load_weights(path)
    return run, model
