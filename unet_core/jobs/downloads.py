"""Downloads as processes of their own."""

import time
from pathlib import Path

from unet_core.data.download import IMAGES, PROGRESS, is_whole
from unet_core.data.download import LOCK as DOWNLOAD_LOCK
from unet_core.jobs.launchers import detached
from unet_core.jobs.processes import kill
from unet_core.store.files import modified, write_json
from unet_core.store.locks import at_work, identity
from unet_core.store.schemas import DOWNLOAD, read_as

DOWNLOAD_SILENCE = 300.0  # seconds; all tries to reach a dead server take less
DOWNLOAD_CUT = "The download was cut short. Start it again: what has come stays."


def start_download(target: Path, images: int) -> None:
    """Get the first ``images`` pets into ``target``, in a process of its own."""
    if (download_progress(target) or {}).get("running"):
        return  # a second press
    target.mkdir(parents=True, exist_ok=True)
    some = ["--max-images", str(images)] if images < IMAGES else []
    pid = detached(["download", "pets", *some], target / "download.log")
    state = {"pid": pid, "process": identity(pid), "heartbeat": time.time(), "what": ""}
    write_json(target / PROGRESS, state | {"done": 0, "total": 0, "error": ""})


def stop_download(target: Path) -> None:
    """End the download; what has come stays."""
    kill(read_as(target / PROGRESS, DOWNLOAD) or {}, "unet_core", "download", "pets")


def download_progress(target: Path) -> dict | None:
    """``what``, ``done``, ``total``, ``error`` and ``running`` of the last download, or None."""
    progress = read_as(target / PROGRESS, DOWNLOAD)
    if not progress or progress["error"]:
        return progress and progress | {"running": False}
    told = {"heartbeat": modified(target / PROGRESS)} | progress
    running = at_work(target / DOWNLOAD_LOCK, told, DOWNLOAD_SILENCE)
    cut = "" if running or is_whole(target) else DOWNLOAD_CUT
    return {"what": ""} | progress | {"running": running, "error": cut}
