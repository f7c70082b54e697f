"""A membrane model by the ISBI 2012 challenge's errors: `python -m benchmarks.membrane RUN`.

A table: each image as it is, and averaged over its rotations and flips as in the U-Net paper, which
took seven of them. Each error at threshold 0.5, at the threshold that is best on the validation
slices, and at the one that is best on the test slices themselves. The last is how the challenge
scored the paper, so only it may stand beside the paper's figures.
"""

import argparse
import sys
from collections.abc import Callable

import numpy as np

from unet_core.data import data_of
from unet_core.data.base import Dataset
from unet_core.data.prepared import resize_sample
from unet_core.errors import UserError
from unet_core.jobs.new_runs import split_names
from unet_core.metrics import isbi2012
from unet_core.prediction.segmenter import ALL_EIGHT, AveragedSegmenter, Segmenter
from unet_core.store.config import TrainingConfig
from unet_core.store.runs import find_run

Stacks = tuple[np.ndarray, np.ndarray]  # truth, boolean; probability of cells; (slices, H, W)
Error = Callable[[np.ndarray, np.ndarray, float], float]

THRESHOLDS = np.arange(1, 10) / 10  # the challenge's; at 0 and 1 all is one class
PAPER = {"pixel error": 0.0611, "Rand error": 0.0382, "warping error": 0.000353}
DIFFERENCE = (
    "The data differ: ours are {} slices of the labelled stack, which the paper learned from; the "
    "paper's figures are on the challenge's 30 test slices, whose labels are not public."
)


def of_cells(error: Callable[[np.ndarray, np.ndarray], float], thin: bool = False) -> Error:
    """An error of masks as one of probabilities, with membranes thinned before if ``thin``."""

    def at(truth: np.ndarray, probability: np.ndarray, threshold: float) -> float:
        cells = probability >= threshold
        return error(truth, isbi2012.thinned(cells) if thin else cells)

    return at


ERRORS: dict[str, Error] = {
    "share of wrong pixels": of_cells(lambda truth, cells: (truth != cells).mean()),
    "pixel error": of_cells(isbi2012.pixel_error),
    "Rand error": of_cells(isbi2012.rand_error),
    "Rand error, thinned (1 − V-Rand)": of_cells(isbi2012.rand_error, thin=True),
    "information error, thinned (1 − V-Info)": of_cells(isbi2012.information_error, thin=True),
    "warping error": isbi2012.warping_error,
}


def row(error: Error, validation: Stacks, test: Stacks) -> list[str]:
    """An error on the test: at 0.5, at the threshold that is best on the validation, at its own
    best; the last two with their thresholds."""
    chosen = min(THRESHOLDS, key=lambda t: error(*validation, t))
    own = min(THRESHOLDS, key=lambda t: error(*test, t))
    found = [f"{error(*test, t):.3g} ({t:.1f})" for t in (chosen, own)]
    return [f"{error(*test, 0.5):.3g}", *found]


def predict(segmenter: Segmenter, dataset: Dataset, names: list[str]) -> Stacks:
    samples = [resize_sample(dataset.load(name), segmenter.size) for name in names]
    probabilities = [segmenter.probabilities(sample.image)[..., 1] for sample in samples]
    return np.stack([sample.mask == 1 for sample in samples]), np.stack(probabilities)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run")
    run = find_run(parser.parse_args(arguments).run)
    dataset = data_of(run.config)
    if dataset.name != "membrane":
        raise UserError(f"{run.title} has learned from {dataset.title}; choose a run of membranes.")
    _, validation = split_names(dataset, TrainingConfig(**run.config["training"]))
    test = dataset.splits["test"]
    print("| error | images | at 0.5 | best on validation | best on the test | the paper |")
    print("| --- | --- | --- | --- | --- | --- |")
    for title, symmetries in (("as they are", ALL_EIGHT[:1]), ("averaged", ALL_EIGHT)):
        segmenter = AveragedSegmenter(run, symmetries)
        stacks = [predict(segmenter, dataset, names) for names in (validation, test)]
        for name, error in ERRORS.items():
            paper = f"{PAPER[name]:.3g}" if name in PAPER else ""
            print("|", " | ".join([name, title, *row(error, *stacks), paper]), "|", flush=True)
    print(DIFFERENCE.format(len(test)))


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
