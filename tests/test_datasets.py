"""Lungs, membranes, and a user's own data: tiny files made here, and the real ones."""

import os
import sys
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

import unet_core
from unet_core.data import Lungs, Membrane, data_of, open_dataset
from unet_core.data.base import split_names
from unet_core.data.io import files_fingerprint, read_header, read_image, read_mask, read_pair
from unet_core.data.labels import Labels, numbered_classes, value_counts
from unet_core.data.pets import PET_CLASSES
from unet_core.data.prepared import prepare
from unet_core.data.samples import samples_for
from unet_core.errors import UserError
from unet_core.jobs.evaluations import open_data
from unet_core.jobs.new_runs import new_run
from unet_core.jobs.new_runs import split_names as split_for_training
from unet_core.metrics.evaluate import evaluate
from unet_core.store.classes import ClassInfo, read_classes
from unet_core.store.config import TrainingConfig
from unet_core.store.runs import Run, create_run, find_run
from unet_core.training.process import train

random = np.random.default_rng(0)


def save(path: Path, values: np.ndarray, **options) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path, **options)


def grey(height: int = 20, width: int = 30) -> np.ndarray:
    return random.integers(0, 256, (height, width), np.uint8)


def box(value: int, left: int, right: int, height: int = 20, width: int = 30) -> np.ndarray:
    mask = np.zeros((height, width), np.uint8)
    mask[5:15, left:right] = value
    return mask


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("UNET_DATA_DIR", str(tmp_path))
    return tmp_path


# Lungs


def test_left_and_right_lung_are_merged(data):
    for number in range(10):
        name = f"MCUCXR_{number:04d}_0.png"
        save(data / "lungs" / "CXR_png" / name, grey())
        save(data / "lungs" / "ManualMask" / "leftMask" / name, box(255, 18, 25))
        save(data / "lungs" / "ManualMask" / "rightMask" / name, box(255, 4, 11))
    save(data / "lungs" / "CXR_png" / "without_mask.png", grey())
    lungs = open_dataset("lungs")
    assert {split: len(names) for split, names in lungs.splits.items()} == {
        "trainval": 8,
        "test": 2,
    }
    image, mask = lungs.load("MCUCXR_0003_0")
    assert image.shape == (20, 30, 3) and image.dtype == mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, box(1, 18, 25) + box(1, 4, 11))
    assert [c.name for c in lungs.classes] == ["background", "lung"]


def test_one_merged_mask_folder_comes_before_two(data):
    for number in range(2):
        save(data / "lungs" / "images" / f"{number}.png", grey())
        save(data / "lungs" / "masks" / f"{number}.png", box(255, 0, 30))
        for side in ("leftMask", "rightMask"):
            save(data / "lungs" / side / f"{number}.png", box(255, 1, 3))
    assert open_dataset("lungs").load("0").mask.sum() == 10 * 30


def test_a_smoothed_mask_of_another_size_and_a_16_bit_film(data):
    wide = np.zeros((40, 60), np.uint8)
    wide[:, 30:], wide[:, :10] = 128, 127
    for number in range(2):
        values = np.linspace(0, 65535, 600).astype(np.uint16).reshape(20, 30)
        save(data / "lungs" / "images" / f"{number}.png", values)
        save(data / "lungs" / "masks" / f"{number}.png", wide)
    image, mask = open_dataset("lungs").load("1")
    assert image[0, 0].tolist() == [0] * 3 and image[-1, -1].tolist() == [255] * 3
    np.testing.assert_array_equal(mask, np.repeat([[0] * 15 + [1] * 15], 20, axis=0))


@pytest.mark.parametrize("name", ["lungs", "membrane"])
def test_missing_data_say_where_they_belong(data, name):
    with pytest.raises(UserError, match="UNET_DATA_DIR"):
        open_dataset(name)
    (data / name / "images").mkdir(parents=True)
    with pytest.raises(UserError, match="UNET_DATA_DIR"):
        open_dataset(name)


# Membranes


def test_membranes_are_class_0_and_cells_class_1(data):
    for number in range(30):
        save(data / "membrane" / "images" / f"{number:02d}.png", grey())
        save(data / "membrane" / "masks" / f"{number:02d}.png", 255 - box(255, 3, 9))
    membrane = open_dataset("membrane")
    assert len(membrane.splits["trainval"]) == 22 and len(membrane.splits["test"]) == 6
    np.testing.assert_array_equal(membrane.load("07").mask, 1 - box(1, 3, 9))
    assert [c.name for c in membrane.classes] == ["membrane", "cell"]


# npz


def write_npz(path: Path, images, masks, **options) -> str:
    np.savez(path, images, masks, **options)
    return f"npz:{path}"


@pytest.mark.parametrize("channels", [(), (1,), (3,)])
def test_npz_of_black_and_white_masks(tmp_path, channels):
    images = random.integers(0, 256, (10, 16, 24, *channels), np.uint8)
    masks = np.zeros((10, 16, 24, 1), np.uint8)
    masks[:, :8] = 255
    cells = open_dataset(write_npz(tmp_path / "cells.npz", images, masks))
    assert (len(cells.splits["trainval"]), len(cells.splits["test"])) == (8, 2)
    image, mask = cells.load("00003")
    expected = np.broadcast_to(images[3].reshape(16, 24, -1), (16, 24, 3))
    np.testing.assert_array_equal(image, expected)
    np.testing.assert_array_equal(mask, np.repeat([1, 0], 8)[:, None].repeat(24, 1))
    assert len(cells.classes) == 2 and cells.classes[0].is_background
    assert cells.name == f"npz:{tmp_path}/cells.npz"
    assert (cells.title, cells.credit) == ("cells.npz", "Own data: cells.npz")


def test_npz_masks_count_as_white_above_127(tmp_path):
    masks = np.zeros((2, 16, 16), np.uint8)
    masks[:, 1:] = 255
    masks[:, 0] = np.arange(127 - 7, 127 + 9)  # a smooth edge: 16 further values
    masks[0, 1, :8] = np.arange(240, 248)
    data = open_dataset(write_npz(tmp_path / "a.npz", masks, masks))
    assert data.load("00001").mask[0].tolist() == [0] * 8 + [1] * 8


@pytest.mark.parametrize("kind", [bool, np.float32, np.int64])
def test_npz_of_zeros_and_ones(tmp_path, kind):
    masks = random.integers(0, 2, (4, 8, 8))
    data = open_dataset(write_npz(tmp_path / "a.npz", np.zeros((4, 8, 8)), masks.astype(kind)))
    assert len(data.classes) == 2
    np.testing.assert_array_equal(data.load("00002").mask, masks[2])


def test_npz_of_class_ids_and_fractions(tmp_path):
    masks = np.zeros((4, 8, 8), np.int32)
    masks[:, 0, :3] = [1, 2, 3]
    images = np.linspace(0, 1, 4 * 64, dtype=np.float32).reshape(4, 8, 8)
    data = open_dataset(write_npz(tmp_path / "a.npz", images, masks))
    assert [c.name for c in data.classes] == ["background", "class 1", "class 2", "class 3"]
    image, mask = data.load("00003")
    np.testing.assert_array_equal(mask, masks[3])
    np.testing.assert_array_equal(image[..., 0], np.rint(images[3] * 255))


def test_npz_through_the_cache_notices_a_changed_file(tmp_path):
    path, masks = tmp_path / "a.npz", np.ones((5, 32, 32), np.uint8)
    spec = write_npz(path, np.full((5, 32, 32), 10, np.uint8), masks)
    first = open_dataset(spec)
    assert prepare(first, first.splits["trainval"], 32).images.max() == 10
    write_npz(path, np.full((5, 32, 32), 200, np.uint8), masks)
    second = open_dataset(spec)
    assert prepare(second, second.splits["trainval"], 32).images.max() == 200


def test_a_fingerprint_knows_place_size_and_time_whatever_the_order(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("a"), two.write_text("b")
    os.utime(one, ns=(5, 5)), os.utime(two, ns=(5, 5))
    first = files_fingerprint([one, two])
    assert files_fingerprint([two, one]) == first != files_fingerprint([one])
    assert files_fingerprint([one]) != files_fingerprint([two])  # of one size and time
    os.utime(two, ns=(5, 6))
    later = files_fingerprint([one, two])
    two.write_text("bb"), os.utime(two, ns=(5, 6))
    assert len({first, later, files_fingerprint([one, two])}) == 3
    two.unlink()
    assert files_fingerprint([one, two]) == files_fingerprint([one])


SQUARES = np.zeros((4, 8, 8), np.uint8)
UNFIT = {
    "counts": (SQUARES, SQUARES[:3], "must agree"),
    "sizes": (SQUARES, SQUARES[:, :7], "must agree"),
    "flat": (SQUARES[0], SQUARES[0], "they must be"),
    "four channels": (np.zeros((4, 8, 8, 4)), SQUARES, "they must be"),
    "none": (SQUARES[:0], SQUARES[:0], "they must be"),
    "one": (SQUARES[:1], SQUARES[:1], "at least two"),
    "objects": (np.array([{}, {}]), SQUARES, "plain numbers"),
    "many classes": (SQUARES, SQUARES + np.arange(8, dtype=np.uint8) * 4, "0 to 19"),
    "ignored class": (SQUARES, SQUARES + np.uint8([0, 1, 2, 255] * 2), "0 to 19"),
    "negative masks": (SQUARES, SQUARES.astype(int) - 1, "from 0 to 255"),
    "not numbers": (SQUARES, SQUARES + np.nan, "from 0 to 255"),
}


@pytest.mark.parametrize("images, masks, words", UNFIT.values(), ids=UNFIT)
def test_unfit_npz_files_get_a_sentence(tmp_path, images, masks, words):
    with pytest.raises(UserError, match=words):
        open_dataset(write_npz(tmp_path / "a.npz", images, masks))


def test_pictures_with_negative_numbers_get_a_sentence(tmp_path):
    data = open_dataset(write_npz(tmp_path / "a.npz", SQUARES - 0.5, SQUARES))
    with pytest.raises(UserError, match="from 0 to 255"):
        data.load("00000")


def test_files_that_are_no_npz_get_a_sentence(tmp_path):
    path = tmp_path / "a.npz"
    with pytest.raises(UserError, match="no file"):
        open_dataset(f"npz:{path}")
    path.write_bytes(b"not an archive")
    with pytest.raises(UserError, match="not a readable"):
        open_dataset(f"npz:{path}")
    np.savez(path, x=SQUARES, y=SQUARES)
    with pytest.raises(UserError, match="no array arr_0"):
        open_dataset(f"npz:{path}")
    np.savez(path, random.random((50, 8, 8)), random.integers(0, 2, (50, 8, 8)))
    content = bytearray(path.read_bytes())
    content[len(content) * 3 // 4] ^= 255  # in the masks, behind both heads
    path.write_bytes(content)
    with pytest.raises(UserError, match="damaged"):
        open_dataset(f"npz:{path}")


# Folder


def write_pairs(folder: Path, mask: np.ndarray, count: int = 5) -> str:
    for number in range(count):
        save(folder / "images" / f"cell{number}.jpg", grey(*mask.shape))
        save(folder / "masks" / f"cell{number}.png", mask)
    return f"folder:{folder}"


@pytest.mark.parametrize("value, classes, wanted", [(255, 2, 1), (1, 2, 1), (3, 4, 3), (254, 2, 1)])
def test_folder_of_pairs(tmp_path, value, classes, wanted):
    data = open_dataset(write_pairs(tmp_path / "cells", box(value, 2, 9)))
    assert len(data.classes) == classes and data.title == "cells"
    assert (len(data.splits["trainval"]), len(data.splits["test"])) == (4, 1)
    image, mask = data.load("cell2")
    assert image.shape == (20, 30, 3)
    np.testing.assert_array_equal(mask, box(wanted, 2, 9))


def test_a_palette_counts_by_its_indices(tmp_path):
    spec = write_pairs(tmp_path, box(2, 2, 9))
    painted = Image.fromarray(box(1, 2, 9))
    painted.putpalette([0, 0, 0, 255, 0, 0] + [0] * 762)
    painted.save(tmp_path / "masks" / "cell0.png")
    data = open_dataset(spec)
    assert len(data.classes) == 3
    np.testing.assert_array_equal(data.load("cell0").mask, box(1, 2, 9))


def test_unmatched_names_are_listed(tmp_path):
    spec = write_pairs(tmp_path, box(1, 2, 9))
    (tmp_path / "masks" / "cell3.png").rename(tmp_path / "masks" / "other.png")
    with pytest.raises(UserError, match="pictures without a mask.*cell3"):
        open_dataset(spec)
    (tmp_path / "images" / "cell3.jpg").unlink()
    with pytest.raises(UserError, match="masks without a picture.*other"):
        open_dataset(spec)


def test_different_sizes_are_listed(tmp_path):
    spec = write_pairs(tmp_path, box(1, 2, 9))
    save(tmp_path / "masks" / "cell1.png", box(1, 2, 9, width=29))
    save(tmp_path / "masks" / "cell4.png", box(1, 2, 9, width=29))
    with pytest.raises(UserError, match="size: cell1, cell4"):
        open_dataset(spec)


def test_unfit_folders_get_a_sentence(tmp_path):
    with pytest.raises(UserError, match="at least two"):
        open_dataset(f"folder:{tmp_path}")
    spec = write_pairs(tmp_path, box(1, 2, 9))
    save(tmp_path / "images" / "cell1.png", grey())
    with pytest.raises(UserError, match="two pictures called 'cell1'"):
        open_dataset(spec)
    (tmp_path / "images" / "cell1.png").unlink()
    save(tmp_path / "masks" / "cell1.png", random.integers(0, 256, (20, 30, 3), np.uint8))
    with pytest.raises(UserError, match="not a grey picture"):
        open_dataset(spec)
    (tmp_path / "masks" / "cell1.png").write_bytes(b"broken")
    with pytest.raises(UserError, match="mask masks/cell1.png is not a picture"):
        open_dataset(spec)


# What they share


WAYS = {  # what a viewer does with the stored pixels, by the EXIF orientation
    1: lambda stored: stored,
    2: np.fliplr,
    3: lambda stored: np.rot90(stored, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).T,
    8: np.rot90,
}


def noted(orientation: int | None) -> dict:
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    return {"exif": exif}


@pytest.mark.parametrize("orientation", WAYS)
@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("shape", [(20, 30), (24, 24)])
def test_a_mask_of_the_stored_pixels_turns_with_its_picture(tmp_path, orientation, suffix, shape):
    stored = grey(*shape)
    save(tmp_path / f"a.{suffix}", stored, **noted(orientation))
    for own in (None, orientation):  # a mask that has the image's note, or none
        save(tmp_path / f"mask.{suffix}", stored, **noted(own))
        image, mask = read_pair(tmp_path / f"a.{suffix}", tmp_path / f"mask.{suffix}")
        np.testing.assert_array_equal(image[..., 0], WAYS[orientation](stored))
        np.testing.assert_array_equal(mask, image[..., 0])


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
@pytest.mark.parametrize("own", [None, 1, 6])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_a_mask_of_the_upright_picture_stays_as_it_is(tmp_path, orientation, own, suffix):
    """Its shape tells, also where the image's note was copied into it."""
    stored = grey(20, 30)
    save(tmp_path / "a.png", stored, **noted(orientation))
    if suffix == "tif" and own == 6:
        pytest.skip("Pillow turns a TIFF by its own note before anybody can look")
    save(tmp_path / f"mask.{suffix}", WAYS[orientation](stored), **noted(own))
    image, mask = read_pair(tmp_path / "a.png", tmp_path / f"mask.{suffix}")
    np.testing.assert_array_equal(image[..., 0], WAYS[orientation](stored))
    np.testing.assert_array_equal(mask, image[..., 0])


def test_a_mask_drawn_in_transparency_is_not_taken_for_empty(tmp_path):
    drawn = np.zeros((20, 30, 4), np.uint8)
    drawn[4:9, 5:20, 3] = 255
    save(tmp_path / "mask.png", drawn)
    with pytest.raises(UserError, match="partly transparent"):
        read_mask(tmp_path / "mask.png")
    drawn[..., 3] = 255
    save(tmp_path / "mask.png", drawn)
    assert not read_mask(tmp_path / "mask.png").any()


def test_numbers_of_objects_are_no_smoothed_black_and_white():
    objects = np.zeros((100, 100), np.uint8)
    objects[:8] = np.arange(1, 201, dtype=np.uint8).repeat(4).reshape(8, 100)
    classes = np.zeros((100, 100), np.uint8)
    classes[:20] = np.arange(1, 21, dtype=np.uint8)[:, None]
    classes[20:22] = 255  # void
    for mask in (objects, classes):
        with pytest.raises(UserError, match="must be class ids"):
            Labels.of(value_counts(mask), "masks")


@pytest.mark.parametrize("quality", [60, 90, 95, 100])
def test_compressed_black_and_white_masks_are_that(tmp_path, quality):
    y, x = np.mgrid[:120, :160]
    disc = np.where((y - 60) ** 2 + (x - 70) ** 2 < 900, 255, 0).astype(np.uint8)
    save(tmp_path / "mask.jpg", disc, quality=quality)
    mask = read_mask(tmp_path / "mask.jpg")
    labels = Labels.of(value_counts(mask), "masks")
    assert len(labels.classes) == 2
    assert (labels.ids(mask) != (disc > 0)).mean() < 0.01


def test_a_mask_whose_own_note_says_upright_is_not_turned(tmp_path):
    """Where shapes cannot tell: a square image."""
    stored = grey(24, 24)
    save(tmp_path / "a.png", stored, **noted(6))
    save(tmp_path / "mask.png", stored, **noted(1))
    np.testing.assert_array_equal(read_pair(tmp_path / "a.png", tmp_path / "mask.png").mask, stored)


def test_a_turned_mask_of_a_picture_without_a_note(tmp_path):
    stored = grey(20, 30)
    save(tmp_path / "a.png", np.rot90(stored, -1))
    save(tmp_path / "mask.png", stored, **noted(6))
    image, mask = read_pair(tmp_path / "a.png", tmp_path / "mask.png")
    np.testing.assert_array_equal(mask, image[..., 0])


def test_a_folder_of_photos_taken_upright_is_opened_and_turned(tmp_path):
    spec = write_pairs(tmp_path, box(1, 2, 9))
    stored = grey(20, 30)
    save(tmp_path / "images" / "cell0.jpg", stored, **noted(6))
    save(tmp_path / "images" / "cell1.jpg", stored, **noted(6))
    save(tmp_path / "masks" / "cell1.png", np.rot90(box(1, 2, 9), -1))
    data = open_dataset(spec)
    for name in ("cell0", "cell1"):
        image, mask = data.load(name)
        assert image.shape == (30, 20, 3)
        np.testing.assert_array_equal(mask, np.rot90(box(1, 2, 9), -1))
    save(tmp_path / "masks" / "cell1.png", np.rot90(box(1, 2, 9, width=29), -1))
    with pytest.raises(UserError, match="differ in size: cell1"):
        open_dataset(spec)


@pytest.mark.parametrize("orientation", WAYS)
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_a_header_tells_the_size_of_the_upright_picture(tmp_path, orientation, suffix):
    path = tmp_path / f"a.{suffix}"
    save(path, grey(20, 30), **noted(orientation))
    header = read_header(path, "a")
    assert header.shape == read_image(path).shape[:2]
    assert header.orientation == orientation


def test_a_mask_beyond_the_limit_of_pixels_is_not_decoded(tmp_path):
    spec = write_pairs(tmp_path, box(1, 2, 9))
    Image.new("1", (5001, 5000)).save(tmp_path / "masks" / "cell1.png")
    with pytest.raises(UserError, match="mask masks/cell1.png has over 25 million pixels"):
        open_dataset(spec)


def test_pictures_are_no_masks(tmp_path):
    """Grey values of all kinds are not black and white, however many there are."""
    spec = write_pairs(tmp_path, box(1, 2, 9))
    save(tmp_path / "masks" / "cell1.png", np.arange(600).reshape(20, 30).astype(np.uint8))
    with pytest.raises(UserError, match="values 0, 1, 2, 3, 4, 5, …"):
        open_dataset(spec)


def test_a_palette_of_black_and_white_counts_by_its_colours(tmp_path):
    """As paint programs save black and white; white may well be number 0."""
    for colors in ([0, 0, 0, 255, 255, 255], [255, 255, 255, 0, 0, 0]):
        painted = Image.fromarray(box(1, 2, 9))
        painted.putpalette(colors)
        painted.save(tmp_path / "a.png")
        white = box(255, 2, 9) if colors[0] == 0 else 255 - box(255, 2, 9)
        np.testing.assert_array_equal(read_mask(tmp_path / "a.png"), white)


def test_fractions_in_a_mask_are_rounded_and_numbers_that_are_none_refused(tmp_path):
    values = np.full((20, 30), 0.9, np.float32)
    save(tmp_path / "a.tif", values)
    assert (read_mask(tmp_path / "a.tif") == 1).all()
    values[0, 0] = np.nan
    save(tmp_path / "a.tif", values)
    with pytest.raises(UserError, match="from 0 to 255"):
        read_mask(tmp_path / "a.tif")


# Classes


OLD_PETS = [{"name": name, "color": "#000000"} for name in ("pet", "background", "border")]


def roles(entries: list[dict], is_own_data: bool) -> list[str]:
    return [c.role for c in read_classes(entries, is_own_data)]


def test_classes_written_without_roles_are_told_by_their_names():
    assert roles(OLD_PETS, False) == ["object", "background", "border"]
    assert roles(OLD_PETS, True) == ["object", "background", "object"]
    renamed = [{"name": "rest", "color": "#000000"}, {"name": "cell", "color": "#ffffff"}]
    assert roles(renamed, True) == ["background", "object"]
    assert roles(renamed, False) == ["object", "object"]  # as membrane and cell


def test_classes_with_roles_are_what_they_say_whatever_their_names():
    entries = [
        asdict(ClassInfo("background", "#000000")),
        asdict(ClassInfo("a", "#1", "background")),
    ]
    assert roles(entries, True) == ["object", "background"]


def test_every_data_set_says_which_class_is_background(tmp_path):
    assert [c.role for c in Lungs.classes] == ["background", "object"]
    assert [c.role for c in PET_CLASSES] == ["object", "background", "border"]
    assert not any(c.is_background for c in Membrane.classes)
    data = open_dataset(write_pairs(tmp_path, box(2, 2, 9)))
    assert [c.role for c in data.classes] == ["background", "object", "object"]


def test_one_bit_masks_are_black_and_white(tmp_path):
    save(tmp_path / "a.png", box(1, 2, 9).astype(bool))
    np.testing.assert_array_equal(read_mask(tmp_path / "a.png"), box(255, 2, 9))


def test_splits_are_the_same_whatever_the_order():
    names = [f"film{number}" for number in range(138)]
    split = split_names(names, 1)
    assert split == split_names(reversed(names), 1) != split_names(names, 2)
    assert len(split["test"]) == 28 and sorted(split["trainval"] + split["test"]) == sorted(names)


def test_twenty_classes_have_twenty_colours():
    classes = numbered_classes(20)
    assert len({c.color for c in classes}) == len({c.name for c in classes}) == 20


def test_unknown_kinds_and_missing_paths():
    for spec in ("npz:", "folder", "csv:a.csv", "pets:x"):
        with pytest.raises(UserError, match="npz:FILE"):
            open_dataset(spec)


@pytest.mark.parametrize(
    "name, counts, tests",
    [
        ("lungs", (110, 28), ["MCUCXR_0002_0", "MCUCXR_0005_0", "MCUCXR_0013_0"]),
        ("membrane", (22, 6), ["24", "25", "26"]),
    ],
)
def test_real_data(name, counts, tests):
    """The splits are written down: a model's score must stay on films it never saw."""
    if not (Path(os.environ.get("UNET_DATA_DIR", "nowhere")) / name).is_dir():
        pytest.skip(f"UNET_DATA_DIR does not lead to {name}/")
    dataset = open_dataset(name)
    assert (len(dataset.splits["trainval"]), len(dataset.splits["test"])) == counts
    assert dataset.splits["test"][:3] == tests
    for sample_name in dataset.splits["test"]:
        image, mask = dataset.load(sample_name)
        assert image.shape == (*mask.shape, 3) and set(np.unique(mask)) == {0, 1}


# The stack of membranes


@pytest.fixture
def stack(data):
    """Thirty slices whose names do not sort by themselves."""
    for number in range(30):
        save(data / "membrane" / "images" / f"slice-{number}.png", grey())
        save(data / "membrane" / "masks" / f"slice-{number}.png", 255 - box(255, 3, 9))
    return open_dataset("membrane")


def places(names: list[str]) -> list[int]:
    return [int(name.removeprefix("slice-")) for name in names]


def apart(first: list[str], second: list[str]) -> int:
    """Slices from one set to the next of the other."""
    return min(abs(a - b) for a in places(first) for b in places(second))


@pytest.mark.parametrize("images", [None, 12])
def test_no_slice_that_scores_lies_next_to_one_that_trains(stack, images):
    training, validation = split_for_training(stack, TrainingConfig(max_images=images))
    test = stack.splits["test"]
    assert places(test) == list(range(24, 30))
    assert apart(training, test) >= 3 and apart(validation, test) >= 3
    assert apart(training, validation) == 3
    assert (len(training), len(validation)) == ((18, 2) if images is None else (11, 1))


def test_too_short_a_stack_is_told(data):
    for number in range(7):
        save(data / "membrane" / "images" / f"{number}.png", grey())
        save(data / "membrane" / "masks" / f"{number}.png", 255 - box(255, 3, 9))
    with pytest.raises(UserError, match="2 pictures to train on; 4 are needed"):
        split_for_training(open_dataset("membrane"), TrainingConfig(max_images=None))


@pytest.fixture
def old_run(stack, shipped) -> Run:
    """As from before there was a rule: its config has none."""
    new = new_run(TrainingConfig(data="membrane", max_images=None), "new")
    assert new.config["split_rule"] == "by distance"
    return create_run({k: v for k, v in new.config.items() if k != "split_rule"}, "old")


@pytest.fixture
def drawn_split() -> dict[str, list[str]]:
    """Of thirty slices, as it was before there was a rule."""
    return split_names([f"slice-{number}" for number in range(30)], 2012)


def test_a_run_keeps_the_split_that_it_has_learned_from(stack, old_run, drawn_split):
    """Else an older run would be scored on slices that it was trained on."""
    new = find_run("new")
    for opened in (data_of(old_run.config), open_data(old_run, "membrane")):
        assert opened.splits == drawn_split and opened.split_rule == ""
    for opened in (data_of(new.config), open_data(new, "membrane")):
        assert opened.splits == stack.splits
    assert set(drawn_split["test"][:4]) < set(samples_for(old_run))
    assert set(stack.splits["test"][:4]) < set(samples_for(new))
    other = create_run(old_run.config | {"training": TrainingConfig().to_dict()}, "other")
    assert open_data(other, "membrane").splits == stack.splits


def test_the_test_pictures_of_a_page_are_none_that_the_run_has_seen(old_run, drawn_split):
    def page(folder: str) -> None:
        from pathlib import Path

        from pages.shared.image_choice import choose_image
        from unet_core.store.runs import Run

        choose_image(Run(Path(folder)))

    app = AppTest.from_function(page, kwargs={"folder": str(old_run.path)}).run()
    assert not app.exception
    assert app.selectbox[0].options == drawn_split["test"]


def test_an_older_training_goes_on_with_its_split(old_run, drawn_split, monkeypatch):
    seen = []

    def fit(run, config, dataset, training, validation, reporter, deadline) -> bool:
        seen.extend([dataset.splits, sorted(training.names + validation.names)])
        return True

    monkeypatch.setitem(sys.modules, "unet_core.training.fit", SimpleNamespace(fit=fit))
    monkeypatch.setattr(unet_core, "training", sys.modules["unet_core.training"], raising=False)
    train(old_run)
    assert seen == [drawn_split, drawn_split["trainval"]]


def test_a_result_says_how_the_data_was_split(stack, old_run, channel_run):
    channel_run.config["classes"] = [{"name": c.name, "color": c.color} for c in stack.classes]
    known = Known()
    for data, rule in ((stack, "by distance"), (data_of(old_run.config), "")):
        result = evaluate(channel_run, data, "test", segmenter=known)
        assert result["split_rule"] == rule
        assert [p["name"] for p in result["per_image"]] == data.splits["test"]


class Known:
    """A segmenter that calls everything a cell."""

    size = 32

    def probabilities(self, image: np.ndarray) -> np.ndarray:
        return np.tile(np.float32([0.1, 0.9]), (32, 32, 1))


def test_a_split_that_is_not_known_is_refused(stack):
    with pytest.raises(UserError, match="'by moonlight'"):
        stack.split_by("by moonlight")
    with pytest.raises(UserError, match="Drawn pets"):
        open_dataset("synthetic").split_by("by distance")
