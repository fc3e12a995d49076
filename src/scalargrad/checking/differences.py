"""Derivatives by measurement: how much does a function move when one of its numbers moves a little?

That needs no formula, so it can check one. But a quotient of differences is never exact, and a
checker that forgets it blames right programs. So each slope comes with the error it may have:

>>> x2 = lambda x: (x, x * x)
>>> slope = measure(x2, 3.0, 1e-6, close=lambda slope: True)
>>> round(slope.value, 6), slope.error < 1e-6
(6.0, True)

At a kink there is no slope but one on each side. They come as the middle of the two, with an error
that reaches either:

>>> kink = measure(lambda x: (x, abs(x)), 0.0, 1e-6, close=lambda slope: False)
>>> kink.value, round(kink.error, 6), kink.left, kink.right, kink.is_kink
(0.0, 1.0, -1.0, 1.0, True)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import floor, isfinite, log10

from scalargrad.engine import Value, Vector
from scalargrad.engine.arguments import as_float

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    # Given numbers, makes fresh leaves of them and computes results: both lists, of anybody's
    # Values.
    Run: TypeAlias = Callable[[Sequence[float]], tuple[list[Any], list[Any]]]

# Tried in this order, times eps, until one is good enough: larger ones where rounding hides what
# changes, then smaller ones where the function bends, ends or has a kink nearby.
_LARGE_STEPS = (1.0, 1e2, 1e3)
_SMALL_STEPS = (1e-2, 1e-4, 1e-6)

# A float is off by half of 2**-52 of itself, and here four of them are subtracted.
_ROUNDING = 2.0**-51

# The absolute tolerance shrinks with the derivatives, but not below this part of it: numbers on the
# way to a tiny one are often about 1, and their rounding is all that there is to see.
_SMALLEST = 1e-4

# The shorter step, as a part of the longer one: the golden ratio. Numbers that were rounded on the
# way go up in stairs, and of all ratios this one is least likely to meet a stair at either step.
_SHORT = (5.0**0.5 - 1.0) / 2.0


class Slope:
    """What was measured: the slope, how far it may be off, and the slopes on either side."""

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        """From the function at x - h, x - 0.6 h, x, x + 0.6 h and x + h."""
        (x0, y0), (x1, y1), (x2, y2), (x3, y3), (x4, y4) = points
        wide, narrow = (y4 - y0) / (x4 - x0), (y3 - y1) / (x3 - x1)
        wide_bend = (y4 - y2) / (x4 - x2) - (y2 - y0) / (x2 - x0)
        self.left, self.right = (y2 - y1) / (x2 - x1), (y3 - y2) / (x3 - x2)
        bend = self.right - self.left
        results = [y for _, y in points]
        self.step = step = x3 - x1
        self.spread = max(results) - min(results)
        self.is_flat = not self.spread
        self.rounding = _ROUNDING * max(map(abs, results))
        noise = self.rounding if self.is_flat else max(self.rounding, 2.0 * _grain(results))
        # Where the function is smooth, the two quotients agree but for a part that grows with the
        # square of the step, and the slopes on the two sides differ in proportion to the step.
        square = _SHORT * _SHORT
        self.value = (narrow - square * wide) / (1.0 - square)
        uneven = abs(_SHORT * wide_bend - bend) / (2.0 * (1.0 - _SHORT))
        self.error = max(abs(wide - narrow), uneven) + noise / step
        self.is_kink = abs(bend - wide_bend) < 0.1 * abs(bend) and abs(bend) > 10.0 * noise / step

    @property
    def is_clear(self) -> bool:
        return self.error < 0.01 * abs(self.value)

    def __str__(self) -> str:
        """As many digits as are known."""
        if not self.value:
            return "0"
        # Of results near the smallest floats, over a long step, the error may vanish.
        digits = floor(log10(abs(self.value) / self.error)) if self.error else 15
        return f"{self.value:.{min(max(digits, 2), 10)}g}"


def _grain(numbers: Sequence[float]) -> float:
    """The power of 2 that all of them are multiples of: large if they were rounded on the way.

    Not all of them are 0.
    """
    ratios = [number.as_integer_ratio() for number in numbers if number]
    return min((n & -n) / d for n, d in ratios)


def measure(
    at: Callable[[float], tuple[float, float]],
    x: float,
    eps: float,
    close: Callable[[Slope], bool],
    negligible: float = 0.0,
) -> Slope:
    """The slope of a function at `x`, with the step that gives the least error.

    `at(x)` returns where it was evaluated (`x`, as rounded by whatever stores it) and the result.
    Steps are about `eps` times max(1, |x|); the first that is `close` enough ends the search.
    Raises ValueError if the function cannot be evaluated on both sides of `x`, or if it jumps
    there by more than is `negligible`, which rounding may do.
    """
    size = eps * max(1.0, abs(x))
    steps = [factor * size for factor in _LARGE_STEPS + _SMALL_STEPS] + [eps * abs(x)]
    found: list[Slope] = []
    best = flat = failure = None
    for tried, h in enumerate(steps, 1):
        try:
            points = [at(x + part * h) for part in (-1.0, -_SHORT, 0.0, _SHORT, 1.0)]
        except (ArithmeticError, ValueError) as error:
            failure = error
            continue
        if any(a >= b for (a, _), (b, _) in zip(points, points[1:])):  # noqa: RUF007
            continue  # too small a step to change x
        slope = Slope(points)
        if not isfinite(slope.error):
            continue
        found.append(slope)
        if slope.is_flat:
            flat = flat or slope
        elif best is None or _is_better(slope, best):
            best = slope
        if best and close(best):
            break
        if tried == len(_LARGE_STEPS) and (flat or (best and best.is_clear)):
            break
    # Flat between rounded numbers is not flat if wider steps see a slope, unless that is unsure.
    if flat and not (best and best.is_clear):
        return flat
    if best and best.spread > negligible and _is_restless(found, best):
        raise ValueError("f jumps or has a pole there, or changes too fast; choose another number")
    if best:
        return best
    if failure is None:
        raise ValueError("its data stays the same when it is made from another; keep it as a float")
    raise ValueError(
        f"f is not defined on both sides of it ({failure}); choose another number"
    ) from failure


def _is_restless(found: Sequence[Slope], best: Slope) -> bool:
    """Whether the function changes as much over the smallest step as over one that should count."""
    smallest, largest = (choose(found, key=lambda slope: slope.step) for choose in (min, max))
    wider = best if best.is_clear else largest
    if smallest is wider:
        return False
    return smallest.spread > max(0.25 * wider.spread, 1000.0 * smallest.rounding)


def _is_better(new: Slope, old: Slope) -> bool:
    if new.is_clear and old.is_clear:
        return new.error * abs(old.value) < old.error * abs(new.value)
    return new.is_clear or (new.error < old.error and not old.is_clear)


class Comparison:
    """The gradients that results backpropagate to the leaves they are made from, and the slopes."""

    def __init__(
        self,
        run: Run,
        numbers: Sequence[float],
        names: Sequence[str],
        settings: tuple[float, float, float],
    ) -> None:
        self.run = run
        self.numbers, self.names = list(numbers), names
        self.settings = self.eps, self.atol, self.rtol = settings
        self._evaluated: dict[tuple[int, float], tuple[float, list[float]]] = {}
        self._slopes: dict[int, list[Slope]] = {}

    def gradients(self, k: int) -> list[Any]:
        """What `backward` of result `k` leaves in each leaf's `grad`, which may be None."""
        leaves, results = self.run(self.numbers)
        results[k].backward()
        return [leaf.grad for leaf in leaves]

    def slopes(self, k: int) -> list[Slope]:
        """What they should be."""
        if k not in self._slopes:
            self._slopes[k] = [self._slope(i, k) for i in range(len(self.numbers))]
        return self._slopes[k]

    def tolerance(self, k: int, i: int) -> float:
        slopes = self.slopes(k)
        largest = max(abs(slope.value) for slope in slopes)
        atol = self.atol * (min(1.0, max(largest, _SMALLEST)) if largest else 1.0)
        return atol + self.rtol * abs(slopes[i].value) + slopes[i].error

    def wrong(self, k: int, gradients: Sequence[Any]) -> list[int]:
        """The leaves whose gradients are not what was measured."""
        return [
            i
            for i, (grad, slope) in enumerate(zip(gradients, self.slopes(k)))
            if not abs(as_number(grad) - slope.value) <= self.tolerance(k, i)
        ]

    def _slope(self, i: int, k: int) -> Slope:
        def at(x: float) -> tuple[float, float]:
            if (i, x) not in self._evaluated:
                self._evaluated[i, x] = self._evaluate(i, x)
            place, results = self._evaluated[i, x]
            if not isfinite(results[k]):
                raise ValueError(f"it is {results[k]!r} at {x!r}")
            return place, results[k]

        def close(slope: Slope) -> bool:
            return slope.error <= 0.1 * self.rtol * abs(slope.value)

        x = self.numbers[i]
        try:
            return measure(at, x, self.eps, close, self.atol * self.eps)
        except ValueError as error:
            raise ValueError(
                f"gradcheck: {self.names[i]} = {x!r} cannot be checked: {error}"
            ) from error

    def _evaluate(self, i: int, x: float) -> tuple[float, list[float]]:
        leaves, results = self.run([*self.numbers[:i], x, *self.numbers[i + 1 :]])
        return as_number(leaves[i].data), [as_number(result.data) for result in results]


def is_value(x: Any) -> bool:
    """Whether it is a Value, no matter whose. (A row has data and grad as well.)"""
    return isinstance(x, Value) or (
        hasattr(x, "data") and hasattr(x, "grad") and not isinstance(x, (type, Vector))
    )


def as_number(x: Any) -> float:
    """The data or grad of anybody's Value; None, for a gradient that never came, is 0."""
    if x is None:
        return 0.0
    if getattr(x, "shape", None) == ():  # a NumPy number, or an array that holds but one
        return float(x)
    return as_float(x, "gradcheck: data and grad")
