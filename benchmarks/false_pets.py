"""How much of images without an animal is called pet: `python -m benchmarks.false_pets RUN …`.

Images that are in no training data: photos that come with packages, windows without a pet of the
pets' test images (where they are there), and synthetic scenes.
"""

import argparse
from collections.abc import Iterator

import numpy as np

from unet_core.data import open_dataset
from unet_core.data.io import read_image
from unet_core.data.negatives import EmptyWindows, SyntheticScenes
from unet_core.data.photos import HELD_OUT, installed
from unet_core.data.synthetic import BACKGROUND, SyntheticPets
from unet_core.errors import UserError
from unet_core.prediction.masks import class_ids, shares
from unet_core.prediction.segmenter import Segmenter
from unet_core.store.runs import find_run

SCENES = range(3000, 3100)  # numbers of synthetic images beyond those that are trained on
ALARM = 0.02  # part of an image called pet from which on it counts as a false pet

Named = tuple[str, np.ndarray]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", metavar="RUN")
    for run in [find_run(name) for name in parser.parse_args().runs]:
        segmenter = Segmenter(run)
        for title, images in groups():
            found = {
                name: shares(class_ids(segmenter.probabilities(image)), run.classes)["pet"]
                for name, image in images
            }
            part = np.array(list(found.values()))
            print(
                f"{run.name}, {len(part)} {title}: {part.mean():.1%} pet on average, "
                f"{(part > ALARM).mean():.1%} of them with more than {ALARM:.0%}"
            )
            if title == "photos":
                print("  " + ", ".join(f"{name} {share:.1%}" for name, share in found.items()))


def groups() -> Iterator[tuple[str, Iterator[Named]]]:
    """What is looked at: its name, and the images with theirs."""
    yield "photos", ((name, read_image(path)) for name, path in installed(HELD_OUT).items())
    try:
        pets = open_dataset("pets")
    except UserError as missing:
        print(f"{missing} Windows of its test pictures are left out.")
    else:
        windows = EmptyWindows(pets, pets.splits["test"], BACKGROUND)
        yield "windows without a pet of the test pictures", loaded(windows)
    yield "drawn scenes", loaded(SyntheticScenes(SyntheticPets(), BACKGROUND, SCENES))


def loaded(data: EmptyWindows | SyntheticScenes) -> Iterator[Named]:
    return ((name, data.load(name).image) for name in data.splits["trainval"])


if __name__ == "__main__":
    main()
