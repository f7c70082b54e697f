"""A real training, in the process that users' trainings run in."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from unet_core.cli import main
from unet_core.data.samples import SAMPLES
from unet_core.prediction.familiarity import familiarity_of
from unet_core.store.runs import Run

pytestmark = pytest.mark.slow

SMALL = ["--data", "synthetic", "--max-images", "12", "--image-size", "64", "--epochs", "2"]
SMALL += ["--batch-size", "4", "--encoder-weights", "none", "--seed", "3"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Run:
    """Two epochs on twelve drawn pets, by the command line."""
    folder = tmp_path_factory.mktemp("trained")
    command = [sys.executable, "-m", "unet_core", "train", "--name", "small", *SMALL]
    environment = os.environ | {"UNET_RUNS_DIR": str(folder)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return Run(folder / "small")


def test_the_run_folder_is_whole(trained):
    assert trained.status["state"] == "done"
    assert [row["epoch"] for row in trained.history] == [1, 2]
    assert {"loss", "val_mean_iou", "learning_rate", "seconds"} <= set(trained.history[0])
    assert trained.steps[-1]["step"] == 6
    assert len(list((trained.path / "samples").glob("epoch-*.png"))) == 2
    assert trained.evaluation["data"] == "synthetic" and trained.evaluation["split"] == "test"
    assert trained.config["parameters"] == 2_128_695
    assert np.sum(trained.evaluation["confusion"]) == 100 * 64 * 64
    assert trained.config["temperature"] != 1 and "versions" in trained.config
    assert familiarity_of(trained).tested == 100


def test_the_exported_network_agrees_with_keras(trained, monkeypatch):
    monkeypatch.setenv("UNET_RUNS_DIR", str(trained.path.parent))
    from unet_core.models import load_run
    from unet_core.prediction.segmenter import Segmenter
    from unet_core.training.export import prediction_model

    temperature = trained.config["temperature"]
    image = SAMPLES["chelsea"].load()[:64, :64]
    _, model = load_run("small")
    reference = prediction_model(model, temperature)(image[None].astype(np.float32)).numpy()[0]
    ours = Segmenter(trained).probabilities(image)
    # weights are rounded to float16 in both, but in the exported network after normalisation was
    # folded into them
    np.testing.assert_allclose(ours, reference, atol=5e-4)


def test_a_finished_run_predicts_and_is_listed(trained, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("UNET_RUNS_DIR", str(trained.path.parent))
    (tmp_path / "bad.jpg").write_bytes(b"no picture")
    good = tmp_path / "good.png"
    Image.fromarray(SAMPLES["chelsea"].load()).save(good)
    out = tmp_path / "out"
    words = [str(tmp_path / "bad.jpg"), str(good), "--model", "small", "--out", str(out)]
    code = main(["predict", *words])
    assert code == 2 and "bad.jpg" in capsys.readouterr().err
    mask = np.asarray(Image.open(out / "good_mask.png"))
    assert mask.shape == SAMPLES["chelsea"].load().shape[:2]
    assert main(["models"]) == 0
    assert "small" in capsys.readouterr().out
