"""Trained weights as files: for Keras, and as prediction models for other runtimes."""

import os
import tempfile
from pathlib import Path

import h5py
import keras
import numpy as np
import onnx
import tensorflow as tf

from unet_core.errors import UserError

LARGE = 256  # weights with fewer numbers are not worth a cast
FORMATS = ("onnx", "tflite", "savedmodel")


def save_weights(model: keras.Model, path: Path) -> None:
    """Save the weights alone, as float16: half the size, and far finer than masks can show."""
    full, half = path.with_name(f"full.{path.name}"), path.with_suffix(".tmp")
    model.save_weights(full)
    with h5py.File(full) as source, h5py.File(half, "w") as target:
        _copy_as_float16(source, target)
    os.replace(half, path)
    full.unlink()


def _copy_as_float16(source: h5py.Group, target: h5py.Group) -> None:
    target.attrs.update(source.attrs)
    for name, item in source.items():
        if isinstance(item, h5py.Group):
            _copy_as_float16(item, target.create_group(name))
        else:
            target[name] = item[()].astype(np.float16)


def export(model: keras.Model, path: Path, kind: str, temperature: float = 1.0) -> Path:
    """Write ``model`` (a fixed input size, logits out) as a prediction model to ``path``.

    ``kind``: ``onnx`` (ONNX Runtime) or ``tflite`` (LiteRT), whose weights are kept as float16 and
    used as float32, or ``savedmodel`` (TensorFlow). The file appears whole or not at all.
    ``UserError`` for another kind.
    """
    if kind not in FORMATS:
        raise UserError(f"The format is one of {', '.join(FORMATS)}.")
    predictor = prediction_model(model, temperature)
    predictor(np.zeros(predictor.input_shape, np.float32))  # the export wants a called model
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        temporary = Path(folder) / path.name
        if kind == "tflite":
            temporary.write_bytes(_tflite(predictor))
        elif kind == "onnx":
            signature = [keras.InputSpec(shape=predictor.input_shape, dtype="float32")]
            predictor.export(temporary, format="onnx", input_signature=signature, verbose=False)
            graph = onnx.load(temporary)
            _halve_weights(graph)
            if model.output_shape[1] == model.input_shape[1]:
                _free_sides(graph)
            onnx.save(graph, temporary)
        else:
            predictor.export(temporary, format="tf_saved_model", verbose=False)
        os.replace(temporary, path)
    return path


def prediction_model(model: keras.Model, temperature: float = 1.0) -> keras.Model:
    """Add the final activation: float32 pixels (1, H, W, 3) in 0–255 in, probabilities out.

    The logits are divided by ``temperature`` before it (see `metrics.calibration`), which changes
    how sure the network is, and no mask.
    """
    activation = "sigmoid" if model.output_shape[-1] == 1 else "softmax"
    pixels = keras.Input(batch_shape=(1, *model.input_shape[1:]), name="pixels")
    logits = model(pixels) / temperature
    probabilities = keras.layers.Activation(activation, name="probabilities")(logits)
    return keras.Model(pixels, probabilities)


def _free_sides(model: onnx.ModelProto) -> None:
    """Let the network of padded convolutions take images of any shape that it can halve.

    Nothing in it depends on the size but the numbers that declare it, and where a single channel is
    moved to the front or back by reshaping.
    """
    for tensor in (*model.graph.input, *model.graph.output):
        _, height, width, _ = tensor.type.tensor_type.shape.dim
        height.dim_param, width.dim_param = "height", "width"
    constants = {constant.name: constant for constant in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Reshape" and node.input[1] in constants:
            target = constants.pop(node.input[1])
            model.graph.initializer.remove(target)
            order = (0, 3, 1, 2) if onnx.numpy_helper.to_array(target)[1] == 1 else (0, 2, 3, 1)
            node.CopyFrom(
                onnx.helper.make_node("Transpose", node.input[:1], node.output, perm=order)
            )
    del model.graph.value_info[:]


def _halve_weights(model: onnx.ModelProto) -> None:
    """Store large float32 weights as float16 with a cast, which ONNX Runtime does once, on loading.

    Half the size; the arithmetic stays float32.
    """
    casts = []
    for weight in model.graph.initializer:
        values = onnx.numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < LARGE:
            continue
        name, half = weight.name, f"{weight.name}_float16"
        weight.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), half))
        casts.append(onnx.helper.make_node("Cast", [half], [name], to=onnx.TensorProto.FLOAT))
    for cast in reversed(casts):
        model.graph.node.insert(0, cast)


def _tflite(predictor: keras.Model) -> bytes:
    converter = tf.lite.TFLiteConverter.from_keras_model(predictor)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    return converter.convert()
