"""The idea: every number is a node that remembers where it came from.

A `Value` holds a number (`data`), the numbers it was made from (`parents`), and one local
derivative per parent (`local_grads`): how much the result moves when that parent moves a little.
An operation returns a new Value. `backward` then walks from the output to the inputs. It visits
each node after everything that was made from it, and hands every parent its contribution:

    parent.grad += local_grad * node.grad

That is the chain rule, and all of backpropagation.

>>> x = Value(3.0)
>>> y = x * x + 2.0 * x
>>> y.backward()
>>> y.data, x.grad                      # dy/dx = 2x + 2
(15.0, 8.0)

A new function needs no registration, only its value and its derivative:

>>> from math import atan
>>> y = Value(atan(x.data), (x,), (1 / (1 + x.data**2),))
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter

from scalargrad.engine.arguments import (
    as_float,
    as_text,
    checked_edges,
    expression,
    is_real,
    is_set,
    missing_attribute,
    named,
)
from scalargrad.engine.reference import operations
from scalargrad.engine.reference.methods import Methods
from scalargrad.engine.reference.operations import Operation
from scalargrad.engine.reference.recording import recording
from scalargrad.walking import topological_order

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any, SupportsFloat, SupportsIndex, TypeAlias

    RealNumber: TypeAlias = SupportsFloat | SupportsIndex


class Value(Methods):
    """A number that remembers how it was computed.

    `+ - * / **`, `abs` and the methods below make new Values. Plain numbers may be on either side.
    The result has the bits that Python's own operator gives, and where that raises an error, so
    does this. `< <= > >=` compare the `data`, and so does `==` with anything but a Value. Between
    two Values, `==` asks whether they are the same object, as `hash` does, so that they can be kept
    in sets and dicts.

    Args:
        data: Any real number; it is stored as a float.
        parents: The Values it was made from. Leave them out for a leaf, such as a parameter.
        local_grads: The derivative with respect to each parent. Those given as Values can be
            differentiated again, see `grad`.
        op: The name of the operation, for pictures and messages only.
        label: The name of the number, for pictures and messages only.

    Raises:
        TypeError: If an argument is of the wrong kind.
        ValueError: If there are not as many local derivatives as parents.
        OverflowError: If `data` is an int that is too large for a float.

    Examples:
        >>> from scalargrad import Value
        >>> x = Value(2.0, label="x")
        >>> y = 3 * x**2 + 1
        >>> y
        Value(data=13.0, grad=0.0)
        >>> y.backward()
        >>> x                                # dy/dx = 6x
        Value(data=2.0, grad=12.0, label='x')
    """

    __slots__ = ("_data", "_grad", "_label", "_local_grads", "_operation", "_parents")

    _is_scalargrad_value = True  # for engine/arguments.py

    _data: float
    _grad: float
    _label: str
    _local_grads: tuple[float, ...]
    _operation: Operation | HandMade
    _parents: tuple[Value, ...]

    def __init__(
        self,
        data: RealNumber,
        parents: Iterable[Value] = (),
        local_grads: Iterable[Value | RealNumber] = (),
        *,
        op: str = "",
        label: str = "",
    ) -> None:
        number = as_float(data, "Value: data")
        edges = checked_edges(parents, local_grads, Value)
        op, label = as_text(op, "Value: op"), as_text(label, "Value: label")
        if is_set(self, "_data"):
            raise TypeError("Value: a node is made once; write to its data, or make a new Value")
        self._data = number
        self._grad = 0.0
        self._label = label
        self._parents, self._local_grads, graphs = ((), (), ()) if recording.depth else edges
        self._operation = HandMade("" if recording.depth else op, graphs)

    # Backpropagation.

    def backward(self, grad: RealNumber = 1.0) -> None:
        """Compute the derivative of this Value with respect to every Value it was made from.

        In reverse topological order, each node hands each parent its contribution:

            parent.grad += local_grad * node.grad

        Leaves accumulate: their `grad` grows by the derivative, so that several calls add up.
        Every other node's `grad` becomes the derivative of this call. A node whose gradient is
        exactly 0 hands nothing down, whatever the local derivative.

        It never raises because of a number: an overflow is inf, and nan stays nan.
        (`torch.Tensor.backward`; Rumelhart, Hinton and Williams 1986, Learning Representations by
        Back-propagating Errors.)

        Args:
            grad: What the derivatives are multiplied by: the derivative of something else with
                respect to this Value.

        Raises:
            TypeError: If `grad` is not a real number.

        Examples:
            >>> from scalargrad import Value
            >>> x, y = Value(3.0), Value(4.0)
            >>> z = x * y
            >>> z.backward()
            >>> x.grad, y.grad
            (4.0, 3.0)
            >>> z.backward(grad=0.5)
            >>> x.grad, y.grad, z.grad       # leaves add up, z does not
            (6.0, 4.5, 0.5)
        """
        upstream = as_float(grad, "backward: grad")
        order = topological_order(self, parents_of)
        for node in order:
            node._clear_grad()
        self._grad += upstream
        for node in reversed(order):
            node._propagate()

    def _clear_grad(self) -> None:
        if self._parents:  # leaves accumulate
            self._grad = 0.0

    def _propagate(self) -> None:
        upstream = self._grad
        if upstream != 0.0:
            for parent, local_grad in zip(self._parents, self._local_grads):
                # A branch that was not taken gets nothing, not even 0 * inf.
                if local_grad or not self._operation.branches:
                    parent._grad += local_grad * upstream

    def _contributions(self, upstream: float) -> Iterable[tuple[Any, float]]:
        """What `_propagate` adds to each parent, for `grad`, which adds it elsewhere.

        It is written twice because it is where plain Python spends its time.
        """
        if upstream == 0.0:
            return []
        edges, operation = zip(self._parents, self._local_grads), self._operation
        return [(parent, d * upstream) for parent, d in edges if d or not operation.branches]

    def _add_to_grad(self, contribution: float) -> None:
        self._grad += contribution

    def detach(self) -> Value:
        """A new leaf with the same data, through which no gradient flows.

        It has no label, and its gradient is 0. (`torch.Tensor.detach`)

            >>> from scalargrad import Value
            >>> x = Value(3.0)
            >>> (x * x.detach()).backward()
            >>> x.grad                       # not 6: one of the factors is a constant
            3.0
        """
        return Value(self._data)

    # Arithmetic. Each line makes one node; values and derivatives are in operations.py.

    def __add__(self, other: Value | RealNumber) -> Value:
        return self._operate(operations.ADD, other)

    def __radd__(self, other: RealNumber) -> Value:
        return self._operate_reflected(operations.ADD, other)

    def __sub__(self, other: Value | RealNumber) -> Value:
        return self._operate(operations.SUB, other)

    def __rsub__(self, other: RealNumber) -> Value:
        return self._operate_reflected(operations.SUB, other)

    def __mul__(self, other: Value | RealNumber) -> Value:
        return self._operate(operations.MUL, other)

    def __rmul__(self, other: RealNumber) -> Value:
        return self._operate_reflected(operations.MUL, other)

    def __truediv__(self, other: Value | RealNumber) -> Value:
        return self._operate(operations.DIV, other)

    def __rtruediv__(self, other: RealNumber) -> Value:
        return self._operate_reflected(operations.DIV, other)

    def __pow__(self, other: Value | RealNumber, modulus: None = None) -> Value:
        if modulus is not None:
            return NotImplemented
        return self._operate(operations.POW, other)

    def __rpow__(self, other: RealNumber, modulus: None = None) -> Value:
        if modulus is not None:  # which Python asks for since 3.14
            return NotImplemented
        return self._operate_reflected(operations.POW, other)

    def __neg__(self) -> Value:
        return self._apply(operations.NEG)

    def __pos__(self) -> Value:
        return self

    def __abs__(self) -> Value:
        return self._apply(operations.ABS)

    def _operate(self, operation: Operation, right: Any) -> Value:
        if isinstance(right, Value):
            return of_values(operation, self, right)
        if not is_real(right):  # Python then asks the other operand, or raises TypeError
            return NotImplemented  # type: ignore[no-any-return]
        number = as_float(right, f"Value {operation.name} number: the number")
        return of_values(operation, self, leaf(number))

    def _operate_reflected(self, operation: Operation, left: Any) -> Value:
        if not is_real(left):
            return NotImplemented  # type: ignore[no-any-return]
        number = as_float(left, f"number {operation.name} Value: the number")
        return of_values(operation, leaf(number), self)

    def _apply(self, operation: Operation) -> Value:
        x = self._data
        try:
            y = operation.value(x)
        except (ArithmeticError, ValueError) as error:
            raise named(error, expression(operation.name, x)) from None
        if recording.depth:
            return leaf(y)
        return node(y, (self,), operation.local_grads(y, x), operation)

    # What a Value is made of. The engine reads the slots; the properties check what is written.

    @property
    def data(self) -> float:
        """The number itself, a float. Writing to it does not change graphs recorded before."""
        return self._data

    @data.setter
    def data(self, number: RealNumber) -> None:
        self._data  # noqa: B018 - which raises before __init__
        self._data = as_float(number, "Value.data")

    @property
    def grad(self) -> float:
        """The derivative of the output with respect to this, a float; 0.0 before `backward`."""
        return self._grad

    @grad.setter
    def grad(self, number: RealNumber) -> None:
        self._data  # noqa: B018
        self._grad = as_float(number, "Value.grad")

    @property
    def label(self) -> str:
        """A name, for pictures and messages; empty unless you give one."""
        return self._label

    @label.setter
    def label(self, text: str) -> None:
        self._data  # noqa: B018
        self._label = as_text(text, "Value.label")

    @property
    def parents(self) -> tuple[Value, ...]:
        """The Values this one was computed from, a tuple; empty for a leaf."""
        return self._parents

    @property
    def local_grads(self) -> tuple[float, ...]:
        """The derivative with respect to each parent, a tuple of floats; as of the forward pass."""
        return self._local_grads

    @property
    def op(self) -> str:
        """The operation that made this Value, such as "+" or "tanh"; empty for a leaf."""
        return self._operation.name

    # Behaving like a number, except where that would silently lose the gradient.

    def __eq__(self, other: object) -> bool:
        return NotImplemented if isinstance(other, Value) else self._data == other

    def __ne__(self, other: object) -> bool:
        return NotImplemented if isinstance(other, Value) else self._data != other

    __hash__ = object.__hash__

    def __lt__(self, other: Value | RealNumber) -> bool:
        return self._data < _number(other) if is_real(other) else NotImplemented

    def __le__(self, other: Value | RealNumber) -> bool:
        return self._data <= _number(other) if is_real(other) else NotImplemented

    def __gt__(self, other: Value | RealNumber) -> bool:
        return self._data > _number(other) if is_real(other) else NotImplemented

    def __ge__(self, other: Value | RealNumber) -> bool:
        return self._data >= _number(other) if is_real(other) else NotImplemented

    def __bool__(self) -> bool:
        return self._data != 0.0

    def __float__(self) -> float:
        raise TypeError(
            "float(Value) would lose the gradient: write v.data for the number, "
            "or use a method such as v.exp() instead of math.exp(v)"
        )

    def __repr__(self) -> str:
        label = f", label={self._label!r}" if self._label else ""
        return f"Value(data={self._data!r}, grad={self._grad!r}{label})"

    def __format__(self, spec: str) -> str:
        return repr(self) if spec == "" else format(self._data, spec)

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None
    ) -> dict[str, str]:
        """How a notebook shows this Value: see scalargrad.graph.mime_bundle."""
        from scalargrad.graph import mime_bundle  # late, because it is built on this file

        return mime_bundle(self, include, exclude)

    # What vector.py and other modules ask. The elements of a row answer otherwise.

    def _history(self) -> tuple[Any, ...]:
        """How it came about: the operation, the inputs, what it is part of, a setting."""
        if not self._parents:
            return "", (), self, None
        operation = self._operation
        if isinstance(operation, HandMade):
            return None, self._parents, self, operation.derivatives
        return operation.name, self._parents, self, None

    def _place(self) -> tuple[int, int, int] | None:
        """For an element of a row: a number that tells live rows apart, its index, the length."""
        return None

    def _unchanged(self) -> bool:
        """For an element of a computed row: whether what was computed with is still the data."""
        return True

    def _numbers(self) -> float:
        return self._data

    def _computed(self) -> Iterable[Any]:
        """The node that backward visits for it: none for a leaf."""
        return (self,) if self._parents else ()

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if not hasattr(cls, "__getattr__"):
            cls.__getattr__ = missing_attribute  # type: ignore[attr-defined]

    def __reduce__(self) -> tuple[Any, ...]:
        from scalargrad.engine import copying  # late, because the engines come before it

        return copying.reduced_value(self)


def of_values(operation: Operation, a: Value, b: Value) -> Value:
    """The operation on two Values: a new node."""
    x, y = a._data, b._data
    try:
        data = operation.value(x, y)
    except (ArithmeticError, ValueError) as error:
        raise named(error, expression(operation.name, x, y)) from None
    if recording.depth:
        return leaf(data)
    return node(data, (a, b), operation.local_grads(data, x, y), operation)


def node(
    data: float,
    parents: tuple[Value, ...],
    local_grads: tuple[float, ...],
    operation: Operation | HandMade,
) -> Value:
    """A new Value, without the checks of the constructor."""
    new = _new(Value)
    new._data = data
    new._grad = 0.0
    new._label = ""
    new._parents = parents
    new._local_grads = local_grads
    new._operation = operation
    return new


def leaf(data: float) -> Value:
    return node(data, (), (), LEAF)


class HandMade:
    """An operation that somebody made by hand, or none at all.

    `derivatives` are the local derivatives with their graphs, where these were given as Values.
    """

    __slots__ = ("derivatives", "name")

    branches = False  # as an Operation has it

    def __init__(self, name: str, derivatives: tuple[Any, ...] = ()) -> None:
        self.name = name
        self.derivatives = derivatives


LEAF = HandMade("")


def ieee_node(
    name: str, data: float, parents: tuple[Value, ...], local_grads: tuple[float, ...]
) -> Value:
    """A node of that operation with a result that the operation itself would raise for."""
    if recording.depth:
        return leaf(data)
    return node(data, parents, local_grads, operations.OPERATIONS[name])


def as_value(x: Any, argument: str) -> Value:
    """`x` itself if it is a Value, otherwise a leaf with that number."""
    return x if isinstance(x, Value) else leaf(as_float(x, argument))


parents_of = attrgetter("_parents")
_new = object.__new__


def _number(x: Any) -> Any:
    return x._data if isinstance(x, Value) else x
