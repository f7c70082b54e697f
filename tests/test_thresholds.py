"""Threshold sweeps against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn import metrics

from unet_core import thresholds


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
