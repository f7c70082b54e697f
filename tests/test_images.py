import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageOps

from unet_core.data import io as images
from unet_core.data.io import open_image
from unet_core.errors import UserError


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, format=kind, **options)
    return file.getvalue()


def stripes(height=12, width=20) -> np.ndarray:
    """Left half red, right half blue."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:, : width // 2, 0] = 255
    image[:, width // 2 :, 2] = 255
    return image


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF"])
def test_lossless_formats_come_back_exactly(kind):
    image = open_image(encoded(Image.fromarray(stripes()), kind), "x")
    np.testing.assert_array_equal(image, stripes())


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_formats_come_back_nearly(kind):
    grey = np.full((16, 16, 3), 128, np.uint8)
    image = open_image(encoded(Image.fromarray(grey), kind), "x")
    assert abs(image.astype(int) - 128).max() <= 3


def test_exif_orientation_turns_the_picture():
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    data = encoded(Image.fromarray(stripes()), "PNG", exif=exif)
    np.testing.assert_array_equal(open_image(data, "x"), np.rot90(stripes(), -1))


def test_sixteen_bit_grey_is_scaled():
    values = np.full((10, 10), 65535 // 2, np.uint16)
    values[0, 0] = 65535
    image = open_image(encoded(Image.fromarray(values), "PNG"), "x")
    assert image[5, 5].tolist() == [127, 127, 127]
    assert image[0, 0].tolist() == [255, 255, 255]


def test_a_dark_sixteen_bit_picture_stays_dark():
    values = np.full((10, 10), 200, np.uint16)
    assert open_image(encoded(Image.fromarray(values), "PNG"), "x").max() == 1


def test_floats_that_are_no_numbers_are_black():
    values = np.full((10, 10), 0.5, np.float32)
    values[0, 0] = np.nan
    image = open_image(encoded(Image.fromarray(values), "TIFF"), "x")
    assert image[0, 0].tolist() == [0, 0, 0] and image[5, 5].tolist() == [128, 128, 128]


@pytest.mark.parametrize(("mode", "white"), [("1", 1), ("LA", (255, 255)), ("L", 255)])
def test_grey_and_one_bit_become_rgb(mode, white):
    image = open_image(encoded(Image.new(mode, (10, 12), white), "PNG"), "x")
    assert image.shape == (12, 10, 3) and image.min() == 255


def test_cmyk_becomes_rgb():
    image = Image.new("CMYK", (10, 10), (0, 0, 0, 255))
    assert open_image(encoded(image, "TIFF"), "x").max() == 0


def test_palette_with_transparency_is_laid_on_white():
    photo = Image.new("P", (10, 10), 0)
    photo.putpalette([10, 20, 30] + [0] * 765)
    image = open_image(encoded(photo, "PNG", transparency=0), "x")
    assert (image == 255).all()


def test_half_transparent_black_on_white_is_grey():
    image = Image.new("RGBA", (10, 10), (0, 0, 0, 128))
    assert open_image(encoded(image, "PNG"), "x")[0, 0].tolist() == [127, 127, 127]


def test_the_first_frame_of_an_animation_counts():
    frames = [Image.new("RGB", (10, 10), color) for color in ("red", "blue")]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert open_image(data, "x")[0, 0].tolist() == [255, 0, 0]


NOISE = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)


def header_of(side: int) -> bytes:
    """A bitmap that says it has ``side`` × ``side`` pixels, without most of them."""
    data = bytearray(encoded(Image.new("L", (10, 10)), "BMP"))
    data[18:26] = side.to_bytes(4, "little") * 2
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"not a picture at all", "not a picture"),
        (encoded(Image.fromarray(NOISE), "PNG")[:2000], "cut short"),
        (encoded(Image.new("RGB", (1, 1)), "PNG"), "1 × 1"),
        (header_of(20_000), "over 25 million"),
        (header_of(5_100), "over 25 million"),
    ],
    ids=["empty", "text", "truncated", "one pixel", "bomb", "too large"],
)
def test_a_bad_file_gets_a_sentence(data, says):
    with pytest.raises(UserError, match=says) as error:
        open_image(data, "photo.png")
    assert str(error.value).startswith("photo.png")


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        # whole numbers of 32 bits: white is 255 where none is above it, else 65535
        (np.int32, [0, 1, 100, 255], [0, 1, 100, 255]),
        (np.int32, [0, 1, 129, 256], [0, 0, 1, 1]),
        (np.int32, [0, 65535, -5, 70000], [0, 255, 0, 255]),
        (np.int32, [0, 1, 1, 0], [0, 1, 1, 0]),
        # floats, which may end at 1 as well
        (np.float32, [0, 0.5, 1, 0.25], [0, 128, 255, 64]),
        (np.float32, [0, 1, 1.5, 255], [0, 1, 2, 255]),
        (np.float32, [0, 1, 1.75, 0.25], [0, 1, 2, 0]),
        (np.float32, [0, 257, 65535, 514], [0, 1, 255, 2]),
        (np.float32, [-1, 0, 0.5, 1], [0, 0, 128, 255]),
    ],
)
def test_where_white_is(kind, values, expected):
    photo = Image.fromarray(np.tile(np.array(values, kind), (8, 4)))
    image = open_image(encoded(photo, "TIFF"), "x")
    assert image.dtype == np.uint8
    assert image[0, :4, 0].tolist() == expected


def test_the_smallest_and_the_largest_sizes_are_allowed(monkeypatch):
    monkeypatch.setattr(images, "MAX_PIXELS", 100)
    assert open_image(encoded(Image.new("L", (8, 12)), "PNG"), "x").shape == (12, 8, 3)
    assert open_image(encoded(Image.new("L", (10, 10)), "PNG"), "x").shape == (10, 10, 3)
    for size, says in (((7, 8), "7 × 8"), ((8, 7), "8 × 7"), ((8, 13), "million")):
        with pytest.raises(UserError, match=says):
            open_image(encoded(Image.new("L", size), "PNG"), "x")


@pytest.mark.parametrize("error", [TypeError, AttributeError, struct.error])
def test_a_header_that_confuses_pillow_gets_a_sentence(monkeypatch, error):
    def confused(*_):
        raise error("tag")

    data = io.BytesIO()
    Image.new("RGB", (20, 20)).save(data, "PNG")
    monkeypatch.setattr(ImageOps, "exif_transpose", confused)
    with pytest.raises(UserError, match="damaged"):
        open_image(data.getvalue(), "a.png")
