"""How fast trainings are fed: `python -m benchmarks.pipeline --quick`.

Trains the default model with the real batches (read from the cache, augmented anew) and, in turns
in one process, since timings on shared machines drift, with batches that lie in memory. The last
line is the ratio of the medians of steps a second; 1 is a pipeline that costs nothing.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import tensorflow as tf

from unet_core.data import open_dataset
from unet_core.data.prepared import prepare
from unet_core.models import build
from unet_core.models.pretrained import set_encoder_training
from unet_core.store.config import TrainingConfig
from unet_core.training.batches import TrainingBatches
from unet_core.training.fit import compile_model

IMAGES = 64


def steps_a_second(model: keras.Model, dataset: tf.data.Dataset, steps: int) -> float:
    started = time.perf_counter()
    model.fit(dataset, verbose=0, shuffle=False)
    return steps / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="5 rounds instead of 20")
    rounds = 5 if parser.parse_args().quick else 20
    config = TrainingConfig()
    dataset = open_dataset(config.data)
    with tempfile.TemporaryDirectory() as cache:
        os.environ["UNET_CACHE_DIR"] = str(Path(cache))
        prepared = prepare(dataset, dataset.splits["trainval"][:IMAGES], config.image_size)
        batches = TrainingBatches(prepared, config, config.image_size, config.image_size)
        model = build(config.model, len(dataset.classes), {}, config.image_size)
        set_encoder_training(model, config.freeze_encoder, config.fine_tune_from)
        compile_model(model, config, batches.steps)
        real = batches.dataset
        memory = tf.data.Dataset.from_tensors(next(iter(real))).repeat(batches.steps)
        for fed in (real, memory):  # the first pass builds and compiles
            model.fit(fed, verbose=0, shuffle=False)
        speeds = [
            [steps_a_second(model, fed, batches.steps) for fed in (real, memory)]
            for _ in range(rounds)
        ]
    fed, ideal = (statistics.median(column) for column in zip(*speeds, strict=True))
    print(f"real pipeline: {fed:.2f} steps a second, batches of {config.batch_size}")
    print(f"batches in memory: {ideal:.2f} steps a second")
    print(f"ratio: {fed / ideal:.3f}")


if __name__ == "__main__":
    main()
