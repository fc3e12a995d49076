"""Rows of numbers, which compute number by number.

A `Vector` is an immutable sequence of Values: take elements out, slice it, iterate over it; every
element is a Value like any other. Whatever you can do to one Value, you can do to a row of them.

>>> a, b = vector([1.0, 2.0, 3.0]), vector([4.0, 5.0, 6.0])
>>> total = (2.0 * a * b).sum()
>>> total.backward()
>>> total.data, a.grad, a[2].grad
(64.0, (8.0, 10.0, 12.0), 12.0)

A row that was computed, or made as parameters, in one go is kept as a `Block`: a list of data, a
list of grads, and how they came about. A whole row is then one node to `backward`, however long it
is, and its elements become Values only when somebody asks for them. That is what makes this fast.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from operator import add
from weakref import ref

from scalargrad.engine.arguments import (
    as_float,
    as_floats,
    as_text,
    describe,
    different_lengths,
    empty_row,
    expression,
    given_length,
    is_real,
    is_sequence,
    is_set,
    iterable,
    missing_attribute,
    named,
    values_and_floats,
)
from scalargrad.engine.reference import operations
from scalargrad.engine.reference.floats import Floats, row_like, scaled, total
from scalargrad.engine.reference.methods import Methods
from scalargrad.engine.reference.operations import Operation
from scalargrad.engine.reference.recording import recording
from scalargrad.engine.reference.value import Value, leaf

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any, TypeAlias, overload

    from scalargrad.engine.reference.value import RealNumber

    _Sequence = Sequence[Value]
    # What may be beside a row: another one, numbers for its numbers, or one number for all.
    Operand: TypeAlias = "Vector | Value | RealNumber | Sequence[Value | RealNumber]"
else:
    _Sequence = object  # Vector is registered below: inheriting would make isinstance slow


class Vector(Methods, _Sequence):
    """An immutable row of Values that computes number by number.

    `row[i]` is the same Value each time, and `row[a:b]` a Vector of the same Values. `==` and
    `hash` are identity.

    `+ - * / **`, `abs` and the methods of Value give a row of the same length, each number with the
    bits that the operation on Values gives. The other operand may be a row or a NumPy array of the
    same length, or a Value or a number, which then serves the whole row; on the right, it may also
    be a list or a tuple. To join rows, write `[*a, *b]` or `nn.concatenate([a, b])`. To name a row
    in pictures, set `row.label`.

    Operators raise ValueError if the lengths differ. They also raise what the operation on numbers
    raises, and say at which element.

    Args:
        values: The Values, in order. Plain numbers among them become leaves.

    Raises:
        TypeError: If `values` is not a sequence of Values and real numbers.

    Examples:
        >>> from scalargrad import Value, Vector
        >>> x = Value(1.0)
        >>> row = Vector([x, 2.0, 3.0])
        >>> row[0] is x, len(row), row[1:] * 10
        (True, 3, Vector([20.0, 30.0]))
    """

    # The numbers from _start to _stop of a block, or else, with no block, the Values themselves.
    # With a block, _values is shared with slices and stays empty until somebody asks for an
    # element; then its first item is the list of them all.
    __slots__ = ("_block", "_label", "_start", "_stop", "_values")

    _block: Block | None
    _label: str
    _start: int
    _stop: int
    _values: list[Any]

    def __init__(self, values: Iterable[Value | RealNumber]) -> None:
        row = as_row(values, "Vector", "values")
        if is_set(self, "_values"):
            raise TypeError("Vector: a row is made once; make a new Vector")
        self._block, self._start, self._stop = row._block, row._start, row._stop
        self._values, self._label = row._values, ""

    # Arithmetic, number by number. There is no list + Vector: it would take `values += row` away.

    def __add__(self, other: Operand) -> Vector:
        return self._operate(operations.ADD, other)

    def __radd__(self, other: Value | RealNumber) -> Vector:
        return self._operate_reflected(operations.ADD, other)

    def __sub__(self, other: Operand) -> Vector:
        return self._operate(operations.SUB, other)

    def __rsub__(self, other: Value | RealNumber) -> Vector:
        return self._operate_reflected(operations.SUB, other)

    def __mul__(self, other: Operand) -> Vector:
        return self._operate(operations.MUL, other)

    def __rmul__(self, other: Value | RealNumber) -> Vector:
        return self._operate_reflected(operations.MUL, other)

    def __truediv__(self, other: Operand) -> Vector:
        return self._operate(operations.DIV, other)

    def __rtruediv__(self, other: Value | RealNumber) -> Vector:
        return self._operate_reflected(operations.DIV, other)

    def __pow__(self, other: Operand, modulus: None = None) -> Vector:
        if modulus is not None:
            return NotImplemented
        return self._operate(operations.POW, other)

    def __rpow__(self, other: Value | RealNumber, modulus: None = None) -> Vector:
        if modulus is not None:  # which Python asks for since 3.14
            return NotImplemented
        return self._operate_reflected(operations.POW, other)

    def __neg__(self) -> Vector:
        return self._apply(operations.NEG)

    def __pos__(self) -> Vector:
        return self

    def __abs__(self) -> Vector:
        return self._apply(operations.ABS)

    def _operate(self, operation: Operation, right: Any) -> Vector:
        if not isinstance(right, (Vector, Value)):
            name = operation.name
            if is_real(right):
                right = leaf(as_float(right, f"Vector {name} number: the number"))
            elif is_sequence(right):
                right = as_row(right, f"Vector {name} other", "other")
            else:  # Python then asks the other operand, or raises TypeError
                return NotImplemented  # type: ignore[no-any-return]
        return of_operands(operation, (self, right))

    def _operate_reflected(self, operation: Operation, left: Any) -> Vector:
        if not isinstance(left, Value):
            if not is_real(left):
                return NotImplemented  # type: ignore[no-any-return]
            left = leaf(as_float(left, f"number {operation.name} Vector: the number"))
        return of_operands(operation, (left, self))

    def _apply(self, operation: Operation) -> Vector:
        return of_operands(operation, (self,))

    def sum(self) -> Value:
        """The sum of the row from left to right, as one node: the bits of the builtin `sum(row)`.

        An empty row has the sum 0. (`torch.sum`)

            >>> from scalargrad import nn
            >>> nn.vector([1.0, 2.0, 4.0]).sum().data
            7.0
        """
        numbers = self._numbers()
        return Block([total(numbers)]).record(SUM, (self,), (numbers,))[0]

    def mean(self) -> Value:
        """The sum of the row, from left to right, divided by its length, as one node.

        Raises ValueError if the row is empty. (`torch.mean`)

            >>> from scalargrad import nn
            >>> nn.vector([1.0, 2.0, 6.0]).mean().data
            3.0
        """
        numbers = self._numbers()
        if not numbers:
            empty_row("mean")
        return Block([total(numbers) / len(numbers)]).record(MEAN, (self,), (numbers,))[0]

    # All of its numbers at once.

    @property
    def data(self) -> tuple[float, ...]:
        """The numbers, a tuple of floats. Assign any sequence of the same length.

        Writing does not change graphs that were recorded before. Raises ValueError if the lengths
        differ, and TypeError if it is not a sequence of real numbers; then nothing changes.

            >>> from scalargrad import nn
            >>> row = nn.vector([1.0, 2.0])
            >>> row.data = [3, 4]
            >>> row.data, row[1].data
            ((3.0, 4.0), 4.0)
        """
        return tuple(self._numbers())

    @data.setter
    def data(self, numbers: Iterable[RealNumber]) -> None:
        self._write(self._checked(numbers, "data"))

    @property
    def grad(self) -> tuple[float, ...]:
        """The gradients, a tuple of floats; assign to them as to `data`."""
        return tuple(self._grads())

    @grad.setter
    def grad(self, numbers: Iterable[RealNumber]) -> None:
        self._write_grads(self._checked(numbers, "grad"))

    def _checked(self, numbers: Any, attribute: str) -> list[float]:
        items = list(iterable(numbers, "Vector", attribute))
        floats = [as_float(x, f"Vector.{attribute}[{i}]") for i, x in enumerate(items)]
        if len(floats) != len(self):
            given_length(f"Vector.{attribute}", len(self), len(floats))
        return floats

    @property
    def label(self) -> str:
        """A name, for pictures; empty unless you give one.

        The label of a whole row belongs to its numbers, that of a slice only to this Vector.
        """
        whole = self._whole_block()
        return whole.label if whole else self._label

    @label.setter
    def label(self, text: str) -> None:
        whole = self._whole_block()
        if whole:
            whole.label = as_text(text, "Vector.label")
        else:
            self._label = as_text(text, "Vector.label")

    def _whole_block(self) -> Block | None:
        block = self._block
        return block if block and self._stop - self._start == len(block.data) else None

    # A sequence.

    if TYPE_CHECKING:

        @overload
        def __getitem__(self, index: int) -> Value: ...
        @overload
        def __getitem__(self, index: slice) -> Vector: ...

    def __getitem__(self, index: int | slice) -> Value | Vector:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if self._block is None or step != 1:
                return row_of_values(self._elements()[index])
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

    def index(self, value: Any, start: int = 0, stop: int = sys.maxsize) -> int:
        """The position of this very Value, or of a number, from `start` up to `stop`.

        Raises ValueError if it is not there.

            >>> from scalargrad import nn
            >>> row = nn.vector([5.0, 6.0])
            >>> row.index(row[1]), row.index(6.0)
            (1, 1)
        """
        try:
            return self._elements().index(value, start, stop)
        except ValueError:
            raise ValueError(f"Vector.index: {describe(value)} is not in the row") from None

    def count(self, value: Any) -> int:
        """How often this very Value, or a number, is in the row.

        Another Value with the same data does not count.

            >>> from scalargrad import Value, Vector
            >>> x = Value(1.0)
            >>> row = Vector([x, x, 1.0])
            >>> row.count(x), row.count(1.0)
            (2, 3)
        """
        return self._elements().count(value)

    def __repr__(self) -> str:
        numbers = [repr(x) for x in self._numbers()]
        if len(numbers) > 12:
            numbers[3:-3] = [f"... {len(numbers) - 6} more ..."]
        return f"Vector([{', '.join(numbers)}])"

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None
    ) -> dict[str, str]:
        """How a notebook shows this row: see scalargrad.graph.mime_bundle."""
        from scalargrad.graph import mime_bundle  # late, because it is built on this file

        return mime_bundle(self, include, exclude)

    def _elements(self) -> list[Value]:
        block, values = self._block, self._values
        if block is None:
            return values
        if not values:  # if two threads append a list at the same moment, the first one counts
            values.append(block.elements())
            block.made = [ref(value) for value in values[0]]
        elements: list[Value] = values[0]
        return elements if len(self) == len(elements) else elements[self._start : self._stop]

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
        return self._block._grad[self._start : self._stop]

    def _write(self, numbers: Sequence[float]) -> None:
        if self._block is None:
            for value, number in zip(self._values, numbers):
                value._data = number
        else:
            self._block.write(self._start, self._stop, numbers)

    def _write_grads(self, numbers: Sequence[float]) -> None:
        if self._block is None:
            for value, number in zip(self._values, numbers):
                value._grad = number
        else:
            self._block._grad[self._start : self._stop] = numbers

    def _add_to_grad(self, contributions: Iterable[float]) -> None:
        block = self._block
        if block is None:
            for value, contribution in zip(self._values, contributions):
                value._grad += contribution
        elif self._stop - self._start < len(block.data):
            start, stop = self._start, self._stop
            block._grad[start:stop] = map(add, block._grad[start:stop], contributions)
        else:
            block._grad = list(map(add, block._grad, contributions))

    def _computed(self) -> Iterable[Any]:
        """The nodes that it was made from, as far as they are no leaves."""
        if self._block is None:
            return [value for value in self._values if value._parents]
        return (self._block,) if self._block.operation else ()

    # What other modules ask: copying, derivatives and graph.

    def _place(self) -> tuple[int, int, int] | None:
        """For a part of a row: a number that tells live rows apart, its start and its end."""
        return None if self._block is None else (id(self._block), self._start, self._stop)

    def _history(self) -> tuple[Any, ...]:
        """For a part of a row: how that came about, as `Value._history`."""
        assert self._block is not None
        return self._block.history()

    def _unchanged(self) -> bool:
        """For a part of a row: whether what it was computed with is still the data."""
        return self._block is None or self._block.unchanged()

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if not hasattr(cls, "__getattr__"):
            cls.__getattr__ = missing_attribute  # type: ignore[attr-defined]

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
        """What NumPy asks where a row meets its numbers and arrays: see engine/arrays.py."""
        from scalargrad.engine import arrays  # late, because the engines come before it

        return arrays.array_ufunc(self, ufunc, method, inputs, keywords)

    def __copy__(self) -> Vector:
        from scalargrad.engine import copying

        return copying.copied_row(self)

    def __reduce__(self) -> tuple[Any, ...]:
        from scalargrad.engine import copying

        return copying.reduced_row(self)


Sequence.register(Vector)


def of_operands(operation: Operation, operands: tuple[Vector | Value, ...]) -> Vector:
    """The operation number by number: one node. At least one of the operands is a row."""
    numbers = [x._numbers() for x in operands]
    lengths = [len(x) for x in operands if isinstance(x, Vector)]
    if lengths[0] != lengths[-1]:
        different_lengths(operation.name, *lengths)
    columns = [x if isinstance(x, list) else repeat(x) for x in numbers]
    try:
        data = Floats(map(operation.value, *columns))
    except (ArithmeticError, ValueError):
        raise _failure(operation, zip(*columns)) from None
    return Block(data).record(operation, operands, numbers)


def _failure(operation: Operation, elements: Iterable[tuple[float, ...]]) -> Exception:
    for i, numbers in enumerate(elements):
        try:
            operation.value(*numbers)
        except (ArithmeticError, ValueError) as error:
            where = f"{operation.name} of element {i}: {expression(operation.name, *numbers)}"
            return named(error, where)
    raise AssertionError("an operation failed that does not fail")


def flat(inputs: Iterable[Any]) -> Iterable[Any]:
    """The rows and numbers in the inputs of an operation, some of which are matrices."""
    for x in inputs:
        if isinstance(x, tuple):
            yield from x
        else:
            yield x


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, float):
        return a == b or (a != a and b != b)
    return all(map(_same, a, b))


class RowOperation:
    """An operation on whole rows.

    `vjp(g, y, inputs, saved)` gives what each of the inputs gets, given the gradients `g` of the
    results: for every number in it the sum of g[i] * d result[i] / d number over the results i (the
    vector-Jacobian product), or None for nothing. An input is a row, or a matrix, which is a tuple
    of rows. `y` are the results, and `saved` is what else the forward pass kept. Written with the
    functions of floats.py, it serves floats and Vectors alike, as the derivatives in operations.py.

    `edges(i, inputs)` picks from the inputs the numbers that result i was made from.
    `saved_again(x, setting)` makes `saved` from the first input, for graphs of derivatives.
    """

    __slots__ = ("edges", "name", "saved_again", "vjp")

    def __init__(
        self,
        name: str,
        vjp: Callable[[Any, Any, Sequence[Any], Any], Sequence[Any]],
        edges: Callable[[int, Sequence[Any]], list[Any]],
        saved_again: Callable[[Any, Any], Any] = lambda x, setting: None,
    ) -> None:
        self.name = name
        self.vjp = vjp
        self.edges = edges
        self.saved_again = saved_again


def all_edges(i: int, inputs: Sequence[Any]) -> list[Any]:
    """Every result is made from all of the row."""
    return list(inputs[0])


def _sum_vjp(g: Any, y: Any, inputs: Sequence[Any], saved: Any) -> Sequence[Any]:
    """Each number gets g."""
    return [scaled(g[0], row_like(inputs[0], [1.0] * len(inputs[0])))]


def _mean_vjp(g: Any, y: Any, inputs: Sequence[Any], saved: Any) -> Sequence[Any]:
    """Each of the n numbers gets g * 1/n."""
    n = len(inputs[0])
    return [scaled(g[0], row_like(inputs[0], [1.0 / n] * n))]


SUM = RowOperation("sum", _sum_vjp, all_edges)
MEAN = RowOperation("mean", _mean_vjp, all_edges)


class Block:
    """Numbers side by side: the result of one operation on rows, or a row of parameters."""

    __slots__ = (
        "_grad",  # one number for each in `data`; this name and the next are those of a Value
        "_parents",  # the nodes that backward visits next
        "data",
        "inputs",  # Values, rows, and matrices, which are tuples of rows
        "label",
        "made",  # the Values that its numbers became, for as long as somebody has them
        "numbers",  # those in the inputs, at the forward pass
        "operation",
        "result",  # the data at the forward pass
        "saved",  # what else of the forward pass the derivative needs
        "setting",  # what else the operation was told, such as a target
        "shared",  # whether a graph relies on the list `data` staying as it is
    )

    def __init__(self, data: Iterable[float]) -> None:
        self.data = data if isinstance(data, Floats) else Floats(data)
        self._grad = [0.0] * len(self.data)
        self.shared = False
        self.label = ""
        self.made: Sequence[Callable[[], Any]] = ()
        self.operation: Operation | RowOperation | None = None
        self._parents: tuple[Any, ...] = ()

    def record(
        self,
        operation: Operation | RowOperation,
        inputs: Sequence[Any],
        numbers: Sequence[Any],
        saved: Any = None,
        setting: Any = None,
    ) -> Vector:
        """Note where the numbers came from, unless inside `no_grad`, and return them as a row."""
        if not recording.depth:
            self.operation, self.inputs, self.numbers = operation, inputs, numbers
            self.result, self.saved, self.setting = self.data, saved, setting
            self.shared = True
            self._parents = tuple([node for x in flat(inputs) for node in x._computed()])
        return row_of(self)

    def write(self, start: int, stop: int, numbers: Sequence[float]) -> None:
        if self.shared:
            self.data, self.shared = Floats(self.data), False
        self.data[start:stop] = numbers

    def elements(self) -> list[Element]:
        """The numbers as Values: the one that somebody has, or a new one."""
        had = [reference() for reference in self.made] or [None] * len(self.data)
        return [Element(self, i) if value is None else value for i, value in enumerate(had)]

    # What backward does with a node.

    def _clear_grad(self) -> None:
        if self.operation:
            self._grad = [0.0] * len(self.data)

    def _propagate(self) -> None:
        for x, contribution in self._contributions(self._grad):
            x._add_to_grad(contribution)

    def _contributions(self, grads: list[float]) -> Iterable[tuple[Any, Any]]:
        if not self.operation or not any(grads):  # a gradient of 0 hands nothing down
            return []
        contributions = self.operation.vjp(Floats(grads), self.result, self.numbers, self.saved)
        pairs = zip(flat(self.inputs), flat(contributions))
        return [(x, contribution) for x, contribution in pairs if contribution is not None]

    # An element of it, in the terms of a Value.

    def parents(self, index: int) -> tuple[Value, ...]:
        return tuple(self.operation.edges(index, self.inputs)) if self.operation else ()

    def local_grads(self, index: int) -> tuple[float, ...]:
        operation = self.operation
        if operation is None:
            return ()
        if isinstance(operation, Operation):
            operands = operation.edges(index, self.numbers)
            return operation.local_grads(self.result[index], *operands)
        one_hot = Floats([0.0] * len(self.result))
        one_hot[index] = 1.0
        contributions = operation.vjp(one_hot, self.result, self.numbers, self.saved)
        return tuple(operation.edges(index, contributions))

    # What other modules ask.

    def history(self) -> tuple[Any, ...]:
        if self.operation is None:
            return "", (), row_of(self), None
        return self.operation.name, self.inputs, row_of(self), self.setting

    def unchanged(self) -> bool:
        if self.operation is None:
            return True
        now = [x._numbers() for x in flat(self.inputs)]
        pairs = zip([*now, self.data], [*flat(self.numbers), self.result])
        return all(_same(a, b) for a, b in pairs)


class Element(Value):
    """A Value that lives in a row: its number and gradient are the row's own."""

    __slots__ = ("__weakref__", "_block", "_index")

    def __init__(self, block: Block, index: int) -> None:
        self._block = block
        self._index = index
        self._label = ""
        self._parents: Any = (block,) if block.operation else ()  # what backward visits next

    @property
    def _data(self) -> float:
        return self._block.data[self._index]  # type: ignore[no-any-return]

    @_data.setter
    def _data(self, number: float) -> None:
        self._block.write(self._index, self._index + 1, (number,))

    @property
    def _grad(self) -> float:
        return self._block._grad[self._index]

    @_grad.setter
    def _grad(self, number: float) -> None:
        self._block._grad[self._index] = number

    @property
    def parents(self) -> tuple[Value, ...]:
        return self._block.parents(self._index)

    @property
    def local_grads(self) -> tuple[float, ...]:
        return self._block.local_grads(self._index)

    @property
    def op(self) -> str:
        return self._block.operation.name if self._block.operation else ""

    # The row is what backward clears and hands down.

    def _clear_grad(self) -> None:
        pass

    def _propagate(self) -> None:
        pass

    def _contributions(self, upstream: float) -> Iterable[tuple[Any, Any]]:
        return []

    # What other modules ask.

    def _history(self) -> tuple[Any, ...]:
        return self._block.history()

    def _place(self) -> tuple[int, int, int]:
        return id(self._block), self._index, len(self._block.data)

    def _unchanged(self) -> bool:
        return self._block.unchanged()


# In messages of Python itself, such as those about operands, it is what readers know it as.
Element.__name__ = Element.__qualname__ = "Value"


_VALUES = {Value, Element}


def vector(numbers: Iterable[RealNumber]) -> Vector:
    """A row of parameters: one leaf Value per number.

    Args:
        numbers: The numbers, in order, at least one.

    Raises:
        TypeError: If `numbers` is not a sequence of real numbers.
        ValueError: If `numbers` is empty.

    Examples:
        >>> from scalargrad import nn
        >>> nn.vector([0.5, 2])
        Vector([0.5, 2.0])
    """
    data = as_floats(numbers, "vector", "numbers")
    if not data:
        raise ValueError("vector: numbers is empty; a row needs at least one number")
    return row_of(Block(data))


def as_row(values: Any, function: str, argument: str) -> Vector:
    """`values` as a Vector: itself if it is one, otherwise its Values, numbers made leaves."""
    if isinstance(values, Vector):
        return values
    items = list(iterable(values, function, argument))
    if set(map(type, items)) <= _VALUES:  # by far the most frequent
        return row_of_values(items)
    items = values_and_floats(items, Value, function, argument)
    if any(isinstance(x, Value) for x in items):
        return row_of_values([x if isinstance(x, Value) else leaf(x) for x in items])
    return row_of(Block(items))


def row_of(block: Block) -> Vector:
    """The row that is a whole block."""
    return _row(block, 0, len(block.data), [])


def row_of_values(values: list[Value]) -> Vector:
    """A row of Values that live elsewhere."""
    return _row(None, 0, len(values), values)


def _row(block: Block | None, start: int, stop: int, values: list[Value]) -> Vector:
    row = _new(Vector)
    row._block = block
    row._label = ""
    row._start = start
    row._stop = stop
    row._values = values
    return row


_new = object.__new__
