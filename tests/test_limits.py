import pytest

from unet_core.store.config import TrainingConfig
from unet_core.store.environment import Limits, from_environment

NAMES = {
    "UNET_MAX_EPOCHS": "epochs",
    "UNET_MAX_PICTURES": "images",
    "UNET_MAX_MINUTES": "minutes",
    "UNET_MAX_RUNS": "runs",
    "UNET_MAX_RUNS_MB": "megabytes",
    "UNET_MAX_UPLOAD_MB": "upload_megabytes",
}


def test_every_limit_has_its_variable(monkeypatch):
    for name in (*NAMES, "UNET_TRAINING"):
        monkeypatch.delenv(name, raising=False)
    assert from_environment() == Limits(True, None, None, None, 50, None, 100)
    for number, name in enumerate(NAMES, start=7):
        monkeypatch.setenv(name, str(number))
    limits = from_environment()
    assert [getattr(limits, name) for name in NAMES.values()] == [*range(7, 13)]


@pytest.mark.parametrize(("word", "allowed"), [("on", True), ("off", False), ("OFF", False)])
def test_training_is_switched_off_by_a_word(monkeypatch, word, allowed):
    monkeypatch.setenv("UNET_TRAINING", word)
    assert from_environment().training is allowed


def test_the_lower_of_wish_and_cap_counts():
    config = TrainingConfig(epochs=5, max_images=20)
    assert Limits(epochs=3, images=30).apply(config) == config.changed(epochs=3)
    assert Limits(epochs=8, images=10).apply(config) == config.changed(max_images=10)
    every = config.changed(max_images=None)
    assert Limits().apply(every) == every
