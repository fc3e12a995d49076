"""Recognise a wrong derivative by its value.

A derivative that is not the right one is often another that is easy to take for it: with the other
sign, of the other operand, a factor too large. Given what each operand of an operation should have
got and what it did get, this names the mistake, or nothing if none fits.

>>> square = [Operand("x", data=1.5, expected=3.0, got=1.5)]
>>> wrong_derivative(square, result=2.25)
'a factor 2 is missing from the derivative, such as n in n * x**(n-1)'
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence


class Operand:
    """Something that a number was made from: its derivative, as it should be and as it came."""

    def __init__(
        self, name: str, data: float, expected: float, got: float, error: float = 0.0
    ) -> None:
        self.name, self.data, self.expected, self.got = name, data, expected, got
        self.error = error

    def near(self, number: float) -> bool:
        """Whether the derivative that came is this."""
        return near(self.got, number, self.error)

    @property
    def is_right(self) -> bool:
        return abs(self.got - self.expected) <= 1e-3 * abs(self.expected) + 10.0 * self.error


def near(a: float, b: float, error: float = 0.0) -> bool:
    return abs(a - b) <= 1e-5 * max(abs(a), abs(b)) + 10.0 * error


def wrong_derivative(operands: Sequence[Operand], result: float) -> str:
    """The mistake that gives just these derivatives instead of the right ones, if one does."""
    wrong = [x for x in operands if not x.is_right]
    if not wrong:
        return ""
    for recognise in (
        _not_a_number,
        _late_binding,
        _exchanged,
        _off_by_one,
        _missing,
        _flat_place,
        _opposite,
        _from_the_input,
        _of_another_operand,
        _without_minus_one,
        _multiple,
        _factor,
    ):
        cause = recognise(wrong, operands, result)
        if cause:
            return cause
    return ""


def _names(operands: Iterable[Operand]) -> str:
    names = [x.name for x in operands]
    return " and ".join(names) if len(names) < 4 else f"{names[0]}, {names[1]}, ..., {names[-1]}"


def _not_a_number(wrong: Sequence[Operand], operands: Sequence[Operand], result: float) -> str:
    if all(abs(x.got) < float("inf") for x in wrong):
        return ""
    return (
        "the derivative divides by zero or overflows here, where the function itself does not; "
        "write it in another way"
    )


def _late_binding(wrong: Sequence[Operand], operands: Sequence[Operand], result: float) -> str:
    *others, last = operands
    total = sum(x.expected for x in operands)
    if len(wrong) < 2 or last.is_right or any(x.got for x in others):
        return ""
    if not last.near(total) and not last.near(len(operands) * last.expected):
        return ""
    return (
        f"a closure over the wrong variable: {last.name} got the shares of all, as when functions "
        "made in a loop see its last value (late binding)"
    )


def _exchanged(wrong: Sequence[Operand], operands: Sequence[Operand], result: float) -> str:
    if len(wrong) == 2 and wrong[0].near(wrong[1].expected) and wrong[1].near(wrong[0].expected):
        return (
            f"the derivatives by {_names(wrong)} are exchanged: each operand has that of the other"
        )
    return ""


def _off_by_one(wrong: Sequence[Operand], operands: Sequence[Operand], result: float) -> str:
    if len(wrong) < 3:
        return ""
    for side, receivers, givers in (
        ("next", wrong[:-1], wrong[1:]),
        ("previous", wrong[1:], wrong[:-1]),
    ):
        if all(x.near(other.expected) for x, other in zip(receivers, givers)):
            return f"an index is off by one: each gradient is that of the {side} number"
    return ""


def _missing(wrong: Sequence[Operand], operands: Sequence[Operand], result: float) -> str:
    if any(x.got for x in wrong):
        return ""
    return (
        f"no gradient arrives at {_names(wrong)}: an index or a parent is missed, a condition is "
        "the wrong way round, or it is detached (.data)"
    )


def _flat_place(wrong: Sequence[Operand], operands: Sequence[Operand], result: float) -> str:
    flat = [x for x in wrong if abs(x.expected) <= 10.0 * x.error]
    if not flat or len(flat) < len(wrong):
        return ""
    return (
        f"the result does not change with {_names(flat)} here, so its derivative is 0: relu and "
        "maximum pass a gradient only where they pass the number"
    )


def _opposite(wrong: Sequence[Operand], operands: Sequence[Operand], result: float) -> str:
    if all(x.near(-x.expected) for x in wrong):
        return f"a wrong sign, in the derivative by {_names(wrong)}"
    return ""


def _from_the_input(wrong: Sequence[Operand], operands: Sequence[Operand], result: float) -> str:
    formulas: dict[str, Callable[[float], float]] = {
        "1 - t**2 (tanh)": lambda t: 1.0 - t * t,
        "t * (1 - t) (sigmoid)": lambda t: t * (1.0 - t),
        "t (exp)": lambda t: t,
        "0.5 / t (sqrt)": lambda t: 0.5 / t if t else 0.0,
    }
    for text, formula in formulas.items():
        if all(
            near(x.expected, formula(result), x.error) and x.near(formula(x.data)) for x in wrong
        ):
            return f"the derivative {text} is computed from the operand; it wants the result as t"
    return ""


def _of_another_operand(
    wrong: Sequence[Operand], operands: Sequence[Operand], result: float
) -> str:
    for x in wrong:
        for other in operands:
            if other is not x and len(wrong) <= 2 and x.near(other.expected):
                return (
                    f"{x.name} gets the derivative by {other.name}: the wrong operand, or a "
                    "closure over the wrong variable"
                )
    return ""


def _without_minus_one(wrong: Sequence[Operand], operands: Sequence[Operand], result: float) -> str:
    sums_to_zero = near(1.0 + sum(x.expected for x in operands), 1.0, operands[0].error)
    if len(wrong) == 1 and len(operands) > 1 and sums_to_zero:
        (x,) = wrong
        if x.near(x.expected + 1.0):
            return (
                f"the -1 for the target {x.name} is missing: the derivative of cross-entropy is "
                "p - 1 there, and p elsewhere"
            )
    return ""


def _multiple(wrong: Sequence[Operand], operands: Sequence[Operand], result: float) -> str:
    if any(not x.expected for x in wrong):
        return ""
    for n in range(2, 101):
        if all(x.near(n * x.expected) for x in wrong):
            is_mean = n > 2 or all(near(x.expected, 0.5, x.error) for x in operands)
            if n == len(operands) == len(wrong) and is_mean:
                return (
                    f"the derivatives are {n} times too large, and there are {n} operands: the 1/n "
                    "of a mean is missing"
                )
            return (
                f"counted {n} times: backward runs or hands this down {n} times without zero_grad, "
                f"or there is a factor {n} too many"
            )
        if all(x.near(x.expected / n) for x in wrong):
            return f"a factor {n} is missing from the derivative, such as n in n * x**(n-1)"
    return ""


def _factor(wrong: Sequence[Operand], operands: Sequence[Operand], result: float) -> str:
    """Too many or too few of a number that stands in the operation."""
    known = [(f"the operand {x.name}", x.data) for x in operands] + [("the result", result)]
    for text, number in known:
        for sign, minus in ((1.0, ""), (-1.0, ", and the sign is wrong")):
            if number and all(x.near(sign * x.expected * number) for x in wrong):
                return (
                    f"a factor too many: {text}{minus}; an exponent may be off by one, as in "
                    "n * x**n for n * x**(n-1)"
                )
            if number and all(x.near(sign * x.expected / number) for x in wrong):
                return f"a factor is missing: {text}{minus}"
    if all(x.expected and x.near(1.0 / x.expected) for x in wrong):
        return "the derivative is upside down: its reciprocal is right"
    return ""
