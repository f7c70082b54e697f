"""A training from its settings to its end, around the part that needs TensorFlow.

What can be done without TensorFlow, such as preparing the images, is done before it is imported,
so that the first sign of life comes at once.
"""

import shutil
import time
from datetime import datetime, timezone

from unet_core.architectures.catalogue import check_network
from unet_core.data import data_of
from unet_core.data.base import Dataset
from unet_core.data.composites import Composites
from unet_core.data.prepared import Prepared, joined, prepare
from unet_core.data.pseudo_labels import PseudoLabelled
from unet_core.errors import UserError
from unet_core.jobs.estimate import too_short
from unet_core.jobs.new_runs import further_data, split_names
from unet_core.jobs.protocol import Reporter, Stopped, working
from unet_core.store.config import TrainingConfig
from unet_core.store.files import write_json
from unet_core.store.runs import Run
from unet_core.store.schemas import SUBSET, read_as


def train(run: Run, minutes: float | None = None) -> None:
    """Train the run to its end, or go on with it; everything goes to its folder.

    Ends early, but whole, when a file ``stop`` appears in the folder or after ``minutes``.
    ``UserError`` when another process trains the same run.
    """
    if run.is_shipped:
        raise UserError("Shipped models stay as they are; train a new run by their recipe.")
    config = TrainingConfig.from_dict(run.config["training"])
    deadline = time.time() + 60 * minutes if minutes else None
    started = datetime.now(timezone.utc).isoformat(timespec="seconds")
    facts = {"phase": "Starting", "started": started, "epochs": config.epochs}
    forgotten = {"pace": None, "seconds_left": None}  # what an earlier process measured
    with working(run, f"{run.title} is being trained already.", **facts, **forgotten) as reporter:
        _train(run, config, reporter, deadline)


def _train(run: Run, config: TrainingConfig, reporter: Reporter, deadline: float | None) -> None:
    check_network(config)
    dataset = data_of(run.config)
    if len(dataset.classes) != len(run.classes):
        raise UserError(f"{dataset.title} has other classes than before; start a new run.")
    images = prepare_images(run, dataset, config, reporter)
    if warning := too_short(config, len(images[0])):
        print(warning)
    reporter.report(phase="Loading TensorFlow", message="")
    from unet_core.training.fit import fit

    ended = fit(run, config, dataset, *images, reporter, deadline)
    reporter.report(phase="Done", seconds_left=0, message="")
    if not ended:
        raise Stopped("" if reporter.should_stop() else "Its time was up.")
    shutil.rmtree(run.path / "backup", ignore_errors=True)


def prepare_images(
    run: Run, dataset: Dataset, config: TrainingConfig, reporter: Reporter
) -> tuple[Prepared, Prepared]:
    """Training and validation images, resized to ``config.image_size``, with their masks."""
    training, validation = kept_names(run, dataset, config)

    def progress(done: int, total: int) -> None:
        if reporter.should_stop():
            raise Stopped("Stopped before it began to learn.")
        reporter.progress(done, total, phase="Preparing pictures", message=f"{done} of {total}")

    images = prepare(dataset, training, config.image_size, progress)
    further = kept_further(run, further_data(dataset, config, training))
    more = [
        (data, prepare(data, names, config.image_size, progress))
        for data, names in further
        if names
    ]
    labelled = joined(images, *(part for data, part in more if isinstance(data, PseudoLabelled)))
    empty = [part for data, part in more if not isinstance(data, PseudoLabelled)]
    if config.composites:
        scenes = Composites(dataset, labelled, joined(*empty), config.composites, config.seed)
        empty.append(prepare(scenes, scenes.splits["trainval"], config.image_size, progress))
    return joined(labelled, *empty), prepare(dataset, validation, config.image_size, progress)


def kept_names(run: Run, dataset: Dataset, config: TrainingConfig) -> tuple[list[str], list[str]]:
    """Names to train on and to validate on, as `split_names` gave them at the run's first start.

    What is downloaded since does not change a resumed training.
    """
    path = run.path / "subset.json"
    if not path.exists():
        training, validation = split_names(dataset, config)
        write_json(path, {"training": training, "validation": validation})
    subset = _subset(run)
    return subset["training"], subset["validation"]


def kept_further(run: Run, further: list[Dataset]) -> list[tuple[Dataset, list[str]]]:
    """What else is trained on, with the names that were there at the first start."""
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
