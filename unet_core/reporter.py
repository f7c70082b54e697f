"""Signs of life of a training process."""

import threading

from unet_core.processes import identity
from unet_core.runs import Run

HEARTBEAT = 2.0  # seconds between signs of life while nothing else is written


class Reporter:
    """The only writer of ``status.json`` of a running training; it also beats its heart.

    Each time it writes all that it knows, so that a status which somebody destroyed is mended.
    """

    def __init__(self, run: Run, **state):
        self._run = run
        self._lock = threading.Lock()
        self._ended = threading.Event()
        process = identity()
        self._state = {"pid": process["pid"], "process": process}
        self.report(**state)
        threading.Thread(target=self._beat, daemon=True).start()

    def report(self, **changes) -> None:
        """Merge ``changes`` into the status."""
        with self._lock:
            self._state |= changes
            self._run.write_status(**self._state)

    def close(self, **changes) -> None:
        """Write the last status and let the heart stop."""
        self._ended.set()
        self.report(**changes)

    def should_stop(self) -> bool:
        """Somebody asked the training to end: a file called ``stop`` in the run folder."""
        return (self._run.path / "stop").exists()

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT):
            self.report()
