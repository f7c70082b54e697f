"""The U as a Plotly figure, drawn to scale from a network's specification."""

from dataclasses import dataclass

import plotly.graph_objects as go

from unet_core.architectures.specs import Layer, Specification

# Okabe and Ito's colours; legible on light and on dark grounds.
KINDS = {
    "down": ("Encoder: what", "#0072B2"),
    "bottom": ("Bottom", "#CC79A7"),
    "up": ("Decoder: where", "#E69F00"),
    "skip": ("Skip connection", "#56B4E9"),
    "output": ("Output", "#009E73"),
}
ARROWS = {"skip": "#56B4E9", "pool": "#D55E00", "up": "#009E73", "same": "#8A8A8A"}
GAP = 0.010  # between maps of features, as a part of the figure's width
LEVEL_GAP = 0.014  # more of it where the resolution changes, for the arrow
LEAST = 0.003  # the narrowest bar that can still be seen
LEAST_HEIGHT = 0.012  # the same, as a part of the highest


@dataclass(frozen=True)
class Box:
    """A map of features in the figure: its corner at the top left, width and height."""

    layer: Layer
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

    Hovering tells layer, output shape, parameters, multiply-adds and receptive field. ``ink`` is
    the colour of the labels.
    """
    boxes = place(specification)
    figure = go.Figure()
    for kind, (name, color) in KINDS.items():
        drawn = [box for box in boxes if _kind(box.layer) == kind]
        if kind == "skip":  # over the left part of what the decoder joins
            drawn += [box for box in boxes if box.layer.kind == "concatenate"]
        _add_bars(figure, drawn, name, color, only_skip=kind == "skip")
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
    """Where each map of features stands: left to right in order, each level below the last."""
    shown = [x for x in specification.layers if x.kind not in ("pool", "up") or x.part == "output"]
    least = LEAST_HEIGHT * shown[0].size
    heights: dict[int, float] = {}
    for layer in shown:
        heights[layer.level] = max(layer.size, heights.get(layer.level, least))
    gap = 0.05 * sum(heights.values())
    tops, top = {}, 0.0
    for level in sorted(heights):
        tops[level] = top
        top -= heights[level] + gap
    gaps = [
        GAP + LEVEL_GAP * (after.level != before.level)
        for before, after in zip(shown, shown[1:], strict=False)
    ]
    unit = (1 - sum(gaps) - LEAST * len(shown)) / sum(layer.channels for layer in shown)
    boxes, left = [], 0.0
    for layer, behind in zip(shown, [*gaps, 0], strict=True):
        width, height = LEAST + unit * layer.channels, max(layer.size, least)
        # Unpadded convolutions shrink a map on all sides: it stays in the middle of its level.
        level_top = tops[layer.level] - (heights[layer.level] - height) / 2
        boxes.append(Box(layer, left, level_top, width, height))
        left += width + behind
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
    if _is_on_bridge(layer):
        return "skip"
    if layer.part == "encoder":
        return "down"
    return "up" if layer.part == "decoder" else layer.part


def _is_on_bridge(layer: Layer) -> bool:
    """Whether it works on the features that a skip connection carries, as in the light decoder."""
    return layer.kind == "convolution" and layer.name.startswith("skip")


def _add_bars(figure: go.Figure, boxes: list[Box], name: str, color: str, only_skip: bool) -> None:
    """A bar for each box; ``only_skip``: of joined features only what the skip brings."""
    if not boxes:
        return
    widths = [
        box.width * box.layer.skip_channels / box.layer.channels
        if only_skip and box.layer.skip_channels
        else box.width
        for box in boxes
    ]
    figure.add_bar(
        x=[box.left + width / 2 for box, width in zip(boxes, widths, strict=True)],
        y=[box.height for box in boxes],
        base=[box.bottom for box in boxes],
        width=widths,
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
    main = [box for box in boxes if not _is_on_bridge(box.layer)]
    for before, after in zip(main, main[1:], strict=False):
        if after.layer.level > before.layer.level:
            start, end = (before.right, before.bottom), (after.left, after.top)
            _arrow(figure, start, end, ARROWS["pool"])
        elif after.layer.level < before.layer.level:
            start, end = (before.right, before.top), (after.left, after.bottom)
            _arrow(figure, start, end, ARROWS["up"])
    for before, after in zip(boxes, boxes[1:], strict=False):
        if after.layer.kind == "concatenate":
            source = _source(boxes, after)
            end = before if _is_on_bridge(before.layer) else after
            _arrow(
                figure, (source.right, end.middle), (end.left, end.middle), ARROWS["skip"],
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


def _add_labels(figure: go.Figure, boxes: list[Box], ink: str) -> None:
    """Each level's resolution at the left of it, and the channels of a block below it."""

    def label(x: float, y: float, text: str, xanchor: str, yanchor: str) -> None:
        figure.add_annotation(
            x=x, y=y, text=text, showarrow=False, xanchor=xanchor, yanchor=yanchor, borderpad=1,
            font={"size": 14, "color": ink},
        )  # fmt: skip

    blocks: dict[tuple[int, str], list[Box]] = {}
    for box in boxes:
        if not _is_on_bridge(box.layer):
            blocks.setdefault((box.layer.level, box.layer.part), []).append(box)
    lowest = max(level for level, _ in blocks)
    half_a_line = -0.035 * min(box.bottom for box in boxes)
    for level in range(lowest + 1):
        first = next(box for box in boxes if box.layer.level == level)
        # Beside low bars a line lower, away from the arrow that comes from above.
        middle = min(first.middle, first.top - half_a_line) if level else first.middle
        label(first.left, middle, f"{first.layer.size}²", "right", "middle")
    for (level, part), block in blocks.items():
        last, channels = block[-1], str(block[-1].layer.channels)
        if part == "output":
            label(last.right, last.middle, channels, "left", "middle")
        elif part == "bottom" or (part == "encoder" and level < lowest):
            label(last.right, last.bottom, channels, "right", "top")  # an arrow leaves to the right
        elif level < lowest:
            own = next((box for box in block if box.layer.kind != "concatenate"), block[0])
            label(own.left, own.bottom, str(own.layer.channels), "left", "top")
