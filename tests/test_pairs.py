"""Uploaded images with masks."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from unet_core.data.labels import numbered_classes
from unet_core.data.membrane import Membrane
from unet_core.data.pets import PET_CLASSES
from unet_core.data.uploads import Pairs, keep_pairs, keep_upload
from unet_core.errors import UserError
from unet_core.store.classes import ClassInfo
from unet_core.store.environment import runs_folder

LUNGS = (ClassInfo("background", "#56B4E9", "background"), ClassInfo("lung", "#E69F00"))


def png(values) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.asarray(values, np.uint8)).save(file, format="PNG")
    return file.getvalue()


IMAGE = png(np.full((16, 16, 3), 90))


def mask(*values) -> bytes:
    """A 16 × 16 mask, a band for each value."""
    return png(np.repeat(np.array(values), 16 // len(values))[:, None].repeat(16, 1))


def pairs(*masks: bytes) -> list[tuple[str, bytes]]:
    """Files of images called a, b, … with these masks."""
    named = zip("abc", masks, strict=False)
    return [file for n, m in named for file in ((f"{n}.png", IMAGE), (f"{n}_mask.png", m))]


def ids(files: list[tuple[str, bytes]], classes) -> list[list[int]]:
    """The first column's distinct runs of class ids, a list a pair."""
    data = Pairs(keep_pairs(files), classes)
    columns = [data.load(name).mask[:, 0] for name in data.splits["test"]]
    return [column[np.flatnonzero(np.diff(column, prepend=255))].tolist() for column in columns]


def test_class_numbers_are_taken_as_they_are():
    files = pairs(mask(0, 1, 2, 1))
    assert ids(files, PET_CLASSES) == [[0, 1, 2, 1]]


def test_black_and_white_are_background_and_object():
    files = pairs(mask(0, 255))
    assert ids(files, LUNGS) == [[0, 1]]
    assert ids(files, LUNGS[::-1]) == [[1, 0]]  # whichever class is background
    assert ids(files, Membrane.classes) == [[0, 1]]  # without one: the first is black


def test_black_and_white_on_three_classes_are_scored_as_two():
    files = pairs(mask(0, 255))
    assert ids(files, PET_CLASSES) == [[0, 1]]
    data = Pairs(keep_pairs(files), PET_CLASSES)
    assert data.classes == (PET_CLASSES[1], PET_CLASSES[0])
    assert data.note == (
        "The masks are black and white, and scored so: black is background, white pet; where the "
        "model says border, the likelier of these counts."
    )
    cells = numbered_classes(3)
    data = Pairs(keep_pairs(files), cells)
    assert [c.name for c in data.classes] == ["background", "object"]
    assert data.note.endswith("white class 1 or class 2.")
    things = (*cells[1:], ClassInfo("class 3", "#000000"))
    with pytest.raises(UserError, match="class numbers do"):
        Pairs(keep_pairs(files), things)
    assert ids(pairs(mask(0)), things) == [[0]]


def test_a_black_mask_beside_black_and_white_ones_is_all_background():
    files = pairs(mask(0), mask(0, 255), mask(255))
    assert ids(files, PET_CLASSES) == ids(files, LUNGS) == [[0], [0, 1], [1]]
    assert Pairs(keep_pairs(files), PET_CLASSES).classes[0].is_background


def test_masks_without_anything_in_them_are_background():
    """Not class 0, which would make whole images pets."""
    files = pairs(mask(0))
    data = Pairs(keep_pairs(files), PET_CLASSES)
    assert ids(files, PET_CLASSES) == [[0]] and data.classes[0].name == "background"
    assert ids(files, Membrane.classes) == [[0]]


def test_smoothed_masks_are_black_and_white_here_too():
    dark, light = range(8, 12), range(244, 248)
    files = pairs(mask(*range(8), *range(248, 256)), mask(*dark, *light))
    assert ids(files, PET_CLASSES) == [[0, 1], [0, 1]]


def test_masks_that_mean_different_things_are_refused():
    files = pairs(mask(0, 255), mask(0, 1))
    with pytest.raises(UserError, match=r"values 0, 1, 255 \(255 in 0000-a\); all must"):
        Pairs(keep_pairs(files), LUNGS)


def test_trimaps_are_told_by_the_whole_upload_from_class_numbers():
    files = pairs(mask(1, 2, 3, 2), mask(1, 2))
    assert ids(files, PET_CLASSES) == [[0, 1, 2, 1], [0, 1]]
    assert ids(files[2:], PET_CLASSES) == [[0, 1]]
    assert ids([*files, ("c.png", IMAGE), ("c_mask.png", mask(0, 1, 2, 1))][2:], PET_CLASSES) == [
        [1, 2],
        [0, 1, 2, 1],
    ]
    with pytest.raises(UserError, match="values 0, 1, 2, 3"):
        Pairs(keep_pairs([*files, ("c.png", IMAGE), ("c_mask.png", mask(0, 1))]), PET_CLASSES)


def test_ones_alone_are_a_class_and_no_trimap():
    assert ids(pairs(mask(1)), PET_CLASSES) == [[1]]


def test_classes_without_a_border_have_no_trimaps():
    files = pairs(mask(1, 2))
    assert ids(files, numbered_classes(3)) == [[1, 2]]


def test_a_zip_with_folders():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mine/images/cat.png", IMAGE)
        archive.writestr("mine/masks/cat.png", mask(0, 1))
        archive.writestr("__MACOSX/mine/images/._cat.png", b"junk")
        archive.writestr("mine/notes.txt", b"notes")
    assert ids([("mine.zip", file.getvalue())], LUNGS) == [[0, 1]]


def test_uploads_lie_hidden_beside_the_runs():
    name = keep_pairs(pairs(mask(0, 255)))
    folder = runs_folder() / ".uploads" / name.removeprefix("pairs:")
    assert [path.name for path in sorted(folder.iterdir())] == ["images", "masks"]


def test_the_same_file_twice_counts_once():
    files = pairs(mask(0, 1))
    assert keep_pairs(files + files) == keep_pairs(files)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ([("a.png", IMAGE), ("a.jpg", b"other")], "Two files are called a"),
        ([("a.png", IMAGE), ("b_mask.png", mask(0, 1))], r"a \(no mask\), b \(no picture\)"),
        ([], "No pairs were found"),
        ([("a.png", IMAGE), ("a_mask.png", png(np.zeros((8, 16))))], "must be the same"),
        ([("a.png", IMAGE), ("a_mask.png", png(np.eye(16)[..., None] * (9, 0, 0)))], "coloured"),
        ([("a.png", b"junk"), ("a_mask.png", mask(0, 1))], "a is not a picture"),
        ([("a.zip", b"junk")], "a.zip is not a zip"),
    ],
)
def test_what_does_not_fit_is_named(files, says):
    with pytest.raises(UserError, match=says):
        keep_pairs(files)


def test_a_mask_with_unknown_classes_names_the_known_ones():
    files = pairs(mask(0, 1), mask(0, 7))
    with pytest.raises(UserError, match="7 in 0001-b.*0 pet, 1 background, 2 border"):
        Pairs(keep_pairs(files), PET_CLASSES)


@pytest.mark.parametrize("name", ["pairs:../../etc", "pairs:", "pairs:0123"])
def test_nothing_outside_the_uploads_is_opened(name):
    folder = runs_folder().parent / "etc" / "masks"
    folder.mkdir(parents=True)
    (folder / "a.png").write_bytes(mask(0, 1))
    (runs_folder() / ".uploads").mkdir(parents=True)
    with pytest.raises(UserError, match="upload them again"):
        Pairs(name, LUNGS)


def photos(*masks: np.ndarray, orientation: int) -> list[tuple[str, bytes]]:
    """Square noise with a camera's note, and masks without one."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    files = []
    for number, values in enumerate(masks):
        noise = np.random.default_rng(number).integers(0, 255, (*values.shape, 3), np.uint8)
        image = io.BytesIO()
        Image.fromarray(noise).save(image, format="PNG", exif=exif)
        files += [(f"{number}.png", image.getvalue()), (f"{number}_mask.png", png(values))]
    return files


def corner(value: int, height: int = 16, width: int = 16) -> np.ndarray:
    values = np.zeros((height, width), np.uint8)
    values[:5, :3] = value
    return values


SMOOTH = np.repeat([0, 255], 128).astype(np.uint8).reshape(16, 16)
SMOOTH[8] = np.arange(0, 256, 16)  # an edge that fades
SMOOTH[0, :8] = range(1, 9)


@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize(
    "marked",
    [
        [corner(255), corner(0), corner(255), corner(0) + 255, corner(255)],
        [corner(1), corner(0), corner(1), corner(1), corner(1)],
        [corner(2), corner(1), corner(0), corner(1), corner(2)],
        [corner(255, 16, 20), corner(255, 20, 16), corner(0), corner(255), corner(255)],
        [SMOOTH] * 5,
    ],
    ids=["black and white", "ones", "numbers", "not square", "smooth"],
)
def test_training_and_evaluation_read_the_same_files_alike(marked, orientation):
    files = photos(*marked, orientation=orientation)
    learned = keep_upload(files, 1e6)
    scored = Pairs(keep_pairs(files), learned.classes)
    assert scored.classes == learned.classes
    names = sorted(sum(learned.splits.values(), []), key=lambda name: name.split("-")[1])
    for ours, theirs in zip(names, scored.splits["test"], strict=True):
        for first, second in zip(learned.load(ours), scored.load(theirs), strict=True):
            np.testing.assert_array_equal(first, second)


def test_a_photo_and_its_mask_are_turned_together():
    files = photos(corner(1, 16, 20), corner(1), orientation=6)
    data = Pairs(keep_pairs(files), LUNGS)
    for name in data.splits["test"]:
        assert data.load(name).mask[:3, -5:].all() and data.load(name).mask.sum() == 15
    assert data.load("0000-0").image.shape == (20, 16, 3)
