"""Photos without an animal that come with packages, each under a licence of its own.

A package's licence need not cover the images that it brings, so only those are here whose own
licence the package states: scikit-image in the function's docstring, scikit-learn in
``datasets/images/README.txt``, matplotlib by the source that is noted in the file.
"""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True)
class Photo:
    """``file``: its place in the folder of ``package``, by which the package is imported."""

    package: str
    file: str
    author: str
    licence: str

    @property
    def name(self) -> str:
        return Path(self.file).stem

    @property
    def path(self) -> Path | None:
        """None where the package is not installed, or has another version without the photo."""
        package = find_spec(self.package)
        path = Path(str(package.origin)).parent / self.file if package else None
        return path if path and path.is_file() else None


TRAINING = (
    Photo("skimage", "data/brick.png", "CC0Textures, Bricks25", "CC0"),
    Photo("skimage", "data/cell.png", "Müller et al. 2018", "CC0"),
    Photo("skimage", "data/clock_motion.png", "Stefan van der Walt", "public domain"),
    Photo("skimage", "data/coins.png", "Brooklyn Museum", "no known copyright restrictions"),
    Photo("skimage", "data/grass.png", "linolafett on DeviantArt", "CC0"),
    Photo("skimage", "data/hubble_deep_field.jpg", "NASA", "public domain"),
    Photo("skimage", "data/retina.jpg", "Mikael Häggström", "CC0"),
    Photo("skimage", "data/text.png", "Wikipedia, Corner.png", "public domain"),
    Photo("sklearn", "datasets/images/china.jpg", "danielbuechele on Flickr", "CC BY 2.0"),
    Photo(  # noted in the file: commons.wikimedia.org/wiki/File:Grace_Hopper.jpg
        "matplotlib", "mpl-data/sample_data/grace_hopper.jpg", "U.S. Navy", "public domain"
    ),
)
# Never trained on: tests and `python -m benchmarks.false_pets` look for pets in them.
HELD_OUT = (
    Photo("skimage", "data/astronaut.png", "NASA", "public domain"),
    Photo("skimage", "data/camera.png", "Lav Varshney", "CC0"),
    Photo("skimage", "data/coffee.png", "Rachel Michetti", "CC0"),
    Photo("skimage", "data/gravel.png", "CC0Textures, Gravel04", "CC0"),
    Photo("skimage", "data/rocket.jpg", "SpaceX", "public domain"),
    # By the address in scikit-learn's README; its text names china.jpg's photographer for both.
    Photo("sklearn", "datasets/images/flower.jpg", "vultilion on Flickr", "CC BY 2.0"),
)


def installed(photos: tuple[Photo, ...]) -> dict[str, Path]:
    """Where they lie, by name; those of packages that are not installed are left out."""
    return {photo.name: photo.path for photo in photos if photo.path}
