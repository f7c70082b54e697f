"""Losses on logits, in pure Keras 3."""

from typing import Any

import keras
from keras import ops


class SegmentationLoss(keras.losses.Loss):
    """Cross-entropy, soft Dice loss, or their sum, from class ids and logits.

    ``y_true``: class ids, integers (B, H, W); ``y_pred``: logits, floats (B, H, W, C), where C = 1
    means a sigmoid. Dice is taken per class over the whole batch, with ``smooth`` added to
    numerator and denominator (Milletari et al. 2016, as in "A Comprehensive Guide to UNet
    Implementation"). In the sum, Dice counts half. ``kind``: one of `store.config.LOSSES`.
    """

    def __init__(self, kind: str, smooth: float = 1.0):
        super().__init__(name="loss")
        self.kind = kind
        self.smooth = smooth

    def call(self, y_true: Any, y_pred: Any) -> Any:
        if self.kind == "cross-entropy":
            return cross_entropy(y_true, y_pred)
        if self.kind == "dice":
            return dice_loss(y_true, y_pred, self.smooth)
        return cross_entropy(y_true, y_pred) + 0.5 * dice_loss(y_true, y_pred, self.smooth)


def cross_entropy(y_true: Any, logits: Any) -> Any:
    """Cross-entropy of each pixel, floats (B, H, W), from tensors as `SegmentationLoss` has.

    >>> float(cross_entropy(ops.ones((1, 1, 1), "int32"), ops.zeros((1, 1, 1, 2)))[0, 0, 0])
    0.6931471824645996
    """
    if logits.shape[-1] == 1:
        y_true = ops.cast(y_true, logits.dtype)
        return ops.binary_crossentropy(y_true, logits[..., 0], from_logits=True)
    return ops.sparse_categorical_crossentropy(y_true, logits, from_logits=True)


def dice_loss(y_true: Any, logits: Any, smooth: float = 1.0) -> Any:
    """One minus the mean soft Dice coefficient of the classes: a scalar in 0–1."""
    if logits.shape[-1] == 1:
        probabilities = ops.sigmoid(logits)
        truth = ops.cast(y_true, logits.dtype)[..., None]
    else:
        probabilities = ops.softmax(logits)
        truth = ops.one_hot(y_true, logits.shape[-1], dtype=logits.dtype)
    both = ops.sum(probabilities * truth, axis=(0, 1, 2))
    either = ops.sum(probabilities, axis=(0, 1, 2)) + ops.sum(truth, axis=(0, 1, 2))
    return 1 - ops.mean((2 * both + smooth) / (either + smooth))
