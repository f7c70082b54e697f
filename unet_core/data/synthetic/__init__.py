"""Synthetic photos of cats and dogs, drawn by code, with exact trimaps.

The data that is always there: for trying a training without internet, for tests, for demos.
"""

import numpy as np
from scipy.ndimage import distance_transform_edt

from unet_core.data.base import Dataset, Sample
from unet_core.data.pets import PET_CLASSES
from unet_core.data.synthetic.animals import draw_animal
from unet_core.data.synthetic.scenes import draw_scene, finish_photo
from unet_core.errors import UserError

SIZES = ((256, 320), (320, 256), (288, 288))  # height, width
PET, BACKGROUND, BORDER = 0, 1, 2  # positions in `PET_CLASSES`
BORDER_WIDTH = 0.012  # half of it, as a part of the image's longer side


class SyntheticPets(Dataset):
    """1,000 + 100 images, the same on every machine; each is drawn when it is asked for.

    Class ids as in the real pets: 0 pet, 1 background, 2 border. About 8 % show no animal.
    """

    name = "synthetic"
    title = "Drawn pets"
    credit = "Drawn by this program; no photographs"
    classes = PET_CLASSES
    fingerprint = "1"  # raise it when a seed gives another image

    def __init__(self) -> None:
        names = [f"drawn-{number:04d}" for number in range(1100)]
        self.splits = {"trainval": names[:1000], "test": names[1000:]}

    def load(self, name: str) -> Sample:
        try:
            return draw_pet(int(name.removeprefix("drawn-")))
        except ValueError:
            raise UserError(f"There is no drawn picture called {name!r}.") from None


def draw_pet(seed: int, kind: str | None = None) -> Sample:
    """Draw image number ``seed``: one animal, seldom two, or none.

    ``kind``: ``cat``, ``dog`` or ``none``; without it the seed decides.
    """
    random = np.random.default_rng([seed, 2015])
    height, width = SIZES[random.integers(len(SIZES))]
    chosen = str(random.choice(["none", "cat", "dog"], p=[0.08, 0.46, 0.46]))
    kind = kind or chosen
    light = random.uniform(-1, 1)
    image = draw_scene(random, height, width)
    alpha = np.zeros((height, width), np.float32)
    animals = 0 if kind == "none" else 1 + (random.random() < 0.08)
    for _ in range(animals):
        image, silhouette = draw_animal(random, image, kind, light)
        alpha = np.maximum(alpha, silhouette)
    return Sample(finish_photo(random, image), trimap(alpha))


def trimap(alpha: np.ndarray) -> np.ndarray:
    """Class ids, uint8 (H, W), of a silhouette (H, W) in 0–1: a band along its outline is border.

    >>> trimap(np.float32([[0, 0, 1, 1]])).tolist()
    [[1, 1, 0, 0]]
    """
    inside = alpha >= 0.5
    mask = np.where(inside, PET, BACKGROUND).astype(np.uint8)
    if inside.any() and not inside.all():
        distance = distance_transform_edt(inside) + distance_transform_edt(~inside)
        mask[distance <= BORDER_WIDTH * max(alpha.shape)] = BORDER
    return mask
