"""Decoders: from an encoder's list of features to their own, from the lowest level to the highest.

A new one is a function here, named by an entry of the catalogue.
"""

from unet_core.architectures.encoders import double_convolution
from unet_core.architectures.sketch import Conv, Features, Operations
from unet_core.architectures.specs import UNetArguments


def plain(ops: Operations, features: list[Features], net: UNetArguments) -> list[Features]:
    """The decoder of Ronneberger et al. (2015): double, put the skip beside, convolve twice."""
    *skips, x = features
    decoded = []
    for level in reversed(range(net.depth)):
        x = ops.transposed(x, f"up{level + 1}", net.filters * 2**level, Conv(2, relu=False))
        if net.skips:
            x = ops.concatenate(skips[level], x, f"skip{level + 1}", net.margin(level))
        x = double_convolution(ops, x, f"decoder{level + 1}", net, level)
        decoded.append(x)
    return decoded


def transposed(ops: Operations, features: list[Features], net: UNetArguments) -> list[Features]:
    """Nothing but transposed convolutions, up to half of the image's resolution.

    After "U-Net on Oxford pets by transfer learning".
    """
    conv = Conv(4, bias=False, norm=0.99)
    x, decoded = features[-1], []
    for level, filters in ((4, 512), (3, 256), (2, 128), (1, 64)):
        x = ops.transposed(x, f"up{level}", filters, conv)
        x = ops.concatenate(features[level], x, f"skip{level}", skip_last=True)
        decoded.append(x)
    return decoded


def separable(ops: Operations, features: list[Features], net: UNetArguments) -> list[Features]:
    """Ours: light, of 1×1 projections and depthwise-separable convolutions.

    The last step is a plain convolution over 16 channels at the image's own resolution, where the
    pixels themselves are the skip connection, for sharp outlines.
    """
    conv, projection = (Conv(kernel, bias=False, norm=0.9) for kernel in (3, 1))
    x, decoded = features[-1], []
    for level, filters in ((4, 160), (3, 112), (2, 80), (1, 56)):
        x = ops.bilinear(ops.convolution(x, f"project{level}", filters, projection), f"up{level}")
        skip = ops.convolution(features[level], f"skip{level}_project", filters // 2, projection)
        x = ops.concatenate(skip, x, f"skip{level}", skip_last=True)
        for number in (1, 2):
            x = ops.separable(x, f"decoder{level}_conv{number}", filters, conv)
        decoded.append(x)
    x = ops.bilinear(ops.convolution(x, "project0", 16, projection), "up0")
    skip = ops.convolution(features[0], "skip0_conv", 8, conv)
    x = ops.concatenate(skip, x, "skip0", skip_last=True)
    return [*decoded, ops.convolution(x, "decoder0_conv", 16, conv)]
