"""Train: start a run, watch it learn, keep what it learned."""

import streamlit as st

from pages.shared.widgets import beside, choose_run
from pages.train.manage import manage, offer_undo, show_damaged, show_list
from pages.train.progress import show_run
from pages.train.settings import new_run_form
from unet_core.jobs import trainings
from unet_core.store.job import ACTIVE
from unet_core.store.runs import user_runs


def main() -> None:
    st.title("Train a U-Net and watch it learn", anchor=False)
    result, form = beside((2.2, 1))
    with form, st.container(border=True):
        can_start = new_run_form()
    runs = {run.name: run for run in user_runs()}
    with result:
        offer_undo()
        if not runs:
            hint = " Press Start: the defaults are a short run to a useful model."
            st.info("No run yet." + hint * can_start)
            show_damaged()
            return
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = choose_run("Run", runs, "run")
            manage(runs[name])
        shown = states()
        active = any(state in ACTIVE for state in shown.values())
        st.fragment(watch, run_every=1.0 if active else None)(name, shown)
        show_list(runs)
        show_damaged()


def watch(name: str, shown: dict[str, str]) -> None:
    """The live part; the whole page is drawn again when a run's state is not the ``shown`` one."""
    try:
        trainings.advance()
    except OSError as error:
        st.error(f"The folder of runs cannot be written: {error.strerror}.")
    runs = {run.name: run for run in user_runs()}
    if states() != shown:
        st.rerun()
    if name in runs:
        show_run(runs[name])


def states() -> dict[str, str]:
    return {run.name: run.status["state"] for run in user_runs()}


main()
