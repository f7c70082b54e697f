import numpy as np
from scipy.ndimage import distance_transform_edt
from skimage.measure import label

from unet_core.data.membrane import Membrane
from unet_core.data.pets import PET_CLASSES
from unet_core.training.weight_map import SIGMA, background_id, weight_map


def test_the_gap_between_two_cells_weighs_most():
    mask = np.zeros((40, 60), np.uint8)
    mask[5:35, 5:25] = mask[5:35, 28:50] = 1
    weights = weight_map(mask, 10)
    gap = 1 + 10 * np.exp(-(4**2) / (2 * SIGMA**2))  # a pixel from one cell, three from the other
    np.testing.assert_allclose(weights[20, 25], gap, rtol=1e-5)
    assert weights[20, 2] < 1.01  # by one cell only
    assert (weights[mask == 1] == 1).all()


def test_windows_give_what_whole_distance_maps_would():
    random = np.random.default_rng(0)
    mask = (random.random((64, 64)) < 0.02).astype(np.uint8)
    cells = label(mask)
    maps = [distance_transform_edt(cells != number) for number in range(1, cells.max() + 1)]
    nearest, second = np.sort(maps, axis=0)[:2]
    expected = 1 + 10 * np.exp(-((nearest + second) ** 2) / (2 * SIGMA**2))
    expected[mask == 1] = 1
    np.testing.assert_allclose(weight_map(mask, 10), expected, atol=1e-3)


def test_an_empty_mask_weighs_the_same_everywhere():
    assert (weight_map(np.zeros((8, 8), np.uint8), 10) == 1).all()


def test_what_lies_background_id_cells_need_not_be_class_0():
    mask = np.zeros((24, 24), np.uint8)
    mask[4:20, 2:8], mask[4:20, 12:18] = 1, 2
    pets = np.array([1, 0, 2], np.uint8)[mask]  # background is 1, border 2
    np.testing.assert_array_equal(weight_map(pets, 10, background=1), weight_map(mask, 10))
    assert background_id(PET_CLASSES) == 1 and background_id(Membrane.classes) == 0


def test_a_map_worked_out_pixel_by_pixel():
    cells = np.zeros((9, 12), int)
    cells[1:4, 1:4] = 1
    cells[4, 4] = 1  # touching at a corner is touching
    cells[2:8, 7:9] = 2
    cells[7, 1] = 3
    weights = weight_map(cells > 0, 4)
    assert weights.dtype == np.float32
    for row, column in np.ndindex(cells.shape):
        if cells[row, column]:
            assert weights[row, column] == 1
            continue
        distances = sorted(
            min(np.hypot(row - y, column - x) for y, x in np.argwhere(cells == number))
            for number in (1, 2, 3)
        )
        expected = 1 + 4 * np.exp(-((distances[0] + distances[1]) ** 2) / (2 * 5**2))
        assert abs(weights[row, column] - expected) < 1e-5


def test_one_cell_alone_has_no_gap():
    mask = np.zeros((12, 12), np.uint8)
    mask[4:8, 4:8] = 2
    assert (weight_map(mask, 10) == 1).all()
