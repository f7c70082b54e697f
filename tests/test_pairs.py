"""Uploaded pictures with masks."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from unet_core.data.base import ClassInfo
from unet_core.data.pairs import Pairs, keep_pairs
from unet_core.data.pets import PET_CLASSES
from unet_core.errors import UserError

LUNGS = (ClassInfo("background", "#56B4E9"), ClassInfo("lung", "#E69F00"))


def png(values) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.asarray(values, np.uint8)).save(file, format="PNG")
    return file.getvalue()


PICTURE = png(np.full((16, 16, 3), 90))


def mask(*values) -> bytes:
    """A 16 × 16 mask, a band for each value."""
    return png(np.repeat(np.array(values), 16 // len(values))[:, None].repeat(16, 1))


def ids(files: list[tuple[str, bytes]], classes) -> list[list[int]]:
    """The first column's distinct runs of class ids, a list a pair."""
    data = Pairs(keep_pairs(files), classes)
    columns = [data.load(name).mask[:, 0] for name in data.splits["test"]]
    return [column[np.flatnonzero(np.diff(column, prepend=255))].tolist() for column in columns]


def test_class_numbers_are_taken_as_they_are():
    files = [("a.png", PICTURE), ("a_mask.png", mask(0, 1, 2, 1))]
    assert ids(files, PET_CLASSES) == [[0, 1, 2, 1]]


def test_0_and_255_are_background_and_object():
    files = [("a.png", PICTURE), ("a_mask.png", mask(0, 255))]
    assert ids(files, LUNGS) == [[0, 1]]
    assert ids(files, PET_CLASSES) == [[1, 0]]  # pet is class 0, background class 1


def test_trimaps_are_told_by_the_whole_upload_from_class_numbers():
    files = [("a.png", PICTURE), ("a_mask.png", mask(1, 2, 3, 2)),
             ("b.png", PICTURE), ("b_mask.png", mask(1, 2))]  # fmt: skip
    assert ids(files, PET_CLASSES) == [[0, 1, 2, 1], [0, 1]]


def test_a_zip_with_folders():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mine/images/cat.png", PICTURE)
        archive.writestr("mine/masks/cat.png", mask(0, 1))
        archive.writestr("__MACOSX/mine/images/._cat.png", b"junk")
        archive.writestr("mine/notes.txt", b"notes")
    assert ids([("mine.zip", file.getvalue())], LUNGS) == [[0, 1]]


def test_the_same_file_twice_counts_once():
    files = [("a.png", PICTURE), ("a_mask.png", mask(0, 1))]
    assert keep_pairs(files + files) == keep_pairs(files)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ([("a.png", PICTURE), ("a.jpg", b"other")], "Two files are called a"),
        ([("a.png", PICTURE), ("b_mask.png", mask(0, 1))], r"a \(no mask\), b \(no picture\)"),
        ([], "No pairs were found"),
        ([("a.png", PICTURE), ("a_mask.png", png(np.zeros((8, 16))))], "must be the same"),
        ([("a.png", PICTURE), ("a_mask.png", png(np.eye(16)[..., None] * (9, 0, 0)))], "coloured"),
        ([("a.png", b"junk"), ("a_mask.png", mask(0, 1))], "a is not a picture"),
        ([("a.zip", b"junk")], "a.zip is not a zip"),
    ],
)
def test_what_does_not_fit_is_named(files, says):
    with pytest.raises(UserError, match=says):
        keep_pairs(files)


def test_a_mask_with_unknown_classes_names_the_known_ones():
    name = keep_pairs([("a.png", PICTURE), ("a_mask.png", mask(0, 7))])
    data = Pairs(name, PET_CLASSES)
    with pytest.raises(UserError, match="value 7.*0 pet, 1 background, 2 border"):
        data.load(data.splits["test"][0])


@pytest.mark.parametrize("name", ["pairs:../../etc", "pairs:", "pairs:0123"])
def test_nothing_outside_the_uploads_is_opened(name):
    with pytest.raises(UserError, match="upload them again"):
        Pairs(name, LUNGS)
