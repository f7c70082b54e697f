"""Scenes put together: images, masks and outlines move together, and objects become small."""

import numpy as np
import pytest

from unet_core.data.composites import Composites, Cutout, camera, paste
from unet_core.data.prepared import Prepared
from unet_core.data.synthetic import SyntheticPets
from unet_core.errors import UserError
from unet_core.store.config import TrainingConfig

PET, BACKGROUND, BORDER = 0, 1, 2
SIDE = 64


def prepared(images: list[np.ndarray], masks: list[np.ndarray]) -> Prepared:
    return Prepared([str(i) for i in range(len(images))], np.stack(images), np.stack(masks))


@pytest.fixture(scope="module")
def parts() -> tuple[Prepared, Prepared]:
    """Red pets with a dark red border on green, and blue scenes: color tells the class."""
    mask = np.full((SIDE, SIDE), BACKGROUND, np.uint8)
    mask[12:44, 16:48], mask[16:40, 20:44] = BORDER, PET
    colors = np.array([[250, 0, 0], [0, 250, 0], [250, 0, 0]], np.uint8)
    blue = np.full((SIDE, SIDE, 3), (0, 0, 250), np.uint8)
    empty = np.full_like(mask, BACKGROUND)
    return prepared([colors[mask]] * 3, [mask] * 3), prepared([blue] * 2, [empty] * 2)


@pytest.fixture
def plain(monkeypatch) -> None:
    """No camera, no change of light: colors stay."""
    monkeypatch.setattr("unet_core.data.composites.camera", lambda random, image: image)


def test_a_scenes_mask_is_where_its_pets_are(parts, plain):
    composites = Composites(SyntheticPets(), *parts, 60, seed=3)
    right, sizes, kinds = [], [], set()
    for name in composites.splits["trainval"]:
        image, mask = composites.load(name)
        assert image.shape == (SIDE, SIDE, 3) and mask.shape == (SIDE, SIDE)
        is_red = image[..., 0] > image[..., 1:].max(-1)
        right.append((is_red == (mask != BACKGROUND)).mean())
        sizes.append((mask == PET).mean())
        kinds |= set(np.unique(mask))
    assert kinds == {PET, BACKGROUND, BORDER}
    assert np.mean(right) > 0.97 and min(right) > 0.85
    assert min(sizes) < 0.02 and max(sizes) > 0.12  # as prepared: 0.14


def test_the_same_number_is_the_same_scene_and_another_seed_another(parts):
    first, again, other = (Composites(SyntheticPets(), *parts, 5, s) for s in (0, 0, 1))
    for name in first.splits["trainval"]:
        np.testing.assert_array_equal(first.load(name).image, again.load(name).image)
    assert any((first.load(n).image != other.load(n).image).any() for n in "01234")
    assert first.fingerprint == again.fingerprint != other.fingerprint


def test_things_with_an_objects_outline_are_no_objects(parts):
    composites = Composites(SyntheticPets(), *parts, 1, seed=0)
    for make in (composites._patch, composites._posts):
        thing = make(np.random.default_rng(0))
        assert (thing.alpha > 127).any()
        assert (thing.mask == BACKGROUND).all()
        assert (thing.image[..., 2] > 200).all()  # blue: of a scene without a pet
        np.testing.assert_array_equal(thing.covers > 127, thing.alpha > 127)


def cutout(sides: tuple[bool, ...]) -> Cutout:
    opaque = np.full((10, 20), 255, np.uint8)
    red = np.full((10, 20, 3), (250, 0, 0), np.uint8)
    return Cutout(red, opaque, np.full((10, 20), PET, np.uint8), opaque, sides)


@pytest.mark.parametrize(
    ("sides", "edge"),
    [
        ((True, False, False, False), np.s_[0]),
        ((False, True, False, False), np.s_[:, 0]),
        ((False, False, True, False), np.s_[-1]),
        ((False, False, False, True), np.s_[:, -1]),
    ],
)
def test_what_a_frame_has_cut_off_lies_at_the_frame(sides, edge):
    for seed in range(20):
        image = np.zeros((40, 60, 3), np.float32)
        mask = np.full((40, 60), BACKGROUND, np.uint8)
        paste(np.random.default_rng(seed), image, mask, cutout(sides))
        assert (mask[edge] == PET).any()


def test_a_pasted_object_is_blended_and_leaves_the_rest():
    image = np.full((40, 60, 3), 100, np.float32)
    mask = np.full((40, 60), BACKGROUND, np.uint8)
    half = cutout((False,) * 4)
    half.alpha[:, :10] = 0
    half.covers[:, :10] = 0
    paste(np.random.default_rng(1), image, mask, half)
    assert 0 < (mask == PET).sum() <= 100
    assert (image[mask == PET][:, 0] > 150).all()
    assert (image[mask != PET] <= 100).all()  # in its shadow, or untouched
    assert (image[mask != PET] == 100).any()


def test_the_camera_changes_pixels_and_keeps_them_in_range():
    image = np.random.default_rng(0).uniform(0, 255, (32, 32, 3)).astype(np.float32)
    changed = [camera(np.random.default_rng(seed), image) for seed in range(40)]
    assert all(c.dtype == np.uint8 and c.shape == image.shape for c in changed)
    apart = [np.abs(c - image).mean() for c in changed]
    assert min(apart) < 1 and max(apart) > 15  # some are left alone
    assert all(abs(c.mean() - image.mean()) < 60 for c in changed)


def test_images_without_an_object_to_cut_out_get_a_sentence(parts):
    _, empty = parts
    with pytest.raises(UserError, match="no objects that could be put into other scenes"):
        Composites(SyntheticPets(), empty, empty, 3, seed=0)


def test_composites_need_scenes():
    with pytest.raises(UserError, match="set negatives too"):
        TrainingConfig(composites=5).check()
