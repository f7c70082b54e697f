"""People in drawn places, so that a network for animals learns that people are none.

Their faces are the 100 of scikit-image's ``lfw_subset`` (Huang et al., "Learning to align from
scratch", 2012), small and grey, that are enlarged and given the colour of skin.
"""

import numpy as np
import skimage.data
from PIL import Image, ImageDraw, ImageFilter

from unet_core.data.base import Dataset, Sample
from unet_core.data.drawn.noise import streaks
from unet_core.data.drawn.scenes import draw_scene, finish_photo
from unet_core.errors import UserError

SIDE = 320
FACES = 100  # of lfw_subset; what follows them are no faces
SKIN = np.array([(255, 219, 196), (240, 194, 160), (206, 150, 114), (150, 98, 70), (98, 62, 46)])
HAIR = ((24, 20, 18), (60, 40, 26), (110, 74, 44), (186, 146, 90), (150, 74, 40), (170, 168, 166))


class People(Dataset):
    """``count`` pictures of people without an animal, all background to ``dataset``'s classes."""

    name = "people"
    title = "Drawn people"
    credit = "Drawn by this program; faces: Labeled Faces in the Wild, by scikit-image"
    fingerprint = "1"  # raise it when a number gives another picture

    def __init__(self, dataset: Dataset, count: int):
        self.classes = dataset.classes
        names = [c.name for c in self.classes]
        if "background" not in names:
            raise UserError(f"{dataset.title} has no background that people could belong to.")
        self._background = names.index("background")
        self.splits = {"trainval": [f"person-{number:04d}" for number in range(count)], "test": []}

    def load(self, name: str) -> Sample:
        image = draw_people(int(name.removeprefix("person-")))
        return Sample(image, np.full(image.shape[:2], self._background, np.uint8))


def draw_people(seed: int) -> np.ndarray:
    """Draw picture number ``seed``: one to three people, uint8 (320, 320, 3)."""
    random = np.random.default_rng([seed, 2012])
    image = draw_scene(random, SIDE, SIDE)
    for size in sorted(random.uniform(40, 190, 1 + random.binomial(2, 0.35))):
        image = _draw_person(random, image, size)
    return finish_photo(random, image, np.zeros((SIDE, SIDE)))


def _draw_person(random, image: np.ndarray, size: float) -> np.ndarray:
    """A person with a face ``size`` pixels high, from the head to what the frame shows."""
    x, y = random.uniform(0.15, 0.85, 2) * SIDE
    skin = SKIN[random.integers(len(SKIN))] * random.uniform(0.95, 1.05, 3)
    picture = Image.fromarray(image.clip(0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(picture)

    def ellipse(dx, dy, rx, ry, color):
        cx, cy, rx, ry = x + size * dx, y + size * dy, size * rx, size * ry
        fill = tuple(int(c) for c in np.clip(color, 0, 255))
        draw.ellipse((cx - rx, cy - ry, cx + rx, cy + ry), fill=fill)

    hair = np.array(HAIR[random.integers(len(HAIR))])
    length = random.choice([0.1, 0.25, 0.8])
    ellipse(0, length / 2 - 0.08, 0.48, 0.58 + length / 2, hair)
    ellipse(0, 0.7, 0.22, 0.4, skin * 0.85)
    clothes = random.uniform(20, 240, 3)
    ellipse(0, 2.1, random.uniform(0.8, 1.15), 1.4, clothes)
    picture = picture.filter(ImageFilter.GaussianBlur(1))
    return _put_face(random, np.asarray(picture, np.float32), (x, y), size, skin)


def _put_face(random, image, center, size, skin) -> np.ndarray:
    """Blend a face, or its mirror image, into the head: a tilted ellipse with a soft edge."""
    face = skimage.data.lfw_subset()[random.integers(FACES)][:, :: random.choice([-1, 1])]
    light = Image.fromarray(np.float32(face)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    y, x = (np.mgrid[:SIDE, :SIDE] - np.array(center[::-1])[:, None, None]) / size
    tilt = random.uniform(-0.25, 0.25)
    x, y = x * np.cos(tilt) - y * np.sin(tilt), x * np.sin(tilt) + y * np.cos(tilt)
    rows, columns = (np.clip((v + 0.5) * SIDE, 0, SIDE - 1).astype(int) for v in (y, x))
    light = np.asarray(light)[rows, columns]
    grain = 1 + 0.03 * streaks(random, SIDE, SIDE, 1, 1)
    shaded = skin * (0.25 + 1.1 * np.clip(light * grain, 0, 1))[..., None]
    alpha = np.clip((1 - np.hypot(x / 0.42, y / 0.52)) * 6, 0, 1)[..., None]
    return image * (1 - alpha) + shaded * alpha
