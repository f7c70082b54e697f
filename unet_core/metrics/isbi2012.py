"""The errors by which the ISBI 2012 challenge judged predictions of cell membranes.

Sources: the challenge's page on evaluation (brainiac2.mit.edu/isbi_challenge/evaluation) and Fiji's
plugin Trainable Segmentation, which it names; Arganda-Carreras et al., "Crowdsourcing the creation
of image segmentation algorithms for connectomics" (Frontiers in Neuroanatomy 2015); Jain et al.,
"Boundary learning by optimization with topological constraints" (CVPR 2010).

``truth`` and ``cells`` are boolean stacks (slices, H, W), True in cells (the challenge's white) and
False on membranes; cells are 4-connected within their slice, and ``truth`` has some. The challenge
took the lowest of each error over the thresholds 0, 0.1 … 1 of a probability map.
"""

from functools import cache

import numpy as np
from scipy.ndimage import find_objects, generate_binary_structure, label
from scipy.stats import entropy
from skimage.metrics import adapted_rand_error, variation_of_information
from skimage.segmentation import watershed

RING = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))


def pixel_error(truth: np.ndarray, cells: np.ndarray) -> float:
    """1 − the F-score of the pixels of cells, borders as they are; not the share of wrong pixels.

    >>> round(pixel_error(np.array([[[1, 1, 0]]], bool), np.array([[[1, 0, 0]]], bool)), 3)
    0.333
    """
    return float(1 - 2 * (truth & cells).sum() / (truth.sum() + cells.sum()))


def rand_error(truth: np.ndarray, cells: np.ndarray) -> float:
    """1 − the F-score of the pairs of pixels that lie in one cell, of all slices together.

    Foreground-restricted: only pixels that are cell in truth count. Without thinning before it, as
    in the ranking of which the U-Net paper gives its place; after `thinned`, 1 − the challenge's
    later V-Rand, but for pairs of a pixel with itself.
    """
    return float(adapted_rand_error(*_segments(truth, cells), ignore_labels=())[0])


def information_error(truth: np.ndarray, cells: np.ndarray) -> float:
    """1 − V-Info, mean of the slices: the variation of information of true and predicted cells,
    as part of the sum of their entropies. The challenge computes it after `thinned`."""
    errors = []
    for pair in zip(truth, cells, strict=True):
        segments = _segments(*(stack[None] for stack in pair))
        total = sum(entropy(np.unique(s, return_counts=True)[1], base=2) for s in segments)
        apart = variation_of_information(*segments).sum()
        errors.append(apart / total if total else 0.0)
    return float(np.mean(errors))


def thinned(cells: np.ndarray) -> np.ndarray:
    """The same cells, grown until the membranes between them are lines: boolean (slices, H, W).

    By a watershed; the challenge says that it thins to one pixel, not how.
    """
    grown = [watershed(np.zeros(m.shape), label(m)[0], watershed_line=True) for m in cells]
    return np.stack(grown) > 0


def _segments(truth: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the true and of the predicted cells of all pixels that are cell in truth.

    A pixel that is predicted as membrane is a segment of its own; taken as one segment, as
    scikit-image takes what is left, all membranes would be a cell that runs through the image.
    """
    in_slice = generate_binary_structure(3, 1)
    in_slice[[0, 2]] = False
    true, found = (label(stack, in_slice)[0][truth] for stack in (truth, cells))
    membrane = found == 0
    found[membrane] = found.max() + 1 + np.arange(membrane.sum())
    return true, found


def warping_error(truth: np.ndarray, probability: np.ndarray, threshold: float) -> float:
    """Pixels that split or merge cells after `warp`, as a part of all: the challenge's "minimum
    splits and mergers warping error" at one threshold.

    ``probability``: of cells, float (slices, H, W) in 0–1.
    """
    wrong = 0
    for mask, found in zip(truth, probability, strict=True):
        wrong += splits_and_mergers(warp(mask, found, threshold), found >= threshold)
    return wrong / truth.size


def warp(truth: np.ndarray, probability: np.ndarray, threshold: float) -> np.ndarray:
    """Truth (H, W) moved towards the prediction as far as no cell splits, merges, comes, goes or
    gets a hole: boolean (H, W), from Jain et al. 2010.

    Pixels that differ flip one by one, the surest of the prediction first, where they are simple,
    until none is. So a membrane that is moved by more than its width stays where it is. Outside of
    the image is membrane.
    """
    padded, target = np.pad(truth, 1), np.pad(probability >= threshold, 1)
    sureness = np.pad(np.abs(probability - threshold), 1).ravel()
    apart = np.flatnonzero(padded != target)
    different = apart[np.argsort(-sureness[apart], kind="stable")].tolist()
    steps = [y * padded.shape[1] + x for y, x in RING]
    simple = _simple_rings()
    warped = padded.astype(int).ravel().tolist()  # lists are five times faster
    while True:
        left = []
        for pixel in different:
            if simple[sum(warped[pixel + step] << bit for bit, step in enumerate(steps))]:
                warped[pixel] ^= 1
            else:
                left.append(pixel)
        if len(left) == len(different):
            return np.array(warped, bool).reshape(padded.shape)[1:-1, 1:-1]
        different = left


@cache
def _simple_rings() -> list[bool]:
    """Of the 256 rings around a pixel, a bit a neighbor: whether the pixel may flip.

    A simple point (Bertrand and Malandain 1994) has one 4-connected cell at its sides and one
    8-connected membrane around it, so that neither flip changes how many there are.
    """
    simple = []
    for bits in range(256):
        patch = np.zeros((3, 3), bool)
        for bit, (y, x) in enumerate(RING):
            patch[1 + y, 1 + x] = bits >> bit & 1
        sides = label(patch)[0][[0, 1, 1, 2], [1, 0, 2, 1]]
        patch[1, 1] = True
        membranes = label(~patch, np.ones((3, 3)))[1]
        simple.append(len(set(sides) - {0}) == 1 and membranes == 1)
    return simple


def splits_and_mergers(warped: np.ndarray, cells: np.ndarray) -> int:
    """How many of the pixels that differ, boolean (H, W) each, touch several cells once they are
    membrane: turned to membrane they split a cell, turned to cell they merge some.

    The others make or close holes, or add or delete a cell, which the challenge left out.
    """
    numbers = label(warped)[0]
    boxes = find_objects(numbers)
    wrong = 0
    for y, x in np.argwhere(warped != cells):
        touched = _touched(numbers, y, x)
        if len(touched) == 1 and warped[y, x]:
            rows, columns = boxes[numbers[y, x] - 1]
            rest = numbers[rows, columns] == numbers[y, x]
            y, x = y - rows.start, x - columns.start
            rest[y, x] = False
            touched = _touched(label(rest)[0], y, x)
        wrong += len(touched) > 1
    return wrong


def _touched(numbers: np.ndarray, y: int, x: int) -> set[int]:
    """Which cells are among the eight neighbors of a pixel."""
    around = [(y + dy, x + dx) for dy, dx in RING]
    height, width = numbers.shape
    return {numbers[p] for p in around if 0 <= p[0] < height and 0 <= p[1] < width} - {0}
