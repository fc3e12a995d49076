"""Checks of arguments, and the words of their errors, once for both engines.

What counts as a number, a sequence or a text, and what is said where something else is given.

>>> is_real(3), is_real("3")
(True, False)
>>> as_float(None, "SGD: lr")
Traceback (most recent call last):
TypeError: SGD: lr must be a real number, got None
"""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Iterable, Mapping, Sequence, Set
from math import copysign
from numbers import Complex, Real
from operator import attrgetter, length_hint

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any, NoReturn

# As many as a row, a matrix or an argument may hold. More would fill the memory before they failed.
MOST_NUMBERS = 100_000_000
MOST_NESTED = 100  # sequences in sequences
TEXTS = (str, bytes, bytearray)  # which can be gone through, and are no sequences here


def is_real(x: object) -> bool:
    """Whether `x` is a Value or a plain real number: no string, complex number or sequence."""
    if isinstance(x, (float, int)) or is_value(x):  # by far the most frequent
        return True
    if isinstance(x, Complex) and not isinstance(x, Real):
        return False
    kind = type(x)
    return (hasattr(kind, "__float__") or hasattr(kind, "__index__")) and not hasattr(
        kind, "__len__"
    )


def as_float(x: object, argument: str) -> float:
    """`x` as a float, or a TypeError that names the argument."""
    if type(x) is float:
        return x
    if is_value(x):
        raise TypeError(
            f"{argument} must be a real number, got a Value; use its .data, or .detach() for a leaf"
        )
    if not is_real(x):
        raise TypeError(f"{argument} must be a real number, got {describe(x)}")
    try:
        return float(x)  # type: ignore[arg-type]
    except OverflowError:
        raise OverflowError(f"{argument} is too large for a float") from None


def as_floats(values: Any, function: str, argument: str) -> list[float]:
    """The numbers in a sequence as floats, or an error that names the argument or the item."""
    items = list(iterable(values, function, argument))
    return [as_float(x, f"{function}: {argument}[{i}]") for i, x in enumerate(items)]


def values_and_floats(items: Sequence[Any], kind: Any, function: str, argument: str) -> list[Any]:
    """Values, whose class is `kind`, as they are, numbers as floats, or an error with the index."""
    for i, item in enumerate(items):
        if not is_real(item):
            raise TypeError(
                f"{function}: {argument}[{i}] must be a Value or a real number, "
                f"got {describe(item)}"
            )
    checked = []  # a loop, as Python 3.11 leaks what a comprehension uses when memory runs out
    for i, item in enumerate(items):
        value = isinstance(item, kind)
        checked.append(item if value else as_float(item, f"{function}: {argument}[{i}]"))
    return checked


def as_text(x: object, argument: str) -> str:
    """`x` as a plain str, or a TypeError that names the argument."""
    if not isinstance(x, str):
        raise TypeError(f"{argument} must be a str, got {describe(x)}")
    return str.__str__(x)


def check_flag(x: object, argument: str) -> None:
    """Raise TypeError unless `x` can stand for True or False."""
    if not isinstance(x, int):
        raise TypeError(f"{argument} must be True or False, got {describe(x)}")


def describe(x: object) -> str:
    """What an error says it got: the type, and the value where that is short."""
    if x is None:
        return "None"
    if is_value(x):
        return "a Value"
    if isinstance(x, type):
        return f"the class {x.__name__}"
    kind = type(x).__name__
    if (
        isinstance(x, (float, complex))
        or (isinstance(x, int) and abs(x) < 10**40)
        or (isinstance(x, (str, bytes)) and len(x) < 40)
    ):
        return f"{kind} {x!r}"
    if isinstance(getattr(x, "shape", None), tuple) and hasattr(type(x), "__len__"):  # an array
        return f"{kind} of shape {x.shape}"  # type: ignore[attr-defined]
    return kind


def is_sequence(x: Any) -> bool:
    """Whether an operator takes it for a row: a list, a tuple, or an array of one dimension."""
    shape = getattr(x, "shape", None)
    return isinstance(x, (list, tuple, array)) or (isinstance(shape, tuple) and len(shape) == 1)


def iterable(values: Any, function: str, argument: str) -> Iterable[Any]:
    """What `values` holds, or an error that names it. It must have an order and an end."""
    if type(values) is not list and type(values) is not tuple:
        if why_no_sequence(values) or isinstance(values, TEXTS):
            raise _no_sequence(values, function, argument)
        length = length_hint(values)
        if length > MOST_NUMBERS:
            raise ValueError(
                f"{function}: {argument} has {length:,} items, more than {MOST_NUMBERS:,}"
            )
    try:
        return iter(values)  # type: ignore[no-any-return]
    except TypeError:
        raise _no_sequence(values, function, argument) from None


def why_no_sequence(x: object) -> str:
    """What to add to the error where something can be iterated over and yet is no sequence."""
    if isinstance(x, Mapping):
        return "; pass its .values()"
    if isinstance(x, Set):
        return ", which has no order"
    if isinstance(x, (itertools.count, itertools.cycle)) or (
        isinstance(x, itertools.repeat) and length_hint(x, -1) < 0
    ):
        return ", which has no end"
    return ""


def _no_sequence(values: Any, function: str, argument: str) -> TypeError:
    got = describe(values) + why_no_sequence(values)
    return TypeError(f"{function}: {argument} must be a sequence, got {got}")


def is_value(x: object) -> bool:
    """Whether it is a Value of either engine: a matter of its class, whatever else that has."""
    return getattr(type(x), "_is_scalargrad_value", False) is True


def is_set(thing: Any, slot: str) -> bool:
    """Whether this slot holds something, whatever `__getattr__` of a subclass would answer."""
    try:
        object.__getattribute__(thing, slot)
    except AttributeError:
        return False
    return True


def nested(inputs: Any, kinds: tuple[type, ...], path: str = "inputs", depth: int = 0) -> Any:
    """Values and rows as they are, anything else that holds some as a tuple."""
    if isinstance(inputs, kinds):
        return inputs
    why_not = why_no_sequence(inputs)
    if why_not or isinstance(inputs, TEXTS) or not hasattr(inputs, "__iter__"):
        raise TypeError(
            f"grad: {path} must be a Value or a row, or a sequence of them, got "
            f"{describe(inputs)}{why_not}"
        )
    if depth == MOST_NESTED:
        nested_too_deep()
    items = enumerate(list(iterable(inputs, "grad", path)))
    return tuple([nested(item, kinds, f"{path}[{i}]", depth + 1) for i, item in items])


def checked_edges(
    parents: Any, local_grads: Any, kind: Any
) -> tuple[tuple[Any, ...], tuple[float, ...], tuple[Any, ...]]:
    """The parents of a node made by hand, which are of that kind, and as many local derivatives.

    These as floats, and where there are Values among them, once more with these for their numbers.
    """
    parents = tuple(iterable(parents, "Value", "parents"))
    for i, parent in enumerate(parents):
        if not isinstance(parent, kind):
            raise TypeError(f"Value: parents[{i}] must be a Value, got {describe(parent)}")
        parent.data  # noqa: B018 - which raises before its __init__
    given = list(iterable(local_grads, "Value", "local_grads"))
    numbers = [g.data if isinstance(g, kind) else g for g in given]
    grads = tuple([as_float(g, f"Value: local_grads[{i}]") for i, g in enumerate(numbers)])
    if len(parents) != len(grads):
        raise ValueError(
            f"Value: parents has length {len(parents)} but local_grads has length {len(grads)}; "
            "give one local derivative per parent"
        )
    graphs = tuple([g if isinstance(g, kind) else x for g, x in zip(given, grads)])
    return parents, grads, graphs if any(isinstance(g, kind) for g in given) else ()


def named(error: Exception, expression: str) -> Exception:
    """The same kind of exception, saying which computation it was."""
    if isinstance(error, ZeroDivisionError):
        return ZeroDivisionError(f"{expression}: division by zero")
    if isinstance(error, OverflowError):
        return OverflowError(f"{expression}: the result is too large for a float")
    return ValueError(f"{expression}: not defined for real numbers")


def expression(operation: str, *numbers: float) -> str:
    """How an error writes what was to be computed."""
    if len(numbers) == 1:
        return f"{operation}({numbers[0]!r})"
    a, b = (f"({x!r})" if copysign(1.0, x) < 0.0 and x == x else repr(x) for x in numbers)
    return f"{a} {operation} {b}"


def count(n: int, kind: str = "number") -> str:
    return f"{n} {kind}{'' if n == 1 else 's'}"


# Each of these raises the error for what is wrong: with sizes, operands, an attribute.


def different_lengths(operation: str, n: int, m: int) -> NoReturn:
    why = "; they must be equally long"
    if operation == "+":
        why = (
            ", but this goes number by number; to join rows, write [*a, *b] or "
            "nn.concatenate([a, b])"
        )
    raise ValueError(f"{operation}: the rows have {n} and {m} numbers{why}")


def linear_sizes(n: int, widths: Sequence[int], bias: int | None) -> NoReturn:
    m = len(widths)
    if not n or not m:
        raise ValueError(
            f"linear: x has {count(n)} and w has {count(m, 'row')}; neither may be empty"
        )
    for i, width in enumerate(widths):
        if width != n:
            raise ValueError(
                f"linear: x has {count(n)} but w[{i}] has {count(width)}; "
                "each row of w needs one weight per number in x"
            )
    raise ValueError(
        f"linear: w has {count(m, 'row')} but b has {count(bias or 0)}; "
        "b needs one number per row of w"
    )


def dot_sizes(n: int, m: int) -> NoReturn:
    raise ValueError(
        f"dot: a has {count(n)} and b has {count(m)}; they must be equally long, and not empty"
    )


def weighted_sum_sizes(n: int, widths: Sequence[int]) -> NoReturn:
    m = len(widths)
    if not n or n != m:
        raise ValueError(
            f"weighted_sum: weights has {count(n)} and rows has {count(m, 'row')}; "
            "it needs one weight per row, and at least one"
        )
    i = next(i for i, width in enumerate(widths) if width != widths[0])
    raise ValueError(
        f"weighted_sum: rows[0] has {count(widths[0])} but rows[{i}] has {count(widths[i])}; "
        "all rows must be equally long"
    )


def empty_row(function: str, argument: str = "") -> NoReturn:
    what = f"{argument} is" if argument else "the row is"
    raise ValueError(f"{function}: {what} empty; it needs at least one number")


def given_length(attribute: str, n: int, m: int) -> NoReturn:
    raise ValueError(f"{attribute}: the row has {count(n)} but {m} were given")


def target_range(target: int, n: int) -> NoReturn:
    raise IndexError(
        f"cross_entropy: target is {target}, but logits has {count(n)}; "
        f"it must be from 0 to {n - 1}"
    )


def no_operand(function: str, argument: str, x: object) -> NoReturn:
    raise TypeError(
        f"{function}: {argument} must be a Value, a row or a real number, got {describe(x)}"
    )


def failure(kind: type[Exception], prefix: str, operation: str, *numbers: float) -> NoReturn:
    raise named(kind(), prefix + expression(operation, *numbers))


def missing_attribute(thing: Any, name: str) -> Any:
    """What a subclass of Value or Vector says where an attribute is not there, or not yet."""
    kind = type(thing)
    slot = "_data" if is_value(thing) else "_values"  # one that is set in any case
    try:
        getattr(kind, slot).__get__(thing)
    except AttributeError:
        if hasattr(kind, name):
            not_initialised(kind.__name__)
    return object.__getattribute__(thing, name)  # which raises as ever


def not_initialised(kind: str) -> NoReturn:
    raise AttributeError(f"{kind}: its __init__ must call super().__init__(...) before it is used")


def call_twin(function: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Let Python say what is wrong with a call that does not fit the parameters."""
    from scalargrad.engine import reference

    itself = [None] if "." in function else []  # of a method
    attrgetter(function)(reference)(*itself, *args, **kwargs)


def nested_too_deep() -> NoReturn:
    raise ValueError(
        f"grad: inputs holds sequences in sequences, more than {MOST_NESTED} deep, or one that "
        "holds itself"
    )
