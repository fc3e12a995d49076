"""NumPy's functions on rows: `np.exp(row)`, `array * row`, `np.float64(2) * row`.

NumPy asks an operand that has `__array_ufunc__` to compute in its place. A row computes number by
number, as it does everywhere; so it takes numbers and arrays of one dimension, and no others. This
file knows NumPy's functions by their names and never imports NumPy.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence

from scalargrad.engine import Vector, atan2, maximum, minimum
from scalargrad.engine.arguments import describe

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "true_divide": operator.truediv,
    "power": operator.pow,
    "float_power": operator.pow,
    "negative": operator.neg,
    "positive": operator.pos,
    "absolute": operator.abs,
    "fabs": operator.abs,
    "arcsin": operator.methodcaller("asin"),
    "arccos": operator.methodcaller("acos"),
    "arctan": operator.methodcaller("atan"),
    "arctan2": atan2,
    "logaddexp": lambda a, b: maximum(a, b) + (-abs(a - b)).exp().log1p(),
    "square": lambda row: row * row,
    "maximum": maximum,
    "minimum": minimum,
}
_METHODS = (
    *("exp", "log", "log2", "log10", "log1p", "expm1", "sqrt", "sin", "cos", "tan"),
    *("sinh", "cosh", "tanh", "conjugate"),
)
_FUNCTIONS |= {name: operator.methodcaller(name) for name in _METHODS}


def array_ufunc(
    row: Vector, ufunc: Any, method: str, inputs: Sequence[Any], keywords: Mapping[str, Any]
) -> Any:
    """What `ufunc` gives of the inputs, one of which is `row`.

    Raises TypeError for what a row does not do: other functions, reductions, `out=` and its kin,
    and arrays of more than one dimension.
    """
    name = ufunc.__name__
    if method != "__call__":
        raise TypeError(
            f"numpy.{name}.{method}: not for a Vector; it has .sum() and .mean(), "
            "and np.array(list(row)) is an array of its Values"
        )
    if keywords:
        raise TypeError(
            f"numpy.{name}: a Vector takes no {', '.join(f'{k}=' for k in keywords)}; "
            "it gives a new Vector"
        )
    if name not in _FUNCTIONS:
        raise TypeError(f"numpy.{name}: not for a Vector; {_advice(name, ufunc.nin)}")
    return _FUNCTIONS[name](*[_operand(name, x) for x in inputs])


def _advice(name: str, operands: int) -> str:
    if name in ("matmul", "matvec", "vecmat", "vecdot"):
        return "write nn.dot(a, b), or nn.linear(row, matrix), or np.array(list(row)) for the row"
    arguments = "row.data" if operands == 1 else "row.data, other"
    return f"np.{name}({arguments}) computes with its numbers, without a graph"


def _operand(name: str, x: Any) -> Any:
    """A row for an array of one dimension, a number for one of none."""
    if isinstance(x, Vector) or not hasattr(x, "shape"):
        return x
    if len(x.shape) > 1:
        raise TypeError(
            f"numpy.{name}: beside a Vector an array must have one dimension, got {describe(x)}; "
            "go through its rows"
        )
    return Vector(list(x)) if x.shape else x.item()
