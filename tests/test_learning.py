"""Each network of the catalogue learns four images by heart, with the loss and the optimizer
that trainings have."""

import keras
import numpy as np
import pytest

from unet_core.architectures.catalogue import CATALOGUE
from unet_core.data.prepared import Prepared
from unet_core.models import build, outputs_for
from unet_core.models.pretrained import set_encoder_training
from unet_core.store.config import TrainingConfig
from unet_core.training.batches import TrainingBatches, center_crop, mirror
from unet_core.training.callbacks import logits_to_ids
from unet_core.training.fit import compile_model, output_side

pytestmark = pytest.mark.slow


def four_images(side: int, classes: int) -> Prepared:
    """Grey noise with a brighter, redder square and, as a third class, a greener bar."""
    random = np.random.default_rng(0)
    images = random.normal(90, 20, (4, side, side, 3))
    masks = np.zeros((4, side, side), np.uint8)
    for number, (image, mask) in enumerate(zip(images, masks, strict=True)):
        top, left = (number * side // 16, side // 3 - number * side // 16)
        mask[top : top + side // 2, left : left + side // 2] = 1
        if classes == 3:
            mask[-side // 4 :] = 2
        image[mask == 1] += (90, 20, 20)
        image[mask == 2] += (-30, 70, 0)
    return Prepared(list("abcd"), images.clip(0, 255).astype(np.uint8), masks)


def mean_iou(truth: np.ndarray, seen: np.ndarray, classes: int) -> float:
    both = [((truth == c) & (seen == c)).sum() for c in range(classes)]
    either = [((truth == c) | (seen == c)).sum() for c in range(classes)]
    return float(np.mean(np.divide(both, either)))


@pytest.mark.parametrize(
    ("name", "classes", "arguments", "encoder", "steps"),
    [
        ("compact", 2, {"depth": 2, "filters": 8}, None, 60),
        ("batchnorm", 2, {"depth": 2, "filters": 8}, None, 60),
        ("original", 3, {"depth": 1, "filters": 8}, None, 40),
        ("mobilenetv2", 3, {}, 0, 30),
        ("mobilenetv2-fast", 3, {}, 7, 40),
    ],
)
def test_four_pictures_are_learned_by_heart(name, classes, arguments, encoder, steps):
    keras.utils.set_random_seed(1)
    learning = {"schedule": "constant", "learning_rate": 5e-3 if encoder is None else 3e-3}
    feeding = {"batch_size": 4, "augmentation": "none"}
    config = TrainingConfig(
        model=name, model_arguments=arguments, encoder_lr_multiplier=1.0, **learning, **feeding
    )
    entry, side = CATALOGUE[name], 64 if encoder is not None else 32
    data = four_images(side, classes)
    model = build(name, outputs_for(classes), arguments)
    if encoder is not None:
        set_encoder_training(model, False, encoder)
    for layer in model.layers:  # statistics that follow in so few steps
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.9
    before = model.get_weights()
    whole = entry.covering_size(arguments, side)
    batches = TrainingBatches(data, config, whole, output_side(model, whole))
    compile_model(model, config, steps)
    images, masks = next(iter(batches.dataset))
    losses = []
    for _ in range(steps):
        model.reset_metrics()
        losses.append(float(model.train_on_batch(images, masks, return_dict=True)["loss"]))

    logits = model(mirror(data.images, whole).astype(np.float32), training=False)
    seen = center_crop(logits_to_ids(np.asarray(logits)), side)
    assert losses[-1] < losses[0] / 2
    assert mean_iou(data.masks, seen, classes) > 0.9
    part = {w.path for w in model.get_layer("encoder").weights} if encoder is not None else set()
    stuck = [
        weight.path
        for weight, old in zip(model.weights, before, strict=True)
        if (np.asarray(weight.value) == old).all() and weight.path not in part
    ]
    assert stuck == []
