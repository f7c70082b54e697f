"""Trainings as processes: the queue with a stand-in for the process, and one real process."""

import io
import os
import signal
import time
import zipfile

import pytest

from unet_core import jobs
from unet_core.config import TrainingConfig
from unet_core.errors import UserError
from unet_core.limits import from_environment
from unet_core.runs import Run, user_runs
from unet_core.training_process import new_run

SMALL = TrainingConfig(
    pictures=12, size=64, epochs=40, batch_size=4, encoder_weights="none", seed=3
)


@pytest.fixture
def launched(monkeypatch) -> list[str]:
    """Names of the runs that were started; each stays in work until its status is changed."""
    names = []

    def launch(run: Run) -> None:
        names.append(run.name)
        run.write_status(state="running", pid=os.getpid())

    monkeypatch.setattr(jobs, "_launch", launch)
    return names


def wait_for(condition, seconds: float = 150) -> None:
    deadline = time.time() + seconds
    while not condition():
        assert time.time() < deadline
        time.sleep(0.1)


def test_one_run_works_and_the_others_wait_in_order(launched):
    first, second, third = (new_run(SMALL, name) for name in ("first", "second", "third"))
    for run in (first, third, second):
        jobs.start(run)
    assert launched == ["first"]
    assert third.status["state"] == second.status["state"] == "queued"
    first.write_status(state="done")
    jobs.advance()
    assert launched == ["first", "third"]


def test_a_waiting_run_can_be_cancelled(launched):
    first, second = new_run(SMALL, "first"), new_run(SMALL, "second")
    jobs.start(first)
    jobs.start(second)
    jobs.stop(second)
    first.write_status(state="done")
    jobs.advance()
    assert launched == ["first"] and second.status["state"] == "stopped"


def test_runs_are_named_pinned_packed_and_deleted(launched):
    run = new_run(SMALL, "mine")
    jobs.rename(run, "My run")
    jobs.pin(run, True)
    assert Run(run.path).title == "My run" and run.is_pinned
    (run.path / "backup").mkdir()
    (run.path / "backup" / "large").write_text("not for download")
    names = zipfile.ZipFile(io.BytesIO(jobs.archive(run))).namelist()
    assert "mine/config.json" in names and not any("backup" in name for name in names)
    jobs.start(run)
    with pytest.raises(UserError, match="still in work"):
        jobs.delete(run)
    run.write_status(state="stopped")
    jobs.delete(run)
    assert not run.path.exists()


def test_old_runs_make_room_unless_pinned_or_in_work(launched):
    for number in range(4):
        run = new_run(SMALL, f"run-{number}")
        run.write_status(state="done")
        config = run.config | {"created": f"2026-01-0{number + 1}"}
        jobs.write_json(run.path / "config.json", config)
    jobs.pin(Run(run.path.parent / "run-0"), True)
    jobs.prune(1)
    assert [run.name for run in user_runs()] == ["run-3", "run-0"]


def test_a_host_can_cap_trainings_or_switch_them_off(monkeypatch):
    monkeypatch.setenv("UNET_MAX_EPOCHS", "3")
    monkeypatch.setenv("UNET_MAX_PICTURES", "10")
    capped = from_environment().apply(SMALL.changed(pictures=None))
    assert (capped.epochs, capped.pictures) == (3, 10)
    monkeypatch.setenv("UNET_TRAINING", "off")
    with pytest.raises(UserError, match="switched off"):
        from_environment().apply(SMALL)
    monkeypatch.setenv("UNET_MAX_EPOCHS", "many")
    with pytest.raises(UserError, match="whole number"):
        from_environment()


def test_why_a_training_failed_is_said_in_words(launched):
    run = new_run(SMALL, "failed")
    run.write_status(state="failed", message="OSError: [Errno 28] No space left on device")
    assert "disk is full" in jobs.failure(run)
    run.write_status(message="ResourceExhaustedError()")
    (run.path / "train.log").write_text("ResourceExhaustedError: OOM when allocating tensor")
    assert "memory did not suffice" in jobs.failure(run)


def test_a_killed_training_resumes_and_stops_politely():
    run = new_run(SMALL, "killed")
    jobs.start(run)
    assert run.status["state"] == "running"
    wait_for(lambda: len(run.history) >= 2)
    os.kill(run.status["pid"], signal.SIGKILL)
    wait_for(lambda: run.status["state"] == "failed", 15)
    assert "unexpectedly" in jobs.failure(run)
    before = run.history

    jobs.start(run)
    wait_for(lambda: len(run.history) > len(before))
    jobs.stop(run)
    wait_for(lambda: run.status["state"] not in ("running", "stopping"))
    assert run.status["state"] == "stopped", jobs.log_tail(run)
    after = run.history
    assert after[: len(before) - 1] == before[:-1]  # a kill may hit the last one's writing
    assert [row["epoch"] for row in after] == list(range(1, len(after) + 1))
    assert run.can_predict and run.evaluation["split"] == "test"
