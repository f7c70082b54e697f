"""Shipped models on images of kinds that they have never seen."""

import numpy as np
import pytest
import skimage.data
from skimage.measure import label

from unet_core.data import open_dataset
from unet_core.data.io import read_image
from unet_core.data.photos import HELD_OUT, Photo
from unet_core.data.synthetic.science import draw_cells, draw_film
from unet_core.metrics.evaluate import evaluate
from unet_core.prediction.masks import class_ids, shares
from unet_core.prediction.segmenter import Segmenter
from unet_core.store.runs import find_run, shipped_runs

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def default_model() -> Segmenter:
    return Segmenter(shipped_runs()[0])


def pet_share(segmenter: Segmenter, image: np.ndarray) -> float:
    ids = class_ids(segmenter.probabilities(image))
    return shares(ids, segmenter.run.classes)["pet"]


def test_a_real_cat_is_found(default_model):
    # Chelsea's head fills about three quarters of the image.
    assert 0.6 < pet_share(default_model, skimage.data.cat()) < 0.85


@pytest.mark.parametrize("photo", HELD_OUT, ids=lambda photo: photo.name)
def test_photos_without_an_animal_have_no_pet(default_model, photo: Photo):
    if not photo.path:
        pytest.skip(f"{photo.package} is not installed")
    assert pet_share(default_model, read_image(photo.path)) < 0.02


def test_drawn_cells_have_no_pet(default_model):
    assert pet_share(default_model, draw_cells()) < 0.02


def test_drawn_scenes_without_an_animal_have_no_pet(default_model):
    drawn = open_dataset("synthetic")
    samples = map(drawn.load, drawn.splits["test"][:40])
    empty = [image for image, mask in samples if (mask == 1).all()]
    assert len(empty) >= 3
    assert all(pet_share(default_model, image) < 0.02 for image in empty)


def test_drawn_animals_are_found(default_model):
    drawn = open_dataset("synthetic")
    result = evaluate(default_model.run, drawn, "test", drawn.splits["test"][:25])
    assert result["metrics"]["pet_iou"] > 0.5


def test_both_lungs_are_found_on_a_drawn_film():
    lungs = class_ids(Segmenter(find_run("lungs")).probabilities(draw_film()))
    left, right = (lungs[:, half].mean() for half in (slice(None, 80), slice(80, None)))
    assert label(lungs).max() == 2 and min(left, right) > 0.2
