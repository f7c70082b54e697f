"""Run folders that earlier versions wrote are read with the names of today."""

from unet_core.store.config import TrainingConfig
from unet_core.store.files import write_json
from unet_core.store.runs import Run
from unet_core.store.schemas import DOWNLOADED, PROGRESS, STATUS

CLASSES = [{"name": "background", "color": "#56B4E9"}, {"name": "cell", "color": "#E69F00"}]
BEFORE = {
    "model": "mobilenetv2-fast",
    "model_arguments": {},
    "data": "drawn",
    "pictures": 40,
    "teacher": "pets",
    "negatives": "people",
    "validation": 0.2,
    "size": 96,
    "score_size": None,
    "crop": 64,
    "epochs": 3,
    "batch_size": 4,
    "loss": "cross-entropy",
    "border_weight": 5.0,
    "optimizer": "adam",
    "learning_rate": 0.01,
    "weight_decay": 1e-4,
    "weight_average": 0.9,
    "schedule": "plateau",
    "encoder": "late",
    "encoder_weights": "pets",
    "encoder_rate": 0.5,
    "augmentation": "strong",
    "early_stopping": 4,
    "seed": 7,
}
TODAY = TrainingConfig(
    data="synthetic",
    max_images=40,
    pseudo_labels="pets",
    negatives="people",
    val_fraction=0.2,
    image_size=96,
    crop_size=64,
    epochs=3,
    batch_size=4,
    loss="cross-entropy",
    weight_map=5.0,
    optimizer="adam",
    learning_rate=0.01,
    weight_decay=0.0,
    ema_momentum=0.9,
    schedule="plateau",
    freeze_encoder=False,
    fine_tune_from=7,
    encoder_weights="pets",
    encoder_lr_multiplier=0.5,
    augmentation="cutmix",
    early_stopping=4,
    seed=7,
)
CONFUSION = [[50, 2], [3, 45]]
RESULT = {
    "run": "old",
    "data": "drawn",
    "data_title": "Drawn pets",
    "split": "test",
    "date": "2026-01-01",
    "pictures": 1,
    "resolution": 10,
    "classes": ["background", "cell"],
    "scores": {"pixel_accuracy": 0.95, "mean_iou": 0.9},
    "intervals": {},
    "calibration_error": 0.1,
    "per_class": {key: [0.9, 0.9] for key in ("iou", "dice", "precision", "recall", "support")},
    "per_picture": [{"name": "a", "confusion": CONFUSION}],
    "confusion": CONFUSION,
    "reliability": [[1.0, 1.0, 1.0]],
}


def old_run(path, **changes) -> Run:
    path.mkdir()
    facts = {"title": "Old", "classes": CLASSES, "pictures": {"training": 32, "validation": 8}}
    write_json(path / "config.json", facts | {"training": BEFORE | changes})
    return Run(path)


def test_every_setting_has_its_name_and_value_of_today(tmp_path):
    run = old_run(tmp_path / "old")
    assert run.config["training"] == TODAY.to_dict()
    assert run.config["images"] == {"training": 32, "validation": 8}
    assert TrainingConfig.from_dict(run.config["training"]) == TODAY


def test_how_much_of_the_encoder_learned_is_kept(tmp_path):
    for number, (before, today) in enumerate({"frozen": (True, 0), "tuned": (False, 0)}.items()):
        training = old_run(tmp_path / str(number), encoder=before).config["training"]
        assert (training["freeze_encoder"], training["fine_tune_from"]) == today


def test_results_status_and_progress_are_read(tmp_path):
    run = old_run(tmp_path / "old")
    write_json(run.path / "evaluation.json", RESULT)
    result = run.evaluation
    assert result["metrics"] == RESULT["scores"] and result["per_image"] == RESULT["per_picture"]
    assert (result["images"], result["data"]) == (1, "synthetic")
    for kind, before, key, value in (
        (STATUS, {"state": "done", "pictures_per_second": 9.0}, "images_per_second", 9.0),
        (DOWNLOADED, {"pictures": 3}, "images", 3),
        (
            PROGRESS,
            RESULT | {"done": 1, "total": 2, "error": "", "heartbeat": 1},
            "data",
            "synthetic",
        ),
    ):
        write_json(tmp_path / "file.json", before)
        assert kind.read(tmp_path / "file.json")[key] == value


def test_a_setting_of_another_kind_is_left_to_the_schema(tmp_path):
    assert old_run(tmp_path / "odd", encoder=[3], augmentation={}, data=None).is_damaged
