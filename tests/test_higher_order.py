"""Second and third derivatives, by `grad(..., create_graph=True)`, and what they are good for.

They are compared with nested difference quotients in arithmetic of a thousand digits; with PyTorch
in test_against_torch.py.
"""

import math
from collections.abc import Callable
from itertools import combinations_with_replacement, product
from typing import Any

import mpmath
import numpy as np
import pytest
from effort import engines_in_turn, examples
from hypothesis import given, settings
from hypothesis import strategies as st
from op_table import OPS, Op
from oracles import (
    exact_cross_entropy,
    exact_derivative,
    exact_logsumexp,
    exact_rmsnorm,
    exact_softmax,
)

every_op = pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
ORDERS = pytest.mark.parametrize("order", [1, 2, 3])


def derivative(sg: Any, output: Any, inputs: Any, by: tuple[int, ...]) -> Any:
    """d/d inputs[i] d/d inputs[j] ... output, for i, j, ... in `by`; inputs is a row or a list."""
    for i in by:
        (slopes,) = sg.grad(output, [inputs], create_graph=True)
        output = slopes[i]
    return output


class TestOperations:
    @engines_in_turn
    @every_op
    @ORDERS
    def test_agree_with_mathematics(self, sg, op: Op, order: int):
        points = [p for p in op.smooth if all(x == 0.0 or 1e-2 <= abs(x) <= 1e3 for x in p)]
        assert points
        for point in points:
            self.check(sg, op, point, order)

    @pytest.mark.parametrize(
        ("name", "number"),
        [("tanh", 9.0), ("tanh", -20.0), ("sigmoid", 40.0), ("sigmoid", -40.0), ("expm1", -30.0)],
    )
    @ORDERS
    def test_keep_all_digits_where_the_operation_is_nearly_flat(self, sg, name, number, order):
        (op,) = (op for op in OPS if op.name == name)
        self.check(sg, op, (number,), order)

    @pytest.mark.parametrize("number", [1e-200, -1e-100, 1e-20, -1e-9, 1e-4, 0.9, -1.1])
    @pytest.mark.parametrize("name", ["sigmoid", "softplus", "tanh", "erf", "atan", "sinh"])
    def test_keep_all_digits_next_to_0(self, sg, name, number):
        """Where the second derivative of most of them is 0, and 1 - 2 sigmoid(x) cancels."""
        (op,) = (op for op in OPS if op.name == name)
        for order in (2, 3) if abs(number) > 1e-90 else (2,):
            x = sg.Value(number)
            result = derivative(sg, op.on_values(sg, x), [x], (0,) * order)
            exact = float(exact_derivative(op.exact, (number,), *(0,) * order))
            assert result.data == pytest.approx(exact, rel=1e-14)

    @pytest.mark.parametrize(
        ("x", "n", "by"),
        [
            *product([1e-200, 3e-163], [2.0], [(0, 1), (1, 0), (1, 0, 0), (0, 0, 1), (1, 1)]),
            *product([1e-107, 5e-130], [3.0, 2.5], [(0, 1), (1, 0), (0, 0, 1), (0, 1, 0)]),
            *product([1e-102, 1e-60], [4.6, 5.0], [(0, 0), (0, 0, 0), (1, 0), (0, 0, 1)]),
            *product([1e-200], [1.7], [(0, 0), (0, 1), (1, 0)]),
        ],
    )
    def test_of_powers_too_small_for_a_float(self, sg, x, n, by):
        """x**n is 0 there, and so is n x**(n-1); their derivatives are not."""
        operands = [sg.Value(x), sg.Value(n)]
        result = derivative(sg, operands[0] ** operands[1], operands, by)
        exact = float(exact_derivative(mpmath.power, (x, n), *by))
        assert result.data == pytest.approx(exact, rel=1e-13, abs=1e-307)

    @pytest.mark.parametrize(("n", "second"), [(2.0, 2.0), (3.0, 6e-310)])
    def test_of_low_powers_of_numbers_of_few_digits(self, sg, n, second):
        x = sg.Value(1e-310)
        (slope,) = sg.grad(x**n, [x], create_graph=True)
        assert sg.grad(slope, [x]) == (second,)

    @every_op
    @settings(max_examples=examples(30))
    @given(a=st.floats(0.125, 8.0), b=st.floats(0.01, 8.0) | st.floats(-8.0, -0.01))
    def test_at_any_numbers(self, sg, op: Op, a: float, b: float):
        if op.name in ("maximum", "minimum") and a == b:
            return
        if op.name == "/" and abs(b) < 0.125:
            b += 1.0
        if op.name in ("asin", "acos"):
            a /= 8.25
        self.check(sg, op, (a, b)[: len(op.smooth[0])], 3)

    def check(self, sg, op, point, order):
        for by in combinations_with_replacement(range(len(point)), order):
            operands = [sg.Value(x) for x in point]
            result = derivative(sg, op.on_values(sg, *operands), operands, by)
            exact = float(exact_derivative(op.exact, point, *by))
            # The product rule makes sums, and some of them cancel where a derivative is 0; their
            # terms are no larger than the derivatives of first to third order around it.
            size = max(
                abs(float(exact_derivative(op.exact, point, *some)))
                for n in range(len(by) + 1)
                for some in combinations_with_replacement(range(len(point)), n)
            )
            assert math.isclose(result.data, exact, rel_tol=1e-12, abs_tol=1e-15 * size), by


def all_together(*x):
    y = [xi / mpmath.sqrt(sum(xj * xj for xj in x) / 3 + mpmath.mpf(0.25)) for xi in x]
    z = [sum(xi * yi for xi, yi in zip(x, y)), y[0] + x[0] * y[1] + 2 * y[2]]
    p = [mpmath.exp(zi) / sum(map(mpmath.exp, z)) for zi in z]
    return mpmath.log(sum(map(mpmath.exp, p))) - p[0]


# Functions of three numbers, on Values and on mpmath's numbers.
OF_ROWS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "softmax[0]": (lambda nn, x: nn.softmax(x)[0], exact_softmax(0)),
    "softmax[2]": (lambda nn, x: nn.softmax(x)[2], exact_softmax(2)),
    "rmsnorm[0]": (lambda nn, x: nn.rmsnorm(x, eps=0.25)[0], exact_rmsnorm(0, 0.25)),
    "rmsnorm[1]": (lambda nn, x: nn.rmsnorm(x, eps=0.25)[1], exact_rmsnorm(1, 0.25)),
    "cross_entropy": (lambda nn, x: nn.cross_entropy(x, 1), exact_cross_entropy(1)),
    "cross_entropy of a row": (
        lambda nn, x: nn.cross_entropy(x, [0.25, x[0], 0.5]),
        lambda *x: sum(
            t * exact_logsumexp(*x) - t * xi for t, xi in zip((mpmath.mpf(0.25), x[0], 0.5), x)
        ),
    ),
    "logsumexp": (lambda nn, x: nn.logsumexp(x), exact_logsumexp),
    "dot": (
        lambda nn, x: nn.dot(x, [x[1], 3.0, x[1]]),
        lambda a, b, c: a * b + 3 * b + c * b,
    ),
    "linear": (
        lambda nn, x: nn.linear(x[:2], [x[1:], [x[0], x[0]]])[0] ** 2,
        lambda a, b, c: (a * b + b * c) ** 2,
    ),
    "linear with bias": (
        lambda nn, x: nn.linear(x[:2], [x[1:], [x[0], x[0]]], [x[2], x[0]])[0] ** 2,
        lambda a, b, c: (a * b + b * c + c) ** 2,
    ),
    "sum": (lambda nn, x: (x * x * x).sum() ** 2, lambda a, b, c: (a**3 + b**3 + c**3) ** 2),
    "mean": (
        lambda nn, x: (x * x * x).mean() ** 2,
        lambda a, b, c: ((a**3 + b**3 + c**3) / 3) ** 2,
    ),
    "weighted_sum": (
        lambda nn, x: nn.weighted_sum(x[:2], [x[1:], [x[0], x[0]]])[1] ** 2,
        lambda a, b, c: (a * c + b * a) ** 2,
    ),
    "concatenate": (
        lambda nn, x: nn.concatenate([x[1:], x, [2.0]])[3] ** 3,
        lambda a, b, c: b**3,
    ),
    "all together": (
        lambda nn, x: nn.cross_entropy(
            nn.softmax(nn.linear(nn.rmsnorm(x, eps=0.25), [x, [1.0, x[0], 2.0]])), 0
        ),
        lambda *x: all_together(*x),
    ),
}


class TestFunctionsOfRows:
    def test_none_is_missing(self, sg):
        from scalargrad.engine.reference.fused import ROW_OPERATIONS

        names = {name.partition("[")[0].partition(" ")[0] for name in OF_ROWS}
        assert names - {"all"} == set(ROW_OPERATIONS)

    @engines_in_turn
    @pytest.mark.parametrize("name", OF_ROWS)
    @pytest.mark.parametrize("point", [(0.5, -1.25, 0.75), (0.0, 0.0, 0.0), (3.0, 1.0, -2.0)])
    @ORDERS
    def test_agree_with_mathematics(self, sg, name, point, order):
        function, exact = OF_ROWS[name]
        for by in combinations_with_replacement(range(3), order):
            x = sg.nn.vector(point)
            result = derivative(sg, function(sg.nn, x), x, by)
            expected = float(exact_derivative(exact, point, *by))
            assert result.data == pytest.approx(expected, rel=1e-12, abs=2e-14), by

    @pytest.mark.parametrize("name", ["softmax[0]", "softmax[2]", "logsumexp", "cross_entropy"])
    @ORDERS
    def test_of_saturated_logits(self, sg, name, order):
        """With a probability next to 1, and the others about 1e-16 and 1e-18."""
        function, exact = OF_ROWS[name]
        for point in ((40.0, 3.0, 0.0), (0.0, 40.0, 1.5)):
            for by in combinations_with_replacement(range(3), order):
                x = sg.nn.vector(point)
                result = derivative(sg, function(sg.nn, x), x, by)
                expected = float(exact_derivative(exact, point, *by))
                assert result.data == pytest.approx(expected, rel=1e-12, abs=1e-33), (point, by)

    @pytest.mark.parametrize("size", [1e-200, 1e200])
    def test_of_rmsnorm_of_a_row_whose_squares_are_no_floats(self, sg, size):
        """y(c x) = y(x): each derivative of order k falls as c**-k."""
        small, large = sg.nn.vector([3.0, -4.0, 12.0]), sg.nn.vector([3.0, -4.0, 12.0])
        for x in large:
            x.data *= size
        for i, j in product(range(3), repeat=2):
            by = (i, j) if size > 1.0 else (i,)
            near = derivative(sg, sg.nn.rmsnorm(small, 0.0)[0], small, by).data
            far = derivative(sg, sg.nn.rmsnorm(large, 0.0)[0], large, by).data
            for _ in by:
                far *= size
            assert far == pytest.approx(near if size < 1.0 else 0.0, rel=1e-13, abs=1e-17)


class TestWhatTheyAreGoodFor:
    def test_a_hessian(self, sg):
        """Row i holds the derivatives of slope i."""
        x, y = sg.Value(1.0), sg.Value(2.0)
        f = x**3 * y + y.sin()
        slopes = sg.grad(f, [x, y], create_graph=True)
        hessian = [sg.grad(slope, [x, y]) for slope in slopes]
        assert hessian == [(12.0, 3.0), (3.0, -math.sin(2.0))]

    def test_newtons_method_finds_the_minimum_of_a_parabola_at_once(self, sg):
        def loss(x, y):
            return 3.0 * x * x + 2.0 * x * y + 4.0 * y * y + 5.0 * x - 6.0 * y

        x, y = newton_step(sg, loss, 5.0, -7.0)
        values = [sg.Value(x), sg.Value(y)]
        assert sg.grad(loss(*values), values) == pytest.approx((0.0, 0.0), abs=1e-13)

    def test_newtons_method_in_a_curved_valley(self, sg):
        """Rosenbrock's function: thousands of steps down the gradient, six of Newton's."""

        def rosenbrock(x, y):
            return (1.0 - x) ** 2 + 100.0 * (y - x * x) ** 2

        x, y = -1.2, 1.0
        for _ in range(6):
            x, y = newton_step(sg, rosenbrock, x, y)
        assert (x, y) == pytest.approx((1.0, 1.0), abs=1e-9)

    def test_halleys_method_triples_the_digits_at_each_step(self, sg):
        """Of a root of f, with f' and f''."""
        x = 1.5
        for _ in range(3):
            v = sg.Value(x)
            f = v * v - 2.0
            (first,) = sg.grad(f, [v], create_graph=True)
            (second,) = sg.grad(first, [v])
            x -= 2.0 * f.data * first.data / (2.0 * first.data**2 - f.data * second)
        assert x == pytest.approx(math.sqrt(2.0), rel=1e-15)

    def test_a_taylor_series(self, sg):
        x = sg.Value(0.0)
        term, series = x.exp() * x.sin(), []
        for n in range(6):
            series.append(term.data / math.factorial(n))
            (term,) = sg.grad(term, [x], create_graph=True)
        assert series == pytest.approx([0.0, 1.0, 1.0, 1 / 3, 0.0, -1 / 30], abs=1e-16)

    def test_a_product_of_hessian_and_vector_without_the_hessian(self, sg):
        x = sg.nn.vector([0.5, -1.0, 2.0])
        direction = [1.0, 2.0, -1.0]
        loss = sg.nn.cross_entropy(x, 1) + sg.nn.dot(x, x) ** 2
        (slopes,) = sg.grad(loss, x, create_graph=True)
        hessian = np.array([sg.grad(slope, x)[0].data for slope in slopes])
        (along,) = sg.grad(sg.nn.dot(slopes, direction), x)
        assert list(along.data) == pytest.approx((hessian @ direction).tolist(), rel=1e-13)


def newton_step(sg: Any, f: Callable[..., Any], *at: float) -> tuple[float, ...]:
    """Where the parabola that touches `f` at this point has its minimum."""
    x = [sg.Value(number) for number in at]
    slopes = sg.grad(f(*x), x, create_graph=True)
    hessian = [sg.grad(slope, x) for slope in slopes]
    step = np.linalg.solve(hessian, [slope.data for slope in slopes])
    return tuple(number - s for number, s in zip(at, step.tolist()))
