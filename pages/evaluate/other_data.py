"""Other data on the Evaluate page: score a model on it, as a job that can be stopped."""

import streamlit as st

from pages.shared.widgets import forget_unknown, kept, upload
from unet_core.data import DATASETS
from unet_core.data.io import EXTENSIONS
from unet_core.data.uploads import keep_pairs
from unet_core.errors import UserError
from unet_core.jobs import evaluations
from unet_core.store.runs import Run

NEW_RESULT = "new-result"  # in the session: a result that has just come and wants to be shown
STARTED = "started-evaluation"  # in the session: the visitor's last evaluation
PAIRS = "pairs"
ALL = 0
LIMITS = {20: "20", 100: "100", 500: "500", ALL: "All"}
SPLIT_HELP = "The training split tells what was memorised, not how good a model is"


def show_other_data(run: Run) -> None:
    left, right = st.columns(2, gap="large")
    with left, st.container(border=True):
        data = choose_data(run)
        files = own_files(run) if data == PAIRS else []
        split, limit = ("test", ALL) if data == PAIRS else choose_images()
        busy = evaluations.at_work() is not None
        icon = ":material/play_arrow:"
        if st.button("Evaluate", type="primary", icon=icon, disabled=busy, key="evaluate"):
            start(run, data, split, limit, files)
    with right:
        working = evaluations.at_work() is not None
        st.fragment(watch, run_every=1.0 if working else None)(working)


def choose_data(run: Run) -> str:
    """The run's own data first, then what has its classes, then an upload."""
    names = [c.name for c in run.classes]
    fitting = [name for name, d in DATASETS.items() if [c.name for c in d.classes] == names]
    own = run.config["training"].get("data")
    options = [*dict.fromkeys(([own] if own else []) + fitting), PAIRS]
    forget_unknown("on", options)
    titles = {name: d.title for name, d in DATASETS.items()} | {PAIRS: "My own pictures and masks"}
    return st.selectbox("Data", options, format_func=lambda o: titles.get(o, o), **kept("on"))


def choose_images() -> tuple[str, int]:
    """The split, and how many of its images."""
    splits = ("test", "trainval")
    split = st.segmented_control(
        "Split", splits, default="test", required=True, help=SPLIT_HELP, **kept("split")
    )
    limit = st.segmented_control(
        "Pictures",
        LIMITS,
        format_func=lambda number: LIMITS[number],
        default=100,
        required=True,
        **kept("limit"),
    )
    return split, limit


def own_files(run: Run) -> list[tuple[str, bytes]]:
    types = [*EXTENSIONS, "zip"]
    files = upload("Pictures and masks, or a zip of them", "pairs", type=types)
    known = ", ".join(f"{number} {c.name}" for number, c in enumerate(run.classes))
    st.caption(
        "A mask is called like its picture with `_mask` behind (cat.jpg, cat_mask.png), or lies "
        f"in a folder `masks` of the zip. Its grey values are class numbers ({known}), or black "
        "for background and white for object, in all masks alike."
    )
    return [(file.name, file.getvalue()) for file in files]


def start(run: Run, data: str, split: str, limit: int, files: list[tuple[str, bytes]]) -> None:
    try:
        name = keep_pairs(files) if data == PAIRS else data
        job = evaluations.start(run, name, split, limit)
    except (UserError, OSError) as error:
        st.error(str(error))
        return
    st.session_state[STARTED] = job.name
    st.rerun()


def watch(was_working: bool) -> None:
    """The job at work, or how the visitor's last one ended."""
    job = evaluations.at_work()
    if job:
        show_progress(job)
        return
    name = st.session_state.get(STARTED)
    ended = next((job for job in evaluations.jobs() if job.name == name), None)
    if ended and ended.result:
        del st.session_state[STARTED]
        st.session_state[NEW_RESULT] = name
        if evaluations.is_private(ended.result):
            st.session_state["uploaded"].add(name)
        st.rerun()
    if was_working:
        st.rerun()  # the page settles
    if not ended:
        st.caption("Scores appear under Scored on; the model's own stay as they are.")
    elif ended.status["state"] == "failed":
        st.error(ended.status["message"])
    else:
        st.info("Stopped; nothing was kept.")


def show_progress(job: evaluations.Evaluation) -> None:
    status = job.status
    done, total = status["done"], status["total"]
    st.progress(
        done / max(total, 1),
        f"{status['run']} on {status['data_title']}: {done:,} of {total:,} pictures",
    )
    if st.button("Stop", icon=":material/stop:", key="stop-evaluation"):
        try:
            evaluations.stop(job)
        except (UserError, OSError) as error:
            st.error(str(error))
        else:
            st.rerun()
