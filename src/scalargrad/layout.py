"""Where to draw the boxes and arrows of a graph, so that every arrow runs from left to right.

`layout(sizes, arrows)` takes the width and height of each box and the pairs of boxes to join. The
method is that of Sugiyama, Tagawa and Toda ("Methods for visual understanding of hierarchical
system structures", 1981), in the four steps of Gansner, Koutsofios, North and Vo ("A technique for
drawing directed graphs", 1993), which Graphviz follows too:

1. Each box goes into a column, to the right of everything it was made from: `_columns_of`.
2. An arrow over several columns is cut into steps from one column to the next, with an invisible
   box, a bend, in each column between. So there is room for it between the visible ones: `_Points`.
3. The boxes in each column are ordered so that few arrows cross: `_order`.
4. They are moved up and down until arrows are short and straight: `_heights`.

Nothing is drawn here: `drawing.py` does that. The same graph gives the same numbers.

>>> boxes, paths, size = layout([(60, 40), (60, 40)], [(0, 1)])
>>> boxes                                    # the left and the top of each
[(0.0, 0.0), (108.0, 0.0)]
>>> paths                                    # where each arrow starts, bends and ends
[[(60.0, 20.0), (108.0, 20.0)]]
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Sequence
from itertools import accumulate, pairwise

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import TypeAlias

    Point: TypeAlias = tuple[float, float]
    Arrow: TypeAlias = tuple[int, int]

BETWEEN_BOXES, BETWEEN_BENDS = 18.0, 12.0  # from the one above to the one below
NARROWEST, WIDEST = 48.0, 120.0  # what is between two columns, for the curves
SWEEPS = 24  # as many as Gansner et al. take


def layout(
    sizes: Sequence[tuple[float, float]],
    arrows: Sequence[Arrow],
    label_widths: Sequence[float] = (),
) -> tuple[list[Point], list[list[Point]], Point]:
    """The left upper corners of the boxes, the paths of the arrows, and the size of it all.

    `arrows` are pairs of indices into `sizes`, the smaller one first. There is room before the end
    of each arrow for a label as wide as `label_widths` says.

    A path goes from the right side of one box to the left side of another. Two points at the same
    height are to be joined by a straight line, any other two by a curve that is level at both
    ends; such curves keep to the room between two columns, so that no arrow crosses a box. An
    arrow that goes the same way as an earlier one from the same box starts where it leaves it.
    """
    if not sizes:
        return [], [], (0.0, 0.0)
    labels = label_widths or [0.0] * len(arrows)
    points = _Points(sizes, arrows)
    columns = _order(points)
    points.share_out_sides(columns)
    middles = _heights(points, columns)
    widths = [max(sizes[p][0] for p in column if not points.is_bend(p)) for column in columns]
    lefts = _lefts(points, widths, middles, labels)
    boxes = []
    for i, (width, height) in enumerate(sizes):
        column = points.column[i]
        left = lefts[column] + (widths[column] - width) / 2
        boxes.append((left, middles[i] - height / 2))
    rights = [left + width for left, width in zip(lefts, widths)]
    paths = _paths(points, boxes, middles, lefts, rights, labels)
    bottoms = [middle + height / 2 for middle, height in zip(middles, points.heights)]
    return boxes, paths, (rights[-1], max(bottoms))


class _Points:
    """Boxes, and after them the bends of the long arrows; all of what has a place in a column."""

    def __init__(self, sizes: Sequence[tuple[float, float]], arrows: Sequence[Arrow]) -> None:
        self.sizes, self.arrows = sizes, arrows
        self.column = _columns_of(len(sizes), arrows)
        self.heights = [height for _, height in sizes]
        # The bends on the way from each box: one per column, shared by all arrows from there.
        self.bends: list[list[int]] = [[] for _ in sizes]
        self.steps: list[Arrow] = []  # from a point to one in the next column
        last_steps: list[int] = []  # for each arrow, which step brings it to its end
        for start, end in arrows:
            bends = self.bends[start]
            needed = self.column[end] - self.column[start] - 1
            while len(bends) < needed:
                self.steps.append(((bends or [start])[-1], len(self.column)))
                bends.append(len(self.column))
                self.column.append(self.column[start] + len(bends))
                self.heights.append(0.0)
            last_steps.append(len(self.steps))
            self.steps.append((bends[needed - 1] if needed else start, end))
        self.last_steps = last_steps
        self.into: list[list[int]] = [[] for _ in self.column]  # the steps that end there
        self.out: list[list[int]] = [[] for _ in self.column]
        for i, (start, end) in enumerate(self.steps):
            self.out[start].append(i)
            self.into[end].append(i)
        self.entry = [0.0] * len(self.steps)  # how far below the middle of its end a step arrives

    def is_bend(self, point: int) -> bool:
        return point >= len(self.sizes)

    def share_out_sides(self, columns: list[list[int]]) -> None:
        """Let the steps into a box arrive one below the other, in the order of their starts."""
        place = _places(columns)
        for box, (_, height) in enumerate(self.sizes):
            steps = sorted(self.into[box], key=lambda step: place[self.steps[step][0]])
            for i, step in enumerate(steps, 1):
                self.entry[step] = height * (i / (len(steps) + 1) - 0.5)


# Step 1.


def _columns_of(count: int, arrows: Sequence[Arrow]) -> list[int]:
    """The column of each box: one to the right of the last thing it was made from.

    That is the longest way from the inputs. It leaves all inputs in the first column, even those
    that are used late, so a box with more arrows out than in is then moved up to what it is used
    for: that makes the arrows shorter in sum.
    """
    made_from: list[list[int]] = [[] for _ in range(count)]
    used_for: list[list[int]] = [[] for _ in range(count)]
    for start, end in arrows:
        made_from[end].append(start)
        used_for[start].append(end)
    column: list[int] = []
    for before in made_from:
        column.append(max((column[i] for i in before), default=-1) + 1)
    for i in reversed(range(count)):
        if len(used_for[i]) > len(made_from[i]):
            column[i] = min(column[after] for after in used_for[i]) - 1
    number = {old: new for new, old in enumerate(sorted({*column}))}  # without empty ones
    return [number[old] for old in column]


# Step 3.


def _order(points: _Points) -> list[list[int]]:
    """The points of each column from top to bottom, so that few steps cross.

    Sugiyama's barycentres: each point goes to the mean place of what it is joined to in the column
    before; then the same from the other side, and again, for as long as that helps. Of all orders
    met on the way, the one with the fewest crossings is taken.
    """
    columns: list[list[int]] = [[] for _ in range(max(points.column) + 1)]
    for point, column in enumerate(points.column):
        columns[column].append(point)
    best, fewest, patience = columns, _crossings(points, columns), 4
    for sweep in range(SWEEPS):
        if not fewest or not patience:
            break
        columns = [*columns]
        place = _places(columns)
        from_left = sweep % 2 == 0
        for i in range(len(columns)) if from_left else reversed(range(len(columns))):
            columns[i] = _by_barycentre(points, columns[i], place, from_left)
            place.update((point, j) for j, point in enumerate(columns[i]))
        crossings = _crossings(points, columns)
        patience -= 1
        if crossings < fewest:
            best, fewest, patience = columns, crossings, 4
    return best


def _by_barycentre(
    points: _Points, column: list[int], place: dict[int, int], from_left: bool
) -> list[int]:
    def barycentre(point: int) -> float:
        if from_left:
            joined = [place[points.steps[step][0]] for step in points.into[point]]
        else:
            joined = [place[points.steps[step][1]] for step in points.out[point]]
        return sum(joined) / len(joined) if joined else place[point]

    return sorted(column, key=barycentre)


def _crossings(points: _Points, columns: list[list[int]]) -> int:
    """How many pairs of steps cross: those whose starts and ends are in opposite orders."""
    place = _places(columns)
    count = 0
    for column in columns:
        ends: list[int] = []  # of the steps that start further up
        for point in column:
            now = [place[points.steps[step][1]] for step in points.out[point]]
            count += sum(len(ends) - bisect_right(ends, end) for end in now)
            for end in now:
                insort(ends, end)
    return count


def _places(columns: list[list[int]]) -> dict[int, int]:
    return {point: i for column in columns for i, point in enumerate(column)}


# Step 4.


def _heights(points: _Points, columns: list[list[int]]) -> list[float]:
    """The height of each point's middle.

    Every point wants to be level with what it is joined to; a column gives each the nearest place
    that keeps the order and the distances. So from the left, from the right, and in the end from
    both sides at once. Long arrows want it most, for a bend in them is what one sees.
    """
    middles = [0.0] * len(points.column)
    for column in columns:
        even = _spread(points, column, [0.0] * len(column), [1.0] * len(column))
        for point, middle in zip(column, even):
            middles[point] = middle
    ways = [(True, False), (False, True)] * 4 + [(True, True)] * 8
    for i, (left, right) in enumerate(ways):
        for column in columns if i % 2 == 0 else reversed(columns):
            wishes, weights = [], []
            for point in column:
                wish, weight = _wish(points, point, middles, left, right)
                wishes.append(wish)
                weights.append(weight)
            for point, middle in zip(column, _spread(points, column, wishes, weights)):
                middles[point] = middle
    top = min(middle - height / 2 for middle, height in zip(middles, points.heights))
    return [middle - top for middle in middles]


def _wish(
    points: _Points, point: int, middles: list[float], left: bool, right: bool
) -> tuple[float, float]:
    """Where a point wants to be, and how much: the weighted mean of what it is joined to."""
    total = weight = 0.0
    steps = [(step, 0) for step in points.into[point]] if left else []
    steps += [(step, 1) for step in points.out[point]] if right else []
    for step, side in steps:
        other = points.steps[step][side]
        importance = (1.0, 1.0, 16.0)[points.is_bend(point) + points.is_bend(other)]
        offset = points.entry[step]
        total += importance * (middles[other] + (offset if side else -offset))
        weight += importance
    return (total / weight, weight) if weight else (middles[point], 0.1)


def _spread(
    points: _Points, column: list[int], wishes: list[float], weights: list[float]
) -> list[float]:
    """The places nearest to the wishes, in weighted squares, that keep the order and distances.

    Without the distances, which are subtracted first and added in the end, that is a regression
    by a rising line. The pool-adjacent-violators algorithm gives it exactly (Barlow, Bartholomew,
    Bremner and Brunk, "Statistical inference under order restrictions", 1972): as long as one
    wants to be above its predecessor, the two go to the mean of both wishes together.
    """
    distances = [0.0]
    for one, next_one in pairwise(column):
        bends = points.is_bend(one) and points.is_bend(next_one)
        gap = BETWEEN_BENDS if bends else BETWEEN_BOXES
        distances.append((points.heights[one] + points.heights[next_one]) / 2 + gap)
    offsets = [*accumulate(distances)]
    pools: list[tuple[float, float, int]] = []  # a place, its weight, for how many
    for wish, pool_weight, offset in zip(wishes, weights, offsets):
        pool, number = wish - offset, 1
        while pools and pools[-1][0] >= pool:
            above, above_weight, above_count = pools.pop()
            pool = (pool * pool_weight + above * above_weight) / (pool_weight + above_weight)
            pool_weight += above_weight
            number += above_count
        pools.append((pool, pool_weight, number))
    places = [pool for pool, _, count in pools for _ in range(count)]
    return [place + offset for place, offset in zip(places, offsets)]


# What follows from all that: the places of the columns, and the paths.


def _lefts(
    points: _Points, widths: list[float], middles: list[float], labels: Sequence[float]
) -> list[float]:
    """The left side of each column: before it is room for labels and curves, steep ones more."""
    curves, texts = [NARROWEST] * len(widths), [0.0] * len(widths)
    for start, end in points.steps:
        i = points.column[end]
        curves[i] = max(curves[i], min(WIDEST, abs(middles[end] - middles[start]) / 3))
    for (_, end), label in zip(points.arrows, labels):
        i = points.column[end]
        texts[i] = max(texts[i], label)
    lefts = [0.0]
    for width, curve, text in zip(widths, curves[1:], texts[1:]):
        lefts.append(lefts[-1] + width + curve + text)
    return lefts


def _paths(
    points: _Points,
    boxes: list[Point],
    middles: list[float],
    lefts: list[float],
    rights: list[float],
    labels: Sequence[float],
) -> list[list[Point]]:
    before_labels = [*lefts]  # where the curves into a column end
    for (_, end), label in zip(points.arrows, labels):
        i = points.column[end]
        before_labels[i] = min(before_labels[i], lefts[i] - label)
    drawn = [0] * len(points.sizes)  # how many of the bends of a box are on a path already
    paths = []
    for (start, end), last_step in zip(points.arrows, points.last_steps):
        bends = points.bends[start][: points.column[end] - points.column[start] - 1]
        old = min(drawn[start], len(bends))
        drawn[start] = max(drawn[start], len(bends))
        path: list[Point] = []
        if old:
            path.append((rights[points.column[bends[old - 1]]], middles[bends[old - 1]]))
        else:
            path.append((boxes[start][0] + points.sizes[start][0], middles[start]))
            path.append((rights[points.column[start]], middles[start]))
        for bend in bends[old:]:
            column = points.column[bend]
            path.append((before_labels[column], middles[bend]))
            path.append((rights[column], middles[bend]))
        height = middles[end] + points.entry[last_step]
        path.append((before_labels[points.column[end]], height))
        path.append((boxes[end][0], height))
        paths.append(_without_repeats(path))
    return paths


def _without_repeats(path: list[Point]) -> list[Point]:
    """Without points that lie on the straight line between their neighbours, or twice there."""
    kept = path[:1]
    for point, after in zip(path[1:], [*path[2:], None]):
        level = kept[-1][1] == point[1]
        if not (level and (point == kept[-1] or (after is not None and after[1] == point[1]))):
            kept.append(point)
    return kept
