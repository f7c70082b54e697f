"""Pictures to try a model on, free of anybody's rights."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import skimage.data

from unet_core.data.drawn import draw_pet


@dataclass(frozen=True)
class SamplePicture:
    """A picture of the gallery: ``load()`` gives uint8 (H, W, 3)."""

    title: str
    credit: str
    load: Callable[[], np.ndarray]


DRAWN = "Drawn by this program; not a photograph"
SAMPLES = {
    "chelsea": SamplePicture(
        "Chelsea the cat", "Photo by Stéfan van der Walt, CC0, from scikit-image", skimage.data.cat
    ),
    "drawn-dog": SamplePicture("A drawn dog", DRAWN, lambda: draw_pet(12, "dog").image),
    "drawn-cat": SamplePicture("A drawn cat", DRAWN, lambda: draw_pet(22, "cat").image),
    "coffee": SamplePicture(
        "Coffee, no pet", "Photo by Rachel Michetti, CC0, from scikit-image", skimage.data.coffee
    ),
    "astronaut": SamplePicture(
        "An astronaut, no pet", "Photo by NASA, public domain", skimage.data.astronaut
    ),
}
