"""What a network is trained by and judged by, and how its weights are kept."""

import h5py
import keras
import numpy as np
import pytest

from unet_core.models import build
from unet_core.models.losses import SegmentationLoss
from unet_core.store.config import TrainingConfig
from unet_core.training.export import save_weights
from unet_core.training.fit import compile_model

pytestmark = pytest.mark.slow


def judged(truth, logits, **settings) -> dict[str, float]:
    """What Keras reports of a network that gives these logits."""
    logits, truth = np.float32(logits), np.int32(truth)
    given = keras.Input(logits.shape[1:])
    model = keras.Model(given, keras.layers.Activation("linear")(given))
    compile_model(model, TrainingConfig(**settings), 10)
    return model.evaluate(logits, truth, verbose=0, return_dict=True)


def test_scores_of_one_channel():
    """Two of four found, one invented."""
    truth = [[[1, 1, 1, 1], [0, 0, 0, 0]]]
    logits = np.array([[[2, 1, -1, -1], [3, -0.5, -2, -2]]])[..., None]
    scores = judged(truth, logits, loss="dice")
    assert scores.pop("loss") == pytest.approx(
        float(SegmentationLoss("dice")(np.int32(truth), np.float32(logits))), rel=1e-5
    )
    expected = {
        "accuracy": 5 / 8,
        "mean_iou": (2 / 5 + 3 / 6) / 2,
        "dice": 4 / 7,
        "precision": 2 / 3,
        "recall": 2 / 4,
        "auc": (0 + 2 + 4 + 4) / 16,  # pairs in which what is there has the higher logit
    }
    assert scores == pytest.approx(expected, abs=1e-5)


def test_scores_of_three_channels():
    truth = [[[0, 1, 2], [2, 0, 1]]]
    seen = np.array([[[0, 1, 2], [0, 0, 2]]])
    scores = judged(truth, 5 * np.eye(3)[seen], loss="cross-entropy")
    entropy = float(SegmentationLoss("cross-entropy")(np.int32(truth), 5 * np.eye(3)[seen]))
    expected = {"loss": entropy, "accuracy": 4 / 6, "mean_iou": (2 / 3 + 1 / 2 + 1 / 3) / 3}
    assert scores == pytest.approx(expected, abs=1e-5)


def test_short_trainings_average_over_fewer_steps():
    """The weights over the whole training, batch normalization's statistics over an epoch."""
    model = build("compact", 1, {"depth": 1, "filters": 2, "batch_norm": True}, 16)
    compile_model(model, TrainingConfig(epochs=3, ema_momentum=0.99), 10)
    assert model.optimizer.use_ema
    assert model.optimizer.ema_momentum == pytest.approx(0.05 ** (1 / 30))
    kind = keras.layers.BatchNormalization
    momenta = {layer.momentum for layer in model.layers if isinstance(layer, kind)}
    assert momenta == {model.optimizer.ema_momentum}
    model = build("compact", 1, {"depth": 1, "filters": 2, "batch_norm": True}, 16)
    compile_model(model, TrainingConfig(epochs=3), 10)
    assert not model.optimizer.use_ema
    momenta = {layer.momentum for layer in model.layers if isinstance(layer, kind)}
    assert momenta == {0.05 ** (1 / 10)}


def test_weights_are_kept_as_float16_and_come_back(tmp_path):
    arguments = {"depth": 1, "filters": 2, "batch_norm": True, "dropout": 0.5}
    model = build("compact", 1, arguments, 16)
    model.set_weights([w + 0.3 for w in model.get_weights()])
    path = tmp_path / "model.weights.h5"
    save_weights(model, path)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    kinds = set()
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: kinds.add(item.dtype) if isinstance(item, h5py.Dataset) else None
        )
    assert kinds == {np.dtype(np.float16)}
    again = build("compact", 1, arguments, 16)
    again.load_weights(path)
    for before, after in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(after, before.astype(np.float16).astype(np.float32))
