"""What can be done to runs on the Train page: name, pin, download, delete, look at another."""

from collections.abc import Callable

import streamlit as st

from pages.shared.widgets import decimals
from pages.train.progress import STATES
from unet_core.errors import UserError
from unet_core.jobs import housekeeping
from unet_core.store.runs import Run, damaged_runs

REFUSED = "refused"  # in the session: why what was asked for could not be done
ASKED = "asked"  # in the session: the run that was asked about before it is deleted
DELETED = "deleted"  # in the session: name and title of the run that was deleted last


def manage(run: Run) -> None:
    """Name, pin, download and delete."""
    title, pinned = f"title-{run.name}", f"pinned-{run.name}"
    state = st.session_state
    # What another visitor changed is shown, not overwritten.
    state[title], state[pinned] = run.title, run.is_pinned

    def rename() -> None:
        change(lambda: housekeeping.rename(run, state[title]))

    def pin() -> None:
        change(lambda: housekeeping.pin(run, state[pinned]))

    with st.popover("Manage", icon=":material/settings:", key=f"manage-{run.name}"):
        st.text_input("Name", key=title, on_change=rename)
        st.toggle("Keep when old runs are removed", key=pinned, on_change=pin)
        st.download_button(
            "Download (zip)",
            lambda: housekeeping.archive(run),
            file_name=f"{run.name}.zip",
            mime="application/zip",
            icon=":material/folder_zip:",
            on_click="ignore",
        )
        if message := state.pop(REFUSED, ""):
            st.error(message)
        offer_delete(run)


def change(action: Callable[[], object]) -> None:
    """Do what a widget asks for; what cannot be done is said when the page is drawn again."""
    try:
        action()
    except (UserError, OSError) as error:
        st.session_state[REFUSED] = str(error)


def offer_delete(run: Run) -> None:
    """Ask before the run goes: the second button is not where the first one was pressed."""
    state = st.session_state
    is_asked = state.get(ASKED) == run.name

    def ask() -> None:
        state[ASKED] = run.name

    def delete() -> None:
        state[ASKED] = None
        change(lambda: housekeeping.delete(run))
        if REFUSED not in state:
            state[DELETED] = run.name, run.title
            state["run"] = ""

    icon, key = ":material/delete:", f"delete-{run.name}"
    st.button("Delete", icon=icon, key=key, on_click=ask, disabled=is_asked)
    if is_asked:
        st.caption("Its curves, its model and its scores go with it.")
        label, key = f"Yes, delete {run.title}", f"sure-{run.name}"
        st.button(label, icon=icon, type="primary", key=key, on_click=delete)


def offer_undo() -> None:
    """Bring back the run that the visitor deleted last, as long as it is there."""
    name, title = st.session_state.get(DELETED, ("", ""))
    if not name or not housekeeping.can_restore(name):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info(f"{title} was deleted. Until the next start, it can be brought back.")
        if st.button("Undo", icon=":material/undo:"):
            try:
                housekeeping.restore(name)
            except (UserError, OSError) as error:
                st.error(str(error))
                return
            del st.session_state[DELETED]
            st.session_state["run"] = name
            st.rerun()


def show_damaged() -> None:
    """Runs of which nothing can be shown, so that they can be deleted."""
    for run in damaged_runs():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(
                f"The run {run.name} is damaged: its config.json cannot be read.",
                icon=":material/broken_image:",
            )
            offer_delete(run)


def show_list(runs: dict[str, Run]) -> None:
    """All runs in a table; a click on a row shows that run."""

    def show_chosen() -> None:
        rows = st.session_state["run-list"]["selection"]["rows"]
        if rows:
            st.session_state["run"] = list(runs)[rows[0]]

    started = st.column_config.DatetimeColumn(format="distance")
    with st.expander(f"All runs ({len(runs)})"):
        st.dataframe(
            [run_row(run) for run in runs.values()],
            hide_index=True,
            key="run-list",
            on_select=show_chosen,
            selection_mode="single-row",
            column_config={"test mean IoU": decimals("%.3f"), "started": started},
        )


def run_row(run: Run) -> dict:
    metrics = (run.evaluation or {}).get("metrics", {})
    return {
        "run": run.title,
        "state": STATES[run.status["state"]][0].partition(" ")[2],
        "test mean IoU": metrics.get("mean_iou"),
        "started": run.config.get("created"),
        "kept": run.is_pinned,
    }
