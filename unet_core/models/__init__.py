"""The networks of the catalogue, in Keras 3: float32 RGB pixels in 0–255 in, logits out."""

import keras

from unet_core.architectures.catalogue import CATALOGUE
from unet_core.errors import UserError
from unet_core.models.layers import PRETRAINED, KerasLayers
from unet_core.store.runs import Run, find_run


def build(name: str, outputs: int, arguments: dict, size: int | None = None) -> keras.Model:
    """Build a network of the catalogue with random weights.

    It takes float32 RGB pixels (N, H, W, 3) in 0–255 and gives logits (N, H', W', outputs), smaller
    than the image where convolutions are unpadded. ``size``: side of the images; None accepts any
    that fits. ``arguments`` take the place of the catalogue's own (`UNetArguments`). ``UserError``
    for an unknown name, or arguments or a size that do not fit.
    """
    if name not in CATALOGUE:
        raise UserError(f"There is no network {name!r}; there are: {', '.join(CATALOGUE)}.")
    entry, layers = CATALOGUE[name], KerasLayers(size)
    net = entry.unet(arguments, size)
    features = PRETRAINED.get(entry.encoder, entry.encoder)(layers, net)
    decoded = entry.decoder(layers, features, net)
    return keras.Model(layers.input, entry.head(layers, decoded[-1], outputs), name=name)


def outputs_for(classes: int) -> int:
    """Channels of the logits for so many classes: one (a sigmoid) for two, else one each.

    >>> outputs_for(2), outputs_for(3)
    (1, 3)
    """
    return 1 if classes == 2 else classes


def load_run(name: str) -> tuple[Run, keras.Model]:
    """A run and its network with the trained weights, at the size that it predicts.

    ``UserError`` when there is no such run, or it has no weights yet.
    """
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
