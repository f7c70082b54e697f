"""How a model of pets travels: `python -m benchmarks.travel RUN …`, by size, occlusion and blur.

Wide scenes (480 × 854) that no training sees. *Pasted* (where the data is): pets of the pets' test
images in windows without a pet of other test images and in photos that come with packages; models
that have learned composites know such seams. *Drawn*: synthetic animals in synthetic scenes. IoU of
pet, pooled over a row's scenes and the mean of them; pixels at the outline do not count.
"""

import argparse
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from PIL import Image
from scipy.ndimage import distance_transform_edt, gaussian_filter

from unet_core.data import open_dataset
from unet_core.data.base import Dataset
from unet_core.data.io import read_image
from unet_core.data.negatives import EmptyWindows
from unet_core.data.photos import HELD_OUT, installed
from unet_core.data.synthetic import BACKGROUND, PET
from unet_core.data.synthetic.animals import draw_animal
from unet_core.data.synthetic.scenes import draw_scene, finish_photo
from unet_core.errors import UserError
from unet_core.prediction.masks import resize_channels
from unet_core.prediction.segmenter import Segmenter
from unet_core.store.runs import find_run

FRAME = (480, 854)  # height, width
COUNT = 24  # scenes a row
OUTLINE = 0.1, 0.9  # opacities between which a pixel is of the outline


class Condition(NamedTuple):
    """``size``: height of the animal, as part of the frame's; ``hidden``: part of its width behind
    posts; ``blur``: standard deviation in pixels of the frame."""

    name: str
    size: tuple[float, float] = (0.3, 0.5)
    hidden: float = 0.0
    blur: float = 0.0


CONDITIONS = (
    Condition("small: 12–20 % of the height", (0.12, 0.2)),
    Condition("20–30 %", (0.2, 0.3)),
    Condition("30–50 %"),
    Condition("50–80 %", (0.5, 0.8)),
    Condition("30–50 %, a third behind posts", hidden=0.35),
    Condition("30–50 %, blurred by 2 pixels", blur=2),
    Condition("30–50 %, blurred by 4 pixels", blur=4),
)
Scene = tuple[np.ndarray, np.ndarray]  # uint8 (480, 854, 3), and how opaque the animal is, 0–1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", metavar="RUN")
    segmenters = [Segmenter(find_run(name)) for name in parser.parse_args().runs]
    print("| scenes | " + " | ".join(s.run.name for s in segmenters) + " |")
    print("| --- |" + " --- |" * len(segmenters))
    for title, put in kinds():
        for number, condition in enumerate(CONDITIONS):
            scenes = [scene(put, condition, (number, i)) for i in range(COUNT)]
            cells = [score(segmenter, scenes) for segmenter in segmenters]
            print(f"| {title}, {condition.name} | " + " | ".join(cells) + " |", flush=True)


def kinds() -> "Iterator[tuple[str, Drawn | Pasted]]":
    try:
        yield "pasted", Pasted(open_dataset("pets"))
    except UserError as missing:
        print(f"{missing} Pasted scenes are left out.")
    yield "drawn", Drawn()


def score(segmenter: Segmenter, scenes: list[Scene]) -> str:
    """Pooled IoU of pet and the mean of the scenes' own."""
    counts = []
    for image, opacity in scenes:
        probabilities = resize_channels(segmenter.probabilities(image), *FRAME)
        found = probabilities[..., PET] > probabilities[..., BACKGROUND]
        low, high = OUTLINE
        true, counted = opacity > 0.5, (opacity <= low) | (opacity >= high)
        counts.append([(part & counted).sum() for part in (found & true, found | true)])
    both, either = np.array(counts, float).T
    return f"{both.sum() / either.sum():.3f} ({(both / either).mean():.3f})"


def scene(put: "Drawn | Pasted", condition: Condition, seed: tuple[int, int]) -> Scene:
    """One animal of the condition's size in a scene, always the same for the same seed."""
    random = np.random.default_rng(seed)
    height = int(random.uniform(*condition.size) * FRAME[0])
    image, opacity = put(random, height)
    if condition.hidden:
        width = height // 2
        stripes = np.arange(FRAME[1]) % width < condition.hidden * width
        image[:, stripes] = image[:, :1].mean(0) * 0.7
        opacity[:, stripes] = 0
    image = gaussian_filter(image, (condition.blur, condition.blur, 0))
    return image.clip(0, 255).astype(np.uint8), opacity


class Drawn:
    """Synthetic animals, standing in the lower half of synthetic scenes."""

    def __call__(self, random: Generator, height: int) -> Scene:
        image = draw_scene(random, *FRAME)
        side = min(int(1.3 * height), FRAME[0])  # an animal fills most of what it is drawn in
        y, x = (random.integers(0, length - side + 1) for length in FRAME)
        window = np.s_[y : y + side, x : x + side]
        kind = str(random.choice(["cat", "dog"]))
        opacity = np.zeros(FRAME, np.float32)
        image[window], opacity[window] = draw_animal(random, image[window], kind, 0.3)
        return finish_photo(random, image).astype(np.float32), opacity


class Pasted:
    """Real pets that no frame cuts off, in real scenes; the light is matched by half."""

    def __init__(self, pets: Dataset):
        self.pets, names = pets, pets.splits["test"]
        self.windows = EmptyWindows(pets, names, BACKGROUND)
        self.photos = list(installed(HELD_OUT).values())

    def __call__(self, random: Generator, height: int) -> Scene:
        image, opacity = self.cutout(random, height)
        scene, place = self.scene(random), opacity.shape
        y, x = (
            int(random.integers(0, length - n + 1)) for length, n in zip(FRAME, place, strict=True)
        )
        there, full = scene[y : y + place[0], x : x + place[1]], np.zeros(FRAME, np.float32)
        full[y : y + place[0], x : x + place[1]] = opacity
        image = image + 0.5 * (there.mean((0, 1)) - image.mean((0, 1)))
        there += (image - there) * opacity[..., None]
        return scene, full

    def scene(self, random: Generator) -> np.ndarray:
        if random.random() < 0.4:
            image = read_image(self.photos[random.integers(len(self.photos))])
        else:
            image = self.windows.load(str(random.choice(self.windows.splits["trainval"]))).image
        return np.asarray(
            Image.fromarray(image).resize(FRAME[::-1], Image.Resampling.BICUBIC), np.float32
        )

    def cutout(self, random: Generator, height: int) -> Scene:
        while True:
            image, mask = self.pets.load(str(random.choice(self.pets.splits["test"])))
            pet = mask == PET
            edges = np.concatenate([pet[0], pet[-1], pet[:, 0], pet[:, -1]])
            if edges.any() or pet.mean() < 0.05:
                continue
            ys, xs = (np.flatnonzero((mask != BACKGROUND).any(axis)) for axis in (1, 0))
            box = np.s_[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1]
            width = round(height * (xs[-1] + 1 - xs[0]) / (ys[-1] + 1 - ys[0]))
            if width <= FRAME[1]:
                break
        depth = distance_transform_edt(mask != BACKGROUND) - distance_transform_edt(~pet)
        opacity = Image.fromarray(np.clip(0.5 + depth / 3, 0, 1)[box].astype(np.float32))
        size, how = (width, height), Image.Resampling.LANCZOS
        small = np.asarray(Image.fromarray(image[box]).resize(size, how), np.float32)
        return small, np.asarray(opacity.resize(size, how)).clip(0, 1)


if __name__ == "__main__":
    main()
