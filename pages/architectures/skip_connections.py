"""With and without skip connections: two trained models on the same image."""

import numpy as np
import streamlit as st

from pages.shared.image_choice import choose_image
from pages.shared.segmenting import ImageSource, ready_runs, segment
from pages.shared.texts import read_text
from pages.shared.widgets import choose_run
from unet_core.architectures.catalogue import CATALOGUE
from unet_core.errors import UserError
from unet_core.metrics.compare import skip_pairs
from unet_core.prediction.masks import resize_ids
from unet_core.prediction.overlay import error_map
from unet_core.prediction.views import SegmentedImage, View
from unet_core.store.runs import Run

SIDE = 700  # pixels on an image's longer side


def show_skip_connections() -> None:
    st.markdown(
        "One network, trained twice: same data, same seed, same settings. Only the bridges are "
        "missing in the second."
    )
    runs = ready_runs()
    pairs = {first.name: (first, second) for first, second in skip_pairs(runs.values())}
    if not pairs:
        st.info(read_text("architectures/how_to_train_a_pair"))
        show_cost("compact", 256, {})
        return
    left, right = st.columns([1, 2.6], gap="large")
    with left:
        name = choose_run("Pair", {name: runs[name] for name in pairs}, "pair")
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
            show_outline(run, segmented, what)
            if image.truth:
                truth = resize_ids(image.truth(), *segmented.image.shape[:2])
                show_errors(run, segmented, truth, what)
            show_metrics(run, other)
    notes = []
    if image.truth:
        notes.append("Errors: :orange-badge[orange] was missed, :blue-badge[blue] added wrongly.")
    if with_.config["training"]["data"] == "lungs":
        notes.append("A demonstration of networks, not a medical device.")
    st.caption(" ".join(notes))


def show_outline(run: Run, segmented: SegmentedImage, what: str) -> None:
    covered = ", ".join(f"{name} {share:.1%}" for name, share in segmented.shares().items())
    drawn = segmented.draw(View("outline", visible=tuple(foreground(run))))
    show_image(drawn, covered, f"{segmented.name}, {what}: {covered}")


def show_errors(run: Run, segmented: SegmentedImage, truth: np.ndarray, what: str) -> None:
    """The errors for the first class that is not background; ``truth``: class ids (H, W)."""
    ids = segmented.ids()
    name, number = next(iter(foreground(run).items()))
    errors = error_map(segmented.image, truth == number, ids == number)
    caption = f"Errors: {(truth != ids).mean():.2%} of the pixels are wrong"
    show_image(errors, caption, f"{segmented.name}, errors for {name}: {what}")


def show_image(image: np.ndarray, caption: str, alt: str) -> None:
    st.image(image, width="stretch", caption=caption, alt=alt, output_format="JPEG")


def show_metrics(run: Run, other: Run | None) -> None:
    """The run's stored metrics, beside those of ``other`` as a difference."""
    evaluation = run.evaluation
    if not evaluation:
        st.caption("Not evaluated yet; the Evaluate page does it.")
        return
    before = metrics_of(other) if other else {}
    with st.container(horizontal=True):
        for name, value in metrics_of(run).items():
            change = f"{value - before[name]:+.3f}" if name in before else None
            st.metric(name, f"{value:.3f}", change, width=120)
    st.caption(
        f"On {evaluation['images']} {evaluation['split']} pictures of {evaluation['data_title']}"
    )


def metrics_of(run: Run) -> dict[str, float]:
    """Dice of each class but the background, and the mean IoU; nothing without an evaluation."""
    evaluation = run.evaluation
    if not evaluation:
        return {}
    dice = evaluation["per_class"]["dice"]
    by_class = {f"Dice, {name}": dice[number] for name, number in foreground(run).items()}
    return by_class | {"Mean IoU": evaluation["metrics"]["mean_iou"]}


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
