"""nn: every function of rows against scalar operators, against mathematics, and its refusals."""

import math
import random
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import (
    exact_cross_entropy,
    exact_derivative,
    exact_logsumexp,
    exact_rmsnorm,
    exact_softmax,
    ulps,
)

# Rows of numbers in every shape that a function accepts. Each gives the leaves whose gradients
# count, and the argument.
FORMS: dict[str, Callable[..., tuple[Any, Any]]] = {}


def form(build: Callable[..., tuple[Any, Any]]) -> Callable[..., tuple[Any, Any]]:
    FORMS[build.__name__.replace("_", " ")] = build
    return build


@form
def parameters(sg, numbers):
    row = sg.nn.vector(numbers)
    return row, row


@form
def a_list_of_values(sg, numbers):
    values = [sg.Value(x) for x in numbers]
    return values, values


@form
def a_tuple_of_values(sg, numbers):
    values = tuple(sg.Value(x) for x in numbers)
    return values, values


@form
def a_generator(sg, numbers):
    values = [sg.Value(x) for x in numbers]
    return values, (value for value in values)


@form
def a_vector_of_values(sg, numbers):
    values = [sg.Value(x) for x in numbers]
    return values, sg.Vector(values)


@form
def part_of_a_row(sg, numbers):
    row = sg.nn.vector([9.0, *numbers, 8.0])
    return row, row[1:-1]


@form
def part_of_a_vector_of_values(sg, numbers):
    values = [sg.Value(x) for x in (9.0, *numbers, 8.0)]
    return values, sg.Vector(values)[1:-1]


@form
def every_other_number_of_a_row(sg, numbers):
    row = sg.nn.vector([x for number in numbers for x in (number, 9.0)])
    return row, row[::2]


@form
def values_and_plain_numbers(sg, numbers):
    values = [sg.Value(x) for x in numbers[:-1]]
    return values, [*values, numbers[-1]]


@form
def plain_numbers(sg, numbers):
    return (), list(numbers)


@form
def an_array(sg, numbers):
    return (), np.array(numbers)


@form
def the_same_value_every_time(sg, numbers):
    value = sg.Value(numbers[0])
    return [value], [value] * len(numbers)


@form
def computed_numbers(sg, numbers):
    leaves = sg.nn.vector(numbers)
    return leaves, [x * 1.5 for x in leaves]


@form
def a_computed_row(sg, numbers):
    leaves = sg.nn.vector(numbers)
    return leaves, sg.nn.linear([0.5, -1.0], [[x, 0.25] for x in leaves])


every_form = pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))


# The functions, on rows x, u, v of one length and b of two numbers; and by hand, on lists.


def product(x, row):
    total = x[0] * row[0]
    for a, b in zip(x[1:], row[1:]):
        total = total + a * b
    return total


def total(numbers):
    """From 0.0, left to right."""
    result = 0.0
    for x in numbers:
        result = result + x
    return result


def softmax_by_hand(x):
    exponentials = [xi.exp() for xi in x]
    return [e / sum(exponentials) for e in exponentials]


def rmsnorm_by_hand(x, eps):
    return [xi / (product(x, x) / len(x) + eps).sqrt() for xi in x]


def as_vector(nn, x):
    """The row, which the methods sum and mean are asked of; a function takes any sequence."""
    return nn.Vector(x)


FUNCTIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "linear": (
        lambda nn, x, u, v, b: nn.linear(x, [u, v]),
        lambda x, u, v, b: [product(x, u), product(x, v)],
    ),
    "linear with bias": (
        lambda nn, x, u, v, b: nn.linear(x, [u, v], b),
        lambda x, u, v, b: [product(x, u) + b[0], product(x, v) + b[1]],
    ),
    "dot": (
        lambda nn, x, u, v, b: [nn.dot(x, u)],
        lambda x, u, v, b: [product(x, u)],
    ),
    "weighted_sum": (
        lambda nn, x, u, v, b: nn.weighted_sum(b, [u, v]),
        lambda x, u, v, b: [product(b, column) for column in zip(u, v)],
    ),
    "concatenate": (
        lambda nn, x, u, v, b: nn.concatenate([b, x]),
        lambda x, u, v, b: [*b, *x],
    ),
    "sum": (
        lambda nn, x, u, v, b: [as_vector(nn, x).sum()],
        lambda x, u, v, b: [total(x)],
    ),
    "mean": (
        lambda nn, x, u, v, b: [as_vector(nn, x).mean()],
        lambda x, u, v, b: [total(x) / len(x)],
    ),
    "softmax": (
        lambda nn, x, u, v, b: nn.softmax(x),
        lambda x, u, v, b: softmax_by_hand(x),
    ),
    "rmsnorm": (
        lambda nn, x, u, v, b: nn.rmsnorm(x),
        lambda x, u, v, b: rmsnorm_by_hand(x, 1e-5),
    ),
    "rmsnorm with eps": (
        lambda nn, x, u, v, b: nn.rmsnorm(x, eps=0.5),
        lambda x, u, v, b: rmsnorm_by_hand(x, 0.5),
    ),
    "logsumexp": (
        lambda nn, x, u, v, b: [nn.logsumexp(x)],
        lambda x, u, v, b: [total([xi.exp() for xi in x]).log()],
    ),
    "cross_entropy": (
        lambda nn, x, u, v, b: [nn.cross_entropy(x, 1)],
        lambda x, u, v, b: [-softmax_by_hand(x)[1].log()],
    ),
}
every_function = pytest.mark.parametrize("function", FUNCTIONS)


def run(sg, form, function, rows, *, by_hand):
    """The results, and the gradients of all leaves when the results are added up with weights."""
    built = [form(sg, numbers) for numbers in rows]
    if by_hand:
        as_values = [
            [x if isinstance(x, sg.Value) else sg.Value(x) for x in argument]
            for _, argument in built
        ]
        results = FUNCTIONS[function][1](*as_values)
    else:
        results = FUNCTIONS[function][0](sg.nn, *(argument for _, argument in built))
    sum(weight * y for weight, y in zip((1.0, -2.0, 0.5, 3.0), results)).backward()
    return [y.data for y in results], [x.grad for leaves, _ in built for x in leaves]


class TestComposition:
    def test_no_function_is_missing_here(self, sg):
        from scalargrad.engine.reference.fused import ROW_OPERATIONS

        tested = {name.partition(" ")[0] for name in FUNCTIONS}
        assert tested == set(ROW_OPERATIONS)
        assert tested - {"sum", "mean"} == set(sg.nn.__all__) - {"vector", "matrix"}

    @every_function
    @every_form
    def test_equals_the_same_formula_in_scalar_operators(self, sg, form, function):
        rows = [(0.5, -1.25, 2.0), (1.5, 0.25, -0.75), (-2.0, 1.0, 0.125), (0.375, -1.5)]
        fused = run(sg, form, function, rows, by_hand=False)
        by_hand = run(sg, form, function, rows, by_hand=True)
        assert fused[0] == pytest.approx(by_hand[0], rel=4e-16, abs=4e-16)
        assert fused[1] == pytest.approx(by_hand[1], rel=2e-15, abs=2e-15)

    @every_function
    @given(data=st.data(), n=st.integers(1, 4))
    def test_for_any_numbers_and_sizes(self, sg, function, data, n):
        number = st.floats(-3.0, 3.0)
        sizes = [max(n, 2) if "cross" in function else n] * 3 + [2]
        rows = [data.draw(st.lists(number, min_size=n, max_size=n)) for n in sizes]
        fused = run(sg, parameters, function, rows, by_hand=False)
        by_hand = run(sg, parameters, function, rows, by_hand=True)
        assert fused[0] == pytest.approx(by_hand[0], rel=1e-14, abs=1e-14)
        # next to 0, where rmsnorm is steep, gradients are large and nearly cancel
        scale = max([1.0, *map(abs, by_hand[1])])
        assert fused[1] == pytest.approx(by_hand[1], rel=1e-12, abs=1e-13 * scale)

    @every_function
    def test_the_local_grads_of_each_number_are_its_own_gradient(self, sg, function):
        rows = [sg.nn.vector(x) for x in [(0.5, -1.25, 2.0), (1.5, 0.25, -0.75)]]
        v, b = sg.nn.vector([-2.0, 1.0, 0.125]), sg.nn.vector([0.375, -1.5])
        for y in FUNCTIONS[function][0](sg.nn, *rows, v, b):
            leaves = list(dict.fromkeys(y.parents))
            shares = dict.fromkeys(leaves, 0.0)
            for parent, local_grad in zip(y.parents, y.local_grads):
                shares[parent] += local_grad
            for leaf in leaves:
                leaf.grad = 0.0
            y.backward()
            assert [leaf.grad for leaf in leaves] == pytest.approx(list(shares.values()), rel=1e-15)


POINTS = [(0.5, -1.25, 2.0), (0.0, 0.0, 0.0), (-30.0, 4.0, -2.0), (1e-3, 2e-3, -1e-3)]


class TestAgainstMathematics:
    @pytest.mark.parametrize("point", POINTS)
    @pytest.mark.parametrize(
        ("function", "exact"),
        [
            (lambda nn, x: nn.softmax(x)[0], exact_softmax(0)),
            (lambda nn, x: nn.softmax(x)[2], exact_softmax(2)),
            (lambda nn, x: nn.rmsnorm(x)[0], exact_rmsnorm(0)),
            (lambda nn, x: nn.rmsnorm(x)[2], exact_rmsnorm(2)),
            (lambda nn, x: nn.logsumexp(x), exact_logsumexp),
            (lambda nn, x: nn.cross_entropy(x, 1), exact_cross_entropy(1)),
        ],
        ids=["softmax[0]", "softmax[2]", "rmsnorm[0]", "rmsnorm[2]", "logsumexp", "cross_entropy"],
    )
    def test_number_and_derivatives(self, sg, function, exact, point):
        y = function(sg.nn, sg.nn.vector(point))
        assert y.data == pytest.approx(float(exact_derivative(exact, point)), rel=1e-15)
        for i, local_grad in enumerate(y.local_grads):
            # the rounding of a sum that cancels is that of its largest term
            exact_grad = float(exact_derivative(exact, point, i))
            assert local_grad == pytest.approx(exact_grad, rel=2e-15, abs=1e-16)

    def test_softmax_does_not_overflow(self, sg):
        assert [p.data for p in sg.nn.softmax([1000.0, 0.0])] == [1.0, 0.0]
        assert [p.data for p in sg.nn.softmax([-1000.0, -1000.0])] == [0.5, 0.5]
        assert [p.data for p in sg.nn.softmax([1e308, -1e308])] == [1.0, 0.0]
        assert [p.data for p in sg.nn.softmax([-math.inf, 0.0])] == [0.0, 1.0]

    def test_softmax_keeps_the_smallest_probabilities(self, sg):
        p = sg.nn.softmax([0.0, -740.0])[1].data
        assert p == math.exp(-740.0) > 0.0

    def test_softmax_of_one_number_is_one(self, sg):
        x = sg.nn.vector([5.0])
        p = sg.nn.softmax(x)[0]
        p.backward()
        assert (p.data, x[0].grad) == (1.0, 0.0)

    def test_nan_spreads(self, sg):
        for x in ([math.nan, 0.0], [0.0, math.nan], [math.inf, 0.0]):
            assert all(math.isnan(p.data) for p in sg.nn.softmax(x)[:1])
            assert math.isnan(sg.nn.cross_entropy(x, 0).data)
        assert all(math.isnan(y.data) for y in sg.nn.rmsnorm([math.nan, 1.0]))

    def test_logsumexp_neither_overflows_nor_rounds_the_others_away(self, sg):
        assert sg.nn.logsumexp([1000.0, 1000.0]).data == 1000.0 + math.log(2.0)
        assert sg.nn.logsumexp([-1000.0, -1000.0]).data == -1000.0 + math.log(2.0)
        assert sg.nn.logsumexp([0.0, -40.0]).data == math.exp(-40.0)
        assert sg.nn.logsumexp([1e308, -1e308]).data == 1e308
        assert sg.nn.logsumexp([5.0]).data == 5.0
        assert sg.nn.logsumexp([-math.inf, 0.0]).data == 0.0
        assert math.isnan(sg.nn.logsumexp([0.0, math.nan]).data)

    def test_cross_entropy_with_probabilities_for_a_target(self, sg):
        """Each target's loss, times its probability; one that is certain is that of an index."""
        x = [0.5, -1.25, 2.0]
        losses = [sg.nn.cross_entropy(x, i).data for i in range(3)]
        for p in ([0.25, 0.25, 0.5], (0.0, 1.0, 0.0), sg.nn.vector([1.0, 0.0, 0.0])):
            numbers = p.data if isinstance(p, sg.Vector) else p
            expected = sum(pi * loss for pi, loss in zip(numbers, losses))
            assert sg.nn.cross_entropy(x, p).data == pytest.approx(expected, rel=1e-15)
        assert sg.nn.cross_entropy([0.0, -40.0], np.array([1.0, 0.0])).data == math.exp(-40.0)
        assert sg.nn.cross_entropy([0.0, -800.0], [0, 1]).data == 800.0

    def test_the_gradient_of_cross_entropy_with_probabilities_is_softmax_less_these(self, sg):
        x, p = sg.nn.vector([0.5, -1.25, 2.0]), sg.nn.vector([0.25, 0.25, 0.5])
        sg.nn.cross_entropy(x, p).backward()
        expected = [s - pi for s, pi in zip(sg.nn.softmax(x).data, p.data)]
        assert x.grad == pytest.approx(expected, rel=1e-14)
        losses = [sg.nn.cross_entropy(x, i).data for i in range(3)]
        assert p.grad == pytest.approx(losses, rel=1e-15)

    def test_cross_entropy_where_the_probability_underflows(self, sg):
        x = sg.nn.vector([0.0, -800.0])
        loss = sg.nn.cross_entropy(x, 1)
        loss.backward()
        assert (loss.data, [v.grad for v in x]) == (800.0, [1.0, -1.0])

    def test_cross_entropy_where_the_probability_rounds_to_one(self, sg):
        """log(softmax) would give 0 for log(1 + e**-40), and softmax - 1 would give 0 as well."""
        x = sg.nn.vector([0.0, -40.0])
        loss = sg.nn.cross_entropy(x, 0)
        loss.backward()
        assert loss.data == math.exp(-40.0)
        for v, sign in zip(x, (-1, 1)):
            with mpmath.workprec(200):
                exact = sign / (1 + mpmath.exp(40))
            assert ulps(v.grad, exact) <= 2.0

    def test_cross_entropy_of_one_logit_is_zero(self, sg):
        x = sg.nn.vector([5.0])
        loss = sg.nn.cross_entropy(x, 0)
        loss.backward()
        assert (loss.data, x[0].grad) == (0.0, 0.0)
        assert repr(loss.local_grads) == "(0.0,)"  # and not -0.0
        assert repr(sg.nn.cross_entropy([math.nan], 0).local_grads) == "(nan,)"

    def test_cross_entropy_with_equal_logits_is_the_logarithm_of_their_number(self, sg):
        assert sg.nn.cross_entropy([3.0] * 27, 5).data == pytest.approx(math.log(27.0), rel=1e-15)

    def test_rmsnorm_of_zeros_is_zero(self, sg):
        x = sg.nn.vector([0.0, 0.0])
        y = sg.nn.rmsnorm(x)
        y[0].backward()
        assert [v.data for v in y] == [0.0, 0.0]
        assert [v.grad for v in x] == pytest.approx([1e-5**-0.5, 0.0], rel=1e-15)

    def test_rmsnorm_of_a_part_is_not_scaled_by_what_is_beyond(self, sg):
        row = sg.nn.vector([1e300, 3e-200, 4e-200, 1e300])
        part = sg.nn.rmsnorm(row[1:3], eps=0.0)
        alone = sg.nn.rmsnorm([3e-200, 4e-200], eps=0.0)
        assert [y.data for y in part] == [y.data for y in alone]
        assert part[0].data == pytest.approx(3.0 / 12.5**0.5, rel=1e-15)

    def test_rmsnorm_of_a_part_of_zeros_is_refused_whatever_is_beyond(self, sg):
        row = sg.nn.vector([1.0, 0.0, 0.0, 1.0])
        with pytest.raises(ZeroDivisionError, match="rmsnorm of 2 numbers, all 0"):
            sg.nn.rmsnorm(row[1:3], eps=0.0)

    @pytest.mark.parametrize("numbers", [[1.0, 2.0], [3e-200, 4e-200], [3e200, 4e200]])
    def test_results_have_no_gradient_yet(self, sg, numbers):
        x = sg.nn.vector([5.0, *numbers, 6.0])[1:3]
        rows = [sg.nn.softmax(x), sg.nn.rmsnorm(x, eps=0.0), sg.nn.linear(x, [x] * 9)]
        results = [sg.nn.dot(x, x), sg.nn.cross_entropy(x, 0), *(y for row in rows for y in row)]
        assert [y.grad for y in results] == [0.0] * 15

    def test_rmsnorm_gives_root_mean_square_one(self, sg):
        y = sg.nn.rmsnorm([3.0, -4.0, 12.0], eps=0.0)
        assert sum(v.data**2 for v in y) / 3 == pytest.approx(1.0, rel=1e-15)


class TestShapes:
    @pytest.mark.parametrize(
        "form", [parameters, part_of_a_row, a_list_of_values, part_of_a_vector_of_values]
    )
    @pytest.mark.parametrize("m", [1, 2, 7, 8, 9, 33])
    @pytest.mark.parametrize("n", [1, 2, 7, 16, 64, 65])
    def test_linear_of_every_size(self, sg, form, m, n):
        """Sums of small integers are exact, in whatever order or number at a time."""
        rng = random.Random(m * 100 + n)
        x, b = ([float(rng.randint(-9, 9)) for _ in range(size)] for size in (n, m))
        w = [[float(rng.randint(-9, 9)) for _ in range(n)] for _ in range(m)]
        up = [float(rng.randint(-9, 9)) for _ in range(m)]
        xs, bs, *ws = (form(sg, row)[1] for row in (x, b, *w))
        y = sg.nn.linear(xs, ws, bs)
        sg.nn.dot(y, up).backward()
        assert isinstance(y, sg.Vector)
        assert [v.data for v in y] == (np.array(w) @ x + b).tolist()
        assert [v.grad for v in xs] == (np.array(up) @ w).tolist()
        assert [[v.grad for v in row] for row in ws] == np.outer(up, x).tolist()
        assert [v.grad for v in bs] == up

    @pytest.mark.parametrize("n", [63, 64, 65, 128, 129, 200])
    @pytest.mark.parametrize("form", [parameters, a_list_of_values])
    def test_gradients_of_long_rows(self, sg, form, n):
        """By the formulas of the vector-Jacobian products, all numbers at once."""
        rng = np.random.default_rng(n)
        x, g = rng.uniform(-2.0, 2.0, (2, n))
        p = np.exp(x) / np.exp(x).sum()
        rms = np.sqrt(np.mean(x * x) + 1e-5)
        for function, expected in (
            (lambda row: sg.nn.dot(sg.nn.softmax(row), g), p * (g - g @ p)),
            (lambda row: sg.nn.dot(sg.nn.rmsnorm(row), g), (g - x * (g @ x) / n / rms**2) / rms),
            (lambda row: sg.nn.cross_entropy(row, n - 1), p - np.eye(n)[n - 1]),
        ):
            leaves, row = form(sg, x)
            function(row).backward()
            assert [v.grad for v in leaves] == pytest.approx(
                expected.tolist(), rel=1e-11, abs=1e-15
            )

    def test_a_matrix_that_was_used_before_still_needs_the_right_size(self, sg):
        w = sg.nn.matrix(3, 2)
        y = sg.nn.linear([1.0, 2.0], w)
        for x in ([1.0], [1.0, 2.0, 3.0]):
            with pytest.raises(ValueError, match=r"w\[0\] has 2 numbers"):
                sg.nn.linear(x, w)
        assert [v.data for v in sg.nn.linear([1.0, 2.0], w)] == [v.data for v in y]

    def test_a_matrix_may_be_any_sequence_of_rows(self, sg):
        w = [[1.0, 2.0], [3.0, 4.0]]
        for rows in (w, tuple(w), iter(w), (iter(row) for row in w), np.array(w)):
            assert [y.data for y in sg.nn.linear([10.0, 100.0], rows)] == [210.0, 430.0]

    def test_softmax_and_rmsnorm_keep_the_length(self, sg):
        assert len(sg.nn.softmax([1.0] * 5)) == len(sg.nn.rmsnorm([1.0] * 5)) == 5

    def test_target_may_be_any_integer_type(self, sg):
        for target in (1, True, np.int64(1), np.uint8(1)):
            assert sg.nn.cross_entropy([0.0, -800.0], target).data == 800.0


class TestRefusals:
    @pytest.mark.parametrize(
        ("call", "error", "message"),
        [
            (
                lambda nn: nn.linear([1.0], []),
                ValueError,
                "linear: x has 1 number and w has 0 rows; neither may be empty",
            ),
            (
                lambda nn: nn.linear([], [[]]),
                ValueError,
                "linear: x has 0 numbers and w has 1 row; neither may be empty",
            ),
            (
                lambda nn: nn.linear([1.0, 2.0], [[1.0, 2.0], [1.0, 2.0, 3.0]]),
                ValueError,
                "linear: x has 2 numbers but w[1] has 3 numbers; "
                "each row of w needs one weight per number in x",
            ),
            (
                lambda nn: nn.linear([1.0, 2.0], [[1.0]]),
                ValueError,
                "linear: x has 2 numbers but w[0] has 1 number; "
                "each row of w needs one weight per number in x",
            ),
            (
                lambda nn: nn.linear([1.0], [[1.0], [2.0]], [1.0]),
                ValueError,
                "linear: w has 2 rows but b has 1 number; b needs one number per row of w",
            ),
            (
                lambda nn: nn.linear([1.0], [[1.0]], []),
                ValueError,
                "linear: w has 1 row but b has 0 numbers; b needs one number per row of w",
            ),
            (
                lambda nn: nn.dot([1.0], [1.0, 2.0]),
                ValueError,
                "dot: a has 1 number and b has 2 numbers; they must be equally long, and not empty",
            ),
            (
                lambda nn: nn.dot([], []),
                ValueError,
                "dot: a has 0 numbers and b has 0 numbers; "
                "they must be equally long, and not empty",
            ),
            (
                lambda nn: nn.softmax([]),
                ValueError,
                "softmax: x is empty; it needs at least one number",
            ),
            (
                lambda nn: nn.rmsnorm([]),
                ValueError,
                "rmsnorm: x is empty; it needs at least one number",
            ),
            (
                lambda nn: nn.rmsnorm([1.0], eps=-1.0),
                ValueError,
                "rmsnorm: eps must be at least 0, got -1.0",
            ),
            (
                lambda nn: nn.rmsnorm([1.0], eps=math.nan),
                ValueError,
                "rmsnorm: eps must be at least 0, got nan",
            ),
            (
                lambda nn: nn.rmsnorm([1.0], eps="1"),
                TypeError,
                "rmsnorm: eps must be a real number, got str '1'",
            ),
            (
                lambda nn: nn.rmsnorm([0.0, 0.0], eps=0.0),
                ZeroDivisionError,
                "rmsnorm of 2 numbers, all 0.0, with eps=0.0: division by zero",
            ),
            (
                lambda nn: nn.cross_entropy([], 0),
                ValueError,
                "cross_entropy: logits is empty; it needs at least one number",
            ),
            (
                lambda nn: nn.cross_entropy([1.0, 2.0], 2),
                IndexError,
                "cross_entropy: target is 2, but logits has 2 numbers; it must be from 0 to 1",
            ),
            (
                lambda nn: nn.cross_entropy([1.0, 2.0], -1),
                IndexError,
                "cross_entropy: target is -1, but logits has 2 numbers; it must be from 0 to 1",
            ),
            (
                lambda nn: nn.cross_entropy([1.0, 2.0], 1.0),
                TypeError,
                "cross_entropy: target must be an int or a row, got float 1.0",
            ),
            (
                lambda nn: nn.vector([]),
                ValueError,
                "vector: numbers is empty; a row needs at least one number",
            ),
            (
                lambda nn: nn.matrix(0, 2),
                ValueError,
                "matrix: nout must be at least 1, got 0",
            ),
            (
                lambda nn: nn.matrix(2, -1),
                ValueError,
                "matrix: nin must be at least 1, got -1",
            ),
            (
                lambda nn: nn.matrix(2, 2.0),
                TypeError,
                "matrix: nin must be an int, got float 2.0",
            ),
            (
                lambda nn: nn.matrix(2, 2, std=-0.1),
                ValueError,
                "matrix: std must be a number from 0 up, got -0.1",
            ),
            (
                lambda nn: nn.matrix(2, 2, std="0.1"),
                TypeError,
                "matrix: std must be a real number, got str '0.1'",
            ),
        ],
    )
    def test_sizes_and_settings(self, sg, call, error, message):
        with pytest.raises(error) as raised:
            call(sg.nn)
        assert str(raised.value) == message

    @pytest.mark.parametrize(
        ("call", "argument"),
        [
            (lambda nn, bad: nn.linear(bad, [[1.0]]), "linear: x"),
            (lambda nn, bad: nn.linear([1.0], bad), "linear: w"),
            (lambda nn, bad: nn.linear([1.0], [[1.0], bad]), "linear: w[1]"),
            (lambda nn, bad: nn.linear([1.0], [[1.0]], bad), "linear: b"),
            (lambda nn, bad: nn.dot(bad, [1.0]), "dot: a"),
            (lambda nn, bad: nn.dot([1.0], bad), "dot: b"),
            (lambda nn, bad: nn.softmax(bad), "softmax: x"),
            (lambda nn, bad: nn.rmsnorm(bad), "rmsnorm: x"),
            (lambda nn, bad: nn.cross_entropy(bad, 0), "cross_entropy: logits"),
            (lambda nn, bad: nn.vector(bad), "vector: numbers"),
        ],
        ids=lambda x: x.replace(": ", " ") if isinstance(x, str) else "",
    )
    def test_each_argument_by_name(self, sg, call, argument):
        for bad, named in (
            ("1", "str '1'"),
            (b"1", "bytes b'1'"),
            (1.0, "float 1.0"),
            ({0: 1.0}, "dict; pass its .values()"),
            ({1.0}, "set, which has no order"),
            (sg.Value(1.0), "a Value"),
        ):
            with pytest.raises(TypeError) as raised:
                call(sg.nn, bad)
            assert str(raised.value) == f"{argument} must be a sequence, got {named}"
        if argument != "linear: w":
            for item, named in (("1", "str '1'"), (1j, "complex 1j"), ([1.0], "list")):
                with pytest.raises(TypeError) as raised:
                    call(sg.nn, [item])
                assert str(raised.value).startswith(f"{argument}[0] must be a ")
                assert str(raised.value).endswith(f"real number, got {named}")

    def test_no_bias_is_none_and_nothing_else(self, sg):
        assert sg.nn.linear([1.0], [[2.0]], None)[0].data == 2.0
        with pytest.raises(TypeError, match="linear: b must be a sequence, got bool False"):
            sg.nn.linear([1.0], [[2.0]], False)

    def test_errors_from_the_sequence_itself_come_through(self, sg):
        def broken():
            yield 1.0
            raise RuntimeError("no more today")

        for call in (sg.nn.softmax, sg.nn.vector, sg.Vector, lambda x: sg.nn.linear([1.0], [x])):
            with pytest.raises(RuntimeError, match="no more today"):
                call(broken())


class TestParameters:
    def test_vector_makes_one_leaf_per_number(self, sg):
        row = sg.nn.vector([1, 2.5, np.float32(0.5)])
        assert isinstance(row, sg.Vector)
        assert [(x.data, x.grad, x.parents) for x in row] == [
            (1.0, 0.0, ()),
            (2.5, 0.0, ()),
            (0.5, 0.0, ()),
        ]

    def test_vector_takes_numbers_and_no_values(self, sg):
        with pytest.raises(TypeError, match=r"vector: numbers\[1\] .*a Value; use its \.data"):
            sg.nn.vector([1.0, sg.Value(2.0)])

    def test_matrix_is_filled_row_by_row_from_gauss(self, sg):
        w = sg.nn.matrix(2, 3, std=0.5, rng=random.Random(1))
        rng = random.Random(1)
        assert isinstance(w, tuple)
        assert [[x.data for x in row] for row in w] == [
            [rng.gauss(0, 0.5) for _ in range(3)] for _ in range(2)
        ]
        assert all(isinstance(row, sg.Vector) for row in w)

    def test_matrix_draws_from_the_random_module_unless_told(self, sg):
        random.seed(7)
        w = sg.nn.matrix(1, 2)
        random.seed(7)
        assert [x.data for x in w[0]] == [random.gauss(0, 0.08) for _ in range(2)]

    def test_matrix_with_deviation_zero_is_zero(self, sg):
        assert {x.data for row in sg.nn.matrix(2, 2, std=0) for x in row} == {0.0}

    def test_matrix_sizes_may_be_any_integer_type(self, sg):
        assert len(sg.nn.matrix(np.int64(3), 1)) == 3

    def test_matrix_wants_a_source_of_gaussian_numbers(self, sg):
        with pytest.raises(TypeError, match="matrix: rng must have a method gauss"):
            sg.nn.matrix(1, 1, rng=np.random.default_rng(1))

    def test_a_matrix_that_is_refused_draws_no_number(self, sg):
        rng = random.Random(1)
        before = rng.getstate()
        with pytest.raises(ValueError, match="nin"):
            sg.nn.matrix(2, 0, rng=rng)
        assert rng.getstate() == before
