"""Objects cut out of their photo with soft edges, and put before another background.

A network knows the outline at its own resolution, the photo at full resolution. So probabilities
are drawn to the photo's edges by a guided filter (He, Sun and Tang 2013): around every pixel, the
object's part is a linear function of the color. The functions are found in a reduced photo and
applied to the full one (He and Sun 2015, "Fast guided filter"), which bounds time and memory: of
12 megapixels, a cut-out takes 2.8 s of one core and 312 MB. The colors of the fringe, mixed of
object and background, are taken apart after Forte 2021, "Approximate fast foreground colour
estimation".
"""

import numpy as np
from PIL import Image, ImageOps
from scipy.ndimage import gaussian_filter, uniform_filter

from unet_core.errors import UserError
from unet_core.prediction.masks import resize_channels
from unet_core.store.classes import ClassInfo

GUIDE = 640  # pixels on the longer side of the photo in which the filter looks for its functions
RADIUS = 0.02  # of the filter's windows, as part of the longer side
EDGE = 0.01  # contrast (0-1) that counts as an edge; the square is the filter's epsilon
STEEPNESS = 2  # by which the filter's soft edges are sharpened
SMALL = 512  # pixels on the longer side at which the wide blurs are made
BLUR = 0.02  # of a blurred background, as part of the longer side
FRINGE = 0.012  # how far the colors of the fringe are looked for, likewise


def object_part(
    probabilities: np.ndarray, classes: tuple[ClassInfo, ...], threshold: float = 0.5
) -> np.ndarray:
    """How far each pixel is of an object, float32 (h, w) in 0–1: 0.5 on the outline.

    ``probabilities``: float32 (h, w, classes). A border counts as the likelier of the others, and
    so is half an object's. ``threshold``: of two classes, as in `class_ids`. ``UserError`` where
    no class is a background.
    """
    if not any(c.is_background for c in classes):
        raise UserError("This model knows no background, so it has nothing to cut objects out of.")
    objects = probabilities @ np.array([c.is_object for c in classes], np.float32)
    background = probabilities @ np.array([c.is_background for c in classes], np.float32)
    if len(classes) == 2:
        objects, background = objects * (1 - threshold), background * threshold
    return objects / np.maximum(objects + background, 1e-6)


def soft_alpha(
    image: np.ndarray,
    probabilities: np.ndarray,
    classes: tuple[ClassInfo, ...],
    threshold: float = 0.5,
) -> np.ndarray:
    """How opaque the objects are, float32 (H, W) in 0–1, of an image uint8 (H, W, 3).

    The rest as in `object_part`.
    """
    height, width = _within(image.shape, GUIDE)
    guide = _resized(image, height, width) / np.float32(255)
    part = _enlarged(object_part(probabilities, classes, threshold), guide.shape)
    slopes, offset = guided_filter(guide, part, max(1, round(RADIUS * max(height, width))), EDGE**2)
    alpha = _enlarged(offset, image.shape)
    for channel in range(3):
        alpha += _enlarged(slopes[..., channel], image.shape) * image[..., channel] / 255
    return np.clip((alpha - 0.5) * STEEPNESS + 0.5, 0, 1, out=alpha)


def guided_filter(
    guide: np.ndarray, values: np.ndarray, radius: int, epsilon: float
) -> tuple[np.ndarray, np.ndarray]:
    """The linear functions of color that are nearest to ``values`` (H, W) around each pixel.

    ``guide``: float32 (H, W, 3) in 0–1. Returns slopes (H, W, 3) and offsets (H, W), so that the
    filtered values are ``(slopes * guide).sum(-1) + offsets``.
    """

    def mean(x: np.ndarray) -> np.ndarray:
        return uniform_filter(x, 2 * radius + 1, mode="nearest", axes=(0, 1))

    mean_guide, mean_values = mean(guide), mean(values)
    pairs = mean(guide[..., :, None] * guide[..., None, :])
    variance = pairs - mean_guide[..., :, None] * mean_guide[..., None, :]
    covariance = mean(guide * values[..., None]) - mean_guide * mean_values[..., None]
    variance += epsilon * np.eye(3, dtype=np.float32)
    slopes = np.linalg.solve(variance, covariance[..., None])[..., 0]
    return mean(slopes), mean(mean_values - (slopes * mean_guide).sum(-1))


def cut_out(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The objects alone, uint8 (H, W, 4), transparent around them."""
    opaque = np.rint(alpha * 255).astype(np.uint8)
    return np.dstack([_colors(image, alpha), opaque])


def put_before(image: np.ndarray, alpha: np.ndarray, background: np.ndarray) -> np.ndarray:
    """The objects before another background, both uint8 (H, W, 3)."""
    result = _colors(image, alpha)
    for channel in range(3):
        there = background[..., channel].astype(np.float32)
        there += (result[..., channel] - there) * alpha
        result[..., channel] = np.rint(there)
    return result


def blurred_background(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The photo behind its objects, out of focus, uint8 (H, W, 3).

    The objects are left out of the blur, or they would shine into the background around them.
    """
    result = np.empty_like(image)
    for channel in range(3):
        blurred = _mean_of(image[..., channel], 1 - alpha, BLUR)
        result[..., channel] = np.rint(blurred)
    return result


def cover(background: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A background uint8 of that ``shape`` (H, W, 3): the middle of a photo uint8 (h, w, 3), not
    distorted, or a color uint8 (3,) everywhere."""
    if background.ndim == 1:
        return np.broadcast_to(background, shape)
    return np.asarray(ImageOps.fit(Image.fromarray(background), (shape[1], shape[0])))


def _colors(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The objects' own colors, uint8 (H, W, 3): in the fringe without the background's."""
    result = image.copy()
    fringe = (alpha > 0) & (alpha < 1)
    part = alpha[fringe]
    for channel in range(3):
        own = _mean_of(image[..., channel], alpha, FRINGE)[fringe]
        behind = _mean_of(image[..., channel], 1 - alpha, FRINGE)[fringe]
        seen = image[..., channel][fringe]
        own += part * (seen - part * own - (1 - part) * behind)
        result[..., channel][fringe] = np.rint(own.clip(0, 255))
    return result


def _mean_of(channel: np.ndarray, weight: np.ndarray, radius: float) -> np.ndarray:
    """The mean color around each pixel, float32 (H, W), as far as pixels have weight.

    A normalized convolution (Knutsson and Westin 1993), made at `SMALL` pixels. ``channel``: uint8
    (H, W); ``weight``: float32 (H, W) in 0–1; ``radius``: a Gaussian's, as part of the longer side.
    """
    size = _within(channel.shape, SMALL)
    weight = weight**4  # pixels of mixed colors hardly count
    weights, weighted = _resized(weight, *size), _resized(channel * weight, *size)
    sigma = radius * max(size)
    tiny = np.float32(1e-4)  # far from all weight, the mean of the whole
    everywhere = weighted.sum() / max(weights.sum(), tiny)
    sums = gaussian_filter(weighted, sigma) + tiny * everywhere
    return _enlarged(sums / (gaussian_filter(weights, sigma) + tiny), channel.shape)


def _within(shape: tuple[int, ...], side: int) -> tuple[int, int]:
    """Height and width of an image of that shape, reduced to ``side`` pixels where it is larger."""
    scale = min(1.0, side / max(shape[:2]))
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def _resized(values: np.ndarray, height: int, width: int) -> np.ndarray:
    image = Image.fromarray(values)
    return np.asarray(image.resize((width, height), Image.Resampling.BOX))


def _enlarged(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return resize_channels(values[..., None], *shape[:2])[..., 0]
