"""Every operation on numbers: its value, and beside it its derivative.

One row per operation. `value` takes floats and behaves as Python's own float operation or `math`
function does, exceptions included. `local_grads` takes the result `y` and the operands, and gives
one derivative per operand. It never raises: at a pole or a kink it follows PyTorch's convention,
for example relu'(0) = 0, abs'(0) = 0, sqrt'(0) = inf.

The derivatives are written in terms of `+ - *` and the small functions at the end of this file,
which accept floats and Values alike. Given floats they are the numbers that `backward` multiplies;
given Values they are graphs of their own, which can be differentiated again. That is how each
derivative is written once and still serves second and third derivatives.

>>> SQRT.value(4.0)
2.0
>>> SQRT.local_grads(2.0, 4.0)                        # 1 / (2 sqrt(x))
(0.25,)
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    # A float or a Value: the functions below do not care which.
    Number: TypeAlias = Any

SMALLEST_NORMAL = 2.0**-1022  # below it, floats have fewer than 53 bits


class Operation:
    """A differentiable function of one or two numbers."""

    __slots__ = ("local_grads", "name", "value")

    def __init__(
        self,
        name: str,
        value: Callable[..., float],
        local_grads: Callable[..., tuple[Number, ...]],
    ) -> None:
        self.name = name
        self.value = value
        self.local_grads = local_grads


def _power(x: float, n: float) -> float:
    y: float | complex = x**n
    if isinstance(y, complex):  # Python's answer to (-8.0) ** 0.5
        raise ValueError("a negative number has no real fractional power")
    return y


def _div_grads(y: Number, a: Number, b: Number) -> tuple[Number, Number]:
    """d/da a/b = 1/b, and d/db a/b = -(a/b)/b, or -a/(b*b) where a/b is too small to be exact."""
    if number_of(y) != 0.0 and _is_coarse(y):
        return divide(1.0, b), -divide(a, b * b)
    return divide(1.0, b), -divide(y, b)


def _power_grads(y: Number, x: Number, n: Number) -> tuple[Number, Number]:
    """d/dx x**n = n x**(n-1), and d/dn x**n = x**n log x."""
    base, exponent = number_of(x), number_of(n)
    if exponent == 0.0 and (isinstance(n, float) or not math.isfinite(_ieee_divide(1.0, base))):
        in_base: Number = 0.0  # x**0 is 1 everywhere
    else:
        in_base = _power_by_base(y, x, n)
    if base == 0.0 and exponent >= 0.0:
        in_exponent: Number = 0.0
    elif base < math.inf and _is_coarse(y):  # x**n = (x**(n/2))**2
        root = power(x, 0.5 * n)
        in_exponent = root * log(x) * root
    else:
        in_exponent = y * log(x)
    return in_base, in_exponent


def _power_by_base(y: Number, x: Number, n: Number) -> Number:
    """n x**(n-1), in whichever form loses no digits on the way."""
    base, exponent = number_of(x), number_of(n)
    one_less = power(x, n - 1.0)
    if base == 0.0 or not math.isfinite(base) or not math.isfinite(exponent):
        return n * one_less
    if _is_coarse(one_less) and abs(exponent) > 4.0:  # x**n = +-(|x|**(n/2))**2
        root = power(abs(x), 0.5 * n)
        return math.copysign(1.0, number_of(y)) * divide(n * root, x) * root
    if math.isinf(number_of(one_less)) or not _is_one_less(exponent - 1.0, exponent):
        return divide(n * y, x)
    return n * one_less


def _is_one_less(m: float, n: float) -> bool:
    """Whether m is exactly n - 1: that is rounded for tiny n, huge n and some others."""
    return m + 1.0 == n and m - n == -1.0


def _is_coarse(y: Number) -> bool:
    """Whether a number is 0 or so small that a float has few digits left for it."""
    return abs(number_of(y)) < SMALLEST_NORMAL


def _sigmoid(x: float) -> float:
    t = math.exp(-abs(x))  # at most 1: cannot overflow
    return t / (1.0 + t) if x < 0.0 else 1.0 / (1.0 + t)


def _sigmoid_grad(y: Number, x: Number) -> Number:
    """s(x) s(-x), as s (1 - s) with the smaller of the two, where 1 - s cancels nothing."""
    small = y if x <= 0.0 else sigmoid(-x)
    return small * (1.0 - small)


def _tanh_grad(x: Number) -> Number:
    """1 - tanh(x)**2 = 4 s(2x) s(-2x) with the sigmoid s: no overflow, no cancellation."""
    small = sigmoid(x + x if x <= 0.0 else -x - x)
    return 4.0 * small * (1.0 - small)


def _relu(x: float) -> float:
    return 0.0 if x <= 0.0 else x  # this way round nan stays nan


def _maximum(a: float, b: float) -> float:
    return math.nan if a != a or b != b else b if b > a else a


def _minimum(a: float, b: float) -> float:
    return math.nan if a != a or b != b else b if b < a else a


def _share(winner: Number, loser: Number) -> float:
    """The part of the gradient that the winner of maximum or minimum gets: half of it at a tie."""
    a, b = number_of(winner), number_of(loser)
    return 0.5 if a == b else 0.0 if a < b else 1.0


# fmt: off
#                    name       value           local_grads
ADD     = Operation("+",       operator.add,     lambda y, a, b: (1.0, 1.0))
SUB     = Operation("-",       operator.sub,     lambda y, a, b: (1.0, -1.0))
MUL     = Operation("*",       operator.mul,     lambda y, a, b: (b, a))
DIV     = Operation("/",       operator.truediv, _div_grads)
POW     = Operation("**",      _power,           _power_grads)
NEG     = Operation("neg",     operator.neg,     lambda y, x: (-1.0,))
ABS     = Operation("abs",     abs,              lambda y, x: (sign(x),))
EXP     = Operation("exp",     math.exp,         lambda y, x: (y,))
LOG     = Operation("log",     math.log,         lambda y, x: (divide(1.0, x),))
LOG1P   = Operation("log1p",   math.log1p,       lambda y, x: (divide(1.0, 1.0 + x),))
EXPM1   = Operation("expm1",   math.expm1,       lambda y, x: (exp(x),))
SQRT    = Operation("sqrt",    math.sqrt,        lambda y, x: (divide(0.5, y),))
SIN     = Operation("sin",     math.sin,         lambda y, x: (cos(x),))
COS     = Operation("cos",     math.cos,         lambda y, x: (-sin(x),))
TAN     = Operation("tan",     math.tan,         lambda y, x: (1.0 + y * y,))
# not 1 - y*y and y*(1 - y): those cancel to 0 far from the origin
TANH    = Operation("tanh",    math.tanh,        lambda y, x: (_tanh_grad(x),))
SIGMOID = Operation("sigmoid", _sigmoid,         lambda y, x: (_sigmoid_grad(y, x),))
RELU    = Operation("relu",    _relu,            lambda y, x: (0.0 if x <= 0.0 else 1.0,))
MAXIMUM = Operation("maximum", _maximum,         lambda y, a, b: (_share(a, b), _share(b, a)))
MINIMUM = Operation("minimum", _minimum,         lambda y, a, b: (_share(b, a), _share(a, b)))
# fmt: on

OPERATIONS = {
    row.name: row
    for row in (
        *(ADD, SUB, MUL, DIV, POW, NEG, ABS, EXP, LOG, LOG1P, EXPM1, SQRT),
        *(SIN, COS, TAN, TANH, SIGMOID, RELU, MAXIMUM, MINIMUM),
    )
}


# What the derivatives are written in: floats in, float out; Values in, Value out. Where Python
# raises, these give what IEEE 754 says (inf, -inf or nan), because backward never raises.


def divide(a: Number, b: Number) -> Number:
    """a / b, with a / 0 = +-inf and 0 / 0 = nan."""
    return _quietly(DIV, _ieee_divide, a, b)


def power(x: Number, n: Number) -> Number:
    """x ** n, with 0 ** -n = inf, overflow = +-inf, and nan where the result is not real."""
    return _quietly(POW, _ieee_power, x, n)


def log(x: Number) -> Number:
    """The natural logarithm, with log(0) = -inf and nan for a negative number."""
    return _quietly(LOG, _ieee_log, x)


def exp(x: Number) -> Number:
    """e ** x, with inf on overflow."""
    return _quietly(EXP, _ieee_exp, x)


def sin(x: Number) -> Number:
    return math.sin(x) if isinstance(x, float) else x.sin()


def cos(x: Number) -> Number:
    return math.cos(x) if isinstance(x, float) else x.cos()


def sigmoid(x: Number) -> Number:
    return _sigmoid(x) if isinstance(x, float) else x.sigmoid()


def sign(x: Number) -> float:
    """-1, 0 or 1; 0 for nan. Constant between its jumps, so a plain float for a Value too."""
    return float((x > 0.0) - (x < 0.0))


def number_of(x: Number) -> float:
    return x if isinstance(x, float) else float(x.data)


def _quietly(operation: Operation, ieee: Callable[..., float], *operands: Number) -> Number:
    numbers = [number_of(x) for x in operands]
    y = ieee(*numbers)
    if all(isinstance(x, float) for x in operands):
        return y
    from scalargrad.engine import Value  # late, because the engines are built on this file

    parents = [Value(x) if isinstance(x, float) else x for x in operands]
    return Value(y, parents, operation.local_grads(y, *numbers), op=operation.name)


def _ieee_divide(a: float, b: float) -> float:
    if b != 0.0:
        return a / b
    if a == 0.0 or a != a:
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1.0, b)


def _ieee_power(x: float, n: float) -> float:
    try:
        return _power(x, n)
    except ValueError:
        return math.nan
    except ArithmeticError:  # overflow, or zero to a negative power
        negative = math.copysign(1.0, x) < 0.0 and math.fmod(n, 2.0) in (-1.0, 1.0)
        return -math.inf if negative else math.inf


def _ieee_log(x: float) -> float:
    return math.log(x) if x > 0.0 else -math.inf if x == 0.0 else math.nan


def _ieee_exp(x: float) -> float:
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf
