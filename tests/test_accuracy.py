"""How exact every number is, against arithmetic with more than a thousand digits.

Operations are held to a fixed number of units in the last place, over the whole range of floats.
Functions of rows add up rounding errors; what they may add up to is derived beside each test, in
terms of u = 2**-53, the largest relative error of one rounding.
"""

import math
import sys
from collections.abc import Callable, Iterator
from typing import Any

import mpmath
import pytest
from effort import engines_in_turn, examples
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from mpmath import mpf
from op_table import OPS, Op
from oracles import (
    PRECISION_BITS,
    exact_cross_entropy,
    exact_derivative,
    exact_rmsnorm,
    exact_softmax,
    ulps,
)

FORWARD_ULPS = 2.0
DERIVATIVE_ULPS = 4.0
U = 2.0**-53
QUANTUM = 5e-324  # the distance between floats next to 0

every_op = pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
one_operand = pytest.mark.parametrize(
    "op", [op for op in OPS if len(op.smooth[0]) == 1], ids=lambda op: op.name
)
two_operands = pytest.mark.parametrize(
    "op", [op for op in OPS if len(op.smooth[0]) == 2], ids=lambda op: op.name
)


def smooth_operands(op: Op, point: tuple[float, ...]) -> list[int]:
    """The operands by which there is a derivative: it is no kink, and no power of a negative."""
    if op.name in ("abs", "relu", "sqrt"):
        return [0] if point[0] != 0.0 else []
    if op.name in ("asin", "acos"):
        return [0] if abs(point[0]) < 1.0 else []
    if op.name == "atan2":  # where x < 0 it jumps from -pi to pi
        return [0, 1] if point[0] != 0.0 or point[1] > 0.0 else []
    if op.name in ("maximum", "minimum"):
        return [0, 1] if point[0] != point[1] else []
    if op.name == "**":
        return [0, 1] if point[0] > 0.0 else [0] if point[0] < 0.0 else []
    return list(range(len(point)))


def check(sg: Any, op: Op, *point: float) -> None:
    """The value and the derivatives at this point, if the operation is defined there."""
    if op.name == "atan2":  # which tells -0.0 from 0.0, as mpmath cannot
        point = tuple(x + 0.0 for x in point)
    try:
        result = op.on_values(sg, *map(sg.Value, point))
    except (ArithmeticError, ValueError):
        assume(False)
    assert ulps(result.data, exact_derivative(op.exact, point)) <= FORWARD_ULPS, point
    for i in smooth_operands(op, point):
        exact = exact_derivative(op.exact, point, i)
        off = ulps(result.local_grads[i], exact)
        assert off <= DERIVATIVE_ULPS, (point, i, result.local_grads[i], float(exact), off)


def powers_of_two() -> Iterator[float]:
    """Both signs and all sizes, to the ends of the range, and numbers next to 1."""
    for exponent in (*range(-1074, 1024, 61), -1074, -1023, -1022, -1021, 1022, 1023):
        for mantissa in (1.0, 1.1875, 1.9999999):
            yield from (math.ldexp(mantissa, exponent), -math.ldexp(mantissa, exponent))
    for step in (2.0**-52, 2.0**-30, 2.0**-9):
        yield from (1.0 - step, 1.0 + step, -1.0 + step, -1.0 - step)


any_size = st.floats(allow_nan=False, allow_infinity=False)
usual_size = st.floats(-800.0, 800.0)
whole = st.integers(-60, 60).map(float)


@engines_in_turn  # which give the same bits
class TestOperations:
    @every_op
    def test_at_the_points_of_the_table(self, sg, op: Op):
        for point in op.smooth:
            check(sg, op, *point)

    @one_operand
    def test_over_all_exponents(self, sg, op: Op):
        accepted = 0
        for x in powers_of_two():
            try:
                op.on_floats(x)
            except (ArithmeticError, ValueError):
                continue
            check(sg, op, x)
            accepted += 1
        assert accepted > 50

    @one_operand
    @settings(max_examples=examples(300))
    @given(x=any_size | usual_size)
    def test_of_any_number(self, sg, op: Op, x: float):
        check(sg, op, x)

    @two_operands
    @settings(max_examples=examples(400))
    @given(a=any_size | usual_size | whole, b=any_size | usual_size | whole)
    def test_of_any_two_numbers(self, sg, op: Op, a: float, b: float):
        check(sg, op, a, b)

    @settings(max_examples=examples(400))
    @given(
        base=st.floats(QUANTUM, sys.float_info.max),
        result=st.floats(-760.0, 709.0),
        is_whole=st.booleans(),
        negative=st.booleans(),
    )
    # x**(n-1) has few digits, n times that many; also with a negative base
    @example(base=0.48, result=-733.97, is_whole=True, negative=False)
    @example(base=0.48, result=-733.97, is_whole=True, negative=True)
    @example(base=2.1, result=-741.9, is_whole=False, negative=False)
    # x**(n-1) overflows, n x**(n-1) does not
    @example(base=1e-310, result=-6.6e-7, is_whole=False, negative=False)
    def test_of_powers_that_neither_vanish_nor_overflow(
        self, sg, base: float, result: float, is_whole: bool, negative: bool
    ):
        """Drawn by the logarithm of the result, since most powers of any two numbers do."""
        assume(base != 1.0)
        exponent = result / math.log(base)
        if is_whole:
            exponent = float(round(exponent)) if abs(exponent) < 1e15 else exponent
        (op,) = (op for op in OPS if op.name == "**")
        check(sg, op, -base if negative and is_whole else base, exponent)

    @pytest.mark.parametrize(
        ("name", "point"),
        [
            ("**", (7.6e-313, 1.4e-142)),  # x**(n-1) is inf, and n times that a common number
            ("**", (3.96e-318, -4.2e-312)),
            ("**", (1.0 - 2.0**-46, 2.0**54)),  # n - 1 is n
            ("**", (1.0 + 2.0**-46, -(2.0**54))),
            ("**", (1e-300, 1.05)),  # x**n has few digits, times log x a few more
            ("**", (1e300, -1.05)),
            ("**", (-0.48, 1000.0)),
            ("/", (5.427e-319, 0.0016244149204220882)),  # a/b has few digits, a/b/b many
            ("/", (-4e-323, 3.1e-8)),
            ("/", (1e-200, 1e-200)),  # b*b is 0
            ("/", (1e200, 1e200)),  # b*b is inf
            ("/", (1e-300, 1e300)),
            ("atan2", (1e-200, 1e-200)),  # the squares are 0
            ("atan2", (1e300, -1e300)),  # they are inf
            ("atan2", (5e-324, 1e300)),
            ("atan", (1e200,)),
            ("atan", (-5e-324,)),
            ("asin", (1.0 - 2.0**-53,)),
            ("acos", (-1.0 + 2.0**-53,)),
            ("log2", (5e-324,)),
            ("log10", (1.7e308,)),
            ("sinh", (710.4,)),
            ("cosh", (5e-324,)),
            ("softplus", (-744.9,)),
            ("softplus", (1e308,)),
            ("erf", (26.6,)),  # the derivative has few digits
            ("erf", (-5.8,)),  # the last bits of the square matter
            ("erf", (1e200,)),
            ("tanh", (1e-8,)),
            ("tanh", (1000.0,)),
            ("tanh", (-1000.0,)),
            ("tanh", (372.4,)),  # the derivative has few digits
            ("tanh", (-372.4,)),
            ("sigmoid", (1000.0,)),
            ("sigmoid", (-1000.0,)),
            ("sigmoid", (744.9,)),
            ("sigmoid", (-744.9,)),
            ("sigmoid", (-2.6911181003789606,)),
            ("log1p", (-1.0 + 2.0**-53,)),
            ("log1p", (5e-324,)),
            ("expm1", (-5e-324,)),
            ("expm1", (-745.0,)),
            ("tan", (1.5707963267948966,)),  # pi / 2, to the last place
            ("sin", (1e308,)),
            ("sqrt", (5e-324,)),
            ("sqrt", (1.7e308,)),
        ],
    )
    def test_where_it_is_hard(self, sg, name, point):
        (op,) = (op for op in OPS if op.name == name)
        check(sg, op, *point)

    def test_the_check_notices_the_usual_formulas(self, sg):
        """Those that are right on paper: 1 - y*y, y*(1 - y), -a/(b*b), n * x**(n-1)."""
        wrong: list[tuple[str, Callable[..., Any], tuple[float, ...]]] = [
            ("tanh", lambda y, x: (1.0 - y * y,), (9.0,)),
            ("sigmoid", lambda y, x: (y * (1.0 - y),), (20.0,)),
            ("/", lambda y, a, b: (1.0 / b, -a / (b * b) if b * b else math.nan), (1e-200, 1e-200)),
            ("**", lambda y, x, n: (n * x ** (n - 1.0), y * math.log(x)), (0.48, 1000.0)),
        ]
        for name, local_grads, point in wrong:
            (op,) = (op for op in OPS if op.name == name)
            formula = op._replace(
                on_values=lambda sg, *x, op=op, local_grads=local_grads: sg.Value(
                    y := op.on_floats(*(v.data for v in x)),
                    x,
                    local_grads(y, *(v.data for v in x)),
                )
            )
            with pytest.raises(AssertionError):
                check(sg, formula, *point)
            check(sg, op, *point)


# Functions of rows. Logits that are multiples of 1/16 are subtracted from each other exactly, as
# are most that people see; in general the subtraction of d = top - x rounds by d u, which the
# exponential turns into a relative error of d u.

rows = st.integers(1, 6).flatmap(
    lambda n: st.lists(st.floats(-700.0, 700.0), min_size=n, max_size=n)
)
even_rows = st.lists(st.integers(-11200, 11200).map(lambda k: k / 16), min_size=1, max_size=6)


def jacobian_row(sg: Any, results: Any, i: int, x: Any) -> list[float]:
    """The derivatives of result i by each x, by backward, from one gradient of 1."""
    for v in x:
        v.grad = 0.0
    results[i].backward()
    return [v.grad for v in x]


def near(number: float, exact: Any, relative: float, absolute: Any = 0.0) -> bool:
    """Whether `number` is `exact` to within relative * |exact| + absolute, and one quantum."""
    with mpmath.workprec(PRECISION_BITS):
        tolerance = relative * mpmath.fabs(exact) + absolute + QUANTUM
        return bool(mpmath.fabs(mpf(number) - exact) <= tolerance)


class TestSoftmax:
    def check(self, sg, numbers, spread):
        """Each exponential is off by 2 + d roundings, d the spread if logits are not even, their
        sum by n more, and the quotient by 1. Of the derivatives, those by the most likely logit
        take one from 1 - (1 - 1/n) at the worst, which makes errors n times larger.
        """
        n = len(numbers)
        relative = (2.0 * (3.0 + spread) + n + 1.0) * U
        x = sg.nn.vector(numbers)
        p = sg.nn.softmax(x)
        for i in range(n):
            exact = exact_softmax(i)
            assert near(p[i].data, exact_derivative(exact, tuple(numbers)), relative)
            for j, slope in enumerate(jacobian_row(sg, p, i, x)):
                exact_slope = exact_derivative(exact, tuple(numbers), j)
                if n == 1:
                    assert slope == 0.0
                else:
                    assert near(slope, exact_slope, 2.0 * (n + 1.0) * relative), (i, j)

    @settings(max_examples=examples(50))
    @given(numbers=even_rows)
    @example(numbers=[1000.0, 0.0])
    @example(numbers=[40.0, 0.0])
    @example(numbers=[0.0, 0.0, 740.0])
    def test_of_even_logits(self, sg, numbers):
        self.check(sg, numbers, 0.0)

    @settings(max_examples=examples(50))
    @given(numbers=rows)
    @example(numbers=[1e-200, -1e-200])
    def test_of_any_logits(self, sg, numbers):
        self.check(sg, numbers, max(numbers) - min(numbers))

    @given(x=st.floats(-740.0, 740.0))
    @example(x=40.0)
    def test_of_a_number_and_0_is_the_sigmoid(self, sg, x):
        """Also where it is so near to 1 that p (1 - p) would be 0."""
        logits, number = sg.nn.vector([x, 0.0]), sg.Value(x)
        p, s = sg.nn.softmax(logits)[0], number.sigmoid()
        p.backward()
        s.backward()
        assert p.data == pytest.approx(s.data, rel=1e-15, abs=QUANTUM)
        assert logits[0].grad == pytest.approx(number.grad, rel=3e-15, abs=4 * QUANTUM)
        assert logits[1].grad == pytest.approx(-number.grad, rel=3e-15, abs=4 * QUANTUM)

    def test_of_1000_and_0(self, sg):
        x = sg.nn.vector([1000.0, 0.0])
        p = sg.nn.softmax(x)
        assert [v.data for v in p] == [1.0, 0.0]
        for i in (0, 1):
            assert jacobian_row(sg, p, i, x) == [0.0, 0.0]


class TestCrossEntropy:
    def check(self, sg, numbers, target, spread):
        """As for softmax; the logarithm adds 2 roundings, and both terms of the loss are positive.

        The derivative by the target is a sum of up to n - 1 probabilities.
        """
        n = len(numbers)
        relative = (2.0 * (3.0 + spread) + 2.0 * n + 3.0) * U
        x = sg.nn.vector(numbers)
        loss = sg.nn.cross_entropy(x, target)
        exact = exact_cross_entropy(target)
        assert near(loss.data, exact_derivative(exact, tuple(numbers)), relative)
        for j, slope in enumerate(jacobian_row(sg, [loss], 0, x)):
            assert near(slope, exact_derivative(exact, tuple(numbers), j), relative), j

    @settings(max_examples=examples(50))
    @given(numbers=even_rows, choice=st.integers(0, 5))
    @example(numbers=[0.0, -800.0], choice=0)
    @example(numbers=[0.0, -800.0], choice=1)
    @example(numbers=[0.0, 800.0], choice=0)
    @example(numbers=[0.0, 800.0], choice=1)
    @example(numbers=[0.0, -40.0], choice=0)
    def test_of_even_logits(self, sg, numbers, choice):
        self.check(sg, numbers, choice % len(numbers), 0.0)

    @settings(max_examples=examples(50))
    @given(numbers=rows, choice=st.integers(0, 5))
    def test_of_any_logits(self, sg, numbers, choice):
        self.check(sg, numbers, choice % len(numbers), max(numbers) - min(numbers))

    def test_of_0_and_minus_800(self, sg):
        for numbers, target, loss, slopes in (
            ([0.0, -800.0], 1, 800.0, [1.0, -1.0]),
            ([0.0, -800.0], 0, 0.0, [0.0, 0.0]),
            ([0.0, 800.0], 0, 800.0, [-1.0, 1.0]),
            ([0.0, 800.0], 1, 0.0, [0.0, 0.0]),
        ):
            x = sg.nn.vector(numbers)
            y = sg.nn.cross_entropy(x, target)
            assert y.data == loss
            assert jacobian_row(sg, [y], 0, x) == slopes


class TestRmsnorm:
    def check(self, sg, numbers, eps):
        """A mean of n squares is off by n + 2 roundings, its root by half of that and 2 more, and
        each product by 1. The derivative scale (g - y mean(g y)) is a difference: what it may be
        off by is in proportion to its terms, and n products g y may underflow in it.
        """
        n = len(numbers)
        relative = (0.5 * (n + 2.0) + 5.0) * U
        x = sg.nn.vector(numbers)
        y = sg.nn.rmsnorm(x, eps)
        with mpmath.workprec(PRECISION_BITS):
            mean_square = sum(mpf(v) ** 2 for v in numbers) / n + mpf(eps)
            scale = 1 / mpmath.sqrt(mean_square)
        for i in range(n):
            exact = exact_rmsnorm(i, eps)
            exact_y = exact_derivative(exact, tuple(numbers))
            assert near(y[i].data, exact_y, relative)
            for j, slope in enumerate(jacobian_row(sg, y, i, x)):
                exact_slope = exact_derivative(exact, tuple(numbers), j)
                with mpmath.workprec(PRECISION_BITS):
                    terms = scale * ((i == j) + mpmath.fabs(exact_y * mpf(numbers[j]) * scale) / n)
                    bound = (4.0 * relative + 2.0 * U) * terms + scale * n * QUANTUM
                assert near(slope, exact_slope, 0.0, bound), (i, j)

    @settings(max_examples=examples(50))
    @given(numbers=rows, eps=st.sampled_from([1e-5, 0.5, 1e-12]))
    def test_of_usual_rows(self, sg, numbers, eps):
        self.check(sg, numbers, eps)

    @settings(max_examples=examples(60))
    @given(numbers=rows, exponent=st.integers(-950, 1000), eps=st.sampled_from([0.0, 1e-5, 1e-300]))
    @example(numbers=[1.0, 2.0], exponent=-664, eps=0.0)  # about 1e-200: the squares are 0
    @example(numbers=[1.0, -2.0], exponent=664, eps=1e-5)  # about 1e200: the squares are inf
    @example(numbers=[1.0, 2.0], exponent=-510, eps=0.0)  # the squares have few digits
    @example(numbers=[3.0], exponent=-500, eps=1e-300)
    def test_of_rows_of_any_size(self, sg, numbers, exponent, eps):
        scaled = [math.ldexp(x, exponent) for x in numbers]
        assume(max(map(abs, scaled)) > 1e-300)
        self.check(sg, scaled, eps)

    @pytest.mark.parametrize("size", [1e-300, 1e-200, 1e-160, 1e160, 1e200, 1e300])
    def test_does_not_see_the_size_of_the_row(self, sg, size):
        exact = [v.data for v in sg.nn.rmsnorm([3.0, -4.0, 12.0], eps=0.0)]
        y = sg.nn.rmsnorm([3.0 * size, -4.0 * size, 12.0 * size], eps=0.0)
        assert [v.data for v in y] == pytest.approx(exact, rel=1e-15)


class TestSumsOfProducts:
    """A sum of n products from left to right is off by at most n u times the sum of their sizes
    (Higham 2002, Accuracy and Stability of Numerical Algorithms, section 3.1).
    """

    number = st.floats(-1e100, 1e100)

    @settings(max_examples=examples(200))
    @given(pairs=st.lists(st.tuples(number, number), min_size=1, max_size=20), bias=number)
    @example(pairs=[(1e16, 1.0), (1.0, 1.0), (-1e16, 1.0)], bias=0.0)  # gives 0, for 1
    def test_dot_and_linear(self, sg, pairs, bias):
        a, b = ([pair[i] for pair in pairs] for i in (0, 1))
        with mpmath.workprec(PRECISION_BITS):
            products = [mpf(x) * mpf(y) for x, y in pairs]
            total, size = mpmath.fsum(products), mpmath.fsum(products, absolute=True)
            bound, biased_bound = len(a) * U * size, (len(a) + 1) * U * (size + abs(bias))
            biased = total + bias
        assert near(sg.nn.dot(a, b).data, total, 1e-30, bound)
        assert near(sg.nn.linear(a, [b], [bias])[0].data, biased, 1e-30, biased_bound)

    @settings(max_examples=examples(200))
    @given(numbers=st.lists(number, min_size=1, max_size=20))
    @example(numbers=[1e16, 1.0, -1e16])  # gives 0, for 1
    @example(numbers=[0.1] * 10)
    def test_sum_and_mean(self, sg, numbers):
        """A sum of n has n - 1 roundings, and a mean one more."""
        row, n = sg.nn.vector(numbers), len(numbers)
        with mpmath.workprec(PRECISION_BITS):
            total, size = mpmath.fsum(numbers), mpmath.fsum(numbers, absolute=True)
            mean, bound = total / n, (n - 1) * U * size
        assert near(row.sum().data, total, 1e-30, bound)
        assert near(row.mean().data, mean, U, (bound * (1 + U)) / n)

    @settings(max_examples=examples(100))
    @given(data=st.data(), n=st.integers(1, 5), m=st.integers(1, 5))
    def test_weighted_sum_and_its_gradients(self, sg, data, n, m):
        """Of n products the results, of m the gradients of the weights, and of 1 those of rows."""
        draw = lambda count: data.draw(  # noqa: E731
            st.lists(st.floats(-1e100, 1e100), min_size=count, max_size=count)
        )
        weights, up = sg.nn.vector(draw(n)), draw(m)
        rows = [sg.nn.vector(draw(m)) for _ in range(n)]
        y = sg.nn.weighted_sum(weights, rows)
        sg.nn.dot(y, up).backward()
        with mpmath.workprec(PRECISION_BITS):
            for j, yj in enumerate(y):
                products = [mpf(w.data) * mpf(row[j].data) for w, row in zip(weights, rows)]
                size = mpmath.fsum(products, absolute=True)
                assert near(yj.data, mpmath.fsum(products), 1e-30, n * U * size)
            for weight, row in zip(weights, rows):
                products = [mpf(g) * mpf(x) for g, x in zip(up, row.data)]
                size = mpmath.fsum(products, absolute=True)
                assert near(weight.grad, mpmath.fsum(products), 1e-30, m * U * size)
                assert row.grad == tuple(weight.data * g for g in up)

    @settings(max_examples=examples(50))
    @given(data=st.data(), n=st.integers(1, 5), m=st.integers(1, 5))
    def test_gradients_of_linear(self, sg, data, n, m):
        """By x, sums of m products; by w, products; by b, exact."""
        draw = lambda count: data.draw(  # noqa: E731
            st.lists(st.floats(-1e100, 1e100), min_size=count, max_size=count)
        )
        x, b, up = sg.nn.vector(draw(n)), sg.nn.vector(draw(m)), draw(m)
        w = [sg.nn.vector(draw(n)) for _ in range(m)]
        sg.nn.dot(sg.nn.linear(x, w, b), up).backward()
        with mpmath.workprec(PRECISION_BITS):
            for j, xj in enumerate(x):
                products = [mpf(g) * mpf(row[j].data) for g, row in zip(up, w)]
                size = mpmath.fsum(products, absolute=True)
                assert near(xj.grad, mpmath.fsum(products), 1e-30, m * U * size)
        for g, row in zip(up, w):
            assert [v.grad for v in row] == [g * v.data for v in x]
        assert [v.grad for v in b] == up
