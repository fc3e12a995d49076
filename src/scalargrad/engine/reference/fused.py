"""The building blocks of neural networks, each result one row: linear, softmax and the like.

Every function here could be written with the scalar operators of `Value`, and gives the same
numbers and gradients as if it were; the formula is in each docstring. Computing a row at once
makes one node where the operators would make hundreds.

Beside each function is its derivative for a whole row, `..._vjp`: what each input gets, given
the gradients `g` of the results. It is written with the functions of floats.py, so that it serves
floats and, for second derivatives, Vectors.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from operator import index

from scalargrad.engine.arguments import (
    as_float,
    count,
    describe,
    dot_sizes,
    empty_row,
    is_sequence,
    iterable,
    linear_sizes,
    named,
    target_range,
    weighted_sum_sizes,
)
from scalargrad.engine.reference.floats import (
    Floats,
    each_times_gradient,
    number_of,
    part,
    products,
    products_with_gradient,
    row_like,
    scaled,
    scaled_by_each,
    total,
)
from scalargrad.engine.reference.floats import concatenate as joined
from scalargrad.engine.reference.floats import dot as dot_product
from scalargrad.engine.reference.floats import weighted_sum as weighted_sum_of
from scalargrad.engine.reference.value import Value
from scalargrad.engine.reference.vector import (
    MEAN,
    SUM,
    Block,
    RowOperation,
    Vector,
    all_edges,
    as_row,
)

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any, SupportsIndex

    from scalargrad.engine.reference.value import RealNumber


def linear(
    x: Iterable[Value | RealNumber],
    w: Iterable[Iterable[Value | RealNumber]],
    b: Iterable[Value | RealNumber] | None = None,
) -> Vector:
    """The matrix-vector product w x, plus b, as one node.

        y[i] = w[i][0]*x[0] + w[i][1]*x[1] + ... + b[i]
        dy[i]/dx[j] = w[i][j], dy[i]/dw[i][j] = x[j], dy[i]/db[i] = 1

    The result is a row of m numbers. Each sum runs from left to right, and `b` is added last.
    (`torch.nn.functional.linear`)

    Args:
        x: A row of n numbers.
        w: m rows of n numbers.
        b: m numbers, or None for no bias.

    Raises:
        TypeError: If an argument is not a sequence of Values and real numbers.
        ValueError: If the sizes do not fit or one of them is 0.

    Examples:
        >>> from scalargrad import nn
        >>> nn.linear([1.0, 2.0], w=[[3.0, 4.0], [5.0, 6.0]], b=[0.5, 0.5])
        Vector([11.5, 17.5])
    """
    x, rows = as_row(x, "linear", "x"), _as_rows(w, "linear", "w")
    bias = None if b is None else as_row(b, "linear", "b")
    xs, weights = x._numbers(), tuple([row._numbers() for row in rows])
    n, m = len(xs), len(weights)
    if not n or not m or set(map(len, weights)) != {n} or (bias is not None and len(bias) != m):
        linear_sizes(n, [*map(len, weights)], None if bias is None else len(bias))
    data = products(weights, xs)
    if bias is None:
        return Block(data).record(LINEAR, (x, rows), (xs, weights))
    bs = bias._numbers()
    return Block(data + bs).record(LINEAR, (x, rows, bias), (xs, weights, bs))


def _linear_vjp(g: Any, y: Any, inputs: Sequence[Any], saved: Any) -> Sequence[Any]:
    """x gets sum_i g[i] w[i]; w[i] gets g[i] x; b gets g.

    A result that nothing depends on, with g[i] = 0, contributes nothing, not even 0 * inf.
    """
    x, w, *b = inputs
    live_g, live_w = g, w
    if isinstance(g, Floats) and 0.0 in g:
        live_g, live_w = Floats(filter(None, g)), [row for gi, row in zip(g, w) if gi]
    return [weighted_sum_of(live_g, live_w), scaled_by_each(g, x), *(g for _ in b)]


def _own_row(i: int, inputs: Sequence[Any]) -> list[Any]:
    x, w, *b = inputs
    return [*x, *w[i], *(bias[i] for bias in b)]


LINEAR = RowOperation("linear", _linear_vjp, _own_row)
DOT = RowOperation("dot", _linear_vjp, _own_row)


def dot(a: Iterable[Value | RealNumber], b: Iterable[Value | RealNumber]) -> Value:
    """The dot product of two rows of the same length, as one node.

        y = a[0]*b[0] + a[1]*b[1] + ...
        dy/da[j] = b[j], dy/db[j] = a[j]

    The sum runs from left to right. (`torch.dot`)

    Args:
        a: A row, at least one number long.
        b: Another row of the same length.

    Raises:
        TypeError: If an argument is not a sequence of Values and real numbers.
        ValueError: If the lengths differ or are 0.

    Examples:
        >>> from scalargrad import nn
        >>> nn.dot([1.0, 2.0], [3.0, 4.0]).data
        11.0
    """
    a, b = as_row(a, "dot", "a"), as_row(b, "dot", "b")
    if len(a) != len(b) or not len(a):
        dot_sizes(len(a), len(b))
    numbers, others = a._numbers(), b._numbers()
    data = [dot_product(numbers, others)]
    return Block(data).record(DOT, (a, (b,)), (numbers, (others,)))[0]


def weighted_sum(
    weights: Iterable[Value | RealNumber], rows: Iterable[Iterable[Value | RealNumber]]
) -> Vector:
    """The sum of rows, each times its weight, as one node: what attention does.

        y[j] = weights[0]*rows[0][j] + weights[1]*rows[1][j] + ...
        dy[j]/dweights[i] = rows[i][j], dy[j]/drows[i][j] = weights[i]

    The result is as long as each of the rows. Each sum runs from left to right. It is the twin of
    `linear`: `linear(x, w)` goes through the rows of w, this through its columns.

    Args:
        weights: One number per row, at least one.
        rows: Rows of the same length.

    Raises:
        TypeError: If an argument is not a sequence of Values and real numbers.
        ValueError: If the sizes do not fit.

    Examples:
        >>> from scalargrad import nn
        >>> nn.weighted_sum([0.25, 0.75], [[4.0, 8.0], [0.0, 4.0]])
        Vector([1.0, 5.0])
    """
    weights = as_row(weights, "weighted_sum", "weights")
    inputs = _as_rows(rows, "weighted_sum", "rows")
    factors, numbers = weights._numbers(), tuple([row._numbers() for row in inputs])
    if not factors or len(factors) != len(inputs) or len(set(map(len, numbers))) != 1:
        weighted_sum_sizes(len(factors), [*map(len, numbers)])
    data = weighted_sum_of(factors, numbers)
    return Block(data).record(WEIGHTED_SUM, (weights, inputs), (factors, numbers))


def _weighted_sum_vjp(g: Any, y: Any, inputs: Sequence[Any], saved: Any) -> Sequence[Any]:
    """weights[i] gets the dot product of rows[i] and g; rows[i] gets weights[i] g."""
    weights, rows = inputs
    return [products_with_gradient(rows, g), each_times_gradient(weights, g)]


def _own_column(i: int, inputs: Sequence[Any]) -> list[Any]:
    weights, rows = inputs
    return [*weights, *(row[i] for row in rows)]


WEIGHTED_SUM = RowOperation("weighted_sum", _weighted_sum_vjp, _own_column)


def concatenate(rows: Iterable[Iterable[Value | RealNumber]]) -> Vector:
    """The rows one after the other, as one row and one node.

    (`torch.cat`)

    Args:
        rows: At least one row; their lengths may differ.

    Raises:
        TypeError: If `rows` is not a sequence of sequences of Values and real numbers.
        ValueError: If there is no row.

    Examples:
        >>> from scalargrad import nn
        >>> nn.concatenate([[1.0, 2.0], [3.0]])
        Vector([1.0, 2.0, 3.0])
    """
    inputs = _as_rows(rows, "concatenate", "rows")
    if not inputs:
        raise ValueError("concatenate: rows is empty; it needs at least one row")
    numbers = tuple([row._numbers() for row in inputs])
    return Block(joined(numbers)).record(CONCATENATE, (inputs,), (numbers,))


def _concatenate_vjp(g: Any, y: Any, inputs: Sequence[Any], saved: Any) -> Sequence[Any]:
    """Each row gets its part of g."""
    parts, start = [], 0
    for row in inputs[0]:
        parts.append(part(g, start, start + len(row)))
        start += len(row)
    return [tuple(parts)]


def _source(i: int, inputs: Sequence[Any]) -> list[Any]:
    for row in inputs[0]:
        if i < len(row):
            return [row[i]]
        i -= len(row)
    raise IndexError(i)


CONCATENATE = RowOperation("concatenate", _concatenate_vjp, _source)


def softmax(x: Iterable[Value | RealNumber]) -> Vector:
    """Turn logits into probabilities: as many as there are, each from 0 to 1, with the sum 1.

        p[i] = exp(x[i]) / sum_j exp(x[j])
        dp[i]/dx[j] = p[i] * ((i == j) - p[j])

    The largest logit is subtracted first, which changes no probability and prevents overflow.
    (`torch.nn.functional.softmax`)

    Args:
        x: The logits, a row, at least one number long.

    Raises:
        TypeError: If `x` is not a sequence of Values and real numbers.
        ValueError: If `x` is empty.

    Examples:
        >>> from scalargrad import nn
        >>> nn.softmax([1000.0, 1000.0])
        Vector([0.5, 0.5])
    """
    x = _filled_row(x, "softmax", "x")
    xs = x._numbers()
    return Block(_shares(_exponentials(xs)[1])).record(SOFTMAX, (x,), (xs,))


def _softmax_vjp(g: Any, p: Any, inputs: Sequence[Any], saved: Any) -> Sequence[Any]:
    """x[j] gets p[j] (g[j] - sum_i g[i] p[i]).

    What all of g have in common makes no difference. Subtracting that of the most likely result
    keeps 1 - p from cancelling to 0 where p is almost 1.
    """
    g = g - g[p.index(max(p))]
    return [p * (g - dot_product(g, p))]


SOFTMAX = RowOperation("softmax", _softmax_vjp, all_edges)


def rmsnorm(x: Iterable[Value | RealNumber], eps: float = 1e-5) -> Vector:
    """Scale a row to root mean square 1, keeping its length and its direction.

        y[i] = x[i] / sqrt(mean_j x[j]**2 + eps)
        dy[i]/dx[j] = ((i == j) - y[i] * y[j] / n) / sqrt(mean_k x[k]**2 + eps)

    (Zhang and Sennrich 2019, Root Mean Square Layer Normalization; `torch.nn.functional.rms_norm`.)

    Args:
        x: A row, at least one number long.
        eps: Prevents a division by zero for a row of zeros; 0 or more.

    Raises:
        TypeError: If `x` is not a sequence of Values and real numbers.
        ValueError: If `x` is empty or `eps` is negative or nan.
        ZeroDivisionError: For a row of zeros with eps=0.

    Examples:
        >>> from scalargrad import nn
        >>> nn.rmsnorm([3.0, -3.0], eps=0.0)
        Vector([1.0, -1.0])
    """
    x = _filled_row(x, "rmsnorm", "x")
    eps = as_float(eps, "rmsnorm: eps")
    if not eps >= 0.0:
        raise ValueError(f"rmsnorm: eps must be at least 0, got {eps!r}")
    xs = x._numbers()
    try:
        unit, scale = rms_factors(xs, eps)
    except ZeroDivisionError as error:
        raise named(error, f"rmsnorm of {count(len(xs))}, all 0.0, with eps=0.0") from None
    data = [xi * unit * scale for xi in xs]
    return Block(data).record(RMSNORM, (x,), (xs,), unit * scale, eps)


def rms_factors(x: Any, eps: float) -> tuple[float, Any]:
    """1 / sqrt(mean_j x[j]**2 + eps) as a product of two factors, of floats or of Values.

    The first is 1, unless the squares would overflow or underflow: then it is the power of two
    that brings the numbers to about 1.
    """
    mean_square = dot_product(x, x) / len(x) + eps
    if 1e-290 < mean_square < math.inf:
        return 1.0, mean_square**-0.5
    largest = max(math.sqrt(eps), *(abs(number_of(xi)) for xi in x))
    if not 0.0 < largest < math.inf:
        return 1.0, mean_square**-0.5
    unit = math.ldexp(1.0, -min(max(math.frexp(largest)[1], -1023), 1022))
    units = row_like(x, [xi * unit for xi in x])
    return unit, (dot_product(units, units) / len(x) + eps * unit * unit) ** -0.5


def _rmsnorm_vjp(g: Any, y: Any, inputs: Sequence[Any], scale: Any) -> Sequence[Any]:
    """x[j] gets scale (g[j] - y[j] mean_i g[i] y[i])."""
    return [scale * (g - y * (dot_product(g, y) / len(y)))]


def _rms_scale(x: Any, eps: float) -> Any:
    unit, scale = rms_factors(x, eps)
    return unit * scale


RMSNORM = RowOperation("rmsnorm", _rmsnorm_vjp, all_edges, _rms_scale)


def logsumexp(x: Iterable[Value | RealNumber]) -> Value:
    """log(sum_j exp(x[j])), a smooth maximum, as one node and without overflow.

        y = max(x) + log(sum_j exp(x[j] - max(x)))
        dy/dx[j] = softmax(x)[j]

    `x - nn.logsumexp(x)` is log(softmax(x)). (`torch.logsumexp`)

    Args:
        x: A row, at least one number long.

    Raises:
        TypeError: If `x` is not a sequence of Values and real numbers.
        ValueError: If `x` is empty.

    Examples:
        >>> from scalargrad import nn
        >>> nn.logsumexp([-1000.0, 0.0]).data
        0.0
    """
    x = _filled_row(x, "logsumexp", "x")
    xs = x._numbers()
    top, exponentials, others = _exponentials(xs)
    data = [top + math.log1p(others)]
    return Block(data).record(LOGSUMEXP, (x,), (xs,), _shares(exponentials))[0]


def _logsumexp_vjp(g: Any, y: Any, inputs: Sequence[Any], p: Any) -> Sequence[Any]:
    """x gets g p."""
    return [scaled(g[0], p)]


LOGSUMEXP = RowOperation("logsumexp", _logsumexp_vjp, all_edges, lambda x, setting: _softmax_of(x))


def cross_entropy(
    logits: Iterable[Value | RealNumber], target: SupportsIndex | Sequence[Value | RealNumber]
) -> Value:
    """The loss -log(softmax(logits)[target]), in nats: how surprising the target was.

        loss = log(sum_j exp(x[j])) - x[target]
        dloss/dx[j] = softmax(x)[j] - (j == target)

    Both are computed so that they are exact where the probability underflows to 0 or rounds to 1.
    A nat is 1 / log(2) = 1.44 bits. (`torch.nn.functional.cross_entropy`, for one row of logits.)

    Args:
        logits: One number for each class.
        target: The index of the right class, counted from 0; or a row of probabilities, one per
            logit. The loss is then the sum of the losses of all targets, each times its
            probability.

    Raises:
        TypeError: If `logits` is not a sequence of Values and real numbers, or `target` neither
            that nor an integer.
        ValueError: If `logits` is empty or the rows are not equally long.
        IndexError: If `target` is not one of the indices.

    Examples:
        >>> from scalargrad import nn
        >>> nn.cross_entropy([0.0, -800.0], target=1).data
        800.0
    """
    x = _filled_row(logits, "cross_entropy", "logits")
    if isinstance(target, Vector) or is_sequence(target):
        from scalargrad.engine.targets import cross_entropy_of_row  # late: built on the engine

        return cross_entropy_of_row(x, target)  # type: ignore[arg-type]
    try:
        target = index(target)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(
            f"cross_entropy: target must be an int or a row, got {describe(target)}"
        ) from None
    xs = x._numbers()
    if not 0 <= target < len(xs):
        target_range(target, len(xs))
    top, exponentials, others = _exponentials(xs)
    loss = (top - xs[target]) + math.log1p(others)
    saved = (_shares(exponentials), target)
    return Block([loss]).record(CROSS_ENTROPY, (x,), (xs,), saved, target)[0]


def _cross_entropy_vjp(g: Any, y: Any, inputs: Sequence[Any], saved: Any) -> Sequence[Any]:
    """x[j] gets g p[j], less g for the target: p - 1, written as minus the sum of the others."""
    p, target = saved
    before, after = part(p, 0, target), part(p, target + 1, len(p))
    others = joined([before, after])
    of_target = -g[0] * total(others) if len(others) else g[0] * (p[0] - 1.0)
    return [joined([before * g[0], row_like(p, [of_target]), after * g[0]])]


def _softmax_of(x: Any) -> Any:
    from scalargrad import engine  # late: the one that runs may be the compiled one

    return engine.softmax(x)


CROSS_ENTROPY = RowOperation(
    "cross_entropy",
    _cross_entropy_vjp,
    all_edges,
    lambda x, target: (_softmax_of(x), target),
)

ROW_OPERATIONS = {
    row.name: row
    for row in (
        *(SUM, MEAN, LINEAR, DOT, WEIGHTED_SUM, CONCATENATE, SOFTMAX, RMSNORM),
        *(LOGSUMEXP, CROSS_ENTROPY),
    )
}


def _exponentials(logits: list[float]) -> tuple[float, list[float], float]:
    """The largest logit; exp(x - largest) for each, so that none overflows; the sum of the others.

    The largest itself gives 1, which log1p adds without rounding the others away.
    """
    top = max(logits)
    at = logits.index(top)
    exponentials = [math.exp(x - top) for x in logits]
    return top, exponentials, total(exponentials[:at] + exponentials[at + 1 :])


def _shares(numbers: list[float]) -> Floats:
    whole = total(numbers)
    return Floats([x / whole for x in numbers])


def _as_rows(rows: Any, function: str, argument: str) -> tuple[Vector, ...]:
    if type(rows) is tuple and set(map(type, rows)) == {Vector}:  # by far the most frequent
        return rows
    items = enumerate(list(iterable(rows, function, argument)))
    return tuple([as_row(row, function, f"{argument}[{i}]") for i, row in items])


def _filled_row(values: Any, function: str, argument: str) -> Vector:
    row = as_row(values, function, argument)
    if not len(row):
        empty_row(function, argument)
    return row
