"""Each exported file predicts what Keras does."""

import keras
import numpy as np
import onnx
import pytest

from unet_core.errors import UserError
from unet_core.models import build
from unet_core.training.export import LARGE, export, prediction_model

IMAGE = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(0)
    return build("compact", 3, {"depth": 1, "filters": 8, "batch_norm": True}, 32)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("temperature", [1.0, 2.5])
def test_probabilities_are_the_logits_sigmoid_or_softmax(channels, temperature):
    network = build("compact", channels, {"depth": 1, "filters": 2}, 32)
    logits = np.asarray(network(IMAGE), np.float64) / temperature
    if channels == 1:
        expected = 1 / (1 + np.exp(-logits))
    else:
        expected = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    predictor = prediction_model(network, temperature)
    np.testing.assert_allclose(predictor(IMAGE), expected, atol=1e-6)
    assert predictor.input_shape == (1, 32, 32, 3)


def onnx_file(path) -> np.ndarray:
    import onnxruntime

    kinds = {}
    for weight in onnx.load(path).graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        if values.dtype.kind == "f":
            kinds.setdefault(values.dtype.name, []).append(values.size)
    assert min(kinds["float16"]) >= LARGE > max(kinds["float32"])
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape == [1, "height", "width", 3]
    return session.run(None, {session.get_inputs()[0].name: IMAGE})[0]


def tflite_file(path) -> np.ndarray:
    import tensorflow as tf

    interpreter = tf.lite.Interpreter(str(path))
    interpreter.allocate_tensors()
    kinds = {t["dtype"] for t in interpreter.get_tensor_details()}
    assert np.float16 in kinds
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], IMAGE)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def savedmodel_folder(path) -> np.ndarray:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    return loaded.serve(IMAGE).numpy()


READERS = {
    "onnx": (onnx_file, 2e-3),
    "tflite": (tflite_file, 2e-3),
    "savedmodel": (savedmodel_folder, 1e-6),
}


@pytest.mark.parametrize("kind", READERS)
def test_every_format_agrees_with_keras(model, tmp_path, kind):
    read, tolerance = READERS[kind]
    path = tmp_path / "model"
    assert export(model, path, kind, temperature=2.0) == path
    assert [file.name for file in tmp_path.iterdir()] == ["model"]
    expected = np.asarray(prediction_model(model, 2.0)(IMAGE))
    assert np.ptp(expected) > 0.1  # else all would agree
    found, plain = read(path), np.asarray(prediction_model(model)(IMAGE))
    np.testing.assert_allclose(found, expected, atol=tolerance)
    assert plain.max() > found.max() + 0.05
    clear = np.ptp(np.sort(plain)[..., 1:], axis=-1) > tolerance
    assert clear.mean() > 0.9
    np.testing.assert_array_equal(found.argmax(-1)[clear], plain.argmax(-1)[clear])


def test_another_format_is_refused(model, tmp_path):
    with pytest.raises(UserError, match="onnx, tflite, savedmodel"):
        export(model, tmp_path / "model", "pb")
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "channels", "arguments"),
    [
        ("batchnorm", 1, {"depth": 2, "filters": 2, "channels": 1}),  # reshapes at both ends
        ("compact", 3, {"depth": 2, "filters": 2}),
        ("mobilenetv2", 3, {}),
        ("mobilenetv2-fast", 1, {}),
    ],
)
def test_a_padded_network_takes_images_of_any_shape(tmp_path, name, channels, arguments):
    import onnxruntime

    network = build(name, channels, arguments, 64)
    wide = build(name, channels, arguments)
    wide.set_weights(network.get_weights())
    image = np.random.default_rng(0).integers(0, 256, (1, 32, 96, 3)).astype(np.float32)
    path = export(network, tmp_path / "model.onnx", "onnx")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = session.run(None, {session.get_inputs()[0].name: image})[0]
    logits = np.asarray(wide(image), np.float64)
    expected = 1 / (1 + np.exp(-logits))
    if channels > 1:
        expected = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_a_network_of_unpadded_convolutions_keeps_its_tiles(tmp_path):
    network = build("original", 1, {"depth": 1, "filters": 2}, 28)
    model = onnx.load(export(network, tmp_path / "model.onnx", "onnx"))
    shape = model.graph.input[0].type.tensor_type.shape.dim
    assert [side.dim_value for side in shape] == [1, 28, 28, 3]
