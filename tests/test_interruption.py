"""An interrupted training, once it is resumed, is the training that was never interrupted."""

import shutil

import h5py
import keras
import numpy as np
import pytest

from unet_core.data.prepared import Prepared
from unet_core.store.classes import ClassInfo
from unet_core.store.config import TrainingConfig
from unet_core.store.files import read_json, write_json
from unet_core.store.runs import Run, create_run
from unet_core.training import checkpoints
from unet_core.training import fit as training
from unet_core.training.batches import MAX_STEPS, TrainingBatches
from unet_core.training.callbacks import LiveProgress
from unet_core.training.checkpoints import cut_rows

pytestmark = pytest.mark.slow

NETWORK = {"filters": 2, "depth": 1, "batch_norm": True, "dropout": 0.2}
SIZES = {"image_size": 32, "epochs": 4, "batch_size": 2, "seed": 1}
LEARNING = {"loss": "cross-entropy", "learning_rate": 0.01, "ema_momentum": 0.7}
SMOOTH = TrainingConfig(
    model="compact", model_arguments=NETWORK, augmentation="cutmix", **SIZES, **LEARNING
)
# So slow that no epoch is better than the first: the rate falls after five, the end comes after
# seven.
SLOW = {"optimizer": "adam", "schedule": "plateau", "ema_momentum": 0.0, "learning_rate": 1e-12}
PATIENT = SMOOTH.changed(
    model_arguments=NETWORK | {"batch_norm": False, "dropout": 0},
    early_stopping=7,
    epochs=20,
    **SLOW,
)
STEPS = 5  # an epoch, of nine images
REFERENCES: dict[int, tuple] = {}


class Killed(BaseException):
    """Stands in for the end of the process."""


class FewImages:
    classes = (ClassInfo("background", "#000000", "background"), ClassInfo("object", "#ffffff"))
    splits = {"trainval": [], "test": []}


def evaluated(run: Run, dataset, split: str, progress) -> dict:
    """In place of the scores, which would need an exported network."""
    assert dataset is FewImages and split == "test"
    return {}


class Reporter:
    def __init__(self, stop_at: int | None = None):
        self.stop_at, self.asked = stop_at, 0

    def report(self, **changes):
        pass

    def should_stop(self) -> bool:
        self.asked += 1
        return self.asked == self.stop_at


@pytest.fixture
def images() -> tuple[Prepared, Prepared]:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (12, 32, 32, 3), dtype=np.uint8)
    masks = (images.mean(-1) > 128).astype(np.uint8)
    names = [str(number) for number in range(12)]
    return Prepared(names[:9], images[:9], masks[:9]), Prepared(names[9:], images[9:], masks[9:])


@pytest.fixture
def seen(monkeypatch) -> list:
    """What each step that counted was made of: its number, its rate and the images' sum."""
    seen = []
    original = LiveProgress.on_train_batch_end
    gather = TrainingBatches._gather
    sums = {}

    def gathered(self, rows, number):
        images, truth = gather(self, rows, number)
        sums[int(number)] = int(images.astype(int).sum()), tuple(map(int, rows))
        return images, truth

    def batch_end(self, batch, logs=None):
        rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        number = self.epoch * MAX_STEPS + batch
        seen.append((self.epoch, batch, round(rate, 9), sums[number]))
        original(self, batch, logs)

    monkeypatch.setattr(TrainingBatches, "_gather", gathered)
    monkeypatch.setattr(LiveProgress, "on_train_batch_end", batch_end)
    monkeypatch.setattr(training, "export", lambda *_: None)
    monkeypatch.setattr(training, "describe_known", lambda *_: None)
    monkeypatch.setattr(training, "evaluate", evaluated)
    return seen


def new_run(config: TrainingConfig, name: str) -> Run:
    return create_run({"title": name, "training": config.to_dict(), "classes": []}, name)


def weights(run: Run) -> dict[str, np.ndarray]:
    found = {}
    with h5py.File(run.path / "model.weights.h5") as file:
        file["layers"].visititems(
            lambda name, item: found.update({name: item[()]} if hasattr(item, "shape") else {})
        )
    assert found
    return found


def check_same(run: Run, reference: Run) -> None:
    """The same history, without holes or repeats on disk, and the same weights."""
    assert len((run.path / "history.csv").read_text().splitlines()) == len(run.history) + 1
    assert [row["epoch"] for row in run.history] == [row["epoch"] for row in reference.history]
    for row, expected in zip(run.history, reference.history, strict=True):
        for key in set(expected) - {"seconds"}:
            assert row[key] == pytest.approx(expected[key], rel=1e-3, abs=1e-4), key
    steps = [row["step"] for row in run.steps]
    assert steps == sorted(set(steps)) and steps[-1] == STEPS * len(run.history)
    ours, theirs = weights(run), weights(reference)
    assert ours.keys() == theirs.keys()
    for name, values in theirs.items():
        np.testing.assert_allclose(ours[name], values, rtol=2e-3, atol=1e-3, err_msg=name)


def raise_killed(*_, **__):
    raise Killed


def stop_in_the_third_epoch(monkeypatch):
    """A polite stop after two of its five batches."""
    return Reporter(stop_at=2 * STEPS + 2)


def kill_between_batches(monkeypatch):
    class Killer(Reporter):
        def should_stop(self) -> bool:
            return super().should_stop() and raise_killed()

    return Killer(stop_at=2 * STEPS + 2)


def kill_before_the_history(monkeypatch):
    """After the best weights of the second epoch were written."""
    original = keras.callbacks.CSVLogger.on_epoch_end

    def die(self, epoch, logs=None):
        original(self, epoch, logs) if epoch < 1 else raise_killed()

    monkeypatch.setattr(keras.callbacks.CSVLogger, "on_epoch_end", die)
    return Reporter()


def kill_before_the_backup(monkeypatch):
    """After the history's second row was written."""
    original = checkpoints.Backup.on_epoch_end

    def die(self, epoch, logs=None):
        original(self, epoch, logs) if epoch < 1 else raise_killed()

    monkeypatch.setattr(checkpoints.Backup, "on_epoch_end", die)
    return Reporter()


def kill_within_the_first_backup(monkeypatch):
    """Half of the file is there."""

    def die(self, epoch, logs=None):
        self.path.with_name(f"new.{self.path.name}").write_bytes(b"half")
        raise Killed

    monkeypatch.setattr(checkpoints.Backup, "on_epoch_end", die)
    return Reporter()


def kill_while_exporting(monkeypatch):
    monkeypatch.setattr(training, "finish", raise_killed)
    return Reporter()


def uninterrupted(config: TrainingConfig, images, seen: list) -> tuple[Run, dict]:
    """The run that everything is compared with, trained once, and its steps."""
    if id(config) not in REFERENCES:
        run = new_run(config, "reference")
        assert training.fit(run, config, FewImages, *images, Reporter())
        REFERENCES[id(config)] = run, dict.fromkeys(seen)
        seen.clear()
    return REFERENCES[id(config)]


@pytest.mark.parametrize(
    ("config", "interruption"),
    [
        (SMOOTH, stop_in_the_third_epoch),
        (SMOOTH, kill_between_batches),
        (SMOOTH, kill_before_the_history),
        (SMOOTH, kill_before_the_backup),
        (SMOOTH, kill_within_the_first_backup),
        (PATIENT, kill_before_the_backup),
        (PATIENT, kill_while_exporting),
    ],
)
def test_nothing_is_lost(config, interruption, images, seen, monkeypatch):
    reference, expected = uninterrupted(config, images, seen)
    run = new_run(config, "interrupted")
    with monkeypatch.context() as patch:
        try:
            ended = training.fit(run, config, FewImages, *images, interruption(patch))
        except Killed:
            ended = False
    assert not ended and len(run.history) <= len(reference.history)
    assert training.fit(run, config, FewImages, *images, Reporter())
    assert dict.fromkeys(sorted(seen)) == expected
    check_same(run, reference)


def test_a_run_without_its_backup_starts_anew_and_keeps_its_best_weights(images, seen):
    """As one whose zip was downloaded, which has no backup, and put back."""
    reference, _ = uninterrupted(SMOOTH, images, seen)
    run = new_run(SMOOTH, "again")
    assert training.fit(run, SMOOTH, FewImages, *images, Reporter())
    shutil.rmtree(run.path / "backup")
    write_json(run.path / "evaluation.json", {"of": "other weights"})
    (run.path / "samples" / "epoch-009.png").touch()
    (run.path / "steps.csv").write_bytes(b"")  # a disk was full
    assert training.fit(run, SMOOTH, FewImages, *images, Reporter())
    check_same(run, reference)
    assert read_json(run.path / "evaluation.json") == {}
    assert len(list((run.path / "samples").iterdir())) == SMOOTH.epochs


def test_patience_survives_and_ends_the_training_in_time(images, seen):
    """What the tests above compare with: five epochs of patience, then seven."""
    run, _ = uninterrupted(PATIENT, images, seen)
    assert len(run.history) == 8
    rates = [row["learning_rate"] for row in run.history]
    assert rates == pytest.approx([1e-12] * 6 + [1e-13] * 2)


def test_the_best_weights_are_kept_not_the_last(images, seen, monkeypatch):
    """Early stopping, plateau and best weights watch the validation's mean IoU."""
    scores = iter([0.3, 0.6, 0.2, 0.5])
    original = keras.callbacks.CallbackList.on_test_end
    kept = []

    def scored(self, logs=None):
        logs["mean_iou"] = next(scores)
        logs["loss"] = 1.0 - 0.1 * len(kept)  # falls and falls
        kept.append([w.numpy() for w in self._model.weights])
        original(self, logs)

    monkeypatch.setattr(keras.callbacks.CallbackList, "on_test_end", scored)
    run = new_run(SMOOTH, "best")
    training.fit(run, SMOOTH, FewImages, *images, Reporter())
    saved = sorted(float(np.abs(w).sum()) for w in weights(run).values())
    second, last = (
        sorted(float(np.abs(w).sum()) for w in kept[i] if w.dtype == np.float32) for i in (1, 3)
    )
    assert all(any(abs(s - value) < 0.02 for value in second) for s in saved if s > 0.1)
    assert saved[-1] != pytest.approx(last[-1], abs=1e-3)


def test_a_file_is_cut_before_its_first_broken_or_foreign_row(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("epoch,loss\n0,1\n1,2\n2,3\n")
    cut_rows(path, lambda row: int(row["epoch"]) < 2)
    assert path.read_text() == "epoch,loss\n0,1\n1,2\n"
    path.write_text("epoch,loss\n0,1\nx,2\n1,3\n")
    cut_rows(path, lambda row: int(row["epoch"]) < 5)
    assert path.read_text() == "epoch,loss\n0,1\n"
    path.write_text("epoch,loss\n0,1\n1,2")
    cut_rows(path, lambda row: int(row["epoch"]) < 5)
    assert path.read_text() == "epoch,loss\n0,1\n"
    for broken in ("", "epoch,loss", "1,0.5\n2,0.4\n"):
        path.write_text(broken)
        cut_rows(path, lambda row: True)
        assert path.read_text() == ""
    cut_rows(tmp_path / "missing.csv", lambda row: True)
