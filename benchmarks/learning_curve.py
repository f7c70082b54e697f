"""What pretraining is worth, by number of images: `python -m benchmarks.learning_curve`.

A network with a pretrained encoder and one from scratch learn from 86, 171 and 342 pets, with equal
numbers of steps, and are scored on the test images at 256 × 256. A run that is there already is not
trained again.
"""

import argparse

from benchmarks.trainings import trained
from unet_core.store.config import TrainingConfig, load_recipe

IMAGES = (86, 171, 342)
RECIPES = {"pretrained": "pets-fast", "scratch": "pets-scratch"}
SMALL = {"image_size": 128, "score_size": 256, "crop_size": 96}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=1600, help="of each training")
    parser.add_argument("--encoder-weights", default="imagenet", help="imagenet | a file")
    options = parser.parse_args()
    print("| start | images | epochs | pixel accuracy | mean IoU | pet IoU |")
    print("| --- | --- | --- | --- | --- | --- |")
    for start in RECIPES:
        for images in IMAGES:
            config = config_of(start, images, options.steps, options.encoder_weights)
            run = trained(f"curve-{start}-{images}", f"{start}, {images} images", config)
            metrics, epochs = run.evaluation["metrics"], len(run.history)
            cells = [f"{metrics[key]:.3f}" for key in ("pixel_accuracy", "mean_iou", "pet_iou")]
            print(f"| {start} | {images} | {epochs} | {' | '.join(cells)} |", flush=True)


def config_of(start: str, images: int, steps: int, encoder_weights: str) -> TrainingConfig:
    """So many steps, whatever the number of images: few images are passed over more often."""
    config = load_recipe(RECIPES[start]).changed(**SMALL, max_images=images)
    if start == "pretrained":
        config = config.changed(encoder_weights=encoder_weights)
    training = images - max(1, round(images * config.val_fraction))
    return config.changed(epochs=round(steps / -(-training // config.batch_size)))


if __name__ == "__main__":
    main()
