"""The one protocol of all jobs: launch, do and report, end, and say in words why one failed.

What a job is on disk, and how its status is understood, is in `unet_core.store.job`. A job is asked
to end politely by its file ``stop``; the process asks `Reporter.should_stop`.
"""

import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from unet_core.errors import UserError, explained
from unet_core.jobs.launchers import LAUNCHED, kill, launch, oom_kills
from unet_core.store.environment import runs_folder
from unet_core.store.job import WORKING, Job
from unet_core.store.locks import identity, locked

HEARTBEAT = 2.0  # seconds between signs of life while nothing else is written
REPORT_EVERY = 0.3  # seconds between two reports of `Reporter.progress`
LOG_TAIL = 4000  # characters
ALMOST_FULL = 5e6  # bytes free on the disk
NOT_OURS = (
    "The process of {} could not be ended from here: it belongs to another user or machine, or "
    "nothing proves that it is ours. End it where it was started."
)


class Stopped(Exception):
    """Somebody stopped the job before its end; the text is for the status."""


def launch_job(job: Job, arguments: list[str], **status: Any) -> None:
    """Let a process of its own run ``python -m unet_core`` with these arguments and do the job."""
    pid = launch(arguments, job.log)
    facts = {"pid": pid, "process": identity(pid), "oom_kills": oom_kills(), "message": ""}
    job.write_status(state="running", **facts, **status)


def end_job(job: Job, message: str = "") -> None:
    """End the job's process at once, if it has one; ``message`` goes into the status.

    ``UserError`` when it cannot be ended from here.
    """
    status = job.status
    if status["state"] not in WORKING:
        return
    if not kill(status, str(job.path.resolve())) and job.is_working:
        raise UserError(NOT_OURS.format(job.title))
    job.write_status(state="stopped", message=message)


class Reporter:
    """The only writer of the status while a process does the job; it also beats its heart.

    Each time it writes all that it knows, so that a status which somebody destroyed is mended.
    """

    def __init__(self, job: Job, **state: Any):
        self._job = job
        self._phase, self._since = "", time.time()
        self._phase_seconds: dict[str, float] = {}
        self._reported = 0.0
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._state: dict[str, Any] = {"pid": os.getpid(), "process": identity()}
        self.report(**state)
        threading.Thread(target=self._beat, daemon=True).start()

    def report(self, **changes: Any) -> None:
        """Merge ``changes`` into the status; a new phase adds ``phase_seconds``, what each took."""
        with self._lock:
            if changes.get("phase", self._phase) != self._phase:
                changes |= {"phase_seconds": self._account(changes["phase"])}
            self._state |= changes
            self._job.write_status(**self._state)
            self._reported = time.monotonic()

    def progress(self, done: int, total: int, **changes: Any) -> None:
        """`report` how much of how much is done, now and then and at the end."""
        if time.monotonic() - self._reported > REPORT_EVERY or done == total:
            self.report(done=done, total=total, **changes)

    def close(self, **changes: Any) -> None:
        """Write the last status and let the heart stop."""
        self._ended.set()
        self.report(**changes)

    def should_stop(self) -> bool:
        """Whether somebody asked the job to end."""
        return self._job.stop_file.exists()

    def _account(self, phase: str) -> dict[str, float]:
        """Seconds of this process by phase so far, up to the beginning of ``phase``."""
        now = time.time()
        if self._phase:
            spent = self._phase_seconds.get(self._phase, 0.0) + now - self._since
            self._phase_seconds[self._phase] = round(spent, 3)
        self._phase, self._since = phase, now
        return dict(self._phase_seconds)

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT):
            self.report()


@contextmanager
def working(job: Job, busy: str, **state: Any) -> Iterator[Reporter]:
    """Do the job in this process: hold its lock, report ``state``, and in the end how it went.

    `Stopped` ends it as stopped; any other error as failed, in words, and is raised. ``UserError``
    with the sentence ``busy`` where another process is at it.
    """
    with locked(job.lock, busy):
        reporter = Reporter(job, state="running", message="", **state)
        try:
            yield reporter
        except Stopped as stopped:
            reporter.close(state="stopped", message=str(stopped))
        except BaseException as error:
            plain = error if isinstance(error, OSError) else repr(error)
            reporter.close(state="failed", message=str(explained(error) or plain)[:2000])
            raise
        else:
            reporter.close(state="done")


def log_tail(job: Job) -> str:
    """The end of the process's output."""
    if not os.path.isfile(job.log):
        return ""
    try:
        with open(job.log, "rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_TAIL))
            return log.read().decode("utf-8", errors="replace")
    except OSError:
        return ""


def failure(job: Job) -> str:
    """In words, why a failed job ended."""
    status = job.status
    message = status.get("message") or ""
    log = log_tail(job).rpartition(LAUNCHED)[2]  # an earlier start's output explains nothing
    output = message + log
    is_full = "No space left" in output or "disk is full" in output
    if is_full or shutil.disk_usage(runs_folder()).free < ALMOST_FULL:
        return "The disk is full. Delete runs or other files, then resume."
    before, now = status.get("oom_kills"), oom_kills()
    has_died = message == job.died
    was_killed = has_died and before is not None and now is not None and now > before
    if was_killed or "ResourceExhausted" in output or "MemoryError" in output:
        return "The memory did not suffice. Choose smaller pictures or a smaller batch."
    if not has_died:
        return message
    last = (log.strip().splitlines() or [""])[-1]
    if "Traceback" in log or last.startswith("error: "):
        return f"{message} Its last words: {last}"
    return f"{message} Somebody or the system ended it, often because memory ran out."
