import csv
import io
import zipfile

import numpy as np
from PIL import Image

from unet_core.prediction import files, masks, overlay
from unet_core.store.classes import ClassInfo

CLASSES = (ClassInfo("pet", "#FF8000"), ClassInfo("background", "#0000FF", "background"))


def test_blend_matches_the_arithmetic_by_hand():
    image = np.full((1, 2, 3), 100, np.uint8)
    ids = np.array([[0, 1]], np.uint8)
    result = overlay.blend(image, ids, CLASSES, 0.25)
    # 0.75 · 100 + 0.25 · (255, 128, 0) = (138.75, 107, 75); the background stays as it is.
    assert result.tolist() == [[[139, 107, 75], [100, 100, 100]]]
    assert image.max() == 100


def test_only_visible_classes_are_blended():
    image = np.zeros((1, 2, 3), np.uint8)
    ids = np.array([[0, 1]], np.uint8)
    result = overlay.blend(image, ids, CLASSES, 1.0, visible=["background"])
    assert result.tolist() == [[[0, 0, 0], [0, 0, 255]]]


def test_an_outline_is_the_inner_edge():
    ids = np.ones((7, 7), np.uint8)
    ids[1:6, 1:6] = 0
    result = overlay.outline(np.zeros((7, 7, 3), np.uint8), ids, CLASSES)
    drawn = result.any(-1)
    ring = np.zeros((7, 7), bool)
    ring[1:6, 1:6] = True
    ring[2:5, 2:5] = False
    np.testing.assert_array_equal(drawn, ring)
    assert result[1, 1].tolist() == [255, 128, 0]


def test_class_ids_of_two_classes_follow_the_threshold():
    probabilities = np.array([[[0.4, 0.6], [0.7, 0.3]]], np.float32)
    assert masks.class_ids(probabilities).tolist() == [[1, 0]]
    assert masks.class_ids(probabilities, 0.25).tolist() == [[1, 1]]
    assert masks.class_ids(probabilities, 0.7).tolist() == [[0, 0]]
    halves = np.array([[[0.75, 0.25], [0.5, 0.5]]], np.float32)
    assert masks.class_ids(halves, 0.25).tolist() == [[1, 1]]  # reached is enough
    assert masks.class_ids(halves, 0.5).tolist() == [[0, 1]]


def test_class_ids_of_three_classes_are_the_likeliest_in_a_picture_of_any_width():
    for width in (1, 2, 3):
        seen = np.arange(width)[None]
        ids = masks.class_ids(np.eye(3, dtype=np.float32)[seen])
        assert ids.tolist() == seen.tolist() and ids.dtype == np.uint8


def test_shares_add_up_to_the_picture():
    ids = np.array([[0, 1], [1, 1]], np.uint8)
    assert masks.shares(ids, CLASSES) == {"pet": 0.25, "background": 0.75}


def test_png_keeps_ids_exactly():
    ids = np.arange(12, dtype=np.uint8).reshape(3, 4)
    back = np.asarray(Image.open(io.BytesIO(files.encode_png(ids))))
    np.testing.assert_array_equal(back, ids)


def test_names_of_one_stem_get_numbers():
    names = ["cat.png", "cat.jpg", "Cat-2.png", "dog.png", "../cat.gif"]
    unique = ["cat.png", "cat-2.jpg", "Cat-2-2.png", "dog.png", "cat-3.gif"]
    assert files.unique_names(names) == unique


def test_a_zip_has_the_files_and_a_table():
    data = files.zip_files([("cat_mask.png", b"one")], [{"picture": "cat.jpg", "pet": 0.5}])
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.read("cat_mask.png") == b"one"
    assert {x.compress_type for x in archive.infolist()} == {zipfile.ZIP_STORED}  # PNGs are small
    rows = list(csv.DictReader(io.StringIO(archive.read("summary.csv").decode())))
    assert rows == [{"picture": "cat.jpg", "pet": "0.5"}]


def test_ids_are_enlarged_by_the_nearest_pixel():
    ids = np.array([[0, 2], [1, 0]], np.uint8)
    large = masks.resize_ids(ids, 4, 6)
    np.testing.assert_array_equal(large, ids.repeat(2, 0).repeat(3, 1))
    assert masks.resize_ids(ids, 2, 2) is ids


def test_outlines_of_the_visible_classes_grow_with_the_picture():
    ids = np.ones((1500, 40), np.uint8)
    ids[100:200, 10:30] = 0
    result = overlay.outline(np.zeros((1500, 40, 3), np.uint8), ids, CLASSES, ["pet"])
    down = np.flatnonzero(result[:, 20].any(-1))  # 1500 / 600 is two lines, inside and outside
    assert down.tolist() == [99, 100, 101, 198, 199, 200]
    both = overlay.outline(np.zeros((1500, 40, 3), np.uint8), ids, CLASSES, ["background"])
    assert both[99, 20].tolist() == [0, 0, 255] and both[150, 20].tolist() == [0, 0, 0]


def test_errors_are_orange_where_missed_and_blue_where_invented():
    image = np.full((1, 4, 3), (30, 60, 90), np.uint8)
    truth, prediction = np.array([[1, 1, 0, 0]], bool), np.array([[1, 0, 1, 0]], bool)
    result = overlay.error_map(image, truth, prediction)
    assert result.tolist() == [[[36] * 3, [230, 159, 0], [0, 114, 178], [36] * 3]]
    assert result.dtype == np.uint8


def test_heat_runs_from_dark_blue_to_yellow():
    values = np.array([[0.0, 0.125, 0.25, 0.5, 0.75, 1.0]])
    plain = overlay.heat(values)
    assert plain.tolist() == [
        [[0, 34, 78], [26, 52, 93], [53, 69, 108], [124, 123, 120], [187, 175, 113], [254, 232, 56]]
    ]
    assert plain.dtype == np.uint8


def test_a_class_that_nobody_has_covers_nothing():
    ids = np.zeros((2, 2), np.uint8)
    assert masks.shares(ids, CLASSES) == {"pet": 1.0, "background": 0.0}


def test_colours_are_bytes():
    assert overlay.color_mask(np.array([1]), ["#000000", "#0A0B0C"]).tolist() == [[10, 11, 12]]
    assert overlay.color_mask(np.array([1]), ["#000000", "#0A0B0C"]).dtype == np.uint8
