"""Images of cats and dogs that this program draws, with exact trimaps.

The data that is always there: for trying a training without internet, for tests, for demos.
"""

import numpy as np

from unet_core.data.base import Dataset, Sample
from unet_core.data.pets import PET_CLASSES
from unet_core.data.synthetic.animals import draw_animal
from unet_core.data.synthetic.scenes import draw_scene, finish_photo
from unet_core.errors import UserError

SIZES = ((256, 320), (320, 256), (288, 288))  # height, width
PET, BACKGROUND, BORDER = 0, 1, 2
BORDER_WIDTH = 0.012  # half of it, as a part of the image's longer side
EMPTY = 0.08  # part of the images that show no animal


class SyntheticPets(Dataset):
    """1,000 + 100 drawn images, the same on every machine; each is drawn when it is asked for.

    Class ids as in the real pets: 0 pet, 1 background, 2 border.
    """

    name = "synthetic"
    title = "Drawn pets"
    credit = "Drawn by this program; no photographs"
    classes = PET_CLASSES
    fingerprint = "1"  # raise it when a seed gives another image

    def __init__(self):
        self.splits = {
            "trainval": [f"drawn-{number:04d}" for number in range(1000)],
            "test": [f"drawn-{number:04d}" for number in range(1000, 1100)],
        }

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
    drawn_kind = random.choice(["none", "cat", "dog"], p=[EMPTY, 0.46, 0.46])
    kind = kind or str(drawn_kind)
    light = random.uniform(-1, 1)
    image = draw_scene(random, height, width)
    alpha = np.zeros((height, width), np.float32)
    animals = 0 if kind == "none" else 1 + (random.random() < 0.08)
    for _ in range(animals):
        image, own = draw_animal(random, image, kind, light)
        alpha = np.maximum(alpha, own)
    return Sample(finish_photo(random, image, alpha), trimap(alpha))


def trimap(alpha: np.ndarray) -> np.ndarray:
    """Class ids of a silhouette (H, W) in 0–1: a band along its outline is border."""
    from scipy.ndimage import distance_transform_edt

    inside = alpha >= 0.5
    mask = np.where(inside, PET, BACKGROUND).astype(np.uint8)
    if inside.any() and not inside.all():
        distance = distance_transform_edt(inside) + distance_transform_edt(~inside)
        mask[distance <= BORDER_WIDTH * max(alpha.shape)] = BORDER
    return mask
