"""Rows of numbers: what `linear`, `softmax`, `rmsnorm` and `matrix` return.

A `Vector` is an immutable sequence of Values. Take elements out, slice it, iterate over it, join
two with `+`; every element is a Value like any other. It has no arithmetic of its own.

>>> row = vector([1.0, 2.0, 3.0])
>>> (row[0] * row[2]).backward()
>>> row[0].grad, len(row[1:]), row[1] is row[1]
(3.0, 2, True)

A row that was computed, or made as parameters, in one go is kept as a `Block`: a list of data, a
list of grads, and how they came about. A whole row is then one node to `backward`, however long it
is, and its elements become Values only when somebody asks for them. That is what makes this fast.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from operator import add, mul

from scalargrad.engine.arguments import as_float, describe, is_real, iterable
from scalargrad.engine.reference.recording import recording
from scalargrad.engine.reference.value import Value, as_value

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any, overload

    from scalargrad.engine.reference.value import RealNumber

    _Sequence = Sequence[Value]
else:
    _Sequence = object  # Vector is registered below: inheriting would make isinstance slow


class Vector(_Sequence):
    """An immutable row of Values; plain numbers among `values` become leaves.

    It is what `matrix`, `linear`, `softmax` and `rmsnorm` return: a sequence as a tuple is one, of
    any length. `row[i]` is the same Value each time; `row[a:b]` and `row + other` are Vectors of
    the same Values. `==` and `hash` are identity. It has no arithmetic of its own.

    Raises TypeError if `values` is not a sequence of Values and real numbers.

        >>> x = Value(1.0)
        >>> row = Vector([x, 2.0, 3.0])
        >>> row[0] is x, len(row), row[1:] + [4]
        (True, 3, Vector([2.0, 3.0, 4.0]))
    """

    # The numbers from _start to _stop of a block, or else, with no block, the Values themselves.
    # With a block, _values is shared with slices and stays empty until somebody asks for an
    # element; then its first item is the list of them all.
    __slots__ = ("_block", "_start", "_stop", "_values")

    _block: Block | None
    _start: int
    _stop: int
    _values: list[Any]

    def __init__(self, values: Iterable[Value | RealNumber]) -> None:
        row = as_row(values, "Vector", "values")
        if hasattr(self, "_values"):
            raise TypeError("Vector: a row is made once; make a new Vector")
        self._block, self._start, self._stop = row._block, row._start, row._stop
        self._values = row._values

    def _elements(self) -> list[Value]:
        block, values = self._block, self._values
        if block is None:
            return values
        if not values:  # if two threads append a list at the same moment, the first one counts
            values.append(list(map(Element, repeat(block), range(len(block.data)))))
        elements: list[Value] = values[0]
        return elements if len(self) == len(elements) else elements[self._start : self._stop]

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, index: int) -> Value: ...
        @overload
        def __getitem__(self, index: slice) -> Vector: ...

    def __getitem__(self, index: int | slice) -> Value | Vector:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if self._block is None or step != 1:
                return loose(self._elements()[index])
            start, stop = self._start + start, self._start + max(start, stop)
            return _row(self._block, start, stop, self._values)
        try:
            return self._elements()[index]
        except IndexError:
            raise IndexError(f"Vector: index {index} is out of range for {len(self)}") from None
        except TypeError:
            raise TypeError(
                f"Vector: index must be an int or a slice, got {describe(index)}"
            ) from None

    def __len__(self) -> int:
        return self._stop - self._start

    def __iter__(self) -> Iterator[Value]:
        return iter(self._elements())

    def index(self, value: Any, start: int = 0, stop: int = sys.maxsize, /) -> int:
        """The position of this very Value, from `start` up to `stop`.

        Raises ValueError if it is not there.

            >>> row = vector([5.0, 6.0])
            >>> row.index(row[1])
            1
        """
        try:
            return self._elements().index(value, start, stop)
        except ValueError:
            raise ValueError(
                f"Vector.index: {describe(value)} is not in the row, where Values are found by "
                "identity, not by number"
            ) from None

    def count(self, value: Any, /) -> int:
        """How often this very Value is in the row.

        Another Value with the same data is another Value.

            >>> x = Value(1.0)
            >>> Vector([x, x, 1.0]).count(x)
            2
        """
        return self._elements().count(value)

    def __add__(self, other: Vector | Sequence[Value | RealNumber]) -> Vector:
        """The elements of both rows, one after the other.

        There is no `other + Vector`: it would turn the list of `values += row` into a Vector.
        """
        if not isinstance(other, (Vector, list, tuple)):
            return NotImplemented
        return loose([*self._elements(), *as_row(other, "Vector + other", "other")])

    def __repr__(self) -> str:
        numbers = [repr(x) for x in self._numbers()]
        if len(numbers) > 12:
            numbers[3:-3] = [f"... {len(numbers) - 6} more ..."]
        return f"Vector([{', '.join(numbers)}])"

    def __copy__(self) -> Vector:
        from scalargrad.engine import copying  # late, because the engines come before it

        return copying.copied_row(self)

    def __reduce__(self) -> tuple[Any, ...]:
        from scalargrad.engine import copying

        return copying.reduced_row(self)

    # What the engine asks of a row, be it part of a block or a collection of Values.

    def _numbers(self) -> list[float]:
        """The numbers as they are now: a list that later writes to `data` do not change."""
        block = self._block
        if block is None:
            return [value._data for value in self._values]
        if self._stop - self._start < len(block.data):
            return block.data[self._start : self._stop]
        block.shared = True
        return block.data

    def _grads(self) -> list[float]:
        if self._block is None:
            return [value._grad for value in self._values]
        return self._block.grads[self._start : self._stop]

    def _write(self, numbers: Sequence[float]) -> None:
        if self._block is None:
            for value, number in zip(self._values, numbers):
                value._data = number
        else:
            self._block.write(self._start, self._stop, numbers)

    def _zero_grads(self) -> None:
        if self._block is None:
            for value in self._values:
                value._grad = 0.0
        else:
            self._block.grads[self._start : self._stop] = [0.0] * len(self)

    def _add_to_grads(self, contributions: Iterable[float]) -> None:
        block = self._block
        if block is None:
            for value, contribution in zip(self._values, contributions):
                value._grad += contribution
        elif self._stop - self._start < len(block.data):
            start, stop = self._start, self._stop
            block.grads[start:stop] = map(add, block.grads[start:stop], contributions)
        else:
            block.grads = list(map(add, block.grads, contributions))


Sequence.register(Vector)


class FusedOperation:
    """An operation on whole rows.

    `vjp(dot, upstream, rows, saved)` gives the gradients for each of the input `rows`: for every
    number in it the sum of upstream[i] * d result[i] / d number over the results i (the vector-
    Jacobian product). `saved` is what the forward pass kept. Written with `+ - *` and `dot`, it
    serves floats and Values alike, as the derivatives in operations.py do.

    `part(i, n, rows)` describes result i of n as a result of just those rows that matter to it:
    its position among their results, how many these are, and the rows.
    """

    __slots__ = ("name", "part", "vjp")

    def __init__(
        self,
        name: str,
        vjp: Callable[[Callable[..., Any], Sequence[Any], Sequence[Any], Any], list[Iterable[Any]]],
        part: Callable[[int, int, Sequence[Any]], tuple[int, int, Sequence[Any]]],
    ) -> None:
        self.name = name
        self.vjp = vjp
        self.part = part


class Block:
    """Numbers side by side: the result of one fused operation, or a row of parameters."""

    __slots__ = (
        "_parents",  # the nodes that backward visits next
        "data",
        "grads",
        "inputs",
        "operation",
        "rows",  # the numbers in the inputs, at the forward pass
        "saved",
        "setting",
        "shared",  # whether a graph relies on the list `data` staying as it is
    )

    _in_row = False

    def __init__(self, data: list[float], shared: bool = False) -> None:
        self.data = data
        self.grads = [0.0] * len(data)
        self.shared = shared
        self.operation: FusedOperation | None = None
        self._parents: tuple[Any, ...] = ()

    def made_by(
        self,
        operation: FusedOperation,
        inputs: Sequence[Vector],
        rows: Sequence[list[float]],
        saved: Any = None,
        setting: float = 0.0,
    ) -> Vector:
        """Record where the numbers came from, unless inside `no_grad`, and return them as a row."""
        if not recording.depth:
            self.operation, self.inputs, self.rows = operation, inputs, rows
            self.saved, self.setting = saved, setting
            computed: list[Any] = []
            for row in inputs:
                if row._block is None:
                    computed += [value for value in row._values if value._parents]
                elif row._block._parents:
                    computed.append(row._block)
            self._parents = tuple(computed) or (LEAF,)
        return row_of(self)

    def write(self, start: int, stop: int, numbers: Sequence[float]) -> None:
        if self.shared:
            self.data, self.shared = self.data.copy(), False
        self.data[start:stop] = numbers

    def element_parents(self, index: int) -> tuple[Value, ...]:
        if self.operation is None:
            return ()
        _, _, inputs = self.operation.part(index, len(self.data), self.inputs)
        return tuple(value for row in inputs for value in row)

    def element_local_grads(self, index: int) -> tuple[float, ...]:
        if self.operation is None:
            return ()
        position, count, rows = self.operation.part(index, len(self.data), self.rows)
        gradients = self.operation.vjp(dot, one_hot(position, count), rows, self.saved)
        return tuple(g for row in gradients for g in row)

    # What backward does with a node.

    def _clear_grad(self) -> None:
        self.grads = [0.0] * len(self.data)

    def _hand_down(self) -> None:
        assert self.operation is not None
        gradients = self.operation.vjp(dot, self.grads, self.rows, self.saved)
        for row, contributions in zip(self.inputs, gradients):
            if contributions:
                row._add_to_grads(contributions)


# Stands in for the parents of a result that was made from leaves alone: itself no leaf, it must
# have something for backward to visit.
LEAF = Block([])


class Element(Value):
    """A Value that lives in a row: its number and gradient are the row's own."""

    __slots__ = ("_block", "_index")

    _in_row = True

    def __init__(self, block: Block, index: int) -> None:
        self._block = block
        self._index = index
        self._label = ""
        self._parents: Any = block._parents  # as the node that backward visits in its stead

    @property
    def _data(self) -> float:
        return self._block.data[self._index]

    @_data.setter
    def _data(self, number: float) -> None:
        self._block.write(self._index, self._index + 1, (number,))

    @property
    def _grad(self) -> float:
        return self._block.grads[self._index]

    @_grad.setter
    def _grad(self, number: float) -> None:
        self._block.grads[self._index] = number

    @property
    def parents(self) -> tuple[Value, ...]:
        return self._block.element_parents(self._index)

    @property
    def local_grads(self) -> tuple[float, ...]:
        return self._block.element_local_grads(self._index)

    @property
    def op(self) -> str:
        return self._block.operation.name if self._block.operation else ""

    def _origin(self) -> tuple[str, Sequence[Vector], int, int, float] | None:
        block = self._block
        if block.operation is None:
            return None
        position, count, inputs = block.operation.part(self._index, len(block.data), block.inputs)
        return block.operation.name, inputs, position, count, block.setting

    def _place(self) -> tuple[int, int, int]:
        return id(self._block), self._index, len(self._block.data)

    def _whole_row(self) -> Vector:
        return row_of(self._block)


# In messages of Python itself, such as those about operands, it is what readers know it as.
Element.__name__ = "Value"


_VALUES = {Value, Element}


class _Zero(float):
    __slots__ = ()


# From Python 3.12 on `sum` adds plain floats with compensation. Starting from a subclass of float
# it still adds from left to right, as a chain of `+` does: the same bits in every version.
_ZERO = _Zero() if sys.version_info >= (3, 12) else 0.0


def dot(a: Iterable[float], b: Iterable[float]) -> float:
    """a[0]*b[0] + a[1]*b[1] + ..., from left to right."""
    return sum(map(mul, a, b), _ZERO)


def one_hot(position: int, count: int) -> list[float]:
    """Upstream gradients that single out one of `count` results."""
    return [1.0 if i == position else 0.0 for i in range(count)]


def vector(numbers: Iterable[RealNumber]) -> Vector:
    """A row of parameters: one leaf Value per number.

    Raises TypeError if `numbers` is not a sequence of real numbers, ValueError if it is empty.

        >>> vector([0.5, 2])
        Vector([0.5, 2.0])
    """
    items = list(iterable(numbers, "vector", "numbers"))
    data = [as_float(x, f"vector: numbers[{i}]") for i, x in enumerate(items)]
    if not data:
        raise ValueError("vector: numbers is empty; a row needs at least one number")
    return row_of(Block(data))


def as_row(values: Any, function: str, argument: str) -> Vector:
    """`values` as a Vector: itself if it is one, otherwise its Values, numbers made leaves."""
    if isinstance(values, Vector):
        return values
    items = list(iterable(values, function, argument))
    if set(map(type, items)) <= _VALUES:  # by far the most frequent
        return loose(items)
    for i, item in enumerate(items):
        if not is_real(item):
            raise TypeError(
                f"{function}: {argument}[{i}] must be a Value or a real number, "
                f"got {describe(item)}"
            )
    # Not `map`, which would take a StopIteration from an item's own __float__ for the end.
    named = [(x, f"{function}: {argument}[{i}]") for i, x in enumerate(items)]
    if any(isinstance(x, Value) for x in items):
        return loose([as_value(x, name) for x, name in named])
    return row_of(Block([as_float(x, name) for x, name in named]))


def row_of(block: Block) -> Vector:
    """The row that is a whole block."""
    return _row(block, 0, len(block.data), [])


def loose(values: list[Value]) -> Vector:
    """A row of Values that live elsewhere."""
    return _row(None, 0, len(values), values)


def _row(block: Block | None, start: int, stop: int, values: list[Value]) -> Vector:
    row = _new(Vector)
    row._block = block
    row._start = start
    row._stop = stop
    row._values = values
    return row


_new = object.__new__
