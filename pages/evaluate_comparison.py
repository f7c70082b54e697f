"""Compare on the Evaluate page: a second model on the same images."""

import streamlit as st

from pages.common import show_figure
from pages.evaluate_images import LEGEND, image_tiles
from unet_core.errors import UserError
from unet_core.figures.metrics import difference_figure
from unet_core.jobs.evaluations import open_data, results
from unet_core.metrics.compare import compare
from unet_core.store.runs import Run, all_runs

SHOWN = 6


def show_comparison(run: Run, result: dict) -> None:
    others = {
        other.name: (other, match)
        for other in all_runs()
        if other.name != run.name and (match := same_data(other, result))
    }
    if not others:
        st.info(
            f"No other model has been scored on {result['data_title']} ({result['split']} split). "
            "Choose one above and score it under Other data, then compare."
        )
        return
    if st.session_state.get("against", "") not in others:
        st.session_state.pop("against", None)
    name = st.selectbox(
        "Compare with", others, format_func=lambda n: others[n][0].title, key="against",
        bind="query-params",
    )  # fmt: skip
    other, second = others[name]
    try:
        comparison = compare(result, second)
    except UserError as error:
        st.info(str(error))
        return
    show_differences(run, other, result, second, comparison)
    show_disagreement(run, other, result, comparison)


def same_data(run: Run, result: dict) -> dict | None:
    """The run's first result on the same split of the same data."""
    return next(
        (r for r in results(run).values()
         if all(r[key] == result[key] for key in ("data", "split", "classes"))),
        None,
    )  # fmt: skip


def show_differences(run: Run, other: Run, first: dict, second: dict, comparison: dict) -> None:
    show_figure(
        difference_figure(comparison["rows"]), key="differences",
        alt="Differences of the two models with intervals",
    )  # fmt: skip
    style = st.column_config.NumberColumn(format="%.3f")
    signed = st.column_config.NumberColumn(format="%+.3f")
    st.dataframe(
        comparison["rows"], hide_index=True, alt="Differences of the two models",
        column_config={"first": style, "second": style, "difference": signed, "low": signed,
                       "high": signed},
    )  # fmt: skip
    sizes = {first["resolution"], second["resolution"]}
    note = (
        f" They were scored at different resolutions ({first['resolution']} and "
        f"{second['resolution']} pixels a side)." if len(sizes) > 1 else ""
    )  # fmt: skip
    st.caption(
        f"First: {run.title}; second: {other.title}. "
        f"On the {comparison['images']:,} pictures that both were scored on. Intervals: paired "
        f"bootstrap over the pictures, 95 %.{note}"
    )


def show_disagreement(run: Run, other: Run, result: dict, comparison: dict) -> None:
    st.subheader("Where their mean IoU differs most", anchor=False)
    try:
        dataset = open_data(run, result["data"])
        for row in comparison["per_image"][:SHOWN]:
            show_pair(run, other, dataset, row)
    except UserError as error:
        st.info(f"The scores are stored, the pictures are not. {error}")
        return
    st.caption(f"{LEGEND} {dataset.credit.rstrip('.')}.")


def show_pair(run: Run, other: Run, dataset, row: dict) -> None:
    focus = next((i for i, c in enumerate(dataset.classes) if not c.is_background), 0)
    first = image_tiles(run, dataset, row["name"], focus)
    second = image_tiles(other, dataset, row["name"], focus)
    kinds = (
        ("picture", first[0]),
        ("truth", first[1]),
        (f"{run.title}: {row['first']:.3f}", first[3]),
        (f"{other.title}: {row['second']:.3f}", second[3]),
    )
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**{row['name']}** · mean IoU {row['difference']:+.3f}")
        with st.grid(4, min_column_width=140):
            for kind, tile in kinds:
                st.image(tile, caption=kind, width="stretch", alt=f"{row['name']}, {kind}")
