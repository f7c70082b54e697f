import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from unet_core.data import open_dataset
from unet_core.data.drawn import BACKGROUND, BORDER, PET, draw_pet, trimap
from unet_core.errors import UserError


def test_a_seed_gives_the_same_picture_in_any_order():
    first = draw_pet(3)
    draw_pet(4)
    again = draw_pet(3)
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.mask, again.mask)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("kind", ["cat", "dog"])
def test_an_animal_has_a_border_between_itself_and_the_background(seed, kind):
    image, mask = draw_pet(seed, kind)
    assert image.dtype == mask.dtype == np.uint8
    assert image.shape == (*mask.shape, 3)
    assert set(np.unique(mask)) == {PET, BACKGROUND, BORDER}
    touching = binary_dilation(mask == PET) & (mask == BACKGROUND)
    assert not touching.any()


def test_a_scene_without_an_animal_is_all_background():
    assert (draw_pet(5, "none").mask == BACKGROUND).all()


def test_a_trimap_follows_its_silhouette():
    alpha = np.zeros((100, 100), np.float32)
    alpha[20:80, 20:80] = 1
    mask = trimap(alpha)
    assert mask[50, 50] == PET and mask[5, 5] == BACKGROUND
    assert mask[20, 50] == mask[19, 50] == BORDER


def test_the_splits_share_nothing_and_some_pictures_are_empty():
    drawn = open_dataset("drawn")
    assert not set(drawn.splits["trainval"]) & set(drawn.splits["test"])
    empty = [(drawn.load(name).mask == BACKGROUND).all() for name in drawn.splits["test"][:40]]
    assert 0 < sum(empty) < 15


def test_a_name_that_does_not_exist():
    with pytest.raises(UserError):
        open_dataset("drawn").load("drawn-x")
