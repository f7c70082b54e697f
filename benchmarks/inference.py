"""How much faster ONNX Runtime predicts than Keras: `python -m benchmarks.inference --quick`.

Compares the default model in ONNX Runtime on a 256×256 image, which it resizes to the side that
it was trained for, with Keras's ``predict`` for the article's network, in turns in one process,
since timings on shared machines drift. The last line is the ratio of the medians.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from unet_core.models import build
from unet_core.prediction.segmenter import Segmenter
from unet_core.store.runs import shipped_runs


def seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="5 rounds instead of 40")
    rounds = 5 if parser.parse_args().quick else 40
    segmenter = Segmenter(shipped_runs()[0])
    article = build("mobilenetv2", 3, {}, 256)
    image = np.random.default_rng(0).integers(0, 255, (256, 256, 3), dtype=np.uint8)
    pixels = image[None].astype(np.float32)
    actions = (
        lambda: segmenter.probabilities(image),
        lambda: article.predict(pixels, verbose=0),
    )
    for action in actions:  # the first call builds and compiles
        action()
    times = [[seconds(action) for action in actions] for _ in range(rounds)]
    ours, keras = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"default model, ONNX Runtime: {ours * 1000:.1f} ms")
    print(f"article's network, Keras predict: {keras * 1000:.1f} ms")
    print(f"ratio: {ours / keras:.3f}")


if __name__ == "__main__":
    main()
