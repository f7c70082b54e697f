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


@pytest.mark.parametrize("augmentation", ["strong", "full", "flip", "none"])
def test_masks_stay_on_their_pictures_and_are_never_mixed(pictures, augmentation):
    batches = TrainingBatches(pictures, 4, augmentation, crop=24, seed=0)
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
    sizes = [len(masks) for _, masks in TrainingBatches(pictures, 4, "full", None, 0).dataset]
    assert sizes == [4, 3]


def test_epochs_differ_and_repeat_themselves_exactly(pictures):
    batches = TrainingBatches(pictures, 4, "strong", None, seed=5)
    first, second, again = (epoch(batches, number) for number in (0, 1, 0))
    assert any((a != b).any() for a, b in zip(first, second, strict=True))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)


def test_without_augmentation_the_whole_picture_comes_unchanged(pictures):
    images, masks = next(iter(TrainingBatches(pictures, 7, "none", None, 0).dataset))
    expected = sorted(map(bytes, pictures.masks))
    assert sorted(map(bytes, masks.numpy().astype(np.uint8))) == expected
    assert images.numpy().max() == 250


def test_validation_keeps_the_order_and_a_smaller_mask_is_central(pictures):
    batches = list(validation_batches(pictures, 4, mask_size=16))
    assert [len(images) for images, _ in batches] == [4, 3]
    np.testing.assert_array_equal(batches[0][1][0], pictures.masks[0, 8:24, 8:24])
