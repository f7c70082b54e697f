"""The losses against cases worked by hand."""

import math

import numpy as np
import pytest

from unet_core.models.losses import SegmentationLoss, cross_entropy, dice_loss

SURE = 40.0  # a logit whose probability is 1
LN3 = math.log(3)  # one whose probability is 3/4


def value(kind: str, truth, logits, weights=None) -> float:
    return float(SegmentationLoss(kind)(np.int32(truth), np.float32(logits), weights))


def sure(classes, channels: int) -> np.ndarray:
    """Logits of a network that has no doubt."""
    classes = np.asarray(classes)
    if channels == 1:
        return np.where(classes, SURE, -SURE)[..., None]
    return SURE * np.eye(channels)[classes]


BINARY = [[[1, 1], [0, 0]]]
UNSURE = [[[[LN3], [-LN3]], [[LN3], [-LN3]]]]  # 3/4, 1/4, 3/4, 1/4

# Two images of two pixels: three are taken for what they are, by half; the last one is not.
THREE = [[[0, 1]], [[2, 2]]]
HALF, QUARTER = math.log(1 / 2), math.log(1 / 4)
DOUBTS = [
    [[[HALF, QUARTER, QUARTER], [QUARTER, HALF, QUARTER]]],
    [[[QUARTER, QUARTER, HALF], [HALF, QUARTER, QUARTER]]],
]


@pytest.mark.parametrize(
    ("truth", "logits", "entropy", "dice"),
    [
        pytest.param(BINARY, sure(BINARY, 1), 0, 0, id="perfect"),
        pytest.param(THREE, sure(THREE, 3), 0, 0, id="perfect, three classes"),
        # nothing in common, two pixels each: 1 - (0 + 1) / (4 + 1)
        pytest.param(BINARY, sure([[[0, 0], [1, 1]]], 1), SURE, 0.8, id="all wrong"),
        # classes of 1, 1, 2 pixels are taken for 2, 1, 1: shares of 1/4, 1/3 and 1/4
        pytest.param(
            THREE,
            sure([[[1, 2]], [[0, 0]]], 3),
            SURE,
            1 - (1 / 4 + 1 / 3 + 1 / 4) / 3,
            id="all wrong, three classes",
        ),
        # nothing there, nothing seen: (0 + 1) / (0 + 1)
        pytest.param([[[0, 0], [0, 0]]], sure([[[0, 0], [0, 0]]], 1), 0, 0, id="empty"),
        pytest.param([[[0, 0], [0, 0]]], sure([[[1, 1], [1, 1]]], 1), SURE, 0.8, id="all invented"),
        # two classes that no pixel has are right, too
        pytest.param([[[0, 0]]], sure([[[0, 0]]], 3), 0, 0, id="absent classes"),
        # two are right by 3/4, two by 1/4; 1 - (2 * 1 + 1) / (2 + 2 + 1)
        pytest.param(BINARY, UNSURE, -(math.log(3 / 4) + math.log(1 / 4)) / 2, 0.4, id="unsure"),
        # Dice of the classes: 2 / 3.5, 2 / 3.25, 2.5 / 4.25
        pytest.param(
            THREE,
            DOUBTS,
            math.log(2) * 5 / 4,
            1 - (2 / 3.5 + 2 / 3.25 + 2.5 / 4.25) / 3,
            id="unsure, three classes",
        ),
    ],
)
def test_cases_worked_by_hand(truth, logits, entropy, dice):
    assert value("cross-entropy", truth, logits) == pytest.approx(entropy, abs=1e-5)
    assert value("dice", truth, logits) == pytest.approx(dice, abs=1e-5)
    assert value("cross-entropy+dice", truth, logits) == pytest.approx(entropy + dice / 2, abs=1e-5)


def test_what_is_added_to_dice_can_be_chosen():
    truth, logits = np.int32(BINARY), np.float32(UNSURE)
    assert float(dice_loss(truth, logits, 0)) == pytest.approx(1 / 2)
    assert float(SegmentationLoss("dice", smooth=0)(truth, logits)) == pytest.approx(1 / 2)
    both = math.log(16 / 3) / 2 + 1 / 4
    assert float(SegmentationLoss("cross-entropy+dice", 0)(truth, logits)) == pytest.approx(both)


def test_cross_entropy_is_one_number_a_pixel():
    expected = -np.log([[[3 / 4, 1 / 4], [1 / 4, 3 / 4]]])
    np.testing.assert_allclose(cross_entropy(np.int32(BINARY), np.float32(UNSURE)), expected, 1e-5)
    assert cross_entropy(np.int32(THREE), np.float32(DOUBTS)).shape == (2, 1, 2)


def test_weights_multiply_the_pixels():
    weights = np.float32([[[2, 0], [0, 10]]])
    expected = (2 * -math.log(3 / 4) + 10 * -math.log(3 / 4)) / 4
    assert value("cross-entropy", BINARY, UNSURE, weights) == pytest.approx(expected)
