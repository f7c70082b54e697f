"""Starting and ending processes that outlive their parent. For Linux and macOS."""

import os
import subprocess
from pathlib import Path
from typing import IO

import psutil

from unet_core.store.locks import find

NICENESS = 5  # the one that starts it, a web server, goes first
PACKAGE = "unet_core"  # in the command line of our processes


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


def kill(told: dict, *words: str, patience: float = 5.0) -> bool:
    """End the process that reports in ``told``, and wait until it is gone; whether one was ended.

    Only one that is proved to be ours: it was born when ``process`` says and runs this package, or
    its command line has all of ``words``.
    """
    process = find(told.get("process") or {"pid": told.get("pid")})
    if process is None:
        return False
    try:
        line = process.cmdline()
        is_known = "born" in (told.get("process") or {}) and PACKAGE in line
        if not is_known and not set(words) <= set(line):
            return False
        process.kill()  # psutil looks once more whether it is the same process
        process.wait(patience)
    except psutil.NoSuchProcess:
        pass
    except psutil.Error:  # not allowed, or it takes its time
        return False
    return True


def oom_kills() -> int | None:
    """How many processes the system has ended for want of memory; None where it does not say."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except OSError:
        return None
    return next((int(x.split()[1]) for x in lines if x.startswith("oom_kill ")), None)
