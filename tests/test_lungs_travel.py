"""What films are made into to see how lungs travel, and that true masks are plausible."""

import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.lungs_travel import CHANGES, CLUSTERS, changed, clusters, score
from unet_core.data.base import Sample
from unet_core.data.lungs import PLAUSIBLE, Lungs
from unet_core.prediction.plausibility import objections

MOVING = {name for name in CHANGES if name.startswith(("turned", "scaled", "gamma, "))}


def drawn() -> Sample:
    """A film with two bars for lungs, darker than all else."""
    mask = np.zeros((128, 128), np.uint8)
    mask[30:100, 26:54] = mask[40:100, 70:104] = 1
    film = np.where(mask, 60, 160) + np.arange(128) // 8
    return Sample(np.repeat(film.astype(np.uint8)[..., None], 3, -1), mask)


@pytest.mark.parametrize("name", [name for name in CHANGES if name != "as they are"])
def test_each_change_changes_the_film_and_moves_the_lungs_with_it(name):
    before = drawn()
    image, mask = changed(before, CHANGES[name])
    assert (image.shape, image.dtype) == (before.image.shape, np.uint8)
    assert (mask.shape, mask.dtype) == (before.mask.shape, np.uint8)
    assert np.abs(image.astype(int) - before.image).mean() > 1
    assert (mask != before.mask).any() == (name in MOVING)
    sign = -1 if name == "inverted" else 1
    middle = image[20:108, 20:108, 0] * float(sign)
    lungs = mask[20:108, 20:108] > 0
    if name != "four white plates":
        assert np.median(middle[lungs]) < np.median(middle[~lungs])
        between = (np.median(middle[lungs]) + np.median(middle[~lungs])) / 2
        wanted = 0.85 if name in ("noise 0.15", "CLAHE 0.05") else 0.9
        assert ((middle < between) == lungs).mean() > wanted


def test_a_border_hides_the_lungs_below_it():
    full = Sample(drawn().image, np.ones((128, 128), np.uint8))
    mask = changed(full, CHANGES["white border of 8 %"]).mask
    assert mask[10:-10, 10:-10].all() and mask.sum() == 108 * 108


def test_films_are_turned_and_scaled_by_what_the_table_says():
    dot = np.zeros((129, 129), np.uint8)
    dot[60:69, 100:109] = 1  # 40 to the right of the middle
    places = {}
    for name in ("turned by 15°", "scaled to 0.75"):
        mask = changed(Sample(np.zeros((129, 129, 3), np.uint8), dot), CHANGES[name]).mask
        places[name] = np.argwhere(mask).mean(0) - 64
    row, column = places["turned by 15°"]
    assert np.rad2deg(np.arctan2(abs(row), column)) == pytest.approx(15, abs=1)
    assert places["scaled to 0.75"] == pytest.approx([0, 30], abs=0.6)


def test_a_row_counts_the_failed_and_the_implausible():
    class Half:
        """Finds the left lung alone, on one film of two."""

        calls = 0

        def probabilities(self, image):
            mask = drawn().mask.astype(np.float32)
            self.calls += 1
            if self.calls == 2:
                mask[:, 64:] = 0
            return np.stack([1 - mask, mask], -1)

    cells = score(Half(), [drawn(), drawn()]).split(" | ")
    dice = 2 * 70 * 28 / (2 * 70 * 28 + 60 * 34)
    assert float(cells[1]) == pytest.approx(dice, abs=0.01)
    assert cells[2:] == ["1 of 2", "1 of 1", "0 of 1"]
    assert float(cells[1]) < float(cells[0]) < 1


@pytest.fixture
def films() -> Lungs:
    folder = os.environ.get("UNET_DATA_DIR")
    if not folder or not (Path(folder) / "lungs").is_dir():
        pytest.skip("UNET_DATA_DIR does not lead to the chest X-rays")
    return Lungs()


def test_true_masks_are_plausible(films):
    for name in films.splits["trainval"][::4]:
        assert objections(films.load(name).mask, PLAUSIBLE) == []


@pytest.mark.slow
def test_clusters_are_of_one_light_and_the_darkest_comes_first(films):
    films.splits = {split: names[::4] for split, names in films.splits.items()}
    kinds = clusters(films)
    assert kinds == clusters(films)
    light = [
        np.mean([films.load_image(n).mean() for n in kinds if kinds[n] == k])
        for k in range(CLUSTERS)
    ]
    assert light == sorted(light) and light[-1] > light[0] + 20
