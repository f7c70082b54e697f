"""Signs of life of a training process."""

import threading
import time

from unet_core.store.locks import identity
from unet_core.store.runs import Run

HEARTBEAT = 2.0  # seconds between signs of life while nothing else is written


class Reporter:
    """The only writer of ``status.json`` of a running training; it also beats its heart.

    Each time it writes all that it knows, so that a status which somebody destroyed is mended.
    """

    def __init__(self, run: Run, **state):
        self._run = run
        self._phase, self._since, self._phase_seconds = None, time.time(), {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        process = identity()
        # what an earlier process of the same run measured is over
        forgotten = {"phase_seconds": {}, "pace": None, "seconds_left": None}
        self._state = {"pid": process["pid"], "process": process} | forgotten
        self.report(**state)
        threading.Thread(target=self._beat, daemon=True).start()

    def report(self, **changes) -> None:
        """Merge ``changes`` into the status; a new phase adds ``phase_seconds``, what each took."""
        with self._lock:
            if changes.get("phase", self._phase) != self._phase:
                changes |= {"phase_seconds": self._account(changes["phase"])}
            self._state |= changes
            self._run.write_status(**self._state)

    def close(self, **changes) -> None:
        """Write the last status and let the heart stop."""
        self._ended.set()
        self.report(**changes)

    def should_stop(self) -> bool:
        """Somebody asked the training to end: a file called ``stop`` in the run folder."""
        return (self._run.path / "stop").exists()

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
