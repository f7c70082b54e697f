"""The command line: ``python -m unet_core --help``."""

import argparse
import json
import math
import os
import sys
from dataclasses import Field, fields
from pathlib import Path

from unet_core.errors import UserError, explained
from unet_core.store.config import DATA_HELP, TrainingConfig, kind_of, load_recipe, recipe_names

STOPPED = 130  # the exit code of a program that was interrupted


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns 0, 2 for an error the user can mend, 130 when interrupted."""
    options = parser().parse_args(arguments)
    try:
        options.run_command(options)
    except (UserError, OSError) as error:
        told = explained(error)
        if told is None:
            raise
        print(f"error: {told}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return STOPPED
    return 0


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m unet_core", description="Build, train, evaluate and use U-Nets."
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _models_parser(commands)
    _train_parser(commands)
    _evaluate_parser(commands)
    _predict_parser(commands)
    _download_parser(commands)
    _export_parser(commands)
    return top


def _add(commands, name: str, run_command, text: str) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=text)
    command.set_defaults(run_command=run_command)
    return command


def _models_parser(commands) -> None:
    _add(commands, "models", models, "List the networks that can be trained, and the runs.")


def _train_parser(commands) -> None:
    command = _add(commands, "train", train, "Train a model into a new run folder.")
    command.add_argument("--recipe", choices=recipe_names(), help="start from these settings")
    command.add_argument("--run", type=Path, metavar="FOLDER", help="go on with this run folder")
    command.add_argument("--name", help="name of the new run (a-z, 0-9, hyphens)")
    command.add_argument("--title", default="", help="what people call the run")
    command.add_argument(
        "--minutes", type=above_zero(float), help="stop, whole, after this many minutes"
    )
    settings = command.add_argument_group(
        "settings", "They change the recipe, or the defaults of the small run."
    )
    for place in fields(TrainingConfig):
        _add_setting(settings, place)


def _add_setting(group, place: Field) -> None:
    """The option of a setting, from the setting's own definition; not given, it is None."""
    rule, (kind, _) = place.metadata["setting"], kind_of(place)
    text = rule.help + (f"; 0: {rule.zero}" if rule.zero else "")
    metavar = rule.metavar or ("NUMBER" if kind in (int, float) else None)
    form = {"choices": rule.choices} if rule.choices else {"metavar": metavar}
    if kind is bool:
        form = {"action": argparse.BooleanOptionalAction}
    else:
        form["type"] = json_object if kind is dict else kind
    group.add_argument(
        f"--{place.name.replace('_', '-')}", help=text.replace("%", "%%"), default=None, **form
    )


def json_object(text: str) -> dict:
    """The type of an option that is a JSON object."""
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"{text!r} is not a JSON object in braces")
    return value


def above_zero(kind: type):
    """The type of an option that is a number above zero."""

    def number(text: str):
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not 0 < value < math.inf:
            whole = "whole " if kind is int else ""
            raise argparse.ArgumentTypeError(f"{text!r} is not a {whole}number above zero")
        return value

    return number


def _evaluate_parser(commands) -> None:
    command = _add(commands, "evaluate", evaluate, "Score a run on a data set's split.")
    command.add_argument("run")
    command.add_argument("--data", required=True, help=DATA_HELP)
    command.add_argument("--split", default="test", help="test (the default) or trainval")
    command.add_argument(
        "--max-images", type=above_zero(int), help="only so many, drawn with a fixed seed"
    )
    command.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="write evaluation.json here; without it into a run of yours where the data is its "
        "own, else into runs/.evaluations, beside the run's own result",
    )


def _predict_parser(commands) -> None:
    command = _add(commands, "predict", predict, "Segment pictures; write masks and overlays.")
    command.add_argument("images", nargs="+", type=Path, metavar="IMAGE")
    command.add_argument("--model", help="a run; without it the best shipped model")
    command.add_argument("--out", type=Path, required=True, metavar="DIR")
    command.add_argument("--opacity", type=float, default=0.5, help="of the overlay, 0 to 1")


def _download_parser(commands) -> None:
    command = _add(commands, "download", download, "Get pictures from their official addresses.")
    command.add_argument("data", choices=["pets"])
    command.add_argument(
        "--max-images", type=above_zero(int), help="only the first so many of the archive"
    )


def _export_parser(commands) -> None:
    command = _add(commands, "export", export, "Write a run's model for another runtime.")
    command.add_argument("run")
    command.add_argument("--format", choices=("onnx", "tflite", "savedmodel"), required=True)
    command.add_argument("--out", type=Path, help="default: RUN.FORMAT in this folder")


def models(options) -> None:
    from unet_core.architectures.catalogue import CATALOGUE
    from unet_core.store.runs import all_runs

    print(f"{'network':<20}{'parameters':>12}  what it is")
    for name, entry in CATALOGUE.items():
        print(f"{name:<20}{entry.parameters:>12,}  {entry.title}")
    print(f"\n{'run':<32}{'state':<10}{'mean IoU':>9}  title")
    for run in all_runs():
        scores = (run.evaluation or {}).get("metrics", {})
        iou = f"{scores['mean_iou']:.4f}" if "mean_iou" in scores else "–"
        print(f"{run.name:<32}{run.status['state']:<10}{iou:>9}  {run.title}")


def train(options) -> None:
    from unet_core.store.job import ACTIVE
    from unet_core.store.runs import Run

    # First of all: a stop that is asked for from here on counts. The app has removed an older one.
    if options.run and Run(options.run).status["state"] not in ACTIVE:
        (options.run / "stop").unlink(missing_ok=True)
    from unet_core.jobs import new_runs
    from unet_core.jobs import trainings as jobs
    from unet_core.store import environment as limits
    from unet_core.training import process

    quiet_tensorflow()
    host = limits.from_environment()

    if options.run:
        run = Run(options.run)
        host.apply(TrainingConfig.from_dict(run.config["training"]))
    else:
        config = load_recipe(options.recipe) if options.recipe else TrainingConfig()
        config = host.apply(config.changed(**chosen_settings(options)))
        run = new_runs.new_run(config, options.name, options.title)
    print(f"run folder: {run.path}")
    try:
        process.train(run, options.minutes or host.minutes)
    finally:
        jobs.advance()  # the next one that waits


def chosen_settings(options) -> dict:
    """The settings that were given; 0 stands for None where a setting can be None."""
    given = {}
    for place in fields(TrainingConfig):
        value = getattr(options, place.name)
        if value is not None:
            means_none = place.metadata["setting"].zero and value == 0
            given[place.name] = None if means_none else value
    return given


def evaluate(options) -> None:
    from unet_core.jobs import evaluations
    from unet_core.metrics import evaluate as evaluation
    from unet_core.metrics import report
    from unet_core.store.runs import SHIPPED, find_run

    run = find_run(options.run)
    asked = options.data, options.split, options.max_images
    if options.out and SHIPPED.resolve() in [options.out.resolve(), *options.out.resolve().parents]:
        raise UserError(f"{SHIPPED} holds what is shipped; choose another folder for --out.")
    is_own = asked == (run.config["training"].get("data"), "test", None)
    if is_own and not options.out and not run.is_shipped:
        dataset = evaluations.open_data(run, options.data)
        result = evaluation.evaluate(run, dataset, options.split, progress=show_progress)
        evaluation.write_evaluation(run, result)
        folder = run.path
    else:
        folder = options.out or evaluations.new_job(run, *asked).path
        job = evaluations.Evaluation(folder)
        result = evaluations.work(job, run, *asked, show_progress)
    print(report.format_metrics(result))
    print(f"\nwritten to {folder / 'evaluation.json'}")


def predict(options) -> None:
    from unet_core.data.io import open_image
    from unet_core.prediction.segmenter import Segmenter
    from unet_core.prediction.views import SegmentedImage, View
    from unet_core.store.runs import find_run, shipped_runs

    if not options.model and not shipped_runs():
        raise UserError("No model is shipped; name one of your runs with --model.")
    run = find_run(options.model) if options.model else shipped_runs()[0]
    segmenter = Segmenter(run)
    shown = tuple(c.name for c in run.classes if not c.is_background)
    view = View(opacity=options.opacity, visible=shown)
    options.out.mkdir(parents=True, exist_ok=True)
    failed = 0
    for path in options.images:
        try:
            image = open_image(path.read_bytes(), path.name)
        except (UserError, OSError) as error:
            failed += 1
            print(f"{path}: {error}", file=sys.stderr)
            continue
        segmented = SegmentedImage(path.name, image, segmenter.probabilities(image), run.classes)
        for name, content in segmented.files(view):
            (options.out / name).write_bytes(content)
            print(options.out / name)
    if failed:
        raise UserError(f"{failed} of {len(options.images)} pictures could not be read.")


def download(options) -> None:
    from unet_core.jobs import downloads
    from unet_core.store.environment import data_folder

    target = data_folder() / options.data
    downloads.work(target, options.max_images, lambda _, done, total: show_progress(done, total))
    print(f"The {options.data} are in {target}.")


def export(options) -> None:
    quiet_tensorflow()
    from unet_core.models import load_run
    from unet_core.training.export import export as write

    run, model = load_run(options.run)
    path = options.out or Path(f"{run.name}.{options.format}")
    print(write(model, path.absolute(), options.format))


def show_progress(done: int, total: int) -> None:
    """A progress bar on a terminal's standard error; silent elsewhere."""
    if sys.stderr.isatty():
        filled = 40 * done // max(total, 1)
        end = "\n" if done == total else ""
        print(f"\r[{'#' * filled:<40}] {done:,}/{total:,}", end=end, file=sys.stderr, flush=True)


def quiet_tensorflow() -> None:
    """Keep TensorFlow's start-up messages out of the log; must run before it is imported."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
