"""Processes that outlive their parent, and locks that do not outlive their owner.

For Linux and macOS.
"""

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

CLOCK_TICK = 0.05  # seconds; the system counts births in hundredths
LOOKING = 0.5  # seconds, far longer than it takes to see whether a lock is held


def identity(pid: int | None = None) -> dict:
    """What tells a process (without ``pid`` this one) from all others, to be kept in a file.

    ``pid``, ``host``, ``boot`` (of the system) and ``born``, in seconds after the boot: unlike
    psutil's ``create_time`` that does not move with the clock.
    """
    pid = os.getpid() if pid is None else pid
    try:
        born = _born(psutil.Process(pid))
    except psutil.Error:  # it has ended already
        return {"pid": pid}
    return {"pid": pid, "host": socket.gethostname(), "boot": _boot(), "born": born}


def find(told: dict) -> psutil.Process | None:
    """The process that ``told`` describes (see `identity`), or None where it does not run here.

    A bare ``pid``, as was kept formerly, may be somebody else's by now.
    """
    pid = told.get("pid")
    if type(pid) is not int or not 0 < pid < 2**31 or not _is_here(told):
        return None
    if told.get("boot", _boot()) != _boot():
        return None
    try:
        process = psutil.Process(pid)
        if "born" in told and abs(_born(process) - told["born"]) > CLOCK_TICK:
            return None
        return None if process.status() == psutil.STATUS_ZOMBIE else process
    except psutil.Error:
        return None


def at_work(lock: Path, told: dict, silence: float) -> bool:
    """Whether the process that reports in ``told`` still works.

    The proof is that somebody holds ``lock``, whatever clocks say. Before the process has come to
    that, its ``process`` (see `identity`) must run; where that is unknown, or on another machine,
    the last ``heartbeat`` must be younger than ``silence`` seconds.
    """
    if held(lock):
        return True
    process = told.get("process") or {"pid": told.get("pid")}
    if "born" in process and _is_here(process):
        return find(process) is not None
    is_silent = abs(time.time() - told.get("heartbeat", 0)) > silence
    return not is_silent and (not _is_here(process) or find(process) is not None)


def _is_here(told: dict) -> bool:
    """Whether the process was started on this machine."""
    return told.get("host", socket.gethostname()) == socket.gethostname()


def _born(process: psutil.Process) -> float:
    return round(process.create_time() - psutil.boot_time(), 2)


def _boot() -> str:
    """The same until the system is started again."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:  # not Linux
        return f"{psutil.boot_time():.0f}"


@contextmanager
def locked(path: Path, wait: bool = True) -> Iterator[None]:
    """Hold the lock file ``path``; the system gives it back when the process dies.

    ``BlockingIOError`` when another process holds it and ``wait`` is false.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a") as file:
        deadline = time.monotonic() + LOOKING
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:  # perhaps only `held` is looking
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)
        yield


def held(path: Path) -> bool:
    """Whether a process holds the lock file ``path``."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    except OSError:  # this file system has no locks
        return False
    finally:
        os.close(file)
