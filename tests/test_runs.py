import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from unet_core.errors import UserError
from unet_core.store import environment, files, runs
from unet_core.store.config import TrainingConfig
from unet_core.store.job import HEARTBEAT_LIMIT

CONFIG = {
    "title": "A run",
    "training": TrainingConfig().to_dict(),
    "classes": [{"name": "background", "color": "#000000"}, {"name": "lung", "color": "#ffffff"}],
}


def test_a_new_run_can_be_found():
    run = runs.create_run(CONFIG, "my-run")
    assert runs.find_run("my-run").path == run.path
    assert run.status["state"] == "created"
    assert run.is_binary
    assert [r.name for r in runs.user_runs()] == ["my-run"]


def test_a_name_is_taken_once():
    runs.create_run(CONFIG, "twice")
    with pytest.raises(UserError, match="already"):
        runs.create_run(CONFIG, "twice")


def test_runs_of_one_moment_get_names_and_ids_of_their_own(shipped):
    """Four visitors press Start at once; the automatic name has no more than the second."""
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda _: runs.create_run(CONFIG), range(12)))
    assert len({run.path for run in made}) == len({run.id for run in made}) == 12
    assert {run.name for run in runs.user_runs()} == {run.name for run in made}
    assert [path.name for path in environment.runs_folder().glob(".new-*")] == []
    (shipped / "pets").mkdir()
    with pytest.raises(UserError, match="already"):
        runs.create_run(CONFIG, "pets")


@pytest.mark.parametrize("name", ["../weights", "a/b", "Upper", "", ".cache", "x" * 65])
def test_nothing_outside_the_store_is_opened(name):
    with pytest.raises(UserError):
        runs.find_run(name)
    with pytest.raises(UserError):
        runs.create_run(CONFIG, name or "/")


def test_a_silent_process_counts_as_failed():
    run = runs.create_run(CONFIG, "silent")
    run.write_status(state="running", pid=os.getpid())  # as older versions wrote it
    assert run.status["state"] == "running"
    status = json.loads((run.path / "status.json").read_text())
    status["heartbeat"] = time.time() - HEARTBEAT_LIMIT - 1
    files.write_json(run.path / "status.json", status)
    assert run.status["state"] == "failed"


def test_history_counts_epochs_from_one_and_a_repeated_epoch_once():
    run = runs.create_run(CONFIG, "history")
    (run.path / "history.csv").write_text("epoch,loss\n0,3.0\n1,2.5\n1,2.0\n2,1.")
    assert [(row["epoch"], row["loss"]) for row in run.history] == [(1, 3.0), (2, 2.0)]


def test_a_damaged_folder_disturbs_nobody():
    runs.create_run(CONFIG, "good")
    bad = environment.runs_folder() / "bad"
    bad.mkdir()
    (bad / "config.json").write_text('{"title": ')
    assert [r.name for r in runs.user_runs()] == ["good"]
    assert [r.name for r in runs.damaged_runs()] == ["bad"]
    with pytest.raises(UserError, match=r"config\.json"):
        _ = runs.Run(bad).config


def test_shipped_models_are_whole():
    """What is shipped: a config, a history, a prediction model and scores on a test split."""
    shipped = runs.shipped_runs()
    assert shipped
    for run in shipped:
        assert run.is_shipped and run.can_predict and run.history
        assert run.evaluation["split"] == "test"
        assert run.config["starting_weights"] is None or run.config["starting_weights"]["licence"]
    sizes = [file.stat().st_size for file in runs.SHIPPED.rglob("*") if file.is_file()]
    assert max(sizes) < 50e6 and sum(sizes) < 90e6


def test_two_runs_never_have_the_same_title(shipped):
    config = CONFIG | {"title": "Pets"}
    first = runs.create_run(config, "first")
    assert runs.unique_title("Cats") == "Cats"
    assert runs.unique_title("Pets") == "Pets (2)"
    assert runs.unique_title("Pets", first) == "Pets"
    runs.create_run(config | {"title": "Pets (2)"}, "second")
    assert runs.unique_title("Pets") == "Pets (3)"


def test_a_file_that_is_being_read_is_replaced_a_moment_later_on_windows(tmp_path, monkeypatch):
    path, refusals = tmp_path / "status.json", [PermissionError(), PermissionError()]
    files.write_json(path, {"a": 1})
    replace = os.replace

    def busy(source, target):
        if refusals:
            raise refusals.pop()
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", busy)
    with pytest.raises(PermissionError):  # here nothing but a missing right refuses it
        files.write_json(path, {"a": 2})
    monkeypatch.setattr(files, "IS_WINDOWS", True)
    files.write_json(path, {"a": 2})
    assert files.read_json(path) == {"a": 2} and refusals == []
