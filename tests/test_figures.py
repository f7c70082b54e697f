import numpy as np
import pytest

from unet_core import figures, score_figures
from unet_core.overlay import error_map


def test_smoothing_is_a_bias_corrected_moving_average():
    assert figures.smoothed([1.0, 3.0], 0) == [1, 3]
    # weights 1 and 0.5 on the second and the first value
    assert figures.smoothed([1.0, 3.0], 0.5) == pytest.approx([1, (3 + 0.5 * 1) / 1.5])
    assert figures.smoothed([2.0] * 5, 0.9) == pytest.approx([2.0] * 5)


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        ("Of the truth (recall)", [[0.75, 0.25], [0.0, 1.0]]),
        ("Of the prediction (precision)", [[1.0, 0.2], [0.0, 0.8]]),
        ("Pixels", [[3, 1], [0, 4]]),
    ],
)
def test_confusion_rows_are_the_truth(view, expected):
    figure = score_figures.confusion_figure([[3, 1], [0, 4]], ["pet", "rest"], view)
    heat = figure.data[0]
    np.testing.assert_allclose(heat.z, expected)
    assert list(heat.y) == list(heat.x) == ["pet", "rest"]
    assert figure.layout.yaxis.title.text == "true class"
    assert figure.layout.yaxis.autorange == "reversed"


def test_errors_are_coloured_by_kind():
    truth = np.array([[True, True, False, False]])
    prediction = np.array([[True, False, True, False]])
    result = error_map(np.full((1, 4, 3), 100, np.uint8), truth, prediction)
    assert result[0].tolist() == [[60] * 3, [230, 159, 0], [0, 114, 178], [60] * 3]
