"""The networks by name, for those who only want to list or choose them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """A network: what it is, and how many parameters it has with three classes."""

    title: str
    parameters: int


CATALOGUE = {
    "mobilenetv2-fast": Entry("MobileNetV2 encoder, light separable decoder", 2_128_695),
    "mobilenetv2": Entry("MobileNetV2 encoder, the article's transposed convolutions", 10_124_067),
}
