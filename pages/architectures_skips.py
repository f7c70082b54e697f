"""With and without skip connections: two trained models on the same image."""

import streamlit as st

from pages.common import ImageSource, ready_runs, segment
from pages.images import choose_image
from unet_core.architectures.catalogue import CATALOGUE
from unet_core.errors import UserError
from unet_core.metrics.compare import skip_pairs
from unet_core.prediction.masks import resize_ids
from unet_core.prediction.overlay import error_map
from unet_core.prediction.views import SegmentedImage, View
from unet_core.store.runs import Run

SIDE = 700  # pixels on an image's longer side
HOW_TO_TRAIN = """
There is no such pair here yet. Two trainings that differ in nothing else, on the chest X-rays:
```
python -m unet_core train --recipe lungs
python -m unet_core train --recipe lungs-no-skips
```
Any two runs of a network from scratch do whose settings differ in `skips` alone.
"""


def show_skips() -> None:
    st.markdown(
        "One network, trained twice: same data, same seed, same settings. Only the bridges are "
        "missing in the second."
    )
    pairs = {first.name: (first, second) for first, second in skip_pairs(ready_runs().values())}
    if not pairs:
        st.info(HOW_TO_TRAIN)
        show_cost("compact", 256, {})
        return
    left, right = st.columns([1, 2.6], gap="large")
    with left:
        name = st.selectbox(
            "Pair", pairs, format_func=lambda n: pairs[n][0].title, key="pair", bind="query-params"
        )
        pair = pairs[name]
        image = choose_image(pair[0])
    training = pair[0].config["training"]
    if image:
        with right:
            try:
                show_pair(pair, image)
            except UserError as error:
                st.error(str(error))
    show_cost(training["model"], training["image_size"], training["model_arguments"])


def show_pair(pair: tuple[Run, Run], image: ImageSource) -> None:
    """What each of the two outlines; where the truth is known, its errors below."""
    with_, without = pair
    kinds = (("With skip connections", with_, None), ("Without", without, with_))
    for column, (what, run, other) in zip(st.columns(2), kinds, strict=True):
        with column:
            st.markdown(f"**{what}** · {run.title}")
            segmented = segment(run, image)[0].at(SIDE)
            covered = ", ".join(f"{name} {share:.1%}" for name, share in segmented.shares().items())
            st.image(
                segmented.draw(View("outline", visible=tuple(foreground(run)))), width="stretch",
                caption=covered, alt=f"{image.name}, {what}: {covered}", output_format="JPEG",
            )  # fmt: skip
            if image.truth:
                show_errors(run, segmented, image, what)
            show_scores(run, other)
    notes = []
    if image.truth:
        notes.append("Errors: :orange-badge[orange] was missed, :blue-badge[blue] added wrongly.")
    if with_.config["training"]["data"] == "lungs":
        notes.append("A demonstration of networks, not a medical device.")
    st.caption(" ".join(notes))


def show_errors(run: Run, segmented: SegmentedImage, image: ImageSource, what: str) -> None:
    ids = segmented.ids()
    truth = resize_ids(image.truth(), *ids.shape)
    number, name = next(iter(foreground(run).values())), next(iter(foreground(run)))
    st.image(
        error_map(segmented.image, truth == number, ids == number), width="stretch",
        caption=f"Errors: {(truth != ids).mean():.2%} of the pixels are wrong",
        alt=f"{image.name}, errors for {name}: {what}", output_format="JPEG",
    )  # fmt: skip


def show_scores(run: Run, other: Run | None) -> None:
    """The run's stored scores, beside those of ``other`` as a difference."""
    if not run.evaluation:
        st.caption("Not evaluated yet; the Evaluate page does it.")
        return
    scores, before = scores_of(run), scores_of(other) if other and other.evaluation else {}
    with st.container(horizontal=True):
        for name, value in scores.items():
            change = f"{value - before[name]:+.3f}" if name in before else None
            st.metric(name, f"{value:.3f}", change, width=120)
    evaluation = run.evaluation
    st.caption(
        f"On {evaluation['images']} {evaluation['split']} pictures of {evaluation['data_title']}"
    )


def scores_of(run: Run) -> dict[str, float]:
    evaluation = run.evaluation
    dice = {
        f"Dice, {name}": evaluation["per_class"]["dice"][number]
        for name, number in foreground(run).items()
    }
    return dice | {"Mean IoU": evaluation["metrics"]["mean_iou"]}


def foreground(run: Run) -> dict[str, int]:
    """Names and ids of the classes that are not background."""
    return {info.name: i for i, info in enumerate(run.classes) if not info.is_background}


def show_cost(network: str, size: int, arguments: dict) -> None:
    """What a skip connection costs and gives, by this network's numbers."""
    st.subheader("What the bridges cost", anchor=False)
    entry = CATALOGUE[network]
    with_, without = (
        entry.specification(entry.outputs, size, arguments | {"skips": skips})
        for skips in (True, False)
    )
    bottom = min(with_.layers, key=lambda layer: layer.size)
    left, right = st.columns(2, gap="large")
    left.markdown(
        f"**With**: outlines come from the first level, at {size} × {size} pixels; only *what* is "
        "there has to travel through the bottom. In "
        f"`{network}` the bridges cost {with_.multiply_adds / without.multiply_adds - 1:.0%} more "
        f"multiply-adds and {with_.parameters / without.parameters - 1:.0%} more parameters."
    )
    right.markdown(
        f"**Without**: everything passes through {bottom.size} × {bottom.size} positions at the "
        f"bottom, each standing for {bottom.step:.0f} × {bottom.step:.0f} pixels of the picture, "
        "so that fine outlines blur."
    )
