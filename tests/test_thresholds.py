"""Threshold sweeps against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn import metrics

from unet_core.metrics import thresholds


@pytest.fixture
def pixels():
    random = np.random.default_rng(0)
    truth = random.random(4000) < 0.3
    raw = np.clip(random.normal(0.4 + 0.25 * truth, 0.2), 0, 1)
    on_grid = thresholds.THRESHOLDS[np.rint(raw * 100).astype(int)]
    return truth, on_grid


def test_counts_at_each_threshold_are_those_of_scikit_learn(pixels):
    truth, probability = pixels
    sweep = thresholds.threshold_sweep(truth, probability)
    for number in (0, 1, 33, 50, 99, 100):
        predicted = probability >= thresholds.THRESHOLDS[number]
        np.testing.assert_array_equal(sweep[number], metrics.confusion_matrix(truth, predicted))


def test_areas_agree_with_scikit_learn(pixels):
    sweep = thresholds.threshold_sweep(*pixels)
    assert thresholds.roc_area(sweep) == pytest.approx(metrics.roc_auc_score(*pixels))
    expected = metrics.average_precision_score(*pixels)
    assert thresholds.average_precision(sweep) == pytest.approx(expected)


def test_best_threshold_by_hand():
    # From 0.6 on both foreground pixels and one background pixel pass; from 0.7 on, 1 and 0.
    truth = np.array([True, True, False, False])
    probability = np.array([0.9, 0.6, 0.65, 0.1], np.float32)
    threshold, dice = thresholds.best_threshold(thresholds.threshold_sweep(truth, probability))
    assert 0.1 < threshold <= 0.6
    assert dice == pytest.approx(2 * 2 / (2 * 2 + 1))


def test_a_perfect_and_an_inverted_model():
    truth = np.array([True, False, True, False])
    perfect = thresholds.threshold_sweep(truth, truth.astype(np.float32))
    inverted = thresholds.threshold_sweep(truth, (~truth).astype(np.float32))
    assert thresholds.roc_area(perfect) == thresholds.average_precision(perfect) == 1
    assert thresholds.roc_area(inverted) == 0


def test_without_foreground_there_is_no_roc_area():
    sweep = thresholds.threshold_sweep(np.zeros(5, bool), np.linspace(0, 1, 5))
    assert np.isnan(thresholds.roc_area(sweep))


def sigmoid(logits: np.ndarray) -> np.ndarray:
    return (1 / (1 + np.exp(-np.clip(logits, -80, 80)))).astype(np.float32)


def distributions() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Truth and float32 probabilities of which most, or all, lie between two thresholds."""
    random = np.random.default_rng(0)
    truth, noise = random.random(30_000) < 0.3, random.normal(size=30_000)
    rare = random.random(30_000) < 1e-3
    return {
        "sure": (truth, sigmoid(np.where(truth, 12, -14) + 8 * noise)),
        "very sure": (truth, sigmoid(np.where(truth, 40, -40) + 30 * noise)),
        "around a millionth": (truth, (1e-6 * np.exp(noise + truth)).astype(np.float32)),
        "a millionth below 1": (truth, (1 - 1e-6 * np.exp(noise - truth)).astype(np.float32)),
        "undecided": (truth, (0.5 + 1e-5 * (noise + truth)).astype(np.float32)),
        "two values": (truth, (random.random(30_000) < 0.1 + 0.8 * truth).astype(np.float32)),
        "one value": (truth, np.full(30_000, 0.3, np.float32)),
        "rare": (rare, sigmoid(-12 + 5 * noise + 3 * rare)),
        "rare, but found": (rare, sigmoid(-12 + noise + 3 * rare)),
    }


def counted(truth, probability, **options) -> thresholds.ProbabilityCounts:
    counts = thresholds.ProbabilityCounts(**options)
    for part in np.array_split(np.arange(len(truth)), 7):  # images of unlike sizes
        counts.add(truth[part], probability[part])
    return counts


@pytest.mark.parametrize("name", distributions())
def test_areas_of_sure_networks_are_those_of_scikit_learn(name):
    truth, probability = distributions()[name]
    found = counted(truth, probability).summary()
    expected = metrics.roc_auc_score(truth, probability)
    assert found["roc_area"] == pytest.approx(expected, abs=1e-12)
    expected = metrics.average_precision_score(truth, probability)
    assert found["average_precision"] == pytest.approx(expected, abs=1e-12)


def test_areas_stay_right_when_there_are_too_many_probabilities_to_keep():
    for truth, probability in distributions().values():
        counts = counted(truth, probability, max_values=4000)
        assert len(counts.sweep()) <= 4000
        found = counts.summary()
        expected = metrics.roc_auc_score(truth, probability)
        assert found["roc_area"] == pytest.approx(expected, abs=7 / 4000)
    pixels = np.arange(2**16, dtype=np.float32).reshape(16, 64, 64) / 2**16
    counts = thresholds.ProbabilityCounts(max_values=2000)
    for image in pixels:
        counts.add(image > 0.6, image)
    assert counts.summary()["roc_area"] == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    "name", ["sure", "very sure", "undecided", "two values", "one value", "rare, but found"]
)
def test_a_kept_curve_is_short_exact_at_its_points_and_close_between_them(name):
    truth, probability = distributions()[name]
    counts = counted(truth, probability)
    found = counts.summary()
    assert len(found["curve"]) <= thresholds.CURVE_POINTS + 1
    for threshold, false, true in found["curve"][::20]:
        passed = probability >= np.float32(threshold)
        assert (false, true) == ((passed & ~truth).sum(), (passed & truth).sum())
    drawn = thresholds.stored_sweep(found)
    np.testing.assert_array_equal(drawn[0], [[0, (~truth).sum()], [0, truth.sum()]])
    assert thresholds.roc_area(drawn) == pytest.approx(found["roc_area"], abs=1e-3)
    expected = found["average_precision"]
    assert thresholds.average_precision(drawn) == pytest.approx(expected, abs=0.01)


def test_a_truth_of_one_class_has_no_area():
    counts = counted(np.zeros(70, bool), np.linspace(0, 1, 70, dtype=np.float32))
    assert counts.summary()["roc_area"] is counts.summary()["average_precision"] is None
    counts = counted(np.ones(70, bool), np.linspace(0, 1, 70, dtype=np.float32))
    assert counts.summary()["roc_area"] is None


def test_older_results_have_the_sweep_alone(pixels):
    sweep = thresholds.threshold_sweep(*pixels)
    np.testing.assert_array_equal(thresholds.stored_sweep({"thresholds": sweep.tolist()}), sweep)
