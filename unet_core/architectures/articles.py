"""The four articles that the project comes from: what each does, and what is different here."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Article:
    """An article and the network of the catalogue that it builds. All texts are Markdown."""

    network: str
    title: str
    does: str
    departs: str  # from the paper of 2015
    flaw: str
    here: str


ARTICLES = (
    Article(
        "compact",
        "A Comprehensive Guide to UNet Implementation with TensorFlow",
        "Half of the paper's filters (32–512), one sigmoid channel, Dice loss, Adam at 0.001, "
        "early stopping, slower learning on a plateau.",
        "Padded convolutions: the mask is as large as the picture. Dice in place of weighted "
        "cross-entropy.",
        "Splits into training and test after mixing, so that both may hold near twins.",
        "Official splits; validation is cut off by whole pictures, with a stored seed.",
    ),
    Article(
        "batchnorm",
        "Demystifying UNet and Learning Image Segmentation",
        "The paper's filters (64–1024) on chest X-rays of 512 × 512: which pixels are lung? Asks "
        "what happens without skip connections.",
        "Padded, and batch normalisation before each ReLU, which the paper did not have yet.",
        "Divides every mask by its own maximum: an empty one is divided by zero.",
        "Masks are told by a fixed threshold; an empty mask is simply empty.",
    ),
    Article(
        "mobilenetv2",
        "U-Net on Oxford pets by transfer learning",
        "A MobileNetV2 that knows ImageNet is the encoder and stays frozen; only the decoder "
        "learns: pet, background, border. 90.24 % of the pixels right after 10 epochs.",
        "Halves five times, not four; the decoder has no convolutions besides its upsampling.",
        "Resizes masks bilinearly, which makes up classes between classes; decides the flip once "
        "for all pictures.",
        "Masks are resized to the nearest pixel, flips drawn anew for each picture and epoch. "
        "`mobilenetv2-fast` is ours, with a fifth of the parameters.",
    ),
    Article(
        "original",
        "U-Net Architecture Explained",
        "The network of 2015: unpadded convolutions, 572 × 572 pixels in, 388 × 388 out, two "
        "classes.",
        "Colour pictures go in; the paper's were grey.",
        "Takes the skips after pooling and stretches them; shows the mask of an untrained network.",
        "Features are cropped before pooling, as in the paper; only trained models segment, "
        "pictures of any size by overlapping tiles.",
    ),
)
