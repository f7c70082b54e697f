"""The challenge's errors, on masks drawn by hand whose errors can be counted."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, label

from benchmarks import membrane
from unet_core.errors import UserError
from unet_core.metrics.isbi2012 import (
    information_error,
    pixel_error,
    rand_error,
    splits_and_mergers,
    thinned,
    warp,
    warping_error,
)

CELLS, MEMBRANE = "#", "."


def stack(*rows: str) -> np.ndarray:
    """One slice of drawn cells: boolean (1, H, W)."""
    return np.array([[letter == CELLS for letter in row] for row in rows])[None]


def test_pixel_error_is_that_of_the_f_score_not_the_share_of_wrong_pixels():
    assert pixel_error(stack("###."), stack("##..")) == pytest.approx(1 - 2 * 2 / (3 + 2))


def test_a_merger_by_hand():
    # Of 4 pixels in truth there are 2 pairs in one cell; of the 6 that are predicted, 2 are right.
    truth = stack("##.##")
    assert rand_error(truth, stack("#####")) == pytest.approx(1 - 2 * 2 / (2 + 6))
    assert rand_error(truth, truth) == information_error(truth, truth) == 0


def test_a_split_by_hand_and_its_membrane_is_no_cell():
    # Of 15 true pairs 2 are found; the two pixels of the membrane are no pair.
    assert rand_error(stack("######"), stack("##..##")) == pytest.approx(1 - 2 * 2 / (15 + 2))


def test_cells_of_different_slices_are_different_and_touch_no_others_at_corners():
    two = np.concatenate([stack("##"), stack("##")])
    assert rand_error(two, two) == 0
    assert rand_error(two, np.concatenate([stack("##"), stack("..")])) == pytest.approx(1 / 3)
    corners = stack("##.", "..#")
    assert rand_error(corners, stack("###", "..#")) > 0


def test_information_error_by_hand_is_the_mean_of_the_slices():
    # Two bits in truth, one in the prediction, which leaves one bit apart.
    truth, merged = stack("##.##.##.##"), stack("#####.#####")
    assert information_error(truth, merged) == pytest.approx(1 / 3)
    both = np.concatenate([merged, truth])
    assert information_error(np.concatenate([truth, truth]), both) == pytest.approx(1 / 6)
    assert information_error(stack("###"), stack("###")) == 0


def test_thinned_membranes_are_lines_also_at_the_frame():
    result = thinned(stack("##....##", "##....##", "##....##"))
    assert result.sum(axis=-1).tolist() == [[7, 7, 7]]
    assert label(result[0])[1] == 2


# Warping


def test_a_moved_membrane_is_no_error():
    truth, moved = stack(*["###..###"] * 3), stack(*["####..##"] * 3).astype(float)
    np.testing.assert_array_equal(warp(truth[0], moved[0], 0.5), moved[0] == 1)
    assert warping_error(truth, moved, 0.5) == 0


def test_a_gap_in_a_membrane_costs_what_would_close_it():
    truth = stack("###.###", "###.###", "###.###", "###.###")
    gap = stack("###.###", "#######", "#######", "###.###").astype(float)
    assert warping_error(truth, gap, 0.5) == 2 / truth.size


def test_a_membrane_through_a_cell_costs_what_would_open_it():
    truth = stack(".......", ".#####.", ".#####.", ".......")
    cut = stack(".......", ".##.##.", ".##.##.", ".......").astype(float)
    assert warping_error(truth, cut, 0.5) == 1 / truth.size


def test_holes_and_small_cells_are_not_counted():
    truth = stack("#####..", "#####..", "#####..", ".......", ".......")
    other = stack("#####..", "##.##..", "#####..", ".......", ".....#.")
    warped = warp(truth[0], other[0].astype(float), 0.5)
    assert (warped != other[0]).sum() == 2
    assert splits_and_mergers(warped, other[0]) == 0


def test_the_surest_pixels_are_moved_first():
    # One pixel must stay to keep the two cells apart: the one that is nearer to the threshold.
    truth, probability = stack("#..#")[0], np.array([[1, 0.9, 0.6, 1]])
    np.testing.assert_array_equal(warp(truth, probability, 0.5), stack("##.#")[0])
    np.testing.assert_array_equal(warp(truth, probability[:, ::-1], 0.5), stack("#.##")[0])


def test_warping_keeps_the_topology_and_stops_where_no_pixel_may_move():
    random = np.random.default_rng(0)
    fields = gaussian_filter(random.normal(size=(2, 60, 60)), (0, 2, 2))
    truth, probability = fields[0] > 0, (fields[1] > 0).astype(float)
    warped = warp(truth, probability, 0.5)
    eight = np.ones((3, 3))
    for mask in (truth, warped):
        outside = np.pad(~mask, 1, constant_values=True)
        assert (label(mask)[1], label(outside, eight)[1]) == (
            label(truth)[1],
            label(np.pad(~truth, 1, constant_values=True), eight)[1],
        )
    assert 0 < (warped != probability).sum() < (truth != probability).sum() / 2
    np.testing.assert_array_equal(warp(warped, probability, 0.5), warped)


# The table


def test_the_threshold_is_chosen_on_the_validation_slices():
    truth = stack("##..")
    validation, test = np.array([[[0.9, 0.8, 0.75, 0.1]]]), np.array([[[0.9, 0.5, 0.35, 0.25]]])
    shown = membrane.row(membrane.of_cells(pixel_error), (truth, validation), (truth, test))
    assert shown == ["0", "0.333 (0.8)", "0 (0.4)"]


def test_only_a_run_of_membranes_has_a_table(channel_run):
    with pytest.raises(UserError, match="choose a run of membranes"):
        membrane.main(["channels"])
