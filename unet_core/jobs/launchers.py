"""Where processes beside the app run: on this machine.

Another place to run them is another module with these functions: `launch`, `kill`, `oom_kills`.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import IO

import psutil

from unet_core.store.environment import variables
from unet_core.store.locks import find

ROOT = Path(__file__).parent.parent.parent  # where `python -m unet_core` is found
COMMAND = [sys.executable, "-u", "-m", "unet_core"]
PACKAGE = "unet_core"  # in the command line of our processes
LAUNCHED = "--- started "  # begins the line in the log above each start's output
NICENESS = 5  # the one that starts it, a web server, goes first


def launch(arguments: list[str], log: Path) -> int:
    """The package's command line as a process that outlives this one; returns its id."""
    with open(log, "ab") as file:
        file.write(f"{LAUNCHED}{datetime.now(timezone.utc):%Y-%m-%d %H:%M:%S} UTC\n".encode())
        file.flush()
        return start_process([*COMMAND, *arguments], file, ROOT, variables())


def start_process(command: list[str], log: IO, folder: Path, environment: dict[str, str]) -> int:
    """Start ``command`` detached, at a lower priority, its output in ``log``; returns its id."""
    flags, priority = 0, psutil.Process().nice() + NICENESS
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
        priority = psutil.BELOW_NORMAL_PRIORITY_CLASS
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # means nothing on Windows
        creationflags=flags,
        cwd=folder,
        env=environment,
    )
    psutil.Process(process.pid).nice(priority)  # a preexec_fn may hang a parent with threads
    return process.pid


def kill(status: dict, *words: str, patience: float = 10.0) -> bool:
    """End the process that wrote ``status``, and wait until it is gone; whether one was ended.

    Only one that is proved to be ours: it was born when ``process`` says and runs this package, or
    its command line has all of ``words``.
    """
    identity = status.get("process") or {"pid": status.get("pid")}
    process = find(identity)
    if process is None:
        return False
    try:
        line = process.cmdline() or _later(process.cmdline)
        is_known = "born" in identity and PACKAGE in line
        if not is_known and not set(words) <= set(line):
            return False
        process.kill()  # psutil looks once more whether it is the same process
        process.wait(patience)
    except psutil.NoSuchProcess:
        pass
    except psutil.Error:  # not allowed, or it takes its time
        return False
    return True


def _later(read: Callable[[], list[str]]) -> list[str]:
    """Once more: a process that is just being started has no command line yet."""
    time.sleep(0.2)
    return read()


def oom_kills() -> int | None:
    """How many processes the system has ended for want of memory; None where it does not say."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except OSError:  # not Linux
        return None
    return next((int(x.split()[1]) for x in lines if x.startswith("oom_kill ")), None)
