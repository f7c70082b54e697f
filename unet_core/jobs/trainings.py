"""The queue of trainings: one runs on a machine at a time, others wait in the order of their start.

Nothing is kept in memory: any process that looks at the run folders sees the same, and may call
`advance`.
"""

import time
from contextlib import AbstractContextManager, suppress

from unet_core.errors import UserError
from unet_core.jobs.protocol import end_job, launch_job
from unet_core.store.environment import from_environment, runs_folder
from unet_core.store.files import modified
from unet_core.store.job import WORKING
from unet_core.store.locks import locked
from unet_core.store.runs import Run, damaged_runs, user_runs

GRACE = 120.0  # seconds between the polite stop and the firm one
FINISHING_GRACE = 1200.0  # the same, once it exports and evaluates what it has learned
FINISHING = ("Exporting", "Evaluating")
ENDED = "Ended at once; Resume goes on from the last whole epoch."


def start(run: Run) -> None:
    """Let the run be trained as soon as the machine is free; a resumed run goes on.

    ``UserError`` where training is switched off on this host.
    """
    from_environment().check()
    with queue_lock():
        if run.is_working:
            return  # a second press
        run.stop_file.unlink(missing_ok=True)
        fresh = {"pid": None, "process": None, "message": "", "seconds_left": None}
        run.write_status(state="queued", phase="Waiting", queued=time.time(), **fresh)
    advance()


def advance() -> None:
    """Start the longest waiting run if no other is at work; end what was asked to stop long ago."""
    with queue_lock():
        runs = user_runs()
        for run in runs:
            if _is_overdue(run):
                with suppress(UserError):
                    end_job(run, ENDED)
        if not any(run.is_working for run in runs + damaged_runs()) and (queue := waiting()):
            _launch(queue[0])


def waiting() -> list[Run]:
    """Runs that wait for the machine, the next one first."""
    queue = [(run, status) for run in user_runs() if (status := run.status)["state"] == "queued"]
    return [run for run, _ in sorted(queue, key=lambda pair: pair[1].get("queued", 0))]


def stop(run: Run) -> None:
    """Ask the run to end: it finishes its step, keeps the best weights, exports and evaluates.

    A waiting run is cancelled. After ``GRACE`` seconds, or `end`, the process is ended.
    """
    with queue_lock():
        if run.status["state"] == "queued":
            run.write_status(state="stopped", message="Cancelled before it began.")
        else:
            run.stop_file.touch()


def end(run: Run) -> None:
    """End the run's process at once; it can be resumed from its last whole epoch.

    ``UserError`` when it cannot be ended from here.
    """
    with queue_lock():
        end_job(run, ENDED)


def queue_lock() -> AbstractContextManager[None]:
    """Held by whoever starts, ends or removes runs."""
    return locked(runs_folder() / ".lock")


def _launch(run: Run) -> None:
    launch_job(run, ["train", "--run", str(run.path.resolve())], phase="Starting")


def _is_overdue(run: Run) -> bool:
    asked = modified(run.stop_file)
    if not asked:
        return False
    status = run.status
    grace = FINISHING_GRACE if status.get("phase") in FINISHING else GRACE
    return status["state"] in WORKING and time.time() - asked > grace
