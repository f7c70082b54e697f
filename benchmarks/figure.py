"""The README's image: `python -m benchmarks.figure`.

Chelsea (CC0, from scikit-image) and two synthetic pets, each beside the default model's mask.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from unet_core.data.samples import SAMPLES
from unet_core.prediction.segmenter import Segmenter
from unet_core.prediction.views import SegmentedImage, View
from unet_core.store.runs import shipped_runs

HEIGHT = 260
TARGET = Path(__file__).parent / "segmented.jpg"


def main() -> None:
    segmenter = Segmenter(shipped_runs()[0])
    view = View(opacity=0.55, visible=("pet", "border"))
    tiles = []
    for name in ("chelsea", "drawn-dog", "drawn-cat"):
        image = SAMPLES[name].load()
        segmented = SegmentedImage(
            name, image, segmenter.probabilities(image), segmenter.run.classes
        ).at(round(HEIGHT * max(1, image.shape[1] / image.shape[0])))
        for tile in (segmented.image, segmented.draw(view)):
            width = round(tile.shape[1] * HEIGHT / tile.shape[0])
            tiles.append(np.asarray(Image.fromarray(tile).resize((width, HEIGHT))))
    Image.fromarray(np.concatenate(tiles, axis=1)).save(TARGET, quality=88)
    print(TARGET)


if __name__ == "__main__":
    main()
