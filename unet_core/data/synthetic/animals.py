"""Cats and dogs made of ellipses and thick curves, with fur."""

from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter, map_coordinates

from unet_core.data.synthetic.noise import clouds, streaks

SCALE = 2  # shapes are drawn at twice the size, then reduced
FURS = {
    "cat": [(196, 128, 66), (120, 112, 104), (60, 58, 58), (226, 214, 196), (150, 118, 88),
            (92, 84, 80), (216, 170, 116)],
    "dog": [(190, 140, 84), (110, 72, 44), (52, 48, 46), (232, 224, 210), (160, 104, 60),
            (214, 186, 142), (128, 120, 112)],
}  # fmt: skip
EYES = [(120, 150, 50), (200, 150, 40), (90, 140, 170), (70, 45, 25)]


@dataclass
class Figure:
    """An animal's shapes in its own coordinates: x and y about −1 to 1, y downwards.

    Each shape is (kind, points or box, width, tone); tone lightens or darkens the fur there.
    """

    shapes: list = field(default_factory=list)
    head: tuple[float, float] = (0.0, 0.0)
    head_size: float = 0.3

    def ellipse(self, x, y, rx, ry, tone=0.0):
        self.shapes.append(("ellipse", (x - rx, y - ry, x + rx, y + ry), 0, tone))

    def limb(self, points, width, tone=0.0):
        self.shapes.append(("limb", _curve(points), width, tone))

    def polygon(self, points, tone=0.0):
        self.shapes.append(("polygon", points, 0, tone))


def _curve(points, count=14):
    """A quadratic or cubic Bézier curve through its control points."""
    points = np.array(points, float)
    t = np.linspace(0, 1, count)[:, None]
    while len(points) > 1 and points.ndim == 2:
        points = points[:, None] if points.ndim == 2 else points
        points = points[:-1] * (1 - t) + points[1:] * t
        while len(points) > 1:
            points = points[:-1] * (1 - t) + points[1:] * t
    return [tuple(p) for p in points[0]]


def draw_animal(random, image: np.ndarray, kind: str, light: float):
    """Draw a ``cat`` or ``dog`` into float32 (H, W, 3) in 0–255.

    Returns the image and the animal's silhouette, float32 (H, W) in 0–1. ``light``: where the
    light comes from, −1 (left) to 1 (right).
    """
    height, width = image.shape[:2]
    figure = _pose(random, kind)
    place = _place(random, figure, height, width)
    alpha, tone = _rasterize(figure, place, height, width)
    alpha, tone = _ruffle(random, alpha, tone)
    fur = _fur(random, kind, alpha, tone, light)
    image = _shadow(image, alpha)
    image = image * (1 - alpha[..., None]) + fur * alpha[..., None]
    return _face(random, image, figure, place, kind), alpha


def _pose(random, kind: str) -> Figure:
    pose = random.choice([_sitting, _standing, _lying, _portrait], p=[0.3, 0.25, 0.2, 0.25])
    figure = pose(random, kind)
    _head(random, figure, kind)
    return figure


def _sitting(random, kind):
    f = Figure(head=(random.uniform(-0.08, 0.08), -0.5), head_size=random.uniform(0.27, 0.33))
    side = random.choice([-1, 1])
    f.limb([(side * 0.3, 0.75), (side * 0.8, 0.8), (side * 0.75, random.uniform(0.1, 0.6))], 0.1)
    f.ellipse(0, 0.35, random.uniform(0.36, 0.46), 0.5)
    f.ellipse(-0.3, 0.65, 0.2, 0.22, -0.04)
    f.ellipse(0.3, 0.65, 0.2, 0.22, -0.04)
    f.ellipse(f.head[0], 0.05, random.uniform(0.25, 0.32), 0.42, 0.05)
    for x in (-0.13, 0.13):
        f.limb([(x, 0.1), (x * 1.1, 0.5), (x * 1.1, 0.84)], 0.17, 0.04)
    return f


def _standing(random, kind):
    side = random.choice([-1, 1])
    long = random.uniform(0.5, 0.62)
    f = Figure(head=(side * (long + 0.12), random.uniform(-0.5, -0.3)), head_size=0.24)
    lift = random.uniform(-0.6, 0.1)
    f.limb([(-side * long, -0.1), (-side * (long + 0.3), 0), (-side * (long + 0.35), lift)], 0.09)
    step = random.uniform(-0.12, 0.12)
    for x, far in ((-long + 0.1, 1), (long - 0.1, 1), (-long + 0.02, 0), (long - 0.02, 0)):
        foot = x + step * (1 if far else -1)
        f.limb([(side * x, 0.1), (side * x, 0.4), (side * foot, 0.72)], 0.16, -0.12 * far)
    f.ellipse(0, 0.05, long, random.uniform(0.25, 0.33))
    f.ellipse(side * (long - 0.15), 0.0, 0.26, 0.3)
    f.limb([(side * (long - 0.15), -0.05), (side * long, -0.2), f.head], 0.28)
    return f


def _lying(random, kind):
    side = random.choice([-1, 1])
    f = Figure(head=(side * 0.55, random.uniform(-0.35, -0.05)), head_size=0.28)
    f.limb([(-side * 0.6, 0.35), (-side * 0.95, 0.45), (-side * 0.6, 0.6)], 0.1)
    f.ellipse(-side * 0.1, 0.2, 0.66, random.uniform(0.28, 0.36))
    f.ellipse(-side * 0.45, 0.32, 0.28, 0.28, -0.05)
    f.ellipse(side * 0.4, 0.2, 0.3, 0.32, 0.03)
    f.limb([(side * 0.35, 0.45), (side * 0.6, 0.52), (side * 0.9, 0.5)], 0.15, 0.05)
    f.limb([(side * 0.2, 0.48), (side * 0.4, 0.56), (side * 0.65, 0.56)], 0.15, 0.02)
    return f


def _portrait(random, kind):
    f = Figure(head=(0, -0.12), head_size=random.uniform(0.5, 0.58))
    f.ellipse(0, 1.05, random.uniform(0.62, 0.8), 0.75)
    f.ellipse(0, 0.8, 0.42, 0.55, 0.06)
    return f


def _head(random, f: Figure, kind: str):
    x, y = f.head
    s = f.head_size
    if kind == "cat":
        for side in (-1, 1):
            tip = (x + side * s * random.uniform(0.75, 0.95), y - s * random.uniform(1.25, 1.5))
            base = [(x + side * s * 0.2, y - s * 0.75), tip, (x + side * s * 0.98, y - s * 0.1)]
            f.polygon(base, -0.06)
        f.ellipse(x, y, s, s * random.uniform(0.82, 0.92))
    elif random.random() < 0.65:  # hanging ears, in front of the head
        f.ellipse(x, y, s * 0.85, s * random.uniform(0.9, 1.05))
        for side in (-1, 1):
            drop = random.uniform(0.5, 0.95)
            points = [(x + side * s * 0.6, y - s * 0.7), (x + side * s * 1.3, y - s * 0.4),
                      (x + side * s * 1.0, y + s * drop)]  # fmt: skip
            f.limb(points, s * 0.42, -0.14)
    else:
        for side in (-1, 1):
            tip = (x + side * s * 0.8, y - s * random.uniform(1.2, 1.5))
            base = [(x + side * s * 0.15, y - s * 0.75), tip, (x + side * s * 0.85, y - s * 0.3)]
            f.polygon(base, -0.1)
        f.ellipse(x, y, s * 0.88, s * 0.95)
    wide = 0.42 if kind == "cat" else 0.46
    f.ellipse(x, y + s * 0.42, s * wide, s * (0.32 if kind == "cat" else 0.45), 0.14)


def _place(random, f: Figure, height: int, width: int):
    """Scale in pixels and position of the figure's origin; some animals leave the frame."""
    scale = min(height, width) * random.uniform(0.3, 0.5)
    x = width * random.uniform(0.32, 0.68)
    y = height * random.uniform(0.45, 0.62)
    if random.random() < 0.15:
        x = width * random.choice([random.uniform(0, 0.2), random.uniform(0.8, 1)])
        scale *= 1.2
    return scale, x, y


def _rasterize(f: Figure, place, height: int, width: int):
    scale, x0, y0 = place
    size = (width * SCALE, height * SCALE)
    mask, tone = Image.new("L", size, 0), Image.new("L", size, 128)
    pens = (ImageDraw.Draw(mask), ImageDraw.Draw(tone))

    def pixels(points):
        return [(SCALE * (x0 + scale * x), SCALE * (y0 + scale * y)) for x, y in points]

    for kind, shape, width_, shade in f.shapes:
        for pen, value in zip(pens, (255, int(128 + 255 * shade)), strict=True):
            if kind == "ellipse":
                box = pixels([shape[:2], shape[2:]])
                pen.ellipse((*box[0], *box[1]), fill=value)
            elif kind == "polygon":
                pen.polygon(pixels(shape), fill=value)
            else:
                thick = max(2, int(SCALE * scale * width_))
                for px, py in pixels(shape):
                    pen.ellipse((px - thick / 2, py - thick / 2, px + thick / 2, py + thick / 2),
                                fill=value)  # fmt: skip
                pen.line(pixels(shape), fill=value, width=thick, joint="curve")
    reduced = [np.asarray(m.resize((width, height), Image.Resampling.BOX), np.float32)
               for m in (mask, tone)]  # fmt: skip
    return reduced[0] / 255, (reduced[1] - 128) / 255


def _ruffle(random, alpha, tone):
    """Make the outline furry: move every pixel a little, by fine streaks and by slow waves."""
    height, width = alpha.shape
    fine = streaks(random, height, width, 2.0, 0.7) * random.uniform(0.6, 1.8)
    slow = clouds(random, height, width, 26) * random.uniform(1.0, 2.6)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    where = np.stack([y + slow + fine, x + np.roll(slow, 40, 0) + fine * 0.6])
    smooth = gaussian_filter(alpha, 1.2)
    moved = map_coordinates(smooth, where, order=1, mode="nearest")
    alpha = np.clip((moved - 0.5) * 2.2 + 0.5, 0, 1)
    tone = map_coordinates(gaussian_filter(tone, 2.5), where, order=1, mode="nearest")
    return alpha.astype(np.float32), tone


def _fur(random, kind, alpha, tone, light):
    """Fur colours (H, W, 3): base, pattern, tone of the parts, light and hairs."""
    height, width = alpha.shape
    furs = FURS[kind]
    base = np.array(furs[random.integers(len(furs))], np.float32) * random.uniform(0.85, 1.1)
    other = np.array(furs[random.integers(len(furs))], np.float32)
    color = np.broadcast_to(base, (height, width, 3)).copy()
    pattern = random.choice(["plain", "tabby", "patches", "spots"], p=[0.35, 0.25, 0.28, 0.12])
    if pattern == "tabby":
        y, x = np.mgrid[:height, :width]
        angle = random.uniform(-0.7, 0.7)
        wave = (x * np.cos(angle) + y * np.sin(angle)) / random.uniform(2.5, 4.5)
        bands = np.sin(wave + 1.6 * clouds(random, height, width, 30))
        color *= (1 - 0.38 * (bands > 0.25))[..., None]
    elif pattern != "plain":
        grain = 45 if pattern == "patches" else 14
        cut = random.uniform(-0.2, 0.6) if pattern == "patches" else 0.9
        part = np.clip((clouds(random, height, width, grain) - cut) * 4 + 0.5, 0, 1)[..., None]
        color = color * (1 - part) + other * part
    if random.random() < 0.4:  # white chest, paws and muzzle
        part = np.clip((tone - 0.02) * 25, 0, 1)[..., None]
        color = color * (1 - part) + np.array([236, 230, 222], np.float32) * part
    body = gaussian_filter(alpha, max(alpha.shape) / 28)
    slope_y, slope_x = np.gradient(body)
    shade = 1 + 9 * (0.8 * slope_y + light * slope_x) + 1.1 * tone
    hairs = streaks(random, height, width, 2.2, 0.6)
    return color * shade.clip(0.45, 1.5)[..., None] * (1 + 0.1 * hairs)[..., None]


def _shadow(image, alpha):
    """Darken the ground around the animal's lower part."""
    low = np.pad(gaussian_filter(alpha, (3, 9)), ((8, 0), (0, 0)))[:-8]
    return image * (1 - 0.35 * low)[..., None]


def _face(random, image, f: Figure, place, kind):
    """Eyes, nose, mouth and whiskers, drawn over the fur."""
    scale, x0, y0 = place
    s = f.head_size * scale * SCALE
    hx, hy = SCALE * (x0 + scale * f.head[0]), SCALE * (y0 + scale * f.head[1])
    height, width = image.shape[:2]
    canvas = Image.fromarray(image.clip(0, 255).astype(np.uint8))
    canvas = canvas.resize((width * SCALE, height * SCALE), Image.Resampling.BILINEAR)
    draw = ImageDraw.Draw(canvas, "RGBA")

    def dot(x, y, rx, ry, color):
        cx, cy = hx + s * x, hy + s * y
        draw.ellipse((cx - s * rx, cy - s * ry, cx + s * rx, cy + s * ry), fill=color)

    iris = EYES[random.integers(3 if kind == "cat" else 4)] if kind == "cat" else EYES[3]
    for side in (-1, 1):
        dot(side * 0.4, -0.1, 0.17, 0.16, (30, 24, 20))
        dot(side * 0.4, -0.1, 0.14, 0.13, iris)
        dot(side * 0.4, -0.1, 0.05 if kind == "cat" else 0.09, 0.12, (8, 8, 8))
        dot(side * 0.4 - 0.04, -0.15, 0.035, 0.035, (250, 250, 250))
    nose = (200, 130, 125) if kind == "cat" and random.random() < 0.6 else (32, 28, 28)
    dot(0, 0.3, 0.11 if kind == "cat" else 0.17, 0.08 if kind == "cat" else 0.12, nose)
    line = max(1, round(s * 0.03))
    dark = (40, 30, 28, 200)
    draw.line((hx, hy + s * 0.36, hx, hy + s * 0.5), fill=dark, width=line)
    for side in (-1, 1):
        box = sorted((hx, hx + side * s * 0.24))
        draw.arc((box[0], hy + s * 0.38, box[1], hy + s * 0.6), 20, 160, fill=dark, width=line)
        if kind == "cat":
            for rise in (-0.1, 0.02, 0.14):
                end = (hx + side * s * 1.05, hy + s * (0.42 + rise * 1.8))
                draw.line((hx + side * s * 0.25, hy + s * (0.42 + rise * 0.5), *end),
                          fill=(250, 250, 250, 150), width=max(1, line // 2))  # fmt: skip
    canvas = canvas.resize((width, height), Image.Resampling.BOX)
    return np.asarray(canvas, np.float32)
