"""What a temperature does to probabilities: `python -m benchmarks.calibration RUN …`.

It is fitted to the run's validation images, and the expected calibration error measured without and
with it: on the test images, and on the same with blur, noise or JPEG's losses, which no temperature
of clean images knows of. A temperature that the model has inside already is taken out first.
"""

import argparse
import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

from unet_core.data import data_of
from unet_core.data.base import Dataset, Sample
from unet_core.data.prepared import resize_sample
from unet_core.jobs.new_runs import split_names
from unet_core.metrics.calibration import BINS, calibration_error, fit_temperature, reliability
from unet_core.prediction.segmenter import Segmenter
from unet_core.store.config import TrainingConfig
from unet_core.store.runs import Run, find_run

Predict = Callable[[np.ndarray], np.ndarray]
STEP = 4  # of the validation images every fourth pixel in both directions is enough for one number


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", metavar="RUN")
    print("| run | temperature | images | error without | with |\n| --- | --- | --- | --- | --- |")
    for run in [find_run(name) for name in parser.parse_args().runs]:
        dataset, predict = data_of(run.config), plain(run)
        temperature = fitted(run, dataset, predict)
        for title, shift in SHIFTS.items():
            tables = np.zeros((2, BINS, 3))
            for name in dataset.splits["test"]:
                sample = dataset.load(name)
                sample = Sample(shift(sample.image), sample.mask)
                sample = resize_sample(sample, run.config["training"]["image_size"])
                probabilities = predict(sample.image)
                tables[0] += reliability(sample.mask, probabilities)
                tables[1] += reliability(sample.mask, tempered(probabilities, temperature))
            errors = " | ".join(f"{calibration_error(table):.4f}" for table in tables)
            print(f"| {run.name} | {temperature:.2f} | {title} | {errors} |", flush=True)


def plain(run: Run) -> Predict:
    """The run's probabilities, as they would be without the temperature inside its model."""
    segmenter, inside = Segmenter(run), run.config.get("temperature", 1.0)
    return lambda image: tempered(segmenter.probabilities(image), 1 / inside)


def fitted(run: Run, dataset: Dataset, predict: Predict) -> float:
    """The temperature for the run's validation images."""
    logits, truth = [], []
    for name in split_names(dataset, TrainingConfig.from_dict(run.config["training"]))[1]:
        image, mask = resize_sample(dataset.load(name), run.config["training"]["image_size"])
        found = predict(image)[::STEP, ::STEP]
        logits.append(np.log(np.maximum(found, 1e-7)).reshape(-1, found.shape[-1]))
        truth.append(mask[::STEP, ::STEP].ravel())
    return fit_temperature(np.concatenate(logits), np.concatenate(truth))


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """What they would be with the logits divided by ``temperature``."""
    powers = probabilities ** (1 / temperature)
    return powers / powers.sum(-1, keepdims=True)


def blurred(image: np.ndarray) -> np.ndarray:
    return np.asarray(
        Image.fromarray(image).filter(ImageFilter.GaussianBlur(max(image.shape) / 125))
    )


def noisy(image: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 40, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def compressed(image: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image).save(file, format="JPEG", quality=5)
    return np.asarray(Image.open(file))


SHIFTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "test": lambda image: image,
    "blur (1/125 of the longer side)": blurred,
    "noise (40 of 255)": noisy,
    "JPEG, quality 5": compressed,
}


if __name__ == "__main__":
    main()
