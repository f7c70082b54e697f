"""What a training run is made of: the settings that the Train page and the command line share."""

import json
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

from unet_core.errors import UserError

RECIPES = Path(__file__).parent / "recipes"
LOSSES = ("cross-entropy", "dice", "cross-entropy+dice")
OPTIMIZERS = ("adam", "adamw", "rmsprop")
AUGMENTATIONS = ("strong", "elastic", "full", "flip", "none")
ENCODERS = ("frozen", "late", "tuned")


@dataclass(frozen=True)
class TrainingConfig:
    """All that is needed to repeat a training. Defaults are the app's default small run."""

    model: str = "mobilenetv2-fast"
    model_arguments: dict = field(default_factory=dict)
    data: str = "drawn"  # pets | drawn | lungs | membrane | npz:FILE | folder:DIR
    pictures: int | None = 160  # at most this many of the training split; None: all
    teacher: str = ""  # a run that labels the data's unlabelled pictures; they are trained on too
    negatives: str = ""  # a folder of pictures without objects; they are trained on too
    validation: float = 0.1  # part of the training split that chooses the best epoch
    size: int = 128  # pictures are resized to size x size pixels
    score_size: int | None = None  # masks are scored at this side; None: at ``size``
    crop: int | None = None  # train on random crop x crop windows instead of the whole picture
    epochs: int = 6
    batch_size: int = 8
    loss: str = "cross-entropy+dice"
    border_weight: float = 0.0  # of pixels between touching objects, in cross-entropy; 0: as all
    optimizer: str = "adamw"
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4  # adamw only
    weight_average: float = 0.0  # momentum of a moving average of the weights; 0: none
    schedule: str = "cosine"  # cosine | constant | plateau
    encoder: str = "frozen"  # frozen | late (tuned from block 7 on) | tuned
    encoder_weights: str = "auto"  # auto | imagenet | a shipped run's name | a file | none
    encoder_rate: float = 0.1  # a tuned encoder learns at this fraction of the learning rate
    augmentation: str = "full"  # strong | elastic | full | flip | none
    early_stopping: int = 0  # epochs without progress before stopping; 0: never
    seed: int = 0

    def check(self) -> "TrainingConfig":
        """Return self; ``UserError`` names the first setting that cannot work."""
        checks = [
            (self.loss in LOSSES, f"The loss must be one of {', '.join(LOSSES)}."),
            (self.optimizer in OPTIMIZERS, f"The optimizer is one of {', '.join(OPTIMIZERS)}."),
            (self.encoder in ENCODERS, f"The encoder is one of {', '.join(ENCODERS)}."),
            (
                self.augmentation in AUGMENTATIONS,
                f"The augmentation is one of {', '.join(AUGMENTATIONS)}.",
            ),
            (
                not self.border_weight or self.loss == "cross-entropy",
                "Weighted borders need the cross-entropy loss.",
            ),
            (0 <= self.border_weight <= 100, "The border weight lies between 0 and 100."),
            (0 <= self.weight_average < 1, "The weight average lies between 0 and 1."),
            (self.epochs >= 1, "A training needs at least one epoch."),
            (self.batch_size >= 1, "A batch needs at least one picture."),
            (32 <= self.size <= 1024, "The picture size must lie between 32 and 1024 pixels."),
            (
                self.score_size is None or 32 <= self.score_size <= 1024,
                "The size for scoring must lie between 32 and 1024 pixels.",
            ),
            (self.learning_rate > 0, "The learning rate must be above zero."),
            (self.pictures is None or self.pictures >= 4, "Training needs at least 4 pictures."),
            (0 < self.validation < 1, "The validation part must lie between 0 and 1."),
        ]
        for good, message in checks:
            if not good:
                raise UserError(message)
        return self

    def to_dict(self) -> dict:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict) -> "TrainingConfig":
        """Build from a dictionary; ``UserError`` for a setting that does not exist."""
        unknown = set(values) - {f.name for f in fields(cls)}
        if unknown:
            raise UserError(f"There is no setting called {', '.join(sorted(unknown))}.")
        return cls(**values).check()

    def changed(self, **values) -> "TrainingConfig":
        """A copy with the given settings in place of the old ones."""
        return replace(self, **values).check()


def recipe_names() -> list[str]:
    """Names that ``--recipe`` accepts."""
    return sorted(path.stem for path in RECIPES.glob("*.json"))


def load_recipe(name: str) -> TrainingConfig:
    """Read a recipe that ships with the package; ``UserError`` when there is none of that name."""
    if name not in recipe_names():
        raise UserError(f"There is no recipe {name!r}; there are: {', '.join(recipe_names())}.")
    values = json.loads((RECIPES / f"{name}.json").read_text())
    return TrainingConfig.from_dict(values["training"])
