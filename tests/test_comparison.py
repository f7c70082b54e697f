"""Two models on the same images, against arithmetic by hand."""

import json

import numpy as np
import pytest

from unet_core.architectures.catalogue import CATALOGUE
from unet_core.errors import UserError
from unet_core.metrics.compare import compare, skip_pairs
from unet_core.store.runs import Run


def result(confusions: dict, **changes) -> dict:
    rows = [{"name": name, "confusion": matrix} for name, matrix in confusions.items()]
    common = {"data": "pets", "split": "test", "classes": ["pet", "background"]}
    return common | {"per_image": rows} | changes


PERFECT = [[10, 0], [0, 10]]
HALF = [[5, 5], [5, 5]]
FIRST = result({"a": PERFECT, "b": [[8, 2], [0, 10]], "c": HALF, "mine": HALF})
SECOND = result({"yours": HALF, "c": PERFECT, "b": PERFECT, "a": PERFECT})


def test_scores_of_the_pictures_that_both_have():
    comparison = compare(FIRST, SECOND)
    assert comparison["images"] == 3
    rows = {row["score"]: row for row in comparison["rows"]}
    assert list(rows) == ["Pixel accuracy", "Mean IoU", "IoU of pet", "IoU of background"]
    # the first's sum: [[23, 7], [5, 25]]
    expected = {
        "Pixel accuracy": 48 / 60,
        "Mean IoU": (23 / 35 + 25 / 37) / 2,
        "IoU of pet": 23 / 35,
        "IoU of background": 25 / 37,
    }
    for score, value in expected.items():
        row = rows[score]
        assert (row["first"], row["second"]) == pytest.approx((value, 1))
        assert row["difference"] == pytest.approx(1 - value)
        assert row["low"] <= row["difference"] <= row["high"]


def test_pictures_widest_apart_come_first_and_equal_ones_in_their_order():
    iou_b = (8 / 10 + 10 / 12) / 2
    rows = compare(FIRST, SECOND)["per_image"]
    assert [row["name"] for row in rows] == ["c", "b", "a"]
    expected = {"first": iou_b, "second": 1, "difference": 1 - iou_b}
    assert rows[1].pop("name") == "b" and rows[1] == pytest.approx(expected)
    back = compare(SECOND, FIRST)["per_image"]
    assert [row["name"] for row in back] == ["c", "b", "a"]
    assert back[0]["difference"] == pytest.approx(1 / 3 - 1)


def test_the_interval_is_of_paired_differences():
    """Images on which both are equally wrong do not widen it."""
    random = np.random.default_rng(0)
    rights = random.integers(0, 101, 200)
    first = {str(i): [[int(r), 100 - int(r)], [0, 100]] for i, r in enumerate(rights)}
    gains = random.integers(-1, 2, 200)
    rights = np.clip(rights + gains, 0, 100)
    second = {str(i): [[int(r), 100 - int(r)], [0, 100]] for i, r in enumerate(rights)}
    row = compare(result(first), result(second))["rows"][0]
    differences = (rights - [first[str(i)][0][0] for i in range(200)]) / 200
    reach = 1.96 * differences.std() / np.sqrt(200)
    assert row["low"] == pytest.approx(differences.mean() - reach, abs=reach / 25)
    assert row["high"] == pytest.approx(differences.mean() + reach, abs=reach / 25)


def test_only_like_is_compared_with_like():
    for change in ({"data": "synthetic"}, {"split": "trainval"}, {"classes": ["pet", "wall"]}):
        with pytest.raises(UserError, match="same split of the same data"):
            compare(FIRST, SECOND | change)
    with pytest.raises(UserError, match="no picture in common"):
        compare(FIRST, result({"d": [[1, 0], [0, 1]]}))


def run(folder, name: str, model: str, arguments: dict, **changes) -> Run:
    path = folder / name
    path.mkdir()
    training = {"model": model, "model_arguments": arguments} | changes
    (path / "config.json").write_text(json.dumps({"training": training, "classes": []}))
    return Run(path)


def test_pairs_differ_in_skips_alone_however_it_is_written(tmp_path):
    plain = run(tmp_path, "plain", "compact", {}, epochs=3, size=64)
    again = run(tmp_path, "again", "compact", {}, epochs=3, size=64)
    # the catalogue's own filters, spelled out; the settings in another order
    without = run(
        tmp_path, "without", "compact", {"filters": 32, "skips": False}, size=64, epochs=3
    )
    longer = run(tmp_path, "longer", "compact", {"skips": False}, epochs=4, size=64)
    gone = run(tmp_path, "gone", "no-longer-there", {})
    other = run(tmp_path, "other", "mobilenetv2", {})
    assert "no-longer-there" not in CATALOGUE
    assert skip_pairs([gone, other, plain, again, longer, without]) == [(plain, without)]
