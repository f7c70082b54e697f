"""What all Plotly figures share: colors, lines, points, titles and axes.

The colors are those of Okabe and Ito, which color-blind people can tell apart.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

BLUE, RED, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, GREY = "#E69F00", "#56B4E9", "#8A8A8A"
COLORS = (BLUE, RED, GREEN, PINK, ORANGE, SKY, GREY)
Values = Sequence[Any] | np.ndarray
Hover = str | None  # Plotly's template of the text at the pointer; "": none; None: Plotly's own


def line(
    figure: go.Figure, x: Values, y: Values, color: str, hover: Hover = None, **options: Any
) -> None:
    """Add a line, two pixels wide unless ``options``, those of `go.Scatter`, say otherwise."""
    defaults = {"mode": "lines", "line_color": color, "line_width": 2}
    figure.add_scatter(x=x, y=y, **(defaults | _hover(hover) | options))


def points(
    figure: go.Figure, x: Values, y: Values, color: str, hover: Hover = None, **options: Any
) -> None:
    """Add points; ``options`` are those of `go.Scatter`."""
    figure.add_scatter(x=x, y=y, mode="markers", marker_color=color, **_hover(hover), **options)


def bars(
    figure: go.Figure, x: Values, y: Values, color: str, hover: Hover = None, **options: Any
) -> None:
    """Add bars; ``options`` are those of `go.Bar`."""
    figure.add_bar(x=x, y=y, marker_color=color, **_hover(hover), **options)


def star(figure: go.Figure, x: float, y: float | None, color: str, **options: Any) -> None:
    """Mark the best of a curve's points."""
    look = {"marker_symbol": "star", "marker_size": 15, "marker_line_width": 1}
    points(figure, [x], [y], color, "", **look, **options)


def _hover(template: str | None) -> dict[str, str]:
    if template is None:
        return {}
    return {"hovertemplate": f"{template}<extra></extra>"} if template else {"hoverinfo": "skip"}


def finish(
    figure: go.Figure, title: str, x: str, y: str, height: int = 380, note: str = ""
) -> go.Figure:
    """Add the title, a note below it and the names of the axes, and the layout of all figures."""
    figure.update_xaxes(title=x).update_yaxes(title=y)
    figure.update_layout(title_text=title, title_font_size=15)
    figure.update_layout(title_subtitle_text=note, title_subtitle_font_size=12)
    margin = {"l": 10, "r": 10, "t": 72 if note else 45, "b": 10}
    legend = {"orientation": "h", "y": -75 / height, "yanchor": "top"}
    # A finger scrolls the page, not the figure; a choice in the legend survives new numbers.
    behavior = {"dragmode": False, "uirevision": "stays"}
    return figure.update_layout(height=height, margin=margin, legend=legend, **behavior)
