"""The ways to look at a prediction, pixel by pixel."""

import io

import numpy as np
import pytest
from PIL import Image

from unet_core.prediction import masks, views
from unet_core.prediction.files import encode_png
from unet_core.prediction.overlay import blend, outline
from unet_core.prediction.views import SegmentedImage, View, fit
from unet_core.store.classes import ClassInfo

CLASSES = (
    ClassInfo("pet", "#FF8000"),
    ClassInfo("background", "#0000FF"),
    ClassInfo("border", "#00FF00"),
)
IDS = np.array([[0, 0, 2, 1]] * 3 + [[1, 1, 1, 1]], np.uint8)
IMAGE = np.random.default_rng(0).integers(0, 256, (4, 4, 3), np.uint8)


@pytest.fixture
def image() -> SegmentedImage:
    """Pet, border and background, without doubt except in the last row."""
    probabilities = np.eye(3, dtype=np.float32)[IDS]
    probabilities[3] = 1 / 3, 0.34, 1 - 1 / 3 - 0.34
    return SegmentedImage("dir/a.jpg", IMAGE, probabilities, CLASSES)


@pytest.mark.parametrize("visible", [("pet",), ("pet", "border"), ("background",)])
def test_overlay_and_outline_show_the_visible_classes(image, visible):
    view = View(opacity=0.3, visible=visible)
    expected = blend(IMAGE, IDS, CLASSES, 0.3, visible)
    np.testing.assert_array_equal(image.draw(view), expected)
    view = View("outline", visible=visible)
    np.testing.assert_array_equal(image.draw(view), outline(IMAGE, IDS, CLASSES, visible))


def test_confidence_is_blue_where_sure_and_yellow_where_not(image):
    drawn = image.draw(View("confidence", opacity=1.0))
    np.testing.assert_array_equal(drawn[0, 0], (0, 34, 78))
    np.testing.assert_allclose(drawn[3, 0], (254, 232, 56), atol=1)
    half = image.draw(View("confidence", opacity=0.25))
    np.testing.assert_allclose(half, IMAGE * 0.75 + drawn * 0.25, atol=1)
    assert half.dtype == np.uint8


def test_the_threshold_of_a_binary_model_decides():
    probabilities = np.array([[[0.7, 0.3], [0.2, 0.8]]], np.float32).repeat(2, 0)
    image = np.zeros((2, 2, 3), np.uint8)
    photo = SegmentedImage("x", image, probabilities, (CLASSES[1], CLASSES[0]))
    assert photo.ids().tolist() == [[0, 1], [0, 1]]
    assert photo.ids(0.25).tolist() == [[1, 1], [1, 1]]
    assert photo.shares() == {"background": 0.5, "pet": 0.5}
    assert photo.shares(0.9) == {"background": 1.0, "pet": 0.0}
    view_file = photo.draw(View(opacity=1.0, threshold=0.25))
    assert (view_file == (255, 128, 0)).all()
    files = dict(photo.files(View(threshold=0.25)))
    assert np.asarray(Image.open(io.BytesIO(files["x_mask.png"]))).tolist() == [[1, 1], [1, 1]]


def test_files_are_the_mask_its_colours_and_the_view(image):
    view = View("outline", visible=("pet",))
    files = dict(image.files(view))
    assert list(files) == ["a_mask.png", "a_mask_colour.png", "a_outline.png"]
    mask, colors, view_file = (np.asarray(Image.open(io.BytesIO(f))) for f in files.values())
    np.testing.assert_array_equal(mask, IDS)
    np.testing.assert_array_equal(
        colors, np.array([(255, 128, 0), (0, 0, 255), (0, 255, 0)], np.uint8)[IDS]
    )
    np.testing.assert_array_equal(view_file, image.draw(view))


def test_shares_are_counted_at_the_networks_own_resolution(image):
    assert image.shares() == {"pet": 6 / 16, "background": 7 / 16, "border": 3 / 16}


def test_a_picture_for_a_screen_has_so_many_pixels_on_its_longer_side():
    assert fit(np.zeros((40, 100, 3), np.uint8), 50).shape == (20, 50, 3)
    assert fit(np.zeros((100, 40, 3), np.uint8), 50).shape == (50, 20, 3)
    assert fit(np.zeros((1000, 8, 3), np.uint8), 50).shape == (50, 1, 3)
    assert fit(np.zeros((8, 1000, 3), np.uint8), 50).shape == (1, 50, 3)


def test_it_is_shrunk_by_bicubic_interpolation():
    image = np.random.default_rng(0).integers(0, 256, (30, 20, 3), np.uint8)
    expected = Image.fromarray(image).resize((10, 15), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(fit(image, 15), np.asarray(expected))


@pytest.mark.parametrize("shape", [(30, 12), (12, 30), (60, 1), (1, 60)])
def test_masks_of_large_pictures_are_computed_small_and_enlarged(monkeypatch, image, shape):
    monkeypatch.setattr(views, "MAX_SIDE", 10)
    sizes = []
    resize = masks.resize_channels
    monkeypatch.setattr(
        views, "resize_channels", lambda p, h, w: sizes.append((h, w)) or resize(p, h, w)
    )
    large = SegmentedImage("x", np.zeros((*shape, 3), np.uint8), image.probabilities, CLASSES)
    assert large.ids().shape == shape
    assert sizes == [tuple(max(1, round(side * 10 / max(shape))) for side in shape)]
    assert large.draw(View("confidence")).shape == (*shape, 3)


def test_masks_of_small_pictures_are_computed_at_their_size(monkeypatch, image):
    sizes = []
    monkeypatch.setattr(
        views, "resize_channels", lambda p, h, w: sizes.append((h, w)) or np.zeros((h, w, 3))
    )
    SegmentedImage("x", np.zeros((30, 12, 3), np.uint8), image.probabilities, CLASSES).ids()
    assert sizes == [(30, 12)]
    assert views.MAX_SIDE == 2048


def test_png_files_are_png():
    assert encode_png(IMAGE).startswith(b"\x89PNG")
