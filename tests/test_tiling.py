import numpy as np
import pytest

from unet_core.prediction.tiling import predict_by_tiles


@pytest.mark.parametrize("shape", [(50, 50), (7, 90), (64, 33), (1, 1)])
def test_tiles_join_to_the_whole_picture(shape):
    image = np.random.default_rng(0).integers(0, 255, (*shape, 3), dtype=np.uint8)
    seen = []

    def middle(tile):
        seen.append(tile.shape)
        return tile[6:-6, 6:-6].astype(np.float32)

    joined = predict_by_tiles(image, middle, tile=32, output=20)
    np.testing.assert_array_equal(joined, image)
    assert set(seen) == {(32, 32, 3)}


def test_beyond_the_picture_lies_its_mirror_image():
    image = np.arange(10, dtype=np.uint8)[None, :, None].repeat(10, 0).repeat(3, 2)
    tiles = []
    predict_by_tiles(image, lambda t: tiles.append(t) or t[3:-3, 3:-3], tile=16, output=10)
    np.testing.assert_array_equal(tiles[0][8, :, 0], [3, 2, 1, *range(10), 8, 7, 6])


def test_no_more_tiles_than_cover_the_picture():
    image = np.zeros((41, 20, 3), np.uint8)
    tiles = []
    predict_by_tiles(image, lambda t: tiles.append(t.shape) or t[3:-3, 3:-3], tile=26, output=20)
    assert tiles == [(26, 26, 3)] * 3
