"""The idea: every number is a node that remembers where it came from.

A `Value` holds a number (`data`), the numbers it was made from (`parents`), and one local
derivative per parent (`local_grads`): how much the result moves when that parent moves a little.
An operation returns a new Value. `backward` then walks from the output to the inputs, each node
after everything that was made from it, and hands every parent its share:

    parent.grad += local_grad * node.grad

That is the chain rule, and all of backpropagation.

>>> x = Value(3.0)
>>> y = x * x + 2.0 * x
>>> y.backward()
>>> y.data, x.grad                      # dy/dx = 2x + 2
(15.0, 8.0)

A function that is not here needs no registration, only its value and its derivative:

>>> from math import atan
>>> y = Value(atan(x.data), (x,), (1 / (1 + x.data**2),))
"""

from __future__ import annotations

from collections.abc import Iterable

from scalargrad.engine.arguments import (
    as_float,
    as_text,
    describe,
    is_real,
    iterable,
    named,
)
from scalargrad.engine.reference import operations
from scalargrad.engine.reference.operations import Operation
from scalargrad.engine.reference.recording import recording

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any, SupportsFloat, SupportsIndex, TypeAlias

    RealNumber: TypeAlias = SupportsFloat | SupportsIndex


class Value:
    """A number that remembers how it was computed.

    `data` is any real number, stored as a float. `parents` and `local_grads` say what it was made
    from and the derivative with respect to each; leave them out for a leaf, such as a parameter.
    `op` names the operation and `label` the number, both for pictures and messages only.

    `+ - * / **`, `abs` and the methods below make new Values. Plain numbers may stand on either
    side; the result has the bits that Python's own operator gives, and raises what it raises.
    Values compare by `data` with `< <= > >=`; `==` and `hash` are identity, so that Values can
    live in sets and dicts.

    Raises TypeError if an argument is of the wrong kind, ValueError if there are not as many local
    derivatives as parents, and OverflowError for an int that is too large for a float.

        >>> x = Value(2.0, label="x")
        >>> y = 3 * x**2 + 1
        >>> y
        Value(data=13.0, grad=0.0)
        >>> y.backward()
        >>> x                                # dy/dx = 6x
        Value(data=2.0, grad=12.0, label='x')
    """

    __slots__ = ("_data", "_grad", "_label", "_local_grads", "_op", "_parents")

    _in_row = False  # True for the elements of a row; backward visits the row instead

    _data: float
    _grad: float
    _label: str
    _local_grads: tuple[float, ...]
    _op: str
    _parents: tuple[Value, ...]

    def __init__(
        self,
        data: RealNumber,
        parents: Iterable[Value] = (),
        local_grads: Iterable[RealNumber] = (),
        *,
        op: str = "",
        label: str = "",
    ) -> None:
        number = as_float(data, "Value: data")
        parents = tuple(iterable(parents, "Value", "parents"))
        for i, parent in enumerate(parents):
            if not isinstance(parent, Value):
                raise TypeError(f"Value: parents[{i}] must be a Value, got {describe(parent)}")
        given = enumerate(list(iterable(local_grads, "Value", "local_grads")))
        grads = tuple([as_float(g, f"Value: local_grads[{i}]") for i, g in given])
        if len(parents) != len(grads):
            raise ValueError(
                f"Value: parents has length {len(parents)} but local_grads has length "
                f"{len(grads)}; give one local derivative per parent"
            )
        op, label = as_text(op, "Value: op"), as_text(label, "Value: label")
        if hasattr(self, "_data"):
            raise TypeError("Value: a node is made once; write to its data, or make a new Value")
        if recording.depth:
            parents, grads, op = (), (), ""
        self._data = number
        self._grad = 0.0
        self._label = label
        self._op = op
        self._parents = parents
        self._local_grads = grads

    # What a Value is made of. The engine reads the slots; the properties check what is written.

    @property
    def data(self) -> float:
        """The number itself, a float. Writing to it changes no graph that was recorded before."""
        return self._data

    @data.setter
    def data(self, number: RealNumber) -> None:
        self._data = as_float(number, "Value.data")

    @property
    def grad(self) -> float:
        """d output / d self, a float, after `output.backward()`; 0.0 before."""
        return self._grad

    @grad.setter
    def grad(self, number: RealNumber) -> None:
        self._grad = as_float(number, "Value.grad")

    @property
    def label(self) -> str:
        """A name, for pictures and messages; empty unless you give one."""
        return self._label

    @label.setter
    def label(self, text: str) -> None:
        self._label = as_text(text, "Value.label")

    @property
    def parents(self) -> tuple[Value, ...]:
        """The Values this one was computed from, a tuple; empty for a leaf."""
        return self._parents

    @property
    def local_grads(self) -> tuple[float, ...]:
        """d self / d parent for each parent, a tuple of floats, as it was at the forward pass."""
        return self._local_grads

    @property
    def op(self) -> str:
        """The operation that made this Value, such as "+" or "tanh"; empty for a leaf."""
        return self._op

    # Backpropagation.

    def backward(self, grad: RealNumber = 1.0) -> None:
        """Compute the derivative of this Value by every Value it was made from.

        In reverse topological order, each node hands each parent its share:

            parent.grad += local_grad * node.grad

        Leaves accumulate: their `grad` grows by the derivative, so that several calls add up.
        Every other node's `grad` becomes the derivative of this call. `grad` is what the
        derivatives are multiplied by: the derivative of something else by this Value.

        Raises TypeError if `grad` is not a real number. Numbers never make it raise: an overflow
        is inf, and nan stays nan. (`torch.Tensor.backward`; Rumelhart, Hinton and Williams 1986,
        Learning Representations by Back-propagating Errors.)

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
        order = topological_order(self)
        for node in order:
            node._clear_grad()
        self._grad += upstream
        for node in reversed(order):
            node._hand_down()

    def _clear_grad(self) -> None:
        self._grad = 0.0

    def _hand_down(self) -> None:
        upstream = self._grad
        for parent, local_grad in zip(self._parents, self._local_grads):
            parent._grad += local_grad * upstream

    def detach(self) -> Value:
        """A new leaf with the same data, through which no gradient flows.

        It has no label, and its gradient is 0. (`torch.Tensor.detach`)

            >>> x = Value(3.0)
            >>> (x * x.detach()).backward()
            >>> x.grad                       # not 6: one of the factors is a constant
            3.0
        """
        return Value(self._data)

    # What the elements of a row answer otherwise.

    def _origin(self) -> Any:
        """For an element of a fused result: what made it, in the terms of a FusedOperation."""
        return None

    def _place(self) -> tuple[int, int, int] | None:
        """For an element of a row: a number that tells live rows apart, its index, the length."""
        return None

    def _whole_row(self) -> Any:
        """For an element of a row: the whole row."""
        return None

    def __reduce__(self) -> tuple[Any, ...]:
        from scalargrad.engine import copying  # late, because the engines come before it

        return copying.reduced_value(self)

    # Arithmetic. Each line makes one node; values and derivatives stand in operations.py.

    def __add__(self, other: Value | RealNumber) -> Value:
        return _binary(operations.ADD, self, other)

    def __radd__(self, other: RealNumber) -> Value:
        return _binary(operations.ADD, other, self)

    def __sub__(self, other: Value | RealNumber) -> Value:
        return _binary(operations.SUB, self, other)

    def __rsub__(self, other: RealNumber) -> Value:
        return _binary(operations.SUB, other, self)

    def __mul__(self, other: Value | RealNumber) -> Value:
        return _binary(operations.MUL, self, other)

    def __rmul__(self, other: RealNumber) -> Value:
        return _binary(operations.MUL, other, self)

    def __truediv__(self, other: Value | RealNumber) -> Value:
        return _binary(operations.DIV, self, other)

    def __rtruediv__(self, other: RealNumber) -> Value:
        return _binary(operations.DIV, other, self)

    def __pow__(self, other: Value | RealNumber) -> Value:
        return _binary(operations.POW, self, other)

    def __rpow__(self, other: RealNumber) -> Value:
        return _binary(operations.POW, other, self)

    def __neg__(self) -> Value:
        return _unary(operations.NEG, self)

    def __pos__(self) -> Value:
        return self

    def __abs__(self) -> Value:
        return _unary(operations.ABS, self)

    def exp(self) -> Value:
        """e to this power, as `math.exp`; the derivative is exp(x).

        Raises OverflowError above about 709.78.

            >>> Value(0.0).exp().data
            1.0
        """
        return _unary(operations.EXP, self)

    def log(self) -> Value:
        """The natural logarithm, as `math.log`; the derivative is 1 / x.

        Raises ValueError at and below 0.

            >>> Value(1.0).log().data
            0.0
        """
        return _unary(operations.LOG, self)

    def log1p(self) -> Value:
        """log(1 + x), exact near 0, as `math.log1p`; the derivative is 1 / (1 + x).

        Raises ValueError at and below -1.

            >>> Value(1e-20).log1p().data    # (1 + x).log() would be 0
            1e-20
        """
        return _unary(operations.LOG1P, self)

    def expm1(self) -> Value:
        """exp(x) - 1, exact near 0, as `math.expm1`; the derivative is exp(x).

        Raises OverflowError above about 709.78.

            >>> Value(1e-20).expm1().data    # x.exp() - 1 would be 0
            1e-20
        """
        return _unary(operations.EXPM1, self)

    def sqrt(self) -> Value:
        """The square root, as `math.sqrt`; the derivative is 1 / (2 sqrt(x)), inf at 0.

        Raises ValueError below 0.

            >>> Value(9.0).sqrt().data
            3.0
        """
        return _unary(operations.SQRT, self)

    def sin(self) -> Value:
        """The sine of an angle in radians, as `math.sin`; the derivative is cos(x).

        Raises ValueError at +-inf.

            >>> Value(0.0).sin().data
            0.0
        """
        return _unary(operations.SIN, self)

    def cos(self) -> Value:
        """The cosine of an angle in radians, as `math.cos`; the derivative is -sin(x).

        Raises ValueError at +-inf.

            >>> Value(0.0).cos().data
            1.0
        """
        return _unary(operations.COS, self)

    def tan(self) -> Value:
        """The tangent of an angle in radians, as `math.tan`; the derivative is 1 + tan(x)**2.

        Raises ValueError at +-inf.

            >>> Value(0.0).tan().data
            0.0
        """
        return _unary(operations.TAN, self)

    def tanh(self) -> Value:
        """The hyperbolic tangent, between -1 and 1, as `math.tanh`; it never raises.

        The derivative is 1 - tanh(x)**2, computed in a form that does not cancel to 0.

            >>> Value(1000.0).tanh().data
            1.0
        """
        return _unary(operations.TANH, self)

    def sigmoid(self) -> Value:
        """1 / (1 + exp(-x)), between 0 and 1, without overflow; it never raises.

        The derivative is sigmoid(x) * sigmoid(-x). (`torch.sigmoid`)

            >>> Value(0.0).sigmoid().data, Value(-1000.0).sigmoid().data
            (0.5, 0.0)
        """
        return _unary(operations.SIGMOID, self)

    def relu(self) -> Value:
        """max(0, x), nan for nan; it never raises.

        The derivative is 1 above 0 and 0 elsewhere, at 0 too. (`torch.relu`)

            >>> Value(2.0).relu().data, Value(-2.0).relu().data
            (2.0, 0.0)
        """
        return _unary(operations.RELU, self)

    def conjugate(self) -> Value:
        """This Value, which is real. NumPy asks for it when it computes `var` and `std`."""
        return self

    # Behaving like a number, except where that would silently lose the gradient.

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


def maximum(a: Value | RealNumber, b: Value | RealNumber) -> Value:
    """The larger of two numbers, as one node; nan if either is.

    The gradient goes to the larger one, and half to each at a tie. Raises TypeError if `a` or `b`
    is neither a Value nor a real number. (`torch.maximum`)

        >>> a, b = Value(1.0), Value(2.0)
        >>> maximum(a, b).backward()
        >>> a.grad, b.grad
        (0.0, 1.0)
    """
    return _function(operations.MAXIMUM, a, b)


def minimum(a: Value | RealNumber, b: Value | RealNumber) -> Value:
    """The smaller of two numbers, as one node; nan if either is.

    The gradient goes to the smaller one, and half to each at a tie. Raises TypeError if `a` or `b`
    is neither a Value nor a real number. (`torch.minimum`)

        >>> a, b = Value(2.0), Value(2.0)
        >>> minimum(a, b).backward()
        >>> a.grad, b.grad
        (0.5, 0.5)
    """
    return _function(operations.MINIMUM, a, b)


def topological_order(output: Value) -> list[Any]:
    """The nodes that `output` was computed through, each after everything it was made from.

    Leaves are left out: they have nothing to hand down. No recursion, so no limit on depth.
    """
    order: list[Any] = []
    seen: set[Any] = set()
    stack: list[Any] = [output]
    while stack:
        node = stack.pop()
        if node is None:  # all that the node below was made from is listed
            order.append(stack.pop())
            continue
        if node._in_row:
            node = node._block
        if node._parents and node not in seen:
            seen.add(node)
            stack.append(node)
            stack.append(None)
            stack.extend(node._parents)
    return order


def _leaf(data: float) -> Value:
    node = _new(Value)
    node._data = data
    node._grad = 0.0
    node._label = node._op = ""
    node._parents = node._local_grads = ()
    return node


def _result(
    data: float, parents: tuple[Value, ...], local_grads: tuple[float, ...], op: str
) -> Value:
    if recording.depth:
        return _leaf(data)
    node = _new(Value)
    node._data = data
    node._grad = 0.0
    node._label = ""
    node._op = op
    node._parents = parents
    node._local_grads = local_grads
    return node


_new = object.__new__


def _unary(operation: Operation, x: Value) -> Value:
    number = x._data
    try:
        y = operation.value(number)
    except (ArithmeticError, ValueError) as error:
        raise named(error, f"{operation.name}({number!r})") from None
    return _result(y, (x,), operation.local_grads(y, number), operation.name)


def _binary(operation: Operation, a: Any, b: Any) -> Value:
    if not isinstance(b, Value):
        if not is_real(b):  # Python then asks the other operand, or raises TypeError
            return NotImplemented  # type: ignore[no-any-return]
        b = _leaf(as_float(b, f"Value {operation.name} number: the number"))
    elif not isinstance(a, Value):
        if not is_real(a):
            return NotImplemented  # type: ignore[no-any-return]
        a = _leaf(as_float(a, f"number {operation.name} Value: the number"))
    x, y = a._data, b._data
    try:
        data = operation.value(x, y)
    except (ArithmeticError, ValueError) as error:
        raise named(error, f"{_operand(x)} {operation.name} {_operand(y)}") from None
    return _result(data, (a, b), operation.local_grads(data, x, y), operation.name)


def _function(operation: Operation, a: Any, b: Any) -> Value:
    name = operation.name
    for argument, operand in (("a", a), ("b", b)):
        if not is_real(operand):
            raise TypeError(
                f"{name}: {argument} must be a Value or a real number, got {describe(operand)}"
            )
    return _binary(operation, as_value(a, f"{name}: a"), as_value(b, f"{name}: b"))


def _operand(number: float) -> str:
    return f"({number!r})" if number < 0.0 else repr(number)


def as_value(x: Any, argument: str) -> Value:
    """`x` itself if it is a Value, otherwise a leaf with that number."""
    return x if isinstance(x, Value) else _leaf(as_float(x, argument))


def _number(x: Any) -> Any:
    return x._data if isinstance(x, Value) else x
