"""Trainings as processes of their own: start, queue, stop, resume, tidy up.

One training runs on a machine at a time; others wait in the order in which they were started.
Nothing is kept in memory: any process that looks at the run folders sees the same, and may call
`advance`.
"""

import os
import shutil
import tempfile
import time
import zipfile
from contextlib import suppress
from pathlib import Path

from unet_core.errors import UserError
from unet_core.jobs.launchers import LAUNCHED, NOT_OURS, detached
from unet_core.jobs.processes import kill, oom_kills
from unet_core.store.environment import cache_folder, from_environment, runs_folder
from unet_core.store.files import modified, size, write_json
from unet_core.store.locks import held, identity, locked
from unet_core.store.runs import DIED, Run, damaged_runs, evaluations_of, unique_title, user_runs

WORKING = ("running", "stopping")
WORKING_FILES = ("backup", "stop", "lock")  # of no use to somebody who downloads the run
GRACE = 120.0  # seconds between the polite stop and the firm one
FINISHING_GRACE = 1200.0  # the same, once it exports and evaluates what it has learned
FINISHING = ("Exporting", "Evaluating")
LOG_TAIL = 4000  # characters
ALMOST_FULL = 5e6  # bytes free on the disk


def start(run: Run) -> None:
    """Let the run be trained as soon as the machine is free; a resumed run goes on."""
    from_environment().check()
    with _lock():
        if run.status["state"] in WORKING:
            return  # a second press
        (run.path / "stop").unlink(missing_ok=True)
        run.write_status(
            state="queued", phase="Waiting", pid=None, process=None, message="",
            seconds_left=None, queued=time.time(),
        )  # fmt: skip
    advance()


def advance() -> None:
    """Start the longest waiting run if no other is in work, and end what was asked to stop."""
    with _lock():
        runs = user_runs()
        working = [run for run in runs if run.status["state"] in WORKING]
        for run in working:
            if _overdue(run):
                _end(run)
        if not any(map(_is_busy, runs + damaged_runs())) and (queue := waiting()):
            _launch(queue[0])


def waiting() -> list[Run]:
    """Runs that wait for the machine, the next one first."""
    queue = [(run, status) for run in user_runs() if (status := run.status)["state"] == "queued"]
    return [run for run, _ in sorted(queue, key=lambda pair: pair[1].get("queued", 0))]


def stop(run: Run) -> None:
    """Ask the run to end: it finishes its step, keeps the best weights, exports and evaluates.

    A waiting run is cancelled. After ``GRACE`` seconds, or `end`, the process is ended.
    """
    with _lock():
        if run.status["state"] == "queued":
            run.write_status(state="stopped", message="Cancelled before it began.")
        else:
            (run.path / "stop").touch()


def end(run: Run) -> None:
    """End the run's process at once; it can be resumed from its last whole epoch.

    ``UserError`` when it cannot be ended from here.
    """
    with _lock():
        if run.status["state"] in WORKING and not _end(run):
            raise UserError(NOT_OURS.format(run.title))


def rename(run: Run, title: str) -> None:
    """Give the run another title, or its first one back; ``config.json`` stays as it was."""
    _check_own(run)
    title = title.strip()[:80] or run.config.get("title") or run.name
    write_json(run.path / "label.json", {"title": unique_title(title, run)})


def pin(run: Run, pinned: bool) -> None:
    """Keep the run when old ones are removed, or no longer."""
    _check_own(run)
    if pinned:
        (run.path / "pinned").touch()
    else:
        (run.path / "pinned").unlink(missing_ok=True)


def delete(run: Run) -> None:
    """Remove the run, all its files and its results; ``UserError`` while it is in work."""
    _check_own(run)
    with _lock():
        if _is_busy(run):
            raise UserError(f"{run.title} is still in work; stop it first.")
        _remove(run)


def prune(count: int, most_bytes: float | None = None) -> None:
    """Make room: remove the oldest runs beyond ``count``, then beyond ``most_bytes`` of all.

    A pinned, waiting or working run is never removed. Prepared images count too; they go first,
    since they can be made again, but not while a training may need them.
    """
    with _lock():
        runs = user_runs()
        working = any(map(_is_busy, runs))
        idle = [
            run
            for run in runs
            if run.status["state"] != "queued" and not _is_busy(run) and not run.is_pinned
        ]
        for run in idle[count:]:
            _remove(run)
        if most_bytes is not None:
            _make_room([] if working else _prepared(), list(reversed(idle[:count])), most_bytes)


def archive(run: Run) -> bytes:
    """The run as a zip, without what only a resumed training needs."""
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
            for path in sorted(run.path.rglob("*")):
                inside = path.relative_to(run.path)
                if inside.parts[0] in WORKING_FILES or not os.path.isfile(path):
                    continue
                with suppress(FileNotFoundError):  # it has just gone
                    target.write(path, Path(run.name) / inside)
        file.seek(0)
        return file.read()


def log_tail(run: Run) -> str:
    """The end of the process's output."""
    path = run.path / "train.log"
    if not os.path.isfile(path):
        return ""
    try:
        with open(path, "rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_TAIL))
            return log.read().decode("utf-8", errors="replace")
    except OSError:
        return ""


def failure(run: Run) -> str:
    """In words, why a failed run ended."""
    status = run.status
    message = status.get("message") or ""
    log = log_tail(run).rpartition(LAUNCHED)[2]  # what an earlier start said is over
    if "No space left" in message + log or shutil.disk_usage(runs_folder()).free < ALMOST_FULL:
        return "The disk is full. Delete runs or other files, then resume."
    before, now = status.get("oom_kills"), oom_kills()
    silent = message == DIED
    killed = silent and None not in (before, now) and now > before
    if killed or any(sign in message + log for sign in ("ResourceExhausted", "MemoryError")):
        return "The memory did not suffice. Choose smaller pictures or a smaller batch."
    last = (log.strip().splitlines() or [""])[-1]
    if silent and ("Traceback" in log or last.startswith("error: ")):
        return f"{message} Its last words: {last}"
    if silent:
        return f"{message} Somebody or the system ended it, often because memory ran out."
    return message


def _launch(run: Run) -> None:
    pid = detached(["train", "--run", str(run.path.resolve())], run.path / "train.log")
    run.write_status(
        state="running", phase="Starting", pid=pid, process=identity(pid), oom_kills=oom_kills()
    )


def _is_busy(run: Run) -> bool:
    """Whatever the files say, who holds the lock is still at it."""
    return run.status["state"] in WORKING or held(run.lock)


def _overdue(run: Run) -> bool:
    asked = modified(run.path / "stop")
    grace = FINISHING_GRACE if run.status.get("phase") in FINISHING else GRACE
    return asked > 0 and time.time() - asked > grace


def _end(run: Run) -> bool:
    """Whether the run's process is no longer there."""
    if not kill(run.status, str(run.path.resolve())) and run.status["state"] in WORKING:
        return False
    run.write_status(
        state="stopped", message="Ended at once; Resume goes on from the last whole epoch."
    )
    return True


def _remove(run: Run) -> None:
    """Its results first: without it nobody would know whose they are."""
    for folder in [*evaluations_of(run), run.path]:
        if folder.is_symlink():
            folder.unlink()
        shutil.rmtree(folder, ignore_errors=True)
        if os.path.lexists(folder):
            raise UserError(f"{folder} cannot be removed; see who owns it and what keeps it open.")


def _prepared() -> list[Path]:
    """Folders of prepared images, those unused for longest first."""
    return sorted(cache_folder().glob("*"), key=modified)


def _make_room(prepared: list[Path], runs: list[Run], most_bytes: float) -> None:
    """Remove prepared images, then runs, in their order, until all together are small enough."""
    taken = sum(map(_size, [run.path for run in user_runs()] + _prepared()))
    for thing in [*prepared, *runs]:
        if taken <= most_bytes:
            return
        taken -= _size(thing.path if isinstance(thing, Run) else thing)
        if isinstance(thing, Run):
            _remove(thing)
        else:
            shutil.rmtree(thing, ignore_errors=True)


def _size(folder: Path) -> int:
    return sum(map(size, folder.rglob("*")))


def _check_own(run: Run) -> None:
    if run.is_shipped:
        raise UserError("Shipped models stay as they are.")


def _lock():
    return locked(runs_folder() / ".lock")
