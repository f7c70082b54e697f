"""What averaging with the mirror image brings: `python -m benchmarks.flip RUN --data pets`."""

import argparse

from unet_core.data import open_dataset
from unet_core.metrics.evaluate import evaluate
from unet_core.metrics.report import metric_name
from unet_core.prediction.segmenter import AveragedSegmenter, Segmenter
from unet_core.store.runs import find_run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("--data", required=True)
    parser.add_argument("--split", default="test")
    options = parser.parse_args()
    run, dataset = find_run(options.run), open_dataset(options.data)
    for title, kind in (("as it is", Segmenter), ("mirrored too", AveragedSegmenter)):
        result = evaluate(run, dataset, options.split, segmenter=kind(run))
        shown = ", ".join(f"{metric_name(k, result)} {v:.4f}" for k, v in result["metrics"].items())
        print(f"{title}: {shown}")


if __name__ == "__main__":
    main()
