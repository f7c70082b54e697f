"""How often images are called unfamiliar: `python -m benchmarks.unfamiliar RUN … [--write]`.

The run's own test images (each alarm is a false one), animals of other breeds, and images of other
kinds, as far as their data are in ``UNET_DATA_DIR``. Beside each share stands the area under the
ROC curve against the test images, and that of two other scores: the distance to the nearest known
image (Sun et al. 2022) and the mean confidence (Hendrycks and Gimpel 2017). ``--write`` first
describes anew what the run has learned from, as the end of a training does.
"""

import argparse
import sys
from collections.abc import Callable, Iterator

import numpy as np
from scipy.stats import mannwhitneyu

from benchmarks.false_pets import SCENES
from unet_core.data import data_of, open_dataset
from unet_core.data.base import Dataset
from unet_core.data.io import read_image
from unet_core.data.negatives import SyntheticScenes
from unet_core.data.photos import HELD_OUT, installed
from unet_core.data.synthetic import BACKGROUND, SyntheticPets
from unet_core.errors import UserError
from unet_core.jobs.new_runs import further_data, split_names
from unet_core.metrics.evaluate import names_of
from unet_core.prediction import familiarity
from unet_core.prediction.familiarity import familiarity_of, spread, write_familiarity
from unet_core.prediction.segmenter import Segmenter
from unet_core.store.config import TrainingConfig
from unet_core.store.runs import Run, find_run

SCORES = ("Mahalanobis", "nearest", "confidence")  # the app uses the first
MAX_IMAGES = 50  # of each group but the test images
Images = Iterator[np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", metavar="RUN")
    parser.add_argument("--write", action="store_true", help="describe the known images anew")
    options = parser.parse_args()
    for run in [find_run(name) for name in options.runs]:
        if options.write:
            describe(run)
        show_table(run)


def describe(run: Run) -> None:
    """Write the run's ``familiarity.npz`` from the images that it has learned from."""
    dataset = data_of(run.config)
    test = names_of(dataset, "test", familiarity.MAX_IMAGES)
    write_familiarity(run, known_images(run), map(dataset.load_image, test))


def known_images(run: Run) -> Images:
    """Those for training, and those for validation; images that are gone are left out."""
    config, dataset = TrainingConfig.from_dict(run.config["training"]), data_of(run.config)
    training, validation = split_names(dataset, config)
    try:
        further = further_data(dataset, config, training)
    except UserError as missing:
        print(f"{run.name}, left out: {missing}")
        further = further_data(dataset, config.changed(negatives=""), training)
    named = [(data, name) for data in further for name in data.splits["trainval"]]
    named = spread([(dataset, name) for name in training] + named)
    for data, name in named + spread([(dataset, name) for name in validation]):
        yield data.load_image(name)


def show_table(run: Run) -> None:
    """A line a group: its name, how many images, how many alarms, and the areas."""
    print(f"\n| {run.name} | images | unfamiliar | " + " | ".join(f"AUROC, {s}" for s in SCORES))
    score, own = scorer(run), None
    for title, images in groups(data_of(run.config)):
        found = np.array([score(image) for image in images])
        if own is None:
            own, areas = found, [""] * len(SCORES)
        else:
            areas = [f"{auroc(*pair):.3f}" for pair in zip(own.T, found.T, strict=True)]
        cells = [title, f"{len(found)}", f"{(found[:, 0] > 1).mean():.1%}", *areas]
        print(f"| {' | '.join(cells)} |", flush=True)


def scorer(run: Run) -> Callable[[np.ndarray], tuple[float, ...]]:
    """The `SCORES` of an image, which grow with how unlike the known images it is."""
    known, segmenter = familiarity_of(run), Segmenter(run)
    if known is None:
        raise UserError(f"{run.title} has no familiarity.npz; add --write.")
    gaussian, limit, vector = known.gaussian, known.limit, known.features.vector
    vectors = np.stack([vector(image) for image in known_images(run)])

    def scores(image: np.ndarray) -> tuple[float, ...]:
        found = vector(image)
        distance = float(gaussian.distances(found[None])[0]) / limit
        nearest = float(np.linalg.norm(vectors - found, axis=1).min())
        return distance, nearest, -float(segmenter.probabilities(image).max(-1).mean())

    return scores


def groups(own: Dataset) -> Iterator[tuple[str, Images]]:
    """Names and images; the run's own test images come first."""
    yield f"test of {own.title}", map(own.load_image, own.splits["test"])
    pets = open_dataset("pets")
    yield "other breeds", map(pets.load_image, names_of(pets, "unlabelled", MAX_IMAGES))
    for name in ("pets", "lungs", "membrane", "synthetic"):
        if name != own.name:
            data = open_dataset(name)
            yield data.title, map(data.load_image, names_of(data, "test", MAX_IMAGES))
    scenes = SyntheticScenes(SyntheticPets(), BACKGROUND, SCENES)
    yield scenes.title, map(scenes.load_image, names_of(scenes, "trainval", MAX_IMAGES))
    yield "photos without a pet", map(read_image, installed(HELD_OUT).values())


def auroc(inside: np.ndarray, outside: np.ndarray) -> float:
    """Chance that an image from outside has the higher score: the area under the ROC curve."""
    return mannwhitneyu(outside, inside).statistic / (len(inside) * len(outside))


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
