"""Texts of the pages: long ones from Markdown files, numbers and metrics in words."""

import math
from pathlib import Path

from unet_core.store.runs import Run

PAGES = Path(__file__).parent.parent


def read_text(name: str) -> str:
    """The Markdown file ``pages/<name>.md``."""
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


def metrics_line(run: Run) -> str:
    """How good the run is, in words, with what it was measured on."""
    evaluation = run.evaluation
    if not evaluation:
        return "Not evaluated yet"
    metrics = evaluation["metrics"]
    return (
        f"Mean IoU {metrics['mean_iou']:.3f}, pixel accuracy {metrics['pixel_accuracy']:.3f} on "
        f"{evaluation['images']} {evaluation['split']} pictures of {evaluation['data_title']}, "
        f"{evaluation['resolution']} × {evaluation['resolution']}"
    )


def number(value: float) -> str:
    """A metric with three digits; a dash where there is none."""
    return "–" if math.isnan(value) else f"{value:.3f}"


def duration(seconds: float) -> str:
    """``75`` to ``1 min 15 s``; seconds are dropped from ten minutes on."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 10:
        return f"{minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
