"""The Train page, without a browser; the training process is a stand-in."""

import os
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from unet_core import jobs
from unet_core.data import download
from unet_core.errors import UserError
from unet_core.runs import Run, user_runs


@pytest.fixture
def page(monkeypatch) -> AppTest:
    """The page; a started run stays in work until the test changes its status."""
    monkeypatch.setattr(
        jobs, "_launch", lambda run: run.write_status(state="running", pid=os.getpid())
    )
    app = AppTest.from_file(Path(__file__).parent.parent / "streamlit_app.py", default_timeout=30)
    return app.run().switch_page("pages/train.py").run()


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
    assert run.config["training"]["data"] == "drawn" and run.status["state"] == "running"
    assert "Stop" in labels(page) and "Resume" not in labels(page)


def test_progress_is_shown_in_words_and_numbers(page):
    button(page, "Start").click().run()
    fake_learning(user_runs()[0])
    page.run()
    assert not page.exception
    assert page.get("progress")[0].proto.text == "Epoch 2 of 6, about 1 min 15 s left"
    assert [m.value for m in page.metric][:2] == ["0.450", "75.0%"]


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
    monkeypatch.setattr(download, "download_pets", no_internet)
    with pytest.raises(UserError):
        download.download_watched(tmp_path / "pets", 100, lambda *_: None)
    page.run()
    assert "internet connection" in page.error[0].value


def no_internet(*_):
    raise UserError("Check the internet connection.")


def test_a_host_that_does_not_train_says_so(page, monkeypatch):
    monkeypatch.setenv("UNET_TRAINING", "off")
    page.run()
    assert "switched off" in page.info[0].value and "Start" not in labels(page)
