"""Elastic deformation, the augmentation that the U-Net paper found decisive for few images."""

import numpy as np
import tensorflow as tf
from scipy.ndimage import map_coordinates, zoom

GRID = 3  # displacements are drawn at so many points a side, as in the paper
DEVIATION = 10.0  # pixels, of their normal distribution


def elastic_transform(image: np.ndarray, truth: np.ndarray, rng) -> tuple[np.ndarray, np.ndarray]:
    """Bend an image uint8 (H, W, 3) and its truth (H, W, T) alike, at random.

    Smooth displacements come from a coarse grid by cubic interpolation (Ronneberger et al. 2015,
    section 3.1). A quarter turn is drawn too: what is deformed like this has no upside. The truth
    is taken from the nearest pixel. The image must be square.
    """
    turns = rng.integers(4)
    image, truth = np.rot90(image, turns), np.rot90(truth, turns)
    side = image.shape[0]
    shifts = [
        zoom(rng.normal(0, DEVIATION, (GRID, GRID)), side / GRID, order=3, grid_mode=True,
             mode="nearest")
        for _ in range(2)
    ]  # fmt: skip
    where = [grid + shift for grid, shift in zip(np.indices((side, side)), shifts, strict=True)]

    def warp(channels: np.ndarray, order: int) -> np.ndarray:
        return np.stack(
            [
                map_coordinates(channels[..., c], where, order=order, mode="mirror")
                for c in range(channels.shape[-1])
            ],
            axis=-1,
        )

    return warp(image, 1), warp(truth, 0)


class Seeds:
    """A fresh stateless seed for every draw, the same for the same batch."""

    def __init__(self, seed: int, number):
        self._seed, self._number, self._draws = seed, tf.cast(number, tf.int64), 0

    def uniform(self, shape, low: float, high: float):
        self._draws += 1
        seed = tf.stack([tf.constant(self._seed * 1000 + self._draws, tf.int64), self._number])
        return tf.random.stateless_uniform(shape, seed, low, high)


def random_crops(arrays, size: int, flips: bool, seeds: Seeds):
    """A window of ``size`` at a random place of each (B, S, S, C); half are mirrored if ``flips``.

    Pixels are copied, never resampled.
    """
    count, places = tf.shape(arrays)[0], arrays.shape[1] - size + 1
    along = tf.range(size)[None]
    start = tf.cast(seeds.uniform((count, 2), 0.0, 1.0) * places, tf.int32)
    start = tf.minimum(start, places - 1)  # where a number just below 1 was rounded up
    rows, columns = start[:, :1] + along, start[:, 1:] + along
    if flips:
        mirrored = seeds.uniform((count, 1), 0.0, 1.0) < 0.5
        columns = tf.where(mirrored, columns[:, ::-1], columns)
    arrays = tf.gather(arrays, rows, axis=1, batch_dims=1)
    return tf.gather(arrays, columns, axis=2, batch_dims=1)


def random_resized_crops(count, zoom: float, seeds: Seeds):
    """Windows ``(count, 4)`` of ``y1, x1, y2, x2`` in 0–1; half are mirrored: ``x1 > x2``.

    ``zoom``: side of an unscaled window. Scale 0.7–1.4 and aspect 0.85–1.18.
    """
    scale = zoom * tf.exp(seeds.uniform((count,), np.log(1 / 1.4), np.log(1 / 0.7)))
    aspect = tf.exp(seeds.uniform((count,), -0.08, 0.08))
    height, width = tf.minimum(scale * aspect, 1.0), tf.minimum(scale / aspect, 1.0)
    top = seeds.uniform((count,), 0.0, 1.0) * (1 - height)
    left = seeds.uniform((count,), 0.0, 1.0) * (1 - width)
    right = left + width
    flipped = seeds.uniform((count,), 0.0, 1.0) < 0.5
    left, right = tf.where(flipped, right, left), tf.where(flipped, left, right)
    return tf.stack([top, left, top + height, right], axis=1)


def color_jitter(images, seeds: Seeds):
    """Change light, contrast, colour cast and saturation of each image, within 0–255."""
    count = tf.shape(images)[0]
    mean = tf.reduce_mean(images, axis=(1, 2), keepdims=True)
    contrast = seeds.uniform((count, 1, 1, 1), 0.7, 1.3)
    cast = seeds.uniform((count, 1, 1, 3), 0.9, 1.1)
    light = seeds.uniform((count, 1, 1, 1), -30.0, 30.0)
    grey = tf.image.rgb_to_grayscale(images)
    saturation = seeds.uniform((count, 1, 1, 1), 0.3, 1.4)
    images = grey + (images - grey) * saturation
    return tf.clip_by_value(((images - mean) * contrast + mean) * cast + light, 0.0, 255.0)


def cutmix(images, masks, seeds: Seeds):
    """Put a window of the next image of the batch, with its mask, into half of the images.

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
