"""The second look at small objects."""

import numpy as np
import pytest

from unet_core.prediction.closer import LEAST, Region, small_region, with_detail
from unet_core.prediction.masks import resize_channels
from unet_core.prediction.segmenter import Segmenter
from unet_core.store.files import read_json
from unet_core.store.runs import Run, write_json


def found(height: int, width: int, *boxes: tuple[slice, slice]) -> np.ndarray:
    objects = np.zeros((height, width), np.float32)
    for box in boxes:
        objects[box] = 0.9
    return objects


def test_the_region_is_around_what_was_found():
    region = small_region(found(100, 200, np.s_[40:60, 20:60]))
    rows, columns = region.slices(100, 200)
    assert rows.start <= 34 and rows.stop >= 66  # 20 pixels, with 30 % on either side
    assert columns.start <= 8 and columns.stop >= 72
    assert rows.stop - rows.start <= 34 and columns.stop - columns.start <= 66


def test_the_region_stays_inside_and_is_never_tiny():
    region = small_region(found(100, 100, np.s_[98:100, 0:2]))
    rows, columns = region.slices(100, 100)
    assert (rows.stop, columns.start) == (100, 0)
    assert rows.stop - rows.start == columns.stop - columns.start == 100 * LEAST


def test_a_speck_beside_an_object_does_not_count():
    alone = small_region(found(100, 100, np.s_[40:60, 40:60]))
    assert small_region(found(100, 100, np.s_[40:60, 40:60], np.s_[0:2, 0:2])) == alone
    assert small_region(found(100, 100, np.s_[40:60, 40:60], np.s_[0:20, 0:10])) != alone


@pytest.mark.parametrize("box", [np.s_[0:0, 0:0], np.s_[10:90, 10:90]])
def test_nothing_and_large_objects_need_no_second_look(box):
    assert small_region(found(100, 100, box)) is None


def test_the_detail_takes_the_place_of_the_region():
    coarse = np.zeros((40, 40, 2), np.float32)
    merged = with_detail(coarse, np.ones((40, 40, 2), np.float32), Region(0.25, 0.5, 0.75, 1.0))
    assert merged.shape == (80, 80, 2)
    inside = merged[20:60, 40:80]
    assert (inside[5:-5, 5:-5] == 1).all() and (inside > 0).all()
    assert inside[0, 20, 0] < 0.5 < inside[2, 20, 0]  # faded in
    merged[20:60, 40:80] = 0
    assert not merged.any()


def test_a_run_of_composites_sees_small_things_from_near(channel_run, monkeypatch):
    image = np.full((128, 128, 3), (0, 255, 0), np.uint8)  # background
    for row in range(62, 80, 6):  # stripes of 3 pixels of a pet, which 32 pixels blur
        image[row : row + 3, 30:50] = 255, 0, 0
    calls = []
    look = Segmenter._look
    monkeypatch.setattr(Segmenter, "_look", lambda s, i: calls.append(i.shape) or look(s, i))
    from_afar = Segmenter(channel_run).probabilities(image)
    assert len(calls) == 1 and from_afar.shape == (32, 32, 3)

    config = read_json(channel_run.path / "config.json")
    config["training"]["composites"] = 100
    write_json(channel_run.path / "config.json", config)
    nearer = Segmenter(Run(channel_run.path)).probabilities(image)
    assert len(calls) == 3 and nearer.shape == (64, 64, 3)
    assert calls[2][0] < 64
    np.testing.assert_allclose(nearer[:8], np.broadcast_to((0, 1, 0), (8, 64, 3)), atol=1e-3)
    truth = image[:, :, 0].reshape(64, 2, 64, 2).mean((1, 3)) / 255
    seen = [
        np.abs(p[..., 0] - truth)[28:42, 12:28]
        for p in (resize_channels(from_afar, 64, 64), nearer)
    ]
    assert seen[1].mean() < 0.7 * seen[0].mean()
