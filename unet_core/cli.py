"""The command line: ``unet-studio --help``, or ``python -m unet_core --help``.

Each command is a function, whose docstring is its help, below another that adds its options;
`COMMANDS` lists both.
"""

import json
import math
import os
import runpy
import sys
from argparse import ArgumentParser, ArgumentTypeError, BooleanOptionalAction, Namespace
from collections.abc import Callable
from dataclasses import Field, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import unet_core
from unet_core.errors import UserError, explained
from unet_core.store.config import DATA_HELP, TrainingConfig, kind_of, load_recipe, recipe_names
from unet_core.store.environment import APP

STOPPED = 130  # the exit code of a program that was interrupted


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns 0, 2 for an error the user can mend, 130 when interrupted."""
    options = parse(arguments)
    try:
        options.run_command(options)
    except (UserError, OSError, ModuleNotFoundError) as error:
        message = explained(error)
        if message is None:
            raise
        print(f"error: {message}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return STOPPED
    return 0


def parse(arguments: list[str] | None = None) -> Namespace:
    """What was asked for; exits with 2 where it cannot be read.

    >>> parse(["export", "pets", "--format", "onnx"]).run
    'pets'
    """
    is_installed = Path(sys.argv[0]).stem == "unet-studio"
    name = "unet-studio" if is_installed else "python -m unet_core"
    top = ArgumentParser(prog=name, description="Build, train, evaluate and use U-Nets.")
    version = f"U-Net Studio {unet_core.__version__}"
    top.add_argument("--version", action="version", version=version)
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for command, (action, add_options) in COMMANDS.items():
        text = (action.__doc__ or "").partition("\n")[0]
        parser = commands.add_parser(command, help=text, description=text)
        parser.set_defaults(run_command=action)
        if add_options:
            add_options(parser)
    options, further = top.parse_known_args(arguments)
    if options.run_command is app:
        options.further = further
    elif further:
        top.error(f"unrecognized arguments: {' '.join(further)}")
    return options


def app(options: Namespace) -> None:
    """Start the app in the browser; what follows is passed on to Streamlit."""
    if find_spec("streamlit") is None:
        raise UserError("The app needs Streamlit, which is not installed: pip install streamlit")
    sys.argv = ["streamlit", "run", str(APP / "streamlit_app.py"), *options.further]
    runpy.run_module("streamlit", run_name="__main__")


def models(options: Namespace) -> None:
    """List the networks that can be trained, and the runs."""
    from unet_core.architectures.catalogue import CATALOGUE
    from unet_core.store.runs import all_runs

    print(f"{'network':<20}{'parameters':>12}  what it is")
    for name, entry in CATALOGUE.items():
        print(f"{name:<20}{entry.parameters:>12,}  {entry.title}")
    print(f"\n{'run':<32}{'state':<10}{'mean IoU':>9}  title")
    for run in all_runs():
        metrics = (run.evaluation or {}).get("metrics", {})
        iou = f"{metrics['mean_iou']:.4f}" if "mean_iou" in metrics else "–"
        print(f"{run.name:<32}{run.status['state']:<10}{iou:>9}  {run.title}")


def train_options(parser: ArgumentParser) -> None:
    add = parser.add_argument
    add("--recipe", choices=recipe_names(), help="start from these settings")
    add("--run", type=Path, metavar="FOLDER", help="go on with this run folder")
    add("--name", help="name of the new run (a-z, 0-9, hyphens)")
    add("--title", default="", help="what people call the run")
    add("--minutes", type=positive(float), help="stop, whole, after this many minutes")
    text = "They change the recipe, or the defaults of the small run."
    settings = parser.add_argument_group("settings", text)
    for place in fields(TrainingConfig):
        name = f"--{place.name.replace('_', '-')}"
        settings.add_argument(name, default=None, **_option_of(place))


def _option_of(place: Field) -> dict[str, Any]:
    """How `argparse` reads a setting, by the setting's own definition."""
    rule, (kind, _) = place.metadata["setting"], kind_of(place)
    text = rule.help + (f"; 0: {rule.zero}" if rule.zero else "")
    option: dict[str, Any] = {"help": text.replace("%", "%%")}
    if kind is bool:
        return option | {"action": BooleanOptionalAction}
    option["type"] = json_object if kind is dict else kind
    if rule.choices:
        return option | {"choices": rule.choices}
    return option | {"metavar": rule.metavar or ("NUMBER" if kind in (int, float) else None)}


def train(options: Namespace) -> None:
    """Train a model into a new run folder."""
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


def chosen_settings(options: Namespace) -> dict[str, Any]:
    """The settings that were given; 0 stands for None where a setting can be None."""
    given = {}
    for place in fields(TrainingConfig):
        value = getattr(options, place.name)
        if value is not None:
            means_none = place.metadata["setting"].zero and value == 0
            given[place.name] = None if means_none else value
    return given


def evaluate_options(parser: ArgumentParser) -> None:
    parser.add_argument("run")
    parser.add_argument("--data", required=True, help=DATA_HELP)
    parser.add_argument("--split", default="test", help="test (the default) or trainval")
    text = "only so many, drawn with a fixed seed"
    parser.add_argument("--max-images", type=positive(int), help=text)
    text = "write evaluation.json here; without it into a run of yours where the data is its "
    text += "own, else into runs/.evaluations, beside the run's own result"
    parser.add_argument("--out", type=Path, metavar="DIR", help=text)


def evaluate(options: Namespace) -> None:
    """Score a run on a data set's split."""
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


def predict_options(parser: ArgumentParser) -> None:
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE")
    parser.add_argument("--model", help="a run; without it the best shipped model")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--opacity", type=float, default=0.5, help="of the overlay, 0 to 1")


def predict(options: Namespace) -> None:
    """Segment pictures; write masks and overlays."""
    from unet_core.data.io import open_image
    from unet_core.prediction.familiarity import WARNING, familiarity_of
    from unet_core.prediction.segmenter import Segmenter
    from unet_core.prediction.views import SegmentedImage, View
    from unet_core.store.runs import find_run, shipped_runs

    if not options.model and not shipped_runs():
        raise UserError("No model is shipped; name one of your runs with --model.")
    run = find_run(options.model) if options.model else shipped_runs()[0]
    segmenter, familiarity = Segmenter(run), familiarity_of(run)
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
        if familiarity and familiarity.strangeness(image) > 1:
            print(f"{path}: {WARNING}", file=sys.stderr)
        segmented = SegmentedImage(path.name, image, segmenter.probabilities(image), run.classes)
        for name, content in segmented.files(view):
            (options.out / name).write_bytes(content)
            print(options.out / name)
    if failed:
        raise UserError(f"{failed} of {len(options.images)} pictures could not be read.")


def download_options(parser: ArgumentParser) -> None:
    parser.add_argument("data", choices=["pets"])
    text = "only the first so many of the archive"
    parser.add_argument("--max-images", type=positive(int), help=text)


def download(options: Namespace) -> None:
    """Get pictures from their official addresses."""
    from unet_core.jobs import downloads
    from unet_core.store.environment import data_folder

    target = data_folder() / options.data
    downloads.work(target, options.max_images, lambda _, done, total: show_progress(done, total))
    print(f"The {options.data} are in {target}.")


def export_options(parser: ArgumentParser) -> None:
    parser.add_argument("run")
    parser.add_argument("--format", choices=("onnx", "tflite", "savedmodel"), required=True)
    parser.add_argument("--out", type=Path, help="default: RUN.FORMAT in this folder")


def export(options: Namespace) -> None:
    """Write a run's model for another runtime."""
    quiet_tensorflow()
    from unet_core.models import load_run
    from unet_core.training.export import export as write

    run, model = load_run(options.run)
    path = options.out or Path(f"{run.name}.{options.format}")
    temperature = run.config.get("temperature", 1.0)
    print(write(model, path.absolute(), options.format, temperature))


COMMANDS: dict[str, tuple[Callable[[Namespace], None], Callable[[ArgumentParser], None] | None]] = {
    "app": (app, None),
    "models": (models, None),
    "train": (train, train_options),
    "evaluate": (evaluate, evaluate_options),
    "predict": (predict, predict_options),
    "download": (download, download_options),
    "export": (export, export_options),
}


def json_object(text: str) -> dict:
    """The type of an option that is a JSON object.

    >>> json_object('{"depth": 2}')
    {'depth': 2}
    """
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ArgumentTypeError(f"{text!r} is not a JSON object in braces")
    return value


def positive(kind: type) -> Callable[[str], float]:
    """The type of an option that is a number above zero, ``int`` or ``float``."""

    def number(text: str) -> float:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not 0 < value < math.inf:
            whole = "whole " if kind is int else ""
            raise ArgumentTypeError(f"{text!r} is not a {whole}number above zero")
        return value

    return number


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
