"""A run folder for a training, from settings that are known to work."""

from dataclasses import asdict
from pathlib import Path

import numpy as np

from unet_core.architectures.catalogue import CATALOGUE, check_network
from unet_core.data import open_dataset
from unet_core.data.base import Dataset
from unet_core.data.negatives import open_negatives
from unet_core.data.pseudo_labels import PseudoLabelled
from unet_core.errors import UserError
from unet_core.store.config import TrainingConfig
from unet_core.store.runs import Run, create_run, find_run, unique_title


def new_run(config: TrainingConfig, name: str | None = None, title: str = "") -> Run:
    """Create the run folder for ``config``; ``UserError`` when it cannot be trained."""
    check_network(config.check())
    check_encoder_weights(config)
    dataset = open_dataset(config.data)
    check_border_weight(dataset, config)
    training, _ = split_names(dataset, config)
    further_data(dataset, config, training)
    default_title = f"{dataset.title}, {config.model}, {config.image_size} px"
    facts = {
        "title": unique_title(title or default_title),
        "description": f"Trained on {dataset.title}.",
        "training": config.to_dict(),
        "classes": [asdict(c) for c in dataset.classes],
        "data_title": dataset.title,
        "data_credit": dataset.credit,
        "split_rule": dataset.split_rule,
    }
    return create_run(facts, name)


def further_data(dataset: Dataset, config: TrainingConfig, training: list[str]) -> list[Dataset]:
    """What is learned from beside the images ``training`` of ``dataset``; ``UserError`` where it
    is not there or unfit."""
    more: list[Dataset] = []
    if config.pseudo_labels:
        more.append(PseudoLabelled(dataset, config.pseudo_labels))
    if config.negatives:
        more += open_negatives(dataset, config.negatives, training)
    return more


def has_encoder(run: Run) -> bool:
    """Whether another run can start from its encoder."""
    entry = CATALOGUE.get(run.config["training"]["model"])
    return entry is not None and not entry.is_from_scratch


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
    if config.weight_map and len(dataset.classes) != 2:
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
    count = len(names[: config.max_images])
    held_out = max(1, round(count * config.val_fraction))
    validation, training = names[:held_out], names[held_out + dataset.gap :][: count - held_out]
    if (found := len(validation) + len(training)) < 4:
        raise UserError(f"{dataset.title} has {found} pictures to train on; 4 are needed.")
    return training, validation
