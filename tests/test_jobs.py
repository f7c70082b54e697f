"""Trainings as processes: the queue with a stand-in for the process, and one real process."""

import io
import os
import signal
import sys
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from unet_core.errors import UserError
from unet_core.jobs import downloads, housekeeping, launchers, new_runs, protocol
from unet_core.jobs import trainings as jobs
from unet_core.jobs.new_runs import new_run
from unet_core.jobs.protocol import Reporter
from unet_core.store import files
from unet_core.store.config import TrainingConfig
from unet_core.store.environment import cache_folder, data_folder, from_environment, runs_folder
from unet_core.store.files import read_json
from unet_core.store.locks import identity, locked
from unet_core.store.runs import Run, user_runs
from unet_core.training import process

SMALL = TrainingConfig(
    max_images=12, image_size=64, epochs=40, batch_size=4, encoder_weights="none", seed=3
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
    housekeeping.rename(run, "My run")
    housekeeping.pin(run, True)
    assert Run(run.path).title == "My run" and run.is_pinned
    (run.path / "backup").mkdir()
    (run.path / "backup" / "large").write_text("not for download")
    names = zipfile.ZipFile(io.BytesIO(housekeeping.archive(run))).namelist()
    assert "mine/config.json" in names and not any("backup" in name for name in names)
    jobs.start(run)
    with pytest.raises(UserError, match="still in work"):
        housekeeping.delete(run)
    run.write_status(state="stopped")
    housekeeping.delete(run)
    assert not run.path.exists()


def test_old_runs_make_room_unless_pinned_or_in_work(launched):
    for number in range(4):
        run = new_run(SMALL, f"run-{number}")
        run.write_status(state="done")
        config = run.config | {"created": f"2026-01-0{number + 1}"}
        files.write_json(run.path / "config.json", config)
    housekeeping.pin(Run(run.path.parent / "run-0"), True)
    housekeeping.prune(1)
    assert [run.name for run in user_runs()] == ["run-3", "run-0"]


def test_room_is_made_by_prepared_pictures_first_then_by_the_oldest_runs(launched, monkeypatch):
    runs = [new_run(SMALL, f"run-{number}") for number in range(3)]
    for number, run in enumerate(runs):
        run.write_status(state="done")
        files.write_json(
            run.path / "config.json", run.config | {"created": f"2026-01-0{number + 1}"}
        )
        (run.path / "samples").mkdir()
        (run.path / "samples" / "large").write_bytes(bytes(1_000_000))
    prepared = cache_folder() / "0123"
    prepared.mkdir(parents=True)
    (prepared / "images.npy").write_bytes(bytes(1_000_000))
    housekeeping.prune(5, 5e6)
    assert prepared.exists() and len(user_runs()) == 3
    housekeeping.prune(5, 3.5e6)
    assert not prepared.exists() and len(user_runs()) == 3
    housekeeping.prune(5, 2.5e6)
    assert [run.name for run in user_runs()] == ["run-2", "run-1"]


@pytest.fixture
def started(monkeypatch) -> list[tuple]:
    """What `start_process` was asked for, in place of processes."""
    asked = []
    monkeypatch.setattr(
        launchers, "start_process", lambda *given: asked.append(given) or os.getpid()
    )
    return asked


def test_a_training_is_a_process_that_knows_its_folders(started, monkeypatch):
    run = new_run(SMALL, "mine")
    monkeypatch.setattr(protocol, "oom_kills", lambda: 7)
    jobs.start(run)
    ((command, log, folder, environment),) = started
    assert command == [
        sys.executable,
        "-u",
        "-m",
        "unet_core",
        "train",
        "--run",
        str(run.path.resolve()),
    ]
    assert Path(log.name) == run.path / "train.log" and folder == Path(jobs.__file__).parents[2]
    assert environment["UNET_RUNS_DIR"] == str(run.path.parent.resolve())
    assert environment["UNET_DATA_DIR"] == str(data_folder().resolve())
    assert environment["PATH"] == os.environ["PATH"]
    status = read_json(run.path / "status.json")
    assert (status["state"], status["phase"], status["oom_kills"]) == ("running", "Starting", 7)
    assert (status["pid"], status["process"]) == (os.getpid(), identity())
    first = (run.path / "train.log").read_text()
    assert first.startswith("--- started 2") and first.endswith(" UTC\n")
    run.write_status(state="stopped")
    jobs.start(run)
    assert (run.path / "train.log").read_text().count("--- started") == 2  # nothing is lost


def test_a_download_is_a_process_that_can_be_ended(started, monkeypatch, tmp_path):
    target = tmp_path / "pets"
    downloads.start_download(target, 12)
    downloads.start_download(target, 12)  # a second press
    ((command, log, *_),) = started
    assert command[4:] == ["download", "pets", "--max-images", "12"]
    assert Path(log.name) == target / "download.log"
    progress = downloads.download_progress(target)
    assert (progress["running"], progress["done"], progress["total"]) == (True, 0, 0)
    assert (progress["pid"], progress["process"]) == (os.getpid(), identity())
    assert (progress["what"], progress["error"]) == ("", "")
    ended = []
    monkeypatch.setattr(protocol, "kill", lambda status, *_: ended.append(status["pid"]) or True)
    downloads.stop_download(target)
    assert ended == [os.getpid()] and not downloads.download_progress(target)["running"]
    downloads.start_download(tmp_path / "all" / "pets", downloads.IMAGES)
    assert started[1][0][4:] == ["download", "pets"]


def test_a_training_that_fails_says_why_and_is_not_two(monkeypatch):
    run = new_run(SMALL, "mine")

    def refuse(error):
        def check(config):
            raise error

        monkeypatch.setattr(process, "check_network", check)

    for error, message in (
        (UserError("Too large."), "Too large."),
        (OSError("no disk"), "no disk"),
        (ValueError("odd"), "ValueError('odd')"),
        (UserError("a" * 3000), "a" * 2000),
    ):
        refuse(error)
        with pytest.raises(type(error)):
            process.train(run)
        status = read_json(run.path / "status.json")
        assert (status["state"], status["message"]) == ("failed", message)
    assert (status["phase"], status["epochs"], status["pid"]) == ("Starting", 40, os.getpid())
    assert status["started"].endswith("+00:00")
    (run.path / "stop").touch()
    monkeypatch.setattr(process, "check_network", lambda config: None)
    run.write_status(pace={"step": 9.0}, seconds_left=3)
    process.train(run)
    status = read_json(run.path / "status.json")
    assert (status["pace"], status["seconds_left"]) == (None, None)  # an earlier process's
    assert (run.status["state"], run.status["message"]) == (
        "stopped",
        "Stopped before it began to learn.",
    )
    with locked(run.lock), pytest.raises(UserError, match="being trained already"):
        process.train(run)


def test_weights_to_start_from_are_those_of_a_run_that_has_some(channel_run, tmp_path):
    config = SMALL.changed(encoder_weights="channels")
    with pytest.raises(UserError, match="has no weights yet"):
        new_runs.check_encoder_weights(config)
    weights = channel_run.path / "model.weights.h5"
    weights.touch()
    new_runs.check_encoder_weights(config)
    new_runs.check_encoder_weights(SMALL.changed(encoder_weights=str(weights)))
    for known in ("auto", "imagenet", "none"):
        new_runs.check_encoder_weights(SMALL.changed(encoder_weights=known))


def test_a_status_tells_the_process_and_how_long_each_phase_took(monkeypatch):
    run = new_run(SMALL, "mine")
    run.write_status(phase_seconds={"Training": 9.0})
    clock = [100.0]
    monkeypatch.setattr(
        "unet_core.jobs.protocol.time",
        SimpleNamespace(time=lambda: clock[0], monotonic=time.monotonic),
    )
    reporter = Reporter(run, state="running", phase="Starting")
    status = read_json(run.path / "status.json")
    assert (status["pid"], status["process"]) == (os.getpid(), identity())
    assert status["phase_seconds"] == {}
    for clock[0], phase in (
        (102.0, "Training"),
        (104.0, "Training"),
        (105.0, "Starting"),
        (105.5, "Done"),
    ):
        reporter.report(phase=phase)
    assert read_json(run.path / "status.json")["phase_seconds"] == {
        "Starting": 2.5,
        "Training": 3.0,
    }
    assert not reporter.should_stop()
    (run.path / "stop").touch()
    assert reporter.should_stop()
    reporter.close(state="stopped", phase="Done")
    assert reporter._ended.is_set() and run.status["state"] == "stopped"


def test_a_host_can_cap_trainings_or_switch_them_off(monkeypatch):
    monkeypatch.setenv("UNET_MAX_EPOCHS", "3")
    monkeypatch.setenv("UNET_MAX_PICTURES", "10")
    capped = from_environment().apply(SMALL.changed(max_images=None))
    assert (capped.epochs, capped.max_images) == (3, 10)
    monkeypatch.setenv("UNET_TRAINING", "off")
    with pytest.raises(UserError, match="switched off"):
        from_environment().apply(SMALL)
    monkeypatch.setenv("UNET_MAX_EPOCHS", "many")
    with pytest.raises(UserError, match="whole number"):
        from_environment()


def test_why_a_training_failed_is_said_in_words(launched):
    run = new_run(SMALL, "failed")
    run.write_status(state="failed", message="OSError: [Errno 28] No space left on device")
    assert "disk is full" in protocol.failure(run)
    run.write_status(message="ResourceExhaustedError()")
    (run.path / "train.log").write_text("ResourceExhaustedError: OOM when allocating tensor")
    assert "memory did not suffice" in protocol.failure(run)


@pytest.mark.slow
def test_a_killed_training_resumes_and_stops_politely():
    run = new_run(SMALL, "killed")
    jobs.start(run)
    assert run.status["state"] == "running"
    wait_for(lambda: len(run.history) >= 2)
    os.kill(run.status["pid"], signal.SIGKILL)
    wait_for(lambda: run.status["state"] == "failed", 15)
    assert "unexpectedly" in protocol.failure(run)
    before = run.history

    jobs.start(run)
    wait_for(lambda: len(run.history) > len(before))
    jobs.stop(run)
    wait_for(lambda: run.status["state"] not in ("running", "stopping"))
    assert run.status["state"] == "stopped", protocol.log_tail(run)
    after = run.history
    assert after[: len(before) - 1] == before[:-1]  # a kill may hit the last one's writing
    assert [row["epoch"] for row in after] == list(range(1, len(after) + 1))
    assert run.can_predict and run.evaluation["split"] == "test"


def test_a_deleted_run_comes_back_with_its_results_until_room_is_made(launched):
    run = new_run(SMALL, "mine")
    run.write_status(state="done")
    results = runs_folder() / ".evaluations" / run.id
    (results / "one").mkdir(parents=True)
    housekeeping.delete(run)
    assert user_runs() == [] and not results.exists() and housekeeping.can_restore("mine")
    housekeeping.restore("mine")
    assert [r.name for r in user_runs()] == ["mine"] and (results / "one").exists()
    housekeeping.delete(run)
    new_run(SMALL, "mine")
    with pytest.raises(UserError, match="a new run called"):
        housekeeping.restore("mine")
    housekeeping.prune(5)
    with pytest.raises(UserError, match="too late"):
        housekeeping.restore("mine")
