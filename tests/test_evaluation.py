"""Evaluations, comparisons and their jobs, with a network whose answers are known."""

import json
import time

import numpy as np
import pytest
from scipy.stats import bootstrap
from sklearn import metrics
from sklearn.metrics import confusion_matrix

from unet_core.cli import main
from unet_core.data.base import Dataset, Sample
from unet_core.data.pets import PET_CLASSES
from unet_core.data.synthetic import SyntheticPets
from unet_core.data.uploads import Pairs, keep_pairs
from unet_core.errors import UserError
from unet_core.jobs import evaluations, housekeeping
from unet_core.metrics import evaluate as evaluation
from unet_core.metrics import report
from unet_core.metrics.compare import compare
from unet_core.metrics.confusion import overall_metrics
from unet_core.prediction.files import encode_png
from unet_core.store.classes import ClassInfo, background_and_object
from unet_core.store.environment import runs_folder
from unet_core.store.locks import locked
from unet_core.store.runs import Run, create_run, evaluations_folder, write_json


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
    assert result["metrics"]["pixel_accuracy"] == (truth == said).mean()
    summed = np.sum([image["confusion"] for image in result["per_image"]], axis=0)
    np.testing.assert_array_equal(result["confusion"], summed)


def test_the_result_says_what_was_scored(result):
    assert (result["data"], result["split"], result["images"]) == ("coloured", "test", 3)
    assert result["resolution"] == 32
    assert result["classes"] == ["pet", "background", "border"]
    assert result["per_image"][0]["mean_iou"] == 1
    assert result["per_image"][2]["name"] == "spoilt"
    assert np.array(result["reliability"])[:, 2].sum() == 3 * 32 * 32
    text = report.format_metrics(result)
    assert f"{result['metrics']['mean_iou']:.4f}" in text and "3 pictures at 32 × 32" in text


def test_the_table_of_scores_is_laid_out_in_columns():
    result = {
        "data_title": "Pets",
        "split": "test",
        "images": 2,
        "resolution": 64,
        "classes": ["pet", "background"],
        "notes": ["A note."],
        "calibration_error": 0.0123,
        "metrics": {"mean_iou": 0.5, "boundary_f1": 0.25},
        "boundary_tolerance": 0.0075,
        "intervals": {"mean_iou": (0.4, 0.6)},
        "roc_area": 0.9,
        "average_precision": None,
        "per_class": {"iou": [0.5, None], "support": [1234, 5]},
    }
    assert report.format_metrics(result).splitlines() == [
        "Pets, test split: 2 pictures at 64 × 64, classes pet, background",
        "A note.",
        "",
        "mean IoU                0.5000  95 % interval 0.4000 – 0.6000",
        "boundary F1 (0.75 %)    0.2500",
        "calibration error       0.0123",
        "ROC area                0.9000",
        "average precision       –",
        "",
        "class                    IoU       support",
        "pet                   0.5000         1,234",
        "background                 –             5",
    ]


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
    assert result["metrics"]["pixel_accuracy"] == 1


def test_a_binary_model_gets_a_threshold_sweep(channel_run):
    class Halves(Coloured):
        classes = (ClassInfo("background", "#56B4E9", "background"), ClassInfo("lung", "#E69F00"))

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
    assert result["metrics"]["foreground_dice"] == pytest.approx(2 * 512 / (768 + 512))
    assert result["thresholds"][90] == [[3 * 512, 0], [3 * 512, 0]]
    # Everywhere 20 or 100 % sure; above, 80 % sure and right in 2 of 3 pixels.
    assert result["calibration_error"] == pytest.approx(0.75 * abs(0.8 - 2 / 3))


def own(run: Run, *pairs: tuple[np.ndarray, np.ndarray]) -> Pairs:
    """Own images and masks, kept for the run."""
    files = []
    for number, (image, mask) in enumerate(pairs):
        files += [(f"{number}.png", encode_png(image)), (f"{number}_mask.png", encode_png(mask))]
    return Pairs(keep_pairs(files), run.classes)


def bands(*colors: tuple[int, int, int]) -> np.ndarray:
    """32 × 32 pixels, a band of eight rows for each colour."""
    return np.repeat(np.array(colors, np.uint8), 8, axis=0)[:, None].repeat(32, axis=1)


# What the network says: pet, background, border, the last two times, once more pet, once less.
SURE_PET, SURE_BACKGROUND = (255, 0, 0), (0, 255, 0)
PET_IN_BORDER, BACKGROUND_IN_BORDER = (100, 50, 200), (50, 100, 200)
BANDS = bands(SURE_PET, PET_IN_BORDER, BACKGROUND_IN_BORDER, SURE_BACKGROUND)


def upper_half(value: int) -> np.ndarray:
    return np.repeat(np.uint8([value, 0]), 16)[:, None].repeat(32, axis=1)


def test_black_and_white_masks_are_scored_on_two_classes(channel_run):
    """A border counts as the likelier of pet and background."""
    data = own(channel_run, (BANDS, upper_half(255)))
    result = evaluation.evaluate(channel_run, data, "test")
    assert result["classes"] == ["background", "pet"]
    assert result["confusion"] == [[512, 0], [0, 512]]
    assert result["metrics"]["mean_iou"] == result["metrics"]["foreground_iou"] == 1
    assert result["thresholds"][50] == result["confusion"]
    (note,) = result["notes"]
    assert "border, the likelier" in note and note in report.format_metrics(result)


def test_the_part_of_the_border_in_a_probability_is_left_out():
    p = np.array([[[0.2, 0.1, 0.7], [0.5, 0.5, 0], [0, 0, 1]]], np.float32)
    found = evaluation.as_scored(p, PET_CLASSES, (PET_CLASSES[1], PET_CLASSES[0]))
    np.testing.assert_allclose(found, [[[1 / 3, 2 / 3], [0.5, 0.5], [0.5, 0.5]]], rtol=1e-6)
    assert evaluation.as_scored(p, PET_CLASSES, PET_CLASSES) is p


def test_several_objects_count_as_one_beside_black_and_white_masks():
    classes = (
        ClassInfo("cat", "#1"),
        ClassInfo("rest", "#2", "background"),
        ClassInfo("dog", "#3"),
    )
    p = np.array([[[0.3, 0.4, 0.3]]], np.float32)
    found = evaluation.as_scored(p, classes, background_and_object(classes))
    np.testing.assert_allclose(found, [[[0.4, 0.6]]], rtol=1e-6)


def test_a_class_that_no_mask_has_does_not_pull_the_mean_down(channel_run):
    pair = BANDS, 1 - upper_half(1)  # class numbers, none is border
    result = evaluation.evaluate(channel_run, own(channel_run, pair, pair), "test")
    assert result["confusion"] == [[512, 0, 512], [0, 512, 512], [0, 0, 0]]
    assert result["metrics"]["mean_iou"] == 0.5
    assert result["metrics"]["mean_dice"] == pytest.approx(2 / 3)
    assert result["per_image"][0]["mean_iou"] == 0.5
    assert result["notes"] == [
        "The masks hold class numbers: 0 pet, 1 background, 2 border.",
        "No mask has border: means are of the other classes.",
    ]
    assert result["intervals"]["mean_iou"] == (0.5, 0.5)
    row = next(row for row in compare(result, result)["rows"] if row["score"] == "Mean IoU")
    assert row["first"] == 0.5


def test_outlines_of_a_class_that_no_mask_has_do_not_pull_boundary_f1_down(channel_run):
    image = np.array([SURE_PET] * 15 + [(0, 0, 255)] + [SURE_BACKGROUND] * 16, np.uint8)
    data = own(channel_run, (image[:, None].repeat(32, axis=1), 1 - upper_half(1)))
    result = evaluation.evaluate(channel_run, data, "test")
    assert result["per_image"][0]["boundary_f1_by_class"] == [0, 1, 0]
    assert result["per_image"][0]["boundary_f1"] == result["metrics"]["boundary_f1"] == 0.5


def test_a_picture_without_the_object_counts_its_false_alarms(channel_run):
    black = np.zeros((32, 32), np.uint8)
    data = own(channel_run, (BANDS, upper_half(255)), (BANDS, black))
    result = evaluation.evaluate(channel_run, data, "test")
    assert result["confusion"] == [[1024, 512], [0, 512]]
    assert [p["mean_iou"] for p in result["per_image"]] == [1, (0.5 + 0) / 2]


def test_masks_without_any_object_are_scored(channel_run):
    data = own(channel_run, (BANDS, np.zeros((32, 32), np.uint8)))
    result = evaluation.evaluate(channel_run, data, "test")
    assert result["classes"] == ["background", "pet"]
    assert result["metrics"]["mean_iou"] == 0.5  # of the background alone
    assert "No mask has pet" in result["notes"][1]
    assert report.format_metrics(result)


def test_whole_data_has_nothing_to_note(result):
    assert result["notes"] == []


class Doubtful:
    """Probabilities of any number of classes that follow the strongest channel, but not always."""

    size = 32

    def __init__(self, classes: int):
        self.classes = classes

    def probabilities(self, image: np.ndarray) -> np.ndarray:
        random = np.random.default_rng(int(image.sum()))
        logits = image[..., : self.classes] / 40 + random.normal(0, 2, (32, 32, self.classes))
        powers = np.exp(logits)
        return (powers / powers.sum(-1, keepdims=True)).astype(np.float32)


def pixels_of(dataset: Dataset, segmenter: Doubtful) -> tuple[np.ndarray, np.ndarray]:
    """Truth (n,) and probabilities (n, classes) of all test images."""
    samples = [dataset.load(name) for name in dataset.splits["test"]]
    probabilities = [segmenter.probabilities(sample.image) for sample in samples]
    truth = np.concatenate([sample.mask.ravel() for sample in samples])
    return truth, np.concatenate(probabilities).reshape(-1, segmenter.classes)


def test_scores_of_three_classes_are_those_of_scikit_learn(channel_run):
    result = evaluation.evaluate(channel_run, Coloured(), "test", segmenter=Doubtful(3))
    truth, probabilities = pixels_of(Coloured(), Doubtful(3))
    said = probabilities.argmax(-1)
    known = truth != 2
    expected = {
        "pixel_accuracy": metrics.accuracy_score(truth, said),
        "mean_iou": metrics.jaccard_score(truth, said, average="macro"),
        "mean_dice": metrics.f1_score(truth, said, average="macro"),
        "pet_iou": metrics.jaccard_score(truth[known] == 0, said[known] == 0),
        "pet_or_border_iou": metrics.jaccard_score(truth != 1, said != 1),
    }
    assert 0.3 < expected["pixel_accuracy"] < 0.9
    found = dict(result["metrics"])
    del found["boundary_f1"]
    assert found == pytest.approx(expected)
    recall = metrics.recall_score(truth, said, average=None)
    np.testing.assert_allclose(result["per_class"]["recall"], recall)
    for key, (low, high) in result["intervals"].items():
        assert low <= result["metrics"][key] <= high
    assert result["calibration_error"] == pytest.approx(looped_calibration(truth, probabilities))


def looped_calibration(truth: np.ndarray, probabilities: np.ndarray) -> float:
    """Expected calibration error by its definition, over twenty bins."""
    confidence, right = probabilities.max(-1), probabilities.argmax(-1) == truth
    error = 0.0
    for number in range(20):
        within = (confidence >= number / 20) & (confidence < (number + 1) / 20)
        if within.any():
            error += within.mean() * abs(confidence[within].mean() - right[within].mean())
    return error


def test_scores_of_a_binary_model_are_those_of_scikit_learn(channel_run):
    class Red(Coloured):
        classes = (ClassInfo("background", "#56B4E9", "background"), ClassInfo("red", "#E69F00"))

        def load(self, name: str) -> Sample:
            image, mask = super().load(name)
            return Sample(image, (mask == 1).astype(np.uint8))

    channel_run.config["classes"] = [{"name": c.name, "color": c.color} for c in Red.classes]
    result = evaluation.evaluate(channel_run, Red(), "test", segmenter=Doubtful(2))
    truth, probabilities = pixels_of(Red(), Doubtful(2))
    probability, said = probabilities[:, 1], probabilities[:, 1] >= 0.5
    assert result["metrics"]["foreground_iou"] == pytest.approx(metrics.jaccard_score(truth, said))
    assert result["metrics"]["foreground_dice"] == pytest.approx(metrics.f1_score(truth, said))
    assert result["roc_area"] == pytest.approx(metrics.roc_auc_score(truth, probability))
    expected = metrics.average_precision_score(truth, probability)
    assert result["average_precision"] == pytest.approx(expected)
    printed = report.format_metrics(result)
    assert f"{result['roc_area']:.4f}" in printed and f"{expected:.4f}" in printed


class Squares(Dataset):
    """A red square, on green, in one of two images; never a blue pixel."""

    name = title = "squares"
    credit = ""
    classes = PET_CLASSES
    splits = {"trainval": [], "test": ["square", "empty"]}
    said = slice(8, 24), slice(8, 24)

    def load(self, name: str) -> Sample:
        image, mask = np.zeros((32, 32, 3), np.uint8), np.ones((32, 32), np.uint8)
        image[..., 1] = 200
        if name == "square":
            mask[8:24, 8:24] = 0
            image[self.said] = 200, 0, 0
        return Sample(image, mask)


def test_boundary_f1_is_kept_by_class_and_by_picture(channel_run):
    class Shifted(Squares):
        said = slice(8, 24), slice(9, 25)  # one pixel; a tolerance of 0.34 pixels

    result = evaluation.evaluate(channel_run, Shifted(), "test")
    square, empty = result["per_image"]
    # Outlines of 60 pixels; of each, the two long sides agree but for a corner.
    assert square["boundary_f1_by_class"][0] == pytest.approx(2 * 15 / 60)
    assert square["boundary_f1_by_class"][2] is None
    pet, background = square["boundary_f1_by_class"][:2]
    assert square["boundary_f1"] == pytest.approx((pet + background) / 2)
    assert empty["boundary_f1_by_class"] == [None, None, None] and empty["boundary_f1"] is None
    assert result["per_class"]["boundary_f1"] == [pet, background, None]
    assert result["metrics"]["boundary_f1"] == square["boundary_f1"]
    assert result["boundary_tolerance"] == 0.0075
    assert "boundary F1 (0.75 %)" in report.format_metrics(result)


def test_what_cannot_be_scored_is_left_out_and_the_file_is_json(channel_run):
    result = evaluation.evaluate(channel_run, Squares(), "test", ["empty"])
    assert "pet_iou" not in result["metrics"] and "boundary_f1" not in result["metrics"]
    assert result["metrics"]["mean_iou"] == 1
    assert result["intervals"] == {}  # of a single image
    assert result["per_class"]["iou"] == [None, 1, None]
    json.dumps(result, allow_nan=False)
    assert "–" in report.format_metrics(result)


def test_a_network_that_diverged_is_told(channel_run):
    class Diverged(Doubtful):
        def probabilities(self, image: np.ndarray) -> np.ndarray:
            return super().probabilities(image) * np.nan

    black_and_white = own(channel_run, (BANDS, upper_half(255)))  # whose classes are others
    for data in (Coloured(), black_and_white):
        with pytest.raises(UserError, match="diverged"):
            evaluation.evaluate(channel_run, data, "test", segmenter=Diverged(3))


def test_data_with_other_classes_is_refused(channel_run):
    class Birds(Coloured):
        classes = (ClassInfo("background", "#56B4E9", "background"), ClassInfo("bird", "#E69F00"))

    with pytest.raises(UserError, match="background, bird"):
        evaluation.evaluate(channel_run, Birds(), "test")
    with pytest.raises(UserError, match="'holdout'"):
        evaluation.evaluate(channel_run, Coloured(), "holdout")


def test_a_limit_draws_the_same_pictures_each_time():
    names = evaluation.names_of(SyntheticPets(), "test", 5)
    assert len(set(names)) == 5 and names == evaluation.names_of(SyntheticPets(), "test", 5)
    assert names != SyntheticPets().splits["test"][:5]


def test_comparison_of_a_model_with_a_worse_one(result):
    worse = result | {"per_image": [dict(p) for p in result["per_image"]]}
    worse["per_image"][0]["confusion"] = [[0, 300, 0], [0, 300, 0], [0, 424, 0]]
    comparison = compare(result, worse)
    assert comparison["images"] == 3
    assert comparison["per_image"][0]["name"] == "first"
    assert comparison["per_image"][0]["first"] == 1
    rows = {row["score"]: row for row in comparison["rows"]}
    assert rows["Pixel accuracy"]["first"] == result["metrics"]["pixel_accuracy"]
    assert rows["Pixel accuracy"]["difference"] == pytest.approx(-724 / (3 * 1024))
    # One of three images differs: it may not be drawn at all, or be drawn three times.
    assert rows["Pixel accuracy"]["high"] == 0
    assert rows["Pixel accuracy"]["low"] < rows["Pixel accuracy"]["difference"]


def test_a_model_compared_with_itself_does_not_differ(result):
    for row in compare(result, result)["rows"]:
        assert row["difference"] == row["low"] == row["high"] == 0


def test_intervals_of_a_difference_agree_with_scipy(result):
    random = np.random.default_rng(4)
    pairs = random.integers(1, 60, (2, 40, 3, 3)) + np.diag([90, 90, 40])
    first, second = (
        result | {"per_image": [{"name": n, "confusion": c} for n, c in enumerate(confusions)]}
        for confusions in pairs
    )

    def difference(positions):
        a, b = (overall_metrics(confusions[positions].sum(0))["mean_iou"] for confusions in pairs)
        return b - a

    row = next(r for r in compare(first, second)["rows"] if r["score"] == "Mean IoU")
    assert row["difference"] == pytest.approx(difference(np.arange(40)))
    options = {"n_resamples": 2000, "vectorized": False, "method": "percentile", "rng": 0}
    reference = bootstrap((np.arange(40),), difference, **options).confidence_interval
    width = reference.high - reference.low
    np.testing.assert_allclose((row["low"], row["high"]), reference, atol=0.1 * width)


def test_one_picture_tells_nothing_beyond_itself(result):
    one = result | {"per_image": result["per_image"][2:]}
    worse = result | {"per_image": [one["per_image"][0] | {"confusion": [[0, 9, 0]] * 3}]}
    for row in compare(one, worse)["rows"]:
        assert row["difference"] and np.isnan(row["low"]) and np.isnan(row["high"])


def test_results_on_other_data_are_not_compared(result):
    with pytest.raises(UserError, match="same split"):
        compare(result, result | {"split": "trainval"})


def wait(job, seconds: float = 60) -> dict:
    deadline = time.time() + seconds
    while job.status["state"] == "running":
        assert time.time() < deadline
        time.sleep(0.1)
    return job.status


@pytest.fixture
def own_run(channel_run):
    """The channel run as a user's own, so that other processes find it."""
    target = runs_folder() / "channels"
    target.parent.mkdir(exist_ok=True)
    channel_run.path.rename(target)
    return type(channel_run)(target)


def test_a_job_leaves_its_result_beside_the_runs_own(own_run):
    job = evaluations.start(own_run, "synthetic", "test", 4)
    assert evaluations.at_work() == job
    with pytest.raises(UserError, match="wait for it or stop it"):
        evaluations.start(own_run, "synthetic", "test", 4)
    assert wait(job)["state"] == "done"
    assert job.result["images"] == 4
    assert list(evaluations.results(own_run)) == [job.name]
    assert not (own_run.path / "evaluation.json").exists()


def test_the_command_line_says_what_the_page_shows(own_run, capsys):
    assert main(["evaluate", "channels", "--data", "synthetic", "--max-images", "3"]) == 0
    (result,) = evaluations.results(own_run).values()
    printed = capsys.readouterr().out
    for score in result["metrics"].values():
        assert f"{score:.4f}" in printed
    assert not own_run.evaluation  # that is for all test images of its own data


def test_a_job_stops_at_once_and_leaves_no_result(own_run):
    job = evaluations.start(own_run, "synthetic", "trainval")
    evaluations.stop(job)
    assert job.status["state"] == "stopped"
    assert evaluations.at_work() is None
    assert evaluations.results(own_run) == {}


def test_a_job_that_fails_says_why(own_run):
    (own_run.path / "model.onnx").write_bytes(b"not a network")
    job = evaluations.start(own_run, "synthetic", "test", 1)
    progress = wait(job)
    assert progress["state"] == "failed" and progress["message"]


def test_a_job_with_data_that_is_not_there_does_not_start(own_run):
    with pytest.raises(UserError, match="no longer here"):
        evaluations.start(own_run, "pairs:0123456789abcdef", "test")
    assert evaluations.jobs() == []


def kept(run: Run, result: dict, data: str) -> dict:
    """Put the result into the folder of the run's job on ``data``."""
    folder = evaluations_folder() / run.id / evaluations._key(run, data, "test")
    folder.mkdir(parents=True)
    result = result | {"run": run.name, "data": data}
    facts = {key: result[key] for key in ("run", "data", "data_title", "split")}
    evaluations.Evaluation(folder).write_status(state="running", done=0, total=1, **facts)
    write_json(folder / "evaluation.json", result)
    return result


def a_run(channel_run: Run, name: str) -> Run:
    return create_run(channel_run.config, name)


def data_of(run: Run) -> list[str]:
    return sorted(result["data"] for result in evaluations.results(run).values())


@pytest.fixture
def coloured(channel_run, monkeypatch):
    """The three images as the data that the channel run was trained on."""
    training = channel_run.config["training"] | {"data": "coloured"}
    write_json(channel_run.path / "config.json", channel_run.config | {"training": training})
    monkeypatch.setattr(evaluations, "data_of", lambda config: Coloured())


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
    (result,) = evaluations.results(channel_run).values()
    assert result["images"] == 3


def test_a_users_own_run_keeps_the_result_on_its_own_data(coloured, own_run):
    assert main(["evaluate", "channels", "--data", "coloured"]) == 0
    assert list(evaluations.results(Run(own_run.path))) == [evaluations.OWN]


def test_no_result_is_taken_for_another_runs_or_another_datas(channel_run, result):
    pets, longer, third = (a_run(channel_run, name) for name in ("pets", "pets--x", "pets-x"))
    for run in (pets, longer):
        for data in ("npz:a.b.npz", "npz:a-b.npz"):
            kept(run, result | {"seconds": len(run.name)}, data)
    for run in (pets, longer):
        assert data_of(run) == ["npz:a-b.npz", "npz:a.b.npz"]
        assert {r["run"] for r in evaluations.results(run).values()} == {run.name}
    assert data_of(third) == []
    assert len({job.name for job in evaluations.jobs()}) == 4


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
        housekeeping.delete(pets)
    else:
        housekeeping.pin(others[0], True)
        housekeeping.prune(0)
    left = {path.name for path in evaluations_folder().iterdir()}
    assert left == {run.id for run in others}
    again = a_run(channel_run, "pets")
    assert data_of(again) == [] and [data_of(run) for run in others] == [["coloured"]] * 2


def test_results_of_a_shipped_run_stay_when_its_namesake_goes(channel_run, result):
    """Formerly a user's run could be called like a shipped one."""
    kept(channel_run, result, "coloured")
    namesake = Run(a_run(channel_run, "other").path.rename(runs_folder() / "channels"))
    kept(namesake, result, "coloured")
    housekeeping.delete(namesake)
    assert [path.name for path in evaluations_folder().iterdir()] == [channel_run.id]


def old_result(run: Run, result: dict, data: str = "coloured", **changes) -> None:
    """As they were kept until their folders had the run's id."""
    folder = evaluations_folder() / f"{run.name}--{data}--test"
    folder.mkdir(parents=True)
    facts = {"run": run.name, "data": data, "data_title": "", "split": "test"}
    progress = {"done": 0, "total": 1, "error": "", "pid": 1, "heartbeat": 1.0}
    write_json(folder / "progress.json", facts | progress)
    write_json(folder / "evaluation.json", result | {"run": run.name, "data": data} | changes)


def test_older_results_are_found_where_it_is_clear_whose_they_are(channel_run, result):
    date = {"date": "2999-01-01"}
    pets, longer, late = (a_run(channel_run, name) for name in ("pets", "pets--x", "late"))
    old_result(pets, result, **date)
    old_result(longer, result, **date)
    old_result(late, result, date="2001-01-01")  # of an earlier run of that name
    old_result(pets, result, "drawn", **date)  # as synthetic data was called
    own = a_run(channel_run, "renamed")
    channels = Run(own.path.rename(runs_folder() / "channels"))  # called like a shipped one
    old_result(channels, result, **date)
    assert data_of(pets) == ["coloured", "synthetic"] and data_of(longer) == ["coloured"]
    for run in (late, channels, channel_run):
        assert evaluations.results(run) == {}


def test_a_result_is_made_by_one_process_at_a_time(own_run):
    job = evaluations.new_job(own_run, "synthetic", "test", 2)
    with locked(job.lock):
        assert evaluations.at_work() == job
        write_json(job.path / "progress.json", {})
        assert job.status["state"] == "running"
        with pytest.raises(UserError, match="wait for it"):
            evaluations.new_job(own_run, "synthetic", "test", 2)
        with pytest.raises(UserError, match="wait for it"):
            evaluations.work(job, own_run, "synthetic", "test", 2, lambda *_: None)
    assert job.status["state"] == "failed"


@pytest.mark.parametrize(
    "change",
    [
        {"curve": "x"},
        {"curve": []},
        {"curve": [[1, 2]]},
        {"roc_area": "a"},
        {"boundary_tolerance": "x"},
        {"boundary_tolerance": None},
        {"notes": [1]},
        {"per_class": {"boundary_f1": "x"}},
        {"per_class": {"boundary_f1": [1.0]}},
    ],
)
def test_a_result_with_an_odd_part_is_none(channel_run, result, change):
    write_json(channel_run.path / "evaluation.json", result)
    assert channel_run.evaluation
    if "per_class" in change:
        change = {"per_class": result["per_class"] | change["per_class"]}
    write_json(channel_run.path / "evaluation.json", result | change)
    assert channel_run.evaluation is None


def test_a_result_of_an_early_version_that_does_not_name_its_run_is_read(channel_run, result):
    early = {key: value for key, value in result.items() if key != "run"}
    write_json(channel_run.path / "evaluation.json", early)
    assert channel_run.evaluation["metrics"] == early["metrics"]


def test_classes_in_another_order_are_not_mixed_up():
    pet, background = ClassInfo("pet", "#ffffff"), ClassInfo("background", "#000000", "background")
    probabilities = np.float32([[[0.9, 0.1]]])
    scored = evaluation.as_scored(probabilities, (pet, background), (background, pet))
    np.testing.assert_allclose(scored, [[[0.1, 0.9]]], rtol=1e-6)


def test_a_new_job_takes_the_place_of_an_older_one(own_run):
    job = evaluations.new_job(own_run, "synthetic", "test", 2)
    job.write_status(state="failed", message="It failed.")
    (job.path / "evaluation.json").write_text("{}")
    again = evaluations.new_job(own_run, "synthetic", "test", 3)
    assert again == job and [path.name for path in job.path.iterdir()] == ["progress.json"]
    expected = {"run": own_run.name, "data": "synthetic", "split": "test", "done": 0, "total": 3}
    assert expected.items() <= again.status.items() and again.status["message"] == ""
