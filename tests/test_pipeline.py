import numpy as np
import pytest

from unet_core.data.prepared import Prepared
from unet_core.pipeline import TrainingBatches, validation_batches


@pytest.fixture
def pictures() -> Prepared:
    """Seven pictures whose masks can be read off their pixels: class 1 is bright."""
    random = np.random.default_rng(0)
    masks = np.zeros((7, 32, 32), np.uint8)
    for mask in masks:
        top, left = random.integers(2, 14, 2)
        mask[top : top + 16, left : left + 16] = 1
    images = np.repeat(np.where(masks, 250, 5).astype(np.uint8)[..., None], 3, -1)
    return Prepared([str(i) for i in range(7)], images, masks)


def epoch(batches: TrainingBatches, number: int) -> list[np.ndarray]:
    batches.set_epoch(number)
    return [part.numpy() for batch in batches.dataset for part in batch]


@pytest.mark.parametrize("augmentation", ["strong", "elastic", "full", "flip", "none"])
def test_masks_stay_on_their_pictures_and_are_never_mixed(pictures, augmentation):
    batches = TrainingBatches(pictures, 4, augmentation, size=24, seed=0)
    batches.set_epoch(1)
    for images, masks in batches.dataset:
        assert images.shape[1:] == (24, 24, 3) and masks.shape[1:] == (24, 24)
        assert set(np.unique(masks)) <= {0, 1}
        grey = images.numpy().mean(-1)
        middle = (grey.max((1, 2)) + grey.min((1, 2)))[:, None, None] / 2
        if augmentation != "strong":  # there a picture has the light of two
            agree = ((grey > middle) == masks.numpy()).mean()
            assert agree > 0.9  # all but the interpolated edges


def test_every_picture_comes_once_an_epoch(pictures):
    sizes = [len(masks) for _, masks in TrainingBatches(pictures, 4, "full", 32, 0).dataset]
    assert sizes == [4, 3]


@pytest.mark.parametrize("augmentation", ["strong", "elastic"])
def test_epochs_differ_and_repeat_themselves_exactly(pictures, augmentation):
    batches = TrainingBatches(pictures, 4, augmentation, 32, seed=5)
    first, second, again = (epoch(batches, number) for number in (0, 1, 0))
    assert any((a != b).any() for a, b in zip(first, second, strict=True))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)


def test_without_augmentation_the_whole_picture_comes_unchanged(pictures):
    images, masks = next(iter(TrainingBatches(pictures, 7, "none", 32, 0).dataset))
    expected = sorted(map(bytes, pictures.masks))
    assert sorted(map(bytes, masks.numpy().astype(np.uint8))) == expected
    assert images.numpy().max() == 250


def test_unpadded_networks_see_mirrored_pictures_and_learn_all_of_them(pictures):
    batches = TrainingBatches(pictures, 7, "none", size=48, seed=0, mask_size=32)
    images, masks = next(iter(batches.dataset))
    assert images.shape[1:3] == (48, 48)
    expected = sorted(map(bytes, pictures.masks))
    assert sorted(map(bytes, masks.numpy().astype(np.uint8))) == expected
    inner, outer = images[:, 1:8].numpy(), images[:, 9:16].numpy()[:, ::-1]
    np.testing.assert_allclose(inner, outer)


@pytest.mark.parametrize("outside", [0, 1])
def test_weights_are_cut_with_their_masks(pictures, outside):
    masks = np.full((7, 32, 32), outside, np.uint8)
    masks[:, :, :14] = masks[:, :, 18:] = 1 - outside  # two cells and four pixels between them
    pictures = Prepared(pictures.names, pictures.images, masks)
    batches = TrainingBatches(pictures, 7, "elastic", 24, seed=0, border_weight=10, outside=outside)
    _, masks, weights = next(iter(batches.dataset))
    assert weights.shape == masks.shape
    is_between = masks.numpy() == outside
    assert is_between.any(axis=(1, 2)).all()
    assert (weights.numpy()[is_between] > 5).all() and (weights.numpy()[~is_between] == 1).all()


def test_validation_keeps_the_order_and_mirrors_what_an_unpadded_network_needs(pictures):
    batches = list(validation_batches(pictures, 4, side=48, mask_size=34))
    assert [images.shape[1] for images, _ in batches] == [48, 48]
    assert [len(images) for images, _ in batches] == [4, 3]
    np.testing.assert_array_equal(batches[0][1][0][1:33, 1:33], pictures.masks[0])
    np.testing.assert_array_equal(batches[0][0][0][8:40, 8:40, 0], pictures.images[0, :, :, 0])


def test_nothing_is_tuned_at_run_time(pictures):
    # it made TensorFlow stand still at the end of epochs
    training = TrainingBatches(pictures, 4, "none", 32, seed=0).dataset
    for batches in (training, validation_batches(pictures, 4, 32, 32)):
        assert batches.options().autotune.enabled is False
