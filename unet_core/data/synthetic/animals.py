"""Cats and dogs made of ellipses and thick curves, with fur."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter, map_coordinates

from unet_core.data.synthetic.noise import clouds, streaks
from unet_core.prediction.overlay import rgb

SCALE = 2  # shapes are drawn at twice the size, then reduced
FURS = {
    "cat": ["#C48042", "#787068", "#3C3A3A", "#E2D6C4", "#967658", "#5C5450", "#D8AA74"],
    "dog": ["#BE8C54", "#6E482C", "#34302E", "#E8E0D2", "#A0683C", "#D6BA8E", "#807870"],
}
WHITE_FUR = np.array([236, 230, 222], np.float32)
CAT_EYES, DOG_EYES = ("#789632", "#C89628", "#5A8CAA"), "#462D19"
SIDES = (-1, 1)  # left and right
Arrays = tuple[np.ndarray, np.ndarray]
Paint = Callable[[ImageDraw.ImageDraw, int], None]
Point = tuple[float, float]


@dataclass
class Figure:
    """A ``cat`` or ``dog`` in its own coordinates: x and y about −1 to 1, y downwards.

    ``parts``: the tone of each, which lightens (above 0) or darkens the fur there, and what paints
    it with a value. In the image the origin lies at ``origin``, and the unit is ``scale`` pixels.
    """

    kind: str
    head: Point = (0.0, 0.0)
    head_size: float = 0.3
    parts: list[tuple[float, Paint]] = field(default_factory=list)
    origin: Point = (0.0, 0.0)
    scale: float = 1.0

    def ellipse(self, x: float, y: float, rx: float, ry: float, tone: float = 0.0) -> None:
        box = [(x - rx, y - ry), (x + rx, y + ry)]
        self.parts.append((tone, lambda pen, value: pen.ellipse(self.pixels(box), fill=value)))

    def polygon(self, points: list[Point], tone: float) -> None:
        self.parts.append((tone, lambda pen, value: pen.polygon(self.pixels(points), fill=value)))

    def limb(self, points: list[Point], width: float, tone: float = 0.0) -> None:
        def paint(pen: ImageDraw.ImageDraw, value: int) -> None:
            path, thickness = self.pixels(_curve(points)), max(2, int(SCALE * self.scale * width))
            for point in path:
                pen.circle(point, thickness / 2, fill=value)
            pen.line(path, fill=value, width=thickness, joint="curve")

        self.parts.append((tone, paint))

    def pixels(self, points: list[Point]) -> list[Point]:
        """Where these points are on the enlarged canvas."""
        (x0, y0), scale = self.origin, self.scale
        return [(SCALE * (x0 + scale * x), SCALE * (y0 + scale * y)) for x, y in points]


def _curve(controls: list[Point], count: int = 14) -> list[Point]:
    """Points of the Bézier curve with these control points, by De Casteljau's algorithm."""
    points = np.array(controls, float)[:, None]
    t = np.linspace(0, 1, count)[:, None]
    while len(points) > 1:
        points = points[:-1] * (1 - t) + points[1:] * t
    return [(x, y) for x, y in points[0]]


def draw_animal(random: Generator, image: np.ndarray, kind: str, light: float) -> Arrays:
    """Draw a ``cat`` or ``dog`` into float32 (H, W, 3) in 0–255.

    Returns the image and the animal's silhouette, float32 (H, W) in 0–1. ``light``: where the
    light comes from, −1 (left) to 1 (right).
    """
    figure = Figure(kind)
    poses = (_sitting, _standing, _lying, _portrait)
    poses[random.choice(len(poses), p=[0.3, 0.25, 0.2, 0.25])](random, figure)
    _add_head(random, figure)
    height, width = image.shape[:2]
    _place(random, figure, height, width)
    alpha, tone = _ruffle(random, *_rasterize(figure, height, width))
    fur = _fur(random, kind, tone) * _shading(alpha, tone, light)[..., None]
    fur = fur * (1 + 0.1 * streaks(random, alpha.shape, 2.2, 0.6))[..., None]  # hairs
    return _face(random, _mix(_shadow(image, alpha), fur, alpha), figure), alpha


def _mix(first: np.ndarray, second: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Of colors (H, W, 3): ``second`` where ``part`` (H, W) is 1, ``first`` where it is 0."""
    part = part[..., None]
    return first * (1 - part) + second * part


def _sitting(random: Generator, f: Figure) -> None:
    f.head, f.head_size = (random.uniform(-0.08, 0.08), -0.5), random.uniform(0.27, 0.33)
    side = random.choice(SIDES)
    f.limb([(side * 0.3, 0.75), (side * 0.8, 0.8), (side * 0.75, random.uniform(0.1, 0.6))], 0.1)
    f.ellipse(0, 0.35, random.uniform(0.36, 0.46), 0.5)
    f.ellipse(-0.3, 0.65, 0.2, 0.22, -0.04)
    f.ellipse(0.3, 0.65, 0.2, 0.22, -0.04)
    f.ellipse(f.head[0], 0.05, random.uniform(0.25, 0.32), 0.42, 0.05)
    for x in (-0.13, 0.13):
        f.limb([(x, 0.1), (x * 1.1, 0.5), (x * 1.1, 0.84)], 0.17, 0.04)


def _standing(random: Generator, f: Figure) -> None:
    side = random.choice(SIDES)
    long = random.uniform(0.5, 0.62)
    f.head, f.head_size = (side * (long + 0.12), random.uniform(-0.5, -0.3)), 0.24
    lift = random.uniform(-0.6, 0.1)
    f.limb([(-side * long, -0.1), (-side * (long + 0.3), 0), (-side * (long + 0.35), lift)], 0.09)
    step = random.uniform(-0.12, 0.12)
    for x, far in ((-long + 0.1, 1), (long - 0.1, 1), (-long + 0.02, 0), (long - 0.02, 0)):
        foot = x + step * (1 if far else -1)
        f.limb([(side * x, 0.1), (side * x, 0.4), (side * foot, 0.72)], 0.16, -0.12 * far)
    f.ellipse(0, 0.05, long, random.uniform(0.25, 0.33))
    f.ellipse(side * (long - 0.15), 0.0, 0.26, 0.3)
    f.limb([(side * (long - 0.15), -0.05), (side * long, -0.2), f.head], 0.28)


def _lying(random: Generator, f: Figure) -> None:
    side = random.choice(SIDES)
    f.head, f.head_size = (side * 0.55, random.uniform(-0.35, -0.05)), 0.28
    f.limb([(-side * 0.6, 0.35), (-side * 0.95, 0.45), (-side * 0.6, 0.6)], 0.1)
    f.ellipse(-side * 0.1, 0.2, 0.66, random.uniform(0.28, 0.36))
    f.ellipse(-side * 0.45, 0.32, 0.28, 0.28, -0.05)
    f.ellipse(side * 0.4, 0.2, 0.3, 0.32, 0.03)
    f.limb([(side * 0.35, 0.45), (side * 0.6, 0.52), (side * 0.9, 0.5)], 0.15, 0.05)
    f.limb([(side * 0.2, 0.48), (side * 0.4, 0.56), (side * 0.65, 0.56)], 0.15, 0.02)


def _portrait(random: Generator, f: Figure) -> None:
    f.head, f.head_size = (0.0, -0.12), random.uniform(0.5, 0.58)
    f.ellipse(0, 1.05, random.uniform(0.62, 0.8), 0.75)
    f.ellipse(0, 0.8, 0.42, 0.55, 0.06)


def _add_head(random: Generator, f: Figure) -> None:
    (x, y), s = f.head, f.head_size

    def at(right: float, down: float) -> Point:
        return x + s * right, y + s * down

    if f.kind == "cat":
        for side in SIDES:
            tip = at(side * random.uniform(0.75, 0.95), -random.uniform(1.25, 1.5))
            f.polygon([at(side * 0.2, -0.75), tip, at(side * 0.98, -0.1)], -0.06)
        f.ellipse(x, y, s, s * random.uniform(0.82, 0.92))
    elif random.random() < 0.65:  # hanging ears, in front of the head
        f.ellipse(x, y, s * 0.85, s * random.uniform(0.9, 1.05))
        for side in SIDES:
            tip = at(side, random.uniform(0.5, 0.95))
            f.limb([at(side * 0.6, -0.7), at(side * 1.3, -0.4), tip], s * 0.42, -0.14)
    else:
        for side in SIDES:
            tip = at(side * 0.8, -random.uniform(1.2, 1.5))
            f.polygon([at(side * 0.15, -0.75), tip, at(side * 0.85, -0.3)], -0.1)
        f.ellipse(x, y, s * 0.88, s * 0.95)
    wide, tall = (0.42, 0.32) if f.kind == "cat" else (0.46, 0.45)
    f.ellipse(x, y + s * 0.42, s * wide, s * tall, 0.14)  # the muzzle


def _place(random: Generator, f: Figure, height: int, width: int) -> None:
    """Choose where the figure lies and how large it is; some animals leave the frame."""
    f.scale = min(height, width) * random.uniform(0.3, 0.5)
    x, y = width * random.uniform(0.32, 0.68), height * random.uniform(0.45, 0.62)
    if random.random() < 0.15:
        x = width * random.choice([random.uniform(0, 0.2), random.uniform(0.8, 1)])
        f.scale *= 1.2
    f.origin = x, y


def _rasterize(figure: Figure, height: int, width: int) -> Arrays:
    """Silhouette in 0–1 and tone in −0.5–0.5, float32 (H, W)."""
    layers = []
    for background in (0, 128):
        canvas = Image.new("L", (width * SCALE, height * SCALE), background)
        pen = ImageDraw.Draw(canvas)
        for tone, paint in figure.parts:
            paint(pen, int(128 + 255 * tone) if background else 255)
        layers.append(np.asarray(canvas.resize((width, height), Image.Resampling.BOX), np.float32))
    return layers[0] / 255, (layers[1] - 128) / 255


def _ruffle(random: Generator, alpha: np.ndarray, tone: np.ndarray) -> Arrays:
    """Make the outline furry: move every pixel a little, by fine streaks and by slow waves."""
    height, width = alpha.shape
    fine = streaks(random, alpha.shape, 2.0, 0.7) * random.uniform(0.6, 1.8)
    slow = clouds(random, alpha.shape, 26) * random.uniform(1.0, 2.6)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    where = np.stack([y + slow + fine, x + np.roll(slow, 40, 0) + fine * 0.6])
    smooth = gaussian_filter(alpha, 1.2)
    moved = map_coordinates(smooth, where, order=1, mode="nearest")
    alpha = np.clip((moved - 0.5) * 2.2 + 0.5, 0, 1)
    tone = map_coordinates(gaussian_filter(tone, 2.5), where, order=1, mode="nearest")
    return alpha.astype(np.float32), tone


def _fur(random: Generator, kind: str, tone: np.ndarray) -> np.ndarray:
    """Colors of fur, float32 (H, W, 3): plain, or two in stripes, patches or spots."""
    height, width = tone.shape
    base = np.array(rgb(random.choice(FURS[kind])), np.float32) * random.uniform(0.85, 1.1)
    other = np.array(rgb(random.choice(FURS[kind])), np.float32)
    color = np.broadcast_to(base, (height, width, 3)).copy()
    pattern = random.choice(["plain", "tabby", "patches", "spots"], p=[0.35, 0.25, 0.28, 0.12])
    if pattern == "tabby":
        y, x = np.mgrid[:height, :width]
        angle = random.uniform(-0.7, 0.7)
        wave = (x * np.cos(angle) + y * np.sin(angle)) / random.uniform(2.5, 4.5)
        bands = np.sin(wave + 1.6 * clouds(random, tone.shape, 30))
        color *= (1 - 0.38 * (bands > 0.25))[..., None]
    elif pattern != "plain":
        grain, cut = (45, random.uniform(-0.2, 0.6)) if pattern == "patches" else (14, 0.9)
        part = np.clip((clouds(random, tone.shape, grain) - cut) * 4 + 0.5, 0, 1)
        color = _mix(color, other, part)
    if random.random() < 0.4:  # white chest, paws and muzzle
        color = _mix(color, WHITE_FUR, np.clip((tone - 0.02) * 25, 0, 1))
    return color


def _shading(alpha: np.ndarray, tone: np.ndarray, light: float) -> np.ndarray:
    """Brightness (H, W) of a round body with parts of that tone."""
    slope_y, slope_x = np.gradient(gaussian_filter(alpha, max(alpha.shape) / 28))
    return (1 + 9 * (0.8 * slope_y + light * slope_x) + 1.1 * tone).clip(0.45, 1.5)


def _shadow(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Darken the ground around the animal's lower part."""
    low = np.pad(gaussian_filter(alpha, (3, 9)), ((8, 0), (0, 0)))[:-8]
    return image * (1 - 0.35 * low)[..., None]


def _face(random: Generator, image: np.ndarray, figure: Figure) -> np.ndarray:
    """Eyes, nose, mouth and whiskers, drawn over the fur: float32 (H, W, 3)."""
    height, width = image.shape[:2]
    canvas = Image.fromarray(image.clip(0, 255).astype(np.uint8))
    canvas = canvas.resize((width * SCALE, height * SCALE), Image.Resampling.BILINEAR)
    draw = ImageDraw.Draw(canvas, "RGBA")
    s, is_cat = figure.head_size * figure.scale * SCALE, figure.kind == "cat"
    ((head_x, head_y),) = figure.pixels([figure.head])

    def at(x: float, y: float) -> Point:
        return head_x + s * x, head_y + s * y

    def dot(x: float, y: float, rx: float, ry: float, color: str | tuple[int, int, int]) -> None:
        cx, cy = at(x, y)
        draw.ellipse((cx - s * rx, cy - s * ry, cx + s * rx, cy + s * ry), fill=color)

    iris = random.choice(CAT_EYES) if is_cat else DOG_EYES
    for side in SIDES:
        dot(side * 0.4, -0.1, 0.17, 0.16, (30, 24, 20))
        dot(side * 0.4, -0.1, 0.14, 0.13, iris)
        dot(side * 0.4, -0.1, 0.05 if is_cat else 0.09, 0.12, (8, 8, 8))
        dot(side * 0.4 - 0.04, -0.15, 0.035, 0.035, (250, 250, 250))
    nose = (200, 130, 125) if is_cat and random.random() < 0.6 else (32, 28, 28)
    dot(0, 0.3, *((0.11, 0.08) if is_cat else (0.17, 0.12)), nose)
    line = max(1, round(s * 0.03))
    dark, pale = (40, 30, 28, 200), (250, 250, 250, 150)
    draw.line([at(0, 0.36), at(0, 0.5)], fill=dark, width=line)
    for side in SIDES:
        left, right = sorted((0, side * 0.24))
        draw.arc([at(left, 0.38), at(right, 0.6)], 20, 160, fill=dark, width=line)
        for rise in (-0.1, 0.02, 0.14) if is_cat else ():
            whisker = [at(side * 0.25, 0.42 + rise * 0.5), at(side * 1.05, 0.42 + rise * 1.8)]
            draw.line(whisker, fill=pale, width=max(1, line // 2))
    return np.asarray(canvas.resize((width, height), Image.Resampling.BOX), np.float32)
