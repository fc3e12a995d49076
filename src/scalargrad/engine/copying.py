"""Copying and pickling: `copy`, `deepcopy` and `pickle` of leaves and of rows of leaves.

Both engines leave it to this file, so that what one of them pickled, the other can load. A copy has
the data, the grad and the label of the original. What was one Value, or part of one row, is so
again among the copies that one `deepcopy` or one pickle makes: a model and its optimiser belong
together afterwards as they did before. The copy of a subclass has its class and its attributes.

A computed Value is refused: it is part of a graph, and its number alone is `detach()`.

>>> from copy import deepcopy
>>> from scalargrad import nn
>>> row = nn.vector([1.0, 2.0])
>>> copied_row, copied_element = deepcopy((row, row[1]))
>>> copied_row[1] is copied_element, copied_element is row[1]
(True, False)
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Sequence
from weakref import WeakValueDictionary

from scalargrad.engine import Value, Vector, vector

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    # What __reduce__ returns: a function, its arguments, and perhaps attributes of the result.
    Reduced: TypeAlias = tuple[Any, ...]


def reduced_value(value: Value) -> Reduced:
    """How to make a leaf like this one."""
    if value.parents:
        raise TypeError(
            f"Value: cannot be copied or pickled, since it was computed (op {value.op!r}) and is "
            "part of a graph; take its detach()"
        )
    place = value._place()
    if place is not None:
        numbers = _numbers_of(value)
        return _element, (numbers, place[1], value.label)
    arguments = value.data, value.grad, value.label, value.op
    if type(value) is Value:
        return _leaf, arguments
    return _leaf, (*arguments, type(value)), (None, _attributes(value, Value))


def reduced_row(row: Vector) -> Reduced:
    """How to make a row like this one."""
    values = list(row)
    for i, value in enumerate(values):
        if value.parents:
            raise TypeError(
                f"Vector: cannot be copied or pickled, since [{i}] was computed (op {value.op!r}) "
                "and is part of a graph; take Vector([x.detach() for x in row])"
            )
    function, arguments = _as_part(values) or (_loose, (values,))
    if row.label:
        arguments = (*arguments, None if type(row) is Vector else type(row), row.label)
    elif type(row) is not Vector:
        arguments = (*arguments, type(row))
    if type(row) is Vector:
        return function, arguments
    return function, arguments, (None, _attributes(row, Vector))


def copied_row(row: Vector) -> Vector:
    """The same Values in a row, as a copy of a tuple or list has the same items."""
    if type(row) is Vector:
        return row
    other = _of_kind(row, type(row), row.label)
    for name, attribute in _attributes(row, Vector).items():
        setattr(other, name, attribute)
    return other


class _Numbers:
    """Stands for a whole row while that is copied, so that its parts find together again."""

    __slots__ = ("__weakref__", "row")

    def __init__(self, row: Vector) -> None:
        self.row = row

    def __reduce__(self) -> Reduced:
        numbers = array("d", self.row.data), array("d", self.row.grad)
        return _whole, (*numbers, self.row.label) if self.row.label else numbers


# One for each row that is being copied right now, since `deepcopy` and `pickle` know things again
# by their identity. The keys are those of Value._place().
_being_copied: WeakValueDictionary[int, _Numbers] = WeakValueDictionary()
_lock = threading.RLock()


def _numbers_of(element: Any) -> _Numbers:
    with _lock:
        return _being_copied.setdefault(element._place()[0], _Numbers(element._history()[2]))


def _as_part(values: list[Value]) -> Reduced | None:
    """The Values as a part of the row that they are in, if any, and in that order."""
    places = [value._place() for value in values]
    if not places or places[0] is None:
        return None
    row, start, length = places[0]
    stop = start + len(values)
    if places != [(row, i, length) for i in range(start, stop)]:
        return None
    labels = {i: value.label for i, value in enumerate(values) if value.label}
    return _part, (_numbers_of(values[0]), start, stop, labels)


def _attributes(thing: object, base: type) -> dict[str, Any]:
    """What a subclass of `base` keeps besides."""
    attributes = dict(getattr(thing, "__dict__", {}))
    for kind in type(thing).__mro__:
        slots = () if issubclass(base, kind) else vars(kind).get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            private = slot.startswith("__") and not slot.endswith("__")
            name = f"_{kind.__name__.lstrip('_')}{slot}" if private else slot
            if slot not in ("__dict__", "__weakref__") and hasattr(thing, name):
                attributes[name] = getattr(thing, name)
    return attributes


# What is called to make the copies. Pickles name these functions, so they must stay what they are.


def _leaf(data: float, grad: float, label: str, op: str, kind: type[Value] = Value) -> Value:
    if kind is Value:
        value = Value(data, op=op, label=label)
    else:  # whose own __init__ may want other arguments
        value = Value.__new__(kind)
        Value.__init__(value, data, op=op, label=label)
    value.grad = grad
    return value


def _whole(data: Sequence[float], grads: Sequence[float], label: str = "") -> Vector:
    row = vector(data)
    row.grad, row.label = grads, label
    return row


def _element(numbers: Vector | _Numbers, index: int, label: str) -> Value:
    if isinstance(numbers, _Numbers):  # not copied with it, so this is copy.copy: a leaf by itself
        original = numbers.row[index]
        return _leaf(original.data, original.grad, label, "")
    value = numbers[index]
    value.label = label
    return value


def _part(
    numbers: Vector,
    start: int,
    stop: int,
    labels: dict[int, str],
    kind: type[Vector] | None = None,
    label: str = "",
) -> Vector:
    row = numbers[start:stop]
    for i, label_of_element in labels.items():
        row[i].label = label_of_element
    return _of_kind(row, kind, label)


def _loose(values: list[Value], kind: type[Vector] | None = None, label: str = "") -> Vector:
    return _of_kind(Vector(values), kind, label)


def _of_kind(row: Vector, kind: type[Vector] | None, label: str) -> Vector:
    """The row as one of that class; None is Vector itself, so that a pickle names no engine."""
    made = row
    if kind is not None and kind is not Vector:
        made = Vector.__new__(kind)
        Vector.__init__(made, row)
    if label:
        made.label = label
    return made
