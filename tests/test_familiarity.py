"""Whether an image looks like those that a run has learned from."""

import shutil

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis

from unet_core.cli import main
from unet_core.data.synthetic import draw_pet
from unet_core.prediction import familiarity
from unet_core.prediction.familiarity import (
    FILE,
    WARNING,
    Features,
    Gaussian,
    bottom_tensor,
    familiarity_of,
    spread,
    write_familiarity,
)
from unet_core.prediction.feature_maps import FeatureMaps
from unet_core.store.runs import SHIPPED, Run

KNOWN = [draw_pet(number).image for number in range(40)]
NOISE = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    """The lungs' network, described by drawn pets."""
    path = tmp_path_factory.mktemp("known") / "lungs"
    shutil.copytree(SHIPPED / "lungs", path)
    run = Run(path)
    write_familiarity(run, KNOWN[:30], [*KNOWN[30:], NOISE])
    return run


def test_the_gaussian_is_the_full_one_where_it_has_all_components():
    random = np.random.default_rng(0)
    vectors = random.normal(3, 1, (100, 5)) @ random.normal(0, 1, (5, 5))
    inverse = np.linalg.inv(np.cov(vectors.T, bias=True))
    expected = [mahalanobis(vector, vectors.mean(0), inverse) ** 2 for vector in vectors]
    np.testing.assert_allclose(Gaussian.fit(vectors).distances(vectors), expected, rtol=1e-3)


def test_directions_beyond_the_components_share_one_variance():
    random = np.random.default_rng(0)
    vectors = random.normal(0, [10, 1, 1, 1], (8, 4))  # two components
    gaussian = Gaussian.fit(vectors)
    assert gaussian.axes.shape == (2, 4)
    values = np.linalg.svd(vectors - vectors.mean(0), compute_uv=False) ** 2 / 8
    assert gaussian.noise == pytest.approx(values[2:].mean())


def test_the_features_are_the_bottoms_averaged(run):
    maps = FeatureMaps(run)
    assert bottom_tensor(run) == maps._tensors[-1]
    image = np.asarray(NOISE[:50, :50].repeat(4, 0).repeat(4, 1)[:160, :160])
    pixels = {maps._session.get_inputs()[0].name: image[None].astype(np.float32)}
    found = maps._session.run([maps._tensors[-1]], pixels)[0]
    expected = found[0].reshape(found.shape[1], -1).mean(1)
    np.testing.assert_allclose(
        Features(run, bottom_tensor(run)).vector(image), expected, rtol=1e-4, atol=1e-5
    )


def test_noise_is_stranger_than_what_is_known(run):
    known = familiarity_of(run)
    own = [known.strangeness(image) for image in KNOWN[:30]]
    assert known.strangeness(NOISE) > 1 > np.median(own)
    assert sum(value > 1 for value in own) <= 1


def test_the_limit_is_of_images_that_the_gaussian_has_not_seen(run):
    known = familiarity_of(run)
    vectors = np.stack([known.features.vector(image) for image in KNOWN[:30]])
    apart = np.arange(30) % 5
    distances = [
        Gaussian.fit(vectors[apart != apart[i]]).distances(vectors[i : i + 1])[0] for i in range(30)
    ]
    assert known.limit == pytest.approx(np.quantile(distances, 0.98), rel=1e-4)


def test_false_alarms_are_counted_on_the_test_images(run):
    known = familiarity_of(run)
    assert known.tested == 11
    expected = sum(known.strangeness(image) > 1 for image in [*KNOWN[30:], NOISE])
    assert known.false_alarms == expected >= 1


def test_the_file_is_small(run):
    assert (run.path / FILE).stat().st_size < 300_000
    assert not list(run.path.glob("new.*"))


@pytest.mark.parametrize("damage", ["gone", "cut", "another model"])
def test_without_a_file_of_this_model_nothing_is_said(run, tmp_path, damage):
    path = tmp_path / "lungs"
    shutil.copytree(run.path, path)
    if damage == "gone":
        (path / FILE).unlink()
    elif damage == "cut":
        (path / FILE).write_bytes((run.path / FILE).read_bytes()[:2000])
    else:
        shutil.copy(SHIPPED / "pets-fast" / "model.onnx", path)
    assert familiarity_of(Run(path)) is None


def test_a_diverged_network_leaves_no_file(run, tmp_path, monkeypatch):
    path = tmp_path / "lungs"
    shutil.copytree(SHIPPED / "lungs", path, ignore=shutil.ignore_patterns(FILE))
    monkeypatch.setattr(Features, "vector", lambda self, image: np.full(256, np.nan))
    assert write_familiarity(Run(path), KNOWN[:5], []) is None
    assert not (path / FILE).exists()


@pytest.mark.parametrize(("count", "kept"), [(1, 1), (500, 500), (501, 251), (1499, 500)])
def test_many_images_are_thinned_evenly(count, kept):
    assert len(spread(np.arange(count))) == kept


def test_the_command_line_warns(channel_run, tmp_path, monkeypatch, capsys):
    from PIL import Image

    for name, color in (("red", (255, 0, 0)), ("blue", (0, 0, 255))):
        Image.new("RGB", (40, 30), color).save(tmp_path / f"{name}.png")
    monkeypatch.setattr(familiarity, "familiarity_of", lambda run: RedIsStrange())
    names = [str(tmp_path / name) for name in ("red.png", "blue.png")]
    assert main(["predict", *names, "--model", "channels", "--out", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().err == f"{names[0]}: {WARNING}\n"


class RedIsStrange:
    tested, false_alarms = 50, 1

    def strangeness(self, image: np.ndarray) -> float:
        return 2.0 if image[..., 0].mean() > 100 else 0.5
