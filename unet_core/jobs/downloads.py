"""Downloads as jobs."""

from contextlib import suppress
from pathlib import Path

from unet_core.data.download import IMAGES, Progress, download_pets, is_whole
from unet_core.errors import UserError
from unet_core.jobs.protocol import end_job, launch_job, working
from unet_core.store.job import WORKING, Job
from unet_core.store.schemas import DOWNLOAD


class Download(Job):
    """A folder that a download fills."""

    kind = DOWNLOAD
    status_file = "progress.json"
    lock_file = "download.lock"
    log_file = "download.log"
    died = "The download was cut short. Start it again: what has come stays."


def start_download(target: Path, images: int) -> None:
    """Get the first ``images`` pets into ``target``, in a process of its own."""
    job = Download(target)
    if job.is_working:
        return  # a second press
    target.mkdir(parents=True, exist_ok=True)
    some = ["--max-images", str(images)] if images < IMAGES else []
    launch_job(job, ["download", "pets", *some], what="", done=0, total=0)


def work(target: Path, images: int | None, progress: Progress) -> None:
    """What the process does: `download_pets`, reported to ``progress`` and to the job's status.

    ``UserError`` also when another process downloads to there.
    """

    def report(what: str, done: int, total: int) -> None:
        progress(what, done, total)
        reporter.progress(done, total, what=what)

    busy = f"A download to {target} is at work already."
    with working(Download(target), busy, done=0, total=0) as reporter:
        download_pets(target, images, report)


def stop_download(target: Path) -> None:
    """End the download; what has come stays."""
    with suppress(UserError):
        end_job(Download(target))


def dismiss_failure(target: Path) -> None:
    """Somebody has read why the last download failed."""
    job = Download(target)
    if not job.is_working:
        job.write_status(state="stopped", message="")


def download_progress(target: Path) -> dict | None:
    """``what``, ``done``, ``total``, ``error`` and ``running`` of the last download, or None."""
    job = Download(target)
    if not job.stored_status:
        return None
    status = job.status
    running = status["state"] in WORKING
    error = "" if running or is_whole(target) else status.get("message") or ""
    return {"what": ""} | status | {"running": running, "error": error}
