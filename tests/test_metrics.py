"""Metrics against scikit-learn and against cases worked by hand."""

import numpy as np
import pytest
from scipy.stats import bootstrap
from sklearn import metrics

from unet_core.metrics.bootstrap import bootstrap_intervals, bootstrap_mean_interval
from unet_core.metrics.calibration import calibration_error
from unet_core.metrics.confusion import (
    beats_trivial,
    class_metrics,
    classes_in_truth,
    confusion_matrix,
    foreground_metrics,
    image_metrics,
    overall_metrics,
    pet_metrics,
)


@pytest.fixture
def labels():
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, 5000)
    prediction = np.where(random.random(5000) < 0.7, truth, random.integers(0, 3, 5000))
    return truth, prediction


def test_metrics_agree_with_scikit_learn(labels):
    truth, prediction = labels
    confusion = confusion_matrix(truth, prediction, 3)
    np.testing.assert_array_equal(confusion, metrics.confusion_matrix(truth, prediction))
    per_class = class_metrics(confusion)
    for name, reference in (
        ("iou", metrics.jaccard_score),
        ("dice", metrics.f1_score),
        ("precision", metrics.precision_score),
        ("recall", metrics.recall_score),
    ):
        np.testing.assert_allclose(per_class[name], reference(truth, prediction, average=None))
    overall = overall_metrics(confusion)
    assert overall["pixel_accuracy"] == pytest.approx(metrics.accuracy_score(truth, prediction))


def test_by_hand():
    # 3 right pets, 1 pet called background, 2 backgrounds called pet, 4 right backgrounds
    per_class = class_metrics(np.array([[3, 1], [2, 4]]))
    np.testing.assert_allclose(per_class["iou"], [3 / 6, 4 / 7])
    np.testing.assert_allclose(per_class["dice"], [6 / 9, 8 / 11])


def test_an_absent_class_has_no_metric_and_does_not_count():
    confusion = np.array([[5, 0, 0], [0, 5, 0], [0, 0, 0]])
    assert np.isnan(class_metrics(confusion)["iou"][2])
    assert overall_metrics(confusion)["mean_iou"] == 1


def test_a_wrongly_predicted_absent_class_scores_zero():
    confusion = np.array([[4, 0, 1], [0, 5, 0], [0, 0, 0]])
    assert class_metrics(confusion)["iou"][2] == 0


def test_a_class_that_no_truth_has_does_not_pull_the_means_down():
    confusion = np.array([[4, 0, 1], [0, 5, 0], [0, 0, 0]])
    overall = overall_metrics(confusion)
    assert overall["mean_iou"] == pytest.approx((4 / 5 + 1) / 2)
    assert overall["mean_dice"] == pytest.approx((8 / 9 + 1) / 2)


def test_a_false_alarm_counts_where_another_picture_has_the_class():
    images = np.array([[[4, 4], [0, 0]], [[4, 0], [0, 4]]])
    np.testing.assert_array_equal(classes_in_truth(images), [True, True])
    np.testing.assert_array_equal(classes_in_truth(images[:1]), [True, False])
    np.testing.assert_allclose(image_metrics(images)["mean_iou"], [(4 / 8 + 0) / 2, 1])
    np.testing.assert_allclose(image_metrics(images[:1])["mean_iou"], [4 / 8])


def test_an_inverted_prediction_scores_zero():
    confusion = np.array([[0, 5], [5, 0]])
    assert overall_metrics(confusion)["mean_iou"] == 0


def test_pet_conventions_by_hand():
    confusion = np.array([[6, 1, 1], [2, 8, 1], [1, 2, 3]])
    result = pet_metrics(confusion)
    # Border pixels left out: hits 6; truth pet 8; background called pet 2.
    assert result["pet_iou"] == pytest.approx(6 / 10)
    # Border is pet: hits 6+1+1+3; union is everything but background called background.
    assert result["pet_or_border_iou"] == pytest.approx(11 / 17)


def test_an_empty_mask_that_is_predicted_empty_is_perfect():
    overall = overall_metrics(np.array([[0, 0], [0, 9]]))
    assert overall["mean_iou"] == overall["mean_dice"] == overall["pixel_accuracy"] == 1


def test_no_pixels_at_all_have_no_metric():
    assert all(np.isnan(v) for v in overall_metrics(np.zeros((2, 2), int)).values())


def test_foreground_metrics_are_those_of_the_second_class():
    found = foreground_metrics(np.array([[90, 2], [3, 5]]))
    assert found == {"foreground_iou": 5 / 10, "foreground_dice": 10 / 15}


def test_image_metrics_are_those_of_each_matrix_alone():
    images = np.array([[[3, 1], [2, 4]], [[5, 0], [0, 0]]])
    result = image_metrics(images)
    np.testing.assert_allclose(result["iou"], [[3 / 6, 4 / 7], [1, np.nan]])
    np.testing.assert_allclose(result["mean_iou"], [(3 / 6 + 4 / 7) / 2, 1])


def test_bootstrap_interval_holds_the_metric_and_narrows_with_images():
    images = np.random.default_rng(1).integers(1, 50, (200, 2, 2))
    few = bootstrap_intervals(images[:20], overall_metrics)["pixel_accuracy"]
    many = bootstrap_intervals(images, overall_metrics)["pixel_accuracy"]
    assert many[0] < overall_metrics(images.sum(0))["pixel_accuracy"] < many[1]
    assert many[1] - many[0] < few[1] - few[0]


def test_bootstrap_interval_agrees_with_scipy():
    right = np.random.default_rng(2).integers(20, 90, 60)  # of 100 pixels an image
    images = np.stack([np.diag([r, 0]) + np.array([[0, 100 - r], [0, 0]]) for r in right])
    ours = bootstrap_intervals(images, overall_metrics)["pixel_accuracy"]
    reference = bootstrap((right / 100,), np.mean, method="percentile", rng=0).confidence_interval
    np.testing.assert_allclose(ours, reference, atol=0.003)


def test_bootstrap_interval_of_pooled_iou_agrees_with_scipy():
    images = np.random.default_rng(5).integers(1, 60, (40, 3, 3)) + np.diag([90, 90, 40])

    def pooled(positions):
        return overall_metrics(images[positions].sum(0))["mean_iou"]

    ours = bootstrap_intervals(images, overall_metrics)["mean_iou"]
    reference = bootstrap(
        (np.arange(40),), pooled, n_resamples=2000, vectorized=False, method="percentile", rng=0
    ).confidence_interval
    width = reference.high - reference.low
    np.testing.assert_allclose(ours, reference, atol=0.1 * width)


def test_interval_of_a_mean_agrees_with_scipy_and_leaves_out_nan():
    values = np.random.default_rng(3).random(50)
    ours = bootstrap_mean_interval(np.append(values, [np.nan] * 5))
    reference = bootstrap((values,), np.mean, method="percentile", rng=0).confidence_interval
    np.testing.assert_allclose(ours, reference, atol=0.01)


def test_one_image_has_no_interval():
    one = np.array([[[5, 1], [1, 5]]])
    for limits in bootstrap_intervals(one, overall_metrics).values():
        assert np.isnan(limits).all()
    assert np.isnan(bootstrap_mean_interval(np.array([0.5, np.nan]))).all()


def test_calibration_error_by_hand():
    # 10 pixels at 0.9 of which 9 are right, 10 pixels at 0.6 of which 4 are right
    assert calibration_error([[9.0, 9, 10], [6.0, 4, 10]]) == pytest.approx(2 / 20)


def test_a_model_must_beat_the_most_frequent_class():
    trivial = np.array([[0, 30], [0, 70]])  # all is called class 1
    assert not beats_trivial(trivial)
    assert beats_trivial(trivial + [[1, -1], [0, 0]])
    assert not beats_trivial([[30, 0], [30, 40]])  # accuracy as the trivial answer's, IoU better
    assert not beats_trivial([[0, 30, 0], [1, 69, 0], [0, 0, 0]])
