"""What the derivatives of rows are written in: rows of floats, and functions of rows of any kind.

A derivative rule computes with whole rows: `p * (g - dot(g, p))`. Given `Floats`, that is what
`backward` adds to the gradients; given Vectors, a graph of its own, which can be differentiated
again. That is how each rule is written once and still serves second derivatives.

>>> p, g = Floats([0.25, 0.75]), Floats([1.0, 0.0])
>>> p * (g - dot(g, p))
[0.1875, -0.1875]
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from itertools import repeat
from operator import add, mul, sub

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    # Floats or a Vector; a float or a Value. The functions below do not care which.
    Row: TypeAlias = Any
    Number: TypeAlias = Any


class Floats(list):  # type: ignore[type-arg]
    """A row of floats that computes number by number, as a Vector does, but without a graph."""

    __slots__ = ()

    def __add__(self, other: Any) -> Floats:
        return Floats(map(add, self, other if isinstance(other, list) else repeat(other)))

    def __sub__(self, other: Any) -> Floats:
        return Floats(map(sub, self, other if isinstance(other, list) else repeat(other)))

    def __mul__(self, other: Any) -> Floats:
        return Floats(map(mul, self, other if isinstance(other, list) else repeat(other)))

    __rmul__ = __mul__


class Scaled:
    """scale * row, not yet multiplied: several of these make one `weighted_sum`."""

    __slots__ = ("row", "scale")

    def __init__(self, scale: Number, row: Row) -> None:
        self.scale = scale
        self.row = row


class ScaledByEach:
    """scales[0] * row, scales[1] * row, ...: what the rows of a matrix get."""

    __slots__ = ("row", "scales")

    def __init__(self, scales: Row, row: Row) -> None:
        self.scales = scales
        self.row = row


def is_row(x: Number | Row) -> bool:
    return hasattr(x, "__len__")


def row_like(row: Row, numbers: Iterable[Any]) -> Row:
    """The numbers as a row of the same kind: floats or a Vector, never a subclass of that."""
    if isinstance(row, list):
        return Floats(numbers)
    from scalargrad import engine  # late, because the engines are built on this file

    return engine.Vector(list(numbers))


def part(row: Row, start: int, stop: int) -> Row:
    return Floats(row[start:stop]) if isinstance(row, Floats) else row[start:stop]


# The contributions of one number to another: local_grad * upstream, but a gradient of exactly 0
# hands nothing down, whatever the local derivative. That rule is for floats alone: the derivative
# of a Value that happens to be 0 need not be 0.


def contribution(local_grad: Row | float, g: Row) -> Row:
    """local_grad * g, number by number."""
    if isinstance(g, Floats) and 0.0 in g:
        column: Row = local_grad if is_row(local_grad) else repeat(local_grad)
        return Floats([d * gi if gi != 0.0 else 0.0 for d, gi in zip(column, g)])
    return g if isinstance(local_grad, float) and local_grad == 1.0 else g * local_grad


def contribution_of_branch(local_grad: Row, g: Row) -> Row:
    """The same of a choice between branches: the one not taken gets nothing, not even 0 * inf."""
    numbers = g if isinstance(g, Floats) else [gi.data for gi in g]
    if all(map(math.isfinite, numbers)):
        return contribution(local_grad, g)
    return row_like(g, [d * gi if number_of(d) != 0.0 else 0.0 for d, gi in zip(local_grad, g)])


def scaled(g: Number, row: Row) -> Iterable[float] | Scaled:
    """g * row, where the row is a local derivative; g is not 0."""
    return map(mul, repeat(g), row) if isinstance(g, float) else Scaled(g, row)


def scaled_by_each(g: Row, row: Row) -> Sequence[Iterable[float] | None] | ScaledByEach:
    """g[0] * row, g[1] * row, ..., where the row is a local derivative."""
    if not isinstance(g, Floats):
        return ScaledByEach(g, row)
    return tuple([None if gi == 0.0 else map(mul, repeat(gi), row) for gi in g])


def each_times_gradient(numbers: Row, g: Row) -> Sequence[Row] | ScaledByEach:
    """numbers[0] * g, numbers[1] * g, ..., where the numbers are local derivatives."""
    if not isinstance(g, Floats):
        return ScaledByEach(numbers, g)
    return tuple([contribution(number, g) for number in numbers])


def products_with_gradient(rows: Sequence[Row], g: Row) -> Row:
    """The dot products of g with each of the rows, which are local derivatives."""
    if not isinstance(g, Floats):
        from scalargrad import engine

        return engine.linear(g, rows) if len(g) else row_like(g, [0.0] * len(rows))
    if 0.0 in g:
        live = [i for i, gi in enumerate(g) if gi != 0.0]
        rows, g = [[row[i] for i in live] for row in rows], Floats(filter(None, g))
    return products(rows, g)


# Sums, from left to right.


class _Zero(float):
    __slots__ = ()


# From Python 3.12 on `sum` adds plain floats with compensation. Starting from a subclass of float
# it still adds from left to right, as a chain of `+` does: the same bits in every version.
_ZERO = _Zero() if sys.version_info >= (3, 12) else 0.0


def total(row: Row) -> Number:
    """row[0] + row[1] + ..."""
    return sum(row, _ZERO) if isinstance(row, list) else row.sum()


def dot(a: Row, b: Row) -> Number:
    """a[0]*b[0] + a[1]*b[1] + ..."""
    if isinstance(a, list) and isinstance(b, list):
        return sum(map(mul, a, b), _ZERO)
    from scalargrad import engine

    return engine.dot(a, b)


def products(rows: Sequence[list[float]], x: list[float]) -> Floats:
    """The dot product of each row with x."""
    return Floats([sum(map(mul, row, x), _ZERO) for row in rows])


def weighted_sum(weights: Row, rows: Sequence[Row]) -> Row:
    """weights[0]*rows[0] + weights[1]*rows[1] + ..., number by number."""
    if isinstance(weights, list):
        return products(list(map(list, zip(*rows))), weights)
    from scalargrad import engine

    return engine.weighted_sum(weights, rows)


def concatenate(rows: Sequence[Row]) -> Row:
    if all(isinstance(row, list) for row in rows):
        return Floats([x for row in rows for x in row])
    from scalargrad import engine

    return engine.concatenate(rows)


def number_of(x: Number) -> float:
    return x if isinstance(x, float) else float(x.data)
