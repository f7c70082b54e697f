"""Self-training: images without truth, labelled by a model that has learned from the others."""

import numpy as np

from unet_core.data.base import Dataset, Sample
from unet_core.errors import UserError
from unet_core.prediction.segmenter import MirroredSegmenter
from unet_core.store.runs import find_run


class PseudoLabelled(Dataset):
    """The split ``unlabelled`` of a data set, with the masks that ``teacher``, a run, predicts.

    After Xie et al. 2020, "Self-training with Noisy Student improves ImageNet classification". The
    predictions for the image and its mirror image are averaged. ``UserError`` when there is no such
    run, or it knows other classes.
    """

    def __init__(self, dataset: Dataset, teacher: str):
        run = find_run(teacher)
        if run.classes != dataset.classes:
            raise UserError(f"{run.title} cannot label {dataset.title}: its classes are others.")
        self.name, self.title, self.credit = dataset.name, dataset.title, dataset.credit
        self.classes = dataset.classes
        self.splits = {"trainval": dataset.splits.get("unlabelled", []), "test": []}
        self._dataset, self._segmenter = dataset, MirroredSegmenter(run)
        trained = (run.path / "model.onnx").stat().st_mtime_ns
        self.fingerprint = f"{dataset.fingerprint} {teacher} {trained}"

    def load(self, name: str) -> Sample:
        image = self._dataset.load_image(name)
        return Sample(image, self._segmenter.mask(image))

    def load_image(self, name: str) -> np.ndarray:
        return self._dataset.load_image(name)
