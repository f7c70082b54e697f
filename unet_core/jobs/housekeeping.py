"""What can be done with the folders of runs: rename, pin, pack, delete, undo that, make room."""

import os
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from unet_core.errors import UserError
from unet_core.jobs.trainings import queue_lock
from unet_core.store.environment import cache_folder, runs_folder
from unet_core.store.files import modified, size, write_json
from unet_core.store.runs import Run, evaluations_folder, evaluations_of, unique_title, user_runs

WORKING_FILES = ("backup", "stop", "lock")  # of no use to somebody who downloads the run
UNDO_SECONDS = 600  # how long a deleted run can be brought back


def rename(run: Run, title: str) -> None:
    """Give the run another title, or its first one back; ``config.json`` stays as it was."""
    _check_own(run)
    title = title.strip()[:80] or run.config.get("title") or run.name
    write_json(run.path / "label.json", {"title": unique_title(title, run)})


def pin(run: Run, pinned: bool) -> None:
    """Keep the run when old ones are removed, or no longer."""
    _check_own(run)
    if pinned:
        (run.path / "pinned").touch()
    else:
        (run.path / "pinned").unlink(missing_ok=True)


def archive(run: Run) -> bytes:
    """The run as a zip, without what only a resumed training needs."""
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
            for path in sorted(run.path.rglob("*")):
                inside = path.relative_to(run.path)
                if inside.parts[0] in WORKING_FILES or not os.path.isfile(path):
                    continue
                with suppress(FileNotFoundError):  # it has just gone
                    target.write(path, Path(run.name) / inside)
        file.seek(0)
        return file.read()


def delete(run: Run) -> None:
    """Take the run and its results away; for `UNDO_SECONDS`, `restore` brings them back.

    ``UserError`` while it is in work, or when its folders cannot be moved.
    """
    _check_own(run)
    with queue_lock():
        if run.is_working:
            raise UserError(f"{run.title} is still in work; stop it first.")
        _empty_bin(UNDO_SECONDS)
        place = _bin() / run.name
        shutil.rmtree(place, ignore_errors=True)
        (place / "results").mkdir(parents=True)
        try:
            for folder in evaluations_of(run):
                folder.rename(place / "results" / folder.name)
            with suppress(FileNotFoundError):  # it has just gone
                run.path.rename(place / "run")
        except OSError as error:
            raise UserError(
                f"{run.path} cannot be removed ({error.strerror}); see who owns it and what keeps "
                "it open."
            ) from error


def restore(name: str) -> None:
    """Bring back the run that was deleted; ``UserError`` when it is too late."""
    with queue_lock():
        place, target = _bin() / name, runs_folder() / name
        if not os.path.lexists(place / "run"):
            raise UserError("It is too late: the run is gone for good.")
        if os.path.lexists(target):
            raise UserError(f"There is a new run called {name!r}; delete or rename that first.")
        evaluations_folder().mkdir(exist_ok=True)
        for folder in (place / "results").iterdir():
            folder.rename(evaluations_folder() / folder.name)
        (place / "run").rename(target)
        shutil.rmtree(place, ignore_errors=True)


def can_restore(name: str) -> bool:
    """Whether `restore` would find the run; what is too old is gone after the question."""
    _empty_bin(UNDO_SECONDS)
    return os.path.lexists(_bin() / name / "run")


def prune(max_runs: int, max_bytes: float | None = None) -> None:
    """Make room: remove the oldest runs beyond ``max_runs``, then beyond ``max_bytes`` of all.

    A pinned, waiting or working run is never removed, a deleted one cannot be brought back
    afterwards. Prepared images count too; they go first, since they can be made again, but not
    while a training may need them.
    """
    with queue_lock():
        _empty_bin(0)
        runs = user_runs()
        working = [run for run in runs if run.is_working]
        kept = working + [r for r in runs if r.is_pinned or r.status["state"] == "queued"]
        idle = [run for run in runs if run not in kept]
        for run in idle[max_runs:]:
            _remove(run)
        if max_bytes is None:
            return
        prepared = sorted(cache_folder().glob("*"), key=modified)  # unused for longest first
        taken = sum(map(_bytes, [*(run.path for run in user_runs()), *prepared]))
        removals: list[tuple[Path, Callable[[], None]]] = []
        if not working:
            removals += [(p, partial(shutil.rmtree, p, ignore_errors=True)) for p in prepared]
        removals += [(run.path, partial(_remove, run)) for run in reversed(idle[:max_runs])]
        for path, remove in removals:
            if taken > max_bytes:
                taken -= _bytes(path)
                remove()


def _remove(run: Run) -> None:
    """Its results first: without it nobody would know whose they are."""
    for folder in [*evaluations_of(run), run.path]:
        if folder.is_symlink():
            folder.unlink()
        shutil.rmtree(folder, ignore_errors=True)
        if os.path.lexists(folder):
            raise UserError(f"{folder} cannot be removed; see who owns it and what keeps it open.")


def _bin() -> Path:
    """Where deleted runs wait: ``<name>/run`` and ``<name>/results/``."""
    return runs_folder() / ".deleted"


def _empty_bin(seconds: float) -> None:
    """Remove what was deleted longer than so many seconds ago."""
    for place in _bin().glob("*"):
        if time.time() - modified(place) >= seconds:
            shutil.rmtree(place, ignore_errors=True)


def _bytes(folder: Path) -> int:
    return sum(map(size, folder.rglob("*")))


def _check_own(run: Run) -> None:
    if run.is_shipped:
        raise UserError("Shipped models stay as they are.")
