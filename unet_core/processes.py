"""Processes that outlive their parent, and locks that do not outlive their owner.

For Linux and macOS.
"""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

NICENESS = 5  # the one that starts it, a web server, goes first


def launch(command: list[str], log: IO, folder: Path, environment: dict[str, str]) -> int:
    """Start ``command`` detached, at a lower priority, its output in ``log``; returns its id."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        cwd=folder,
        env=environment,
    )
    # not in a preexec_fn: that may hang a parent with threads
    priority = os.getpriority(os.PRIO_PROCESS, 0) + NICENESS
    os.setpriority(os.PRIO_PROCESS, process.pid, priority)
    return process.pid


def alive(pid: int | None) -> bool:
    """Whether a process of that number runs; also collects it if it was a child that ended."""
    if pid is None:
        return True
    try:
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    except ChildProcessError:
        pass  # somebody else's child
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def kill(pid: int, patience: float = 5.0) -> None:
    """End the process at once, and wait up to ``patience`` seconds until it is gone."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    deadline = time.monotonic() + patience
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)


def oom_kills() -> int | None:
    """How many processes the system has ended for want of memory; None where it does not say."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except OSError:
        return None
    return next((int(x.split()[1]) for x in lines if x.startswith("oom_kill ")), None)


@contextmanager
def locked(path: Path, wait: bool = True) -> Iterator[None]:
    """Hold the lock file ``path``; the system gives it back when the process dies.

    ``BlockingIOError`` when another process holds it and ``wait`` is false.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
