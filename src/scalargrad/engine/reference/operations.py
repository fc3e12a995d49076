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

The same row serves whole rows of numbers, number by number: see vector.py.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from itertools import repeat

from scalargrad.engine.reference.floats import (
    contribution,
    contribution_of_branch,
    is_row,
    number_of,
    row_like,
    total,
)

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    # A float or a Value: the functions below do not care which.
    Number: TypeAlias = Any


# What is special about some of them. The formulas of ROWS ask nothing of the numbers, so that they
# take whole rows as they are. BRANCHES choose between their operands, or between one and 0: what
# was not chosen gets nothing, not even 0 * inf.
ROWS, BRANCHES = "rows", "branches"


class Operation:
    """A differentiable function of one or two numbers."""

    __slots__ = ("branches", "local_grads", "name", "takes_rows", "value")

    def __init__(
        self,
        name: str,
        value: Callable[..., float],
        local_grads: Callable[..., tuple[Number, ...]],
        special: str = "",
    ) -> None:
        self.name = name
        self.value = value
        self.local_grads = local_grads
        self.takes_rows = special == ROWS
        self.branches = special == BRANCHES

    # How it works on rows, in the terms of a RowOperation. An operand may be one number for all.

    def vjp(self, g: Any, y: Any, operands: Sequence[Any], saved: Any) -> list[Any]:
        """What the operands get: local_grad * g, and a single number the sum of these."""
        product = contribution_of_branch if self.branches else contribution
        products = [product(local_grad, g) for local_grad in self._row_local_grads(y, operands)]
        return [p if is_row(x) else total(p) for p, x in zip(products, operands)]

    def _row_local_grads(self, y: Any, operands: Sequence[Any]) -> Sequence[Any]:
        if self.takes_rows:
            return self.local_grads(y, *operands)
        columns = [x if is_row(x) else repeat(x) for x in operands]
        by_number = map(self.local_grads, y, *columns)
        return [row_like(y, grads) for grads in zip(*by_number)]

    def edges(self, i: int, operands: Sequence[Any]) -> list[Any]:
        """The numbers in the operands that result i was made from."""
        return [x[i] if is_row(x) else x for x in operands]


# fmt: off
#                    name       value                      local_grads
ADD     = Operation("+",       operator.add,               lambda y, a, b: (1.0, 1.0), ROWS)
SUB     = Operation("-",       operator.sub,               lambda y, a, b: (1.0, -1.0), ROWS)
MUL     = Operation("*",       operator.mul,               lambda y, a, b: (b, a), ROWS)
DIV     = Operation("/",       operator.truediv,           lambda y, a, b: _div_grads(y, a, b))
POW     = Operation("**",      lambda x, n: _power(x, n),  lambda y, x, n: _power_grads(y, x, n))
NEG     = Operation("neg",     operator.neg,               lambda y, x: (-1.0,), ROWS)
ABS     = Operation("abs",     abs,                        lambda y, x: (sign(x),))
EXP     = Operation("exp",     math.exp,                   lambda y, x: (y,), ROWS)
LOG     = Operation("log",     math.log,                   lambda y, x: (divide(1.0, x),))
LOG1P   = Operation("log1p",   math.log1p,                 lambda y, x: (divide(1.0, 1.0 + x),))
LOG2    = Operation("log2",    math.log2,                  lambda y, x: (divide(LOG2_E, x),))
LOG10   = Operation("log10",   math.log10,                 lambda y, x: (divide(LOG10_E, x),))
EXPM1   = Operation("expm1",   math.expm1,                 lambda y, x: (exp(x),))
SQRT    = Operation("sqrt",    math.sqrt,                  lambda y, x: (divide(0.5, y),))
SIN     = Operation("sin",     math.sin,                   lambda y, x: (cos(x),))
COS     = Operation("cos",     math.cos,                   lambda y, x: (-sin(x),))
TAN     = Operation("tan",     math.tan,                   lambda y, x: (1.0 + y * y,))
ASIN    = Operation("asin",    math.asin,                  lambda y, x: (_asin_grad(x),))
ACOS    = Operation("acos",    math.acos,                  lambda y, x: (-_asin_grad(x),))
ATAN    = Operation("atan",    math.atan,                  lambda y, x: (_atan_grad(x),))
ATAN2   = Operation("atan2",   math.atan2,                 lambda y, a, b: _atan2_grads(a, b))
SINH    = Operation("sinh",    math.sinh,                  lambda y, x: (cosh(x),))
COSH    = Operation("cosh",    math.cosh,                  lambda y, x: (sinh(x),))
TANH    = Operation("tanh",    math.tanh,                  lambda y, x: (_tanh_grad(y, x),))
SIGMOID = Operation("sigmoid", lambda x: sigmoid(x),       lambda y, x: (_sigmoid_grad(y, x),))
SOFTPLUS= Operation("softplus",lambda x: _softplus(x),     lambda y, x: (sigmoid(x),))
ERF     = Operation("erf",     math.erf,                   lambda y, x: (_erf_grad(x),))
RELU    = Operation("relu",    lambda x: _relu(x),         lambda y, x: (_step(x),), BRANCHES)
MAXIMUM = Operation("maximum", lambda a, b: _max(a, b),    lambda y, a, b: _halves(a, b), BRANCHES)
MINIMUM = Operation("minimum", lambda a, b: _min(a, b),    lambda y, a, b: _halves(b, a), BRANCHES)
# fmt: on

OPERATIONS = {
    row.name: row
    for row in (
        *(ADD, SUB, MUL, DIV, POW, NEG, ABS, EXP, LOG, LOG1P, LOG2, LOG10, EXPM1, SQRT),
        *(SIN, COS, TAN, ASIN, ACOS, ATAN, ATAN2, SINH, COSH, TANH, SIGMOID, SOFTPLUS, ERF),
        *(RELU, MAXIMUM, MINIMUM),
    )
}


# The operations and derivatives that need care.

SMALLEST_NORMAL = 2.0**-1022  # below it, floats have fewer than 53 bits
LOG2_E: float = 1.4426950408889634  # 1 / log(2)
LOG10_E: float = 0.4342944819032518  # 1 / log(10)


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
    return _power_by_base(y, x, n), _power_by_exponent(y, x, n)


def _power_by_base(y: Number, x: Number, n: Number) -> Number:
    """d/dx x**n = n x**(n-1), its number computed in whichever form loses no digits on the way."""
    base, exponent = number_of(x), number_of(n)
    if exponent == 0.0 and (isinstance(n, float) or not math.isfinite(_ieee_divide(1.0, base))):
        return 0.0  # x**0 is 1 everywhere
    one_less = power(x, n - 1.0)
    if base == 0.0 or not math.isfinite(base) or not math.isfinite(exponent):
        return n * one_less
    if _is_coarse(one_less) and abs(exponent) > 4.0:  # x**n = +-(|x|**(n/2))**2
        root = _ieee_power(abs(base), 0.5 * exponent)
        number = math.copysign(1.0, number_of(y)) * _ieee_divide(exponent * root, base) * root
        return product(n, one_less, number)
    if math.isinf(number_of(one_less)) or not _is_one_less(exponent - 1.0, exponent):
        return product(n, one_less, _ieee_divide(exponent * number_of(y), base))
    return n * one_less


def _power_by_exponent(y: Number, x: Number, n: Number) -> Number:
    """d/dn x**n = x**n log x, or x**(n-1) (x log x) where x**n or 1/x**2 is no good float."""
    base, exponent = number_of(x), number_of(n)
    if base == 0.0 and exponent >= 0.0:
        return 0.0
    small = _is_coarse(y) or (exponent >= 2.0 and _is_coarse(base * base))
    if small and SMALLEST_NORMAL <= base < 1.0:
        return power(x, n - 1.0) * x_log_x(x)
    if base < math.inf and _is_coarse(y):  # x**n = (x**(n/2))**2
        root = power(x, 0.5 * n)
        return root * log(x) * root
    return y * log(x)


def _is_one_less(m: float, n: float) -> bool:
    """Whether m is exactly n - 1: that is rounded for tiny n, huge n and some others."""
    return m + 1.0 == n and m - n == -1.0


def _is_coarse(y: Number) -> bool:
    """Whether a number is 0 or so small that a float has few digits left for it."""
    return abs(number_of(y)) < SMALLEST_NORMAL


def _sigmoid_grad(y: Number, x: Number) -> Number:
    """s(x) s(-x): near 0 as (1 - tanh(x/2)**2) / 4, far from it as s (1 - s) of the smaller one.

    Neither cancels anything, nor do their derivatives.
    """
    if -1.0 < x < 1.0:
        t = tanh(0.5 * x)
        return 0.25 * (1.0 - t * t)
    small = y if x <= 0.0 else sigmoid(-x)
    return small * (1.0 - small)


def _tanh_grad(y: Number, x: Number) -> Number:
    """1 - tanh(x)**2, far from 0 as 4 s(2x) s(-2x) with the sigmoid s, which cancels nothing."""
    if -0.5 < x < 0.5:
        return 1.0 - y * y
    small = sigmoid(x + x if x <= 0.0 else -x - x)
    return 4.0 * small * (1.0 - small)


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))  # log(1 + exp(x)); cannot overflow


def _asin_grad(x: Number) -> Number:
    """1 / sqrt(1 - x**2), next to 1 and -1 in factors, which cancel nothing."""
    square = (1.0 - x) * (1.0 + x) if 0.5 < abs(number_of(x)) < 1.0 else 1.0 - x * x
    return divide(1.0, sqrt(square))


def _atan_grad(x: Number) -> Number:
    """1 / (1 + x**2), without overflow."""
    if -1.0 <= x <= 1.0 or not math.isfinite(number_of(x)):
        return divide(1.0, 1.0 + x * x)
    r = divide(1.0, x)
    return divide(r * r, 1.0 + r * r)


def _atan2_grads(a: Number, b: Number) -> tuple[Number, Number]:
    """b / (a**2 + b**2) and -a / (a**2 + b**2), brought to about 1 first; 0 for no direction."""
    if number_of(a) == 0.0 and number_of(b) == 0.0:
        return 0.0, 0.0
    largest = max(abs(number_of(a)), abs(number_of(b)))
    if not largest < math.inf:
        square = a * a + b * b
        return divide(b, square), divide(-a, square)
    unit = math.ldexp(1.0, -min(max(math.frexp(largest)[1], -1021), 1022))
    a, b = a * unit, b * unit
    square = a * a + b * b
    return divide(b, square) * unit, divide(-a, square) * unit


def _erf_grad(x: Number) -> Number:
    """2 / sqrt(pi) exp(-x**2), with the square in two parts, as its last bits matter."""
    if abs(number_of(x)) > 30.0:
        return 0.0
    coarse = number_of(x) * 134217729.0  # 2**27 + 1
    coarse = coarse - (coarse - number_of(x))
    return 2.0 / math.sqrt(math.pi) * exp(-coarse * coarse) * exp((coarse - x) * (coarse + x))


def _relu(x: float) -> float:
    return 0.0 if x <= 0.0 else x  # this way round nan stays nan


def _step(x: Number) -> float:
    return 0.0 if x <= 0.0 else 1.0


def _max(a: float, b: float) -> float:
    return math.nan if a != a or b != b else b if b > a else a


def _min(a: float, b: float) -> float:
    return math.nan if a != a or b != b else b if b < a else a


def _halves(a: Number, b: Number) -> tuple[float, float]:
    """What the larger and the smaller of two numbers get: all and nothing, or half each."""
    x, y = number_of(a), number_of(b)
    share = 0.5 if x == y else 0.0 if x < y else 1.0
    return share, 0.5 if x == y else 0.0 if y < x else 1.0


# What the derivatives are written in: floats in, float out; Values in, Value out. Where Python
# raises, these give what IEEE 754 says (inf, -inf or nan), because backward never raises.


def divide(a: Number, b: Number) -> Number:
    """a / b, with a / 0 = +-inf and 0 / 0 = nan."""
    return _ieee(DIV, _ieee_divide, a, b)


def power(x: Number, n: Number) -> Number:
    """x ** n, with 0 ** -n = inf, overflow = +-inf, and nan where the result is not real."""
    return _ieee(POW, _ieee_power, x, n)


def log(x: Number) -> Number:
    """The natural logarithm, with log(0) = -inf and nan for a negative number."""
    return _ieee(LOG, _ieee_log, x)


def exp(x: Number) -> Number:
    """e ** x, with inf on overflow."""
    return _ieee(EXP, _ieee_exp, x)


def x_log_x(x: Number) -> Number:
    """x log x, as one node: with two, the derivative of the one could be too small for a float."""
    if isinstance(x, float):
        return x * _ieee_log(x)
    from scalargrad.engine import Value

    slope = log(x) + 1.0
    return Value(x_log_x(x.data), (x,), (slope,), op="x log x")


def product(a: Number, b: Number, number: float) -> Number:
    """a * b, whose number was computed in another way because that would lose digits."""
    if isinstance(a, float) and isinstance(b, float):
        return number
    from scalargrad.engine import Value

    a, b = (Value(x) if isinstance(x, float) else x for x in (a, b))
    return Value(number, (a, b), (b, a), op="*")


def sin(x: Number) -> Number:
    return math.sin(x) if isinstance(x, float) else x.sin()


def cos(x: Number) -> Number:
    return math.cos(x) if isinstance(x, float) else x.cos()


def sinh(x: Number) -> Number:
    """With +-inf on overflow."""
    return _ieee(SINH, _ieee_sinh, x)


def cosh(x: Number) -> Number:
    return _ieee(COSH, _ieee_cosh, x)


def tanh(x: Number) -> Number:
    return math.tanh(x) if isinstance(x, float) else x.tanh()


def sqrt(x: Number) -> Number:
    return math.sqrt(x) if isinstance(x, float) else x.sqrt()


def sigmoid(x: Number) -> Number:
    if not isinstance(x, float):
        return x.sigmoid()
    t = math.exp(-abs(x))  # at most 1: cannot overflow
    return t / (1.0 + t) if x < 0.0 else 1.0 / (1.0 + t)


def sign(x: Number) -> float:
    """-1, 0 or 1; 0 for nan. Constant between its jumps, so a plain float for a Value too."""
    return float((x > 0.0) - (x < 0.0))


def _ieee(operation: Operation, ieee: Callable[..., float], *operands: Number) -> Number:
    numbers = [number_of(x) for x in operands]
    y = ieee(*numbers)
    if all(isinstance(x, float) for x in operands):
        return y
    from scalargrad.engine import Value, ieee_node  # late: the engines are built on this file

    parents = tuple([Value(x) if isinstance(x, float) else x for x in operands])
    return ieee_node(operation.name, y, parents, operation.local_grads(y, *numbers))


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


def _ieee_sinh(x: float) -> float:
    try:
        return math.sinh(x)
    except OverflowError:
        return math.copysign(math.inf, x)


def _ieee_cosh(x: float) -> float:
    try:
        return math.cosh(x)
    except OverflowError:
        return math.inf
