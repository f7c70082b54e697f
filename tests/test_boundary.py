"""Boundary F1 by hand, at its edges, and against loops over all pairs of pixels."""

import math

import numpy as np
import pytest
from scipy.ndimage import binary_erosion, gaussian_filter

from unet_core.metrics.boundary import TOLERANCE, boundary_f1, class_boundary_f1, percent
from unet_core.prediction.masks import edge


def naive_outline(mask: np.ndarray) -> list[tuple[int, int]]:
    """Pixels of the mask with a neighbour in the image, but not in the mask."""
    height, width = mask.shape
    found = []
    for y in range(height):
        for x in range(width):
            around = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
            inside = [(b, a) for b, a in around if 0 <= b < height and 0 <= a < width]
            if mask[y, x] and not all(mask[b, a] for b, a in inside):
                found.append((y, x))
    return found


def naive_boundary_f1(truth: np.ndarray, prediction: np.ndarray, tolerance: float) -> float:
    """The article's formulas, for masks that both have an outline."""
    reach = tolerance * math.sqrt(truth.shape[0] ** 2 + truth.shape[1] ** 2)
    lines = naive_outline(truth), naive_outline(prediction)

    def part(line, other):
        met = [any(math.dist(point, second) < reach for second in other) for point in line]
        return sum(met) / len(met)

    recall, precision = part(lines[0], lines[1]), part(lines[1], lines[0])
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def rectangle(shape, rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros(shape, bool)
    mask[rows, columns] = True
    return mask


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("tolerance", [0.0075, 0.02, 0.06])
def test_it_agrees_with_loops(seed, tolerance):
    random = np.random.default_rng(seed)
    noise = [gaussian_filter(random.normal(size=(30, 44)), 3) for _ in range(2)]
    truth, prediction = noise[0] > 0, noise[0] + 0.5 * noise[1] > 0.01
    expected = naive_boundary_f1(truth, prediction, tolerance)
    assert 0 < expected < 1 or tolerance == 0.06
    assert boundary_f1(truth, prediction, tolerance) == pytest.approx(expected)


def test_by_hand():
    # Outlines of 12 and of 14 pixels, 10 of them in both; a tolerance below one pixel.
    truth = rectangle((20, 20), slice(5, 9), slice(5, 9))
    prediction = rectangle((20, 20), slice(5, 9), slice(5, 10))
    assert boundary_f1(truth, prediction) == pytest.approx(2 * 10 / (12 + 14))


def test_precision_is_of_the_prediction_and_recall_of_the_truth():
    truth = rectangle((40, 40), slice(5, 15), slice(5, 15))
    prediction = truth | rectangle((40, 40), slice(25, 35), slice(25, 35))  # as large again
    assert boundary_f1(truth, prediction) == pytest.approx(2 * 0.5 * 1 / 1.5)


def test_a_square_eroded_by_five_of_256_pixels_is_not_right():
    square = rectangle((256, 256), slice(60, 200), slice(60, 200))
    eroded = {n: binary_erosion(square, iterations=n) for n in (2, 3, 5)}
    assert boundary_f1(square, eroded[2]) > 0.99  # 2 of 2.7 pixels; only corners are farther
    assert boundary_f1(square, eroded[3]) == boundary_f1(square, eroded[5]) == 0


def test_the_tolerance_is_a_part_of_the_diagonal_and_must_not_be_reached():
    left, four, five = (rectangle((300, 400), slice(None), slice(0, n)) for n in (50, 54, 55))
    assert boundary_f1(left, four, tolerance=0.01) == 1  # of 500 pixels
    assert boundary_f1(left, five, tolerance=0.01) == 0
    assert (TOLERANCE, percent(TOLERANCE)) == (0.0075, "0.75 %")


def test_the_frame_is_no_outline():
    truth = rectangle((100, 100), slice(None), slice(0, 10))
    assert edge(truth).sum() == 100 and edge(truth)[:, 9].all()
    # Both touch the frame above, below and on the left; their outlines are 20 pixels apart.
    assert boundary_f1(truth, rectangle((100, 100), slice(None), slice(0, 30))) == 0


def test_masks_without_an_outline():
    empty, full = np.zeros((50, 50), bool), np.ones((50, 50), bool)
    part = rectangle((50, 50), slice(10, 20), slice(10, 20))
    assert np.isnan(boundary_f1(empty, empty)) and np.isnan(boundary_f1(full, full))
    for one, other in ((empty, part), (part, full), (empty, full)):
        assert boundary_f1(one, other) == boundary_f1(other, one) == 0


def test_each_class_has_its_own():
    truth = np.ones((64, 64), np.uint8)
    truth[8:24, 8:24], truth[40:56, 40:56] = 0, 2
    prediction = truth.copy()
    prediction[40:56, 40:56], prediction[40:56, 8:24] = 1, 2
    found = class_boundary_f1(truth, prediction, 4)
    assert found[0] == 1 and found[2] == 0 and np.isnan(found[3])
    assert 0 < found[1] < 1
