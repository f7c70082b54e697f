"""Batches for training, with tf.data: shuffled and augmented anew every epoch, repeatably.

All randomness is derived from the seed, the epoch and the batch's number, so that a resumed
training gets exactly the batches that an uninterrupted one would have got.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from unet_core.data.prepared import Prepared
from unet_core.store.config import TrainingConfig
from unet_core.training import augment
from unet_core.training.weight_map import weight_map
from unet_core.training.xray import vary_film

RESIZED = ("standard", "cutmix", "elastic")  # augmentations that change size, aspect and color
BY_IMAGE = {"elastic": augment.elastic_transform, "xray": vary_film}  # with SciPy
MAX_STEPS = 100_000  # of one epoch: the random numbers of two epochs are that far apart


@dataclass(eq=False)
class TrainingBatches:
    """A data set of ``(images float32 (B, C, C, 3) in 0–255, masks int32 (B, M, M))``.

    Windows of C pixels, ``crop_size``, are cut at a random scale and aspect, or copied pixel by
    pixel where the config's augmentation does not resize. M, ``mask_size``, is the middle that the
    network gives; where it is smaller, images are mirrored at their borders, so that all of them
    can be learned. With the config's ``weight_map``, batches have a third part: the weights of the
    pixels, float32 (B, M, M), highest on gaps of the class ``background``. Call `set_epoch` (from
    0) before each pass over ``dataset``.
    """

    data: Prepared
    config: TrainingConfig
    crop_size: int
    mask_size: int
    background: int = 0

    def __post_init__(self) -> None:
        self.seed, self.augmentation = self.config.seed, self.config.augmentation
        self.steps = -(-len(self.data) // self.config.batch_size)  # batches an epoch
        self.side = self.data.images.shape[1] + (self.crop_size - self.mask_size) // 2 * 2
        self.truth = [self.data.masks]
        if strength := self.config.weight_map:
            maps = [weight_map(mask, strength, self.background) for mask in self.data.masks]
            self.truth.append(np.stack(maps))
        self._epoch = tf.Variable(0, dtype=tf.int64, trainable=False)

    def set_epoch(self, epoch: int) -> None:
        """Choose what the next pass over ``dataset`` is made of."""
        self._epoch.assign(epoch)

    @property
    def dataset(self) -> tf.data.Dataset:
        """One epoch, which can be passed over again."""
        batches = tf.data.Dataset.range(1).flat_map(self._numbered_rows)
        batches = batches.map(self._load, num_parallel_calls=os.cpu_count())
        return _finished(batches, self.steps).prefetch(2)

    def _numbered_rows(self, _: tf.Tensor) -> tf.data.Dataset:
        """Rows of the data in the epoch's order, by batches, with the batches' numbers."""
        seed = tf.stack([tf.constant(self.seed, tf.int64), self._epoch])
        order = tf.random.experimental.stateless_shuffle(tf.range(len(self.data)), seed)
        batches = tf.data.Dataset.from_tensor_slices(order).batch(self.config.batch_size)
        return batches.enumerate(self._epoch * MAX_STEPS)

    def _load(self, number: tf.Tensor, rows: tf.Tensor) -> tuple[tf.Tensor, ...]:
        kinds = tf.uint8, tf.float32
        images, truth = tf.numpy_function(self._gather, [rows, number], kinds, stateful=False)
        images = tf.cast(tf.ensure_shape(images, (None, self.side, self.side, 3)), tf.float32)
        truth = tf.ensure_shape(truth, (None, self.side, self.side, len(self.truth)))
        seeds = augment.Seeds(self.seed, number)
        if self.augmentation in RESIZED:
            zoom = self.crop_size / self.side
            images, truth = augment.random_resized_crops(images, truth, self.crop_size, zoom, seeds)
            images = augment.color_jitter(images, seeds)
        else:
            both = tf.concat([images, truth], axis=-1)  # class ids are exact in float32
            both = augment.random_crops(both, self.crop_size, self.augmentation == "flip", seeds)
            images, truth = both[..., :3], both[..., 3:]
        if self.augmentation == "cutmix":
            images, truth = augment.cutmix(images, truth, seeds)
        masks, *weights = tf.unstack(center_crop(truth, self.mask_size), axis=-1)
        return images, tf.cast(masks, tf.int32), *weights

    def _gather(self, rows: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Images uint8 (B, S, S, 3) with class ids and weights, float32 (B, S, S, 1 or 2)."""
        rows = np.sort(rows)  # the order within a batch is free; sorted reads are faster
        images = self.data.images[rows]
        truth = np.stack([part[rows].astype(np.float32) for part in self.truth], axis=-1)
        if vary := BY_IMAGE.get(self.augmentation):
            rng = np.random.default_rng((self.seed, number))
            varied = [vary(*pair, rng) for pair in zip(images, truth, strict=True)]
            images, truth = map(np.stack, zip(*varied, strict=True))
        return mirror(images, self.side), mirror(truth, self.side)


def validation_batches(
    data: Prepared, batch_size: int, side: int, mask_size: int
) -> tf.data.Dataset:
    """Whole images in order: ``(images float32 (B, side, side, 3), masks int32 (B, M, M))``.

    Images are mirrored at their borders to the ``side`` from which a network of unpadded
    convolutions gives all of their pixels, M = ``mask_size``, and hardly more.
    """

    def pairs() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for start in range(0, len(data), batch_size):
            rows = slice(start, start + batch_size)
            images, masks = mirror(data.images[rows], side), mirror(data.masks[rows], mask_size)
            yield images.astype(np.float32), masks.astype(np.int32)

    images = tf.TensorSpec((None, side, side, 3), tf.float32)
    masks = tf.TensorSpec((None, mask_size, mask_size), tf.int32)
    batches = tf.data.Dataset.from_generator(pairs, output_signature=(images, masks))
    return _finished(batches, -(-len(data) // batch_size)).prefetch(1)


def _finished(batches: tf.data.Dataset, steps: int) -> tf.data.Dataset:
    """The same with its length known, and without TensorFlow's autotuning.

    At an epoch's end that may miss the request to stop, and the training then stands still until
    its tuning thread wakes up, up to a minute later (TensorFlow 2.21, every other epoch).
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.apply(tf.data.experimental.assert_cardinality(steps)).with_options(options)


def center_crop(arrays: np.ndarray | tf.Tensor, size: int) -> np.ndarray | tf.Tensor:
    """The central ``size`` × ``size`` part of (B, H, H, …), what unpadded convolutions give.

    >>> center_crop(np.arange(16).reshape(1, 4, 4), 2).tolist()
    [[[5, 6], [9, 10]]]
    """
    margin = (arrays.shape[1] - size) // 2
    return arrays[:, margin : margin + size, margin : margin + size]


def mirror(arrays: np.ndarray, side: int) -> np.ndarray:
    """Extend (B, S, S, …) to (B, ``side``, ``side``, …) by reflection on all sides.

    >>> mirror(np.array([[[1, 2], [3, 4]]]), 4)[0, 0].tolist()
    [4, 3, 4, 3]
    """
    margin = (side - arrays.shape[1]) // 2
    around = (margin, side - arrays.shape[1] - margin)
    return np.pad(arrays, [(0, 0), around, around, (0, 0)][: arrays.ndim], mode="reflect")
