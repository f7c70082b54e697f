"""A synthetic chest film and synthetic cells, to try the models of lungs and membranes on where
their data is missing."""

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from unet_core.data.synthetic.noise import clouds

SIDE = 512


def draw_film() -> np.ndarray:
    """What looks like a chest X-ray: dark lungs with ribs, bright spine, heart and abdomen.

    uint8 (512, 512, 3).
    """
    random = np.random.default_rng(0)
    y, x = np.mgrid[-1 : 1 : SIDE * 1j, -1 : 1 : SIDE * 1j]
    body = (np.abs(x) < 0.97 - 1.3 * np.clip(-y - 0.72, 0, 1)).astype(float)
    body = gaussian_filter(body, 8) * (1 - 0.35 * np.abs(x) ** 3)
    dome = 0.42 + 0.45 * (np.abs(np.abs(x) - 0.36) / 0.4) ** 2  # the diaphragm, one arch a side
    inner = 0.16 + 0.16 * np.clip(y + 0.1, 0, 1) + np.where(x > 0, 0.12 * np.clip(y + 0.2, 0, 1), 0)
    outer = 0.70 - 0.42 * np.clip(-0.1 - y, 0, 1) ** 1.4
    apex = -0.78 + 1.6 * (np.abs(x) - 0.33) ** 2
    lungs = (np.abs(x) > inner) & (np.abs(x) < outer) & (y < dome) & (y > apex)
    lungs = gaussian_filter(lungs.astype(float), 4)
    ribs = np.sin(21 * (y - 0.55 * np.abs(x) ** 1.5)) > 0.45
    film = 0.62 * body + 0.3 * np.exp(-((x / 0.1) ** 2)) * body
    film += 0.35 * body / (1 + np.exp(-18 * (y - dome)))
    film *= 1 - 0.78 * lungs
    film += 0.10 * lungs * gaussian_filter(ribs.astype(float), 2)
    film += 0.02 * lungs * clouds(random, (SIDE, SIDE), 18) + 0.01 * random.standard_normal(x.shape)
    return _grey(gaussian_filter(film, 1.5))


def draw_cells() -> np.ndarray:
    """What looks like an electron micrograph of nerve cells: dark membranes, grainy insides.

    uint8 (512, 512, 3).
    """
    random = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    y, x = (along + 9 * clouds(random, (SIDE, SIDE), 40) for along in (y, x))
    centers = random.uniform(-40, SIDE + 40, (130, 2))
    nearest, second = np.moveaxis(cKDTree(centers).query(np.stack([y, x], -1), k=2)[0], -1, 0)
    membranes = np.exp(-(((second - nearest) / 5) ** 2))
    grain = gaussian_filter(random.standard_normal((SIDE, SIDE)), 1.2)
    film = 0.64 + 0.05 * clouds(random, (SIDE, SIDE), 60) + 0.35 * grain
    return _grey(film - 0.42 * membranes)


def _grey(values: np.ndarray) -> np.ndarray:
    return np.repeat((np.clip(values, 0, 1) * 255).astype(np.uint8)[..., None], 3, -1)
