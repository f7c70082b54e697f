"""Evaluations, comparisons and their jobs, with a network whose answers are known."""

import time

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from unet_core import evaluation, evaluation_jobs, jobs
from unet_core.__main__ import main
from unet_core.comparison import compare
from unet_core.data.base import ClassInfo, Dataset, Sample
from unet_core.data.drawn import DrawnPets
from unet_core.data.pets import PET_CLASSES
from unet_core.errors import UserError
from unet_core.processes import locked
from unet_core.runs import Run, create_run, evaluations_folder, runs_folder, write_json


class Coloured(Dataset):
    """32 × 32 noise; the truth is the strongest channel, in "spoilt" with a wrong third."""

    name = title = "coloured"
    credit = ""
    classes = PET_CLASSES
    splits = {"trainval": [], "test": ["first", "second", "spoilt"]}

    def load(self, name: str) -> Sample:
        image = np.random.default_rng(len(name)).integers(0, 255, (32, 32, 3), dtype=np.uint8)
        mask = image.argmax(-1).astype(np.uint8)
        if name == "spoilt":
            mask[:10] = 1
        return Sample(image, mask)


@pytest.fixture
def result(channel_run) -> dict:
    return evaluation.evaluate(channel_run, Coloured(), "test")


def test_the_matrix_is_that_of_all_pixels(result):
    samples = [Coloured().load(name) for name in Coloured.splits["test"]]
    truth = np.concatenate([sample.mask.ravel() for sample in samples])
    said = np.concatenate([sample.image.argmax(-1).ravel() for sample in samples])
    np.testing.assert_array_equal(result["confusion"], confusion_matrix(truth, said))
    assert result["scores"]["pixel_accuracy"] == (truth == said).mean()
    summed = np.sum([picture["confusion"] for picture in result["per_picture"]], axis=0)
    np.testing.assert_array_equal(result["confusion"], summed)


def test_the_result_says_what_was_scored(result):
    assert (result["data"], result["split"], result["pictures"]) == ("coloured", "test", 3)
    assert result["resolution"] == 32
    assert result["classes"] == ["pet", "background", "border"]
    assert result["per_picture"][0]["mean_iou"] == 1
    assert result["per_picture"][2]["name"] == "spoilt"
    assert np.array(result["reliability"])[:, 2].sum() == 3 * 32 * 32
    text = evaluation.format_scores(result)
    assert f"{result['scores']['mean_iou']:.4f}" in text and "3 pictures at 32 × 32" in text


def test_masks_can_be_scored_at_another_size(channel_run):
    class Halves(Coloured):
        def load(self, name: str) -> Sample:
            image = np.zeros((32, 32, 3), np.uint8)
            image[:16, :, 0], image[16:, :, 2] = 200, 200
            return Sample(image, image.argmax(-1).astype(np.uint8))

    training = channel_run.config["training"] | {"score_size": 16}
    write_json(channel_run.path / "config.json", channel_run.config | {"training": training})
    result = evaluation.evaluate(Run(channel_run.path), Halves(), "test")
    assert (result["resolution"], result["input"]) == (16, 32)
    assert np.array(result["confusion"]).sum() == 3 * 16 * 16
    assert result["scores"]["pixel_accuracy"] == 1


def test_a_binary_model_gets_a_threshold_sweep(channel_run):
    class Halves(Coloured):
        classes = (ClassInfo("background", "#56B4E9"), ClassInfo("lung", "#E69F00"))

        def load(self, name: str) -> Sample:
            mask = np.zeros((32, 32), np.uint8)
            mask[:16] = 1
            return Sample(np.zeros((32, 32, 3), np.uint8), mask)

    class Sure:
        size = 32

        def probabilities(self, image: np.ndarray) -> np.ndarray:
            p = np.zeros((32, 32), np.float32)
            p[:24] = 0.8
            return np.stack([1 - p, p], axis=-1)

    channel_run.config["classes"] = [{"name": c.name, "color": c.color} for c in Halves.classes]
    result = evaluation.evaluate(channel_run, Halves(), "test", segmenter=Sure())
    assert result["confusion"] == [[3 * 256, 3 * 256], [0, 3 * 512]]
    assert result["thresholds"][50] == result["confusion"]
    assert result["scores"]["foreground_dice"] == pytest.approx(2 * 512 / (768 + 512))
    assert result["thresholds"][90] == [[3 * 512, 0], [3 * 512, 0]]
    # Everywhere 20 or 100 % sure; above, 80 % sure and right in 2 of 3 pixels.
    assert result["calibration_error"] == pytest.approx(0.75 * abs(0.8 - 2 / 3))


def test_data_with_other_classes_is_refused(channel_run):
    class Birds(Coloured):
        classes = (ClassInfo("background", "#56B4E9"), ClassInfo("bird", "#E69F00"))

    with pytest.raises(UserError, match="background, bird"):
        evaluation.evaluate(channel_run, Birds(), "test")
    with pytest.raises(UserError, match="'holdout'"):
        evaluation.evaluate(channel_run, Coloured(), "holdout")


def test_a_limit_draws_the_same_pictures_each_time():
    names = evaluation.names_of(DrawnPets(), "test", 5)
    assert len(set(names)) == 5 and names == evaluation.names_of(DrawnPets(), "test", 5)
    assert names != DrawnPets().splits["test"][:5]


def test_comparison_of_a_model_with_a_worse_one(result):
    worse = result | {"per_picture": [dict(p) for p in result["per_picture"]]}
    worse["per_picture"][0]["confusion"] = [[0, 300, 0], [0, 300, 0], [0, 424, 0]]
    comparison = compare(result, worse)
    assert comparison["pictures"] == 3
    assert comparison["per_picture"][0]["name"] == "first"
    assert comparison["per_picture"][0]["first"] == 1
    rows = {row["score"]: row for row in comparison["rows"]}
    assert rows["Pixel accuracy"]["first"] == result["scores"]["pixel_accuracy"]
    assert rows["Pixel accuracy"]["difference"] == pytest.approx(-724 / (3 * 1024))
    # One of three pictures differs: it may not be drawn at all, or be drawn three times.
    assert rows["Pixel accuracy"]["high"] == 0
    assert rows["Pixel accuracy"]["low"] < rows["Pixel accuracy"]["difference"]


def test_a_model_compared_with_itself_does_not_differ(result):
    for row in compare(result, result)["rows"]:
        assert row["difference"] == row["low"] == row["high"] == 0


def test_results_on_other_data_are_not_compared(result):
    with pytest.raises(UserError, match="same split"):
        compare(result, result | {"split": "trainval"})


def wait(job, seconds: float = 60) -> dict:
    deadline = time.time() + seconds
    while job.progress["state"] == "running":
        assert time.time() < deadline
        time.sleep(0.1)
    return job.progress


@pytest.fixture
def own_run(channel_run):
    """The channel run as a user's own, so that other processes find it."""
    target = runs_folder() / "channels"
    target.parent.mkdir(exist_ok=True)
    channel_run.path.rename(target)
    return type(channel_run)(target)


def test_a_job_leaves_its_result_beside_the_runs_own(own_run):
    job = evaluation_jobs.start(own_run, "drawn", "test", 4)
    assert evaluation_jobs.working() == job
    with pytest.raises(UserError, match="wait for it or stop it"):
        evaluation_jobs.start(own_run, "drawn", "test", 4)
    assert wait(job)["state"] == "done"
    assert job.result["pictures"] == 4
    assert list(evaluation_jobs.results(own_run)) == [job.name]
    assert not (own_run.path / "evaluation.json").exists()


def test_the_command_line_says_what_the_page_shows(own_run, capsys):
    assert main(["evaluate", "channels", "--data", "drawn", "--pictures", "3"]) == 0
    (result,) = evaluation_jobs.results(own_run).values()
    printed = capsys.readouterr().out
    for score in result["scores"].values():
        assert f"{score:.4f}" in printed
    assert not own_run.evaluation  # that is for all test pictures of its own data


def test_a_job_stops_at_once_and_leaves_no_result(own_run):
    job = evaluation_jobs.start(own_run, "drawn", "trainval")
    evaluation_jobs.stop(job)
    assert job.progress["state"] == "stopped"
    assert evaluation_jobs.working() is None
    assert evaluation_jobs.results(own_run) == {}


def test_a_job_that_fails_says_why(own_run):
    (own_run.path / "model.onnx").write_bytes(b"not a network")
    job = evaluation_jobs.start(own_run, "drawn", "test", 1)
    progress = wait(job)
    assert progress["state"] == "failed" and progress["error"]


def test_a_job_with_data_that_is_not_there_does_not_start(own_run):
    with pytest.raises(UserError, match="no longer here"):
        evaluation_jobs.start(own_run, "pairs:0123456789abcdef", "test")
    assert evaluation_jobs.jobs() == []


def kept(run: Run, result: dict, data: str) -> dict:
    """Put the result into the folder of the run's job on ``data``."""
    folder = evaluations_folder() / run.id / evaluation_jobs._key(run, data, "test")
    folder.mkdir(parents=True)
    result = result | {"run": run.name, "data": data}
    evaluation_jobs.EvaluationJob(folder).report(
        **{key: result[key] for key in ("run", "data", "data_title", "split")},
        done=0, total=1, error="",
    )  # fmt: skip
    write_json(folder / "evaluation.json", result)
    return result


def a_run(channel_run: Run, name: str) -> Run:
    return create_run(channel_run.config, name)


def data_of(run: Run) -> list[str]:
    return sorted(result["data"] for result in evaluation_jobs.results(run).values())


@pytest.fixture
def coloured(channel_run, monkeypatch):
    """The three pictures as the data that the channel run was trained on."""
    training = channel_run.config["training"] | {"data": "coloured"}
    write_json(channel_run.path / "config.json", channel_run.config | {"training": training})
    monkeypatch.setattr(evaluation_jobs, "open_dataset", lambda name: Coloured())


def test_nothing_is_written_into_what_is_shipped(channel_run, coloured, capsys):
    write_json(channel_run.path / "evaluation.json", {})
    before = {path: path.read_bytes() for path in channel_run.path.iterdir()}
    channel_run = Run(channel_run.path)
    assert main(["evaluate", "channels", "--data", "coloured"]) == 0
    assert str(evaluations_folder() / channel_run.id) in capsys.readouterr().out
    command = ["evaluate", "channels", "--data", "coloured", "--out"]
    assert main([*command, str(channel_run.path / "new")]) == 2
    assert main([*command, str(channel_run.path)]) == 2
    assert {path: path.read_bytes() for path in channel_run.path.iterdir()} == before
    (result,) = evaluation_jobs.results(channel_run).values()
    assert result["pictures"] == 3


def test_a_users_own_run_keeps_the_result_on_its_own_data(coloured, own_run):
    assert main(["evaluate", "channels", "--data", "coloured"]) == 0
    assert list(evaluation_jobs.results(Run(own_run.path))) == [evaluation_jobs.OWN]


def test_no_result_is_taken_for_another_runs_or_another_datas(channel_run, result):
    pets, longer, third = (a_run(channel_run, name) for name in ("pets", "pets--x", "pets-x"))
    for run in (pets, longer):
        for data in ("npz:a.b.npz", "npz:a-b.npz"):
            kept(run, result | {"seconds": len(run.name)}, data)
    for run in (pets, longer):
        assert data_of(run) == ["npz:a-b.npz", "npz:a.b.npz"]
        assert {r["run"] for r in evaluation_jobs.results(run).values()} == {run.name}
    assert data_of(third) == []
    assert len({job.name for job in evaluation_jobs.jobs()}) == 4


@pytest.mark.parametrize("way", ["delete", "prune"])
def test_results_go_with_their_run_and_no_other(channel_run, result, way):
    pets = a_run(channel_run, "pets")
    others = [a_run(channel_run, "pets-x"), channel_run]
    for run in (pets, *others):
        kept(run, result, "coloured")
    old_result(pets, result)
    for run in (pets, others[0]):
        run.write_status(state="done")
    if way == "delete":
        jobs.delete(pets)
    else:
        jobs.pin(others[0], True)
        jobs.prune(0)
    left = {path.name for path in evaluations_folder().iterdir()}
    assert left == {run.id for run in others}
    again = a_run(channel_run, "pets")
    assert data_of(again) == [] and [data_of(run) for run in others] == [["coloured"]] * 2


def test_results_of_a_shipped_run_stay_when_its_namesake_goes(channel_run, result):
    """Formerly a user's run could be called like a shipped one."""
    kept(channel_run, result, "coloured")
    namesake = Run(a_run(channel_run, "other").path.rename(runs_folder() / "channels"))
    kept(namesake, result, "coloured")
    jobs.delete(namesake)
    assert [path.name for path in evaluations_folder().iterdir()] == [channel_run.id]


def old_result(run: Run, result: dict, name: str | None = None, **changes) -> None:
    """As they were kept until their folders had the run's id."""
    folder = evaluations_folder() / f"{name or run.name}--coloured--test"
    folder.mkdir(parents=True)
    result = result | {"run": run.name} | changes
    job = evaluation_jobs.EvaluationJob(folder)
    job.report(run=run.name, data="coloured", data_title="", split="test", done=0, total=1,
               error="", pid=1)  # fmt: skip
    write_json(folder / "evaluation.json", result)


def test_older_results_are_found_where_it_is_clear_whose_they_are(channel_run, result):
    date = {"date": "2999-01-01"}
    pets, longer, late = (a_run(channel_run, name) for name in ("pets", "pets--x", "late"))
    old_result(pets, result, **date)
    old_result(longer, result, **date)
    old_result(late, result, date="2001-01-01")  # of an earlier run of that name
    own = a_run(channel_run, "renamed")
    channels = Run(own.path.rename(runs_folder() / "channels"))  # called like a shipped one
    old_result(channels, result, **date)
    for run in (pets, longer):
        (found,) = evaluation_jobs.results(run).values()
        assert found["run"] == run.name
    for run in (late, channels, channel_run):
        assert evaluation_jobs.results(run) == {}


def test_a_result_is_made_by_one_process_at_a_time(own_run):
    job = evaluation_jobs.new_job(own_run, "drawn", "test", 2)
    with locked(job.lock):
        assert evaluation_jobs.working() == job
        write_json(job.path / "progress.json", {})
        assert job.progress["state"] == "running"
        with pytest.raises(UserError, match="wait for it"):
            evaluation_jobs.new_job(own_run, "drawn", "test", 2)
        with pytest.raises(UserError, match="wait for it"):
            evaluation_jobs.work(job, own_run, "drawn", "test", 2, lambda *_: None)
    assert job.progress["state"] == "failed"
