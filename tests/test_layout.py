"""Where a picture puts boxes and arrows: nothing overlaps, and everything runs to the right.

Checked on graphs of all shapes, by measuring what comes out.
"""

import itertools
import random
import re
import time
from xml.etree import ElementTree

import pytest
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from scalargrad import drawing
from scalargrad.layout import layout

SVG = "{http://www.w3.org/2000/svg}"


@st.composite
def graphs(draw):
    """The sizes of boxes, arrows from earlier ones to later ones, and the widths of labels.

    Drawn evenly by a generator with a seed of Hypothesis's, which itself prefers empty lists.
    """
    rng = random.Random(draw(st.integers(0, 2**32)))
    count = rng.randint(1, 14)
    sizes = [(rng.randint(10, 200), rng.randint(10, 200)) for _ in range(count)]
    pairs = [*itertools.combinations(range(count), 2)]
    arrows = rng.choices(pairs, k=rng.randint(0, 30)) if pairs else []
    arrows += [(i - 1, i) for i in range(1, rng.randint(1, count))]  # so that some are long
    labels = [rng.choice((0, 20, 80)) for _ in arrows]
    return sizes, arrows, rng.choice(([], labels))


def rectangles(sizes, corners):
    return [(x, y, x + width, y + height) for (x, y), (width, height) in zip(corners, sizes)]


def pieces(path):
    """From point to point, to the right, and how far a curve or a line may be up or down."""
    for (x1, y1), (x2, y2) in itertools.pairwise(path):
        yield x1, min(y1, y2), x2, max(y1, y2)


def overlap(a, b, tolerance=1e-6):
    return (
        min(a[2], b[2]) - max(a[0], b[0]) > tolerance
        and min(a[3], b[3]) - max(a[1], b[1]) > tolerance
    )


many = settings(max_examples=examples(200))


class TestBoxes:
    @many
    @given(graph=graphs())
    def test_no_two_overlap(self, graph):
        corners, _, _ = layout(*graph)
        for a, b in itertools.combinations(rectangles(graph[0], corners), 2):
            assert not overlap(a, b)

    @many
    @given(graph=graphs())
    def test_each_is_to_the_right_of_what_it_was_made_from(self, graph):
        sizes, arrows, labels = graph
        boxes = rectangles(sizes, layout(sizes, arrows, labels)[0])
        for start, end in arrows:
            assert boxes[start][2] < boxes[end][0]

    @many
    @given(graph=graphs())
    def test_all_is_within_the_size_of_the_picture(self, graph):
        corners, paths, (width, height) = layout(*graph)
        tolerance = 1e-6
        for left, top, right, bottom in rectangles(graph[0], corners):
            assert left >= -tolerance
            assert top >= -tolerance
            assert right <= width + tolerance
            assert bottom <= height + tolerance
        for x, y in itertools.chain(*paths):
            assert -tolerance <= x <= width + tolerance
            assert -tolerance <= y <= height + tolerance

    def test_what_is_used_late_stands_beside_what_uses_it(self):
        sizes = [(10, 10)] * 5
        corners, _, _ = layout(sizes, [(0, 1), (1, 2), (2, 4), (3, 4)])
        assert corners[3][0] == corners[2][0]

    def test_without_boxes_there_is_nothing(self):
        assert layout([], []) == ([], [], (0.0, 0.0))


class TestArrows:
    @many
    @given(graph=graphs())
    def test_each_ends_at_the_left_side_of_its_box_apart_from_all_others(self, graph):
        sizes, arrows, labels = graph
        corners, paths, _ = layout(sizes, arrows, labels)
        boxes = rectangles(sizes, corners)
        for path, (_, end) in zip(paths, arrows, strict=True):
            left, top, _, bottom = boxes[end]
            assert path[-1][0] == left
            assert top < path[-1][1] < bottom
        assert len({path[-1] for path in paths}) == len(paths)

    @many
    @given(graph=graphs())
    def test_each_starts_at_its_box_or_where_it_leaves_another_one_from_there(self, graph):
        sizes, arrows, labels = graph
        corners, paths, _ = layout(sizes, arrows, labels)
        reached = {
            start: {(corners[start][0] + width, corners[start][1] + height / 2)}
            for start, (width, height) in enumerate(sizes)
        }
        for path, (start, _) in zip(paths, arrows):
            (x, y), *rest = path
            assert any(
                x == pytest.approx(x2) and y == pytest.approx(y2) for x2, y2 in reached[start]
            )
            reached[start] |= {*rest}

    @many
    @given(graph=graphs())
    def test_each_runs_to_the_right(self, graph):
        for path in layout(*graph)[1]:
            assert all(x1 < x2 for (x1, _), (x2, _) in itertools.pairwise(path))

    @many
    @given(graph=graphs())
    def test_none_crosses_a_box(self, graph):
        sizes, arrows, labels = graph
        corners, paths, _ = layout(sizes, arrows, labels)
        boxes = rectangles(sizes, corners)
        for x1, top, x2, bottom in itertools.chain(*map(pieces, paths)):
            for box in boxes:
                assert not overlap((x1, top - 0.5, x2, bottom + 0.5), box, 1e-3)

    @many
    @given(graph=graphs())
    def test_there_is_room_for_a_label_before_its_end(self, graph):
        sizes, arrows, labels = graph
        for path, width in zip(layout(sizes, arrows, labels)[1], labels):
            (x1, y1), (x2, y2) = path[-2:]
            assert x2 - x1 >= width - 1e-6
            assert y1 == y2 or not width

    def test_a_chain_is_straight(self):
        sizes = [(50, 20), (30, 60), (40, 40), (50, 20)]
        _, paths, _ = layout(sizes, [(0, 1), (1, 2), (2, 3)])
        assert [len(path) for path in paths] == [2, 2, 2]

    @pytest.mark.parametrize("width", range(2, 7))
    def test_arrows_that_need_not_cross_do_not(self, width):
        """Two columns that join in the opposite order."""
        sizes = [(40, 20)] * (2 * width)
        arrows = [(i, 2 * width - 1 - i) for i in range(width)]
        _, paths, _ = layout(sizes, arrows)
        assert all(len(path) == 2 for path in paths)

    def test_a_tree_is_drawn_without_a_crossing(self):
        """Sixteen leaves in an order that mixes them; each joins the box with half its number."""
        leaves = [5, 12, 0, 9, 14, 3, 7, 10, 1, 15, 6, 11, 2, 8, 13, 4]
        levels = [leaves, list(range(8)), list(range(4)), [0, 1], [0]]
        number = {}
        for level, column in enumerate(levels):
            number |= {(level, i): len(number) + place for place, i in enumerate(column)}
        boxes = [(level, i) for level in range(4) for i in levels[level]]
        arrows = [(number[level, i], number[level + 1, i // 2]) for level, i in boxes]
        _, paths, _ = layout([(40, 20)] * 31, arrows)
        for one, other in itertools.combinations(paths, 2):
            if one[0][0] == other[0][0] and one[-1][0] == other[-1][0]:
                assert (one[0][1] - other[0][1]) * (one[-1][1] - other[-1][1]) > 0


class TestLargeGraphs:
    def test_the_same_graph_gives_the_same_numbers(self):
        sizes = [(30 + i % 7, 20 + i % 5) for i in range(60)]
        arrows = [(i * 7 % j, j) for j in range(1, 60) for i in (1, 2, 3)]
        assert layout(sizes, arrows) == layout(sizes, arrows)

    def test_depth_has_no_limit(self):
        """And one box that is used all the way costs no more than the way."""
        count = 1_000
        arrows = [(i - 1, i) for i in range(2, count)] + [(0, i) for i in range(2, count)]
        start = time.process_time()
        _, paths, _ = layout([(40.0, 20.0)] * count, arrows)
        assert time.process_time() - start < 5.0
        assert sum(map(len, paths)) < 10 * count


class TestColours:
    """Contrast as in WCAG 2: text needs 4.5 to 1, lines that one must see need 3 to 1."""

    @pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
    @pytest.mark.parametrize("paper", ["leaf", "made", "note", "paper"])
    @pytest.mark.parametrize("ink", ["ink", "name", "op", "data", "grad"])
    def test_every_text_can_be_read_on_its_box(self, ink, paper, scheme):
        assert contrast(drawing.COLOURS[ink][scheme], drawing.COLOURS[paper][scheme]) >= 4.5

    @pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
    @pytest.mark.parametrize("page", ["#ffffff", "#111111", "#1f1f1f", "#1e2129"])
    def test_arrows_can_be_seen_on_any_page(self, page, scheme):
        assert contrast(drawing.COLOURS["arrow"][scheme], page) >= 3

    @pytest.mark.parametrize("kind", ["leaf", "made", "note"])
    def test_a_box_has_an_edge_to_be_seen(self, kind):
        for scheme, page in enumerate(("#ffffff", "#111111")):
            assert contrast(drawing.COLOURS[f"{kind}-edge"][scheme], page) >= 3

    def test_they_stand_on_the_elements_where_styles_are_stripped(self):
        picture = drawing.svg([([[("name", "x")]], "leaf")] * 2, [(0, 1)], ["3"])
        root = ElementTree.fromstring(picture)
        for element in root.iter():
            if element.tag in (f"{SVG}rect", f"{SVG}tspan"):
                assert element.get("fill") in {light for light, _ in drawing.COLOURS.values()}

    def test_a_style_sheet_touches_nothing_else_of_a_page(self):
        (style,) = re.findall("<style>(.*)</style>", drawing.svg([], [], []))
        rules = style.partition("{")[2]
        selectors = re.findall(r"([^{}]+){", rules)
        assert selectors
        assert all(selector.strip().startswith(".sg-") for selector in selectors)


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear))
