"""Every operation on numbers: what it is on floats, where it is smooth, and what happens elsewhere.

One row per operation. Tests loop over the table, so that a new operation is tested on arrival, and
one of them fails while an operation is missing from it.
"""

import math
import operator
from collections.abc import Callable
from itertools import product
from math import nan
from typing import Any, NamedTuple

import mpmath
from kink_table import kinks_of, refused_by

Point = tuple[float, ...]


class Op(NamedTuple):
    """An operation, and what it is compared with.

    `exact` serves mpmath's numbers. `smooth` has points where the operation has a derivative, the
    far ends of its domain among them.
    """

    name: str
    on_values: Callable[..., Any]  # takes the package, then the operands
    on_floats: Callable[..., float]
    exact: Callable[..., Any]
    smooth: tuple[Point, ...]

    @property
    def kinks(self) -> tuple[tuple[Point, Point], ...]:
        """Where it has no derivative, or a limit only, and what PyTorch takes for it."""
        return kinks_of(self.name)

    @property
    def refused(self) -> tuple[Point, ...]:
        """Where the float operation raises."""
        return refused_by(self.name)

    def __repr__(self) -> str:
        return f"Op({self.name!r})"


def _points(*numbers: float) -> tuple[Point, ...]:
    return tuple((x,) for x in numbers)


def _pairs(*numbers: float) -> tuple[Point, ...]:
    return tuple(product(numbers, repeat=2))


def _real_power(x: float, n: float) -> float:
    """Python's `**`, but for its answer to a negative number to a fractional power."""
    y = x**n
    if isinstance(y, complex):
        raise ValueError("not a real number")
    return float(y)


def _sigmoid(x: float) -> float:
    """The nearest float, from arithmetic in which exp(800) is no trouble."""
    if not math.isfinite(x):
        return x if x != x else float(x > 0)
    with mpmath.workprec(200):
        return float(1 / (1 + mpmath.exp(-mpmath.mpf(x))))


def _softplus(x: float) -> float:
    """The same of log(1 + exp(x))."""
    if not math.isfinite(x):
        return x if x > 0 or x != x else 0.0
    with mpmath.workprec(200):
        return float(mpmath.log1p(mpmath.exp(mpmath.mpf(x))))


def _larger(a: float, b: float) -> float:
    return nan if a != a or b != b else max(a, b)


def _smaller(a: float, b: float) -> float:
    return nan if a != a or b != b else min(a, b)


# Both signs, all sizes. Products and quotients of any two of them are floats without loss.
WIDE = (-1e150, -7.3, -1.0, -1e-8, 1e-140, 0.3, 1.0, 2.0, 1e9)

OPS = (
    Op(
        "+",
        lambda sg, a, b: a + b,
        operator.add,
        lambda a, b: a + b,
        smooth=_pairs(*WIDE, 0.0),
    ),
    Op(
        "-",
        lambda sg, a, b: a - b,
        operator.sub,
        lambda a, b: a - b,
        smooth=_pairs(*WIDE, 0.0),
    ),
    Op(
        "*",
        lambda sg, a, b: a * b,
        operator.mul,
        lambda a, b: a * b,
        smooth=_pairs(*WIDE, 0.0),
    ),
    Op(
        "/",
        lambda sg, a, b: a / b,
        operator.truediv,
        lambda a, b: a / b,
        smooth=(*_pairs(*WIDE), (0.0, 3.0), (1e-200, 1e-200), (1e200, 1e200), (3e-200, 2e-100)),
    ),
    Op(
        "**",
        lambda sg, x, n: x**n,
        _real_power,
        mpmath.power,
        smooth=(
            *product((1e-30, 0.3, 1.0, 2.0, 1e9), (-3.0, -1.0, -0.5, 0.1, 0.5, 1.0, 2.0, 3.7)),
            *((1e300, 0.1), (1e-300, 0.1), (1e300, 1e-3), (0.999, 1000.0), (1.000001, 1e6)),
            *((2.0, 1000.0), (2.0, -1000.0), (1e-150, 2.0), (1e-300, -0.5)),
            (5.0, 1e-20),  # where n - 1 is rounded to -1
        ),
    ),
    Op(
        "neg",
        lambda sg, x: -x,
        operator.neg,
        lambda x: -x,
        smooth=_points(*WIDE, 0.0),
    ),
    Op(
        "abs",
        lambda sg, x: abs(x),
        abs,
        mpmath.fabs,
        smooth=_points(*WIDE, -1e-300, 1e300),
    ),
    Op(
        "exp",
        lambda sg, x: x.exp(),
        math.exp,
        mpmath.exp,
        smooth=_points(-800.0, -740.0, -100.0, -1.5, -1e-17, 0.0, 1e-17, 0.1, 1.0, 10.0, 709.7),
    ),
    Op(
        "log",
        lambda sg, x: x.log(),
        math.log,
        mpmath.log,
        smooth=_points(1e-300, 1e-8, 0.5, 1.0 - 1e-16, 1.0, 1.0 + 1e-15, 3.0, 1e300),
    ),
    Op(
        "log1p",
        lambda sg, x: x.log1p(),
        math.log1p,
        mpmath.log1p,
        smooth=_points(-1.0 + 1e-16, -0.5, -1e-300, -1e-17, 0.0, 1e-300, 1e-17, 1e-8, 1.0, 1e300),
    ),
    Op(
        "log2",
        lambda sg, x: x.log2(),
        math.log2,
        lambda x: mpmath.log(x, 2),
        smooth=_points(1e-300, 1e-8, 0.5, 1.0 - 1e-16, 1.0, 1.0 + 1e-15, 3.0, 8.0, 1e300),
    ),
    Op(
        "log10",
        lambda sg, x: x.log10(),
        math.log10,
        mpmath.log10,
        smooth=_points(1e-300, 1e-8, 0.5, 1.0 - 1e-16, 1.0, 1.0 + 1e-15, 3.0, 1e3, 1e300),
    ),
    Op(
        "expm1",
        lambda sg, x: x.expm1(),
        math.expm1,
        mpmath.expm1,
        smooth=_points(-800.0, -40.0, -1.0, -1e-17, -1e-300, 0.0, 1e-300, 1e-17, 1e-8, 1.0, 709.7),
    ),
    Op(
        "sqrt",
        lambda sg, x: x.sqrt(),
        math.sqrt,
        mpmath.sqrt,
        smooth=_points(1e-320, 1e-300, 1e-8, 0.3, 1.0, 2.0, 1e300),
    ),
    Op(
        "sin",
        lambda sg, x: x.sin(),
        math.sin,
        mpmath.sin,
        smooth=_points(-100.0, -1.0, -1e-300, 0.0, 1e-8, math.pi / 2, 3.0, math.pi, 1e22),
    ),
    Op(
        "cos",
        lambda sg, x: x.cos(),
        math.cos,
        mpmath.cos,
        smooth=_points(-100.0, -1.0, -1e-300, 0.0, 1e-8, math.pi / 2, 3.0, math.pi, 1e22),
    ),
    Op(
        "tan",
        lambda sg, x: x.tan(),
        math.tan,
        mpmath.tan,
        smooth=_points(-100.0, -1.0, -1e-300, 0.0, 1e-8, 1.5, math.pi / 2, 3.0, math.pi, 1e22),
    ),
    Op(
        "asin",
        lambda sg, x: x.asin(),
        math.asin,
        mpmath.asin,
        smooth=_points(-1.0 + 1e-16, -0.6, -1e-300, 0.0, 1e-8, 0.3, 0.5, 0.999, 1.0 - 1e-16),
    ),
    Op(
        "acos",
        lambda sg, x: x.acos(),
        math.acos,
        mpmath.acos,
        smooth=_points(-1.0 + 1e-16, -0.6, -1e-300, 0.0, 1e-8, 0.3, 0.5, 0.999, 1.0 - 1e-16),
    ),
    Op(
        "atan",
        lambda sg, x: x.atan(),
        math.atan,
        mpmath.atan,
        smooth=_points(-1e300, -1e9, -1.0, -1e-8, -1e-300, 0.0, 1e-300, 0.7, 1.0, 3.0, 1e150),
    ),
    Op(
        "atan2",
        lambda sg, y, x: sg.atan2(y, x),
        math.atan2,
        mpmath.atan2,
        smooth=(
            *_pairs(*WIDE),
            (0.0, 3.0),
            (2.0, 0.0),
            (1e-200, 1e-200),
            (1e200, 1e200),
            (3e-200, 2e-100),
        ),
    ),
    Op(
        "sinh",
        lambda sg, x: x.sinh(),
        math.sinh,
        mpmath.sinh,
        smooth=_points(-700.0, -20.0, -1.0, -1e-8, -1e-300, 0.0, 1e-8, 0.3, 3.0, 710.0),
    ),
    Op(
        "cosh",
        lambda sg, x: x.cosh(),
        math.cosh,
        mpmath.cosh,
        smooth=_points(-700.0, -20.0, -1.0, -1e-8, -1e-300, 0.0, 1e-8, 0.3, 3.0, 710.0),
    ),
    Op(
        "tanh",
        lambda sg, x: x.tanh(),
        math.tanh,
        mpmath.tanh,
        smooth=_points(-1000.0, -300.0, -20.0, -0.5, -1e-300, 0.0, 1e-8, 0.7, 3.0, 20.0, 1000.0),
    ),
    Op(
        "sigmoid",
        lambda sg, x: x.sigmoid(),
        _sigmoid,
        lambda x: 1 / (1 + mpmath.exp(-x)),
        smooth=_points(-800.0, -700.0, -40.0, -2.0, -1e-300, 0.0, 1e-8, 0.7, 20.0, 40.0, 700.0),
    ),
    Op(
        "softplus",
        lambda sg, x: x.softplus(),
        _softplus,
        lambda x: mpmath.log1p(mpmath.exp(x)),
        smooth=_points(-740.0, -40.0, -2.0, -1e-8, -1e-300, 0.0, 0.7, 20.0, 40.0, 700.0, 1e300),
    ),
    Op(
        "erf",
        lambda sg, x: x.erf(),
        math.erf,
        mpmath.erf,
        smooth=_points(-26.0, -5.0, -1.0, -1e-8, -1e-300, 0.0, 0.3, 0.5, 2.0, 6.0, 26.5),
    ),
    Op(
        "relu",
        lambda sg, x: x.relu(),
        lambda x: x if x != x else max(0.0, x),
        lambda x: max(mpmath.mpf(0), x),
        smooth=_points(*WIDE, -1e-300, 1e300),
    ),
    Op(
        "maximum",
        lambda sg, a, b: sg.maximum(a, b),
        _larger,
        max,
        smooth=tuple((a, b) for a, b in _pairs(*WIDE) if a != b),
    ),
    Op(
        "minimum",
        lambda sg, a, b: sg.minimum(a, b),
        _smaller,
        min,
        smooth=tuple((a, b) for a, b in _pairs(*WIDE) if a != b),
    ),
)
