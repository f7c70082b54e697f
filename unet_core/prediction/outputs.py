"""The files that segmented images can be written to, by their names in ``predict --write``."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from unet_core.errors import UserError
from unet_core.prediction.annotations import Annotated, coco, yolo
from unet_core.prediction.files import encode_png
from unet_core.prediction.overlay import color_mask
from unet_core.prediction.views import DRAWINGS, SegmentedImage, View
from unet_core.store.classes import ClassInfo


@dataclass(frozen=True)
class ImageFile:
    """A file of one image: what a menu calls it, the end of its name, and what makes it."""

    title: str
    ending: str
    content: Callable[[SegmentedImage, View], bytes]

    def name(self, image: str) -> str:
        """After the image's name.

        >>> IMAGE_FILES["cutout"].name("dir/cat.jpg")
        'cat_cutout.png'
        """
        return PurePath(image).stem + self.ending


@dataclass(frozen=True)
class SetFile:
    """A file of all images together: what a menu calls it, its name, and what makes it."""

    title: str
    name: str
    content: Callable[[list[Annotated], tuple[ClassInfo, ...]], bytes]


def _colors(image: SegmentedImage, view: View) -> bytes:
    return encode_png(color_mask(image.ids(view.threshold), [c.color for c in image.classes]))


def _yolo(image: SegmentedImage, view: View) -> bytes:
    return yolo(image.annotated(view.threshold), image.classes).encode()


def _coco(images: list[Annotated], classes: tuple[ClassInfo, ...]) -> bytes:
    return json.dumps(coco(images, classes)).encode()


def _table(images: list[Annotated], classes: tuple[ClassInfo, ...]) -> bytes:
    """A row for each image and class, in CSV."""
    rows = [row for image in images for row in image.rows]
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


IMAGE_FILES = {
    "mask": ImageFile("Mask (class ids)", "_mask.png", lambda i, v: encode_png(i.ids(v.threshold))),
    "colours": ImageFile("Mask (colours)", "_mask_colour.png", _colors),
    "overlay": ImageFile(
        "Overlay", "_overlay.png", lambda i, v: encode_png(DRAWINGS["overlay"](i, v))
    ),
    "cutout": ImageFile(
        "Cut-out (transparent)", "_cutout.png", lambda i, v: encode_png(i.cutout(v.threshold))
    ),
    "blur": ImageFile(
        "Blurred background", "_blur.png", lambda i, v: encode_png(i.blurred(v.threshold))
    ),
    "yolo": ImageFile("Polygons (YOLO)", ".txt", _yolo),
}
SET_FILES = {
    "coco": SetFile("Polygons (COCO)", "coco.json", _coco),
    "csv": SetFile("Table (CSV)", "classes.csv", _table),
}


def output_files(names: str) -> tuple[list[ImageFile], list[SetFile]]:
    """The files of each image and of all together by their ``names``, with commas between.

    ``UserError`` for a name that does not exist.

    >>> [file.title for files in output_files("csv,blur") for file in files]
    ['Blurred background', 'Table (CSV)']
    """
    asked, known = names.replace(" ", "").split(","), [*IMAGE_FILES, *SET_FILES]
    for name in asked:
        if name not in known:
            raise UserError(f"{name!r} is no kind of file; choose from {', '.join(known)}.")
    single = [IMAGE_FILES[name] for name in asked if name in IMAGE_FILES]
    return single, [SET_FILES[name] for name in asked if name in SET_FILES]


def other_background(background: np.ndarray) -> ImageFile:
    """The file of the objects before a photo, uint8 (h, w, 3), or a color, uint8 (3,)."""
    return ImageFile(
        "Other background",
        "_background.png",
        lambda image, view: encode_png(image.before(background, view.threshold)),
    )
