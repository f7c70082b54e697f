"""Where processes beside the app are started: on this machine."""

import os
import sys
from datetime import datetime, timezone
from pathlib import Path

from unet_core.jobs.processes import launch
from unet_core.store.environment import data_folder, runs_folder

ROOT = Path(__file__).parent.parent.parent  # where `python -m unet_core` is found
COMMAND = [sys.executable, "-u", "-m", "unet_core"]
LAUNCHED = "--- started "  # begins the line in the log above each start's output
NOT_OURS = (
    "The process of {} could not be ended from here: it belongs to another user or machine, or "
    "nothing proves that it is ours. End it where it was started."
)


def detached(arguments: list[str], log: Path) -> int:
    """The package's command line as a process that outlives this one; returns its id."""
    folders = {"UNET_RUNS_DIR": runs_folder(), "UNET_DATA_DIR": data_folder()}
    environment = os.environ | {name: str(path.resolve()) for name, path in folders.items()}
    with open(log, "ab") as file:
        file.write(f"{LAUNCHED}{datetime.now(timezone.utc):%Y-%m-%d %H:%M:%S} UTC\n".encode())
        file.flush()
        return launch(
            [*COMMAND, *arguments], file, Path(__file__).parent.parent.parent, environment
        )
