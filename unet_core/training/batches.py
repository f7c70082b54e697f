"""Batches for training, with tf.data: shuffled and augmented anew every epoch, repeatably.

All randomness is derived from the seed, the epoch and the batch's number, so that a resumed
training sees exactly the batches that an uninterrupted one would have seen.
"""

import os

import numpy as np
import tensorflow as tf

from unet_core.data.prepared import Prepared
from unet_core.training.augment import (
    Seeds,
    color_jitter,
    cutmix,
    elastic_transform,
    random_crops,
    random_resized_crops,
)
from unet_core.training.weight_map import weight_map

SCALING = ("standard", "cutmix", "elastic")  # augmentations that change size, aspect and colour


class TrainingBatches:
    """A data set of ``(pixels float32 (B, C, C, 3) in 0–255, masks int32 (B, M, M))``.

    Windows of C pixels, ``size``, are cut at a random scale and aspect, or copied pixel by pixel
    where the augmentation does not scale. M, ``mask_size``, is their middle that the network gives;
    where it is smaller, images are mirrored at their borders, so that all of them can be learned.
    With ``border_weight``, batches have a third part: the weights of the pixels, float32 (B, M, M).
    Set ``epoch`` (from 0) before each pass over ``dataset``.
    """

    def __init__(self, data: Prepared, batch_size: int, augmentation: str, size: int, seed: int,
                 mask_size: int | None = None, border_weight: float = 0.0,
                 outside: int = 0):  # fmt: skip
        self.data = data
        self.batch_size = batch_size
        self.size = size
        self.mask_size = mask_size or size
        self.margin = (size - self.mask_size) // 2
        self.zoom = size / (data.images.shape[1] + 2 * self.margin)
        self.augmentation = augmentation
        self.seed = seed
        self.weights = None
        if border_weight:
            weights = [weight_map(mask, border_weight, outside) for mask in data.masks]
            self.weights = np.stack(weights)
        self._epoch = tf.Variable(0, dtype=tf.int64, trainable=False)

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        return -(-len(self.data) // self.batch_size)

    def set_epoch(self, epoch: int) -> None:
        self._epoch.assign(epoch)

    @property
    def dataset(self) -> tf.data.Dataset:
        def one_epoch(_):
            epoch_seed = tf.stack([tf.constant(self.seed, tf.int64), self._epoch])
            order = tf.random.experimental.stateless_shuffle(tf.range(len(self.data)), epoch_seed)
            batches = tf.data.Dataset.from_tensor_slices(order).batch(self.batch_size)
            return batches.enumerate().map(
                lambda number, rows: (rows, self._epoch * 100_000 + number)
            )

        batches = tf.data.Dataset.range(1).flat_map(one_epoch)
        batches = batches.map(self._load, num_parallel_calls=os.cpu_count())
        batches = batches.apply(tf.data.experimental.assert_cardinality(self.steps))
        return untuned(batches.prefetch(2))

    def _load(self, rows, number):
        images, truth = tf.numpy_function(
            self._gather, [rows, number], (tf.uint8, tf.float32), stateful=False
        )
        side = self.data.images.shape[1]
        images = tf.cast(tf.ensure_shape(images, (None, side, side, 3)), tf.float32)
        truth = tf.ensure_shape(truth, (None, side, side, 1 if self.weights is None else 2))
        mirrored = ((0, 0), *((self.margin, self.margin),) * 2, (0, 0))
        images, truth = (tf.pad(x, mirrored, "REFLECT") for x in (images, truth))
        seeds = Seeds(self.seed, number)
        images, truth = self._cut(images, truth, seeds)
        if self.augmentation in SCALING:
            images = color_jitter(images, seeds)
        if self.augmentation == "cutmix":
            images, truth = cutmix(images, truth, seeds)
        truth = centre(truth, self.mask_size)
        masks = tf.cast(truth[..., 0], tf.int32)
        return (images, masks) if self.weights is None else (images, masks, truth[..., 1])

    def _gather(self, rows, number):
        """Images uint8 (B, S, S, 3) with class ids and weights, float32 (B, S, S, 1 or 2)."""
        rows = np.sort(rows)  # the order within a batch is free; sorted reads are faster
        images, parts = self.data.images[rows], [self.data.masks[rows]]
        if self.weights is not None:
            parts.append(self.weights[rows])
        truth = np.stack(parts, axis=-1, dtype=np.float32)
        if self.augmentation == "elastic":
            rng = np.random.default_rng((self.seed, number))
            images, truth = zip(
                *map(elastic_transform, images, truth, [rng] * len(rows)), strict=True
            )
        return np.stack(images), np.stack(truth)

    def _cut(self, images, truth, seeds):
        if self.augmentation not in SCALING:
            both = tf.concat([images, truth], axis=-1)  # class ids are exact in float32
            windows = random_crops(both, self.size, self.augmentation == "flip", seeds)
            return windows[..., :3], windows[..., 3:]
        count = tf.shape(images)[0]
        boxes = random_resized_crops(count, self.zoom, seeds)
        rows = tf.range(count)
        shape = (self.size, self.size)
        images = tf.image.crop_and_resize(images, boxes, rows, shape)
        truth = tf.image.crop_and_resize(truth, boxes, rows, shape, method="nearest")
        return images, truth


def centre(masks, size: int):
    """The central ``size`` × ``size`` part of (B, H, W, …), what unpadded convolutions give."""
    margin = (masks.shape[1] - size) // 2
    return masks[:, margin : margin + size, margin : margin + size]


def mirror(arrays: np.ndarray, side: int) -> np.ndarray:
    """Extend (B, S, S, …) to (B, ``side``, ``side``, …) by reflection on all sides."""
    margin = (side - arrays.shape[1]) // 2
    around = (margin, side - arrays.shape[1] - margin)
    padding = [(0, 0), around, around] + [(0, 0)] * (arrays.ndim - 3)
    return np.pad(arrays, padding, mode="reflect")


def untuned(batches: tf.data.Dataset) -> tf.data.Dataset:
    """The same without TensorFlow's autotuning.

    At an epoch's end that may miss the word to stop, and the training then stands still until its
    tuning thread wakes up, up to a minute later (seen with TensorFlow 2.21, every other epoch).
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.with_options(options)


def validation_batches(
    data: Prepared, batch_size: int, side: int, mask_size: int
) -> tf.data.Dataset:
    """Whole images in order: ``(pixels float32 (B, side, side, 3), masks int32 (B, M, M))``.

    Images are mirrored at their borders to the ``side`` from which a network of unpadded
    convolutions gives all of their pixels, M = ``mask_size``, and hardly more.
    """

    def pairs():
        for start in range(0, len(data), batch_size):
            rows = slice(start, start + batch_size)
            yield (
                mirror(data.images[rows], side).astype(np.float32),
                mirror(data.masks[rows], mask_size).astype(np.int32),
            )

    signature = (
        tf.TensorSpec((None, side, side, 3), tf.float32),
        tf.TensorSpec((None, mask_size, mask_size), tf.int32),
    )
    batches = untuned(tf.data.Dataset.from_generator(pairs, output_signature=signature))
    return batches.apply(
        tf.data.experimental.assert_cardinality(-(-len(data) // batch_size))
    ).prefetch(1)
