"""What can be done to a number, and so to each number of a row: the methods `exp` to `relu`.

Each line makes one node; its value and its derivative are in operations.py. On a row it is done
number by number, with the same bits, and gives a row.
"""

from __future__ import annotations

from scalargrad.engine.reference import operations
from scalargrad.engine.reference.operations import Operation

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import TypeVar

    Self = TypeVar("Self", bound="Methods")


class Methods:
    """The functions of one number, as methods of Values and of rows."""

    __slots__ = ()

    def _apply(self: Self, operation: Operation) -> Self:
        raise NotImplementedError

    def exp(self: Self) -> Self:
        """e to this power, as `math.exp`; the derivative is exp(x).

        Raises OverflowError above about 709.78.

            >>> from scalargrad import Value
            >>> Value(0.0).exp().data
            1.0
        """
        return self._apply(operations.EXP)

    def log(self: Self) -> Self:
        """The natural logarithm, as `math.log`; the derivative is 1 / x.

        Raises ValueError at and below 0.

            >>> from scalargrad import Value
            >>> Value(1.0).log().data
            0.0
        """
        return self._apply(operations.LOG)

    def log2(self: Self) -> Self:
        """The logarithm to base 2, as `math.log2`; the derivative is 1 / (x log(2)).

        Raises ValueError at and below 0.

            >>> from scalargrad import Value
            >>> Value(8.0).log2().data
            3.0
        """
        return self._apply(operations.LOG2)

    def log10(self: Self) -> Self:
        """The logarithm to base 10, as `math.log10`; the derivative is 1 / (x log(10)).

        Raises ValueError at and below 0.

            >>> from scalargrad import Value
            >>> Value(1000.0).log10().data
            3.0
        """
        return self._apply(operations.LOG10)

    def log1p(self: Self) -> Self:
        """log(1 + x), exact near 0, as `math.log1p`; the derivative is 1 / (1 + x).

        Raises ValueError at and below -1.

            >>> from scalargrad import Value
            >>> Value(1e-20).log1p().data    # (1 + x).log() would be 0
            1e-20
        """
        return self._apply(operations.LOG1P)

    def expm1(self: Self) -> Self:
        """exp(x) - 1, exact near 0, as `math.expm1`; the derivative is exp(x).

        Raises OverflowError above about 709.78.

            >>> from scalargrad import Value
            >>> Value(1e-20).expm1().data    # x.exp() - 1 would be 0
            1e-20
        """
        return self._apply(operations.EXPM1)

    def sqrt(self: Self) -> Self:
        """The square root, as `math.sqrt`; the derivative is 1 / (2 sqrt(x)), inf at 0.

        Raises ValueError below 0.

            >>> from scalargrad import Value
            >>> Value(9.0).sqrt().data
            3.0
        """
        return self._apply(operations.SQRT)

    def sin(self: Self) -> Self:
        """The sine of an angle in radians, as `math.sin`; the derivative is cos(x).

        Raises ValueError at +-inf.

            >>> from scalargrad import Value
            >>> Value(0.0).sin().data
            0.0
        """
        return self._apply(operations.SIN)

    def cos(self: Self) -> Self:
        """The cosine of an angle in radians, as `math.cos`; the derivative is -sin(x).

        Raises ValueError at +-inf.

            >>> from scalargrad import Value
            >>> Value(0.0).cos().data
            1.0
        """
        return self._apply(operations.COS)

    def tan(self: Self) -> Self:
        """The tangent of an angle in radians, as `math.tan`; the derivative is 1 + tan(x)**2.

        Raises ValueError at +-inf.

            >>> from scalargrad import Value
            >>> Value(0.0).tan().data
            0.0
        """
        return self._apply(operations.TAN)

    def asin(self: Self) -> Self:
        """The arc sine in radians, as `math.asin`; the derivative is 1 / sqrt(1 - x**2).

        It is inf at 1 and -1. Raises ValueError beyond.

            >>> from scalargrad import Value
            >>> Value(0.0).asin().data
            0.0
        """
        return self._apply(operations.ASIN)

    def acos(self: Self) -> Self:
        """The arc cosine in radians, as `math.acos`; the derivative is -1 / sqrt(1 - x**2).

        It is -inf at 1 and -1. Raises ValueError beyond.

            >>> from scalargrad import Value
            >>> Value(1.0).acos().data
            0.0
        """
        return self._apply(operations.ACOS)

    def atan(self: Self) -> Self:
        """The arc tangent in radians, as `math.atan`; the derivative is 1 / (1 + x**2).

        It never raises. (`torch.atan`)

            >>> from scalargrad import Value
            >>> Value(0.0).atan().data
            0.0
        """
        return self._apply(operations.ATAN)

    def sinh(self: Self) -> Self:
        """The hyperbolic sine, as `math.sinh`; the derivative is cosh(x).

        Raises OverflowError beyond about 710.48.

            >>> from scalargrad import Value
            >>> Value(0.0).sinh().data
            0.0
        """
        return self._apply(operations.SINH)

    def cosh(self: Self) -> Self:
        """The hyperbolic cosine, as `math.cosh`; the derivative is sinh(x).

        Raises OverflowError beyond about 710.48.

            >>> from scalargrad import Value
            >>> Value(0.0).cosh().data
            1.0
        """
        return self._apply(operations.COSH)

    def tanh(self: Self) -> Self:
        """The hyperbolic tangent, between -1 and 1, as `math.tanh`; it never raises.

        The derivative is 1 - tanh(x)**2, computed in a form that does not cancel to 0.

            >>> from scalargrad import Value
            >>> Value(1000.0).tanh().data
            1.0
        """
        return self._apply(operations.TANH)

    def sigmoid(self: Self) -> Self:
        """1 / (1 + exp(-x)), between 0 and 1, without overflow; it never raises.

        The derivative is sigmoid(x) * sigmoid(-x). (`torch.sigmoid`)

            >>> from scalargrad import Value
            >>> Value(0.0).sigmoid().data, Value(-1000.0).sigmoid().data
            (0.5, 0.0)
        """
        return self._apply(operations.SIGMOID)

    def softplus(self: Self) -> Self:
        """log(1 + exp(x)), a smooth relu, without overflow; it never raises.

        The derivative is sigmoid(x). (`torch.nn.functional.softplus`)

            >>> from scalargrad import Value
            >>> Value(1000.0).softplus().data
            1000.0
        """
        return self._apply(operations.SOFTPLUS)

    def erf(self: Self) -> Self:
        """The error function, as `math.erf`; the derivative is 2 / sqrt(pi) exp(-x**2).

        It never raises. (`torch.erf`)

            >>> from scalargrad import Value
            >>> Value(0.0).erf().data
            0.0
        """
        return self._apply(operations.ERF)

    def relu(self: Self) -> Self:
        """max(0, x), nan for nan; it never raises.

        The derivative is 1 above 0 and 0 elsewhere, at 0 too. (`torch.relu`)

            >>> from scalargrad import Value
            >>> Value(2.0).relu().data, Value(-2.0).relu().data
            (2.0, 0.0)
        """
        return self._apply(operations.RELU)

    def abs(self: Self) -> Self:
        """The absolute value, as the builtin `abs`; the derivative is -1, 0 or 1.

        It never raises. (`torch.abs`)

            >>> from scalargrad import Value
            >>> Value(-3.0).abs().data
            3.0
        """
        return self._apply(operations.ABS)

    def conjugate(self: Self) -> Self:
        """The same, as it is real. NumPy asks for it when it computes `var` and `std`."""
        return self
