import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from unet_core.data import open_dataset
from unet_core.data.synthetic import BACKGROUND, BORDER, PET, draw_pet, trimap
from unet_core.data.synthetic.science import draw_cells, draw_film
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
    data = open_dataset("synthetic")
    assert not set(data.splits["trainval"]) & set(data.splits["test"])
    empty = [(data.load(name).mask == BACKGROUND).all() for name in data.splits["test"][:40]]
    assert 0 < sum(empty) < 15


def test_a_name_that_does_not_exist():
    with pytest.raises(UserError):
        open_dataset("synthetic").load("drawn-x")


# Pixels of pet, background and border, then the means of red, green and blue and the deviation.
# Other numbers mean that runs on synthetic pets cannot be repeated, nor their metrics compared:
# raise `SyntheticPets.fingerprint`.
EXPECTED = [
    (0, [4916, 74739, 2265], [153.342, 117.92, 111.155, 41.834]),
    (1, [12759, 63727, 5434], [177.067, 132.831, 138.758, 51.043]),
    (2, [22477, 55254, 5213], [139.514, 126.15, 104.352, 56.778]),
    (3, [22678, 55677, 4589], [149.917, 136.724, 108.424, 44.816]),
    (4, [4649, 72276, 4995], [149.354, 145.365, 172.741, 50.99]),
    (5, [9805, 65707, 6408], [118.961, 121.094, 169.79, 63.533]),
    (6, [23462, 54912, 4570], [124.731, 106.065, 94.531, 27.393]),
    (7, [18027, 59604, 5313], [158.759, 113.453, 98.546, 34.759]),
    (8, [13799, 62460, 5661], [181.405, 194.475, 186.301, 33.619]),
    (9, [7234, 70840, 3846], [111.249, 116.692, 142.167, 42.638]),
]


@pytest.mark.parametrize(("seed", "counts", "light"), EXPECTED)
def test_pictures_are_what_they_were_under_this_fingerprint(seed, counts, light):
    assert open_dataset("synthetic").fingerprint == "1"
    image, mask = open_dataset("synthetic").load(f"drawn-{seed:04d}")
    np.testing.assert_allclose(np.bincount(mask.ravel(), minlength=3), counts, atol=3)
    np.testing.assert_allclose([*image.mean((0, 1)), image.std()], light, atol=0.01)


@pytest.mark.parametrize(
    ("draw", "mean", "deviation"), [(draw_film, 125.853, 74.199), (draw_cells, 136.401, 43.858)]
)
def test_films_and_cells_are_what_they_were(draw, mean, deviation):
    image = draw()
    assert image.shape == (512, 512, 3) and image.dtype == np.uint8
    assert (image[..., 0] == image[..., 2]).all()
    np.testing.assert_allclose([image.mean(), image.std()], [mean, deviation], atol=0.01)


def test_the_border_is_a_band_of_the_pictures_size():
    alpha = np.zeros((100, 260), np.float32)
    alpha[:, 100:200] = 0.5  # half covered counts as pet
    # 0.012 of 260 pixels: three on each side of the outline
    expected = [BACKGROUND] * 97 + [BORDER] * 6 + [PET] * 47
    assert trimap(alpha)[50, :150].tolist() == expected
    assert (trimap(np.ones((8, 8))) == PET).all()
    assert (trimap(np.zeros((8, 8))) == BACKGROUND).all()


def test_a_kind_can_be_asked_for_and_names_are_numbers():
    data = open_dataset("synthetic")
    assert data.splits["trainval"][::999] == ["drawn-0000", "drawn-0999"]
    assert len(data.splits["trainval"]) == 1000
    assert data.splits["test"][0] == "drawn-1000" and len(data.splits["test"]) == 100
    np.testing.assert_array_equal(data.load("drawn-0003").image, draw_pet(3).image)
    assert not np.array_equal(draw_pet(3, "cat").image, draw_pet(3, "dog").image)
