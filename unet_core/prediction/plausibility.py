"""Does a mask look like what it should show? Two things side by side, of about the same size."""

import numpy as np
from skimage.measure import label, regionprops

SPECK = 0.005  # part of the image below which a piece does not count
Limits = dict[str, tuple[float, float]]  # of what `measure` returns, the lowest and the highest
OBJECTIONS = {  # in the order of `measure`
    "area": "{found:.1%} of the picture is marked, where {low:.0%} to {high:.0%} is usual",
    "frame": "{found:.0%} of the picture's frame is marked, where at most {high:.0%} is usual",
    "pieces": "pieces: {found}, where {low} are usual",
    "ratio": "the smaller piece has {found:.0%} of the larger's area, usual is {low:.0%} or more",
    "apart": "the pieces do not lie side by side",
    "solidity": "a piece has bays or holes: it fills {found:.0%} of its convex hull, "
    "usual is {low:.0%} or more",
}


def measure(mask: np.ndarray) -> dict[str, float]:
    """What can be said of a mask (H, W), 0 where there is nothing; all but ``pieces`` in 0–1.

    ``area``: part of the image; ``frame``: part of its frame; ``pieces``: how many; of the two
    pieces, if they are two, the ``ratio`` of the smaller to the larger, how far they lie
    ``apart`` horizontally (between their centers), and the lesser ``solidity`` (area to that of
    the convex hull). None of it changes when the image is squashed, but the frame's part.
    """
    inside = mask > 0
    frame = np.concatenate([inside[0], inside[-1], inside[:, 0], inside[:, -1]])
    pieces = [p for p in regionprops(label(inside)) if p.area >= SPECK * mask.size]
    found = {"area": inside.mean(), "frame": frame.mean(), "pieces": len(pieces)}
    if len(pieces) == 2:
        small, large = sorted(pieces, key=lambda piece: piece.area)
        found["ratio"] = small.area / large.area
        found["apart"] = abs(small.centroid[1] - large.centroid[1]) / mask.shape[1]
        found["solidity"] = min(small.solidity, large.solidity)
    return found


def objections(mask: np.ndarray, limits: Limits) -> list[str]:
    """What is implausible of a mask (H, W): parts of a sentence, none where all is as usual.

    >>> objections(np.zeros((8, 8)), {"pieces": (2, 2)})
    ['pieces: 0, where 2 are usual']
    """
    return [
        OBJECTIONS[name].format(found=found, low=limits[name][0], high=limits[name][1])
        for name, found in measure(mask).items()
        if name in limits and not limits[name][0] <= found <= limits[name][1]
    ]
