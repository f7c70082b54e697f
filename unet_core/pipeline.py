"""Batches for training, with tf.data: shuffled and augmented anew every epoch, repeatably.

All randomness is derived from the seed, the epoch and the batch's number, so that a resumed
training sees exactly the batches that an uninterrupted one would have seen.
"""

import numpy as np
import tensorflow as tf

from unet_core.data.prepared import Prepared


class TrainingBatches:
    """A data set of ``(pixels float32 (B, C, C, 3) in 0–255, masks int32 (B, C, C))``.

    ``crop`` windows are cut at a random scale and aspect; without it the whole picture is zoomed.
    Set ``epoch`` (from 0) before each pass over ``dataset``.
    """

    def __init__(self, data: Prepared, batch_size: int, augmentation: str, crop: int | None,
                 seed: int, mask_size: int | None = None):  # fmt: skip
        self.data = data
        self.batch_size = batch_size
        self.size = crop or data.images.shape[1]
        self.zoom = self.size / data.images.shape[1]
        self.mask_size = mask_size or self.size
        self.augmentation = augmentation
        self.seed = seed
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
        batches = batches.map(self._load, num_parallel_calls=tf.data.AUTOTUNE)
        batches = batches.apply(tf.data.experimental.assert_cardinality(self.steps))
        return batches.prefetch(tf.data.AUTOTUNE)

    def _load(self, rows, number):
        def gather(rows):
            rows = np.sort(rows)  # the order within a batch is free; sorted reads are faster
            return self.data.images[rows], self.data.masks[rows]

        images, masks = tf.numpy_function(gather, [rows], (tf.uint8, tf.uint8), stateful=False)
        images = tf.cast(tf.ensure_shape(images, (None, *self.data.images.shape[1:])), tf.float32)
        masks = tf.cast(tf.ensure_shape(masks, (None, *self.data.masks.shape[1:])), tf.float32)
        seeds = Seeds(self.seed, number)
        images, masks = self._cut(images, masks[..., None], seeds)
        if self.augmentation in ("full", "strong"):
            images = recolour(images, seeds)
        if self.augmentation == "strong":
            images, masks = cut_mix(images, masks, seeds)
        return images, centre(tf.cast(masks[..., 0], tf.int32), self.mask_size)

    def _cut(self, images, masks, seeds):
        count = tf.shape(images)[0]
        boxes = random_boxes(count, self.zoom, self.augmentation, seeds)
        rows = tf.range(count)
        shape = (self.size, self.size)
        images = tf.image.crop_and_resize(images, boxes, rows, shape)
        masks = tf.image.crop_and_resize(masks, boxes, rows, shape, method="nearest")
        return images, masks


class Seeds:
    """A fresh stateless seed for every draw, the same for the same batch."""

    def __init__(self, seed: int, number):
        self._seed, self._number, self._draws = seed, tf.cast(number, tf.int64), 0

    def uniform(self, shape, low: float, high: float):
        self._draws += 1
        seed = tf.stack([tf.constant(self._seed * 1000 + self._draws, tf.int64), self._number])
        return tf.random.stateless_uniform(shape, seed, low, high)


def random_boxes(count, zoom: float, augmentation: str, seeds: Seeds):
    """Windows ``(count, 4)`` of ``y1, x1, y2, x2`` in 0–1; a flipped one has ``x1 > x2``.

    ``zoom``: side of an unscaled window. Scale 0.7–1.4 and aspect 0.85–1.18, but
    under ``flip`` and ``none`` always unscaled.
    """
    if augmentation in ("full", "strong"):
        scale = zoom * tf.exp(seeds.uniform((count,), np.log(1 / 1.4), np.log(1 / 0.7)))
        aspect = tf.exp(seeds.uniform((count,), -0.08, 0.08))
        height, width = tf.minimum(scale * aspect, 1.0), tf.minimum(scale / aspect, 1.0)
    else:
        height = width = tf.fill((count,), zoom)
    top = seeds.uniform((count,), 0.0, 1.0) * (1 - height)
    left = seeds.uniform((count,), 0.0, 1.0) * (1 - width)
    right = left + width
    if augmentation != "none":
        flipped = seeds.uniform((count,), 0.0, 1.0) < 0.5
        left, right = tf.where(flipped, right, left), tf.where(flipped, left, right)
    return tf.stack([top, left, top + height, right], axis=1)


def recolour(images, seeds: Seeds):
    """Change light, contrast, colour cast and saturation of each picture, within 0–255."""
    count = tf.shape(images)[0]
    mean = tf.reduce_mean(images, axis=(1, 2), keepdims=True)
    contrast = seeds.uniform((count, 1, 1, 1), 0.7, 1.3)
    cast = seeds.uniform((count, 1, 1, 3), 0.9, 1.1)
    light = seeds.uniform((count, 1, 1, 1), -30.0, 30.0)
    grey = tf.image.rgb_to_grayscale(images)
    saturation = seeds.uniform((count, 1, 1, 1), 0.3, 1.4)
    images = grey + (images - grey) * saturation
    return tf.clip_by_value(((images - mean) * contrast + mean) * cast + light, 0.0, 255.0)


def cut_mix(images, masks, seeds: Seeds):
    """Put a window of the next picture of the batch, with its mask, into half of the pictures.

    After French et al. 2020, "Semi-supervised semantic segmentation needs strong, varied
    perturbations". Windows have a quarter to 60 % of the side.
    """
    count, side = tf.shape(images)[0], tf.cast(tf.shape(images)[1], tf.float32)
    extent = seeds.uniform((count, 2), 0.25, 0.6) * side
    start = seeds.uniform((count, 2), 0.0, 1.0) * (side - extent)
    along = tf.range(side)[None, None]
    inside = (along >= start[..., None]) & (along < (start + extent)[..., None])
    chosen = seeds.uniform((count, 1, 1), 0.0, 1.0) < 0.5
    window = (inside[:, 0, :, None] & inside[:, 1, None, :] & chosen)[..., None]
    return (
        tf.where(window, tf.roll(images, 1, axis=0), images),
        tf.where(window, tf.roll(masks, 1, axis=0), masks),
    )


def centre(masks, size: int):
    """The central ``size`` × ``size`` part: what a network of unpadded convolutions sees."""
    margin = (masks.shape[1] - size) // 2
    return masks[:, margin : margin + size, margin : margin + size]


def validation_batches(data: Prepared, batch_size: int, mask_size: int) -> tf.data.Dataset:
    """Whole pictures in order: ``(pixels float32 (B, S, S, 3), masks int32 (B, M, M))``."""

    def pairs():
        for start in range(0, len(data), batch_size):
            rows = slice(start, start + batch_size)
            yield data.images[rows].astype(np.float32), data.masks[rows].astype(np.int32)

    side = data.images.shape[1]
    signature = (
        tf.TensorSpec((None, side, side, 3), tf.float32),
        tf.TensorSpec((None, side, side), tf.int32),
    )
    batches = tf.data.Dataset.from_generator(pairs, output_signature=signature)
    batches = batches.map(lambda images, masks: (images, centre(masks, mask_size)))
    return batches.apply(
        tf.data.experimental.assert_cardinality(-(-len(data) // batch_size))
    ).prefetch(1)
