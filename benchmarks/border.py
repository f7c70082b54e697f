"""How far a perfect outline gets on the pets: `python -m benchmarks.border`.

The trimaps' border has one width within an image, but another in the next (mostly 9, 15 or 21
pixels of the original), which can hardly be seen in the image. This counts the widths, takes the
middle of the true border as the outline, draws borders of one width for all images along it, at
256 × 256, and evaluates that as if it were a prediction: what a network reaches that errs in
nothing but the width. The last line is the best width's.
"""

import argparse
from collections import Counter

import numpy as np
from scipy.ndimage import distance_transform_edt

from unet_core.data import open_dataset
from unet_core.data.prepared import resize_sample
from unet_core.metrics.confusion import (
    class_metrics,
    confusion_matrix,
    overall_metrics,
    pet_metrics,
)

SIZE = 256
WIDTHS = range(4, 17)


def outline_distance(mask: np.ndarray) -> np.ndarray:
    """Signed distance (H, W) in pixels to the middle of the border, negative on the pet's side."""
    nearer_to_pet = distance_transform_edt(mask != 0) < distance_transform_edt(mask != 1)
    inside = distance_transform_edt(nearer_to_pet)
    return distance_transform_edt(~nearer_to_pet) - inside


def border_width(mask: np.ndarray) -> int:
    """Median way in pixels through a mask's border, from background to pet; 0 without one."""
    outer = (mask == 2) & (distance_transform_edt(mask != 1) <= 1)
    return round(np.median(distance_transform_edt(mask != 0)[outer])) if outer.any() else 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--split", default="trainval")
    split = parser.parse_args().split
    pets = open_dataset("pets")
    samples = [pets.load(name) for name in pets.splits[split]]
    widths = Counter(border_width(sample.mask) for sample in samples)
    print("pictures by their border's width:", dict(widths.most_common(5)))
    masks = [resize_sample(sample, SIZE).mask for sample in samples]
    distances = [outline_distance(mask) for mask in masks]
    best = {}
    for width in WIDTHS:
        drawn = [np.select([d < -width / 2, d > width / 2], [0, 1], 2) for d in distances]
        pairs = zip(masks, drawn, strict=True)
        confusion = np.sum([confusion_matrix(*pair, 3) for pair in pairs], axis=0)
        metrics = overall_metrics(confusion) | pet_metrics(confusion)
        metrics["border_iou"] = class_metrics(confusion)["iou"][2]
        text = ", ".join(f"{key} {value:.4f}" for key, value in metrics.items())
        best[float(metrics["mean_iou"])] = f"border {width} pixels wide: {text}"
        print(best[float(metrics["mean_iou"])])
    print(f"best, {split}, {len(masks)} pictures: {best[max(best)]}")


if __name__ == "__main__":
    main()
