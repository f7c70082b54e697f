"""The settings of a training: all are checked, and all can be given on the command line."""

import math
from dataclasses import MISSING, fields

import pytest

from unet_core import cli
from unet_core.architectures.catalogue import check_network
from unet_core.errors import UserError
from unet_core.jobs.new_runs import new_run
from unet_core.store import legacy
from unet_core.store.config import TrainingConfig, load_recipe, recipe_names
from unet_core.store.environment import runs_folder
from unet_core.store.runs import Run, write_json
from unet_core.training import process

FIELDS = {place.name: place for place in fields(TrainingConfig)}
OTHER = {  # for each setting another value than its default, and as the command line takes it
    "model": ("compact", "compact"),
    "model_arguments": ({"filters": 8}, '{"filters": 8}'),
    "data": ("folder:x", "folder:x"),
    "max_images": (None, "0"),
    "pseudo_labels": ("pets", "pets"),
    "negatives": ("people", "people"),
    "composites": (40, "40"),
    "val_fraction": (0.2, "0.2"),
    "image_size": (64, "64"),
    "score_size": (96, "96"),
    "crop_size": (96, "96"),
    "epochs": (2, "2"),
    "batch_size": (3, "3"),
    "loss": ("dice", "dice"),
    "weight_map": (10.0, "10"),
    "optimizer": ("rmsprop", "rmsprop"),
    "learning_rate": (0.01, "0.01"),
    "weight_decay": (0.0, "0"),
    "ema_momentum": (0.9, "0.9"),
    "schedule": ("plateau", "plateau"),
    "freeze_encoder": (False, None),
    "fine_tune_from": (7, "7"),
    "encoder_weights": ("pets", "pets"),
    "encoder_lr_multiplier": (0.5, "0.5"),
    "augmentation": ("none", "none"),
    "early_stopping": (4, "4"),
    "seed": (7, "7"),
}
WITH = {
    "composites": {"negatives": "built-in"},
    "weight_map": {"loss": "cross-entropy"},
    "encoder_lr_multiplier": {"freeze_encoder": False},
    "fine_tune_from": {"freeze_encoder": False},
}
HUGE = 10**400
WRONG = {
    "model": [None, 3, "a\0b"],
    "model_arguments": [None, [], "{}"],
    "data": [None, 0, True],
    "max_images": [3, 0, -1, 8.0, True, "8"],
    "pseudo_labels": [None, 1],
    "negatives": [None, 1],
    "composites": [-1, 100_001, 1.0, True, None],
    "val_fraction": [0, -0.1, 0.6, 1, math.nan, math.inf, True, "0.1", None],
    "image_size": [31, 1025, 128.0, "128", True, None],
    "score_size": [0, 31, 1025, 64.0, False],
    "crop_size": [0, 31, 1025, 64.0, False],
    "epochs": [0, -1, 10_001, 1.0, True, math.nan, None],
    "batch_size": [0, -1, 1025, 1.0, True, None],
    "loss": ["mse", None, 3],
    "weight_map": [-1, 101, math.nan, True, None],
    "optimizer": ["sgd", "Adam", None],
    "learning_rate": [0, -1e-3, 1.1, math.nan, math.inf, -math.inf, HUGE, "1e-3", True, None],
    "weight_decay": [-1e-4, 1.1, math.nan, True, "0"],
    "ema_momentum": [-0.1, 1, 1.0, math.nan, True, None],
    "schedule": ["cosin", "", None],
    "freeze_encoder": ["yes", 1, None],
    "fine_tune_from": [-1, 17, 0.5, True, None],
    "encoder_weights": [None, 1],
    "encoder_lr_multiplier": [0, -0.1, 1.1, math.nan, True, None],
    "augmentation": ["weak", None],
    "early_stopping": [-1, 10_001, 1.5, True, None],
    "seed": [-1, 2**32, 0.5, True, None],
}
EDGES = {  # values at the ends of the ranges, which are allowed
    "composites": [0],
    "max_images": [4],
    "val_fraction": [1e-9, 0.5],
    "image_size": [32, 1024],
    "score_size": [32, 1024],
    "crop_size": [32, 1024],
    "epochs": [1, 10_000],
    "batch_size": [1, 1024],
    "learning_rate": [1e-12, 1],
    "weight_decay": [0, 1],
    "ema_momentum": [0, 0.999999],
    "fine_tune_from": [0, 16],
    "encoder_lr_multiplier": [1e-9, 1],
    "early_stopping": [0, 10_000],
    "seed": [0, 2**32 - 1],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name in FIELDS for value in WRONG[name]]
)
def test_what_is_out_of_range_or_of_another_kind_is_named(name, value):
    words = name.replace("_", " ").capitalize()
    with pytest.raises(UserError, match=f"^{words} must be "):
        TrainingConfig(**({name: value} | WITH.get(name, {}))).check()


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in EDGES.items() for value in values]
)
def test_the_ends_of_a_range_are_allowed(name, value):
    TrainingConfig(**({name: value} | WITH.get(name, {}))).check()


def test_the_message_says_what_would_do():
    with pytest.raises(UserError, match="^Learning rate must be above 0 and at most 1, not -0.5.$"):
        TrainingConfig(learning_rate=-0.5).check()
    with pytest.raises(UserError, match="cosine, constant, plateau, not 'cosin'"):
        TrainingConfig(schedule="cosin").check()


@pytest.mark.parametrize("name", FIELDS)
def test_every_setting_can_be_given_on_the_command_line(name):
    value, text = OTHER[name]
    place = FIELDS[name]
    default = place.default_factory() if place.default is MISSING else place.default
    assert value != default
    option = name.replace("_", "-")
    words = [f"--no-{option}"] if text is None else [f"--{option}", text]
    options = cli.parse(["train", *words])
    given = cli.chosen_settings(options)
    assert given == {name: value} and type(given[name]) is type(value)


@pytest.mark.parametrize("text", ["[1]", "3", "{filters: 8}", "null"])
def test_arguments_that_are_no_json_object_are_refused_in_words(text, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["train", "--model-arguments", text])
    assert end.value.code == 2 and "is not a JSON object" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["0", "-3", "nan", "inf", "soon"])
def test_minutes_are_above_zero(text, capsys):
    with pytest.raises(SystemExit) as end:
        cli.main(["train", "--minutes", text])
    assert end.value.code == 2 and "not a number above zero" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"weight_map": 5.0}, "needs the cross-entropy loss"),
        ({"optimizer": "adam", "weight_decay": 1e-4}, "adam has no weight decay"),
        ({"optimizer": "rmsprop", "weight_decay": 1e-4}, "rmsprop has no weight decay"),
        ({"encoder_lr_multiplier": 0.5}, "frozen encoder does not learn"),
        ({"augmentation": "cutmix", "batch_size": 1}, "a batch needs two"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(changes, says):
    with pytest.raises(UserError, match=says):
        TrainingConfig(**changes).check()


SCRATCH = {"model": "compact"}
UNPADDED = {"model": "original", "image_size": 512}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"schedule": "cosin"}, "Schedule must be one of"),
        ({"model": "vgg"}, "no network 'vgg'"),
        ({"crop_size": 160}, "do not fit into images of 128"),
        (SCRATCH | {"crop_size": 144}, "do not fit into images of 128"),
        (UNPADDED | {"crop_size": 700}, "do not fit into images of 512"),
        ({"model": "original", "image_size": 92}, "more than 92 pixels"),
        ({"image_size": 100}, "multiples of 32"),
        ({"crop_size": 40}, "multiples of 32"),
        (SCRATCH | {"crop_size": 40}, "the nearest that do"),
        ({"model_arguments": {"filters": 8}}, "has no arguments"),
        (SCRATCH | {"model_arguments": {"width": 8}}, "no setting called width"),
        (SCRATCH | {"model_arguments": {"filters": "8"}}, "Filters must be a whole number"),
        (SCRATCH | {"model_arguments": {"filters": True}}, "Filters must be a whole number"),
        (SCRATCH | {"model_arguments": {"depth": 2.0}}, "Depth must be a whole number"),
        (SCRATCH | {"model_arguments": {"depth": 9}}, "Depth must be at least 1"),
        (SCRATCH | {"model_arguments": {"dropout": math.nan}}, "Dropout must be a number"),
        (SCRATCH | {"model_arguments": {"dropout": "a"}}, "Dropout must be a number"),
        (SCRATCH | {"model_arguments": {"skips": 1}}, "Skips must be true or false"),
        (SCRATCH | {"model_arguments": {"padding": None}}, "Padding must be text"),
        (SCRATCH | {"freeze_encoder": False, "fine_tune_from": 7}, "no pretrained encoder"),
        (SCRATCH | {"encoder_weights": "imagenet"}, "no pretrained encoder"),
        (
            SCRATCH | {"freeze_encoder": False, "encoder_lr_multiplier": 0.5},
            "no pretrained encoder",
        ),
        ({"encoder_weights": "nobody"}, "no run called 'nobody'"),
        ({"weight_map": 5.0, "loss": "cross-entropy"}, "has 3 classes"),
        ({"data": "birds"}, "no data set 'birds'"),
        ({"pseudo_labels": "nobody"}, "no run called 'nobody'|not labelled|unlabelled"),
        ({"negatives": "nowhere"}, "nowhere"),
    ],
)
def test_what_cannot_be_trained_never_gets_a_run_folder(changes, says):
    with pytest.raises(UserError, match=says):
        new_run(TrainingConfig(**changes))
    assert not runs_folder().exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"crop_size": 128},
        {
            "crop_size": 96,
            "freeze_encoder": False,
            "encoder_lr_multiplier": 1.0,
            "encoder_weights": "none",
        },
        SCRATCH | {"crop_size": 128, "model_arguments": {"dropout": 0, "skips": False}},
        UNPADDED | {"crop_size": 572},
        {"model": "original", "image_size": 93},
    ],
)
def test_what_fits_is_not_refused(changes):
    check_network(TrainingConfig(**changes).check())


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_fits_its_network(name):
    check_network(load_recipe(name))


def test_an_early_run_whose_optimizer_ignored_its_decay_can_be_resumed():
    early = TrainingConfig().to_dict() | {"optimizer": "adam", "weight_decay": 1e-4}
    with pytest.raises(UserError, match="no weight decay"):
        TrainingConfig.from_dict(early)
    assert TrainingConfig.from_dict(legacy.training(early)).decay == 0
    decaying = legacy.training(early | {"optimizer": "adamw"})
    assert TrainingConfig.from_dict(decaying).decay == 1e-4


def test_the_config_file_says_the_decay_that_was_left_to_the_optimizer():
    assert TrainingConfig().to_dict()["weight_decay"] == 1e-4
    assert TrainingConfig(optimizer="adam").to_dict()["weight_decay"] == 0
    assert TrainingConfig().changed(optimizer="adam").decay == 0
    assert TrainingConfig(weight_decay=0.0).to_dict()["weight_decay"] == 0


@pytest.mark.parametrize("values", [None, [], "x", {"epoch_count": 3}])
def test_settings_that_are_none_are_refused(values):
    with pytest.raises(UserError):
        TrainingConfig.from_dict(values)


def test_a_run_whose_network_there_is_not_fails_in_words():
    run = new_run(TrainingConfig())
    settings = run.config["training"] | {"model": "vgg"}
    write_json(run.path / "config.json", run.config | {"training": settings})
    with pytest.raises(UserError):
        process.train(Run(run.path))
    assert run.status["state"] == "failed" and "no network 'vgg'" in run.status["message"]
