"""The default model on photos that it has never seen."""

import pytest

from unet_core.overlay import class_ids, shares
from unet_core.runs import shipped_runs
from unet_core.samples import SAMPLES
from unet_core.segmenter import Segmenter


@pytest.fixture(scope="module")
def default_model() -> Segmenter:
    return Segmenter(shipped_runs()[0])


def pet_share(segmenter: Segmenter, name: str) -> float:
    ids = class_ids(segmenter.probabilities(SAMPLES[name].load()))
    return shares(ids, segmenter.run.classes)["pet"]


def test_a_real_cat_is_found(default_model):
    # Chelsea's head fills about three quarters of the picture.
    assert 0.6 < pet_share(default_model, "chelsea") < 0.85


def test_a_cup_of_coffee_is_no_pet(default_model):
    assert pet_share(default_model, "coffee") < 0.02
