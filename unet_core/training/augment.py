"""All augmentation but `xray`: windows, colors, CutMix, and the paper's elastic transform.

Masks and whatever else belongs to the pixels, "truth", move with their images and are never
interpolated. Everything works on batches but `elastic_transform`, which SciPy does image by image.
"""

import numpy as np
import tensorflow as tf
from scipy.ndimage import map_coordinates, zoom

GRID = 3  # points a side that have displacements, as in the paper
DEVIATION = 10.0  # pixels, the standard deviation of the displacements


class Seeds:
    """Stateless random numbers: new ones at each call, the same for the same batch ``number``."""

    def __init__(self, seed: int, number: int | tf.Tensor):
        self._seed, self._number, self._calls = seed, tf.cast(number, tf.int64), 0

    def uniform(self, shape: tuple, low: float, high: float) -> tf.Tensor:
        """Float32 numbers of ``shape``, from ``low`` up to but not including ``high``."""
        self._calls += 1
        seed = tf.stack([tf.constant(self._seed * 1000 + self._calls, tf.int64), self._number])
        return tf.random.stateless_uniform(shape, seed, low, high)


def random_crops(arrays: tf.Tensor, size: int, flips: bool, seeds: Seeds) -> tf.Tensor:
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


def random_resized_crops(
    images: tf.Tensor, truth: tf.Tensor, size: int, zoom: float, seeds: Seeds
) -> tuple[tf.Tensor, tf.Tensor]:
    """Windows of `random_boxes` from images and truth (B, S, S, …), resized to ``size``."""
    boxes, rows = random_boxes(tf.shape(images)[0], zoom, seeds), tf.range(tf.shape(images)[0])
    crops = tf.image.crop_and_resize(images, boxes, rows, (size, size))
    return crops, tf.image.crop_and_resize(truth, boxes, rows, (size, size), method="nearest")


def random_boxes(count: int | tf.Tensor, zoom: float, seeds: Seeds) -> tf.Tensor:
    """Windows ``(count, 4)`` of ``y1, x1, y2, x2`` in 0–1; half are mirrored: ``x1 > x2``.

    ``zoom``: side of an unscaled window. Scale 0.7–1.4 and aspect 0.85–1.18.
    """
    scale = zoom * tf.exp(seeds.uniform((count,), np.log(1 / 1.4), np.log(1 / 0.7)))
    aspect = tf.exp(seeds.uniform((count,), -0.08, 0.08))
    height, width = tf.minimum(scale * aspect, 1.0), tf.minimum(scale / aspect, 1.0)
    top = seeds.uniform((count,), 0.0, 1.0) * (1 - height)
    left = seeds.uniform((count,), 0.0, 1.0) * (1 - width)
    right = left + width
    mirrored = seeds.uniform((count,), 0.0, 1.0) < 0.5
    left, right = tf.where(mirrored, right, left), tf.where(mirrored, left, right)
    return tf.stack([top, left, top + height, right], axis=1)


def color_jitter(images: tf.Tensor, seeds: Seeds) -> tf.Tensor:
    """Change brightness, contrast, color cast and saturation of each of (B, H, W, 3) in 0–255."""
    count = tf.shape(images)[0]
    mean = tf.reduce_mean(images, axis=(1, 2), keepdims=True)
    contrast = seeds.uniform((count, 1, 1, 1), 0.7, 1.3)
    cast = seeds.uniform((count, 1, 1, 3), 0.9, 1.1)
    brightness = seeds.uniform((count, 1, 1, 1), -30.0, 30.0)
    grey = tf.image.rgb_to_grayscale(images)
    saturation = seeds.uniform((count, 1, 1, 1), 0.3, 1.4)
    images = grey + (images - grey) * saturation
    return tf.clip_by_value(((images - mean) * contrast + mean) * cast + brightness, 0.0, 255.0)


def cutmix(images: tf.Tensor, truth: tf.Tensor, seeds: Seeds) -> tuple[tf.Tensor, tf.Tensor]:
    """Put a window of the batch's next image, with its truth, into half of the images (B, H, W, …).

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
    images, truth = (tf.where(window, tf.roll(x, 1, axis=0), x) for x in (images, truth))
    return images, truth


def elastic_transform(
    image: np.ndarray, truth: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Bend a square image uint8 (S, S, 3) and its truth (S, S, T) alike, at random.

    Smooth displacements come from a coarse grid by cubic interpolation (Ronneberger et al. 2015,
    section 3.1, which found them decisive for few images). Images are also turned by quarters:
    what is deformed like this has no upside. The truth is taken from the nearest pixel.
    """
    turns = int(rng.integers(4))
    image, truth = np.rot90(image, turns), np.rot90(truth, turns)
    coarse, scale = rng.normal(0, DEVIATION, (2, GRID, GRID)), image.shape[0] / GRID
    shifts = [zoom(part, scale, order=3, grid_mode=True, mode="nearest") for part in coarse]
    where = np.indices(image.shape[:2]) + shifts

    def warp(array: np.ndarray, order: int) -> np.ndarray:
        channels = np.moveaxis(array, -1, 0)
        warped = [map_coordinates(c, where, order=order, mode="mirror") for c in channels]
        return np.stack(warped, axis=-1)

    return warp(image, 1), warp(truth, 0)
