"""Self-training: images without truth, labelled by a model that has learned from the others."""

from functools import cached_property

import numpy as np

from unet_core.data.base import Dataset, Sample
from unet_core.errors import UserError
from unet_core.prediction.masks import class_ids, resize_channels
from unet_core.prediction.segmenter import Segmenter
from unet_core.store.runs import find_run

AGREEMENT = 0.88  # least IoU of what is found in an image and in its mirror image


class PseudoLabelled(Dataset):
    """The split ``unlabelled`` of a data set, with the masks that ``teacher``, a run, predicts.

    After Xie et al. 2020, "Self-training with Noisy Student improves ImageNet classification". The
    predictions for the image and its mirror image are averaged; where they disagree about what is
    not background, the teacher is unsure, and the image is left out. ``UserError`` when there is no
    such run, or it knows other classes.
    """

    def __init__(self, dataset: Dataset, teacher: str):
        run = find_run(teacher)
        if run.classes != dataset.classes:
            raise UserError(f"{run.title} cannot label {dataset.title}: its classes are others.")
        self.name, self.title, self.credit = dataset.name, dataset.title, dataset.credit
        self.classes = dataset.classes
        self._dataset, self._segmenter = dataset, Segmenter(run)
        trained = (run.path / "model.onnx").stat().st_mtime_ns
        self.fingerprint = f"{dataset.fingerprint} {teacher} {trained}"

    @cached_property
    def splits(self) -> dict[str, list[str]]:  # type: ignore[override]
        """Found out when asked for, since every image is predicted."""
        names = self._dataset.splits.get("unlabelled", [])
        return {
            "trainval": [name for name in names if self._agreement(name) >= AGREEMENT],
            "test": [],
        }

    def load(self, name: str) -> Sample:
        image = self._dataset.load_image(name)
        mean = np.mean(self._both(image), axis=0)
        return Sample(image, class_ids(resize_channels(mean, *image.shape[:2]), 0.5))

    def load_image(self, name: str) -> np.ndarray:
        return self._dataset.load_image(name)

    def _agreement(self, name: str) -> float:
        """IoU of the objects, 0–1; 0 where there are none."""
        first, second = (
            np.isin(p.argmax(axis=-1), self._objects)
            for p in self._both(self._dataset.load_image(name))
        )
        return (first & second).sum() / max((first | second).sum(), 1)

    @property
    def _objects(self) -> list[int]:
        return [i for i, c in enumerate(self.classes) if c.is_object]

    def _both(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities for the image, and for its mirror image, mirrored back."""
        mirrored = self._segmenter.probabilities(image[:, ::-1])
        return self._segmenter.probabilities(image), mirrored[:, ::-1]
