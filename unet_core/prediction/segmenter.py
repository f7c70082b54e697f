"""Prediction without TensorFlow: an image in, class probabilities out, by ONNX Runtime."""

import threading
from collections.abc import Sequence

import numpy as np
import onnxruntime
from PIL import Image

from unet_core.architectures.catalogue import CATALOGUE
from unet_core.errors import UserError
from unet_core.prediction.closer import small_region, with_detail
from unet_core.prediction.masks import class_ids, resize_channels
from unet_core.prediction.tiling import predict_by_tiles
from unet_core.store.runs import Run

MAX_SIDE = 4  # times ``size``: of an image that is predicted by tiles


def open_session(model: str | bytes, threads: int) -> onnxruntime.InferenceSession:
    """ONNX Runtime with a model, given as a path or as the file's content, on so many threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.enable_cpu_mem_arena = False  # the arena never gives memory back
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


class Segmenter:
    """The network of one run, ready to predict. Safe to share between threads.

    ``size`` is the side of the square images that it was trained for. ``UserError`` when the run
    has no model, or one that cannot be read or is of other classes.
    """

    def __init__(self, run: Run, threads: int = 2):
        path = run.path / "model.onnx"
        if not path.is_file():
            raise UserError(f"The run {run.name!r} has no model yet; let its training end first.")
        try:
            self._session = open_session(str(path), threads)
        except Exception as error:  # ONNX Runtime's errors share no base class but this
            raise UserError(f"{path} cannot be read as a model; export the run again.") from error
        self._lock = threading.Lock()  # one image at a time: two cores, little memory
        self._input, output = self._session.get_inputs()[0], self._session.get_outputs()[0]
        channels = 1 if run.is_binary else len(run.classes)
        if not (_is_of_images(self._input, 3) and _is_of_images(output, channels)):
            raise UserError(f"{path} is no model of this run's classes; export the run again.")
        training = run.config["training"]
        entry = CATALOGUE.get(training["model"])
        self._step = 2 ** entry.unet(training["model_arguments"]).depth if entry else 32
        self._tile, self._output = self._input.shape[1], output.shape[1]
        self._is_free = isinstance(self._tile, str)  # takes all multiples of ``_step``
        self.is_tiled = not self._is_free and self._output < self._tile
        self.size = training["image_size"] if self._is_free or self.is_tiled else self._tile
        self._looks_closer = bool(training.get("composites"))
        self.run = run

    def probabilities(self, image: np.ndarray) -> np.ndarray:
        """Probabilities float32 (h, w, classes) of an image uint8 (H, W, 3) of any size.

        The image is reduced to ``size`` squared pixels first, in its own shape, or squashed to a
        square where the network takes no other; for a network of unpadded convolutions, to ``size``
        on its shorter side, and predicted tile by tile. Small objects are looked at a second time,
        see `closer`, where the run has learned objects of all sizes. A binary model's one channel
        becomes two: background and foreground. `resize_channels` brings the result to the
        image's resolution: probabilities, not masks, are resized, so that outlines are smooth.
        """
        probabilities = self._look(image)
        if self._looks_closer and (region := small_region(self._objects(probabilities))):
            detail = self._look(image[region.slices(*image.shape[:2])])
            probabilities = with_detail(probabilities, detail, region)
        return probabilities

    def _look(self, image: np.ndarray) -> np.ndarray:
        height, width = self._scaled(*image.shape[:2])
        if image.shape[:2] != (height, width):
            reduced = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
            image = np.asarray(reduced)
        if self.is_tiled:
            probabilities = predict_by_tiles(image, self._predict, self._tile, self._output)
        else:
            probabilities = self._predict(image)
        if probabilities.shape[-1] == 1:
            probabilities = np.concatenate([1 - probabilities, probabilities], axis=-1)
        return probabilities

    def _objects(self, probabilities: np.ndarray) -> np.ndarray:
        """The probability (h, w) that a pixel is of an object; half of a border is."""
        weights = [{"object": 1.0, "border": 0.5}.get(c.role, 0.0) for c in self.run.classes]
        return probabilities @ np.array(weights, np.float32)

    def mask(self, image: np.ndarray, threshold: float = 0.5) -> np.ndarray:
        """Class ids uint8 (H, W) of an image uint8 (H, W, 3), as `masks.class_ids`."""
        probabilities = resize_channels(self.probabilities(image), *image.shape[:2])
        return class_ids(probabilities, threshold)

    def _scaled(self, height: int, width: int) -> tuple[int, int]:
        if self._is_free:
            scale = self.size / (height * width) ** 0.5 / self._step
            rows, columns = (max(1, round(side * scale)) for side in (height, width))
            return rows * self._step, columns * self._step
        if not self.is_tiled:
            return self.size, self.size
        scale, longest = self.size / min(height, width), MAX_SIDE * self.size
        return min(longest, round(height * scale)), min(longest, round(width * scale))

    def _predict(self, image: np.ndarray) -> np.ndarray:
        pixels = image[None].astype(np.float32)
        try:
            with self._lock:
                return self._session.run(None, {self._input.name: pixels})[0][0]
        except Exception as error:  # as above
            raise UserError(f"The model of {self.run.title} fails; export it again.") from error


def _is_of_images(tensor: onnxruntime.NodeArg, channels: int) -> bool:
    """Whether it is float32 (1, side, side, ``channels``), or its sides are free."""
    _, *shape = tensor.shape or [None]
    free = ["height", "width", channels]
    is_square = bool(shape) and type(shape[0]) is int and shape == [shape[0]] * 2 + [channels]
    return tensor.type == "tensor(float)" and (is_square or shape == free)


MIRROR = ((0, False), (0, True))
ALL_EIGHT = tuple((turns, mirrored) for turns in range(4) for mirrored in (False, True))


class AveragedSegmenter(Segmenter):
    """The same, averaged over ``symmetries`` of the image: better, in as many times the time.

    A symmetry is a number of quarter turns, and whether the turned image is mirrored: ``MIRROR``
    for photos, ``ALL_EIGHT`` for images without an upside, such as micrographs.
    """

    def __init__(self, run: Run, symmetries: Sequence[tuple[int, bool]] = MIRROR):
        super().__init__(run)
        self._symmetries = symmetries

    def _predict(self, image: np.ndarray) -> np.ndarray:
        looks = []
        for turns, mirrored in self._symmetries:
            step = -1 if mirrored else 1
            seen = super()._predict(np.rot90(image, turns)[:, ::step])
            looks.append(np.rot90(seen[:, ::step], -turns))
        return np.mean(looks, axis=0)
