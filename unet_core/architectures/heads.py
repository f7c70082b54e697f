"""Heads: from a decoder's last features to the logits, one channel an output."""

from unet_core.architectures.sketch import Conv, Features, Operations


def pointwise(ops: Operations, x: Features, outputs: int) -> Features:
    """A 1×1 convolution."""
    return ops.convolution(x, "logits", outputs, Conv(1, relu=False))


def transposed(ops: Operations, x: Features, outputs: int) -> Features:
    """A 3×3 transposed convolution that doubles the resolution."""
    return ops.transposed(x, "logits", outputs, Conv(3, relu=False))
