"""Derivatives by another road: forward mode, in floats, with no graph and no backward pass.

A `Tangent` is a number together with its derivative by one input, and both go through every
operation. It has the operators and methods of a Value, and this module the functions of the package
and of nn, so that a test can run one program on Values and on Tangents and compare.
"""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any


class Tangent:
    """A number, and its `slope`: d data / d input.

    `size` is what the slope would be if all that was added up for it had the same sign. Rounding
    errors in slopes are in proportion to it.
    """

    def __init__(self, data: float, *shares: tuple[float, Tangent]) -> None:
        self.data = data
        self.slope: float = sum(d * operand.slope for d, operand in shares)
        self.size: float = sum(abs(d) * operand.size for d, operand in shares)

    def __add__(self, other: Any) -> Tangent:
        other = _tangent(other)
        return Tangent(self.data + other.data, (1.0, self), (1.0, other))

    def __radd__(self, other: float) -> Tangent:
        return _tangent(other) + self

    def __sub__(self, other: Any) -> Tangent:
        other = _tangent(other)
        return Tangent(self.data - other.data, (1.0, self), (-1.0, other))

    def __rsub__(self, other: float) -> Tangent:
        return _tangent(other) - self

    def __mul__(self, other: Any) -> Tangent:
        other = _tangent(other)
        return Tangent(self.data * other.data, (other.data, self), (self.data, other))

    def __rmul__(self, other: float) -> Tangent:
        return _tangent(other) * self

    def __truediv__(self, other: Any) -> Tangent:
        other = _tangent(other)
        over = -self.data / other.data**2
        return Tangent(self.data / other.data, (1.0 / other.data, self), (over, other))

    def __rtruediv__(self, other: float) -> Tangent:
        return _tangent(other) / self

    def __pow__(self, n: float) -> Tangent:
        return Tangent(self.data**n, (n * self.data ** (n - 1.0), self))

    def __neg__(self) -> Tangent:
        return Tangent(-self.data, (-1.0, self))

    def __abs__(self) -> Tangent:
        return self if self.data > 0.0 else -self if self.data < 0.0 else 0.0 * self

    def exp(self) -> Tangent:
        return Tangent(math.exp(self.data), (math.exp(self.data), self))

    def log(self) -> Tangent:
        return Tangent(math.log(self.data), (1.0 / self.data, self))

    def log1p(self) -> Tangent:
        return Tangent(math.log1p(self.data), (1.0 / (1.0 + self.data), self))

    def expm1(self) -> Tangent:
        return Tangent(math.expm1(self.data), (math.exp(self.data), self))

    def sqrt(self) -> Tangent:
        return Tangent(math.sqrt(self.data), (0.5 / math.sqrt(self.data), self))

    def sin(self) -> Tangent:
        return Tangent(math.sin(self.data), (math.cos(self.data), self))

    def cos(self) -> Tangent:
        return Tangent(math.cos(self.data), (-math.sin(self.data), self))

    def tanh(self) -> Tangent:
        return Tangent(math.tanh(self.data), (1.0 / math.cosh(self.data) ** 2, self))

    def sigmoid(self) -> Tangent:
        slope = 0.25 / math.cosh(0.5 * self.data) ** 2
        return Tangent(1.0 / (1.0 + math.exp(-self.data)), (slope, self))

    def relu(self) -> Tangent:
        return self if self.data > 0.0 else 0.0 * self


def leaf(data: float, slope: float = 0.0) -> Tangent:
    x = Tangent(data)
    x.slope = x.size = slope
    return x


def maximum(a: Any, b: Any) -> Tangent:
    a, b = _tangent(a), _tangent(b)
    return 0.5 * a + 0.5 * b if a.data == b.data else a if a.data > b.data else b


def minimum(a: Any, b: Any) -> Tangent:
    return -maximum(-a, -b)


class Vector(list):  # type: ignore[type-arg]
    """A row of Tangents, as far as the programs of the tests compute with rows."""

    def __mul__(self, other: Any) -> Vector:  # type: ignore[override]
        return Vector(
            x * y for x, y in zip(self, other if isinstance(other, list) else [other] * 9)
        )

    def __sub__(self, other: float) -> Vector:
        return Vector(x - other for x in self)

    def tanh(self) -> Vector:
        return Vector(x.tanh() for x in self)

    def sum(self) -> Tangent:
        return _tangent(sum(self))

    def mean(self) -> Tangent:
        return self.sum() / float(len(self))


def weighted_sum(weights: Any, rows: Any) -> list[Tangent]:
    return [dot(weights, column) for column in zip(*rows)]


def concatenate(rows: Any) -> list[Any]:
    return [x for row in rows for x in row]


def dot(a: Any, b: Any) -> Tangent:
    total = a[0] * b[0]
    for x, y in zip(a[1:], b[1:]):
        total = total + x * y
    return total


def linear(x: Any, w: Any, b: Any) -> list[Tangent]:
    return [dot(x, row) + bias for row, bias in zip(w, b)]


def softmax(x: Any) -> list[Tangent]:
    top = max(xi.data for xi in x)
    exponentials = [(xi - top).exp() for xi in x]
    return [e / sum(exponentials) for e in exponentials]


def rmsnorm(x: Any, eps: float) -> list[Tangent]:
    scale = (dot(x, x) / len(x) + eps) ** -0.5
    return [xi * scale for xi in x]


def cross_entropy(x: Any, target: int) -> Tangent:
    top = max(xi.data for xi in x)
    return sum((xi - top).exp() for xi in x).log() + (top - x[target])


nn = SimpleNamespace(
    dot=dot,
    weighted_sum=weighted_sum,
    concatenate=concatenate,
    linear=linear,
    softmax=softmax,
    rmsnorm=rmsnorm,
    cross_entropy=cross_entropy,
)


def _tangent(x: Any) -> Tangent:
    return x if isinstance(x, Tangent) else Tangent(float(x))
