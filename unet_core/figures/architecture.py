"""The U as a Plotly figure, drawn to scale from a network's specification."""

from dataclasses import dataclass

import plotly.graph_objects as go

from unet_core.architectures.specs import Layer, Specification

# Okabe and Ito's colors; legible on light and on dark grounds.
ROLES = {
    "encoder": ("Encoder: what", "#0072B2"),
    "bottom": ("Bottom", "#CC79A7"),
    "decoder": ("Decoder: where", "#E69F00"),
    "skip": ("Skip connection", "#56B4E9"),
    "head": ("Output", "#009E73"),
}
ARROWS = {"skip": "#56B4E9", "pool": "#D55E00", "up": "#009E73", "same": "#8A8A8A"}
ARROW = {"xref": "x", "yref": "y", "axref": "x", "ayref": "y", "text": "", "arrowhead": 2}
GAP = 0.010  # between feature maps, as a part of the figure's width
LEVEL_GAP = 0.014  # more of it where the resolution changes, for the arrow
MIN_WIDTH = 0.003  # of a bar that can still be seen
MIN_HEIGHT = 0.012  # the same, as a part of the highest

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A feature map in the figure: its corner at the top left, width and height."""

    layer: Layer
    role: str  # one of `ROLES`
    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def middle(self) -> float:
        return self.top - self.height / 2

    @property
    def bottom(self) -> float:
        return self.top - self.height


def u_figure(specification: Specification, ink: str = "#8A8A8A") -> go.Figure:
    """Blocks as high as their resolution and as wide as their channels, with arrows between.

    Hovering shows layer, output shape, parameters, multiply-adds and receptive field. ``ink`` is
    the color of the labels.
    """
    boxes = place(specification)
    figure = go.Figure()
    for role, (name, color) in ROLES.items():
        bars = [(box, box.width) for box in boxes if box.role == role]
        if role == "skip":  # over the left part of what the decoder concatenates
            joined = [box for box in boxes if box.layer.kind == "concatenate"]
            bars += [(x, x.width * x.layer.skip.channels / x.layer.channels) for x in joined]
        _add_bars(figure, bars, name, color)
    _add_hover(figure, boxes)
    _add_arrows(figure, boxes)
    _add_labels(figure, boxes, ink)
    figure.update_layout(
        height=470,
        barmode="overlay",
        bargap=0,
        margin={"l": 50, "r": 40, "t": 10, "b": 10},
        legend={"orientation": "h", "y": -0.02, "yanchor": "top", "font": {"size": 14}},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hovermode="closest",
        hoverlabel={"font": {"size": 15}},
        dragmode=False,
    )
    lowest = min(box.bottom for box in boxes)
    figure.update_xaxes(visible=False, range=[0, 1], fixedrange=True)
    figure.update_yaxes(visible=False, range=[1.08 * lowest, -0.01 * lowest], fixedrange=True)
    return figure


def place(specification: Specification) -> list[Box]:
    """Where each feature map stands: left to right in order, each level below the last."""
    shown = [x for x in specification.layers if x.kind not in ("pool", "up") or x.part == "head"]
    min_height = MIN_HEIGHT * shown[0].size
    heights: dict[int, float] = {}
    for layer in shown:
        heights[layer.level] = max(layer.size, heights.get(layer.level, min_height))
    level_gap = 0.05 * sum(heights.values())
    tops, top = {}, 0.0
    for level in sorted(heights):
        tops[level] = top
        top -= heights[level] + level_gap
    gaps = [
        GAP + LEVEL_GAP * (after.level != before.level)
        for before, after in zip(shown, shown[1:], strict=False)
    ]
    unit = (1 - sum(gaps) - MIN_WIDTH * len(shown)) / sum(layer.channels for layer in shown)
    boxes, left = [], 0.0
    for layer, gap in zip(shown, [*gaps, 0], strict=True):
        width, height = MIN_WIDTH + unit * layer.channels, max(layer.size, min_height)
        # Unpadded convolutions shrink a map on all sides: it stays in the middle of its level.
        level_top = tops[layer.level] - (heights[layer.level] - height) / 2
        boxes.append(Box(layer, _role(layer, specification), left, level_top, width, height))
        left += width + gap
    return boxes


def _role(layer: Layer, specification: Specification) -> str:
    """The bottom is the part of the encoder at the lowest resolution."""
    if layer.part == "decoder" and layer in specification.skips:
        return "skip"
    if layer.part == "encoder" and layer.level == specification.features[-1].level:
        return "bottom"
    return layer.part


def describe(layer: Layer) -> str:
    """What the figure shows of a layer when it is pointed at, as HTML."""
    costs = f"{layer.parameters:,} parameters, {layer.multiply_adds / 1e6:,.0f} M multiply-adds"
    if layer.kind == "concatenate":
        own = layer.channels - layer.skip.channels
        costs = f"{layer.skip.channels} channels from the encoder, {own} from below"
    return (
        f"<b>{layer.name}</b><br>"
        f"{layer.size} × {layer.size} pixels × {layer.channels} channels<br>{costs}<br>"
        f"each pixel sees {layer.receptive_field} × {layer.receptive_field} of the picture"
    )


def _add_bars(figure: go.Figure, bars: list[tuple[Box, float]], name: str, color: str) -> None:
    """A bar for each box, of the width beside it."""
    if bars:
        figure.add_bar(
            x=[box.left + width / 2 for box, width in bars],
            y=[box.height for box, _ in bars],
            base=[box.bottom for box, _ in bars],
            width=[width for _, width in bars],
            name=name,
            marker={"color": color, "line": {"width": 0}},
            hoverinfo="skip",
        )


def _add_hover(figure: go.Figure, boxes: list[Box]) -> None:
    """Invisible points along the middle of each bar: thin bars are hard to hit."""
    points = [(box, part) for box in boxes for part in (0.1, 0.3, 0.5, 0.7, 0.9)]
    figure.add_scatter(
        x=[box.left + box.width / 2 for box, _ in points],
        y=[box.top - part * box.height for box, part in points],
        mode="markers",
        marker={"size": 14, "opacity": 0},
        text=[describe(box.layer) for box, _ in points],
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
    )


def _add_arrows(figure: go.Figure, boxes: list[Box]) -> None:
    """Down and up where the resolution changes, and across from the encoder to the decoder."""
    main = [box for box in boxes if box.role != "skip"]
    for before, after in zip(main, main[1:], strict=False):
        if after.layer.level > before.layer.level:
            start, end = (before.right, before.bottom), (after.left, after.top)
            _add_arrow(figure, start, end, ARROWS["pool"])
        elif after.layer.level < before.layer.level:
            start, end = (before.right, before.top), (after.left, after.bottom)
            _add_arrow(figure, start, end, ARROWS["up"])
    of_layer = {box.layer.name: box for box in boxes}
    for joined in boxes:
        if joined.layer.kind == "concatenate":
            source = last = of_layer[joined.layer.skip.name]
            if last.role == "skip":  # a convolution of the decoder stands in between
                source = of_layer[last.layer.inputs[0].name]
            target = last if last.role == "skip" else joined
            start, end = (source.right, target.middle), (target.left, target.middle)
            _add_arrow(figure, start, end, ARROWS["skip"], width=2.5)


def _add_arrow(figure: go.Figure, start: Point, end: Point, color: str, width: float = 1.5) -> None:
    (ax, ay), (x, y) = start, end
    figure.add_annotation(
        ARROW, x=x, y=y, ax=ax, ay=ay, showarrow=True, arrowcolor=color, arrowwidth=width
    )


def _add_labels(figure: go.Figure, boxes: list[Box], ink: str) -> None:
    """Each level's resolution at the left of it, and the channels of a block below it."""

    def label(x: float, y: float, text: object, xanchor: str, yanchor: str) -> None:
        style = {"showarrow": False, "borderpad": 1, "font": {"size": 14, "color": ink}}
        figure.add_annotation(style, x=x, y=y, text=str(text), xanchor=xanchor, yanchor=yanchor)

    blocks: dict[tuple[int, str], list[Box]] = {}
    for box in boxes:
        if box.role != "skip":
            blocks.setdefault((box.layer.level, box.layer.part), []).append(box)
    lowest = max(level for level, _ in blocks)
    half_a_line = -0.035 * min(box.bottom for box in boxes)
    for level in range(lowest + 1):
        first = next(box for box in boxes if box.layer.level == level)
        # Beside low bars a line lower, away from the arrow that comes from above.
        middle = min(first.middle, first.top - half_a_line) if level else first.middle
        label(first.left, middle, f"{first.layer.size}²", "right", "middle")
    for (level, part), block in blocks.items():
        last = block[-1]
        if part == "head":
            label(last.right, last.middle, last.layer.channels, "left", "middle")
        elif part == "encoder":  # an arrow leaves to the right
            label(last.right, last.bottom, last.layer.channels, "right", "top")
        elif level < lowest:
            own = next((box for box in block if box.layer.kind != "concatenate"), block[0])
            label(own.left, own.bottom, own.layer.channels, "left", "top")
