"""Reading and writing the small files of runs and jobs: whole, or not at all."""

import csv
import json
import math
import os
import stat
import threading
import time
from pathlib import Path
from typing import Any

IS_WINDOWS = os.name == "nt"
MAX_BYTES = 64_000_000  # no file of ours comes near
MAX_NUMBER = 1e15  # nor any number of ours; what is shown must fit into 64 bits
COLUMNS = {  # of a CSV file, which every row has; the first must be a number
    "history.csv": ("epoch", "seconds", "loss", "val_loss", "mean_iou", "val_mean_iou"),
    "steps.csv": ("step", "epoch", "seconds", "loss"),
}


def read_rows(path: Path) -> list[dict]:
    """Rows of ``history.csv`` or ``steps.csv`` as dictionaries of floats; NaN for an odd cell.

    Left out are a row whose first of `COLUMNS` is no number and a last line that is still being
    written. A file that is no such table has none.
    """
    first, *others = COLUMNS[path.name]
    try:
        lines = (read_file(path) or b"").decode("utf-8").splitlines(keepends=True)
        table = csv.DictReader(line for line in lines if line.endswith("\n"))
        rows = [{key: to_float(value) for key, value in row.items() if key} for row in table]
    except (ValueError, csv.Error):
        return []
    empty = dict.fromkeys(others, math.nan)
    return [row | (empty | row) for row in rows if 0 <= row.get(first, math.nan) <= MAX_NUMBER]


def to_float(text: Any) -> float:
    """The number in a CSV cell; NaN for an empty or odd one."""
    try:
        return float(text)
    except (TypeError, ValueError):
        return math.nan


def read_json(path: Path, nan: bool = True) -> object:
    """The file's content, or None when it is missing or not JSON; without ``nan`` also when a
    number in it is none."""
    data = read_file(path)
    if data is None:
        return None
    try:
        content = json.loads(data.decode("utf-8"), parse_constant=None if nan else _refuse)
        if b"\\u" in data:  # halves of characters, which no browser can be sent
            json.dumps(content, ensure_ascii=False).encode()
        return content
    except (ValueError, RecursionError):
        return None


def read_file(path: Path) -> bytes | None:
    """The content of a plain file; None for a missing or huge one, a folder, a pipe, a device."""
    try:
        facts = os.stat(path)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > MAX_BYTES:
            return None
        return path.read_bytes()
    except (OSError, ValueError):
        return None


def write_json(path: Path, content: dict) -> None:
    """Write atomically: a reader sees the old file or the new one, never half of it."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    try:
        temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")
        _replace(temporary, path)
    except OSError:  # a full disk must not fill up with halves
        temporary.unlink(missing_ok=True)
        raise


def _replace(source: Path, target: Path, patience: float = 1.0) -> None:
    """``os.replace``, which on Windows must wait until nobody reads the target (seconds)."""
    while True:
        try:
            return os.replace(source, target)
        except PermissionError:
            if not IS_WINDOWS or patience <= 0:
                raise
        patience -= 0.01
        time.sleep(0.01)


def modified(path: Path) -> float:
    """When the file was last written, in seconds since 1970; 0 where it has gone."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def size(path: Path) -> int:
    """Bytes of the file itself; 0 where it has gone."""
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _refuse(constant: str) -> None:
    raise ValueError(constant)
