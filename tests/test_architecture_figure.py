"""The drawn U against its network, place by place; how it is styled is left alone."""

from collections import Counter

import pytest

from tests.test_specification import unet
from unet_core.architectures.catalogue import CATALOGUE
from unet_core.figures.architecture import ARROWS, ROLES, Box, describe, place, u_figure

TINY = unet(1, 8, depth=1, filters=2)  # 9 maps of 24 channels, two changes of the resolution
UNIT = (1 - 8 * 0.010 - 2 * 0.014 - 9 * 0.003) / 24  # the width of a channel


def boxes_of(specification) -> dict[str, Box]:
    return {box.layer.name: box for box in place(specification)}


def arrows_of(figure) -> list[tuple]:
    """From where to where and in which colour, in the figure's own coordinates."""
    arrows = [a for a in figure.layout.annotations if a.showarrow]
    assert {(a.xref, a.yref, a.axref, a.ayref, a.text) for a in arrows} == {("x", "y") * 2 + ("",)}
    assert all(a.arrowhead and a.arrowwidth > 0 for a in arrows)
    return [(a.ax, a.ay, a.x, a.y, a.arrowcolor) for a in arrows]


def labels_of(figure) -> dict[str, list[tuple]]:
    labels = {}
    for a in figure.layout.annotations:
        if a.showarrow is False:
            labels.setdefault(a.text, []).append((a.x, a.y, a.xanchor, a.yanchor))
    return labels


def test_maps_are_as_wide_as_their_channels_and_as_high_as_their_side():
    boxes = place(TINY)
    shape = [(3, 8), (2, 8), (2, 8), (4, 4), (4, 4), (4, 8), (2, 8), (2, 8), (1, 8)]
    behind = [0.010, 0.010, 0.024, 0.010, 0.024, 0.010, 0.010, 0.010, 0]
    left = 0.0
    for box, (channels, side), gap in zip(boxes, shape, behind, strict=True):
        assert (box.layer.channels, box.height) == (channels, side)
        assert box.left == pytest.approx(left) and box.width == pytest.approx(
            0.003 + UNIT * channels
        )
        left = box.right + gap
        # the lower level a twentieth of 8 + 4 below the upper
        assert box.top == pytest.approx(0 if side == 8 else -8.6)
        assert (box.middle, box.bottom) == (box.top - side / 2, box.top - side)
    assert boxes[-1].right == pytest.approx(1)


def test_what_shrinks_on_all_sides_stays_in_the_middle_and_can_be_seen():
    boxes = place(unet(1, 764, depth=6, filters=1, padding="valid"))
    by_level = {}
    for box in boxes:
        by_level.setdefault(box.layer.level, []).append(box)
    for level in by_level.values():
        assert {round(box.middle, 6) for box in level} == {round(level[0].middle, 6)}
    low = [box for box in boxes if box.layer.size < 0.012 * 764]
    assert low and {box.height for box in low} == {0.012 * 764}
    tops = [max(box.top for box in by_level[level]) for level in sorted(by_level)]
    lows = [min(box.bottom for box in by_level[level]) for level in sorted(by_level)]
    gap = 0.05 * sum(max(box.height for box in level) for level in by_level.values())
    assert tops[0] == 0
    assert tops[1:] == pytest.approx([low - gap for low in lows[:-1]])


def test_bars_stand_where_the_maps_are_in_the_colour_of_their_part():
    figure, boxes = u_figure(TINY), place(TINY)
    parts = {
        "Encoder: what": boxes[:3],
        "Bottom": boxes[3:5],
        "Decoder: where": boxes[5:8],
        "Output": boxes[8:],
    }
    bars = {bar.name: bar for bar in figure.data if bar.type == "bar"}
    assert list(bars) == [name for name, _ in ROLES.values()]
    assert [bar.marker.color for bar in bars.values()] == [color for _, color in ROLES.values()]
    for name, drawn in parts.items():
        bar = bars[name]
        assert bar.x == pytest.approx([box.left + box.width / 2 for box in drawn])
        assert (bar.y, bar.base) == (tuple(b.height for b in drawn), tuple(b.bottom for b in drawn))
        assert bar.width == tuple(box.width for box in drawn)
    (joined,) = (box for box in boxes if box.layer.kind == "concatenate")
    skip = bars["Skip connection"]  # 2 of the 4 channels
    assert skip.width == pytest.approx([joined.width / 2])
    assert skip.x == pytest.approx([joined.left + joined.width / 4])
    assert (skip.y, skip.base) == ((8,), (joined.bottom,))
    assert {bar.hoverinfo for bar in bars.values()} == {"skip"}  # the points below tell it
    assert figure.layout.barmode == "overlay" and figure.layout.bargap == 0
    lowest = min(box.bottom for box in boxes)
    assert figure.layout.xaxis.range == (0, 1)
    assert figure.layout.yaxis.range == pytest.approx((1.08 * lowest, -0.01 * lowest))
    assert figure.layout.xaxis.visible is figure.layout.yaxis.visible is False
    assert figure.layout.xaxis.fixedrange is figure.layout.yaxis.fixedrange is True
    assert figure.layout.dragmode is False and figure.layout.hovermode == "closest"


def test_each_map_can_be_pointed_at_along_its_height():
    points, boxes = u_figure(TINY).data[-1], place(TINY)
    assert Counter(points.text) == {describe(box.layer): 5 for box in boxes}
    assert (points.mode, points.marker.opacity, points.showlegend) == ("markers", 0, False)
    assert points.hovertemplate == "%{text}<extra></extra>"
    for number, box in enumerate(boxes):
        at = slice(5 * number, 5 * number + 5)
        assert points.text[at] == (describe(box.layer),) * 5
        assert points.x[at] == pytest.approx([box.left + box.width / 2] * 5)
        down = [(box.top - y) / box.height for y in points.y[at]]
        assert down == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9])


def test_what_is_said_of_a_layer():
    net = unet(1, 1000, depth=1, filters=100)
    _, second = (x for x in net.layers if x.kind == "convolution" and x.level == 1)
    assert describe(second) == (
        f"<b>{second.name}</b><br>500 × 500 pixels × 200 channels<br>"
        "360,200 parameters, 90,000 M multiply-adds<br>each pixel sees 14 × 14 of the picture"
    )
    (joined,) = (x for x in net.layers if x.kind == "concatenate")
    assert describe(joined).split("<br>")[2] == "100 channels from the encoder, 100 from below"
    light = CATALOGUE["mobilenetv2-fast"].specification(3, 64).layer("skip4")
    own = light.channels - 80
    assert describe(light).split("<br>")[2] == f"80 channels from the encoder, {own} from below"


def test_arrows_go_down_up_and_across():
    first, _, encoded, below, bottom, joined, *_ = place(TINY)
    assert first.layer.kind == "input"
    assert arrows_of(u_figure(TINY)) == [
        (encoded.right, encoded.bottom, below.left, below.top, ARROWS["pool"]),
        (bottom.right, bottom.top, joined.left, joined.bottom, ARROWS["up"]),
        (encoded.right, joined.middle, joined.left, joined.middle, ARROWS["skip"]),
    ]
    without = u_figure(unet(1, 8, depth=1, filters=2, skips=False))
    assert [arrow[-1] for arrow in arrows_of(without)] == [ARROWS["pool"], ARROWS["up"]]
    skips = [bar for bar in without.data if bar.name == "Skip connection"]
    assert not skips


def test_skips_of_the_light_decoder_end_at_their_own_convolution():
    light = CATALOGUE["mobilenetv2-fast"].specification(3, 64)
    boxes, figure = boxes_of(light), u_figure(light)
    arrows = arrows_of(figure)
    ends = {
        "block_13_expand_relu": "skip4_project",
        "block_6_expand_relu": "skip3_project",
        "block_3_expand_relu": "skip2_project",
        "block_1_expand_relu": "skip1_project",
        "pixels": "skip0_conv",
    }
    across = [
        (boxes[a].right, boxes[b].middle, boxes[b].left, boxes[b].middle, ARROWS["skip"])
        for a, b in ends.items()
    ]
    assert [arrow for arrow in arrows if arrow[-1] == ARROWS["skip"]] == across
    # The way down and up passes the skips' own convolutions by.
    main = [box for name, box in boxes.items() if name not in ends.values()]
    levels = [box.layer.level for box in main]
    changes = list(zip(levels, levels[1:], strict=False))
    colors = Counter(arrow[-1] for arrow in arrows)
    assert colors[ARROWS["pool"]] == sum(b > a for a, b in changes) == 5
    assert colors[ARROWS["up"]] == sum(b < a for a, b in changes) == 5
    (skips,) = (bar for bar in figure.data if bar.name == "Skip connection")
    assert set(boxes[name].bottom for name in ends.values()) <= set(skips.base)
    assert len(skips.x) == 10  # with the part that the joined features have from them


def test_levels_are_labelled_with_their_side_and_blocks_with_their_channels():
    pixels, _, encoded, below, bottom, _, decoded, _, output = place(TINY)
    figure = u_figure(TINY, ink="red")
    assert {a.font.color for a in figure.layout.annotations if a.showarrow is False} == {"red"}
    half_a_line = 0.035 * -min(bottom.bottom, below.bottom)
    expected = {
        "8²": [(pixels.left, pixels.middle, "right", "middle")],
        "4²": [(below.left, min(below.middle, below.top - half_a_line), "right", "middle")],
        "2": [
            (encoded.right, encoded.bottom, "right", "top"),
            (decoded.left, decoded.bottom, "left", "top"),
        ],
        "4": [(bottom.right, bottom.bottom, "right", "top")],
        "1": [(output.right, output.middle, "left", "middle")],
    }
    assert labels_of(figure) == expected
    deep = unet(1, 764, depth=6, filters=1, padding="valid")
    places = labels_of(u_figure(deep))
    boxes = place(deep)
    low = next(box for box in boxes if box.layer.level == 6)
    (label,) = places[f"{low.layer.size}²"]
    lower = low.top - 0.035 * -min(box.bottom for box in boxes)
    assert lower < low.middle and label == (low.left, pytest.approx(lower), "right", "middle")
    assert len(places["1"]) == 3  # the first level's encoder and decoder, and the output


def test_every_network_of_the_catalogue_is_whole():
    for entry in CATALOGUE.values():
        specification = entry.specification(entry.outputs, entry.size)
        figure, boxes = u_figure(specification), place(specification)
        assert boxes[-1].right == pytest.approx(1)
        bars = {bar.name: len(bar.x) for bar in figure.data if bar.type == "bar"}
        joined = sum(box.layer.kind == "concatenate" for box in boxes)
        assert sum(bars.values()) == len(boxes) + joined
