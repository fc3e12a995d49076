"""Check gradients: those of this library, or those of a `Value` that you wrote yourself.

>>> from scalargrad import Value, gradcheck
>>> gradcheck(lambda x, y: (x * y).tanh(), [0.5, 2.0])
True

differences.py measures what the gradients should be, and diagnosis.py finds out what went wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import inf, isfinite

from scalargrad.checking.differences import Comparison, as_number, is_value
from scalargrad.engine import Value, Vector
from scalargrad.engine.arguments import as_float, check_flag, describe, iterable

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any

__all__ = ["gradcheck"]


def gradcheck(
    f: Callable[..., Any],
    inputs: Iterable[Any],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:
    """Compare the gradients that `f` backpropagates with slopes measured by small steps.

    If a gradient is wrong, the error says for which input, what it should be, where it first goes
    wrong, and the cause, if that can be proved.

    A gradient is right if it differs from (f(x + h) - f(x - h)) / 2h by at most atol + rtol times
    that, plus the possible error of the measurement itself. At a kink, such as that of relu at 0,
    everything from the slope on the left to the slope on the right is accepted.
    (`torch.autograd.gradcheck`)

    Args:
        f: A function, called as `f(*inputs)` with fresh leaves each time, each input in the form in
            which it was given. It returns a Value or rows of them.
        inputs: Each is a number, a Value, or a list, tuple, Vector or dict of these, nested as
            deeply as you like. If `f` uses the methods of a row, give it `nn.vector([...])`, not a
            list. They may be Values of your own: any class that has `data`, `grad` and
            `backward()`. A leaf is made by calling the class with a number, or as a copy if it
            takes more.
        eps: The steps h are about `eps` times max(1, |x|), or others where f bends, ends or is too
            large for that.
        atol: The error that is allowed for derivatives of about 1. If all are smaller, it shrinks
            with the largest, down to 1e-4 of itself.
        rtol: The error that is allowed as a fraction of the derivative.
        raise_exception: Whether to raise if a gradient is wrong, or to return False.

    Returns:
        True if all gradients are right.

    Raises:
        AssertionError: If a gradient is wrong.
        TypeError: If `f` does not return Values or one of the inputs is neither a number nor a
            Value.
        ValueError: If there is nothing to compare with: `inputs` is empty, or f is not finite,
            jumps, ends, or differs from call to call.

    Examples:
        >>> from scalargrad import Value, gradcheck, nn
        >>> gradcheck(lambda x, y: x * y.exp(), [2.0, 0.5])
        True
        >>> gradcheck(nn.linear, [[1.0, 2.0], [[3.0, 4.0], [5.0, 6.0]]])      # a row and a matrix
        True
        >>> def square(x):
        ...     return Value(x.data ** 2, (x,), (x.data,), op="square")
        >>> gradcheck(lambda a, b: 2.0 * square(a) + b, [4.0, 1.0])
        Traceback (most recent call last):
        AssertionError: gradcheck: for inputs[0] = 4.0 backward gave 8.0; it should be 16 +- 0.016
        first wrong: square of 4 = 16; for a grad of 1 it hands 4 instead of 8 to inputs[0]
    """
    __tracebackhide__ = True  # pytest then shows the student's test, not this function
    if not callable(f):
        raise TypeError(f"gradcheck: f must be a function, got {describe(f)}")
    settings = _setting("eps", eps), _setting("atol", atol), _setting("rtol", rtol)
    check_flag(raise_exception, "gradcheck: raise_exception")
    given = _Inputs(inputs)
    names: list[str] = []

    def run(numbers: Sequence[float]) -> tuple[list[Any], list[Any]]:
        leaves, arguments = given.made_of(numbers)
        results = _results(f(*arguments))
        names[:] = results
        return leaves, list(results.values())

    comparison = Comparison(run, given.numbers, given.names, settings)
    before = given.grads()
    try:
        _check_that_differences_exist(comparison)
        for k, name in enumerate(list(names)):
            gradients = comparison.gradients(k)
            wrong = comparison.wrong(k, gradients)
            captured = _captured_input(comparison, k, given, before)
            if (wrong or captured) and not raise_exception:
                return False
            if wrong:
                raise AssertionError(_finding(comparison, k, name, gradients, wrong))
            if captured:
                raise AssertionError(
                    f"gradcheck: f did not use its argument but {captured} itself, whose grad it "
                    "changed, so nothing was checked; compute from the arguments that f is "
                    "called with"
                )
    finally:
        given.restore(before)
    return True


def _check_that_differences_exist(comparison: Comparison) -> None:
    for name, number in zip(comparison.names, comparison.numbers):
        if not isfinite(number):
            raise ValueError(f"gradcheck: {name} is {number!r}; choose a finite number")
    first, second = (
        [as_number(result.data) for result in comparison.run(comparison.numbers)[1]]
        for _ in range(2)
    )
    if not all(map(isfinite, first)):
        raise ValueError(
            f"gradcheck: f returned {_shown(first)}, of which there are no differences; choose "
            "inputs where it is finite"
        )
    if first != second:
        raise ValueError(
            f"gradcheck: f returned {_shown(first)} and then {_shown(second)} for the same inputs; "
            "it must draw the same random numbers each time, and remember nothing"
        )


def _shown(results: Sequence[float]) -> str:
    return repr(results[0] if len(results) == 1 else results)


def _captured_input(comparison: Comparison, k: int, given: _Inputs, before: Sequence[Any]) -> str:
    """The input, if any, of which `f` used the original Value in place of its argument.

    Its number does not matter, while the original gets a gradient.
    """
    for name, slope, then, now in zip(given.names, comparison.slopes(k), before, given.grads()):
        if now != then and slope.is_flat:
            return name
    return ""


def _finding(
    comparison: Comparison, k: int, output: str, gradients: Sequence[Any], wrong: Sequence[int]
) -> str:
    """The message of the AssertionError: what is wrong, and what the diagnosis says of it."""
    names, i = comparison.names, wrong[0]
    slope = comparison.slopes(k)[i]
    text = f"for {names[i]} = {comparison.numbers[i]!r} backward{output and ' of ' + output} gave "
    text += f"{gradients[i]!r}; it should be "
    if slope.is_kink and slope.error > comparison.rtol * abs(slope.value):
        sides = sorted((slope.left, slope.right))
        text += f"from {sides[0]:.6g} to {sides[1]:.6g}, the slopes on either side of this kink"
    else:
        text += f"{slope} +- {comparison.tolerance(k, i):.2g}"
    if len(wrong) > 1:
        others = ", ".join(names[j] for j in wrong[1:6]) + ", ..." * (len(wrong) > 6)
        text += f"\n{len(wrong)} of {len(names)} gradients are wrong: also {others}"
    from textwrap import TextWrapper  # late, as few programs need it

    from scalargrad.checking.diagnosis import diagnose

    lines = [*f"gradcheck: {text}".splitlines(), *diagnose(comparison, k, wrong)]
    wrapper = TextWrapper(
        88, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(map(wrapper.fill, lines))


class _Inputs:
    """The numbers in `inputs`, and what `f` is called with: fresh leaves in their places."""

    def __init__(self, inputs: Any) -> None:
        self._inputs = list(iterable(inputs, "gradcheck", "inputs"))
        self.names: list[str] = []
        self.numbers: list[float] = []
        self._originals: list[Any] = []
        self._collect("inputs", self._inputs, 0)
        if not self.numbers:
            raise ValueError("gradcheck: inputs is empty; there is nothing to check")
        self._kind = next((x for x in self._originals if x is not None), None)

    def _collect(self, path: str, row: Any, depth: int) -> None:
        if depth > 100:
            raise ValueError("gradcheck: inputs are nested more than 100 deep")
        for key, item in row.items() if isinstance(row, Mapping) else enumerate(row):
            name = f"{path}[{key!r}]"
            if _is_row(item):
                self._collect(name, item, depth + 1)
                continue
            original = item if is_value(item) else None
            self._originals.append(original)
            self.names.append(name)
            self.numbers.append(
                as_float(item, f"gradcheck: {name}") if original is None else as_number(item.data)
            )

    def made_of(self, numbers: Sequence[float]) -> tuple[list[Any], list[Any]]:
        """Leaves with these numbers, and the arguments of `f` that hold them."""
        leaves = [
            _leaf(self._kind if original is None else original, number)
            for original, number in zip(self._originals, numbers)
        ]
        return leaves, _filled(self._inputs, iter(leaves))

    def grads(self) -> list[Any]:
        return [original if original is None else original.grad for original in self._originals]

    def restore(self, grads: Sequence[Any]) -> None:
        """Give the originals these gradients again, which `f` may have changed."""
        for original, grad in zip(self._originals, grads):
            if original is not None and original.grad != grad:
                original.grad = grad


def _leaf(original: Any, number: float) -> Any:
    kind = type(original)
    if original is None or kind.__module__.partition(".")[0] == "scalargrad":
        return Value(number)
    try:
        leaf = kind(number)
    except TypeError:  # it takes more than a number
        from copy import deepcopy

        leaf = deepcopy(original)
        leaf.data = number
        leaf.grad = 0.0
    if hasattr(original, "requires_grad"):
        leaf.requires_grad = original.requires_grad
    return leaf


def _results(returned: Any, name: str = "") -> dict[str, Any]:
    """The Values that f returned, by name: the name is empty if it is but one."""
    if not is_value(returned) and isinstance(returned, (list, tuple, Vector)):
        results: dict[str, Any] = {}
        for i, result in enumerate(returned):
            results |= _results(result, f"{name or 'output'}[{i}]")
        if not results:
            raise TypeError("gradcheck: f must return a Value or a row of them, got an empty row")
        return results
    if not is_value(returned):
        hint = ""
        if isinstance(returned, (int, float)):
            hint = "; computed from .data or float(x), it has lost its gradient"
        raise TypeError(
            f"gradcheck: f must return a Value or a row of them, got {describe(returned)}"
            f"{name and ' as ' + name}{hint}"
        )
    if not callable(getattr(returned, "backward", None)):
        raise TypeError(
            f"gradcheck: f returned a {type(returned).__name__}, which has no method backward()"
        )
    return {name: returned}


def _filled(row: Any, leaves: Iterator[Any]) -> Any:
    """The same with the leaves in it, as a dict, tuple, Vector or else a list."""
    items = row.values() if isinstance(row, Mapping) else row
    copy = [_filled(item, leaves) if _is_row(item) else next(leaves) for item in items]
    if isinstance(row, Mapping):
        return dict(zip(row, copy))
    return next((kind for kind in (tuple, Vector) if isinstance(row, kind)), list)(copy)


def _is_row(x: Any) -> bool:
    if is_value(x) or isinstance(x, (str, bytes, bytearray, type)):
        return False
    return hasattr(x, "__getitem__") and hasattr(x, "__len__") and getattr(x, "shape", None) != ()


def _setting(name: str, x: Any) -> float:
    number = as_float(x, f"gradcheck: {name}")
    if not 0.0 <= number < inf or (name == "eps" and not number):
        least = "above 0" if name == "eps" else "from 0 up"
        raise ValueError(f"gradcheck: {name} must be a number {least}, got {number!r}")
    return number
