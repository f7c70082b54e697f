"""Whether an image looks like those that a run has learned from.

The features at the bottom of its network, averaged over the image, are described by a Gaussian; an
image is unfamiliar when it lies further out than nearly all images of the training and validation
parts (Lee, Lee, Lee and Shin, "A Simple Unified Framework for Detecting Out-of-Distribution
Samples", NeurIPS 2018). What is needed for that lies in the run folder as ``familiarity.npz``.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import onnx
from PIL import Image

from unet_core.architectures.catalogue import CATALOGUE
from unet_core.prediction.feature_maps import find_tensor, sized_model
from unet_core.prediction.segmenter import open_session
from unet_core.store.runs import Run

FILE = "familiarity.npz"
SAVED = ("tensor", "mean", "axes", "noise", "limit", "false_alarms", "tested")
COMPONENTS = 32  # of the Gaussian at most
FOLDS = 5
FALSE_ALARMS = 0.02  # part of familiar images that lies beyond the limit
MAX_IMAGES = 500  # that are looked at of each part of the data
WARNING = (
    "This picture does not look like the ones the model was trained on, so its mask may be wrong."
)


@dataclass(frozen=True)
class Gaussian:
    """Full in the directions of most variance, with one variance in all others: probabilistic
    principal components (Tipping and Bishop 1999), a covariance that few images are enough for.

    ``mean`` (d,), ``axes`` (k, d) and ``noise``, the variance in all other directions.
    """

    mean: np.ndarray
    axes: np.ndarray
    noise: float

    @classmethod
    def fit(cls, vectors: np.ndarray) -> "Gaussian":
        """Of ``vectors`` (N, d), with a component for each four of them at most."""
        mean = vectors.mean(0)
        _, singular, directions = np.linalg.svd(vectors - mean, full_matrices=False)
        variance = singular**2 / len(vectors)
        count = min(COMPONENTS, len(vectors) // 4, len(mean) - 1)
        noise = max(float(variance[count:].sum()) / (len(mean) - count), 1e-9)
        weights = 1 / noise - 1 / np.maximum(variance[:count], noise)
        axes = np.sqrt(weights)[:, None] * directions[:count]
        return cls(mean.astype(np.float32), axes.astype(np.float32), noise)

    def distances(self, vectors: np.ndarray) -> np.ndarray:
        """Squared Mahalanobis distances (N,) of ``vectors`` (N, d) from the mean."""
        centered = vectors - self.mean
        return (centered**2).sum(1) / self.noise - ((centered @ self.axes.T) ** 2).sum(1)


class Features:
    """The lower half of a run's network: an image in, the averaged features of ``tensor`` out."""

    def __init__(self, run: Run, tensor: str, threads: int = 2):
        model, self._side = sized_model(run)
        del model.graph.output[:]
        model.graph.output.append(onnx.ValueInfoProto(name=tensor))
        self._session = open_session(model.SerializeToString(), threads)
        self._input = self._session.get_inputs()[0].name

    def vector(self, image: np.ndarray) -> np.ndarray:
        """Float32 (channels,) of an image uint8 (H, W, 3) of any size, which is squashed."""
        squashed = Image.fromarray(image).resize((self._side,) * 2, Image.Resampling.BILINEAR)
        pixels = {self._input: np.asarray(squashed, np.float32)[None]}
        return self._session.run(None, pixels)[0][0].mean((1, 2))


@dataclass(frozen=True)
class Familiarity:
    """Tells the images that look like a run's own from others. Safe to share between threads.

    ``false_alarms`` of the ``tested`` images of the run's test split lie beyond the limit.
    """

    features: Features
    gaussian: Gaussian
    limit: float
    false_alarms: int
    tested: int

    def strangeness(self, image: np.ndarray) -> float:
        """Distance of an image uint8 (H, W, 3) from the run's own ones; above 1: unfamiliar."""
        return float(self.gaussian.distances(self.features.vector(image)[None])[0]) / self.limit


def familiarity_of(run: Run) -> Familiarity | None:
    """What the run's ``familiarity.npz`` says; None without one, or where it is unusable."""
    try:
        with np.load(run.path / FILE) as file:
            tensor, limit, false_alarms, tested = (
                file[name].item() for name in ("tensor", "limit", "false_alarms", "tested")
            )
            gaussian = Gaussian(file["mean"], file["axes"], file["noise"].item())
        return Familiarity(Features(run, tensor), gaussian, limit, false_alarms, tested)
    except Exception:  # of the disk, the zip or ONNX Runtime, whose errors share no base class
        return None


def write_familiarity(
    run: Run, known: Iterable[np.ndarray], tested: Iterable[np.ndarray]
) -> Familiarity | None:
    """Describe the ``known`` images, uint8 (H, W, 3), and try that on the ``tested`` ones.

    The limit is the distance that all but `FALSE_ALARMS` of the known images have from the others
    (each fifth of them from the rest): the validation part alone is often a dozen images, of which
    no such part can be told. The file is left out, None, where a diverged network gives no numbers.
    """
    features = Features(run, tensor := bottom_tensor(run))
    vectors = np.stack([features.vector(image) for image in known])
    if not np.isfinite(vectors).all():
        return None
    fold = np.arange(len(vectors)) % FOLDS
    distances = np.concatenate(
        [
            Gaussian.fit(vectors[fold != number]).distances(vectors[fold == number])
            for number in range(FOLDS)
            if (fold == number).any()
        ]
    )
    gaussian, limit = Gaussian.fit(vectors), float(np.quantile(distances, 1 - FALSE_ALARMS))
    seen = Familiarity(features, gaussian, limit, 0, 0)
    alarms = [seen.strangeness(image) > 1 for image in tested]
    found = Familiarity(features, gaussian, limit, sum(alarms), len(alarms))
    values = vars(gaussian) | {"tensor": tensor} | vars(found)
    temporary = run.path / f"new.{FILE}"
    np.savez(temporary, **{name: values[name] for name in SAVED})
    os.replace(temporary, run.path / FILE)
    return found


def spread(images: np.ndarray) -> np.ndarray:
    """`MAX_IMAGES` of ``images`` (N, …) at most, evenly spread."""
    return images[:: -(-len(images) // MAX_IMAGES)]


def bottom_tensor(run: Run) -> str:
    """The tensor of the bottom of the run's network; ``UserError`` where its file has none."""
    training, (model, side) = run.config["training"], sized_model(run)
    specification = CATALOGUE[training["model"]].specification(
        len(run.classes), side, training["model_arguments"]
    )
    return find_tensor(model.graph, specification, specification.features[-1])
