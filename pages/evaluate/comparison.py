"""Compare on the Evaluate page: a second model on the same images."""

import streamlit as st

from pages.evaluate.gallery import LEGEND, foreground, image_tiles, show_tiles
from pages.shared.widgets import choose_run, decimals, show_figure
from unet_core.data.base import Dataset
from unet_core.errors import UserError
from unet_core.figures.metrics import difference_figure
from unet_core.jobs.evaluations import open_data, results
from unet_core.metrics.compare import compare
from unet_core.store.runs import Run, all_runs

MAX_IMAGES = 6


def show_comparison(run: Run, result: dict) -> None:
    matches = {
        other: match
        for other in all_runs()
        if other.name != run.name and (match := same_data(other, result))
    }
    if not matches:
        st.info(
            f"No other model has been scored on {result['data_title']} ({result['split']} split). "
            "Choose one above and score it under Other data, then compare."
        )
        return
    others = {other.name: other for other in matches}
    other = others[choose_run("Compare with", others, "against")]
    second = matches[other]
    try:
        comparison = compare(result, second)
    except UserError as error:
        st.info(str(error))
        return
    show_differences(run, other, result, second, comparison)
    show_disagreement(run, other, result, comparison)


def same_data(run: Run, result: dict) -> dict | None:
    """The run's first result on the same split of the same data."""
    for found in results(run).values():
        if all(found[key] == result[key] for key in ("data", "split", "classes")):
            return found
    return None


def show_differences(run: Run, other: Run, first: dict, second: dict, comparison: dict) -> None:
    alt = "Differences of the two models"
    show_figure(difference_figure(comparison["rows"]), "differences", f"{alt} with intervals")
    columns = dict.fromkeys(("first", "second"), decimals("%.3f"))
    columns |= dict.fromkeys(("difference", "low", "high"), decimals("%+.3f"))
    st.dataframe(comparison["rows"], hide_index=True, alt=alt, column_config=columns)
    note = ""
    if first["resolution"] != second["resolution"]:
        note = (
            f" They were scored at different resolutions ({first['resolution']} and "
            f"{second['resolution']} pixels a side)."
        )
    st.caption(
        f"First: {run.title}; second: {other.title}. "
        f"On the {comparison['images']:,} pictures that both were scored on. Intervals: paired "
        f"bootstrap over the pictures, 95 %.{note}"
    )


def show_disagreement(run: Run, other: Run, result: dict, comparison: dict) -> None:
    st.subheader("Where their mean IoU differs most", anchor=False)
    try:
        dataset = open_data(run, result["data"])
        for row in comparison["per_image"][:MAX_IMAGES]:
            show_pair(run, other, dataset, row)
    except UserError as error:
        st.info(f"The scores are stored, the pictures are not. {error}")
        return
    st.caption(f"{LEGEND} {dataset.credit.rstrip('.')}.")


def show_pair(run: Run, other: Run, dataset: Dataset, row: dict) -> None:
    name, focus = row["name"], foreground(dataset)
    image, truth, _, first = image_tiles(run, dataset, name, focus)
    *_, second = image_tiles(other, dataset, name, focus)
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**{name}** · mean IoU {row['difference']:+.3f}")
        tiles = [("picture", image), ("truth", truth)]
        tiles += [(f"{run.title}: {row['first']:.3f}", first)]
        tiles += [(f"{other.title}: {row['second']:.3f}", second)]
        show_tiles(name, tiles)
