"""How much memory a new process can have."""

from pathlib import Path

import psutil

GROUPS = [  # where a container's limit, use and cached files stand: cgroup 2, then 1
    ("/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    (
        "/sys/fs/cgroup/memory",
        "memory.limit_in_bytes",
        "memory.usage_in_bytes",
        "total_inactive_file",
    ),
]


def free_memory() -> float:
    """Bytes that a new process can have, by the container's limit and the system."""
    return min([psutil.virtual_memory().available, *_free_in_group()])


def _free_in_group() -> list[float]:
    """What the container's limit leaves; empty where there is none.

    Cached files count as free, since the system gives them up for a process that needs room.
    """
    for folder, limit, used, cached in GROUPS:
        try:
            limit_now, used_now = (int((Path(folder) / name).read_text()) for name in (limit, used))
            stat = dict(x.split() for x in (Path(folder) / "memory.stat").read_text().splitlines())
            return [limit_now - used_now + int(stat[cached])]
        except (OSError, ValueError, KeyError):  # no such group, or the limit is "max"
            continue
    return []
