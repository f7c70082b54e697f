"""What can happen to a training's process, with a short script in its place."""

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image

from unet_core.cli import main
from unet_core.data.negatives import open_negatives
from unet_core.data.synthetic import SyntheticPets
from unet_core.errors import UserError
from unet_core.jobs import housekeeping, launchers, protocol
from unet_core.jobs import trainings as jobs
from unet_core.jobs.launchers import kill
from unet_core.jobs.new_runs import new_run
from unet_core.store import environment
from unet_core.store.config import TrainingConfig
from unet_core.store.files import read_json
from unet_core.store.job import WORKING
from unet_core.store.locks import find, held, identity, locked
from unet_core.store.runs import Run, write_json
from unet_core.training import process
from unet_core.training.process import kept_further, kept_names, train

pytestmark = pytest.mark.slow

STAND_IN = """
import os, sys, time
from pathlib import Path
from unet_core.jobs import protocol
from unet_core.store.locks import locked
from unet_core.store.runs import Run

protocol.HEARTBEAT = 0.1
run = Run(Path(sys.argv[-1]))
print("hello from the process", flush=True)
with locked(run.lock, "busy"):
    reporter = protocol.Reporter(run, state="running", phase="Training", message="")
    while not reporter.should_stop():
        time.sleep(0.02)
    reporter.close(state="stopped")
"""


@pytest.fixture
def command(tmp_path, monkeypatch):
    """Let ``jobs`` start a script; every process that it started is gone afterwards."""
    path = tmp_path / "process.py"
    runs = []

    def set_command(script: str, name: str = "run") -> Run:
        path.write_text(script)
        monkeypatch.setattr(launchers, "COMMAND", [sys.executable, "-u", str(path)])
        runs.append(new_run(TrainingConfig(max_images=4), name))
        return runs[-1]

    monkeypatch.setenv("PYTHONPATH", os.getcwd())
    yield set_command
    for run in runs:
        if run.path.exists() and run.status["state"] in WORKING:
            kill(run.status, str(run.path.resolve()))


def wait_for(condition, seconds: float = 10):
    deadline = time.time() + seconds
    while not condition():
        assert time.time() < deadline
        time.sleep(0.02)


def state(run: Run) -> str:
    return run.status["state"]


def test_it_starts_detached_behind_the_web_process_and_stops_when_asked(command):
    run = command(STAND_IN)
    jobs.start(run)
    wait_for(lambda: run.status["phase"] == "Training")
    pid = run.status["pid"]
    assert os.getsid(pid) == pid != os.getsid(0)
    assert os.getpriority(os.PRIO_PROCESS, pid) > os.getpriority(os.PRIO_PROCESS, 0)
    assert "hello from the process" in protocol.log_tail(run)
    jobs.stop(run)
    assert state(run) in ("stopping", "stopped")  # at once, before the process says so
    wait_for(lambda: state(run) == "stopped")


def test_a_process_that_does_not_listen_is_ended_when_its_grace_is_over(command):
    deaf = STAND_IN.replace("reporter.should_stop()", "False")
    run = command(deaf)
    jobs.start(run)
    wait_for(lambda: run.status["phase"] == "Training")
    pid = run.status["pid"]
    jobs.stop(run)
    jobs.advance()
    assert state(run) == "stopping" and find({"pid": pid})
    long_ago = time.time() - jobs.GRACE - 1
    os.utime(run.path / "stop", (long_ago, long_ago))
    jobs.advance()
    assert state(run) == "stopped" and not find({"pid": pid})


def test_what_was_learned_is_exported_and_scored_even_if_that_takes_longer(command):
    run = command(
        STAND_IN.replace("reporter.should_stop()", "False").replace(
            'phase="Training"', 'phase="Evaluating"'
        )
    )
    jobs.start(run)
    wait_for(lambda: run.status["phase"] == "Evaluating")
    jobs.stop(run)
    long_ago = time.time() - jobs.GRACE - 1
    os.utime(run.path / "stop", (long_ago, long_ago))
    jobs.advance()
    assert state(run) == "stopping" and find(run.status["process"])
    jobs.end(run)
    assert state(run) == "stopped"


def test_a_killed_process_is_seen_at_once_and_the_next_in_line_starts(command):
    first = command(STAND_IN, "first")
    second = command(STAND_IN, "second")
    jobs.start(first)
    jobs.start(second)
    wait_for(lambda: first.status["phase"] == "Training")
    assert jobs.waiting() == [second]
    os.kill(first.status["pid"], signal.SIGKILL)
    wait_for(lambda: state(first) == "failed", 1)
    assert "Somebody or the system ended it" in protocol.failure(first)
    jobs.advance()
    wait_for(lambda: second.status["phase"] == "Training")


def test_the_systems_own_kill_for_want_of_memory_is_told_from_others(command, monkeypatch):
    run = command(STAND_IN)
    monkeypatch.setattr(protocol, "oom_kills", lambda: 3)
    jobs.start(run)
    wait_for(lambda: run.status["phase"] == "Training")
    monkeypatch.setattr(protocol, "oom_kills", lambda: 4)
    os.kill(run.status["pid"], signal.SIGKILL)
    wait_for(lambda: state(run) == "failed", 1)
    assert "memory did not suffice" in protocol.failure(run)


def test_a_process_that_does_not_come_up_leaves_its_last_words(command):
    run = command("import tensorsnow")
    jobs.start(run)
    wait_for(lambda: state(run) == "failed")
    assert "No module named 'tensorsnow'" in protocol.failure(run)


def test_an_earlier_failure_does_not_explain_a_later_one(command):
    run = command('print("No space left on device")')
    jobs.start(run)
    wait_for(lambda: state(run) == "failed")
    assert "disk is full" in protocol.failure(run)
    command("import tensorsnow", "other")
    jobs.start(run)
    wait_for(lambda: state(run) == "failed" and "tensorsnow" in protocol.log_tail(run))
    assert "tensorsnow" in protocol.failure(run)


@pytest.mark.parametrize("told", ["its identity", "its number"])
@pytest.mark.parametrize("jump", [-86400, 86400])
def test_neither_a_frozen_process_nor_a_clock_that_jumps_lets_a_second_one_start(
    command, jump, told
):
    first, second = command(STAND_IN, "first"), command(STAND_IN, "second")
    jobs.start(first)
    wait_for(lambda: first.status["phase"] == "Training")
    pid = first.status["pid"]
    os.kill(pid, signal.SIGSTOP)
    status = first.status | {"heartbeat": time.time() + jump}
    if told == "its number":  # as it was written formerly
        del status["process"]
    write_json(first.path / "status.json", status)
    assert state(first) == "running" and "may be paused" in first.status["message"]
    jobs.start(first)
    jobs.start(second)
    assert first.status["pid"] == pid and state(second) == "queued"
    os.kill(pid, signal.SIGCONT)
    wait_for(lambda: first.status["message"] == "")
    assert state(first) == "running"


@pytest.mark.parametrize("damage", [b"", b"[]", b'{"state": "done"}', None])
def test_who_holds_the_lock_is_at_work_whatever_the_files_say(command, damage):
    """The queue waits, and the training's next sign of life mends its status."""
    first, second = command(STAND_IN, "first"), command(STAND_IN, "second")
    jobs.start(first)
    wait_for(lambda: first.status["phase"] == "Training")
    if damage is None:
        (first.path / "config.json").write_bytes(b"")
    else:
        (first.path / "status.json").write_bytes(damage)
    jobs.start(second)
    assert state(second) == "queued" and held(first.lock)
    wait_for(lambda: state(first) == "running" and "pid" in first.status)


def test_a_process_is_alive_before_it_has_come_to_its_lock(command):
    """TensorFlow may take long to load on a busy machine."""
    run = command("import time; time.sleep(60)")
    jobs.start(run)
    status = read_json(run.path / "status.json")
    write_json(run.path / "status.json", status | {"heartbeat": time.time() - 100})
    assert state(run) == "running" and not held(run.lock)
    jobs.end(run)
    assert state(run) == "stopped" and not find(status["process"])


@pytest.fixture
def stranger():
    """A process that is none of ours."""
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def test_a_stranger_that_got_the_processs_number_is_not_taken_for_it(command, stranger):
    run = command(STAND_IN)
    ours = identity(stranger.pid)
    run.write_status(state="running", pid=stranger.pid, process=ours)
    assert state(run) == "running"
    for odd in ({"born": ours["born"] - 1}, {"boot": "another"}):
        run.write_status(process=ours | odd)
        assert state(run) == "failed"


@pytest.mark.parametrize("told", ["its identity", "its number"])
def test_a_process_is_never_ended_unless_it_is_proved_to_be_ours(command, stranger, told):
    run = command(STAND_IN)
    process = identity(stranger.pid) if told == "its identity" else None
    run.write_status(state="running", pid=stranger.pid, process=process)
    with pytest.raises(UserError, match="could not be ended"):
        jobs.end(run)
    (run.path / "stop").touch()
    os.utime(run.path / "stop", (1, 1))
    jobs.advance()
    assert stranger.poll() is None and state(run) == "stopping"


def test_a_process_whose_bare_number_was_written_formerly_is_ended_by_its_command(command):
    run = command(STAND_IN.replace("reporter.should_stop()", "False"))
    jobs.start(run)
    wait_for(lambda: run.status["phase"] == "Training")
    pid = run.status["pid"]
    assert not kill({"pid": pid}, str(run.path.resolve()) + "-2")
    run.write_status(process=None)
    jobs.end(run)
    assert state(run) == "stopped" and not find({"pid": pid})


@pytest.mark.parametrize("pid", [-1, 0, True, "1", 1.0, None, 2**31, 2**70, [1], 10**400])
def test_no_signal_goes_to_a_number_that_is_no_process(monkeypatch, pid):
    sent = []
    monkeypatch.setattr(os, "kill", lambda *args: sent.append(args))
    assert not kill({"pid": pid}) and not kill({"pid": pid, "process": {"pid": pid, "born": 0}})
    assert find({"pid": pid}) is None and sent == []


def test_a_run_is_never_trained_by_two_processes(command):
    run = command("")
    with locked(run.lock), pytest.raises(UserError, match="trained already"):
        train(run)
    assert state(run) == "created"


def test_a_lock_ends_with_its_owner(tmp_path):
    path = tmp_path / "lock"
    script = f"""
import time
from pathlib import Path
from unet_core.store.locks import locked
with locked(Path({str(path)!r})):
    print("held", flush=True)
    time.sleep(60)
"""
    owner = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert owner.stdout.readline() == b"held\n"
    with pytest.raises(UserError, match="taken"), locked(path, "taken"):
        pass
    owner.kill()
    owner.communicate()
    with locked(path, "taken"):
        pass


def test_a_glance_at_a_lock_keeps_nobody_from_it(tmp_path):
    """Pages look at it every second, perhaps just when a training begins."""
    glance = FileLock(tmp_path / "lock", thread_local=False)
    glance.acquire()
    threading.Timer(0.1, glance.release).start()
    with locked(tmp_path / "lock", "taken"):
        assert held(tmp_path / "lock")
    assert not held(tmp_path / "lock") and not held(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_those_who_look_at_once_do_not_take_each_other_for_the_holder(tmp_path):
    (tmp_path / "lock").touch()
    with ThreadPoolExecutor(8) as pool:
        assert not any(pool.map(lambda _: held(tmp_path / "lock"), range(2000)))


def test_nothing_starts_or_resumes_where_training_is_off(command, monkeypatch):
    run = command(STAND_IN)
    monkeypatch.setenv("UNET_TRAINING", "off")
    with pytest.raises(UserError, match="switched off"):
        jobs.start(run)


def test_room_is_made_by_size_prepared_pictures_first(command):
    old, new = command("", "old"), command("", "new")
    for run, created in ((old, "2026-01-01"), (new, "2026-01-02")):
        write_json(run.path / "config.json", run.config | {"created": created})
        run.write_status(state="done")
        (run.path / "model.onnx").write_bytes(bytes(1_000_000))
    prepared = environment.cache_folder() / "images"
    prepared.mkdir(parents=True)
    (prepared / "images.npy").write_bytes(bytes(1_000_000))
    housekeeping.prune(9, 3_500_000)
    assert prepared.exists() and old.path.exists()
    housekeeping.prune(9, 2_500_000)
    assert not prepared.exists() and old.path.exists()
    housekeeping.prune(9, 1_500_000)
    assert not old.path.exists() and new.path.exists()
    housekeeping.pin(new, True)
    housekeeping.prune(0, 0)
    assert new.path.exists()


def test_a_resumed_training_sees_the_same_pictures_when_more_have_come():
    run = new_run(TrainingConfig(max_images=10))
    first = kept_names(run, SyntheticPets(), TrainingConfig(max_images=10))
    more = SyntheticPets()
    more.splits["trainval"].append("drawn-5000")
    assert kept_names(run, more, TrainingConfig(max_images=10)) == first


def test_so_it_does_what_it_learns_from_beside_them(tmp_path, monkeypatch):
    monkeypatch.setenv("UNET_DATA_DIR", str(tmp_path))
    (tmp_path / "empty").mkdir()
    image = Image.fromarray(np.zeros((64, 64, 3), np.uint8))
    image.save(tmp_path / "empty" / "b.png")
    run = new_run(TrainingConfig(max_images=10, negatives="empty"))
    kept_names(run, SyntheticPets(), TrainingConfig(max_images=10))

    def names() -> list[str]:
        ((_, found),) = kept_further(run, open_negatives(SyntheticPets(), "empty", []))
        return found

    first = names()
    assert len(first) == 5
    image.save(tmp_path / "empty" / "a.png")
    assert names() == first
    (tmp_path / "empty" / "b.png").unlink()
    with pytest.raises(UserError, match="put it back"):
        open_negatives(SyntheticPets(), "empty", [])[0].load(first[0])
    (run.path / "subset.json").write_text('{"training": 3}')
    with pytest.raises(UserError, match=r"subset\.json is damaged"):
        names()


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_a_stop_that_was_asked_for_just_after_start_counts(state, monkeypatch):
    run = new_run(TrainingConfig(max_images=4), "early")
    run.write_status(state=state, process=identity())
    (run.path / "stop").touch()
    monkeypatch.setattr(process, "train", lambda *_: None)
    assert main(["train", "--run", str(run.path)]) == 0
    assert (run.path / "stop").exists() is (state == "running")


def test_shipped_models_are_not_trained_on(channel_run):
    before = sorted(channel_run.path.iterdir())
    with pytest.raises(UserError, match="Shipped models stay"):
        train(channel_run)
    assert sorted(channel_run.path.iterdir()) == before


def test_a_run_from_scratch_has_no_encoder_to_start_from():
    with pytest.raises(UserError, match="no pretrained encoder"):
        new_run(TrainingConfig(encoder_weights="lungs"))
    assert new_run(TrainingConfig(encoder_weights="pets"))
