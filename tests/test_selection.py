"""What a click on the histogram or the confusion matrix selects."""

import numpy as np
import pytest

from unet_core.figures.selection import ALL, image_ious, ordered, parts

# Rows are truth. The second image is all background and found so: it has no cat to score.
CONFUSIONS = {"good": [[6, 0], [0, 4]], "none": [[10, 0], [0, 0]], "bad": [[2, 4], [3, 1]]}


@pytest.fixture
def result() -> dict:
    images = [{"name": name, "confusion": matrix} for name, matrix in CONFUSIONS.items()]
    return {"classes": ["rest", "cat"], "per_image": images}


def names(result: dict, metric: str, part: str, order: str = "worst") -> list[str]:
    positions = ordered(result, image_ious(result)[metric], part, order)
    return [result["per_image"][position]["name"] for position in positions]


def test_each_image_has_its_mean_iou_and_one_a_class(result):
    ious = image_ious(result)
    assert list(ious) == ["mean IoU", "IoU of rest", "IoU of cat"]
    np.testing.assert_allclose(ious["IoU of cat"], [1, np.nan, 1 / 8])
    np.testing.assert_allclose(ious["mean IoU"], [1, 1, (2 / 9 + 1 / 8) / 2])


def test_the_worst_come_first_and_images_without_the_class_are_left_out(result):
    assert names(result, "mean IoU", ALL) == ["bad", "good", "none"]
    assert names(result, "IoU of cat", ALL) == ["bad", "good"]
    assert names(result, "IoU of cat", ALL, "best") == ["good", "bad"]
    mixed = names(result, "mean IoU", ALL, "random")
    assert sorted(mixed) == sorted(CONFUSIONS) and mixed == names(result, "mean IoU", ALL, "random")


def test_a_cell_has_the_images_with_such_pixels_most_first(result):
    assert names(result, "mean IoU", "rest as rest") == ["none", "good", "bad"]
    assert names(result, "mean IoU", "cat as rest") == ["bad"]
    assert names(result, "mean IoU", "rest as cat") == ["bad"]


def test_a_bar_has_the_images_in_it(result):
    assert names(result, "IoU of cat", "IoU 0.95 – 1.00") == ["good"]
    assert names(result, "IoU of cat", "IoU 0.10 – 0.15") == ["bad"]


def test_cells_and_the_bars_that_are_not_empty_can_be_chosen(result):
    found = parts(result, image_ious(result)["IoU of cat"])
    assert found[ALL] == "All pictures" and found["cat as rest"] == "cat taken for rest"
    assert found["cat as cat"] == "cat recognised"
    assert [p for p in found if p.startswith("IoU")] == ["IoU 0.10 – 0.15", "IoU 0.95 – 1.00"]
