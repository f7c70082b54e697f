"""Objects cut out of their photo: soft edges, other backgrounds."""

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from unet_core.errors import UserError
from unet_core.prediction import cutout
from unet_core.prediction.views import SegmentedImage
from unet_core.store.classes import ClassInfo

CLASSES = (
    ClassInfo("pet", "#FF8000"),
    ClassInfo("background", "#0000FF", "background"),
    ClassInfo("border", "#00FF00", "border"),
)
RED, BLUE = (220, 30, 20), (20, 60, 200)


def disc(side: int, soft: float = 1.0) -> np.ndarray:
    """The exact alpha of a round object, soft over some pixels."""
    y, x = np.mgrid[:side, :side] - side / 2 + 0.5
    return np.clip((0.3 * side - np.hypot(x, y)) / soft + 0.5, 0, 1).astype(np.float32)


def photo_of(alpha: np.ndarray) -> np.ndarray:
    """A red object before blue."""
    mixed = alpha[..., None] * RED + (1 - alpha[..., None]) * BLUE
    noise = np.random.default_rng(0).normal(0, 3, mixed.shape)
    return (mixed + noise).clip(0, 255).astype(np.uint8)


@pytest.fixture
def red_disc() -> SegmentedImage:
    """A disc that the network sees at a quarter of the photo's resolution, a little aside."""
    coarse = np.roll(gaussian_filter(disc(80), 1), 1, axis=1)
    border = 0.8 * (1 - np.abs(2 * coarse - 1))
    probabilities = np.dstack([coarse * (1 - border), (1 - coarse) * (1 - border), border])
    return SegmentedImage("a.jpg", photo_of(disc(320)), probabilities, CLASSES)


def test_a_border_is_of_what_is_likelier_beside_it():
    probabilities = np.array([[[0.1, 0.3, 0.6], [0.2, 0.2, 0.6], [1, 0, 0], [0, 0, 1]]], np.float32)
    part = cutout.object_part(probabilities, CLASSES)
    np.testing.assert_allclose(part, [[0.25, 0.5, 1, 0]], atol=1e-5)
    assert part.dtype == np.float32


def test_the_threshold_of_two_classes_moves_the_outline():
    probabilities = np.array([[[0.7, 0.3], [0.8, 0.2]]], np.float32)
    part = cutout.object_part(probabilities, (CLASSES[1], CLASSES[0]), 0.3)
    np.testing.assert_allclose(part, [[0.5, 0.14 / 0.38]], atol=1e-5)
    of_three = np.array([[[0.3, 0.7, 0]]], np.float32)
    np.testing.assert_allclose(cutout.object_part(of_three, CLASSES, 0.9), [[0.3]], atol=1e-5)


def test_without_a_background_nothing_can_be_cut_out():
    with pytest.raises(UserError, match="knows no background"):
        cutout.object_part(np.ones((2, 2, 2), np.float32), (CLASSES[0], CLASSES[0]))


def test_the_filter_gives_the_nearest_linear_function_of_colour():
    guide = np.random.default_rng(0).random((20, 30, 3), np.float32)
    values = guide @ np.float32([0.5, -0.2, 0.3]) + np.float32(0.1)
    slopes, offsets = cutout.guided_filter(guide, values, 4, 1e-6)
    np.testing.assert_allclose(slopes, np.broadcast_to((0.5, -0.2, 0.3), guide.shape), atol=1e-3)
    np.testing.assert_allclose(offsets, 0.1, atol=1e-3)
    slopes, offsets = cutout.guided_filter(guide, values, 4, 1e6)  # no edge is one
    np.testing.assert_allclose(slopes, 0, atol=1e-3)


def test_alpha_follows_the_photo_where_the_network_is_coarse(red_disc):
    exact = disc(320)
    alpha = cutout.soft_alpha(red_disc.image, red_disc.probabilities, CLASSES)
    resized = red_disc.resized()
    plain = (resized[..., 0] > resized[..., 1]).astype(np.float32)
    band = np.abs(disc(320, 60) - 0.5) < 0.5
    error, before = (np.abs(a - exact)[band].mean() for a in (alpha, plain))
    assert error < 0.6 * before
    assert alpha.dtype == np.float32 and alpha.shape == (320, 320)
    assert alpha.min() == 0 and alpha.max() == 1


def test_large_photos_are_filtered_small(red_disc, monkeypatch):
    shapes = []
    filtered = cutout.guided_filter
    monkeypatch.setattr(
        cutout, "guided_filter", lambda *a: shapes.append((a[0].shape, a[2])) or filtered(*a)
    )
    large = np.asarray(Image.fromarray(red_disc.image).resize((1600, 900)))
    assert cutout.soft_alpha(large, red_disc.probabilities, CLASSES).shape == (900, 1600)
    assert shapes == [((360, 640, 3), round(cutout.RADIUS * 640))]


def test_the_cutout_is_transparent_around_objects_and_keeps_none_of_the_background(red_disc):
    exact = disc(320, 12)
    rgba = cutout.cut_out(photo_of(exact), exact)
    np.testing.assert_array_equal(rgba[..., 3], np.rint(exact * 255))
    fringe = (exact > 0.3) & (exact < 1)
    seen = np.abs(photo_of(exact)[fringe] - np.array(RED)).mean()
    assert np.abs(rgba[fringe][:, :3] - np.array(RED)).mean() < 0.4 * seen
    np.testing.assert_array_equal(rgba[exact == 1][:, :3], photo_of(exact)[exact == 1])
    assert red_disc.cutout().shape == (320, 320, 4)


def test_no_object_shines_into_the_blurred_background(red_disc):
    image = red_disc.image
    behind = cutout.blurred_background(image, disc(320))
    assert behind[disc(320) == 0][:, 0].max() <= BLUE[0] + 4
    assert behind[..., 0].std() < 2  # even under the object
    blurred = red_disc.blurred()
    assert np.abs(blurred[160, 160] - np.array(RED)).max() < 12  # the object itself is sharp
    np.testing.assert_array_equal(blurred[160, 160], image[160, 160])


def test_the_blur_blurs():
    stripes = np.zeros((128, 128, 3), np.uint8)
    stripes[:, ::2] = 255
    behind = cutout.blurred_background(stripes, np.zeros((128, 128), np.float32))
    np.testing.assert_allclose(behind[:, 20:-20], 127.5, atol=3)


@pytest.mark.parametrize("opaque", [0, 1])
def test_photos_of_objects_alone_or_of_none(opaque):
    image = np.full((40, 60, 3), 77, np.uint8)
    alpha = np.full((40, 60), opaque, np.float32)
    np.testing.assert_array_equal(cutout.cut_out(image, alpha)[..., :3], image)
    assert np.isfinite(cutout.blurred_background(image, alpha)).all()
    white = cutout.cover(np.uint8([255, 255, 255]), image.shape)
    expected = 77 if opaque else 255
    np.testing.assert_array_equal(cutout.put_before(image, alpha, white), expected)


def test_objects_stand_before_a_colour_or_another_photo(red_disc):
    green = red_disc.before(np.uint8([0, 200, 0]))
    assert green[0, 0].tolist() == [0, 200, 0]
    np.testing.assert_array_equal(green[160, 160], red_disc.image[160, 160])
    other = np.zeros((100, 400, 3), np.uint8)
    other[:, 150:250] = 255  # the middle square, which fills the photo
    before = red_disc.before(other)
    assert before[0, 5].tolist() == before[-1, -5].tolist() == [255, 255, 255]


def test_colours_are_mixed_by_alpha():
    alpha = np.float32([[0, 0.25, 0.75, 1]])
    image = np.full((1, 4, 3), 200, np.uint8)
    mixed = cutout.put_before(image, alpha, np.zeros((1, 4, 3), np.uint8))
    np.testing.assert_allclose(mixed[0, :, 0], [0, 50, 150, 200], atol=2)
