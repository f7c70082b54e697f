"""Images without an object: a user's folder, windows of the data itself, photos, drawn scenes."""

import re
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from unet_core.data import negatives, photos
from unet_core.data.base import Dataset, Sample
from unet_core.data.negatives import BUILT_IN, SyntheticScenes, empty_windows, open_negatives
from unet_core.data.pets import PET_CLASSES
from unet_core.data.prepared import joined, prepare
from unet_core.data.synthetic import SyntheticPets, draw_pet
from unet_core.errors import UserError
from unet_core.jobs.new_runs import new_run
from unet_core.store.classes import ClassInfo
from unet_core.store.config import TrainingConfig, load_recipe
from unet_core.store.files import read_json
from unet_core.store.runs import find_run
from unet_core.training.process import kept_names, prepare_images

BACKGROUND = 1
ROOM = 200  # pixels of each `Halves` image that are background, from the right


class Halves(Dataset):
    """300 × 400 dark noise, lighter where a pet is, on the left.

    ``full`` is all pet, ``free`` all background.
    """

    name = title = "halves"
    credit = ""
    classes = PET_CLASSES
    splits = {"trainval": [*"abcdefgh", "full", "free"], "test": ["test"]}

    def load(self, name: str) -> Sample:
        noise = np.random.default_rng(len(name)).integers(0, 128, (300, 400, 3), dtype=np.uint8)
        mask = np.full((300, 400), BACKGROUND, np.uint8)
        pet = {"full": 400, "free": 0}.get(name, 400 - ROOM)
        mask[:, :pet] = 0
        mask[:, max(pet - 5, 0) : pet] = 2
        return Sample(noise + np.uint8(128) * (mask != BACKGROUND)[..., None], mask)


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("UNET_DATA_DIR", str(tmp_path))
    return tmp_path


def save_noise(path: Path, shape: tuple[int, int] = (300, 400)) -> np.ndarray:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).integers(0, 255, (*shape, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    return noise


# A folder


def test_windows_of_pictures_in_a_folder_are_background(data):
    noise = save_noise(data / "streets" / "high street.png")
    (streets,) = open_negatives(Halves(), "streets", [])
    samples = [streets.load(name) for name in streets.splits["trainval"]]
    assert len(samples) == 5 and (samples[0].image == noise).all()
    for image, mask in samples:
        assert image.shape[:2] == mask.shape and (mask == BACKGROUND).all()
    for image, _ in samples[1:]:
        assert 160 <= image.shape[0] == image.shape[1] <= 300
    assert len({image.shape for image, _ in samples}) > 2
    again = streets.load(streets.splits["trainval"][1])
    assert (again.image == samples[1].image).all()


def test_negatives_that_cannot_be_had_are_refused(data):
    with pytest.raises(UserError, match="--negatives built-in"):
        open_negatives(Halves(), "people", [])
    cells = Halves()
    cells.classes = (ClassInfo("membrane", "#D55E00"), ClassInfo("cell", "#56B4E9"))
    for source in (BUILT_IN, str(data)):
        with pytest.raises(UserError, match="no background"):
            open_negatives(cells, source, [])


def test_runs_that_learned_from_photos_of_people_still_open(data, shipped):
    """They can be shown and go on where the folder is there; nothing brings it any more."""
    config = TrainingConfig.from_dict(TrainingConfig().to_dict() | {"negatives": "people"})
    with pytest.raises(UserError, match="'people'"):
        new_run(config, "without")
    save_noise(data / "people" / "ann.jpg")
    run = new_run(config, "with")
    assert find_run("with").config["training"]["negatives"] == "people"
    training, _ = kept_names(run, SyntheticPets(), config)
    assert len(training) == 144


# Windows of the images themselves


def windows_of(names: list[str]) -> Dataset:
    return open_negatives(Halves(), BUILT_IN, names)[0]


def test_windows_hold_background_alone():
    windows = windows_of(["a", "full", "free"])
    names = windows.splits["trainval"]
    assert {name.split()[0] for name in names} == {"a", "free"}
    for name in names:
        image, mask = windows.load(name)
        height, width = mask.shape
        assert image.shape == (height, width, 3) and (mask == BACKGROUND).all()
        assert image.max() < 128
        assert 127**2 <= height * width <= 300 * (400 if "free" in name else ROOM)
        assert 0.6 < height / width < 1.6
        again = windows.load(name)
        assert (again.image == image).all()


def test_a_window_is_a_piece_of_its_picture():
    windows = windows_of(["a"])
    noise = Halves().load("a").image
    image, _ = windows.load("a 0")
    height, width = image.shape[:2]
    places = np.argwhere((noise[: 301 - height, : 401 - width] == image[0, 0]).all(-1))
    found = [(y, x) for y, x in places if (noise[y : y + height, x : x + width] == image).all()]
    assert len(found) == 1 and found[0][1] >= 400 - ROOM


@pytest.mark.parametrize("seed", range(5))
def test_windows_of_a_picture_do_not_overlap_and_leave_no_room(seed):
    occupied = np.zeros((400, 500), bool)
    occupied[150:250, 200:300] = True
    windows = empty_windows(occupied, 100, np.random.default_rng(seed))
    covered = occupied.astype(int)
    for window in windows:
        covered[window] += 1
    assert covered.max() == 1 and len(windows) >= 2
    assert not empty_windows(covered > 0, 1, np.random.default_rng(0))
    assert len(empty_windows(occupied, 2, np.random.default_rng(seed))) == 2


def test_the_largest_window_fills_the_room():
    """Of 50 draws in a room of 200 × 300 the largest come close to it, and no side is favoured."""
    occupied = np.ones((400, 500), bool)
    occupied[50:250, 100:400] = False
    drawn = [empty_windows(occupied, 1, np.random.default_rng(n))[0] for n in range(50)]
    assert max(y.stop - y.start for y, _ in drawn) > 180
    assert max(x.stop - x.start for _, x in drawn) > 250
    assert min(y.start for y, _ in drawn) >= 50 and max(y.stop for y, _ in drawn) <= 250
    assert min(x.start for _, x in drawn) < 110 and max(x.stop for _, x in drawn) > 390


def test_a_large_set_gives_only_so_many(monkeypatch):
    monkeypatch.setattr(negatives, "MAX_EMPTY_WINDOWS", 3)
    assert len(windows_of([*"abcdefgh"]).splits["trainval"]) == 3


def test_windows_come_from_the_pictures_that_train_alone(shipped, monkeypatch):
    """A window of a validation image would help to choose the best epoch."""
    monkeypatch.setattr("unet_core.data.DATASETS", {"halves": Halves})
    config = TrainingConfig(data="halves", max_images=None, negatives=BUILT_IN, image_size=32)
    run = new_run(config, "windows")

    class Quiet:
        def progress(self, done, total, **changes) -> None: ...

        def should_stop(self) -> bool:
            return False

    training, validation = prepare_images(run, Halves(), config, Quiet())
    held_out = set(read_json(run.path / "subset.json")["validation"])
    assert held_out == set(validation.names) and len(held_out) == 1
    sources = {name.rpartition(" ")[0] for name in training.names}
    assert sources & set(Halves.splits["trainval"]) == (
        set(Halves.splits["trainval"]) - held_out - {"full"}
    )
    assert "test" not in sources
    for name, mask in zip(training.names, training.masks, strict=True):
        if name not in Halves.splits["trainval"]:
            assert (mask == BACKGROUND).all()
    assert {"brick", "grass"} <= sources and "2000" in training.names


def test_the_recipe_of_the_default_model_takes_the_built_in_ones():
    assert load_recipe("pets").negatives == BUILT_IN


# Photos

STATED = {
    "CC0": r"CC0|Creative\s+Commons\s+CC0",
    "public domain": r"public\s+domain",
    "no known copyright restrictions": r"No known copyright restrictions",
}
FUNCTIONS = {"clock_motion": "clock"}  # where the function is not called as its file


@pytest.mark.parametrize("photo", photos.TRAINING + photos.HELD_OUT, ids=lambda p: p.name)
def test_the_licence_is_what_the_package_says_of_the_picture(photo):
    if not find_spec(photo.package):
        pytest.skip(f"{photo.package} is not installed")
    assert photo.path, f"{photo.package} has no {photo.file} any more"
    if photo.package == "skimage":
        said = getattr(skimage.data, FUNCTIONS.get(photo.name, photo.name)).__doc__
        assert re.search(STATED[photo.licence], said, re.IGNORECASE)
    elif photo.package == "sklearn":
        said = (photo.path.parent / "README.txt").read_text()
        _, _, said = said.partition(f"Image: {photo.path.name}")
        assert photo.licence == "CC BY 2.0" and "licenses/by/2.0/" in said
        assert photo.author.split()[0] in said.partition("Image:")[0]
    else:
        with Image.open(photo.path) as image:
            assert b"commons.wikimedia.org/wiki/File:Grace_Hopper.jpg" in image.info["comment"]


def test_what_checks_a_model_is_not_trained_on():
    held_out = {(p.package, p.file) for p in photos.HELD_OUT}
    assert not held_out & {(p.package, p.file) for p in photos.TRAINING}
    assert {"astronaut", "coffee", "rocket"} <= {p.name for p in photos.HELD_OUT}
    _, kept, _ = open_negatives(SyntheticPets(), BUILT_IN, [])
    learned = {name.rpartition(" ")[0] for name in kept.splits["trainval"]}
    assert learned == set(photos.installed(photos.TRAINING))
    assert not learned & {p.name for p in photos.HELD_OUT}


def test_photos_of_packages_that_are_missing_are_left_out():
    here = photos.Photo("skimage", "data/brick.png", "", "CC0")
    gone = photos.Photo("skimage", "data/no-such.png", "", "CC0")
    nowhere = photos.Photo("nopackageofthatname", "brick.png", "", "CC0")
    assert photos.installed((gone, here, nowhere)) == {"brick": here.path}


# Drawn scenes


def test_drawn_scenes_are_none_of_the_drawn_pets_and_show_no_animal():
    scenes = SyntheticScenes(SyntheticPets(), BACKGROUND)
    assert scenes.fingerprint != SyntheticScenes(SyntheticPets(), 0).fingerprint
    names = {int(name) for name in scenes.splits["trainval"]}
    drawn = SyntheticPets().splits
    known = {int(name.removeprefix("drawn-")) for split in drawn.values() for name in split}
    assert len(names) == 50 and not names & known
    for name in scenes.splits["trainval"][:3]:
        image, mask = scenes.load(name)
        drawn = draw_pet(int(name), "none")
        assert (image == drawn.image).all() and (drawn.mask == BACKGROUND).all()
        assert image.shape == (*mask.shape, 3) and (mask == BACKGROUND).all()


def test_pictures_alone_stay_on_disk_and_others_are_put_behind_them():
    first, second, third = (prepare(Halves(), [name], 32) for name in ("a", "full", "free"))
    assert joined(first) is first and isinstance(first.images, np.memmap)
    both = joined(first, second, third)
    assert both.names == ["a", "full", "free"]
    assert (both.images[2] == third.images[0]).all() and (both.masks[1] == second.masks[0]).all()
