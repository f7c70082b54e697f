"""The U as a Plotly figure, drawn to scale from a network's specification."""

from dataclasses import dataclass

import plotly.graph_objects as go

from unet_core.specification import Layer, Specification

# Okabe and Ito's colours; legible on light and on dark grounds.
KINDS = {
    "down": ("Encoder: what is in the picture", "#0072B2"),
    "bottom": ("Bottom: the whole scene", "#CC79A7"),
    "skip": ("Handed over by a skip connection", "#56B4E9"),
    "up": ("Decoder: where exactly", "#E69F00"),
    "output": ("Output: a score for each class and pixel", "#009E73"),
}
ARROWS = {"skip": "#56B4E9", "pool": "#D55E00", "up": "#009E73", "same": "#8A8A8A"}
GAP = 0.010  # between maps of features, as a part of the figure's width
LEAST = 0.003  # the narrowest bar that can still be pointed at


@dataclass(frozen=True)
class Box:
    """A map of features in the figure: its corner at the top left, width and height."""

    layer: Layer
    left: float
    top: float
    width: float

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def middle(self) -> float:
        return self.top - self.layer.size / 2

    @property
    def bottom(self) -> float:
        return self.top - self.layer.size


def u_figure(specification: Specification, title: str, subtitle: str) -> go.Figure:
    """Blocks as high as their resolution and as wide as their channels, with arrows between.

    Hovering tells layer, output shape, parameters, multiply-adds and receptive field.
    """
    boxes = place(specification)
    figure = go.Figure()
    for kind, (name, color) in KINDS.items():
        drawn = [box for box in boxes if _kind(box.layer) == kind]
        _add_bars(figure, drawn, name, color)
    joined = [box for box in boxes if box.layer.kind == "concatenate"]
    _add_bars(figure, joined, *KINDS["skip"], part=lambda x: x.skip_channels / x.channels)
    _add_arrows(figure, boxes)
    _add_labels(figure, boxes)
    figure.update_layout(
        title={"text": title, "font": {"size": 15}, "subtitle": {"text": subtitle}},
        height=520,
        barmode="overlay",
        bargap=0,
        margin={"l": 10, "r": 10, "t": 60, "b": 10},
        legend={"orientation": "h", "y": -0.02, "yanchor": "top"},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hovermode="closest",
        dragmode=False,
    )
    figure.update_xaxes(visible=False, range=[-0.055, 1.03], fixedrange=True)
    lowest, highest = min(box.bottom for box in boxes), boxes[0].top
    room = 0.05 * (highest - lowest)
    figure.update_yaxes(visible=False, range=[lowest - 1.6 * room, highest + room], fixedrange=True)
    return figure


def place(specification: Specification) -> list[Box]:
    """Where each map of features stands: left to right in order, each level below the last."""
    shown = [x for x in specification.layers if x.kind not in ("pool", "up") or x.part == "output"]
    sizes: dict[int, int] = {}
    for layer in shown:
        sizes[layer.level] = max(layer.size, sizes.get(layer.level, 0))
    gap = 0.04 * sum(sizes.values())
    tops, top = {}, 0.0
    for level in sorted(sizes):
        tops[level] = top
        top -= sizes[level] + gap
    free = 1 - GAP * (len(shown) - 1) - LEAST * len(shown)
    unit = free / sum(layer.channels for layer in shown)
    boxes, left = [], 0.0
    for layer in shown:
        width = LEAST + unit * layer.channels
        # Unpadded convolutions shrink a map on all sides: it stays in the middle of its level.
        level_top = tops[layer.level] - (sizes[layer.level] - layer.size) / 2
        boxes.append(Box(layer, left, level_top, width))
        left += width + GAP
    return boxes


def describe(layer: Layer) -> str:
    """What the figure says about a layer when it is pointed at."""
    lines = [
        f"<b>{layer.name}</b>",
        f"{layer.size} × {layer.size} pixels × {layer.channels} channels",
        f"{layer.parameters:,} parameters, {layer.multiply_adds / 1e6:,.0f} M multiply-adds",
        f"each pixel sees {layer.receptive_field} × {layer.receptive_field} of the picture",
    ]
    if layer.kind == "concatenate":
        own = layer.channels - layer.skip_channels
        lines[2] = f"{layer.skip_channels} channels from the encoder, {own} from below"
    return "<br>".join(lines)


def _kind(layer: Layer) -> str:
    if layer.part == "encoder":
        return "down"
    return "up" if layer.part == "decoder" else layer.part


def _add_bars(figure: go.Figure, boxes: list[Box], name: str, color: str, part=None) -> None:
    """Bars from ``boxes``; ``part`` gives the left part of each that is to be drawn."""
    if not boxes:
        return
    widths = [box.width * (part(box.layer) if part else 1) for box in boxes]
    figure.add_bar(
        x=[box.left + width / 2 for box, width in zip(boxes, widths, strict=True)],
        y=[box.layer.size for box in boxes],
        base=[box.bottom for box in boxes],
        width=widths,
        name=name,
        marker={"color": color, "line": {"width": 0}},
        customdata=[describe(box.layer) for box in boxes],
        hovertemplate="%{customdata}<extra></extra>",
    )


def _add_arrows(figure: go.Figure, boxes: list[Box]) -> None:
    for before, after in zip(boxes, boxes[1:], strict=False):
        if after.layer.level > before.layer.level:
            start, end = (before.right, before.bottom), (after.left, after.top)
            _arrow(figure, start, end, ARROWS["pool"])
        elif after.layer.level < before.layer.level:
            start, end = (before.right, before.top), (after.left, after.bottom)
            _arrow(figure, start, end, ARROWS["up"])
    for after in boxes:
        if after.layer.kind == "concatenate":
            source = _source(boxes, after)
            _arrow(
                figure, (source.right, after.middle), (after.left, after.middle), ARROWS["skip"],
                width=2.5,
            )  # fmt: skip


def _source(boxes: list[Box], after: Box) -> Box:
    """The map that a skip takes: the encoder's last of that level."""
    level = after.layer.level
    same = [b for b in boxes if b.layer.part == "encoder" and b.layer.level == level]
    return same[-1]


def _arrow(figure: go.Figure, start, end, color: str, width: float = 1.5) -> None:
    figure.add_annotation(
        x=end[0], y=end[1], ax=start[0], ay=start[1], xref="x", yref="y", axref="x", ayref="y",
        text="", showarrow=True, arrowhead=2, arrowwidth=width, arrowcolor=color,
    )  # fmt: skip


def _add_labels(figure: go.Figure, boxes: list[Box]) -> None:
    """Resolutions at the left of the encoder's levels, channels below the first of each block."""
    level = -1
    for box in boxes:
        layer = box.layer
        if layer.level > level:
            level = layer.level
            figure.add_annotation(
                x=box.left, y=box.middle, text=f"{layer.size}²", showarrow=False, xanchor="right"
            )
    for before, box in zip(boxes, boxes[1:], strict=False):
        if box.layer.channels != before.layer.channels and box.layer.kind != "concatenate":
            figure.add_annotation(
                x=(box.left + box.right) / 2, y=box.bottom, text=str(box.layer.channels),
                showarrow=False, yanchor="top", font={"size": 10},
            )  # fmt: skip
