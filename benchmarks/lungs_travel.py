"""How the lungs travel: `python -m benchmarks.lungs_travel RUN …`, on films that were made worse.

With ``--cluster K`` a training by the recipe leaves out the films of one kind of exposure and is
scored on them; without the number the kinds are listed. ``--masks`` prints what
`unet_core.data.lungs.PLAUSIBLE` is taken from. All scores are at 256 × 256 pixels.
"""

import argparse
import json
from collections.abc import Callable, Iterable
from functools import partial

import numpy as np
from scipy.cluster.vq import kmeans2, whiten
from skimage import exposure, filters, transform, util

from unet_core.data import open_dataset
from unet_core.data.base import Dataset, Sample
from unet_core.data.io import read_image
from unet_core.data.lungs import PLAUSIBLE
from unet_core.data.photos import HELD_OUT, TRAINING, installed
from unet_core.data.prepared import resize_sample
from unet_core.jobs.new_runs import new_run, split_names
from unet_core.prediction.masks import class_ids, resize_channels
from unet_core.prediction.plausibility import measure, objections
from unet_core.prediction.segmenter import Segmenter
from unet_core.store.config import load_recipe
from unet_core.store.files import write_json
from unet_core.store.runs import Run, find_run
from unet_core.training.process import train

SIDE = 256  # of the masks that are scored
FAILED = 0.8  # a film with a lower Dice
CLUSTERS = 3

Pair = tuple[np.ndarray, np.ndarray]  # a film float64 (H, W) in 0–1 and its lungs bool (H, W)
Change = Callable[[np.ndarray, np.ndarray], Pair]


def of_film(change: Callable[..., np.ndarray], **options: object) -> Change:
    """What changes the light alone."""
    return lambda film, lungs: (np.clip(change(film, **options), 0, 1), lungs)


def border(film: np.ndarray, lungs: np.ndarray, width: float, value: float) -> Pair:
    """A frame of one value; lungs below it are not there to be found."""
    rows, columns = (round(width * side) for side in film.shape)
    inner = np.zeros(film.shape, bool)
    inner[rows:-rows, columns:-columns] = True
    return np.where(inner, film, value), lungs & inner


def marks(film: np.ndarray) -> np.ndarray:
    """Four white plates: in two corners, on the shoulder, and one on a lung."""
    film = film.copy()
    for row, column in ((0.03, 0.05), (0.9, 0.75), (0.12, 0.2), (0.45, 0.7)):
        top, left = round(row * film.shape[0]), round(column * film.shape[1])
        film[top : top + film.shape[0] // 16, left : left + film.shape[1] // 8] = 1
    return film


def moved(film: np.ndarray, lungs: np.ndarray, angle: float = 0.0, scale: float = 1.0) -> Pair:
    """Turned by degrees and scaled around its middle; black comes in."""
    middle = (np.array(film.shape[::-1]) - 1) / 2
    change = transform.SimilarityTransform(translation=-middle)
    change += transform.SimilarityTransform(scale=scale, rotation=np.deg2rad(angle))
    change += transform.SimilarityTransform(translation=middle)
    warp = partial(transform.warp, inverse_map=change.inverse)
    return warp(film, order=1), warp(lungs.astype(float), order=0) > 0.5


def many(film: np.ndarray, lungs: np.ndarray) -> Pair:
    """A bit of each, as another hospital would."""
    film = exposure.equalize_adapthist(exposure.adjust_gamma(film, 0.7), clip_limit=0.01)
    return border(*moved(filters.gaussian(film, 1), lungs, angle=5, scale=1.15), 0.04, 0.0)


def window(film: np.ndarray, low: float, high: float) -> np.ndarray:
    return exposure.rescale_intensity(film, tuple(np.percentile(film, (low, high))), (0, 1))


CHANGES: dict[str, Change] = {
    "as they are": lambda film, lungs: (film, lungs),
    "gamma 0.5": of_film(exposure.adjust_gamma, gamma=0.5),
    "gamma 2": of_film(exposure.adjust_gamma, gamma=2),
    "inverted": of_film(util.invert),
    "window from the 25th to the 75th percentile": of_film(window, low=25, high=75),
    "contrast 0.3–0.6": of_film(exposure.rescale_intensity, out_range=(0.3, 0.6)),
    "CLAHE 0.01": of_film(exposure.equalize_adapthist, clip_limit=0.01),
    "CLAHE 0.05": of_film(exposure.equalize_adapthist, clip_limit=0.05),
    "noise 0.05": of_film(util.random_noise, var=0.05**2, rng=0),
    "noise 0.15": of_film(util.random_noise, var=0.15**2, rng=0),
    "blur 3 pixels of 512": of_film(filters.gaussian, sigma=3),
    "blur 6 pixels of 512": of_film(filters.gaussian, sigma=6),
    "black border of 8 %": partial(border, width=0.08, value=0),
    "white border of 8 %": partial(border, width=0.08, value=1),
    "four white plates": of_film(marks),
    "turned by 5°": partial(moved, angle=5),
    "turned by −10°": partial(moved, angle=-10),
    "turned by 15°": partial(moved, angle=15),
    "scaled to 0.75": partial(moved, scale=0.75),
    "scaled to 1.3": partial(moved, scale=1.3),
    "gamma, CLAHE, blur, turn, scale, border": many,
}


def changed(sample: Sample, change: Change) -> Sample:
    film, lungs = change(sample.image.mean(-1) / 255, sample.mask > 0)
    pixels = np.round(film * 255).astype(np.uint8)
    return Sample(np.repeat(pixels[..., None], 3, axis=-1), lungs.astype(np.uint8))


def found(segmenter: Segmenter, image: np.ndarray) -> np.ndarray:
    """The mask uint8 (SIDE, SIDE) of an image uint8 (H, W, 3)."""
    return class_ids(resize_channels(segmenter.probabilities(image), SIDE, SIDE))


def score(segmenter: Segmenter, samples: Iterable[Sample]) -> str:
    """Dice of all pixels and of the worst film; how many films failed, and how many of them and
    of the others are called implausible: cells of a table."""
    counts, warned = [], []
    for sample in samples:
        truth, mask = resize_sample(sample, SIDE).mask, found(segmenter, sample.image)
        counts.append([2 * np.sum(mask & truth), mask.sum(dtype=int) + truth.sum(dtype=int)])
        warned.append(bool(objections(mask, PLAUSIBLE)))
    both, total = np.array(counts).T
    dice, alarm = both / total, np.array(warned)
    parts = [f"{alarm[part].sum()} of {part.sum()}" for part in (dice < FAILED, dice >= FAILED)]
    failed = f"{(dice < FAILED).sum()} of {len(dice)}"
    return " | ".join([f"{both.sum() / total.sum():.4f}", f"{dice.min():.3f}", failed, *parts])


HEADER = """| films | Dice | lowest film | under 0.8 | of these called implausible | of the others |
| --- | --- | --- | --- | --- | --- |"""


def corruptions(run: Run, data: Dataset) -> None:
    """A row for each change of the test films, and how many other pictures are no lungs."""
    segmenter = Segmenter(run)
    samples = [data.load(name) for name in data.splits["test"]]
    print(f"\n{run.name}\n", HEADER, sep="\n")
    for title, change in CHANGES.items():
        print(f"| {title} |", score(segmenter, (changed(s, change) for s in samples)), "|")
    drawn = open_dataset("synthetic")
    groups = {
        "photos": [read_image(path) for path in installed(TRAINING + HELD_OUT).values()],
        "drawn pets": [drawn.load(name).image for name in drawn.splits["test"]],
    }
    for title, images in groups.items():
        alarms = [bool(objections(found(segmenter, image), PLAUSIBLE)) for image in images]
        print(f"{title}: {sum(alarms)} of {len(alarms)} called implausible")


def clusters(data: Dataset) -> dict[str, int]:
    """The cluster of each film by its exposure, 0 to ``CLUSTERS`` - 1, the darkest films first."""
    names = sorted(data.splits["trainval"] + data.splits["test"])
    films = [data.load_image(name).mean(-1) for name in names]
    values = np.array([[f.mean(), f.std(), *np.percentile(f, (10, 50, 90))] for f in films])
    _, found = kmeans2(whiten(values), CLUSTERS, minit="++", seed=0)
    order = np.argsort([values[found == k, 0].mean() for k in range(CLUSTERS)]).argsort()
    return dict(zip(names, order[found].tolist(), strict=True))


def leave_out(data: Dataset, cluster: int, recipe: str, settings: dict) -> None:
    """Train without a cluster, into the run ``without-CLUSTER``; score it on its films."""
    kinds = clusters(data)
    config = load_recipe(recipe).changed(**settings)
    run = new_run(config, f"without-{cluster}", f"{recipe} without cluster {cluster}")
    parts = zip(("training", "validation"), split_names(data, config), strict=True)
    kept = {part: [n for n in names if kinds[n] != cluster] for part, names in parts}
    write_json(run.path / "subset.json", kept)
    train(run)
    left_out = [data.load(name) for name, kind in kinds.items() if kind == cluster]
    print(f"\n{run.name}\n", HEADER, sep="\n")
    print("| left out |", score(Segmenter(run), left_out), "|")


def print_clusters(data: Dataset) -> None:
    kinds = clusters(data)
    for cluster in range(CLUSTERS):
        names = [name for name, kind in kinds.items() if kind == cluster]
        light = np.mean([data.load_image(name).mean() for name in names])
        print(f"cluster {cluster}: {len(names)} films, mean value {light:.0f}")


def print_masks(data: Dataset) -> None:
    """What the true masks of trainval measure."""
    measured = [measure(data.load(name).mask) for name in data.splits["trainval"]]
    for key, limits in PLAUSIBLE.items():
        values = np.quantile([m[key] for m in measured if key in m], (0, 0.5, 1))
        lowest, middle, highest = (f"{value:.3f}" for value in values)
        print(f"{key}: {lowest} to {highest}, median {middle}; limits {limits}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", metavar="RUN")
    parser.add_argument("--cluster", nargs="?", type=int, const=-1, choices=range(-1, CLUSTERS))
    parser.add_argument("--recipe", default="lungs")
    parser.add_argument("--settings", type=json.loads, default={}, help="JSON, over the recipe's")
    parser.add_argument("--masks", action="store_true", help="measure the true masks")
    options, data = parser.parse_args(), open_dataset("lungs")
    if options.masks:
        print_masks(data)
    if options.cluster == -1:
        print_clusters(data)
    elif options.cluster is not None:
        leave_out(data, options.cluster, options.recipe, options.settings)
    for name in options.runs:
        corruptions(find_run(name), data)


if __name__ == "__main__":
    main()
