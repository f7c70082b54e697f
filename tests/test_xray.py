import numpy as np
import pytest

from unet_core.training import xray
from unet_core.training.xray import collimate, move, vary_film


def film(side: int = 96) -> tuple[np.ndarray, np.ndarray]:
    """A grey film with two dark lungs, of different sizes, and its truth: class 1 and a weight."""
    rows, columns = np.indices((side, side)) / side
    lungs = ((rows - 0.5) / 0.3) ** 2 + ((columns - 0.3) / 0.12) ** 2 < 1
    lungs |= ((rows - 0.5) / 0.2) ** 2 + ((columns - 0.7) / 0.12) ** 2 < 1
    pixels = np.where(lungs, 60, 180).astype(np.uint8)
    truth = np.stack([lungs, 1 + lungs], axis=-1).astype(np.float32)
    return np.repeat(pixels[..., None], 3, -1), truth


def grey(side: int = 96) -> np.ndarray:
    return film(side)[0][..., 0].astype(np.float32) / 255


@pytest.mark.parametrize("seed", range(6))
def test_the_truth_moves_with_the_film(seed):
    pixels, truth = grey(), film()[1]
    moved, kept = move(pixels, truth, np.random.default_rng(seed))
    assert moved.shape == pixels.shape and kept.shape == truth.shape
    assert np.abs(moved - pixels).mean() > 0.02
    seen = moved > 0.1  # all but the black beyond the film
    agree = ((moved < 0.47) == (kept[..., 0] == 1))[seen].mean()
    assert agree > 0.97  # all but the interpolated edges
    assert set(np.unique(kept[..., 0])) == {0, 1}
    np.testing.assert_array_equal(kept[..., 1] == 2, kept[..., 0] == 1)


def test_films_are_turned_scaled_stretched_shifted_and_mirrored():
    rows, columns = np.indices((96, 96)).astype(np.float32)
    places = np.stack([rows, columns], -1)
    steps = []
    for seed in range(200):
        _, kept = move(rows, places, np.random.default_rng(seed))
        middle = kept[40:56, 40:56]  # where each pixel comes from, rounded
        across = [
            (middle[-1] - middle[0]).mean(0) / 15,
            (middle[:, -1] - middle[:, 0]).mean(0) / 15,
        ]
        steps.append([*across[0], *across[1], *(middle.mean((0, 1)) - 47.5)])
    down_row, down_column, right_row, right_column, row, column = np.array(steps).T
    assert 0.3 < (right_column < 0).mean() < 0.7  # mirrored
    height, width = np.hypot(down_row, down_column), np.hypot(right_row, right_column)
    sizes = 1 / np.sqrt(height * width)
    assert 0.75 < sizes.min() < 0.9 and 1.25 < sizes.max() < 1.5
    ratios = width / height
    assert 0.78 < ratios.min() < 0.92 and 1.08 < ratios.max() < 1.28
    angles = np.rad2deg(np.arctan2(down_column, down_row))
    assert -20 < angles.min() < -10 and 10 < angles.max() < 20
    for shift in (row, column):
        assert -11 < shift.min() < -7 and 7 < shift.max() < 11


def test_beyond_the_film_lies_black_or_for_one_in_four_the_mirror_image():
    bright, truth = np.ones((64, 64), np.float32), np.ones((64, 64, 1), np.float32)
    pairs = [move(bright, truth, np.random.default_rng(seed)) for seed in range(200)]
    whole = [moved.min() > 0.99 for moved, _ in pairs]
    assert 0.25 < np.mean(whole) < 0.5  # and those that are magnified beyond the frame
    for moved, kept in pairs:
        assert (kept[moved < 0.01] == 0).all() and (kept[moved > 0.99] == 1).all()


@pytest.mark.parametrize("effect", [effect for effect, _ in xray.EFFECTS])
def test_each_effect_changes_the_film_differently_each_time(effect):
    pixels = grey()
    seen = [np.clip(effect(pixels, np.random.default_rng(seed)), 0, 1) for seed in range(8)]
    for changed in seen:
        assert changed.shape == pixels.shape and np.isfinite(changed).all()
    assert sum(np.abs(changed - pixels).max() > 0.01 for changed in seen) >= 6  # chance may be mild
    assert all((a != b).any() for a, b in zip(seen, seen[1:], strict=False))
    np.testing.assert_array_equal(pixels, grey())  # the film itself is left alone
    again = np.clip(effect(pixels, np.random.default_rng(7)), 0, 1)
    np.testing.assert_array_equal(again, seen[-1])


def test_what_the_effects_do():
    """Means over many draws, where the direction is known."""
    pixels, lungs = grey(), film()[1][..., 0] > 0

    def drawn(effect):
        return [np.clip(effect(pixels, np.random.default_rng(s)), 0, 1) for s in range(40)]

    def edge(image):
        return np.abs(np.diff(image, axis=0)).max()

    brighter = [image.mean() > pixels.mean() for image in drawn(xray.gamma)]
    assert 10 < sum(brighter) < 30
    ranges = [np.ptp(image) > np.ptp(pixels) for image in drawn(xray.window)]
    assert 10 < sum(ranges) < 30
    assert all(image.mean() > pixels.mean() for image in drawn(xray.opacity))
    assert all(edge(image) < edge(pixels) for image in drawn(xray.blur))
    assert all(image[lungs].std() > pixels[lungs].std() + 0.005 for image in drawn(xray.noise))
    for turned in (0, 1):  # from top to bottom, from left to right
        tilts = [np.rot90(image, turned) for image in drawn(xray.exposure_gradient)]
        tilts = [image[:6].mean() - image[-6:].mean() for image in tilts]
        assert 10 < sum(tilt > 0.02 for tilt in tilts) < 30
        assert 10 < sum(tilt < -0.02 for tilt in tilts) < 30
    marked = [(image != pixels).mean() for image in drawn(xray.markers)]
    assert min(marked) > 0 and max(marked) < 0.2
    dim = 0.2 * pixels
    flat = [xray.local_contrast(dim, np.random.default_rng(s)) for s in range(10)]
    assert all(image.mean() > dim.mean() + 0.1 for image in flat)
    assert max(image.std() for image in flat) > 1.5 * dim.std()


def test_collimation_is_black_or_white_and_leaves_the_lungs_free():
    pixels, lungs = grey(), film()[1][..., 0] > 0
    seen = [collimate(pixels, lungs, np.random.default_rng(seed)) for seed in range(60)]
    colors = set()
    for narrowed in seen:
        np.testing.assert_array_equal(narrowed[lungs], pixels[lungs])
        covered = narrowed != pixels
        assert not covered[15:-15, 15:-15].any()
        colors |= set(np.unique(narrowed[covered]))
    assert colors == {0.0, 1.0}
    sides = np.array([[(np.rot90(s != pixels, k)[0]).all() for k in range(4)] for s in seen])
    assert (sides.mean(0) > 0.7).all()


def test_collimation_stops_at_lungs_near_the_frame():
    kept = np.zeros((96, 96), bool)
    kept[3:-5, 4:-6] = True
    for seed in range(20):
        narrowed = collimate(np.full((96, 96), 0.5), kept, np.random.default_rng(seed))
        assert (narrowed[kept] == 0.5).all()


def test_one_film_in_three_is_collimated_around_its_moved_lungs(monkeypatch):
    image, truth = film(48)
    monkeypatch.setattr(xray, "EFFECTS", ())
    kept = []
    monkeypatch.setattr(xray, "collimate", lambda film, lungs, rng: kept.append(lungs) or film)
    for seed in range(100):
        before = len(kept)
        _, moved = vary_film(image, truth, np.random.default_rng(seed))
        if len(kept) > before:
            np.testing.assert_array_equal(kept[-1], moved[..., 0] == 1)
    assert 15 <= len(kept) <= 45


def test_collimation_of_an_empty_film_leaves_most_of_it():
    covered = collimate(np.full((40, 40), 0.5), np.zeros((40, 40), bool), np.random.default_rng(0))
    assert (covered[6:-6, 6:-6] == 0.5).all()


def test_a_varied_film_is_grey_and_its_effects_come_as_often_as_they_say(monkeypatch):
    came = dict.fromkeys(("first", "second"), 0)

    def counting(name):
        def effect(pixels, rng):
            came[name] += 1
            assert pixels.min() >= 0 and pixels.max() <= 1
            return pixels + 3  # far too bright

        return effect

    monkeypatch.setattr(xray, "EFFECTS", ((counting("first"), 0.9), (counting("second"), 0.2)))
    image, truth = film(48)
    inverted = 0
    for seed in range(100):
        varied, kept = vary_film(image, truth, np.random.default_rng(seed))
        assert (varied.shape, varied.dtype) == (image.shape, np.uint8)
        assert kept.dtype == truth.dtype
        assert (varied == varied[..., :1]).all()
        inverted += np.median(varied) == 0  # what was clipped to white is black
    assert 80 <= came["first"] < 100 and 10 <= came["second"] <= 32
    assert 2 <= inverted <= 22
