"""Calibrated probabilities: the temperature that is fitted, and what a model does with it."""

import numpy as np
import pytest
from scipy.special import softmax

from benchmarks.calibration import tempered
from unet_core.metrics.calibration import fit_temperature


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_known_temperature_is_found(temperature, channels):
    random = np.random.default_rng(0)
    logits = random.normal(0, 3, (40_000, channels)).astype(np.float32)
    all_logits = np.hstack([np.zeros_like(logits), logits]) if channels == 1 else logits
    chances = softmax(all_logits / temperature, axis=1).cumsum(1)
    truth = (random.random((len(logits), 1)) > chances[:, :-1]).sum(1)
    assert fit_temperature(logits, truth) == pytest.approx(temperature, rel=0.05)


def test_who_is_surer_than_right_gets_more_than_one_and_the_other_less():
    logits = np.zeros((100, 3))
    logits[:, 0] = 4  # sure by 96 %
    truth = np.zeros(100, int)
    assert fit_temperature(logits, truth) < 1
    truth[:30] = 1
    assert fit_temperature(logits, truth) > 1.5


def test_a_diverged_network_keeps_its_temperature():
    assert fit_temperature(np.array([[np.nan, 0], [1, 2]]), np.array([0, 1])) == 1


def test_probabilities_are_tempered_as_logits_are():
    logits = np.random.default_rng(0).normal(0, 2, (4, 5, 3))
    expected = softmax(logits / 2.5, axis=-1)
    np.testing.assert_allclose(tempered(softmax(logits, axis=-1), 2.5), expected)
