"""Trainings as processes of their own: start, queue, stop, resume, tidy up.

One training runs on a machine at a time; others wait in the order in which they were made. Nothing
is kept in memory: any process that looks at the run folders sees the same, and may call `advance`.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from unet_core.data.base import data_folder
from unet_core.data.download import PROGRESS
from unet_core.errors import UserError
from unet_core.runs import ACTIVE, Run, alive, read_json, runs_folder, user_runs, write_json

GRACE = 120.0  # seconds between the polite stop and the firm one
NICENESS = 5  # the web process goes first
LOG_TAIL = 4000  # characters


def start(run: Run) -> None:
    """Let the run be trained as soon as the machine is free; a resumed run goes on."""
    (run.path / "stop").unlink(missing_ok=True)
    run.write_status(state="queued", phase="Waiting", pid=None, message="", queued=time.time())
    advance()


def advance() -> None:
    """Start the longest waiting run if no other is in work, and end what was asked to stop."""
    with _lock():
        active = [run for run in user_runs() if run.status["state"] in ACTIVE]
        working = [run for run in active if run.status["state"] != "queued"]
        for run in working:
            _stop_firmly_when_due(run)
        if active and not working:
            _launch(min(active, key=lambda run: run.status.get("queued", 0)))


def stop(run: Run) -> None:
    """Ask the run to end: it finishes its step, keeps the best weights, exports and evaluates.

    A waiting run is cancelled. After ``GRACE`` seconds `advance` ends the process.
    """
    if run.status["state"] == "queued":
        run.write_status(state="stopped", message="Cancelled before it began.")
    else:
        (run.path / "stop").touch()


def rename(run: Run, title: str) -> None:
    """Give the run another title; ``config.json`` stays as it was."""
    _check_own(run)
    write_json(run.path / "label.json", {"title": title.strip()[:80]})


def pin(run: Run, pinned: bool) -> None:
    """Keep the run when old ones are removed, or no longer."""
    _check_own(run)
    if pinned:
        (run.path / "pinned").touch()
    else:
        (run.path / "pinned").unlink(missing_ok=True)


def delete(run: Run) -> None:
    """Remove the run and all its files; ``UserError`` while it is in work."""
    _check_own(run)
    if run.status["state"] in ("running", "stopping"):
        raise UserError(f"{run.title} is still in work; stop it first.")
    shutil.rmtree(run.path)


def prune(count: int) -> None:
    """Remove the oldest runs beyond ``count``, never one that is pinned, waiting or in work."""
    for run in user_runs()[count:]:
        if not run.is_pinned and run.status["state"] not in ACTIVE:
            delete(run)


def archive(run: Run) -> bytes:
    """The run as a zip, without what only a resumed training needs."""
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
            for path in sorted(run.path.rglob("*")):
                inside = path.relative_to(run.path)
                if path.is_file() and inside.parts[0] != "backup":
                    target.write(path, Path(run.name) / inside)
        file.seek(0)
        return file.read()


def log_tail(run: Run) -> str:
    """The end of the process's output."""
    try:
        text = (run.path / "train.log").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return text[-LOG_TAIL:]


def failure(run: Run) -> str:
    """In words, why a failed run ended."""
    message = run.status.get("message", "")
    log = log_tail(run)
    if "No space left" in message or "No space left" in log:
        return "The disk is full. Delete runs or other files, then resume."
    if "ResourceExhausted" in log or "MemoryError" in log or "OOM" in log:
        return "The memory did not suffice. Choose smaller pictures or a smaller batch."
    if message == "The training process ended unexpectedly." and "Traceback" not in log:
        return f"{message} Somebody or the system ended it, often because memory ran out."
    return message


def start_download(target: Path, pictures: int) -> None:
    """Get the first ``pictures`` pets into ``target``, in a process of its own."""
    target.mkdir(parents=True, exist_ok=True)
    log = target / "download.log"
    process = _detached(["download", "pets", "--pictures", str(pictures)], log)
    write_json(target / PROGRESS, {"pid": process.pid, "done": 0, "total": 0, "error": ""})


def download_progress(target: Path) -> dict | None:
    """``done``, ``total``, ``error`` and ``running`` of the last download, or None."""
    progress = read_json(target / PROGRESS)
    return progress and progress | {"running": not progress["error"] and alive(progress["pid"])}


def _launch(run: Run) -> None:
    process = _detached(["train", "--run", str(run.path.resolve())], run.path / "train.log")
    run.write_status(state="running", phase="Starting", pid=process.pid)


def _detached(arguments: list[str], log: Path) -> subprocess.Popen:
    """The package's command line as a process that outlives this one."""
    folders = {"UNET_RUNS_DIR": runs_folder(), "UNET_DATA_DIR": data_folder()}
    with open(log, "ab") as file:
        return subprocess.Popen(
            [sys.executable, "-u", "-m", "unet_core", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=Path(__file__).parent.parent,
            env=os.environ | {name: str(path.resolve()) for name, path in folders.items()},
            preexec_fn=lambda: os.nice(NICENESS),
        )


def _stop_firmly_when_due(run: Run) -> None:
    asked = run.path / "stop"
    pid = run.status.get("pid")
    if asked.exists() and time.time() - asked.stat().st_mtime > GRACE and alive(pid):
        os.kill(pid, signal.SIGKILL)


def _check_own(run: Run) -> None:
    if run.is_shipped:
        raise UserError("Shipped models stay as they are.")


@contextmanager
def _lock() -> Iterator[None]:
    runs_folder().mkdir(parents=True, exist_ok=True)
    with open(runs_folder() / ".lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # given back by the system when the process dies
        yield
