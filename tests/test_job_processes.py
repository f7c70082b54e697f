"""What can happen to a training's process, with a short script in its place."""

import os
import signal
import subprocess
import sys
import time

import pytest

from unet_core import jobs
from unet_core.config import TrainingConfig
from unet_core.data.drawn import DrawnPets
from unet_core.errors import UserError
from unet_core.processes import alive, kill, locked
from unet_core.runs import Run, write_json
from unet_core.training_process import kept_names, new_run, train

STAND_IN = """
import os, sys, time
from pathlib import Path
from unet_core.reporter import Reporter
from unet_core.runs import Run

run = Run(Path(sys.argv[-1]))
print("hello from the process", flush=True)
reporter = Reporter(run, state="running", phase="Training", pid=os.getpid())
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
        monkeypatch.setattr(jobs, "COMMAND", [sys.executable, "-u", str(path)])
        runs.append(new_run(TrainingConfig(pictures=4), name))
        return runs[-1]

    monkeypatch.setenv("PYTHONPATH", os.getcwd())
    yield set_command
    for run in runs:
        if run.path.exists() and run.status["state"] in jobs.WORKING:
            kill(run.status["pid"])


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
    assert "hello from the process" in jobs.log_tail(run)
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
    assert state(run) == "stopping" and alive(pid)
    long_ago = time.time() - jobs.GRACE - 1
    os.utime(run.path / "stop", (long_ago, long_ago))
    jobs.advance()
    assert state(run) == "stopped" and not alive(pid)


def test_what_was_learned_is_exported_and_scored_even_if_that_takes_longer(command):
    run = command(STAND_IN.replace("reporter.should_stop()", "False").replace(
        'phase="Training"', 'phase="Evaluating"'))  # fmt: skip
    jobs.start(run)
    wait_for(lambda: run.status["phase"] == "Evaluating")
    jobs.stop(run)
    long_ago = time.time() - jobs.GRACE - 1
    os.utime(run.path / "stop", (long_ago, long_ago))
    jobs.advance()
    assert state(run) == "stopping" and alive(run.status["pid"])
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
    assert "Somebody or the system ended it" in jobs.failure(first)
    jobs.advance()
    wait_for(lambda: second.status["phase"] == "Training")


def test_the_systems_own_kill_for_want_of_memory_is_told_from_others(command, monkeypatch):
    run = command(STAND_IN)
    monkeypatch.setattr(jobs, "oom_kills", lambda: 3)
    jobs.start(run)
    wait_for(lambda: run.status["phase"] == "Training")
    monkeypatch.setattr(jobs, "oom_kills", lambda: 4)
    os.kill(run.status["pid"], signal.SIGKILL)
    wait_for(lambda: state(run) == "failed", 1)
    assert "memory did not suffice" in jobs.failure(run)


def test_a_process_that_does_not_come_up_leaves_its_last_words(command):
    run = command("import tensorsnow")
    jobs.start(run)
    wait_for(lambda: state(run) == "failed")
    assert "No module named 'tensorsnow'" in jobs.failure(run)


def test_an_earlier_failure_does_not_explain_a_later_one(command):
    run = command('print("No space left on device")')
    jobs.start(run)
    wait_for(lambda: state(run) == "failed")
    assert "disk is full" in jobs.failure(run)
    command("import tensorsnow", "other")
    jobs.start(run)
    wait_for(lambda: state(run) == "failed" and "tensorsnow" in jobs.log_tail(run))
    assert "tensorsnow" in jobs.failure(run)


def test_a_process_that_was_frozen_counts_as_failed_until_it_goes_on(command):
    run = command(STAND_IN)
    jobs.start(run)
    wait_for(lambda: run.status["phase"] == "Training")
    pid = run.status["pid"]
    os.kill(pid, signal.SIGSTOP)
    write_json(run.path / "status.json", run.status | {"heartbeat": time.time() - 16})
    assert state(run) == "failed"
    os.kill(pid, signal.SIGCONT)
    wait_for(lambda: state(run) == "running")


def test_a_run_is_never_trained_by_two_processes(command):
    run = command("")
    with locked(run.path / "lock"), pytest.raises(UserError, match="trained already"):
        train(run)
    assert state(run) == "created"


def test_a_lock_ends_with_its_owner(tmp_path):
    path = tmp_path / "lock"
    script = f"""
import time
from pathlib import Path
from unet_core.processes import locked
with locked(Path({str(path)!r})):
    print("held", flush=True)
    time.sleep(60)
"""
    owner = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert owner.stdout.readline() == b"held\n"
    with pytest.raises(BlockingIOError), locked(path, wait=False):
        pass
    owner.kill()
    owner.communicate()
    with locked(path, wait=False):
        pass


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
    prepared = jobs.cache_folder() / "pictures"
    prepared.mkdir(parents=True)
    (prepared / "images.npy").write_bytes(bytes(1_000_000))
    jobs.prune(9, 3_500_000)
    assert prepared.exists() and old.path.exists()
    jobs.prune(9, 2_500_000)
    assert not prepared.exists() and old.path.exists()
    jobs.prune(9, 1_500_000)
    assert not old.path.exists() and new.path.exists()
    jobs.pin(new, True)
    jobs.prune(0, 0)
    assert new.path.exists()


def test_a_resumed_training_sees_the_same_pictures_when_more_have_come():
    run = new_run(TrainingConfig(pictures=10))
    first = kept_names(run, DrawnPets(), TrainingConfig(pictures=10))
    more = DrawnPets()
    more.splits["trainval"].append("drawn-5000")
    assert kept_names(run, more, TrainingConfig(pictures=10)) == first
