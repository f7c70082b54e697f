"""Which process is ours, told from what files say; none is started and none is ended."""

import os
import subprocess
import sys
import time
from types import SimpleNamespace

import psutil
import pytest

from unet_core.errors import UserError
from unet_core.jobs import launchers as ending
from unet_core.jobs.launchers import kill
from unet_core.store import locks as processes
from unet_core.store.files import write_json
from unet_core.store.locks import find, held, identity, is_alive, locked
from unet_core.store.runs import Run

HERE = identity()


@pytest.mark.parametrize(
    ("told", "is_found"),
    [
        (HERE, True),
        ({"pid": HERE["pid"]}, True),
        (HERE | {"born": HERE["born"] + 0.04}, True),
        (HERE | {"born": HERE["born"] + 1}, False),
        (HERE | {"born": HERE["born"] - 1}, False),
        (HERE | {"host": "elsewhere"}, False),
        (HERE | {"boot": "an earlier one"}, False),
        ({}, False),
        ({"pid": 0}, False),
        ({"pid": -1}, False),
        ({"pid": True}, False),
        ({"pid": str(HERE["pid"])}, False),
        ({"pid": 2**31}, False),
        ({"pid": 2**31 - 1}, False),
    ],
)
def test_a_process_is_found_by_what_it_said_of_itself(told, is_found):
    found = find(told)
    assert (found.pid == os.getpid()) if is_found else found is None


@pytest.mark.parametrize(
    ("told", "fresh", "old"),
    [
        ({"process": HERE}, True, True),
        ({"process": HERE | {"born": HERE["born"] + 1}}, False, False),
        ({"process": HERE | {"host": "elsewhere"}}, True, False),
        ({"process": {"pid": HERE["pid"]}}, True, False),
        ({"pid": HERE["pid"]}, True, False),
        ({"pid": 2**31 - 1}, False, False),
        ({"pid": 2**31 - 1, "process": HERE}, True, True),
        ({}, False, False),
    ],
)
def test_who_works_is_told_by_the_process_then_by_its_last_sign(told, fresh, old, tmp_path):
    now = time.time()
    assert is_alive(told | {"heartbeat": now - 5}, 20) is fresh
    assert is_alive(told | {"heartbeat": now + 5}, 20) is fresh
    assert is_alive(told | {"heartbeat": now - 30}, 20) is old
    assert is_alive(told, 20) is old
    run = Run(tmp_path)
    write_json(tmp_path / "status.json", {"state": "running"} | told)
    assert run.is_working is old
    with locked(run.lock):
        assert held(run.lock) and run.is_working
    assert not held(run.lock) and not held(tmp_path / "none")


@pytest.mark.parametrize(
    ("line", "told", "words", "is_ended"),
    [
        (["python", "-m", "unet_core", "train"], {"process": HERE}, ["other"], True),
        (["python", "-m", "somebody"], {"process": HERE}, ["other"], False),
        (["python", "-m", "unet_core", "run"], {"pid": HERE["pid"]}, ["other"], False),
        (["python", "-m", "unet_core", "run"], {"pid": HERE["pid"]}, ["run", "unet_core"], True),
        (["python", "x.py", "run"], {"process": HERE}, ["run"], True),
    ],
)
def test_only_a_process_that_is_proved_to_be_ours_is_ended(
    monkeypatch, line, told, words, is_ended
):
    done = []
    process = SimpleNamespace(
        cmdline=lambda: line, kill=lambda: done.append("kill"), wait=lambda s: done.append(s)
    )
    asked = []
    monkeypatch.setattr(ending, "find", lambda what: asked.append(what) or process)
    assert kill(told, *words, patience=3.0) is is_ended
    assert done == (["kill", 3.0] if is_ended else [])
    assert asked == [told.get("process") or told]


def test_what_cannot_be_ended_or_has_gone_is_said(monkeypatch):
    def failing(error):
        def cmdline():
            raise error

        return lambda told: SimpleNamespace(cmdline=cmdline)

    told = {"process": HERE}
    monkeypatch.setattr(ending, "find", failing(psutil.NoSuchProcess(1)))
    assert kill(told, "x") is True
    monkeypatch.setattr(ending, "find", failing(psutil.AccessDenied(1)))
    assert kill(told, "x") is False
    monkeypatch.setattr(ending, "find", lambda told: None)
    assert kill(told, "x") is False


def test_an_ended_process_has_an_id_alone():
    assert identity(2**31 - 1) == {"pid": 2**31 - 1}
    assert set(HERE) == {"pid", "host", "boot", "born"} and HERE["pid"] == os.getpid()


def test_a_lock_is_waited_for_or_not(tmp_path):
    lock = tmp_path / "new" / "lock"
    with locked(lock):
        begun = time.monotonic()
        with pytest.raises(UserError, match="taken"), locked(lock, "taken"):
            pass
        assert processes.LOOKING <= time.monotonic() - begun < 10
    with locked(lock, "taken"), pytest.raises(ValueError, match="inside"):
        raise ValueError("inside")


LIGHT_WITHOUT_UNIX = """
import os, sys
from pathlib import Path

sys.modules["fcntl"] = None
for name in ("getpriority", "setpriority", "mkfifo", "fork", "setsid", "killpg"):
    delattr(os, name)
import unet_core.cli, unet_core.figures.curves
from unet_core.jobs import downloads, evaluations, housekeeping, memory, new_runs, trainings
from unet_core.store.files import read_json, write_json
from unet_core.store.runs import all_runs

write_json(Path(sys.argv[1]), {"a": 1})
assert read_json(Path(sys.argv[1])) == {"a": 1} and memory.free_memory() > 0
assert [run.status["state"] for run in all_runs()] and evaluations.jobs() == []
"""


def test_the_light_modules_need_nothing_that_only_unix_has(tmp_path):
    """As on Windows, where the app must at least start."""
    command = [sys.executable, "-W", "ignore", "-c", LIGHT_WITHOUT_UNIX, str(tmp_path / "a.json")]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


def test_a_process_is_started_with_a_lower_priority_in_a_session_of_its_own(tmp_path):
    with open(tmp_path / "log", "wb") as log:
        command = [sys.executable, "-c", "import os, time; print(os.nice(0)); time.sleep(60)"]
        pid = ending.start_process(command, log, tmp_path, dict(os.environ))
    process = psutil.Process(pid)
    try:
        assert process.nice() == psutil.Process().nice() + ending.NICENESS
        assert os.getsid(pid) == pid and find(identity(pid)).pid == pid
    finally:
        process.kill()
        process.wait(5)


def test_a_process_that_is_just_being_started_has_no_command_line_yet(monkeypatch):
    lines = iter([[], ["python", "-m", "unet_core"]])
    process = SimpleNamespace(cmdline=lambda: next(lines), kill=lambda: None, wait=lambda s: None)
    monkeypatch.setattr(ending, "find", lambda identity: process)
    assert kill({"process": HERE})
