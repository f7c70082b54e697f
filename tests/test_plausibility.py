import numpy as np
import pytest

from unet_core.data.lungs import PLAUSIBLE
from unet_core.prediction.plausibility import measure, objections


def lungs(left=(40, 15), right=(40, 15), columns=(30, 70), size=(100, 100)) -> np.ndarray:
    """Two ellipses by their half axes, 1 on 0."""
    y, x = np.indices(size)
    parts = zip((left, right), columns, strict=True)
    inside = [((y - 50) / h) ** 2 + ((x - c) / w) ** 2 < 1 for (h, w), c in parts]
    return (inside[0] | inside[1]).astype(np.uint8)


def words(mask: np.ndarray) -> str:
    return "; ".join(objections(mask, PLAUSIBLE))


def test_two_lungs_are_plausible():
    assert words(lungs()) == ""
    assert words(lungs(right=(30, 13))) == ""


def test_what_is_measured():
    mask = np.zeros((40, 80), np.uint8)
    mask[10:30, 10:26], mask[10:30, 50:54] = 1, 1
    mask[0, 79] = 1  # a speck, in the corner of the frame
    found = measure(mask)
    assert found["area"] == pytest.approx((320 + 80 + 1) / 3200)
    assert found["frame"] == pytest.approx(2 / 240)  # the corner is in a row and a column
    assert found["pieces"] == 2
    assert found["ratio"] == pytest.approx(80 / 320)
    assert found["apart"] == pytest.approx((51.5 - 17.5) / 80)
    assert found["solidity"] == 1
    edges = np.zeros((10, 10))
    edges[3:7, 0] = 1
    assert measure(edges)["frame"] == measure(edges.T)["frame"] == pytest.approx(4 / 40)
    mask[20:30, 10:18] = 0  # a quarter of the larger piece
    assert 0.75 < measure(mask)["solidity"] < 0.95


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (np.zeros((100, 100), np.uint8), "pieces: 0, where 2 are usual"),
        (np.ones((100, 100), np.uint8), "100.0% of the picture is marked, where 8% to 50%"),
        (lungs((14, 9), (14, 9)), "7.7% of the picture is marked"),
        (lungs(columns=(30, 45)), "pieces: 1, where 2 are usual"),
        (lungs() | lungs((15, 3), (15, 3), (50, 50)), "pieces: 3, where 2 are usual"),
        (lungs(right=(18, 13)), "the smaller piece has 39% of the larger's area"),
        (lungs().T, "the pieces do not lie side by side"),
        (np.roll(lungs((48, 18), (48, 18)), -13, 1), "of the picture's frame is marked"),
    ],
)
def test_what_is_said(mask, said):
    assert said in words(mask)


def test_a_lung_with_a_large_hole_is_no_lung():
    mask = lungs()
    mask[30:75, 27:40] = 0
    assert "a piece has bays or holes" in words(mask)


def test_squashing_changes_nothing():
    tall = measure(np.repeat(lungs(), 2, axis=0))
    plain = measure(lungs())
    for name in ("area", "pieces", "ratio", "apart", "solidity"):
        assert tall[name] == pytest.approx(plain[name], abs=0.02)


def test_only_what_has_a_limit_is_judged():
    assert objections(np.zeros((8, 8)), {"solidity": (0.5, 1)}) == []
    assert len(objections(np.zeros((8, 8)), {"pieces": (1, 2), "area": (0.1, 1)})) == 2
