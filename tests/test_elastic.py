import numpy as np
import pytest

from unet_core.training import augment as elastic
from unet_core.training.augment import elastic_transform


def ramps(side: int) -> tuple[np.ndarray, np.ndarray]:
    """An image whose red is twice the column and green twice the row, and the same as truth."""
    rows, columns = np.indices((side, side))
    image = np.stack([2 * columns, 2 * rows, rows + columns], axis=-1).astype(np.uint8)
    return image, image[..., :2].astype(np.float32)


@pytest.mark.parametrize("seed", range(4))
def test_picture_and_truth_move_together(seed):
    image, truth = ramps(60)
    bent, moved = elastic_transform(image, truth, np.random.default_rng(seed))
    assert (bent.shape, bent.dtype) == (image.shape, np.uint8)
    assert (moved.shape, moved.dtype) == (truth.shape, np.float32)
    # the truth is the nearest pixel's, half a pixel away at most, and a pixel makes two
    assert np.abs(bent[..., :2] - moved).max() <= 2
    assert all((moved != np.rot90(truth, turns)).mean() > 0.5 for turns in range(4))


def test_masks_stay_class_numbers():
    mask = np.random.default_rng(0).choice([0, 3, 7], (40, 40, 1)).astype(np.float32)
    _, moved = elastic_transform(np.zeros((40, 40, 3), np.uint8), mask, np.random.default_rng(0))
    assert set(np.unique(moved)) == {0, 3, 7}


def test_beyond_the_border_lies_the_mirror_image():
    image = np.full((40, 40, 3), 200, np.uint8)
    bent, moved = elastic_transform(image, np.full((40, 40, 1), 5.0), np.random.default_rng(0))
    assert (bent == 200).all() and (moved == 5).all()


def test_every_quarter_turn_comes_as_often(monkeypatch):
    monkeypatch.setattr(elastic, "DEVIATION", 0.0)
    image, truth = ramps(12)
    turned = [np.rot90(image, turns) for turns in range(4)]
    rng = np.random.default_rng(0)
    seen = []
    for _ in range(80):
        bent, moved = elastic_transform(image, truth, rng)
        turns = next(k for k in range(4) if (bent == turned[k]).all())
        np.testing.assert_array_equal(moved, np.rot90(truth, turns))
        seen.append(turns)
    assert np.bincount(seen, minlength=4).min() >= 10


def test_displacements_have_the_papers_size_and_are_smooth(monkeypatch):
    monkeypatch.setattr(np, "rot90", lambda array, turns: array)
    image, truth = ramps(99)
    rng = np.random.default_rng(0)
    shifts = []
    for _ in range(100):
        _, moved = elastic_transform(image, truth, rng)
        shifts.append(moved[49, 49] / 2 - 49)  # columns and rows, at a point of the grid
        steps = np.abs(np.diff(moved[40:60, 40:60] / 2, axis=0))
        assert steps.max() < 5  # no tears
    shifts = np.array(shifts)
    np.testing.assert_allclose(shifts.std(0), elastic.DEVIATION, rtol=0.2)
    np.testing.assert_allclose(shifts.mean(0), 0, atol=3)
    assert abs(np.corrcoef(shifts.T)[0, 1]) < 0.3  # drawn for each direction
    assert elastic.DEVIATION == 10 and elastic.GRID == 3
