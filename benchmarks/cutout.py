"""How near soft edges come to the true ones: `python -m benchmarks.cutout`.

Animals are drawn with their exact silhouettes, 480 × 640 pixels. What a network would know of one
is made from it: its mask with a border at a third of the resolution, softened, its outline wrong by
about a pixel there. (A network's own errors would hide those of the edges.) Mean absolute error and
gradient error (Rhemann et al. 2009, in thousandths) count within 2 % of the longer side around the
true outline. The image that is written beside this file is Chelsea (CC0, from scikit-image) by the
default model before green: the plain mask, the cut-out, and both from near.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import (
    distance_transform_edt,
    gaussian_filter,
    gaussian_gradient_magnitude,
    map_coordinates,
)

from unet_core.data.pets import PET_CLASSES
from unet_core.data.samples import SAMPLES
from unet_core.data.synthetic import trimap
from unet_core.data.synthetic.animals import draw_animal
from unet_core.data.synthetic.noise import clouds
from unet_core.data.synthetic.scenes import draw_scene, finish_photo
from unet_core.prediction.cutout import object_part, put_before, soft_alpha
from unet_core.prediction.masks import resize_channels
from unet_core.prediction.segmenter import Segmenter
from unet_core.store.runs import shipped_runs

SIZE, REDUCTION, BAND = (480, 640), 3, 0.02
GREEN = np.array((40, 160, 90), np.uint8)
NEAR = np.s_[0:110, 340:420]  # the ear, of Chelsea's 300 × 451 pixels
TARGET = Path(__file__).parent / "cutout.jpg"


def known_outline(random: np.random.Generator, alpha: np.ndarray) -> np.ndarray:
    """Probabilities (h, w, 3) that a network could give of an animal with this silhouette."""
    height, width = (side // REDUCTION for side in alpha.shape)
    reduced = Image.fromarray(alpha).resize((width, height), Image.Resampling.BOX)
    places = np.mgrid[:height, :width] + [clouds(random, (height, width), 12) for _ in range(2)]
    moved = map_coordinates(np.asarray(reduced), places, order=1, mode="nearest")
    return gaussian_filter(np.eye(3, dtype=np.float32)[trimap(moved)], (1, 1, 0))


def alphas(image: np.ndarray, probabilities: np.ndarray) -> dict[str, np.ndarray]:
    """The ways to get from probabilities to alpha, float32 (H, W) each."""
    resized = resize_channels(probabilities, *image.shape[:2])
    part = object_part(resized, PET_CLASSES)
    return {
        "plain mask": (part > 0.5).astype(np.float32),
        "probabilities, a border half": resized[..., 0] + resized[..., 2] / 2,
        "probabilities, a border decided": part,
        "guided filter": soft_alpha(image, probabilities, PET_CLASSES),
    }


def errors(truth: np.ndarray, alpha: np.ndarray) -> tuple[float, float]:
    """Mean absolute error and gradient error along the true outline."""
    inside = truth > 0.5
    distance = distance_transform_edt(inside) + distance_transform_edt(~inside)
    band = distance < BAND * max(truth.shape)
    first, second = (gaussian_gradient_magnitude(a, 1.4) for a in (truth, alpha))
    return np.abs(truth - alpha)[band].mean(), 1000 * ((first - second) ** 2)[band].mean()


def write_chelsea() -> None:
    image = SAMPLES["chelsea"].load()
    ways = alphas(image, Segmenter(shipped_runs()[0]).probabilities(image))
    green = np.broadcast_to(GREEN, image.shape)
    plain = np.where(ways["plain mask"][..., None] > 0, image, green)
    shown = plain, put_before(image, ways["guided filter"], green)
    near = [Image.fromarray(x[NEAR]).resize((436, 600), Image.Resampling.BICUBIC) for x in shown]
    whole = [Image.fromarray(x).resize((902, 600), Image.Resampling.BICUBIC) for x in shown]
    Image.fromarray(np.hstack([np.asarray(x) for x in (*whole, *near)])).save(TARGET, quality=88)
    print(TARGET)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=12)
    write_chelsea()
    found: dict[str, list[tuple[float, float]]] = {}
    for seed in range(parser.parse_args().count):
        random = np.random.default_rng([seed, 2013])
        scene, light = draw_scene(random, *SIZE), random.uniform(-1, 1)
        drawn, truth = draw_animal(random, scene, ("cat", "dog")[seed % 2], light)
        image = finish_photo(random, drawn)
        for way, alpha in alphas(image, known_outline(random, truth)).items():
            found.setdefault(way, []).append(errors(truth, alpha))
    print(f"{'':<32}{'absolute':>10}{'gradient':>10}")
    for way, values in found.items():
        absolute, gradient = np.mean(values, axis=0)
        print(f"{way:<32}{absolute:>10.4f}{gradient:>10.3f}")


if __name__ == "__main__":
    main()
