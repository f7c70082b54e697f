"""The recipe with one thing changed, small: `python -m benchmarks.ablation`.

Trains small variants of the recipe ``pets-fast`` that differ in one thing, each in a process of its
own, and scores them on the quarter of `trainval` that none of them learned from, at 256 × 256; the
test split is left out of it. A variant whose run is there already is not trained again.
"""

import argparse

from benchmarks.trainings import trained
from unet_core.data import open_dataset
from unet_core.metrics.compare import compare
from unet_core.metrics.evaluate import evaluate
from unet_core.prediction.segmenter import AveragedSegmenter, Segmenter
from unet_core.store.config import load_recipe
from unet_core.store.files import read_json
from unet_core.store.runs import Run

SMALL = {"image_size": 128, "score_size": 256, "crop_size": 96, "epochs": 8, "val_fraction": 0.25}
SMALL |= {"ema_momentum": 0.9}  # averages over a hundred steps are too long for so few
VARIANTS: dict[str, dict] = {
    "the recipe, small": {},
    "encoder frozen": {"freeze_encoder": True, "fine_tune_from": 0},
    "encoder tuned from its first layer on": {"freeze_encoder": False, "fine_tune_from": 0},
    "the article's decoder": {"model": "mobilenetv2"},
    "flips alone": {"augmentation": "flip"},
    "no windows of other pictures": {"augmentation": "standard"},
    "cross-entropy alone": {"loss": "cross-entropy"},
    "constant learning rate": {"schedule": "constant"},
    "no averaged weights": {"ema_momentum": 0.0},
    "256 pixels, windows of 192": {"image_size": 256, "crop_size": 192},
}


def score(run: Run, kind: type[Segmenter] = Segmenter) -> dict:
    """The run's metrics on the images that it did not learn from."""
    names = read_json(run.path / "subset.json")["validation"]
    return evaluate(run, open_dataset("pets"), "trainval", names, segmenter=kind(run))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoder-weights", default="imagenet", help="imagenet | a file")
    encoder_weights = parser.parse_args().encoder_weights
    results = {}
    for number, title in enumerate(VARIANTS):
        config = load_recipe("pets-fast").changed(encoder_weights=encoder_weights, **SMALL)
        run = trained(f"ablation-{number}", title, config.changed(**VARIANTS[title]))
        results[title] = score(run) | {"minutes": run.history[-1]["seconds"] / 60}
        if number == 0:
            results["mirror image averaged"] = score(run, AveragedSegmenter)
    show(results)


def show(results: dict[str, dict]) -> None:
    first = next(iter(results.values()))
    print(f"{first['images']} pictures at {first['resolution']} × {first['resolution']}")
    print(
        "| variant | pixel accuracy | mean IoU | pet IoU | mean IoU less the recipe's | minutes |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    for title, result in results.items():
        found = [
            f"{result['metrics'][key]:.4f}" for key in ("pixel_accuracy", "mean_iou", "pet_iou")
        ]
        row = next(r for r in compare(first, result)["rows"] if r["score"] == "Mean IoU")
        apart = f"{row['difference']:+.4f} ({row['low']:+.4f} to {row['high']:+.4f})"
        minutes = f"{result['minutes']:.1f}" if "minutes" in result else ""
        print("|", " | ".join([title, *found, apart, minutes]), "|")


if __name__ == "__main__":
    main()
