"""The building blocks of neural networks, each result one row: linear, softmax and their kin.

Every function here could be written with the scalar operators of `Value`, and gives the same
numbers and gradients as if it were; the formula stands in each docstring. Computing a row at once
makes one node where the operators would make hundreds.

Beside each function stands its derivative for a whole row, `..._vjp`: the gradients of the inputs,
given the gradients `g` of the results. It is written with `+ - *` and `dot` only, so that it serves
floats and, for second derivatives, Values.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import repeat
from operator import index, mul

from scalargrad.engine.arguments import as_float, describe, iterable, named
from scalargrad.engine.reference.operations import number_of
from scalargrad.engine.reference.value import Value
from scalargrad.engine.reference.vector import (
    Block,
    FusedOperation,
    Vector,
    as_row,
)
from scalargrad.engine.reference.vector import dot as dot_product

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any

    from scalargrad.engine.reference.value import RealNumber


def linear(
    x: Iterable[Value | RealNumber],
    w: Iterable[Iterable[Value | RealNumber]],
    b: Iterable[Value | RealNumber] | None = None,
) -> Vector:
    """The matrix-vector product w x, plus b, as one node.

        y[i] = w[i][0]*x[0] + w[i][1]*x[1] + ... + b[i]
        dy[i]/dx[j] = w[i][j], dy[i]/dw[i][j] = x[j], dy[i]/db[i] = 1

    `x` has n numbers, `w` m rows of n, `b` m numbers, or is None for no bias; the result has m.
    Each sum runs from left to right, and `b` is added last.

    Raises ValueError if the sizes do not fit or one of them is 0, TypeError if an argument is not a
    sequence of Values and real numbers. (`torch.nn.functional.linear`)

        >>> from scalargrad import nn
        >>> nn.linear([1.0, 2.0], w=[[3.0, 4.0], [5.0, 6.0]], b=[0.5, 0.5])
        Vector([11.5, 17.5])
    """
    x = as_row(x, "linear", "x")
    rows = [
        row if type(row) is Vector else as_row(row, "linear", f"w[{i}]")
        for i, row in enumerate(list(iterable(w, "linear", "w")))
    ]
    xs, weights = x._numbers(), [row._numbers() for row in rows]
    if b is None:
        _check_linear(xs, weights, None)
        data = [dot_product(row, xs) for row in weights]
        return Block(data).made_by(LINEAR, [x, *rows], [xs, *weights])
    b = as_row(b, "linear", "b")
    bs = b._numbers()
    _check_linear(xs, weights, bs)
    data = [dot_product(row, xs) + bi for row, bi in zip(weights, bs)]
    return Block(data).made_by(LINEAR, [x, *rows, b], [xs, *weights, bs])


def _linear_vjp(dot: Any, g: Sequence[Any], rows: Sequence[Any], saved: Any) -> list[Iterable[Any]]:
    """x[j] gets sum_i g[i] w[i][j]; w[i][j] gets g[i] x[j]; b[i] gets g[i].

    A result that nothing depends on, with g[i] = 0, contributes nothing, not even 0 * inf. (A Value
    is always `!= 0.0`, so second derivatives keep every term.)
    """
    x, w, b = rows[0], rows[1 : 1 + len(g)], rows[1 + len(g) :]
    live = [i for i, upstream in enumerate(g) if upstream != 0.0]
    columns = zip(*(w[i] for i in live))
    live_g = [g[i] for i in live]
    x_grads = [dot(live_g, column) for column in columns]
    w_grads = [() if upstream == 0.0 else map(mul, repeat(upstream), x) for upstream in g]
    return [x_grads, *w_grads, *([g] if b else [])]


def _own_row(i: int, n: int, rows: Sequence[Any]) -> tuple[int, int, Sequence[Any]]:
    return 0, 1, [rows[0], rows[1 + i], *(bias[i : i + 1] for bias in rows[1 + n :])]


def _all_rows(i: int, n: int, rows: Sequence[Any]) -> tuple[int, int, Sequence[Any]]:
    return i, n, rows


LINEAR = FusedOperation("linear", _linear_vjp, _own_row)
DOT = FusedOperation("dot", _linear_vjp, _own_row)


def dot(a: Iterable[Value | RealNumber], b: Iterable[Value | RealNumber]) -> Value:
    """The dot product of two rows of the same length, as one node.

        y = a[0]*b[0] + a[1]*b[1] + ...
        dy/da[j] = b[j], dy/db[j] = a[j]

    The sum runs from left to right. Raises ValueError if the lengths differ or are 0, TypeError if
    an argument is not a sequence of Values and real numbers. (`torch.dot`)

        >>> from scalargrad import nn
        >>> nn.dot([1.0, 2.0], [3.0, 4.0]).data
        11.0
    """
    a, b = as_row(a, "dot", "a"), as_row(b, "dot", "b")
    numbers = [a._numbers(), b._numbers()]
    if len(a) != len(b) or not len(a):
        raise ValueError(
            f"dot: a has {_count(numbers[0])} and b has {_count(numbers[1])}; "
            "they must be equally long, and not empty"
        )
    return Block([dot_product(*numbers)]).made_by(DOT, (a, b), numbers)[0]


def softmax(x: Iterable[Value | RealNumber]) -> Vector:
    """Turn logits into probabilities: as many as there are, each from 0 to 1, with the sum 1.

        p[i] = exp(x[i]) / sum_j exp(x[j])
        dp[i]/dx[j] = p[i] * ((i == j) - p[j])

    The largest logit is subtracted first, which changes no probability and prevents overflow.
    Raises ValueError if `x` is empty, TypeError if it is not a sequence of Values and real numbers.
    (`torch.nn.functional.softmax`)

        >>> from scalargrad import nn
        >>> nn.softmax([1000.0, 1000.0])
        Vector([0.5, 0.5])
    """
    x = _not_empty(as_row(x, "softmax", "x"), "softmax", "x")
    xs = x._numbers()
    data = _shares(_exponentials(xs)[1])
    return Block(data, shared=True).made_by(SOFTMAX, (x,), (xs,), data)


def _softmax_vjp(dot: Any, g: Sequence[Any], rows: Sequence[Any], p: Any) -> list[Iterable[Any]]:
    """x[j] gets p[j] (g[j] - sum_i g[i] p[i]).

    What all of g have in common makes no difference. Subtracting that of the most likely result
    keeps 1 - p from cancelling to 0 where p is almost 1.
    """
    most_likely = g[p.index(max(p))]
    g = [gj - most_likely for gj in g]
    mean = dot(g, p)
    return [[pj * (gj - mean) for pj, gj in zip(p, g)]]


SOFTMAX = FusedOperation("softmax", _softmax_vjp, _all_rows)


def rmsnorm(x: Iterable[Value | RealNumber], eps: float = 1e-5) -> Vector:
    """Scale a row to root mean square 1, keeping its length and its direction.

        y[i] = x[i] / sqrt(mean_j x[j]**2 + eps)
        dy[i]/dx[j] = ((i == j) - y[i] * y[j] / n) / sqrt(mean_k x[k]**2 + eps)

    `eps` keeps a row of zeros from dividing by zero. Raises ValueError if `x` is empty or `eps` is
    negative or nan, ZeroDivisionError for a row of zeros with eps=0, TypeError if `x` is not a
    sequence of Values and real numbers. (Zhang and Sennrich 2019, Root Mean Square Layer
    Normalization; `torch.nn.functional.rms_norm`.)

        >>> from scalargrad import nn
        >>> nn.rmsnorm([3.0, -3.0], eps=0.0)
        Vector([1.0, -1.0])
    """
    x = _not_empty(as_row(x, "rmsnorm", "x"), "rmsnorm", "x")
    eps = as_float(eps, "rmsnorm: eps")
    if not eps >= 0.0:
        raise ValueError(f"rmsnorm: eps must be at least 0, got {eps!r}")
    xs = x._numbers()
    try:
        unit, scale = rms_factors(dot_product, xs, eps)
    except ZeroDivisionError as error:
        raise named(error, f"rmsnorm of {_count(xs)}, all 0.0, with eps=0.0") from None
    data = [xi * unit * scale for xi in xs]
    return Block(data, shared=True).made_by(RMSNORM, (x,), (xs,), (data, unit * scale), eps)


def rms_factors(dot: Any, x: Sequence[Any], eps: float) -> tuple[float, Any]:
    """1 / sqrt(mean_j x[j]**2 + eps) as a product of two factors, of floats or of Values.

    The first is 1, unless the squares would overflow or underflow: then it is the power of two
    that brings the numbers to about 1.
    """
    mean_square = dot(x, x) / len(x) + eps
    if 1e-290 < mean_square < math.inf:
        return 1.0, mean_square**-0.5
    largest = max(math.sqrt(eps), *(abs(number_of(xi)) for xi in x))
    if not 0.0 < largest < math.inf:
        return 1.0, mean_square**-0.5
    unit = math.ldexp(1.0, -min(max(math.frexp(largest)[1], -1023), 1022))
    units = [xi * unit for xi in x]
    return unit, (dot(units, units) / len(x) + eps * unit * unit) ** -0.5


def _rmsnorm_vjp(
    dot: Any, g: Sequence[Any], rows: Sequence[Any], saved: Any
) -> list[Iterable[Any]]:
    """x[j] gets scale (g[j] - y[j] mean_i g[i] y[i])."""
    y, scale = saved
    mean = dot(g, y) / len(y)
    return [[scale * (gj - yj * mean) for yj, gj in zip(y, g)]]


RMSNORM = FusedOperation("rmsnorm", _rmsnorm_vjp, _all_rows)


def cross_entropy(logits: Iterable[Value | RealNumber], target: int) -> Value:
    """The loss -log(softmax(logits)[target]), in nats: how surprising the target was.

        loss = log(sum_j exp(x[j])) - x[target]
        dloss/dx[j] = softmax(x)[j] - (j == target)

    Both are computed so that they are exact where the probability underflows to 0 or rounds to 1.
    A nat is 1 / log(2) = 1.44 bits. Raises ValueError if `logits` is empty, IndexError if `target`
    is not one of their indices, counted from 0, TypeError if `logits` is not a sequence of Values
    and real numbers or `target` not an integer. (`torch.nn.functional.cross_entropy`, for one
    row of logits.)

        >>> from scalargrad import nn
        >>> nn.cross_entropy([0.0, -800.0], target=1).data
        800.0
    """
    x = _not_empty(as_row(logits, "cross_entropy", "logits"), "cross_entropy", "logits")
    try:
        target = index(target)
    except TypeError:
        raise TypeError(f"cross_entropy: target must be an int, got {describe(target)}") from None
    xs = x._numbers()
    if not 0 <= target < len(xs):
        raise IndexError(
            f"cross_entropy: target is {target}, but logits has {_count(xs)}; "
            f"it must be from 0 to {len(xs) - 1}"
        )
    top, exponentials = _exponentials(xs)
    at = xs.index(top)  # its exponential is 1, which log1p adds without rounding the others away
    others = _sum(exponentials[:at] + exponentials[at + 1 :])
    loss = (top - xs[target]) + math.log1p(others)
    saved = (_shares(exponentials), target)
    return Block([loss]).made_by(CROSS_ENTROPY, (x,), (xs,), saved, target)[0]


def _cross_entropy_vjp(
    dot: Any, g: Sequence[Any], rows: Sequence[Any], saved: Any
) -> list[Iterable[Any]]:
    """x[j] gets g p[j], less g for the target: p - 1, written as minus the sum of the others."""
    p, target = saved
    others = [pj for j, pj in enumerate(p) if j != target]
    grads = [g[0] * pj for pj in p]
    grads[target] = -g[0] * dot(others, [1.0] * len(others)) if others else 0.0 * g[0]
    return [grads]


CROSS_ENTROPY = FusedOperation("cross_entropy", _cross_entropy_vjp, _all_rows)

FUSED_OPERATIONS = {row.name: row for row in (LINEAR, DOT, SOFTMAX, RMSNORM, CROSS_ENTROPY)}


def _exponentials(logits: list[float]) -> tuple[float, list[float]]:
    """The largest logit, and exp(x - largest) for each: at most 1, so that none overflows."""
    top = max(logits)
    return top, [math.exp(x - top) for x in logits]


def _shares(numbers: list[float]) -> list[float]:
    total = _sum(numbers)
    return [x / total for x in numbers]


def _sum(numbers: list[float]) -> float:
    return dot_product(numbers, repeat(1.0))


def _check_linear(xs: list[float], weights: list[list[float]], bs: list[float] | None) -> None:
    n = len(xs)
    if not n or not weights:
        raise ValueError(
            f"linear: x has {_count(xs)} and w has {_count(weights, 'row')}; neither may be empty"
        )
    for i, row in enumerate(weights):
        if len(row) != n:
            raise ValueError(
                f"linear: x has {_count(xs)} but w[{i}] has {_count(row)}; "
                "each row of w needs one weight per number in x"
            )
    if bs is not None and len(bs) != len(weights):
        raise ValueError(
            f"linear: w has {_count(weights, 'row')} but b has {_count(bs)}; "
            "b needs one number per row of w"
        )


def _not_empty(row: Vector, function: str, argument: str) -> Vector:
    if not len(row):
        raise ValueError(f"{function}: {argument} is empty; it needs at least one number")
    return row


def _count(row: Sequence[object], kind: str = "number") -> str:
    return f"{len(row)} {kind}{'' if len(row) == 1 else 's'}"
