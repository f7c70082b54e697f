"""Runs that are put into weights/, and scored again there."""

import sys

import pytest

from benchmarks import rescore, ship
from unet_core.data.synthetic import SyntheticPets
from unet_core.errors import UserError
from unet_core.metrics.evaluate import evaluate
from unet_core.store.runs import Run, create_run, write_json


def test_a_shipped_model_is_scored_again(channel_run, capsys, monkeypatch):
    few = SyntheticPets()
    few.splits = {"trainval": [], "test": few.splits["test"][:2]}
    monkeypatch.setattr(rescore, "data_of", lambda config: few)
    expected = evaluate(channel_run, few, "test")
    older = {key: score for key, score in expected["metrics"].items() if key != "boundary_f1"}
    before = expected | {"metrics": older | {"mean_iou": 0.1234, "boundary_f": 0.5}}
    write_json(channel_run.path / "evaluation.json", before)
    rescore.main(["channels"])
    for key in ("run", "data", "split", "metrics", "per_image", "confusion"):
        assert channel_run.evaluation[key] == expected[key]
    printed = capsys.readouterr().out
    scores = expected["metrics"]
    assert f"mean IoU: 0.1234 → {scores['mean_iou']:.4f}" in printed
    assert "boundary f: 0.5000 → –" in printed
    assert f"boundary F1 (0.75 %): – → {scores['boundary_f1']:.4f}" in printed


def test_only_shipped_models_are_scored_again(channel_run):
    with pytest.raises(UserError, match="mine"):
        rescore.main(["mine"])
    assert not channel_run.evaluation


def test_a_shipped_models_scores_bear_its_name(channel_run, shipped, monkeypatch):
    run = create_run(channel_run.config, "mine")
    run.write_status(state="done", phase="", epochs=1, epoch=1, step=1, steps=1, started="")
    for name in ship.FILES:
        (run.path / name).write_bytes(b"")
    result = evaluate(channel_run, SyntheticPets(), "test", ["drawn-1000"]) | {"run": "mine"}
    write_json(run.path / "evaluation.json", result)
    monkeypatch.setattr(ship, "SHIPPED", shipped)
    words = ["ship", "mine", "ours", "--title", "Ours", "--description", "d", "--rank", "3"]
    monkeypatch.setattr(sys, "argv", words)
    ship.main()
    assert Run(shipped / "ours").evaluation == result | {"run": "ours"}
