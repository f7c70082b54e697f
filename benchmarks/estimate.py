"""What trainings take against what was expected: `python -m benchmarks.estimate --quick`.

Five kinds of training on synthetic pets, each twice by the command line, in a folder of runs of
their own: first a short one, estimated without an earlier run of its kind; then a longer one,
estimated from the first. The last line is the median of truth over estimate of the longer ones; 1
is a good estimate. What else the machine does between both shows in it.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

from unet_core.cli import chosen_settings, parse
from unet_core.data import open_dataset
from unet_core.jobs import estimate
from unet_core.jobs.new_runs import split_names
from unet_core.store.config import TrainingConfig

KINDS = {
    "default": "",
    "late encoder, Dice, batches of 4, CutMix": """
        --image-size 96 --no-freeze-encoder --fine-tune-from 7
        --loss dice --batch-size 4 --augmentation cutmix""",
    "compact, 8 filters, cross-entropy, flip": """
        --model compact --model-arguments {"filters":8} --image-size 96
        --loss cross-entropy --augmentation flip""",
    "batchnorm, 8 filters, batches of 2, none": """
        --model batchnorm --model-arguments {"filters":8} --image-size 64
        --batch-size 2 --augmentation none""",
    "compact, 8 filters, batches of 16, elastic": """
        --model compact --model-arguments {"filters":8,"depth":3}
        --batch-size 16 --augmentation elastic""",
}
SHORT, LONG = "--max-images 64 --epochs 4", "--max-images 200 --epochs 5"


def expected_seconds(config: TrainingConfig, prediction: float) -> float:
    """Of a training; ``prediction``: seconds of one image."""
    dataset = open_dataset(config.data)
    training, validation = map(len, split_names(dataset, config))
    images = estimate.ImageCounts(training, validation, len(dataset.splits["test"]))
    return estimate.seconds(config, images, prediction)


def expected_and_true(options: list[str], prediction: float) -> tuple[float, float]:
    """Seconds of a training with these options, before it and after it."""
    if "--model" not in options:
        options = [*options, "--encoder-weights", "none"]
    command = ["train", *options]
    given = chosen_settings(parse(command))
    expected = expected_seconds(TrainingConfig().changed(**given), prediction)
    started = time.perf_counter()
    command = [sys.executable, "-m", "unet_core", *command]
    subprocess.run(command, check=True, capture_output=True)
    return expected, time.perf_counter() - started


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--quick", action="store_true", help="the first two kinds alone")
    kinds = list(KINDS.items())[: 2 if arguments.parse_args().quick else None]
    prediction = estimate.prediction_seconds()
    print(f"a prediction takes {1000 * prediction:.0f} ms of a core")
    print(
        f"{'training':<45}{'expected':>9}{'true':>6}{'again':>9}{'true':>6}{'ratio':>7}{'load':>6}"
    )
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        os.environ["UNET_RUNS_DIR"] = folder
        for name, words in kinds:
            options = words.split()
            first = expected_and_true([*options, *SHORT.split()], prediction)
            again = expected_and_true([*options, *LONG.split()], prediction)
            ratios.append(again[1] / again[0])
            print(
                f"{name:<45}{first[0]:>9.0f}{first[1]:>6.0f}{again[0]:>9.0f}{again[1]:>6.0f}"
                f"{ratios[-1]:>7.2f}{os.getloadavg()[1]:>6.1f}",
                flush=True,
            )
    print(f"ratio: {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main()
