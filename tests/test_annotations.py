"""Polygons in the forms of COCO and YOLO, drawn again and held against the masks they came from."""

import csv
import io
import json

import numpy as np
import pytest
from skimage.draw import polygon2mask

from unet_core.prediction import annotations, outputs
from unet_core.prediction.annotations import annotate
from unet_core.prediction.views import SegmentedImage
from unet_core.store.classes import ClassInfo

CLASSES = (
    ClassInfo("sky", "#0000FF", "background"),
    ClassInfo("cat", "#FF8000"),
    ClassInfo("dog", "#FF0000"),
    ClassInfo("border", "#00FF00", "border"),
)
SIDE = 120


def ellipse(y: float, x: float, ry: float, rx: float) -> np.ndarray:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return ((rows - y) / ry) ** 2 + ((columns - x) / rx) ** 2 <= 1


RING = ellipse(60, 60, 40, 50) & ~ellipse(50, 45, 12, 9) & ~ellipse(70, 80, 10, 15)
MASKS = {
    "one": ellipse(60, 60, 30, 40),
    "at a corner": ellipse(0, 0, 60, 50),
    "at the other corner": ellipse(SIDE, SIDE, 50, 60),
    "everywhere": np.ones((SIDE, SIDE), bool),
    "two holes": RING,
    "a hole at the frame": ellipse(60, 60, 80, 80) & ~ellipse(60, 0, 20, 10),
    "several": ellipse(30, 30, 15, 20) | ellipse(90, 80, 20, 25) | ellipse(20, 100, 5, 6),
    "an island in a hole": ellipse(60, 60, 50, 50) & ~ellipse(60, 60, 35, 35)
    | ellipse(60, 60, 15, 15),
    "touching at corners": np.kron(np.eye(6, dtype=bool), np.ones((20, 20), bool)),
    "a line": np.eye(SIDE, dtype=bool) | np.eye(SIDE, k=1, dtype=bool),
}


def probabilities_of(ids: np.ndarray) -> np.ndarray:
    return np.eye(4, dtype=np.float32)[ids] * 0.7 + 0.1  # 0.8 and three times 0.1


def drawn(polygons: list[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """The union, as COCO's own reader makes it: a pixel counts where its center is inside."""
    masks = [polygon2mask(shape, polygon[:, ::-1] - 0.5) for polygon in polygons]
    return np.any(masks, axis=0) if masks else np.zeros(shape, bool)


def iou(first: np.ndarray, second: np.ndarray) -> float:
    return (first & second).sum() / (first | second).sum()


def coco_of(*images: SegmentedImage) -> dict:
    content = outputs.SET_FILES["coco"].content([i.annotated() for i in images], CLASSES)
    return json.loads(content)


def image_of(ids: np.ndarray, name: str = "a.jpg", scale: int = 1) -> SegmentedImage:
    image = np.zeros((ids.shape[0] * scale, ids.shape[1] * scale, 3), np.uint8)
    return SegmentedImage(name, image, probabilities_of(ids), CLASSES)


@pytest.mark.parametrize("name", MASKS)
def test_coco_polygons_are_the_mask(name):
    mask = MASKS[name]
    data = coco_of(image_of(mask.astype(np.uint8)))
    rings = [np.reshape(p, (-1, 2)) for a in data["annotations"] for p in a["segmentation"]]
    assert iou(drawn(rings, mask.shape), mask) > 0.98
    assert sum(a["area"] for a in data["annotations"]) == mask.sum()
    for ring in rings:
        assert len(ring) >= 4 and ring.min() >= 0 and ring.max() <= SIDE
        assert ring[0].tolist() != ring[-1].tolist()


@pytest.mark.parametrize("name", MASKS)
def test_yolo_polygons_are_the_mask(name):
    mask = MASKS[name]
    content = outputs.IMAGE_FILES["yolo"].content(image_of(mask * np.uint8(2)), outputs.View())
    lines = [line.split() for line in content.decode().splitlines()]
    assert {words[0] for words in lines} == {"1"}  # the second class of objects
    points = [np.reshape([float(w) for w in words[1:]], (-1, 2)) for words in lines]
    assert all(p.min() >= 0 and p.max() <= 1 for p in points)
    assert iou(drawn([p * SIDE for p in points], mask.shape), mask) > 0.98


def test_outline_and_holes_wind_in_opposite_directions():
    """So that a reader that fills by winding leaves holes free too."""
    ((polygon,),) = [[p.polygon for p in annotations.pieces(RING, 1, SIDE, SIDE)]]
    x, y = np.vstack([polygon, polygon[:1]]).T
    assert abs(x[:-1] @ y[1:] - x[1:] @ y[:-1]) / 2 == pytest.approx(RING.sum(), rel=0.02)


def test_every_piece_is_an_annotation_with_its_box():
    ids = np.zeros((SIDE, 2 * SIDE), np.uint8)
    ids[10:30, 20:60], ids[50:110, 200:240] = 1, 2
    data = coco_of(image_of(ids, "first.jpg"), image_of(ids[:, :SIDE], "second.png"))
    assert data["images"] == [
        {"id": 1, "file_name": "first.jpg", "width": 2 * SIDE, "height": SIDE},
        {"id": 2, "file_name": "second.png", "width": SIDE, "height": SIDE},
    ]
    assert data["categories"] == [{"id": 2, "name": "cat"}, {"id": 3, "name": "dog"}]
    facts = [
        [a[key] for key in ("id", "image_id", "category_id", "bbox", "area", "iscrowd")]
        for a in data["annotations"]
    ]
    assert facts == [
        [1, 1, 2, [20, 10, 40, 20], 800, 0],
        [2, 1, 3, [200, 50, 40, 60], 2400, 0],
        [3, 2, 2, [20, 10, 40, 20], 800, 0],
    ]


def test_specks_and_pinholes_are_left_out(monkeypatch):
    ids = ellipse(60, 60, 30, 40).astype(np.uint8)
    monkeypatch.setattr(annotations, "SPECK", 9 / ids.size)
    ids[5:8, 5:8], ids[100:102, 5:9] = 1, 1  # 9 pixels and 8
    ids[60:62, 60:62] = 0
    found = annotate("a", ids.shape, probabilities_of(ids), CLASSES)
    assert sorted(piece.area for piece in found.pieces) == [9, (ids == 1).sum() - 17]
    (large,) = (piece.polygon for piece in found.pieces if piece.area > 9)
    assert drawn([large], ids.shape)[61, 61]
    assert {row["class"]: row["pieces"] for row in found.rows}["cat"] == 2


def test_polygons_are_in_the_pixels_of_the_photo():
    ids = np.zeros((SIDE, SIDE), np.uint8)
    ids[10:30, 20:60] = 1
    found = annotate("a", (3 * SIDE, 2 * SIDE, 3), probabilities_of(ids), CLASSES)
    (piece,) = found.pieces
    assert piece.box == (40, 30, 80, 60) and piece.area == 4800
    assert piece.polygon.min(0).tolist() == [40, 30] and piece.polygon.max(0).tolist() == [120, 90]
    mask = image_of(RING.astype(np.uint8), scale=5)
    (polygon,) = (piece.polygon for piece in mask.annotated().pieces)
    assert iou(drawn([polygon], mask.image.shape[:2]), mask.ids() == 1) > 0.98


def test_a_border_belongs_to_the_likelier_class_beside_it():
    probabilities = probabilities_of(np.full((20, 20), 3))
    probabilities[:, :, :3] = 0.15, 0.05, 0
    probabilities[5:15, 5:15, :3] = 0.05, 0.15, 0
    found = annotate("a", (20, 20), probabilities, CLASSES)
    assert [(p.class_id, p.area) for p in found.pieces] == [(1, 100)]
    assert [row["share"] for row in found.rows] == [0, 0, 0, 1]


def test_nothing_found_is_an_empty_file():
    empty = image_of(np.zeros((20, 20), np.uint8))
    assert coco_of(empty)["annotations"] == []
    assert outputs.IMAGE_FILES["yolo"].content(empty, outputs.View()) == b""


def test_the_table_has_a_row_for_each_picture_and_class():
    ids = np.zeros((20, 20), np.uint8)
    ids[:5, :4], ids[10:12] = 1, 1
    images = [image_of(ids, "a.jpg", 2).annotated(), image_of(ids * 0, "b.jpg").annotated()]
    text = outputs.SET_FILES["csv"].content(images, CLASSES).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["picture"], row["class"]) for row in rows] == [
        (name, c.name) for name in ("a.jpg", "b.jpg") for c in CLASSES
    ]
    expected = {"share": "0.15", "area": "240", "pieces": "2"}
    assert expected.items() <= rows[1].items()
    assert 0.7 < float(rows[1]["mean confidence"]) <= 0.8
    assert rows[5]["area"] == "0" and rows[5]["mean confidence"] == ""


def test_the_threshold_of_a_binary_model_decides():
    probabilities = np.full((20, 20, 2), (0.6, 0.4), np.float32)
    assert not annotate("a", (20, 20), probabilities, CLASSES[:2]).pieces
    assert annotate("a", (20, 20), probabilities, CLASSES[:2], 0.4).pieces[0].area == 400
