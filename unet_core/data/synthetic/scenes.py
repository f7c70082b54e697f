"""Places for animals to be in, and what a camera does to them."""

import colorsys

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw, ImageFilter
from scipy.ndimage import gaussian_filter

from unet_core.data.synthetic.noise import clouds, streaks

GROUNDS = {"grass": (86, 130, 52), "sand": (205, 180, 140), "stone": (150, 146, 140)}
Color = tuple[int, ...]
Range = tuple[float, float]


def draw_scene(random: Generator, height: int, width: int) -> np.ndarray:
    """A place without animals: float32 (height, width, 3) in 0–255."""
    scenes = (_room, _garden, _studio, _lights)
    scene = scenes[random.choice(len(scenes), p=[0.45, 0.3, 0.1, 0.15])]
    return scene(random, height, width).astype(np.float32)


def finish_photo(random: Generator, image: np.ndarray) -> np.ndarray:
    """Vignette, color cast, softness and grain: (H, W, 3) in 0–255 becomes uint8."""
    height, width = image.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    image = image * (1 - random.uniform(0, 0.25) * (x**2 + y**2) / 2)[..., None]
    warmth = random.normal(0, 0.05)
    image = image * (random.uniform(0.82, 1.1) * np.array([1 + warmth, 1, 1 - warmth]))
    soft = random.uniform(0.2, 0.9)
    image = gaussian_filter(image, (soft, soft, 0))
    image = image + random.normal(0, random.uniform(1, 5), (height, width, 1))
    return image.clip(0, 255).astype(np.uint8)


def _color(random: Generator, saturation: Range = (0.1, 0.6), value: Range = (0.4, 0.95)) -> Color:
    hsv = (random.random(), random.uniform(*saturation), random.uniform(*value))
    return tuple(int(255 * c) for c in colorsys.hsv_to_rgb(*hsv))


def _scaled(color: Color, factor: float) -> Color:
    return tuple(int(c * factor) for c in color)


def _uneven(
    random: Generator, canvas: Image.Image, strength: float, grain: float, blur: Range | None = None
) -> np.ndarray:
    """The canvas, blurred by a radius in ``blur``, under uneven light: float32 (H, W, 3)."""
    if blur:
        canvas = canvas.filter(ImageFilter.GaussianBlur(random.uniform(*blur)))
    image = np.asarray(canvas, np.float32)
    return image * (1 + strength * clouds(random, image.shape[:2], grain))[..., None]


def _room(random: Generator, height: int, width: int) -> np.ndarray:
    floor = int(height * random.uniform(0.5, 0.8))
    canvas = Image.new("RGB", (width, height), _color(random, (0.05, 0.35), (0.55, 0.95)))
    draw = ImageDraw.Draw(canvas)
    wood = _color(random, (0.1, 0.5), (0.3, 0.8))
    draw.rectangle((0, floor, width, height), fill=wood)
    if random.random() < 0.5:  # boards
        for edge in np.linspace(-width, 2 * width, 16):
            line = (width / 2 + (edge - width / 2) * 0.5, floor, edge, height)
            draw.line(line, fill=_scaled(wood, 0.8))
    if random.random() < 0.6:  # a window or a picture on the wall
        x, y = random.uniform(0, width * 0.7), random.uniform(0, floor * 0.4)
        box = (x, y, x + random.uniform(40, 110), y + random.uniform(40, 90))
        draw.rectangle(box, fill=_color(random, (0.05, 0.5)), outline="white", width=3)
    for _ in range(random.integers(0, 3)):
        _furniture(random, draw, floor, width)
    if random.random() < 0.5:  # a rug
        y = random.uniform(floor, height)
        box = (width * 0.1, y - 22, width * random.uniform(0.7, 1), y + 40)
        draw.ellipse(box, fill=_color(random), outline=_color(random), width=4)
    for _ in range(random.integers(0, 4)):
        _toy(random, draw, floor, height, width)
    return _uneven(random, canvas, 0.05, 60, blur=(0.5, 2.5))


def _furniture(random: Generator, draw: ImageDraw.ImageDraw, floor: int, width: int) -> None:
    x, wide, tall = random.uniform(-40, width), random.uniform(50, 140), random.uniform(40, 120)
    color = _color(random, (0.1, 0.6), (0.25, 0.85))
    box = (x, floor - tall, x + wide, floor + random.uniform(0, 20))
    draw.rounded_rectangle(box, radius=int(random.integers(2, 24)), fill=color)
    for part in (0.35, 0.7):
        y = floor - tall * part
        draw.line((x + 6, y, x + wide - 6, y), fill=_scaled(color, 0.75), width=2)


def _toy(random: Generator, draw: ImageDraw.ImageDraw, floor: int, height: int, width: int) -> None:
    x, y = random.uniform(0, width), random.uniform(floor, height)
    side = random.uniform(8, 26)
    shape = random.choice(["ellipse", "cushion", "box"])
    color, line = _color(random, (0.3, 0.9)), _color(random)
    if shape == "cushion":
        box = (x, y - side, x + 2 * side, y)
        draw.rounded_rectangle(box, radius=side / 3, fill=color, outline=line, width=2)
    else:
        paint = draw.ellipse if shape == "ellipse" else draw.rectangle
        paint((x, y - side, x + side, y), fill=color, outline=line, width=2)


def _garden(random: Generator, height: int, width: int) -> np.ndarray:
    horizon = int(height * random.uniform(0.15, 0.55))
    canvas = Image.new("RGB", (width, height), _color(random, (0.1, 0.4), (0.75, 1)))
    draw = ImageDraw.Draw(canvas)
    for _ in range(random.integers(4, 14)):  # bushes and trees
        x, r = random.uniform(0, width), random.uniform(20, 80)
        green = tuple(int(random.integers(*limits)) for limits in ((30, 110), (80, 160), (20, 90)))
        draw.ellipse((x - r, horizon - r, x + r, horizon + r * 0.6), fill=green)
    ground = str(random.choice(list(GROUNDS), p=[0.65, 0.2, 0.15]))
    color = _scaled(GROUNDS[ground], random.uniform(0.7, 1.15))
    draw.rectangle((0, horizon, width, height), fill=color)
    image = _uneven(random, canvas, 0.08, 40, blur=(1, 4))
    length, depth = (4, 0.13) if ground == "grass" else (1, 0.06)
    texture = streaks(random, (height - horizon, width), length, 0.8)
    image[horizon:] *= 1 + depth * texture[..., None]
    return image


def _studio(random: Generator, height: int, width: int) -> np.ndarray:
    canvas = Image.new("RGB", (width, height), _color(random, (0, 0.5), (0.3, 1)))
    fall = np.linspace(random.uniform(0.8, 1.1), random.uniform(0.6, 1.1), height)
    return _uneven(random, canvas, 0.04, 90) * fall[:, None, None]


def _lights(random: Generator, height: int, width: int) -> np.ndarray:
    canvas = Image.new("RGB", (width, height), _color(random, (0.1, 0.7), (0.15, 0.7)))
    draw = ImageDraw.Draw(canvas, "RGBA")
    for _ in range(random.integers(8, 40)):
        x, y, r = random.uniform(0, width), random.uniform(0, height), random.uniform(5, 45)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=(*_color(random), 90))
    return _uneven(random, canvas, 0.1, 50, blur=(2, 8))
