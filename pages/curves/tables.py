"""The runs of the Curves page as tables."""

import csv
import io

from unet_core.store.runs import MONITOR, Run, best_epoch


def run_row(run: Run) -> dict:
    """How far the run has come and how good it is."""
    history = run.history
    position = best_epoch(history)
    best = {} if position is None else history[position]
    metrics = (run.evaluation or {"metrics": {}})["metrics"]
    return {
        "run": run.title,
        "state": run.status["state"],
        "epochs": len(history),
        "minutes": history[-1]["seconds"] / 60 if history else None,
        "parameters": run.config.get("parameters"),
        "best epoch": best.get("epoch"),
        "validation mean IoU": best.get(MONITOR),
        "test mean IoU": metrics.get("mean_iou"),
    }


def differences(runs: list[Run]) -> list[dict]:
    """The settings in which the runs differ, a row each; "–" where a run does not have one."""
    settings = {run.title: run.config["training"] for run in runs}
    names = sorted({name for values in settings.values() for name in values})
    rows = [
        {"setting": name.replace("_", " ")}
        | {title: str(values.get(name, "–")) for title, values in settings.items()}
        for name in names
    ]
    return [row for row in rows if len(set(list(row.values())[1:])) > 1]


def as_csv(runs: list[Run]) -> str:
    """All histories below each other."""
    file = io.StringIO()
    rows = [{"run": run.name} | row for run in runs for row in run.history]
    names = dict.fromkeys(name for row in rows for name in row)  # of all runs, in order
    writer = csv.DictWriter(file, names)
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()
