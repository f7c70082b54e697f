"""Plotly figures. Colours are those of Okabe and Ito, which colour-blind people tell apart."""

import plotly.graph_objects as go

from unet_core.runs import Run

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
METRICS = {"loss": "Loss", "mean_iou": "Mean IoU", "accuracy": "Pixel accuracy"}


def learning_curves(run: Run, metric: str) -> go.Figure:
    """One run's ``metric`` of `METRICS` by epoch: training dashed, validation solid.

    The loss also shows every few steps within the epoch, thin.
    """
    history = run.history
    figure = go.Figure()
    if metric == "loss" and run.steps:
        steps = run.steps
        per_epoch = run.status.get("steps", 0) / run.config["training"]["epochs"] or 1
        figure.add_scatter(
            x=[row["step"] / per_epoch for row in steps],
            y=[row["loss"] for row in steps],
            name="training, so far in the epoch",
            line={"color": COLORS[0], "width": 1},
            opacity=0.5,
        )
    epochs = [row["epoch"] for row in history]
    for prefix, name, dash, color in (
        ("", "training", "dash", COLORS[0]),
        ("val_", "validation", "solid", COLORS[1]),
    ):
        figure.add_scatter(
            x=epochs,
            y=[row[prefix + metric] for row in history],
            name=name,
            mode="lines+markers",
            line={"color": color, "dash": dash, "width": 2},
        )
    return _dressed(figure, METRICS[metric], run.config["training"]["epochs"])


def _dressed(figure: go.Figure, title: str, epochs: int) -> go.Figure:
    figure.update_layout(
        title={"text": f"{title} by epoch", "font": {"size": 15}},
        height=270,
        margin={"l": 10, "r": 10, "t": 40, "b": 10},
        legend={"orientation": "h", "y": -0.25},
        hovermode="x unified",
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        uirevision="stays",
    )
    figure.update_xaxes(title="epoch", range=[0, epochs + 0.2])
    figure.update_yaxes(title=title, rangemode="tozero")
    if title != METRICS["loss"]:
        figure.update_yaxes(range=[0, 1])
    return figure
