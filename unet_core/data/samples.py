"""Images to try a model on, free of anybody's rights."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from skimage import data as photos

from unet_core.data import data_of
from unet_core.data.synthetic import draw_pet
from unet_core.data.synthetic.science import draw_cells, draw_film
from unet_core.errors import UserError
from unet_core.store.runs import Run


@dataclass(frozen=True)
class SampleImage:
    """An image of the gallery: ``load()`` gives uint8 (H, W, 3)."""

    title: str
    credit: str
    load: Callable[[], np.ndarray]


CC0 = "CC0, from scikit-image"
DRAWN = "Drawn by this program; not a photograph"
SAMPLES = {
    "chelsea": SampleImage("Chelsea the cat", f"Photo by Stéfan van der Walt, {CC0}", photos.cat),
    "drawn-dog": SampleImage("A drawn dog", DRAWN, lambda: draw_pet(12, "dog").image),
    "drawn-cat": SampleImage("A drawn cat", DRAWN, lambda: draw_pet(11, "cat").image),
    "coffee": SampleImage("Coffee, no pet", f"Photo by Rachel Michetti, {CC0}", photos.coffee),
    "astronaut": SampleImage(
        "An astronaut, no pet", "Photo by NASA, public domain", photos.astronaut
    ),
}
OTHERS = {  # by the data that a model has learned from
    "lungs": {"drawn-film": SampleImage("A drawn film", DRAWN, draw_film)},
    "membrane": {"drawn-cells": SampleImage("Drawn cells", DRAWN, draw_cells)},
}
FROM_DATA = 4  # test images that are offered too where that data is


def samples_for(run: Run) -> dict[str, SampleImage]:
    """Images of the kind that the run has learned to segment, by their names in links: first those
    of its own test split, where the data is there, then free ones."""
    data = run.config["training"]["data"]
    if data not in OTHERS:
        return SAMPLES
    try:
        dataset = data_of(run.config)
    except UserError:
        return OTHERS[data]
    real = {
        name: SampleImage(f"Test picture {name}", dataset.credit, partial(dataset.load_image, name))
        for name in dataset.splits["test"][:FROM_DATA]
    }
    return real | OTHERS[data]
