"""What all figures share: colours and layout."""

import plotly.graph_objects as go

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8A8A8A")


def label(figure: go.Figure, title: str, x: str, y: str, height: int, note: str = "") -> None:
    """Title, a note below it, axes' names and the layout that all figures share."""
    figure.update_layout(
        title={
            "text": title,
            "font": {"size": 15},
            "subtitle": {"text": note, "font": {"size": 12}},
        },
        height=height,
        margin={"l": 10, "r": 10, "t": 72 if note else 45, "b": 10},
        dragmode=False,  # a finger scrolls the page, not the figure
        legend={"orientation": "h", "y": -75 / height, "yanchor": "top"},
        uirevision="stays",
    )
    figure.update_xaxes(title=x)
    figure.update_yaxes(title=y)
