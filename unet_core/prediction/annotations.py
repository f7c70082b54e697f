"""Masks as annotations: COCO's JSON, YOLO's segmentation text, a table of what covers what.

An annotation is a connected piece of one class. Neither format has a word for a hole, so a hole is
reached from its outline by a cut of no width, there and back: filled by the even-odd rule or by
winding, such a polygon leaves the hole free. (Several polygons of one COCO annotation are a union,
which would fill it.)
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import find_objects, label
from scipy.spatial.distance import cdist
from skimage.measure import approximate_polygon, find_contours

from unet_core.prediction.masks import class_ids
from unet_core.store.classes import ClassInfo

SPECK = 1e-4  # of the image's area: smaller pieces and holes are left out
TOLERANCE = 0.4  # pixels of the mask, by which a polygon may differ from the outline
EIGHT = np.ones((3, 3), int)  # pixels that touch at a corner are one piece


@dataclass(frozen=True)
class Piece:
    """A connected piece of one class: its ``polygon`` float (points, 2) and ``box`` (left, top,
    width, height) in pixels of the image, x before y, and its ``area`` in pixels.

    Pixels are squares: the first one reaches from 0 to 1.
    """

    class_id: int
    polygon: np.ndarray
    box: tuple[float, ...]
    area: float


@dataclass(frozen=True)
class Annotated:
    """What was found in the image ``name`` of ``height`` and ``width``: its pieces of objects, and
    a row of the table for each class."""

    name: str
    height: int
    width: int
    pieces: list[Piece]
    rows: list[dict]


def annotate(
    name: str,
    shape: tuple[int, ...],
    probabilities: np.ndarray,
    classes: tuple[ClassInfo, ...],
    threshold: float = 0.5,
) -> Annotated:
    """Annotations of an image of ``shape`` (H, W, …) from float32 (h, w, classes).

    The table counts what is in the mask of `class_ids`. The pieces are of a mask without border: a
    pixel of it is of what is likelier beside it.
    """
    height, width = shape[:2]
    is_border = np.array([c.is_border for c in classes])
    decided = class_ids(np.where(is_border, 0, probabilities), threshold)
    found = [
        piece
        for number, c in enumerate(classes)
        if c.is_object
        for piece in pieces(decided == number, number, height, width)
    ]
    ids = class_ids(probabilities, threshold)
    rows = [
        {"picture": name, "class": c.name}
        | _row(ids == number, probabilities[..., number], height * width)
        for number, c in enumerate(classes)
    ]
    return Annotated(name, height, width, found, rows)


def pieces(mask: np.ndarray, class_id: int, height: int, width: int) -> list[Piece]:
    """The connected pieces of a boolean mask (h, w), in pixels of an image (height, width)."""
    labels, areas = _labelled(mask)
    scale = np.array([width / mask.shape[1], height / mask.shape[0]])
    found = []
    for number, place in enumerate(find_objects(labels), 1):
        if areas[number] >= SPECK * mask.size:
            rows, columns = place
            corner = np.array([columns.start, rows.start])
            extent = np.array([columns.stop, rows.stop]) - corner
            polygon = outline_polygon(labels[place] == number, SPECK * mask.size)
            found.append(
                Piece(
                    class_id,
                    (polygon + corner) * scale,
                    (*(corner * scale).tolist(), *(extent * scale).tolist()),
                    float(areas[number] * scale.prod()),
                )
            )
    return found


def outline_polygon(piece: np.ndarray, speck: float) -> np.ndarray:
    """The outline (points, 2) of one piece, a boolean mask (h, w), with cuts to its holes.

    Holes under ``speck`` pixels are left out. The first point is not repeated as the last.
    """
    contours = find_contours(np.pad(piece, 1), 0.5, fully_connected="high")
    outline, *holes = sorted((c[:, ::-1] - 0.5 for c in contours), key=_area, reverse=True)
    polygon = approximate_polygon(outline, TOLERANCE)
    for hole in holes:
        if _area(hole) >= speck:
            polygon = _joined(polygon, approximate_polygon(hole, TOLERANCE))
    return polygon[:-1]


def _joined(ring: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Two closed rings as one, along a cut where they are nearest."""
    distances = cdist(ring, hole)
    here, there = np.unravel_index(distances.argmin(), distances.shape)
    around = np.concatenate([hole[there:-1], hole[: there + 1]])
    return np.concatenate([ring[: here + 1], around, ring[here:]])


def _area(ring: np.ndarray) -> float:
    """Of a closed ring of points (n, 2), by the shoelace formula."""
    x, y = ring.T
    return abs(float(x[:-1] @ y[1:] - x[1:] @ y[:-1])) / 2


def _labelled(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The number of each pixel's piece (h, w), from 1, and how many pixels each number has."""
    labels, _ = label(mask, EIGHT)
    return labels, np.bincount(labels.ravel())


def _row(mask: np.ndarray, probability: np.ndarray, pixels: int) -> dict:
    """What the table says of one class, of an image of so many ``pixels``."""
    share = float(mask.mean())
    _, areas = _labelled(mask)
    return {
        "share": round(share, 6),
        "area": round(share * pixels),
        "pieces": int((areas[1:] >= SPECK * mask.size).sum()),
        "mean confidence": round(float(probability[mask].mean()), 4) if mask.any() else "",
    }


def coco(images: Iterable[Annotated], classes: tuple[ClassInfo, ...]) -> dict:
    """All annotations in the form of COCO's instances: https://cocodataset.org/#format-data.

    Ids count from 1; the categories are the classes of objects.
    """
    data: dict[str, list[dict]] = {"images": [], "annotations": [], "categories": []}
    for number, c in enumerate(classes, 1):
        if c.is_object:
            data["categories"].append({"id": number, "name": c.name})
    for image_id, image in enumerate(images, 1):
        size = {"width": image.width, "height": image.height}
        data["images"].append({"id": image_id, "file_name": image.name} | size)
        for piece in image.pieces:
            annotation = {
                "id": len(data["annotations"]) + 1,
                "image_id": image_id,
                "category_id": piece.class_id + 1,
                "segmentation": [piece.polygon.round(2).ravel().tolist()],
                "area": round(piece.area, 2),
                "bbox": [round(side, 2) for side in piece.box],
                "iscrowd": 0,
            }
            data["annotations"].append(annotation)
    return data


def yolo(image: Annotated, classes: tuple[ClassInfo, ...]) -> str:
    """A line for each piece: its class, counted from 0 among those of objects, then x and y of
    its polygon's points as parts (0-1) of width and height."""
    numbers = [number for number, c in enumerate(classes) if c.is_object]
    lines = []
    for piece in image.pieces:
        points = (piece.polygon / (image.width, image.height)).ravel()
        words = [str(numbers.index(piece.class_id)), *(f"{value:.6f}" for value in points)]
        lines.append(" ".join(words) + "\n")
    return "".join(lines)
