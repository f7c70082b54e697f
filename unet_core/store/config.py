"""The settings of a training: what each may be, and the recipes that ship with the package."""

import json
import math
import operator
import reprlib
from dataclasses import Field, asdict, dataclass, field, fields, replace
from pathlib import Path
from types import NoneType
from typing import Any, ClassVar, TypeVar, get_args

from unet_core.errors import UserError

RECIPES = Path(__file__).parent.parent / "recipes"
LOSSES = ("cross-entropy", "dice", "cross-entropy+dice")
OPTIMIZERS = ("adam", "adamw", "rmsprop")
AUGMENTATIONS = ("cutmix", "elastic", "xray", "standard", "flip", "none")
SCHEDULES = ("cosine", "constant", "plateau")
KINDS = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    dict: "a JSON object",
}


ENDS = {"at_least": operator.ge, "above": operator.gt, "at_most": operator.le, "below": operator.lt}


@dataclass(frozen=True)
class Setting:
    """What a setting is and may be: the checks and the command line are made from it.

    ``zero``: what 0 on the command line means, where the setting is None then. The type is that of
    the field; None is allowed where the field's type allows it.
    """

    help: str
    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None
    below: float | None = None
    choices: tuple[str | int, ...] = ()
    metavar: str | None = None
    zero: str = ""

    @property
    def range(self) -> str:
        """The range in words, such as "above 0 and at most 1"."""
        ends = ((name, getattr(self, name)) for name in ENDS)
        return " and ".join(f"{n.replace('_', ' ')} {end:,}" for n, end in ends if end is not None)

    def contains(self, number: float) -> bool:
        """Whether the number is in the range."""
        ends = ((is_within, getattr(self, name)) for name, is_within in ENDS.items())
        return all(end is None or is_within(number, end) for is_within, end in ends)


def setting(default: Any, help: str, **rules: Any) -> Any:
    """A field of `TrainingConfig` with its `Setting`; a ``default`` that is a type is called."""
    metadata = {"setting": Setting(help, **rules)}
    if isinstance(default, type):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


S = TypeVar("S", bound="Settings")


class Settings:
    """A dataclass whose fields are each a `setting` with its rules."""

    __dataclass_fields__: ClassVar[dict[str, Field]]

    def check(self: S) -> S:
        """Return self; ``UserError`` names the first setting that cannot work."""
        for place in fields(self):
            _check_setting(place, getattr(self, place.name))
        return self

    @classmethod
    def from_dict(cls: type[S], values: dict) -> S:
        """Build from a dictionary; ``UserError`` for a setting that does not exist or work."""
        if not isinstance(values, dict):
            raise UserError("The settings of a training are a JSON object.")
        if unknown := set(values) - {place.name for place in fields(cls)}:
            raise UserError(f"There is no setting called {', '.join(sorted(unknown))}.")
        return cls(**values).check()


@dataclass(frozen=True)
class UNetSettings(Settings):
    """What the from-scratch U-Net can be asked for: ``model_arguments`` of a `TrainingConfig`."""

    depth: int = setting(4, "halvings of the resolution", at_least=1, at_most=6)
    filters: int = setting(
        64, "channels of the first level; each below has twice as many", at_least=1, at_most=256
    )
    padding: str = setting(
        "same", "valid: unpadded convolutions, a smaller output", choices=("same", "valid")
    )
    batch_norm: bool = setting(False, "batch normalisation before each ReLU")
    dropout: float = setting(0.0, "part of the bottom's channels to leave out", at_least=0, below=1)
    skips: bool = setting(True, "skip connections from the encoder to the decoder")
    channels: int = setting(3, "3: red, green, blue; 1: the mean of them", choices=(1, 3))


DATA_HELP = "pets | synthetic | lungs | membrane | npz:FILE | folder:DIR"
PART = {"at_least": 0, "at_most": 1}
SIDE = {"at_least": 32, "at_most": 1024, "metavar": "PIXELS"}
EXAMPLE, JSON = """'{"filters": 16, "skips": false}'""", {"metavar": "JSON"}
ADAMW_DECAY = 1e-4
ENCODER_LR = 0.1


@dataclass(frozen=True)
class TrainingConfig(Settings):
    """All that is needed to repeat a training. Defaults are the app's default small run."""

    model: str = setting("mobilenetv2-fast", "a network from `python -m unet_core models`")
    model_arguments: dict = setting(dict, f"of a U-Net from scratch, such as {EXAMPLE}", **JSON)
    data: str = setting("synthetic", DATA_HELP)
    max_images: int | None = setting(
        160, "at most this many of the training split", at_least=4, zero="all"
    )
    pseudo_labels: str = setting(
        "", "a run that labels the data's unlabelled images, to train on them too", metavar="RUN"
    )
    negatives: str = setting(
        "", "images without objects, to train on too: built-in, or a data folder", metavar="SOURCE"
    )
    composites: int = setting(
        0,
        "scenes put together from the images and those without objects",
        at_least=0,
        at_most=10**5,
    )
    val_fraction: float = setting(
        0.1, "part of the training split that chooses the best epoch", above=0, at_most=0.5
    )
    image_size: int = setting(128, "side to which images are resized", **SIDE)
    score_size: int | None = setting(
        None, "side of the masks that are scored", zero="as --image-size", **SIDE
    )
    crop_size: int | None = setting(
        None, "side of random crops to train on instead of whole images", zero="none", **SIDE
    )
    epochs: int = setting(6, "passes over the images", at_least=1, at_most=10_000)
    batch_size: int = setting(8, "images a step", at_least=1, at_most=1024)
    loss: str = setting("cross-entropy+dice", "what is minimised", choices=LOSSES)
    weight_map: float = setting(
        0.0, "weight of gaps between objects (paper: 10); 0: none", at_least=0, at_most=100
    )
    optimizer: str = setting("adamw", "which one", choices=OPTIMIZERS)
    learning_rate: float = setting(1e-3, "its peak, in a schedule", above=0, at_most=1)
    weight_decay: float | None = setting(
        None, f"of adamw ({ADAMW_DECAY} if not given), not of batch norm and biases", **PART
    )
    ema_momentum: float = setting(
        0.0, "of an exponential moving average of the weights; 0: none", at_least=0, below=1
    )
    schedule: str = setting("cosine", "of the learning rate", choices=SCHEDULES)
    freeze_encoder: bool = setting(True, "a pretrained encoder keeps its weights")
    fine_tune_from: int = setting(
        0, "first block of an unfrozen encoder that learns; 0: all learn", at_least=0, at_most=16
    )
    encoder_weights: str = setting("auto", "auto | imagenet | a run | a file | none")
    encoder_lr_multiplier: float = setting(
        ENCODER_LR, "of the learning rate, for an encoder that learns", above=0, at_most=1
    )
    augmentation: str = setting("standard", "how images are varied", choices=AUGMENTATIONS)
    early_stopping: int = setting(
        0, "epochs without progress before stopping; 0: never", at_least=0, at_most=10_000
    )
    seed: int = setting(0, "of all that is drawn by chance", at_least=0, at_most=2**32 - 1)

    @property
    def decay(self) -> float:
        """The weight decay, also where it is left to the optimizer."""
        if self.weight_decay is None:
            return ADAMW_DECAY if self.optimizer == "adamw" else 0.0
        return self.weight_decay

    def check(self) -> "TrainingConfig":
        """Return self; ``UserError`` names the first setting that cannot work.

        What depends on the network is checked by `catalogue.check_network`.
        """
        super().check()
        learns = (self.fine_tune_from, self.encoder_lr_multiplier) != (0, ENCODER_LR)
        if self.weight_map and self.loss != "cross-entropy":
            raise UserError("A weight map needs the cross-entropy loss.")
        if self.decay and self.optimizer != "adamw":
            raise UserError(
                f"{self.optimizer} has no weight decay; choose the optimizer adamw, or decay 0."
            )
        if self.freeze_encoder and learns:
            raise UserError(
                "A frozen encoder does not learn; unfreeze it, or leave out what it learns with."
            )
        if self.composites and not self.negatives:
            raise UserError("Composites need images without objects as scenes; set negatives too.")
        if self.augmentation == "cutmix" and self.batch_size < 2:
            raise UserError("CutMix mixes the images of a batch, so a batch needs two.")
        return self

    def to_dict(self) -> dict:
        """As ``config.json`` has it: what was left to the optimizer is a number there."""
        return asdict(self) | {"weight_decay": self.decay}

    def changed(self, **values: Any) -> "TrainingConfig":
        """A copy with the given settings in place of the old ones."""
        return replace(self, **values).check()


def kind_of(place: Field) -> tuple[type, bool]:
    """The type of a field of a dataclass, and whether it may be None."""
    kinds = get_args(place.type) or (place.type,)
    return kinds[0], NoneType in kinds


def check_kind(name: str, value: object, kind: type) -> None:
    """``UserError`` unless the value of a setting is of this type; a float may be whole."""
    accepted = (int, float) if kind is float else kind
    is_kind = isinstance(value, accepted) and (kind is bool or not isinstance(value, bool))
    if not is_kind or (isinstance(value, float) and not math.isfinite(value)):
        raise UserError(f"{_words(name)} must be {KINDS[kind]}, not {reprlib.repr(value)}.")


def _check_setting(place: Field, value: Any) -> None:
    rule = place.metadata["setting"]
    kind, may_be_none = kind_of(place)
    if value is None and may_be_none:
        return
    check_kind(place.name, value, kind)
    if rule.choices and value not in rule.choices:
        must = f"one of {', '.join(map(str, rule.choices))}"
    elif rule.range and not rule.contains(value):
        must = rule.range
    elif kind is str and "\0" in value:
        must = "readable text"
    else:
        return
    raise UserError(f"{_words(place.name)} must be {must}, not {reprlib.repr(value)}.")


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def recipe_names() -> list[str]:
    """Names that ``--recipe`` accepts."""
    return sorted(path.stem for path in RECIPES.glob("*.json"))


def load_recipe(name: str) -> TrainingConfig:
    """Read a recipe that ships with the package; ``UserError`` when there is none of that name."""
    if name not in recipe_names():
        raise UserError(f"There is no recipe {name!r}; there are: {', '.join(recipe_names())}.")
    values = json.loads((RECIPES / f"{name}.json").read_text())
    return TrainingConfig.from_dict(values["training"])
