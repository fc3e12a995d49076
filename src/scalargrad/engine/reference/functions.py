"""Functions of two numbers, and so of two rows number by number: `maximum`, `minimum`, `atan2`.

Each makes one node; its value and its derivative are in operations.py.
"""

from __future__ import annotations

from scalargrad.engine.arguments import describe, is_real, is_sequence, no_operand
from scalargrad.engine.reference import operations
from scalargrad.engine.reference.operations import Operation
from scalargrad.engine.reference.value import Value, as_value, of_values
from scalargrad.engine.reference.vector import Vector, as_row, of_operands

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any, overload

    from scalargrad.engine.reference.value import RealNumber
    from scalargrad.engine.reference.vector import Operand


if TYPE_CHECKING:

    @overload
    def maximum(a: Value | RealNumber, b: Value | RealNumber) -> Value: ...
    @overload
    def maximum(a: Vector, b: Operand) -> Vector: ...
    @overload
    def maximum(a: Operand, b: Vector) -> Vector: ...


def maximum(a: Operand, b: Operand) -> Value | Vector:
    """The larger of two numbers, as one node, or of two rows number by number; nan if either is.

    The gradient goes to the larger one, and half to each at a tie. (`torch.maximum`)

    Args:
        a: A Value, a real number or a row. Beside a row, a list or a tuple will do as well.
        b: The same; if both are rows, they must have the same length.

    Raises:
        TypeError: If `a` or `b` is none of these.
        ValueError: If rows are not equally long.

    Examples:
        >>> from scalargrad import Value, maximum
        >>> a, b = Value(1.0), Value(2.0)
        >>> maximum(a, b).backward()
        >>> a.grad, b.grad
        (0.0, 1.0)
    """
    return _of_two(operations.MAXIMUM, a, b)  # type: ignore[no-any-return]


if TYPE_CHECKING:

    @overload
    def minimum(a: Value | RealNumber, b: Value | RealNumber) -> Value: ...
    @overload
    def minimum(a: Vector, b: Operand) -> Vector: ...
    @overload
    def minimum(a: Operand, b: Vector) -> Vector: ...


def minimum(a: Operand, b: Operand) -> Value | Vector:
    """The smaller of two numbers, as one node, or of two rows number by number; nan if either is.

    The gradient goes to the smaller one, and half to each at a tie. (`torch.minimum`)

    Args:
        a: A Value, a real number or a row. Beside a row, a list or a tuple will do as well.
        b: The same; if both are rows, they must have the same length.

    Raises:
        TypeError: If `a` or `b` is none of these.
        ValueError: If rows are not equally long.

    Examples:
        >>> from scalargrad import Value, minimum
        >>> a, b = Value(2.0), Value(2.0)
        >>> minimum(a, b).backward()
        >>> a.grad, b.grad
        (0.5, 0.5)
    """
    return _of_two(operations.MINIMUM, a, b)  # type: ignore[no-any-return]


if TYPE_CHECKING:

    @overload
    def atan2(y: Value | RealNumber, x: Value | RealNumber) -> Value: ...
    @overload
    def atan2(y: Vector, x: Operand) -> Vector: ...
    @overload
    def atan2(y: Operand, x: Vector) -> Vector: ...


def atan2(y: Operand, x: Operand) -> Value | Vector:
    """The angle of the point (x, y) in radians, as `math.atan2`, of numbers or of rows.

    The derivatives are x / (x**2 + y**2) with respect to y and -y / (x**2 + y**2) with
    respect to x. (`torch.atan2`)

    Args:
        y: A Value, a real number or a row. Beside a row, a list or a tuple will do as well.
        x: The same; if both are rows, they must have the same length.

    Raises:
        TypeError: If `y` or `x` is none of these.
        ValueError: If rows are not equally long.

    Examples:
        >>> from scalargrad import Value, atan2
        >>> atan2(Value(0.0), -1.0).data
        3.141592653589793
    """
    return _of_two(operations.ATAN2, y, x, ("y", "x"))  # type: ignore[no-any-return]


def _of_two(operation: Operation, a: Any, b: Any, names: tuple[str, str] = ("a", "b")) -> Any:
    """The operation on two numbers, or on two operands of which one is a row."""
    name, given = operation.name, tuple(zip(names, (a, b)))
    if isinstance(a, Vector) or isinstance(b, Vector):
        return of_operands(operation, tuple([_operand(name, argument, x) for argument, x in given]))
    for argument, x in given:
        if not is_real(x):
            raise TypeError(
                f"{name}: {argument} must be a Value or a real number, got {describe(x)}"
            )
    return of_values(operation, *[as_value(x, f"{name}: {argument}") for argument, x in given])


def _operand(name: str, argument: str, x: Any) -> Vector | Value:
    if isinstance(x, Vector):
        return x
    if is_real(x):
        return as_value(x, f"{name}: {argument}")
    if is_sequence(x):
        return as_row(x, name, argument)
    return no_operand(name, argument, x)
