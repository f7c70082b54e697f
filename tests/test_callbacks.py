"""What a training writes while it runs: rows, and strips of sample predictions."""

import keras
import numpy as np
from PIL import Image

from unet_core.data.prepared import Prepared
from unet_core.store.classes import ClassInfo
from unet_core.store.files import read_rows
from unet_core.store.runs import Run
from unet_core.training.callbacks import SamplePredictions, append_row, logits_to_ids

CLASSES = tuple(ClassInfo(color, color) for color in ("#ff0000", "#00ff00", "#0000ff"))


def test_class_ids_are_the_largest_logit_or_a_sigmoid_from_a_half_on():
    one = np.float32([[[[-1], [-1e-6], [0], [1e-6]]]])
    assert logits_to_ids(one).tolist() == [[[0, 0, 1, 1]]]
    three = np.float32([[[[-1, -3, -2], [0, 2, 1], [5, 6, 7]]]])
    assert logits_to_ids(three).tolist() == [[[0, 1, 2]]]
    assert logits_to_ids(one).dtype == logits_to_ids(three).dtype == np.uint8


def test_rows_get_one_header(tmp_path):
    path = tmp_path / "steps.csv"
    append_row(path, {"step": 1, "epoch": 1, "loss": 0.5, "seconds": 3})
    append_row(path, {"step": 2, "epoch": 1, "loss": 0.25, "seconds": 4})
    assert path.read_text().split() == ["step,epoch,loss,seconds", "1,1,0.5,3", "2,1,0.25,4"]
    assert read_rows(path)[1] == {"step": 2, "epoch": 1, "loss": 0.25, "seconds": 4}


def samples_of(tmp_path, side: int, count: int, whole: int, network) -> np.ndarray:
    """The strip that a network leaves of ``count`` random images after its third epoch."""
    random = np.random.default_rng(0)
    data = Prepared(
        [str(i) for i in range(count)],
        random.integers(0, 256, (count, side, side, 3), np.uint8),
        random.integers(0, 3, (count, side, side), np.uint8),
    )
    samples = SamplePredictions(Run(tmp_path), data, CLASSES, whole)
    samples.set_model(network)
    samples.on_epoch_begin(2)
    samples.on_test_end()
    assert [path.name for path in (tmp_path / "samples").iterdir()] == ["epoch-003.png"]
    return data, np.asarray(Image.open(tmp_path / "samples" / "epoch-003.png"))


def test_a_strip_shows_five_pictures_their_truth_and_the_prediction(tmp_path):
    pixels = keras.Input((8, 8, 3))
    strongest = keras.Model(pixels, keras.layers.Activation("linear")(pixels))
    data, strip = samples_of(tmp_path, 8, 7, 8, strongest)
    assert strip.shape == (3 * 8, 5 * 8, 3)
    colors = np.uint8([[255, 0, 0], [0, 255, 0], [0, 0, 255]])
    for number in range(5):
        column = strip[:, 8 * number : 8 * number + 8]
        np.testing.assert_array_equal(column[:8], data.images[number])
        np.testing.assert_array_equal(column[8:16], colors[data.masks[number]])
        np.testing.assert_array_equal(column[16:], colors[data.images[number].argmax(-1)])


def test_an_unpadded_network_sees_the_mirrored_picture_and_its_middle_is_shown(tmp_path):
    pixels = keras.Input((16, 16, 3))
    strongest = keras.Model(pixels, keras.layers.Cropping2D(2)(pixels))  # 12 of 16
    data, strip = samples_of(tmp_path, 10, 2, 16, strongest)
    assert strip.shape == (3 * 10, 2 * 10, 3)
    colors = np.uint8([[255, 0, 0], [0, 255, 0], [0, 0, 255]])
    np.testing.assert_array_equal(strip[20:, :10], colors[data.images[0].argmax(-1)])
