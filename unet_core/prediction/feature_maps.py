"""The feature maps inside a run's model, by ONNX Runtime.

An export keeps few of Keras's names: batch normalisation melts into convolutions, activations are
numbered. So a layer is found by its kind and its shape, which the specification has, and by its
place among those that share both.
"""

import threading
from dataclasses import dataclass

import numpy as np
import onnx
from PIL import Image

from unet_core.architectures.catalogue import CATALOGUE
from unet_core.architectures.specs import Layer, Specification
from unet_core.errors import UserError
from unet_core.prediction.overlay import heat
from unet_core.prediction.segmenter import open_session
from unet_core.store.runs import Run

OPERATORS = {"convolution": ("Conv",), "up": ("ConvTranspose", "Resize")}
ACTIVATIONS = ("Relu", "Clip")
NORMALISATIONS = ("Add", "Mul", "BatchNormalization")
CHANNELS = 4  # shown of each layer


@dataclass(frozen=True)
class FeatureMap:
    """What a layer makes of an image.

    ``summary``: the mean absolute value over all channels; ``channels``: the four whose values
    vary most over the image. Maps are float32 (size, size) in 0–1. ``silent``: how many channels
    have the same value everywhere.
    """

    layer: Layer
    summary: np.ndarray
    channels: tuple[np.ndarray, ...]
    silent: int

    @classmethod
    def of(cls, layer: Layer, values: np.ndarray) -> "FeatureMap":
        """From the layer's output, float32 (channels, size, size)."""
        spread = values.std((1, 2))
        liveliest = np.argsort(-spread, kind="stable")[:CHANNELS]
        return cls(
            layer,
            _stretch(np.abs(values).mean(0)),
            tuple(_stretch(values[channel]) for channel in liveliest),
            int((spread < 1e-6).sum()),
        )

    def image(self, width: int, height: int) -> np.ndarray:
        """The summary beside two rows of channels, uint8 (height, about 2 * width, 3)."""
        gap = max(2, height // 64)
        rows, columns = 2, CHANNELS // 2
        small = ((width - gap) // columns, (height - gap) // rows)
        image = np.full((height, 2 * width + gap, 3), 128, np.uint8)
        image[:, :width] = _enlarge(self.summary, width, height)
        for number, channel in enumerate(self.channels):
            top = number // columns * (height - small[1])
            left = width + gap + number % columns * (width - small[0])
            image[top : top + small[1], left : left + small[0]] = _enlarge(channel, *small)
        return image


@dataclass(frozen=True)
class FeatureLevel:
    """A level of the U: what the encoder found, what came from below, what the decoder made of it.

    The bottom has ``encoder`` only; a decoder without convolutions of its own is None.
    ``is_handed_over``: whether a skip connection takes the encoder's features across.
    """

    is_handed_over: bool
    encoder: FeatureMap
    below: FeatureMap | None
    decoder: FeatureMap | None


class FeatureMaps:
    """Looks into the network of one run. Safe to share between threads."""

    def __init__(self, run: Run, threads: int = 2):
        """``UserError`` when the run has no model, or one of another make."""
        path = run.path / "model.onnx"
        if not path.is_file():
            raise UserError(f"{run.title} has no model yet; let its training end first.")
        if run.config["training"]["model"] not in CATALOGUE:
            raise UserError(f"{run.title} is of a network that this version does not know.")
        try:
            model, self.size = sized_model(run)
        except Exception as error:  # Protobuf's and ONNX's errors share no base class but this
            raise UserError(f"{path} cannot be read as a model; export the run again.") from error
        training = run.config["training"]
        specification = CATALOGUE[training["model"]].specification(
            len(run.classes), self.size, training["model_arguments"]
        )
        self._has_skips = bool(specification.skips)
        self._levels = shown_layers(specification)
        self._layers = [layer for level in self._levels for layer in level if layer]
        self._tensors = [find_tensor(model.graph, specification, x) for x in self._layers]
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in self._tensors)
        self._session = open_session(model.SerializeToString(), threads)
        self._lock = threading.Lock()

    def levels(self, image: np.ndarray) -> list[FeatureLevel]:
        """Each level from the top to the bottom for a uint8 image (H, W, 3) of any size.

        The image is squashed to the network's size first, as for a prediction.
        """
        squashed = Image.fromarray(image).resize((self.size,) * 2, Image.Resampling.BILINEAR)
        pixels = {self._session.get_inputs()[0].name: np.asarray(squashed, np.float32)[None]}
        with self._lock:
            found = self._session.run(self._tensors, pixels)
        maps: dict[Layer | None, FeatureMap] = {
            x: FeatureMap.of(x, values[0]) for x, values in zip(self._layers, found, strict=True)
        }
        return [
            FeatureLevel(self._has_skips, maps[encoder], maps.get(below), maps.get(decoder))
            for encoder, below, decoder in self._levels
        ]


def sized_model(run: Run) -> tuple[onnx.ModelProto, int]:
    """The run's prediction model with the shapes of all its tensors, and the side of its images.

    Where the file leaves that free, it is what the run was trained with.
    """
    model = onnx.load(run.path / "model.onnx")
    _, height, width, _ = model.graph.input[0].type.tensor_type.shape.dim
    size = height.dim_value or run.config["training"]["image_size"]
    height.dim_value = width.dim_value = size
    return onnx.shape_inference.infer_shapes(model), size


def shown_layers(specification: Specification) -> list[tuple[Layer, Layer | None, Layer | None]]:
    """Encoder, below and decoder of every level, from the top; the bottom comes last.

    The encoder's layer is the one that a skip connection hands over, where there is one; in place
    of the pixels themselves, which are no features yet, what the decoder makes of them.
    """
    *features, bottom = specification.features
    levels: list[tuple[Layer, Layer | None, Layer | None]] = [(bottom, None, None)]
    ups = [x for x in specification.layers if x.kind == "up" and x.part == "decoder"]
    for up, decoded in zip(ups, specification.decoded, strict=True):
        encoder = features[up.level]
        if encoder.kind == "input":
            encoder = specification.skips[-1]
        levels.append((encoder, up, decoded if decoded.kind == "convolution" else None))
    return levels[::-1]


def find_tensor(graph: onnx.GraphProto, specification: Specification, layer: Layer) -> str:
    """The name of the tensor after the layer's activation; ``graph`` has its shapes inferred.

    ``UserError`` when the graph is not of such a network.
    """
    shapes = {
        value.name: tuple(size.dim_value for size in value.type.tensor_type.shape.dim)
        for value in graph.value_info
    }
    shape = (1, layer.channels, layer.size, layer.size)
    found = [
        node.output[0]
        for node in graph.node
        if node.op_type in OPERATORS[layer.kind] and shapes.get(node.output[0]) == shape
    ]
    signature = (layer.kind, layer.size, layer.channels)
    alike = [x for x in specification.layers if (x.kind, x.size, x.channels) == signature]
    # Counted from the end: MobileNetV2's depthwise convolutions are no layers of their own.
    place = len(alike) - alike.index(layer)
    if place > len(found):
        raise UserError(f"The layer {layer.name} is not in this run's model; export the run again.")
    return _after_activation(graph, found[-place])


def _after_activation(graph: onnx.GraphProto, tensor: str) -> str:
    """Follow ``tensor`` through its normalisation and activation, as long as it has one reader."""
    while True:
        readers = [node for node in graph.node if tensor in node.input]
        if len(readers) != 1 or readers[0].op_type not in ACTIVATIONS + NORMALISATIONS:
            return tensor
        tensor = readers[0].output[0]
        if readers[0].op_type in ACTIVATIONS:
            return tensor


def _stretch(values: np.ndarray) -> np.ndarray:
    """Spread over 0–1, leaving out the hundredth at either end."""
    low, high = np.percentile(values, (1, 99))
    return np.clip((values - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)


def _enlarge(values: np.ndarray, width: int, height: int) -> np.ndarray:
    """Colors of ``values``, uint8 (height, width, 3); single positions stay visible as squares."""
    return np.asarray(Image.fromarray(heat(values)).resize((width, height), Image.Resampling.BOX))
