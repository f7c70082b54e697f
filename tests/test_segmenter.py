import numpy as np
import pytest
from PIL import Image

from unet_core.errors import UserError
from unet_core.prediction.masks import class_ids, entropy, resize_channels
from unet_core.prediction.segmenter import ALL_EIGHT, AveragedSegmenter, Segmenter
from unet_core.prediction.views import SegmentedImage, View
from unet_core.store.classes import ClassInfo


def test_probabilities_are_the_networks(channel_run):
    image = np.zeros((40, 60, 3), np.uint8)
    image[:, :30, 0], image[:, 30:, 1] = 200, 200
    segmenter = Segmenter(channel_run)
    assert segmenter.size == 32
    probabilities = segmenter.probabilities(image)
    assert probabilities.shape == (32, 32, 3)
    np.testing.assert_allclose(probabilities.sum(-1), 1, atol=1e-5)
    expected = np.exp(20) / (np.exp(20) + 2)
    assert probabilities[16, 5, 0] == pytest.approx(expected, abs=1e-6)
    assert class_ids(probabilities)[16, 26] == 1


@pytest.mark.parametrize("shape", [(32, 32), (64, 96), (40, 2000)])
def test_a_network_of_unpadded_convolutions_predicts_all_of_a_picture(unpadded_run, shape):
    image = np.zeros((*shape, 3), np.uint8)
    image[:, : shape[1] // 2, 0], image[:, shape[1] // 2 :, 1] = 200, 200
    segmenter = Segmenter(unpadded_run)
    assert segmenter.size == 32 and segmenter.is_tiled
    probabilities = segmenter.probabilities(image)
    height, width = probabilities.shape[:2]
    assert height == 32 and width == min(128, round(32 * shape[1] / shape[0]))
    assert (class_ids(probabilities)[:, : width // 2 - 1] == 0).all()
    assert (class_ids(probabilities)[:, width // 2 + 1 :] == 1).all()


def test_probabilities_are_resized_before_a_class_is_chosen():
    # A ramp from certain to impossible crosses one half in the middle, at any resolution.
    ramp = np.linspace(1, 0, 8, dtype=np.float32)[None].repeat(8, 0)
    wide = resize_channels(np.stack([1 - ramp, ramp], -1), 8, 800)
    edge = (class_ids(wide) == 1).sum(1)
    assert abs(edge - 400).max() <= 5


def test_entropy_runs_from_certain_to_undecided():
    values = entropy(np.array([[[1, 0, 0], [1 / 3, 1 / 3, 1 / 3]]], np.float32))
    np.testing.assert_allclose(values, [[0, 1]], atol=1e-4)


@pytest.mark.parametrize("kind", ["overlay", "outline", "confidence"])
def test_every_view_has_the_pictures_size(channel_run, kind):
    image = np.random.default_rng(0).integers(0, 255, (50, 70, 3), dtype=np.uint8)
    probabilities = Segmenter(channel_run).probabilities(image)
    photo = SegmentedImage("a.b.jpg", image, probabilities, channel_run.classes)
    view = View(kind, visible=("pet", "border"))
    assert photo.draw(view).shape == image.shape
    assert photo.at(140).draw(view).shape == (100, 140, 3)
    assert photo.file_names(view) == ("a.b_mask.png", "a.b_mask_colour.png", f"a.b_{kind}.png")


def test_a_broken_model_file_gets_a_sentence(channel_run):
    (channel_run.path / "model.onnx").write_bytes(b"half a mod")
    with pytest.raises(UserError, match="cannot be read as a model"):
        Segmenter(channel_run)


def test_a_view_finds_something_to_show_in_a_model_with_other_classes():
    lungs = (ClassInfo("background", "#000000", "background"), ClassInfo("lungs", "#009E73"))
    assert View(visible=("pet", "border")).of(lungs).visible == ("lungs",)
    assert View(visible=("background",)).of(lungs).visible == ("background",)
    assert View(visible=()).of(lungs).visible == ()


def test_opacity_zero_changes_nothing(channel_run):
    image = np.full((32, 32, 3), (200, 10, 10), np.uint8)
    probabilities = Segmenter(channel_run).probabilities(image)
    photo = SegmentedImage("x", image, probabilities, channel_run.classes)
    np.testing.assert_array_equal(photo.draw(View(opacity=0)), image)


def test_an_averaged_segmenter_averages_the_picture_and_its_mirror_image(channel_run, monkeypatch):
    given = []

    def left_half(self, image):
        given.append(image)
        return (np.arange(32.0)[None, :, None] * image).astype(np.float32)

    monkeypatch.setattr(Segmenter, "_predict", left_half)
    image = np.tile(np.arange(1, 33, dtype=np.uint8)[None, :, None], (32, 1, 3))
    result = AveragedSegmenter(channel_run).probabilities(image)
    np.testing.assert_array_equal(given[1], image[:, ::-1])
    # straight 0·1, 1·2, 2·3, …; mirrored 0·32, 1·31, …, turned back
    place = np.arange(32)
    expected = (place * (place + 1) + (31 - place) * (place + 1)) / 2
    np.testing.assert_allclose(result[0, :, 0], expected)


def test_all_eight_rotations_and_flips_are_averaged_each_turned_back(channel_run, monkeypatch):
    given = []

    def itself(self, image):
        given.append(image)
        return image.astype(np.float32)

    monkeypatch.setattr(Segmenter, "_predict", itself)
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    result = AveragedSegmenter(channel_run, ALL_EIGHT).probabilities(image)
    np.testing.assert_allclose(result, image)
    assert len({seen.tobytes() for seen in given}) == 8


def test_two_classes_of_one_channel_are_background_and_foreground(channel_run):
    segmenter = Segmenter(channel_run)
    segmenter._predict = lambda image: np.full((32, 32, 1), 0.3, np.float32)
    probabilities = segmenter.probabilities(np.zeros((32, 32, 3), np.uint8))
    np.testing.assert_allclose(probabilities[0, 0], [0.7, 0.3], atol=1e-6)


def test_pictures_are_squashed_bilinearly(channel_run):
    image = np.random.default_rng(0).integers(0, 256, (64, 48, 3), np.uint8)
    small = np.asarray(Image.fromarray(image).resize((32, 32), Image.Resampling.BILINEAR))
    segmenter = Segmenter(channel_run)
    np.testing.assert_array_equal(segmenter.probabilities(image), segmenter.probabilities(small))


def test_a_run_without_a_model_says_so(channel_run):
    (channel_run.path / "model.onnx").unlink()
    with pytest.raises(UserError, match="'channels' has no model yet"):
        Segmenter(channel_run)


def test_channels_are_resized_bilinearly_each_alone():
    values = np.random.default_rng(0).random((6, 5, 2)).astype(np.float32)
    large = resize_channels(values, 9, 11)
    assert large.shape == (9, 11, 2) and large.dtype == np.float32
    for c in range(2):
        one = Image.fromarray(values[..., c]).resize((11, 9), Image.Resampling.BILINEAR)
        np.testing.assert_array_equal(large[..., c], np.asarray(one))
