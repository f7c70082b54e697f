"""Score shipped models again: `python -m benchmarks.rescore [NAME …]`, all without a name.

Each on the test split of the data that it was trained on, into its ``evaluation.json``; the data
must lie in ``UNET_DATA_DIR``. Beside each score stands what was there before.
"""

import argparse
import sys

from unet_core.cli import show_progress
from unet_core.data import data_of
from unet_core.errors import UserError
from unet_core.metrics.evaluate import evaluate
from unet_core.metrics.report import format_metrics, metric_name
from unet_core.store.runs import Run, shipped_runs, write_json


def rescore(run: Run) -> dict:
    """The run's scores by today's code, written into its folder."""
    result = evaluate(run, data_of(run.config), "test", progress=show_progress)
    write_json(run.path / "evaluation.json", result)
    return result


def changes(before: dict, after: dict) -> list[str]:
    """A line for each score that both results have, or that one of them has alone."""
    old, new = before.get("metrics", {}), after["metrics"]
    return [
        f"{metric_name(key, before | after)}: "
        + " → ".join(f"{s[key]:.4f}" if key in s else "–" for s in (old, new))
        for key in dict.fromkeys([*old, *new])
    ]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    shipped = {run.name: run for run in shipped_runs()}
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(shipped)}")
    names = parser.parse_args(arguments).names or list(shipped)
    if unknown := set(names) - set(shipped):
        raise UserError(f"No model called {', '.join(sorted(unknown))} is shipped.")
    for name in names:
        before = shipped[name].evaluation or {}
        after = rescore(shipped[name])
        print(f"\n{name}: {format_metrics(after)}", "", "before → now", sep="\n")
        print(*changes(before, after), sep="\n")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(f"error: {error}")
