"""The Train page, without a browser; the training process is a stand-in."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest
from test_uploads import pairs

from unet_core.errors import UserError
from unet_core.jobs import downloads, estimate, housekeeping, memory
from unet_core.jobs import trainings as jobs
from unet_core.jobs.new_runs import new_run
from unet_core.metrics.confusion import confusion_matrix
from unet_core.metrics.evaluate import summarize
from unet_core.store.config import TrainingConfig
from unet_core.store.runs import Run, user_runs, write_json


@pytest.fixture
def page(monkeypatch) -> AppTest:
    """The page; a started run stays in work until the test changes its status."""
    monkeypatch.setattr(
        jobs, "_launch", lambda run: run.write_status(state="running", pid=os.getpid())
    )
    app = AppTest.from_file(Path(__file__).parent.parent / "streamlit_app.py", default_timeout=30)
    return app.run().switch_page("pages/train/page.py").run()


def button(page: AppTest, label: str):
    return next(b for b in page.button if b.label == label)


def labels(page: AppTest) -> list[str]:
    return [b.label for b in page.button]


def fake_learning(run: Run) -> None:
    columns = (
        "epoch,accuracy,learning_rate,loss,mean_iou,seconds,val_accuracy,val_loss,val_mean_iou"
    )
    (run.path / "history.csv").write_text(f"{columns}\n0,0.8,0.001,1.0,0.5,9,0.75,1.1,0.45\n")
    run.write_status(
        state="running", phase="Training", epoch=2, step=30, steps=108, seconds_left=75
    )


def test_start_makes_a_run_with_the_default_settings_and_shows_it(page):
    assert not page.exception
    assert "No run yet" in page.info[0].value
    button(page, "Start").click().run()
    assert not page.exception
    (run,) = user_runs()
    assert run.config["training"]["data"] == "synthetic" and run.status["state"] == "running"
    assert "Stop" in labels(page) and "Resume" not in labels(page)


def test_progress_is_shown_in_words_and_numbers(page):
    button(page, "Start").click().run()
    fake_learning(user_runs()[0])
    page.run()
    assert not page.exception
    assert page.get("progress")[0].proto.text == "Epoch 2 of 6, about 1 min 15 s left"
    assert [m.value for m in page.metric][:2] == ["0.450", "0.750"]


def test_stop_asks_the_process_and_a_stopped_run_can_be_resumed(page):
    button(page, "Start").click().run()
    button(page, "Stop").click().run()
    (run,) = user_runs()
    assert (run.path / "stop").exists() and "Stop" not in labels(page)
    run.write_status(state="stopped")
    page.run()
    button(page, "Resume").click().run()
    assert run.status["state"] == "running" and not (run.path / "stop").exists()


def test_a_failed_run_says_why(page):
    button(page, "Start").click().run()
    user_runs()[0].write_status(state="failed", message="No space left on device")
    page.run()
    assert "disk is full" in page.error[0].value


def test_without_internet_the_real_pets_are_offered_and_the_failure_is_said(
    page, monkeypatch, tmp_path
):
    monkeypatch.setenv("UNET_DATA_DIR", str(tmp_path))
    page.run()
    assert page.selectbox(key="train-data").options == ["Drawn pets"]
    monkeypatch.setattr(downloads, "download_pets", no_internet)
    with pytest.raises(UserError):
        downloads.work(tmp_path / "pets", 100, lambda *_: None)
    page.run()
    assert "internet connection" in page.error[0].value
    page.button(key="download-read").click().run()
    assert not page.error and not page.exception
    assert "Get real pets" in labels(page)  # it can be tried again


def no_internet(*_):
    raise UserError("Check the internet connection.")


def test_a_second_run_waits_in_line_and_can_be_cancelled(page):
    first, second = (new_run(TrainingConfig(max_images=4), name) for name in ("first", "second"))
    for run in (first, second):
        jobs.start(run)
    page.query_params["run"] = second.title
    page.run()
    assert "Number 1 in line" in page.markdown[0].value
    assert "Cancel" in labels(page) and "Stop" not in labels(page)
    button(page, "Cancel").click().run()
    assert second.status["state"] == "stopped" and "Cancelled" in page.markdown[0].value
    assert page.dataframe[0].value["state"].tolist().count("Running") == 1


def test_the_epoch_that_somebody_looks_at_stays_when_newer_ones_come(page):
    button(page, "Start").click().run()
    (run,) = user_runs()
    (run.path / "samples").mkdir()

    def epochs(count: int):
        for number in range(1, count + 1):
            Image.new("RGB", (4, 4)).save(run.path / "samples" / f"epoch-{number:03d}.png")
        page.run()
        return page.slider(key=f"strip-{run.name}")

    assert epochs(2).value == 2
    assert epochs(3).value == 3  # the newest is followed
    page.slider(key=f"strip-{run.name}").set_value(1).run()
    assert epochs(4).value == 1


def test_what_another_visitor_changed_is_not_overwritten(page):
    button(page, "Start").click().run()
    (run,) = user_runs()
    page.text_input(key=f"title-{run.name}").set_value("Mine").run()
    assert Run(run.path).title == "Mine"
    housekeeping.rename(run, "Theirs")
    housekeeping.pin(run, True)
    page.run()
    assert Run(run.path).title == "Theirs" and run.is_pinned
    assert page.text_input(key=f"title-{run.name}").value == "Theirs"
    page.toggle(key=f"pinned-{run.name}").set_value(False).run()
    assert not run.is_pinned


def test_a_size_that_fits_is_named_when_memory_will_not_do(page, monkeypatch):
    monkeypatch.setattr(
        memory, "free_memory", lambda: estimate.memory(TrainingConfig(image_size=96))
    )
    page.run()
    assert "96 pixels a side would fit" in page.warning[0].value


def test_an_encoder_that_starts_from_nothing_is_not_frozen(page):
    box = next(b for b in page.selectbox if b.label == "Encoder's starting weights")
    box.set_value("none").run()
    button(page, "Start").click().run()
    training = user_runs()[0].config["training"]
    assert training["encoder_weights"] == "none" and not training["freeze_encoder"]


def test_every_optimizer_can_be_started(page):
    box = next(b for b in page.selectbox if b.label == "Optimizer")
    for name in box.options:
        next(b for b in page.selectbox if b.label == "Optimizer").set_value(name).run()
        assert not page.exception and not page.error and "Start" in labels(page)
    button(page, "Start").click().run()
    training = user_runs()[0].config["training"]
    assert training["optimizer"] == "rmsprop" and training["weight_decay"] == 0


def test_settings_that_cannot_be_trained_are_named_before_start(page):
    next(b for b in page.selectbox if b.label == "Model").set_value("original").run()
    next(b for b in page.selectbox if b.label == "Pixels a side").set_value(64).run()
    assert not page.exception
    assert "more than 92 pixels" in page.error[0].value and "Start" not in labels(page)


def test_the_estimate_comes_from_the_latest_runs_of_the_same_kind(page):
    config = TrainingConfig(encoder_weights="auto")
    run = new_run(config)
    phases = {"Training": 300.0, "Evaluating": 40.0}
    pace = {"step": 2.0, "pause": 3.0, "steps": 108}
    facts = {"images": {"training": 144, "validation": 16}}
    write_json(run.path / "config.json", run.config | facts)
    run.write_status(state="done", phase_seconds=phases, pace=pace)
    page.run()  # 6 epochs of 18 steps and a pause, what the earlier one took else, evaluation
    assert any("About 5 min 40 s here" in c.value for c in page.caption), [
        c.value for c in page.caption
    ]


def test_a_host_that_does_not_train_says_so(page, monkeypatch):
    monkeypatch.setenv("UNET_TRAINING", "off")
    page.run()
    said = [info.value for info in page.info]
    assert any("switched off" in text for text in said) and "No run yet." in said
    assert "Start" not in labels(page)


def test_own_data_is_uploaded_looked_at_and_trained_on(page):
    page.file_uploader[0].set_value([(name, content, "image/png") for name, content in pairs()])
    page.run()
    button(page, "Add this data").click().run()
    assert not page.exception
    assert page.selectbox(key="train-data").value.startswith("upload:")
    assert any("4 pictures to learn from, 1 for the test" in c.value for c in page.caption)
    page.text_input(key=f"names-{page.selectbox(key='train-data').value}").set_value("rest, cell")
    page.run()
    button(page, "Start").click().run()
    assert not page.exception
    (run,) = user_runs()
    assert [c.name for c in run.classes] == ["rest", "cell"]
    button(page, "Remove this data").click().run()
    assert "still needs" in page.error[0].value


def test_own_data_that_does_not_fit_gets_a_sentence(page):
    page.file_uploader[0].set_value([("a.zip", b"no zip", "application/zip")])
    page.run()
    button(page, "Add this data").click().run()
    assert not page.exception and "not a zip" in page.error[0].value


@pytest.mark.parametrize("useful", [True, False, None])
def test_the_green_tick_is_for_models_that_beat_the_trivial_answer(page, useful):
    button(page, "Start").click().run()
    (run,) = user_runs()
    if useful is not None:
        truth = np.repeat([0, 1, 2], [20, 70, 10]).reshape(10, 10)
        guess = truth if useful else np.ones_like(truth)
        confusion = confusion_matrix(truth, guess, 3).tolist()
        empty = {"boundary_f1": None, "boundary_f1_by_class": [None] * 3}
        images = [{"name": "a", "confusion": confusion, "mean_iou": 0.5} | empty]
        names = [c.name for c in run.classes]
        result = summarize(images, names)
        result |= {"run": run.name, "data": "synthetic", "data_title": "Drawn pets"}
        result |= {"split": "test", "date": "2026-01-01", "images": 1, "resolution": 64}
        result |= {"classes": names, "per_image": images}
        result |= {"calibration_error": 0.1, "reliability": [[1.0, 1, 1]]}
        write_json(run.path / "evaluation.json", result)
        assert run.evaluation
    run.write_status(state="done")
    page.run()
    assert not page.exception
    assert bool(page.success) is bool(useful) and bool(page.warning) is not bool(useful)
    badge = next(m.value for m in page.markdown if "badge[" in m.value)
    assert ("check_circle" in badge) is bool(useful)


def test_a_run_that_will_not_be_useful_is_told_before_start(page):
    assert not page.warning
    next(s for s in page.selectbox if s.label == "Model").set_value("compact").run()
    next(n for n in page.number_input if n.label == "Pictures").set_value(40).run()
    assert not page.exception
    assert any("steps of learning" in w.value for w in page.warning)
