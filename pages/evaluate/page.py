"""Evaluate: can it be trusted, and where does it fail?"""

import streamlit as st

from pages.evaluate.comparison import show_comparison
from pages.evaluate.confidence import show_confidence
from pages.evaluate.headlines import show_headlines
from pages.evaluate.other_data import NEW_RESULT, show_other_data
from pages.evaluate.scores import show_scores
from pages.shared.widgets import choose_named, choose_run, choose_view
from unet_core.jobs.evaluations import OWN, is_private, results
from unet_core.store.runs import Run, all_runs

SCORES, CONFIDENCE, COMPARE, OTHER_DATA = VIEWS = "Scores", "Confidence", "Compare", "Other data"


def main() -> None:
    st.title("Can it be trusted?", anchor=False)
    chosen = choose()
    if not chosen:
        st.info("No model has been evaluated yet; a training on the Train page does it at its end.")
        return
    run, result = chosen
    if not result:
        st.info(f"{run.title} has not been evaluated yet.")
        show_other_data(run)
        return
    show_headlines(result)
    st.caption(
        f"{run.config.get('description', '')} Scored on {result['images']:,} pictures of "
        f"{result['data_title']} ({result['split']} split), squashed to {result['resolution']} × "
        f"{result['resolution']} pixels, on {result['date'][:10]}."
    )
    for note in result.get("notes", []):
        st.caption(note)
    view = choose_view("View", VIEWS, "look")
    if view == SCORES:
        show_scores(run, result)
    elif view == CONFIDENCE:
        show_confidence(result)
    elif view == COMPARE:
        show_comparison(run, result)
    else:
        show_other_data(run)


def choose() -> tuple[Run, dict | None] | None:
    """The model and one of its results."""
    found = {run.name: run for run in all_runs() if run.can_predict or run.evaluation}
    if not found:
        return None
    left, right = st.columns(2)
    with left:
        run = found[choose_run("Model", found, "judged", on_choose=forget_result)]
    shown = visible_results(run)
    if not shown:
        right.selectbox("Scored on", [], placeholder="Nothing yet", disabled=True)
        return run, None
    if (new := st.session_state.pop(NEW_RESULT, None)) in shown:
        st.session_state["scored"], st.session_state["look"] = new, SCORES
    names = {key: result_name(result, key == OWN) for key, result in shown.items()}
    with right:
        key = choose_named("Scored on", names, "scored", forget_second)
    return run, shown[key]


def forget_result() -> None:
    """Another model has other results."""
    st.session_state["scored"] = ""
    forget_second()


def forget_second() -> None:
    """Another result may not be comparable with the second model's."""
    st.session_state["against"] = ""


def visible_results(run: Run) -> dict[str, dict]:
    """All but other visitors' uploads, which only a link leads to."""
    mine = st.session_state.setdefault("uploaded", set())
    name = st.query_params.get("scored")
    if name in (found := results(run)) and is_private(found[name]):
        mine.add(name)
    return {name: r for name, r in found.items() if name in mine or not is_private(r)}


def result_name(result: dict, own: bool) -> str:
    kind = "" if own else ", evaluated here"
    return f"{result['data_title']}: {result['images']:,} {result['split']} pictures{kind}"


main()
