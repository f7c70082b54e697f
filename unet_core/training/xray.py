"""Augmentation for X-rays: the films of other machines, other hospitals and other hands.

A film hardly says which machine made it when its exposure, contrast, sharpness, borders and
letters are drawn anew each time. Image by image, with SciPy; films have no colors.
"""

from string import ascii_uppercase

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import affine_transform, gaussian_filter, uniform_filter

TURN = 15.0  # degrees, at most, to either side
SCALE = 0.8, 1.4  # of what the film shows
ASPECT = 0.85, 1.18  # of height to width
SHIFT = 0.1  # of the side, at most, in each direction


def vary_film(
    image: np.ndarray, truth: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Vary a square film uint8 (S, S, 3) at random, and move its truth (S, S, T) with it.

    The first part of the truth is the class ids. The truth is taken from the nearest pixel; beyond
    the film it is 0. The film's channels become their mean.
    """
    film, truth = move(image.mean(-1, dtype=np.float32) / 255, truth, rng)
    for effect, chance in EFFECTS:
        if rng.random() < chance:
            film = np.clip(effect(film, rng), 0, 1)
    if rng.random() < 0.3:
        film = collimate(film, truth[..., 0] > 0, rng)
    if rng.random() < 0.1:
        film = 1 - film
    pixels = np.round(film * 255).astype(np.uint8)
    return np.repeat(pixels[..., None], 3, axis=-1), truth


def move(
    film: np.ndarray, truth: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Turn, scale, stretch, shift and, half of the time, mirror a film (S, S) and its truth.

    Beyond the film lies black, for one in four its mirror image.
    """
    angle = np.deg2rad(rng.uniform(-TURN, TURN))
    scale = np.exp(rng.uniform(*np.log(SCALE)))
    stretch = np.exp(rng.uniform(*np.log(ASPECT)) / 2)
    flip = rng.choice([-1, 1])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = turn / (scale * np.array([stretch, flip / stretch]))  # from new places to old ones
    middle = (film.shape[0] - 1) / 2
    offset = middle - matrix @ [middle, middle] + rng.uniform(-SHIFT, SHIFT, 2) * film.shape[0]
    mode = "mirror" if rng.random() < 0.25 else "constant"

    def moved(channel: np.ndarray, order: int) -> np.ndarray:
        return affine_transform(channel, matrix, offset, order=order, mode=mode)

    parts = [moved(part, 0) for part in np.moveaxis(truth, -1, 0)]
    return moved(film, 1), np.stack(parts, axis=-1)


def gamma(film: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return film ** np.exp(rng.uniform(np.log(0.5), np.log(2.0)))


def window(film: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """More contrast, with blacks or whites that are cut off, or less."""
    black, white = rng.uniform(-0.3, 0.2), rng.uniform(0.7, 1.4)
    return (film - black) / (white - black)


def exposure_gradient(film: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Brighter towards one side, darker towards the other."""
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.35)
    along = np.linspace(-1, 1, film.shape[0], dtype=np.float32)
    return film + strength * (np.sin(angle) * along[:, None] + np.cos(angle) * along) * film


def local_contrast(film: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What many digital machines do: each place in part as bright and as varied as any other."""
    size, part = int(film.shape[0] * rng.uniform(0.15, 0.5)), rng.uniform(0.3, 1.0)
    mean = uniform_filter(film, size)
    deviation = np.sqrt(np.maximum(uniform_filter(film**2, size) - mean**2, 0))
    return film + part * (0.5 + 0.2 * (film - mean) / (deviation + 0.03) - film)


def opacity(film: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A bright haze without an edge, as disease or the heart may lay over a lung."""
    side = film.shape[0]
    center, radius = rng.uniform(0.2, 0.8, 2) * side, rng.uniform(0.05, 0.15, 2) * side
    rows, columns = (
        np.exp(-(((np.arange(side) - c) / r) ** 2)) for c, r in zip(center, radius, strict=True)
    )
    haze = rng.uniform(0.2, 0.8) * np.outer(rows, columns).astype(np.float32)
    return film + haze * (np.quantile(film, 0.9) - film)


def blur(film: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return gaussian_filter(film, rng.uniform(0.002, 0.008) * film.shape[0])


def noise(film: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    sigma = rng.uniform(0.01, 0.07)
    return film + sigma * rng.standard_normal(film.shape, dtype=np.float32)


def markers(film: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One to three bright letters or bars, as the hospital lays or writes onto its films."""
    side = film.shape[0]
    drawn = Image.fromarray(film)
    draw = ImageDraw.Draw(drawn)
    for _ in range(rng.integers(1, 4)):
        (x, y), height = rng.uniform(0, 0.9, 2) * side, rng.uniform(0.03, 0.1) * side
        bright = rng.uniform(0.7, 1.0)
        if rng.random() < 0.5:
            text = "".join(rng.choice(list(ascii_uppercase), rng.integers(1, 5)))
            draw.text((x, y), text, fill=bright, font=ImageFont.load_default(height))
        else:
            draw.rectangle((x, y, x + height * rng.uniform(0.5, 3), y + height), fill=bright)
    return np.array(drawn)


def collimate(film: np.ndarray, kept: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A black or white border, up to 15 % of the side wide, that leaves free what is ``kept``.

    ``kept``: bool (S, S). A beam is narrowed to what shall be seen; what the frame cuts off of it
    is left to `move`.
    """
    side, outside = film.shape[0], rng.choice([0.0, 0.0, 1.0])
    film = film.copy()
    for turns in range(4):
        free = np.flatnonzero(np.rot90(kept, turns).any(1))
        widest = min(0.15 * side, free[0] if free.size else side)
        np.rot90(film, turns)[: int(rng.uniform(0, 1) * widest)] = outside
    return film


EFFECTS = (  # in their order, with the part of the films that has each
    (opacity, 0.2),
    (exposure_gradient, 0.3),
    (gamma, 0.5),
    (local_contrast, 0.25),
    (window, 0.4),
    (blur, 0.2),
    (noise, 0.3),
    (markers, 0.3),
)
