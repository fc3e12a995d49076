"""Numbers from outside the library, to compare it with.

Derivatives come from difference quotients, in arithmetic so precise that nothing is lost: no
formula for a derivative stands here that could share a mistake with the library's.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

from mpmath import exp, fabs, ldexp, log, mpf, sqrt, workprec

# Steps are this fraction of the operand (for 0, of the smallest other one), or of 1 if that is
# smaller, so the quotients are good to about twice as many bits. The precision leaves room for
# tanh'(1000), which is about 2 ** -2885.
STEP_BITS = 400
PRECISION_BITS = 3600


@functools.cache  # each engine asks for the same numbers
def exact_derivative(f: Callable[..., Any], point: tuple[float, ...], *by: int) -> Any:
    """d/dx[i] d/dx[j] ... f at `point`, for i, j, ... in `by`; `f` takes mpmath's numbers."""
    with workprec(PRECISION_BITS):
        return _quotients(f, by)(*map(mpf, point))


def _quotients(f: Callable[..., Any], by: tuple[int, ...]) -> Callable[..., Any]:
    if not by:
        return f
    inner, i = _quotients(f, by[1:]), by[0]

    def quotient(*x: Any) -> Any:
        sizes = [fabs(xj) for xj in ([x[i]] if x[i] else x) if xj]
        h = ldexp(min([mpf(1), *sizes]), -STEP_BITS)
        return (inner(*x[:i], x[i] + h, *x[i + 1 :]) - inner(*x[:i], x[i] - h, *x[i + 1 :])) / (
            2 * h
        )

    return quotient


# The functions of rows, of mpmath's numbers; cached, so that `exact_derivative` knows them again.


@functools.cache
def exact_softmax(i: int) -> Callable[..., Any]:
    return lambda *x: 1 / sum(exp(xj - x[i]) for xj in x)


@functools.cache
def exact_rmsnorm(i: int, eps: float = 1e-5) -> Callable[..., Any]:
    return lambda *x: x[i] / sqrt(sum(xj * xj for xj in x) / len(x) + mpf(eps))


@functools.cache
def exact_cross_entropy(target: int) -> Callable[..., Any]:
    return lambda *x: log(sum(exp(xj - x[target]) for xj in x))


def exact_logsumexp(*x: Any) -> Any:
    return log(sum(map(exp, x)))


def ulps(number: float, exact: Any) -> float:
    """How far `number` is from `exact`, in units in the last place of the float nearest to it."""
    nearest = float(exact)
    if number == nearest:
        return 0.0
    if not (math.isfinite(number) and math.isfinite(nearest)):
        return math.inf
    with workprec(PRECISION_BITS):
        return float(fabs(mpf(number) - exact) / mpf(math.ulp(nearest)))


def bits(number: float) -> str:
    """The same text for the same float: 0.0 and -0.0 differ, and nan is nan."""
    return float.hex(number)
