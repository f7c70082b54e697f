import pytest

from unet_core.__main__ import main
from unet_core.config import TrainingConfig, load_recipe, recipe_names
from unet_core.errors import UserError


@pytest.mark.parametrize(
    "command", ["models", "train", "evaluate", "predict", "download", "export"]
)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: python -m unet_core {command}")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["evaluate", "nobody", "--data", "drawn"], "no run called 'nobody'"),
        (["predict", "x.png", "--model", "../x", "--out", "out"], "no run called"),
        (["train", "--epochs", "0"], "Epochs must be at least 1"),
        (["train", "--learning-rate", "nan"], "Learning rate must be a number"),
        (["train", "--data", "birds"], "no data set 'birds'"),
    ],
)
def test_a_users_mistake_gets_a_sentence_and_exit_code_2(arguments, says, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and says in error


def test_every_recipe_is_a_valid_training():
    assert "pets" in recipe_names()
    for name in recipe_names():
        assert load_recipe(name).check()


def test_a_setting_that_does_not_exist_is_named():
    with pytest.raises(UserError, match="epoch_count"):
        TrainingConfig.from_dict({"epoch_count": 3})
