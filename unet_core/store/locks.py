"""Signs of life: which process a file speaks of, and locks that do not outlive their owner."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from unet_core.errors import UserError

CLOCK_TICK = 0.05  # seconds; the system counts births in hundredths
LOOKING = 0.5  # seconds, far longer than it takes to see whether a lock is held
_looking = threading.Lock()


def identity(pid: int | None = None) -> dict:
    """What distinguishes a process (without ``pid`` this one) from all others, to keep in a file.

    ``pid``, ``host``, ``boot`` (of the system) and ``born``, in seconds after the boot: unlike
    psutil's ``create_time`` that does not move with the clock. Only ``pid`` when it has ended.
    """
    pid = os.getpid() if pid is None else pid
    try:
        born = _born(psutil.Process(pid))
    except psutil.Error:
        return {"pid": pid}
    return {"pid": pid, "host": socket.gethostname(), "boot": _boot(), "born": born}


def find(process: dict) -> psutil.Process | None:
    """The process with this `identity`, or None where it does not run here.

    A bare ``pid``, as was kept formerly, may be somebody else's by now.
    """
    pid = process.get("pid")
    if type(pid) is not int or not 0 < pid < 2**31 or not _is_here(process):
        return None
    if process.get("boot", _boot()) != _boot():
        return None
    try:
        found = psutil.Process(pid)
        if "born" in process and abs(_born(found) - process["born"]) > CLOCK_TICK:
            return None
        return None if found.status() == psutil.STATUS_ZOMBIE else found
    except psutil.Error:
        return None


def is_alive(status: dict, silence: float) -> bool:
    """Whether the process that wrote ``status`` still runs, for one that does not hold its lock.

    Its ``process`` (see `identity`) must run; where that is unknown, or on another machine, its
    ``heartbeat`` must be younger than ``silence`` seconds.
    """
    process = status.get("process") or {"pid": status.get("pid")}
    if "born" in process and _is_here(process):
        return find(process) is not None
    is_silent = abs(time.time() - status.get("heartbeat", 0)) > silence
    return not is_silent and (not _is_here(process) or find(process) is not None)


def _is_here(process: dict) -> bool:
    """Whether the process was started on this machine."""
    return process.get("host", socket.gethostname()) == socket.gethostname()


def _born(process: psutil.Process) -> float:
    return round(process.create_time() - psutil.boot_time(), 2)


def _boot() -> str:
    """The same until the system is started again."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:  # not Linux; unlike the id, this time moves when the clock is set
        return f"{psutil.boot_time():.0f}"


@contextmanager
def locked(path: Path, busy: str = "") -> Iterator[None]:
    """Hold the lock file ``path``; the system gives it back when the process dies.

    Waits for it, unless there is a sentence ``busy``: a `UserError` says that at once where another
    process holds the lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:  # with patience for those who only look, see `held`
        lock = FileLock(path).acquire(LOOKING if busy else -1, poll_interval=0.01)
    except Timeout:
        raise UserError(busy) from None
    with lock:
        yield


def held(path: Path) -> bool:
    """Whether a process holds the lock file ``path``. Looking takes it for a moment."""
    if not os.path.isfile(path):
        return False
    with _looking:  # two threads that look at once must not take each other for the holder
        try:
            with FileLock(path).acquire(0.001, poll_interval=0.001):
                return False
        except Timeout:
            return True
        except OSError:  # not ours to open, or this file system has no locks
            return False
