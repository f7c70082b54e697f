import numpy as np
import pytest
from PIL import Image

from unet_core.data import open_dataset
from unet_core.data.base import Sample
from unet_core.data.pets import Pets
from unet_core.data.prepared import Prepared, joined, prepare, resize_sample
from unet_core.data.pseudo_labels import PseudoLabelled
from unet_core.errors import UserError


@pytest.fixture
def small_pets(tmp_path):
    """The official layout with three images, of which one has no file."""
    folder = tmp_path / "pets"
    (folder / "images").mkdir(parents=True)
    (folder / "annotations" / "trimaps").mkdir(parents=True)
    for name in ("Abyssinian_1", "beagle_2"):
        Image.new("RGB", (30, 20), "red").save(folder / "images" / f"{name}.jpg")
        trimap = np.full((20, 30), 2, np.uint8)
        trimap[5:15, 5:15], trimap[0, 0] = 1, 3
        Image.fromarray(trimap).save(folder / "annotations" / "trimaps" / f"{name}.png")
    lines = "Abyssinian_1 1 1 1\nbeagle_2 2 2 1\nmissing_3 3 1 1\n"
    (folder / "annotations" / "trainval.txt").write_text(lines)
    (folder / "annotations" / "test.txt").write_text("")
    return Pets(folder)


def test_trimaps_become_class_ids(small_pets):
    sample = small_pets.load("Abyssinian_1")
    assert sample.image.shape == (20, 30, 3)
    assert (sample.mask[10, 10], sample.mask[19, 29], sample.mask[0, 0]) == (0, 1, 2)


def test_pictures_that_are_not_there_are_not_listed(small_pets):
    assert small_pets.splits["trainval"] == ["Abyssinian_1", "beagle_2"]
    assert not small_pets.splits["test"] and not small_pets.splits["unlabelled"]


def test_a_run_labels_the_pictures_without_truth(small_pets, channel_run):
    folder = small_pets.folder.with_name("pets_unlabelled")
    folder.mkdir()
    half = np.zeros((60, 40, 3), np.uint8)
    half[:30, :, 0], half[30:, :, 1] = 200, 200
    Image.fromarray(half).save(folder / "pug_4.jpg", quality=100)
    Image.fromarray(half).save(folder / "beagle_2.jpg")  # it has a trimap
    pets = Pets(small_pets.folder)
    labelled = PseudoLabelled(pets, channel_run.name)
    assert pets.splits["unlabelled"] == labelled.splits["trainval"] == ["pug_4"]
    image, mask = labelled.load("pug_4")
    assert image.shape == (60, 40, 3)
    assert (mask[:28] == 0).all() and (mask[32:] == 1).all()
    both = joined(prepare(pets, ["beagle_2"], 32), prepare(labelled, ["pug_4"], 32))
    assert both.names == ["beagle_2", "pug_4"] and both.masks.shape == (2, 32, 32)


def test_a_teacher_of_other_classes_is_refused(channel_run):
    drawn = open_dataset("synthetic")
    drawn.classes = drawn.classes[:2]
    with pytest.raises(UserError, match="its classes are others"):
        PseudoLabelled(drawn, channel_run.name)


def test_missing_pets_say_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setenv("UNET_DATA_DIR", str(tmp_path))
    with pytest.raises(UserError, match="UNET_DATA_DIR"):
        open_dataset("pets")


def test_an_unknown_data_set_names_the_known_ones():
    with pytest.raises(UserError, match="pets, synthetic"):
        open_dataset("birds")


def test_real_pets_open(real_pets):
    for name in real_pets.splits["test"][:10] + real_pets.splits["trainval"][:10]:
        image, mask = real_pets.load(name)
        assert image.shape == (*mask.shape, 3)
        assert mask.max() <= 2


def test_masks_are_never_mixed_when_resized():
    random = np.random.default_rng(0)
    mask = random.choice(np.array([0, 2], np.uint8), (33, 47))
    sample = resize_sample(Sample(np.zeros((33, 47, 3), np.uint8), mask), 32)
    assert set(np.unique(sample.mask)) == {0, 2}


def test_prepared_pictures_come_from_the_cache_the_second_time(small_pets, monkeypatch):
    first = prepare(small_pets, small_pets.splits["trainval"], 16)
    monkeypatch.setattr(small_pets, "load", None)
    second = prepare(small_pets, small_pets.splits["trainval"], 16)
    np.testing.assert_array_equal(first.images, second.images)
    assert first.images.shape == (2, 16, 16, 3) and first.masks.shape == (2, 16, 16)


def test_the_cache_is_kept_by_names_size_and_content(small_pets, monkeypatch, tmp_path):
    monkeypatch.setenv("UNET_CACHE_DIR", str(tmp_path / "cache"))
    counts = []
    names = ["Abyssinian_1", "beagle_2"]
    data = prepare(small_pets, names, 16, lambda *done: counts.append(done))
    assert counts == [(1, 2), (2, 2), (2, 2)]
    assert data.images.dtype == data.masks.dtype == np.uint8
    assert (data.images[:, 8, 8, 0] > 250).all()
    assert prepare(small_pets, names[::-1], 16).names == names[::-1]
    assert prepare(small_pets, names, 24).images.shape == (2, 24, 24, 3)
    monkeypatch.setattr(Pets, "fingerprint", "other")
    prepare(small_pets, names, 16)
    assert len(list((tmp_path / "cache").iterdir())) == 4


def test_two_parts_are_joined_in_memory():
    parts = [
        Prepared(
            [name], np.full((1, 4, 4, 3), value, np.uint8), np.full((1, 4, 4), value, np.uint8)
        )
        for name, value in (("a", 1), ("b", 2))
    ]
    both = joined(*parts)
    assert both.names == ["a", "b"] and len(both) == 2
    assert both.images[:, 0, 0, 0].tolist() == both.masks[:, 0, 0].tolist() == [1, 2]


def test_the_cache_lies_among_the_runs(small_pets, tmp_path):
    prepare(small_pets, ["beagle_2"], 16)
    assert len(list((tmp_path / "runs" / ".cache").iterdir())) == 1


def test_a_failed_preparation_leaves_no_cache(small_pets):
    with pytest.raises(UserError, match="images/nobody.jpg cannot be read"):
        prepare(small_pets, ["Abyssinian_1", "nobody"], 16)
    assert not list(small_pets.folder.parent.glob("runs/.cache/*"))
