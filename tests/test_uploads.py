"""A user's own data, as it is uploaded, kept, named and removed."""

import io
import os
import zipfile

import numpy as np
import pytest
from PIL import Image

from unet_core.data import open_dataset, uploads
from unet_core.data.preview import preview
from unet_core.data.uploads import keep_upload, name_classes, remove
from unet_core.errors import UserError
from unet_core.jobs.new_runs import new_run
from unet_core.store.config import TrainingConfig
from unet_core.store.files import read_json
from unet_core.store.runs import Run, write_json

MAX_BYTES = 1e6  # bytes
MASK = np.zeros((20, 30), np.uint8)
MASK[5:15, 10:20] = 1
IMAGE = np.full((20, 30, 3), 90, np.uint8)


def png(values: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(values).save(file, format="PNG")
    return file.getvalue()


def pairs(count: int = 5, image=IMAGE, mask=MASK) -> list[tuple[str, bytes]]:
    names = [f"cell {number}" for number in range(count)]
    images = [(f"{name}.png", png(image)) for name in names]
    return images + [(f"{name}_mask.png", png(mask)) for name in names]


def npz(**arrays) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def npz_of_cells() -> bytes:
    return npz(arr_0=np.stack([IMAGE] * 5), arr_1=np.stack([MASK * 255] * 5))


def zipped(files: list[tuple[str, bytes]]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    "files",
    [pairs(), [("My cells.zip", zipped(pairs()))], [("My cells.npz", npz_of_cells())]],
    ids=["images", "zip", "npz"],
)
def test_every_form_can_be_opened_by_the_name_that_a_run_keeps(files):
    counts = []
    kept = keep_upload(files, MAX_BYTES, lambda *count: counts.append(count))
    data = open_dataset(kept.name)
    assert [c.name for c in data.classes] == ["background", "object"]
    assert [len(data.splits[split]) for split in ("trainval", "test")] == [4, 1]
    sample = data.load(data.splits["test"][0])
    np.testing.assert_array_equal(sample.image, IMAGE)
    np.testing.assert_array_equal(sample.mask, MASK)
    assert counts[-1] == (5, 5)
    assert preview(data, side=16).shape == (16, 64, 3)


def test_the_same_files_are_kept_once():
    first, again = keep_upload(pairs(), MAX_BYTES), keep_upload(pairs(), MAX_BYTES)
    other = keep_upload(pairs(6), MAX_BYTES)
    assert first.name == again.name != other.name
    assert [u.name for u in uploads.uploads()] == [other.name, first.name]
    keep_upload(pairs(), MAX_BYTES)  # now the latest again
    assert [u.name for u in uploads.uploads()] == [first.name, other.name]


def test_large_pictures_are_kept_smaller():
    image, mask = np.zeros((300, 1200, 3), np.uint8), np.zeros((300, 1200), np.uint8)
    mask[:, :600] = 2
    data = keep_upload(pairs(image=image, mask=mask), MAX_BYTES)
    sample = data.load(data.splits["test"][0])
    assert sample.image.shape == (128, 512, 3)
    assert set(np.unique(sample.mask)) == {0, 2}


@pytest.mark.parametrize(
    "files, words",
    [
        (pairs(4), "has 4 pictures; it takes 5 to 1,000"),
        (pairs()[:-1], "Without a partner: cell 4"),
        (pairs(mask=MASK[:10]), "Picture and mask differ in size: cell 0, cell 1"),
        (pairs(mask=MASK * 77), "have the values 0, 77"),
        ([("a.zip", b"no zip")], "not a zip"),
        ([("a.npz", b"no npz")], "not a readable .npz"),
        ([("a.npz", npz(arr_0=IMAGE[None]))], "no array arr_1"),
        ([("a.npz", npz_of_cells()), ("b.png", png(IMAGE))], "npz file alone"),
        ([("a.npz", npz(arr_0=np.zeros((9, 500, 500, 3)), arr_1=MASK))], "unpacks to over 4 MB"),
        ([("a.zip", zipped([("a.png", bytes(5_000_000))]))], "a.zip unpacks to over 4 MB"),
        ([("a.png", bytes(2_000_000))], "over 1 MB"),
    ],
)
def test_what_does_not_fit_gets_a_sentence_and_leaves_nothing(files, words, tmp_path):
    with pytest.raises(UserError, match=words) as error:
        keep_upload(files, MAX_BYTES)
    assert str(tmp_path) not in str(error.value)
    assert not uploads.uploads() and not list((tmp_path / "runs" / ".data").glob("*"))


def test_classes_get_names_that_new_runs_take_over():
    data = keep_upload(pairs(), MAX_BYTES)
    with pytest.raises(UserError, match="2 different names"):
        name_classes(data, ["cell", "cell"])
    name_classes(data, ["background", "cell"])
    run = new_run(TrainingConfig(data=data.name))
    assert [c.name for c in run.classes] == ["background", "cell"]


def test_the_background_is_the_same_class_by_any_name():
    data = keep_upload(pairs(), MAX_BYTES)
    name_classes(data, ["rest", "background"])
    run = new_run(TrainingConfig(data=data.name))
    for classes in (open_dataset(data.name).classes, run.classes):
        assert [(c.name, c.is_background) for c in classes] == [
            ("rest", True),
            ("background", False),
        ]


def test_an_upload_that_was_renamed_before_roles_were_kept_has_its_background():
    data = keep_upload(pairs(), MAX_BYTES)
    classes = [{"name": "rest", "color": "#56B4E9"}, {"name": "cell", "color": "#E69F00"}]
    write_json(data.folder / "set.json", read_json(data.folder / "set.json") | {"classes": classes})
    data = open_dataset(data.name)
    run = new_run(TrainingConfig(data=data.name))
    write_json(run.path / "config.json", run.config | {"classes": classes})
    assert Run(run.path).classes == data.classes
    assert [c.is_background for c in data.classes] == [True, False]


def test_what_a_training_needs_is_not_removed(monkeypatch):
    data = keep_upload(pairs(), MAX_BYTES)
    run = new_run(TrainingConfig(data=data.name))
    run.write_status(state="running", pid=os.getpid())
    monkeypatch.setitem(uploads.KEPT, "upload", 1)
    newest = keep_upload(pairs(6), MAX_BYTES)
    keep_upload(pairs(7), MAX_BYTES)
    assert not newest.folder.exists()
    with pytest.raises(UserError, match="still needs"):
        remove(data)
    run.write_status(state="done")
    remove(data)
    with pytest.raises(UserError, match="upload it again"):
        open_dataset(data.name)


def test_a_name_leads_nowhere_else(tmp_path):
    (tmp_path / "set.json").write_text("{}")
    for name in ("upload:../..", "upload:", "upload:a/b"):
        with pytest.raises(UserError):
            open_dataset(name)
