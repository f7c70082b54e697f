"""A training from its settings to its end, around the part that needs TensorFlow.

What can be done without TensorFlow, such as preparing the pictures, is done before it is imported,
so that the first sign of life comes at once.
"""

import os
import shutil
import time
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from unet_core.catalogue import CATALOGUE, check_network
from unet_core.config import TrainingConfig
from unet_core.data import data_of, open_dataset
from unet_core.data.base import Dataset
from unet_core.data.negatives import open_negatives
from unet_core.data.prepared import Prepared, joined, prepare
from unet_core.data.self_labelled import SelfLabelled
from unet_core.errors import UserError
from unet_core.estimate import too_short
from unet_core.processes import locked
from unet_core.reporter import Reporter
from unet_core.run_files import SUBSET, read_as, write_json
from unet_core.runs import Run, create_run, find_run, unique_title


class StoppedEarly(Exception):
    """Somebody stopped the training before there was anything to keep."""


def new_run(config: TrainingConfig, name: str | None = None, title: str = "") -> Run:
    """Create the run folder for ``config``; ``UserError`` when it cannot be trained."""
    check_network(config.check())
    check_encoder_weights(config)
    dataset = open_dataset(config.data)
    check_border_weight(dataset, config)
    training, _ = split_names(dataset, config)
    further_data(dataset, config, training)
    return create_run(
        {
            "title": unique_title(title or f"{dataset.title}, {config.model}, {config.size} px"),
            "description": f"Trained on {dataset.title}.",
            "training": config.to_dict(),
            "classes": [asdict(c) for c in dataset.classes],
            "data_title": dataset.title,
            "data_credit": dataset.credit,
            "split_rule": dataset.split_rule,
        },
        name,
    )


def further_data(dataset: Dataset, config: TrainingConfig, training: list[str]) -> list[Dataset]:
    """What is learned from beside the pictures ``training`` of ``dataset``; ``UserError`` where it
    is not there or unfit."""
    more: list[Dataset] = []
    if config.teacher:
        more.append(SelfLabelled(dataset, config.teacher))
    if config.negatives:
        more += open_negatives(dataset, config.negatives, training)
    return more


def has_encoder(run: Run) -> bool:
    """Whether another run can start from its encoder."""
    entry = CATALOGUE.get(run.config["training"]["model"])
    return bool(entry) and not entry.is_from_scratch


def check_encoder_weights(config: TrainingConfig) -> None:
    """``UserError`` when the weights to start from are not there."""
    source = config.encoder_weights
    if source not in ("auto", "imagenet", "none") and not Path(source).is_file():
        donor = find_run(source)
        if not (donor.path / "model.weights.h5").is_file():
            raise UserError(f"The run {source!r} has no weights yet; let its training end first.")
        if not has_encoder(donor):
            raise UserError(f"The run {source!r} has no pretrained encoder to start from.")


def check_border_weight(dataset: Dataset, config: TrainingConfig) -> None:
    """``UserError`` where no class is the gap between objects."""
    if config.border_weight and len(dataset.classes) != 2:
        raise UserError(
            f"Weighted borders lie between objects on a background; {dataset.title} has "
            f"{len(dataset.classes)} classes. Set the border weight to 0."
        )


def split_names(dataset: Dataset, config: TrainingConfig) -> tuple[list[str], list[str]]:
    """Names to train on and names to choose the best epoch on.

    Drawn with the config's seed, or, where neighbours look alike, the first ones for validation.
    """
    names = list(dataset.splits["trainval"])
    if not dataset.gap:
        np.random.default_rng(config.seed).shuffle(names)
    count = len(names[: config.pictures])
    held_out = max(1, round(count * config.validation))
    validation, training = names[:held_out], names[held_out + dataset.gap :][: count - held_out]
    if (found := len(validation) + len(training)) < 4:
        raise UserError(f"{dataset.title} has {found} pictures to train on; 4 are needed.")
    return training, validation


def train(run: Run, minutes: float | None = None) -> None:
    """Train the run to its end, or go on with it; everything goes to its folder.

    Ends early, but whole, when a file ``stop`` appears in the folder or after ``minutes``.
    ``UserError`` when another process trains the same run.
    """
    if run.is_shipped:
        raise UserError("Shipped models stay as they are; train a new run by their recipe.")
    try:
        with locked(run.path / "lock", wait=False):
            _train(run, time.time() + 60 * minutes if minutes else None)
    except BlockingIOError:
        raise UserError(f"{run.title} is being trained already.") from None


def _train(run: Run, deadline: float | None) -> None:
    config = TrainingConfig.of_run(run.config["training"])
    reporter = Reporter(
        run, state="running", phase="Starting", pid=os.getpid(), epochs=config.epochs,
        started=datetime.now(timezone.utc).isoformat(timespec="seconds"), message="",
    )  # fmt: skip
    try:
        check_network(config)
        dataset = data_of(run.config)
        if len(dataset.classes) != len(run.classes):
            raise UserError(f"{dataset.title} has other classes than before; start a new run.")
        pictures = prepare_pictures(run, dataset, config, reporter)
        if short := too_short(config, len(pictures[0])):
            print(short)
        reporter.report(phase="Loading TensorFlow", message="")
        from unet_core import training

        ended = training.fit(run, config, dataset, *pictures, reporter, deadline)
        state = "done" if ended else "stopped"
        message = "" if ended or reporter.should_stop() else "Its time was up."
        reporter.close(state=state, phase="Done", seconds_left=0, message=message)
        if ended:
            shutil.rmtree(run.path / "backup", ignore_errors=True)
    except StoppedEarly:
        reporter.close(state="stopped", message="Stopped before it began to learn.")
    except BaseException as error:
        message = str(error) if isinstance(error, UserError | OSError) else repr(error)
        reporter.close(state="failed", message=message[:2000])
        raise


def kept_names(run: Run, dataset: Dataset, config: TrainingConfig) -> tuple[list[str], list[str]]:
    """`split_names` at the run's first start: what is downloaded since does not change a resumed
    training."""
    path = run.path / "subset.json"
    if not path.exists():
        training, validation = split_names(dataset, config)
        write_json(path, {"training": training, "validation": validation})
    subset = _subset(run)
    return subset["training"], subset["validation"]


def kept_further(run: Run, further: list[Dataset]) -> list[tuple[Dataset, list[str]]]:
    """The data that is learned from beside, with the names that were there at the first start."""
    subset = _subset(run)
    if "further" not in subset:
        subset["further"] = {data.name: data.splits["trainval"] for data in further}
        write_json(run.path / "subset.json", subset)
    return [(data, subset["further"].get(data.name, [])) for data in further]


def _subset(run: Run) -> dict:
    subset = read_as(run.path / "subset.json", SUBSET)
    if subset is None:
        raise UserError(
            f"What {run.title} learned from is not known any more: its subset.json is damaged. "
            "Start a new run with the same settings."
        )
    return subset


def prepare_pictures(
    run: Run, dataset: Dataset, config: TrainingConfig, reporter: Reporter
) -> tuple[Prepared, Prepared]:
    """Training and validation pictures at the network's size."""
    training, validation = kept_names(run, dataset, config)
    told = 0.0

    def tell(done: int, total: int) -> None:
        nonlocal told
        if time.time() - told > 0.3:
            if reporter.should_stop():
                raise StoppedEarly
            told = time.time()
            reporter.report(phase="Preparing pictures", message=f"{done} of {total}")

    pictures = prepare(dataset, training, config.size, tell)
    further = kept_further(run, further_data(dataset, config, training))
    more = [prepare(data, names, config.size, tell) for data, names in further if names]
    return joined(pictures, *more), prepare(dataset, validation, config.size, tell)
