"""The gallery shows images of the kind that a model has learned."""

import numpy as np
import pytest

from unet_core.data import samples
from unet_core.data.samples import OTHERS, SAMPLES, samples_for
from unet_core.errors import UserError
from unet_core.store.runs import Run, write_json


def run_on(folder, data: str) -> Run:
    write_json(folder / "config.json", {"training": {"data": data}, "classes": []})
    return Run(folder)


@pytest.mark.parametrize("data", ["pets", "synthetic", "npz:cells.npz"])
def test_pets_and_own_data_get_the_free_photos(tmp_path, data):
    assert samples_for(run_on(tmp_path, data)) is SAMPLES


def test_where_the_data_is_its_first_test_pictures_come_first(tmp_path, monkeypatch):
    class Films:
        credit = "A hospital"
        splits = {"test": [f"film-{number}" for number in range(9)], "trainval": ["other"]}

        def load_image(self, name):
            return np.full((8, 8, 3), int(name[-1]), np.uint8)

    films = {"lungs": Films()}
    monkeypatch.setattr(samples, "data_of", lambda config: films[config["training"]["data"]])
    found = samples_for(run_on(tmp_path, "lungs"))
    assert list(found) == ["film-0", "film-1", "film-2", "film-3", "drawn-film"]
    assert (found["film-2"].title, found["film-2"].credit) == ("Test picture film-2", "A hospital")
    assert [int(found[f"film-{n}"].load()[0, 0, 0]) for n in range(4)] == [0, 1, 2, 3]


def test_where_it_is_not_a_drawn_one_does(tmp_path, monkeypatch):
    def missing(config):
        raise UserError("not there")

    monkeypatch.setattr(samples, "data_of", missing)
    assert samples_for(run_on(tmp_path, "membrane")) == OTHERS["membrane"]


@pytest.mark.parametrize("gallery", [SAMPLES, OTHERS["lungs"], OTHERS["membrane"]])
def test_every_picture_says_whose_it_is_and_opens(gallery):
    for sample in gallery.values():
        image = sample.load()
        assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[-1] == 3
        assert sample.title and sample.credit
        np.testing.assert_array_equal(image, sample.load())  # the same each time
