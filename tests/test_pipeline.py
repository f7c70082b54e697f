import numpy as np
import pytest

from unet_core.data.prepared import Prepared
from unet_core.store.config import TrainingConfig
from unet_core.training.augment import (
    Seeds,
    color_jitter,
    cutmix,
    random_boxes,
    random_crops,
)
from unet_core.training.batches import TrainingBatches, validation_batches


@pytest.fixture
def photos() -> Prepared:
    """Seven images whose masks can be read off their pixels: class 1 is bright."""
    random = np.random.default_rng(0)
    masks = np.zeros((7, 32, 32), np.uint8)
    for mask in masks:
        top, left = random.integers(2, 14, 2)
        mask[top : top + 16, left : left + 16] = 1
    images = np.repeat(np.where(masks, 250, 5).astype(np.uint8)[..., None], 3, -1)
    return Prepared([str(i) for i in range(7)], images, masks)


def batches_of(
    data: Prepared,
    batch_size: int,
    augmentation: str,
    crop_size: int,
    seed: int = 0,
    mask_size: int | None = None,
    weight_map: float = 0.0,
    background: int = 0,
) -> TrainingBatches:
    settings = {"batch_size": batch_size, "augmentation": augmentation, "seed": seed}
    config = TrainingConfig(**settings, weight_map=weight_map)
    return TrainingBatches(data, config, crop_size, mask_size or crop_size, background)


def epoch(batches: TrainingBatches, number: int) -> list[np.ndarray]:
    batches.set_epoch(number)
    return [part.numpy() for batch in batches.dataset for part in batch]


@pytest.mark.parametrize("augmentation", ["cutmix", "elastic", "standard", "flip", "none"])
def test_masks_stay_on_their_pictures_and_are_never_mixed(photos, augmentation):
    batches = batches_of(photos, 4, augmentation, crop_size=24, seed=0)
    batches.set_epoch(1)
    for images, masks in batches.dataset:
        assert images.shape[1:] == (24, 24, 3) and masks.shape[1:] == (24, 24)
        assert set(np.unique(masks)) <= {0, 1}
        grey = images.numpy().mean(-1)
        middle = (grey.max((1, 2)) + grey.min((1, 2)))[:, None, None] / 2
        if augmentation != "cutmix":  # there an image has the light of two
            agree = ((grey > middle) == masks.numpy()).mean()
            assert agree > 0.9  # all but the interpolated edges


def test_every_picture_comes_once_an_epoch(photos):
    sizes = [len(masks) for _, masks in batches_of(photos, 4, "standard", 32, 0).dataset]
    assert sizes == [4, 3]


@pytest.mark.parametrize("augmentation", ["cutmix", "elastic", "xray"])
def test_epochs_differ_and_repeat_themselves_exactly(photos, augmentation):
    batches = batches_of(photos, 4, augmentation, 32, seed=5)
    first, second, again = (epoch(batches, number) for number in (0, 1, 0))
    assert any((a != b).any() for a, b in zip(first, second, strict=True))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)


def test_films_are_varied(photos):
    images, masks = next(iter(batches_of(photos, 7, "xray", 32).dataset))
    before = {image.tobytes() for image in photos.images.astype(np.float32)}
    assert images.shape == (7, 32, 32, 3) and set(np.unique(masks)) == {0, 1}
    assert not before & {image.tobytes() for image in images.numpy()}
    assert images.numpy().min() >= 0 and images.numpy().max() <= 255


def test_without_augmentation_the_whole_picture_comes_unchanged(photos):
    images, masks = next(iter(batches_of(photos, 7, "none", 32, 0).dataset))
    expected = sorted(map(bytes, photos.masks))
    assert sorted(map(bytes, masks.numpy().astype(np.uint8))) == expected
    assert images.numpy().max() == 250


@pytest.fixture
def noise() -> Prepared:
    """Four images of noise, in which no two pixels of an image are alike in colour."""
    random = np.random.default_rng(1)
    images = np.stack([random.permutation(1024).reshape(32, 32) for _ in range(4)])
    images = np.stack([images // 256, images % 256, images % 7], axis=-1).astype(np.uint8)
    masks = (images[..., 1] > 128).astype(np.uint8)
    return Prepared(list("abcd"), images, masks)


@pytest.mark.parametrize("augmentation", ["flip", "none"])
def test_an_unscaled_window_is_copied_pixel_by_pixel(noise, augmentation):
    batches = batches_of(noise, 4, augmentation, crop_size=28, seed=2)
    kinds, corners = set(), set()
    for number in range(12):
        batches.set_epoch(number)
        ((images, masks),) = batches.dataset
        for image, mask in zip(images.numpy(), masks.numpy(), strict=True):
            place = window_in(noise, image)
            assert place, "these pixels stand nowhere in the pictures like this"
            index, top, left, mirrored = place
            truth = noise.masks[index, top : top + 28, left : left + 28]
            np.testing.assert_array_equal(mask, truth[:, ::-1] if mirrored else truth)
            kinds.add(mirrored)
            corners |= {("top", top), ("left", left)}
    assert kinds == ({True, False} if augmentation == "flip" else {False})
    for edge in ("top", "left"):  # the first and the last place are reached
        places = [place for kind, place in corners if kind == edge]
        assert min(places) == 0 and max(places) == 4


def window_in(data: Prepared, image: np.ndarray) -> tuple | None:
    """Index, top, left and whether mirrored of the window that ``image`` was copied from."""
    for index, photo in enumerate(data.images):
        for mirrored in (False, True):
            window = image[:, ::-1] if mirrored else image
            for top, left in np.argwhere((photo == window[0, 0]).all(-1)):
                found = photo[top : top + 28, left : left + 28]
                if found.shape == window.shape and (found == window).all():
                    return index, int(top), int(left), mirrored
    return None


def test_the_flip_is_decided_anew_for_each_picture(noise):
    """Article 3 decides it once, when the graph is traced."""
    arrays = np.concatenate([noise.images, noise.masks[..., None]], -1).astype(np.float32)
    windows = random_crops(np.repeat(arrays, 25, axis=0), 32, True, Seeds(0, 1)).numpy()
    straight = [(w == a).all() for w, a in zip(windows, np.repeat(arrays, 25, 0), strict=True)]
    assert 30 < sum(straight) < 70
    assert 5 < sum(straight[:25]) < 20  # among copies of one image too


def test_windows_have_the_scale_and_aspect_that_they_promise():
    y1, x1, y2, x2 = random_boxes(2000, 0.5, Seeds(3, 0)).numpy().T
    height, width = y2 - y1, np.abs(x2 - x1)
    scale, aspect = 0.5 / np.sqrt(height * width), height / width
    assert scale.min() == pytest.approx(0.7, abs=0.02) and scale.max() == pytest.approx(
        1.4, abs=0.03
    )
    assert aspect.min() == pytest.approx(0.85, abs=0.01)
    assert aspect.max() == pytest.approx(1.18, abs=0.01)
    assert min(y1.min(), x1.min(), x2.min()) >= 0 and max(y2.max(), x1.max(), x2.max()) <= 1
    assert 0.45 < (x1 > x2).mean() < 0.55


def test_colours_change_by_picture_within_bounds_and_never_by_place():
    flat = np.full((200, 4, 4, 3), 128.0, np.float32)
    flat[:, :2] = (200.0, 100.0, 60.0)
    changed = color_jitter(flat, Seeds(0, 5)).numpy()
    assert changed.min() >= 0 and changed.max() <= 255
    assert (np.ptp(changed[:, :2], axis=(1, 2)) < 1e-3).all()  # one colour stays one colour
    light = changed[:, 2:].mean((1, 2, 3))
    assert light.std() > 10 and abs(light.mean() - 128) < 5
    ratio = changed[:, 2, 2, 0] / changed[:, 2, 2, 2]
    assert 1.1 < np.percentile(ratio, 95) < 1.5  # a cast of colour, on grey
    spread = np.ptp(changed[:, 0, 0], axis=-1)
    assert spread.min() < 90 < 150 < spread.max()  # saturation and contrast, on colour
    np.testing.assert_array_equal(color_jitter(flat, Seeds(0, 5)), changed)


def test_cut_mix_moves_a_window_of_the_next_picture_with_its_mask():
    numbers = np.arange(400, dtype=np.float32)
    images = np.broadcast_to(numbers[:, None, None, None], (400, 40, 40, 3))
    masks = images[..., :1] % 7
    mixed, truth = (part.numpy() for part in cutmix(images, masks, Seeds(1, 1)))
    np.testing.assert_array_equal(truth, mixed[..., :1] % 7)  # both come from the same image
    moved = mixed[..., 0] != images[..., 0]
    where_from = (mixed[..., 0] - images[..., 0])[moved] % 400
    assert set(where_from) == {399.0}
    assert 0.4 < moved.any((1, 2)).mean() < 0.6
    for window in moved[moved.any((1, 2))]:
        rows, columns = np.flatnonzero(window.any(1)), np.flatnonzero(window.any(0))
        assert window[np.ix_(rows, columns)].all()
        assert window.sum() == len(rows) * len(columns)
        assert 10 <= len(rows) <= 25 and 10 <= len(columns) <= 25


def test_unpadded_networks_see_mirrored_pictures_and_learn_all_of_them(photos):
    batches = batches_of(photos, 7, "none", crop_size=48, seed=0, mask_size=32)
    images, masks = next(iter(batches.dataset))
    assert images.shape[1:3] == (48, 48)
    expected = sorted(map(bytes, photos.masks))
    assert sorted(map(bytes, masks.numpy().astype(np.uint8))) == expected
    inner, outer = images[:, 1:8].numpy(), images[:, 9:16].numpy()[:, ::-1]
    np.testing.assert_allclose(inner, outer)


@pytest.mark.parametrize("outside", [0, 1])
def test_weights_are_cut_with_their_masks(photos, outside):
    masks = np.full((7, 32, 32), outside, np.uint8)
    masks[:, :, :14] = masks[:, :, 18:] = 1 - outside  # two cells and four pixels between them
    photos = Prepared(photos.names, photos.images, masks)
    batches = batches_of(photos, 7, "elastic", 24, seed=0, weight_map=10, background=outside)
    _, masks, weights = next(iter(batches.dataset))
    assert weights.shape == masks.shape
    is_between = masks.numpy() == outside
    assert is_between.any(axis=(1, 2)).all()
    assert (weights.numpy()[is_between] > 5).all() and (weights.numpy()[~is_between] == 1).all()


def test_validation_keeps_the_order_and_mirrors_what_an_unpadded_network_needs(photos):
    batches = list(validation_batches(photos, 4, side=48, mask_size=34))
    assert [images.shape[1] for images, _ in batches] == [48, 48]
    assert [len(images) for images, _ in batches] == [4, 3]
    np.testing.assert_array_equal(batches[0][1][0][1:33, 1:33], photos.masks[0])
    np.testing.assert_array_equal(batches[0][0][0][8:40, 8:40, 0], photos.images[0, :, :, 0])


def test_nothing_is_tuned_at_run_time(photos):
    # it made TensorFlow stand still at the end of epochs
    training = batches_of(photos, 4, "none", 32, seed=0).dataset
    for batches in (training, validation_batches(photos, 4, 32, 32)):
        assert batches.options().autotune.enabled is False
