"""A job: work that a process of its own does, as its folder shows it to everybody else.

Trainings, evaluations and downloads are jobs. `unet_core.jobs.protocol` starts, does and ends them.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from unet_core.store.files import write_json
from unet_core.store.locks import held, is_alive
from unet_core.store.schemas import STATUS, Kind, read_as

WORKING = ("running", "stopping")
ACTIVE = ("queued", *WORKING)
IDLE = ("queued", "stopped", "failed", "done")
HEARTBEAT_LIMIT = 15.0  # seconds without a sign of life after which a process counts as silent
SILENT = "No sign of life for a while: it may be paused."


@dataclass(frozen=True)
class Job:
    """The folder of a job; everything is read from disk when asked for.

    It has a lock, which the process holds as long as it works, a status, a log, and a file ``stop``
    once somebody has asked the process to end.
    """

    path: Path

    kind: ClassVar[Kind] = STATUS  # what the status file holds
    status_file: ClassVar[str] = "status.json"
    lock_file: ClassVar[str] = "lock"
    log_file: ClassVar[str] = "train.log"
    lost: ClassVar[dict] = {}  # the status where the file cannot be read
    died: ClassVar[str] = "The process ended unexpectedly."

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def title(self) -> str:
        """What people call it."""
        return self.name

    @property
    def lock(self) -> Path:
        """The file that a process holds as long as it does the job."""
        return self.path / self.lock_file

    @property
    def log(self) -> Path:
        """The output of the process."""
        return self.path / self.log_file

    @property
    def stop_file(self) -> Path:
        """Where it is there, somebody has asked the process to end."""
        return self.path / "stop"

    @property
    def stored_status(self) -> dict | None:
        """The status as it was written; None where it cannot be read."""
        return read_as(self.path / self.status_file, self.kind)

    @property
    def status(self) -> dict:
        """The status as it must be understood now: ``state``, ``message`` and what ``kind`` has.

        A begun job is ``running`` as long as a process holds the lock, ``failed`` when none does
        and the one that is named is gone, and ``stopping`` as soon as it was asked to stop.
        """
        stored = self.stored_status
        status = stored or {"state": "failed"} | self.lost
        has_ended = stored is not None and status["state"] in IDLE  # looking at a lock takes time
        is_held = not has_ended and held(self.lock)
        if is_held and status["state"] not in WORKING:
            status["state"] = "running"
        if status["state"] in WORKING:
            if not is_held and not is_alive(status, HEARTBEAT_LIMIT):
                return status | {"state": "failed", "message": self.died}
            if abs(time.time() - status.get("heartbeat", 0)) > HEARTBEAT_LIMIT:
                status["message"] = SILENT
        if status["state"] == "running" and os.path.exists(self.stop_file):
            status["state"] = "stopping"
        return status

    @property
    def is_working(self) -> bool:
        """Whether a process is at it; whatever the status says, who holds the lock is."""
        return self.status["state"] in WORKING or held(self.lock)

    def write_status(self, **changes: object) -> None:
        """Merge ``changes`` into the status and set its heartbeat to now."""
        status = (self.stored_status or {}) | changes | {"heartbeat": time.time()}
        write_json(self.path / self.status_file, status)
