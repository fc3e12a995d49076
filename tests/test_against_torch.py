"""The same numbers as PyTorch in float64: values, gradients of every order, kinks and optimisers.

PyTorch is an implementation by others, and its conventions are ours, so it is asked about all there
is. These tests need it installed; nothing else does. Where the two differ on purpose, a test says
how.
"""

import math
from itertools import combinations_with_replacement
from types import SimpleNamespace
from typing import Any

import pytest
from effort import examples
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from kink_table import HANDED, REFUSALS, Handed, Kink, Refusal, all_kinks, expression
from op_table import OPS, Op
from test_laws import leaves, programs, run, slopes

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

BY_NAME = {op.name: op for op in OPS}
every_op = pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)


def tensor(x: float) -> Any:
    return torch.tensor(x, dtype=torch.float64, requires_grad=True)


def as_tensor(x: Any) -> Any:
    return x if isinstance(x, torch.Tensor) else torch.tensor(x, dtype=torch.float64)


def stacked(row: Any) -> Any:
    return torch.stack([as_tensor(x) for x in row])


# What stands in for the package when a test's program runs on tensors of one number each.
AS_PACKAGE = SimpleNamespace(
    Vector=stacked,
    maximum=lambda a, b: torch.maximum(as_tensor(a), as_tensor(b)),
    minimum=lambda a, b: torch.minimum(as_tensor(a), as_tensor(b)),
    atan2=lambda y, x: torch.atan2(as_tensor(y), as_tensor(x)),
    nn=SimpleNamespace(
        dot=lambda a, b: torch.dot(stacked(a), stacked(b)),
        linear=lambda x, w, b=None: torch.nn.functional.linear(
            stacked(x), torch.stack([stacked(row) for row in w]), None if b is None else stacked(b)
        ),
        weighted_sum=lambda weights, rows: torch.matmul(
            stacked(weights), torch.stack([stacked(row) for row in rows])
        ),
        concatenate=lambda rows: torch.cat([stacked(row) for row in rows if len(row)]),
        softmax=lambda x: torch.softmax(stacked(x), 0),
        rmsnorm=lambda x, eps=1e-5: torch.nn.functional.rms_norm(stacked(x), [len(x)], eps=eps),
        logsumexp=lambda x: torch.logsumexp(stacked(x), 0),
        cross_entropy=lambda x, target: torch.nn.functional.cross_entropy(
            stacked(x), torch.tensor(target) if isinstance(target, int) else stacked(target)
        ),
    ),
)
# Without a threshold, from which on PyTorch would give x.
torch.Tensor.softplus = lambda x: torch.nn.functional.softplus(x, threshold=700.0)


def gradients(
    output: Any, inputs: Any, create_graph: bool = False, grad_output: float = 1.0
) -> list[Any]:
    """As `grad`: 0 by an input that does not matter."""
    if not output.requires_grad:
        return [torch.zeros((), dtype=torch.float64) for _ in inputs]
    return list(
        torch.autograd.grad(
            output,
            inputs,
            grad_outputs=torch.full_like(output, grad_output),
            retain_graph=True,
            create_graph=create_graph,
            allow_unused=True,
            materialize_grads=True,
        )
    )


def numbers(tensors: Any) -> list[float]:
    return [x.item() for x in tensors]


def near(expected: Any, rel: float = 1e-13, abs_: float = 1e-300) -> Any:
    return pytest.approx(expected, rel=rel, abs=abs_, nan_ok=True)


# PyTorch has 1 - tanh(x)**2, s (1 - s) and 1 + expm1(x), which leave an error of about 1e-16 where
# the derivative is small; test_accuracy.py shows that ours do not.
CANCELS = {"tanh": 1e-15, "sigmoid": 1e-15, "expm1": 1e-15}
# Tiny numbers are left to test_accuracy.py, since PyTorch's formulas overflow at some.
usual = st.floats(1e-6, 20.0) | st.floats(-20.0, -1e-6) | st.integers(-8, 8).map(float)


class TestOperations:
    @every_op
    @settings(max_examples=examples(200))
    @given(a=usual, b=usual)
    def test_value_and_derivatives_at_any_numbers(self, sg, op: Op, a: float, b: float):
        point = (a, b)[: len(op.smooth[0])]
        operands, tensors = [sg.Value(x) for x in point], [tensor(x) for x in point]
        theirs = op.on_values(AS_PACKAGE, *tensors)
        try:
            ours = op.on_values(sg, *operands)
        except (ArithmeticError, ValueError):
            assert not math.isfinite(theirs.item())
            return
        assert ours.data == near(theirs.item())
        expected = numbers(gradients(theirs, tensors))
        ours.backward()
        allowed = CANCELS.get(op.name, 1e-300)
        if op.name in ("asin", "acos"):  # PyTorch has 1 - x * x, which cancels next to 1
            allowed = 1e-15 * abs(expected[0]) ** 3
        assert [x.grad for x in operands] == near(expected, 1e-13, allowed)

    @every_op
    def test_derivatives_to_third_order(self, sg, op: Op):
        points = [p for p in op.smooth if all(x == 0.0 or 1e-2 <= abs(x) <= 20.0 for x in p)]
        if op.name == "**":  # see TestWhereWeDiffer
            points = [(x, n) for x, n in points if n not in (1.0, 2.0)]
        assert points
        for point in points:
            for by in combinations_with_replacement(range(len(point)), 3):
                operands, tensors = [sg.Value(x) for x in point], [tensor(x) for x in point]
                ours, theirs = op.on_values(sg, *operands), op.on_values(AS_PACKAGE, *tensors)
                for i in by:
                    ours = sg.grad(ours, operands, create_graph=True)[i]
                    theirs = gradients(theirs, tensors, create_graph=True)[i]
                    assert ours.data == near(theirs.item(), 1e-11, 1e-14), (point, by)


class TestKinks:
    @pytest.mark.parametrize("kink", all_kinks(), ids=expression)
    def test_table_is_that_of_pytorch(self, kink: Kink):
        tensors = [tensor(x) for x in kink.operands]
        result = BY_NAME[kink.op].on_values(AS_PACKAGE, *tensors)
        assert result.item() == near(kink.value, 1e-15)
        assert numbers(gradients(result, tensors)) == near(list(kink.slopes), 1e-15)

    @pytest.mark.parametrize("kink", [k for k in all_kinks() if k.op == "**"], ids=expression)
    def test_powers_with_a_plain_number_are_the_same(self, kink: Kink):
        base, exponent = kink.operands
        x = tensor(base)
        assert numbers(gradients(x**exponent, [x])) == near([kink.slopes[0]], 1e-15)

    @pytest.mark.parametrize(
        "handed", HANDED, ids=lambda row: f"{expression(row)} and {row.upstream}"
    )
    def test_table_of_what_is_handed_down(self, handed: Handed):
        tensors = [tensor(x) for x in handed.operands]
        result = BY_NAME[handed.op].on_values(AS_PACKAGE, *tensors)
        found = numbers(gradients(result, tensors, grad_output=handed.upstream))
        assert found == near(list(handed.theirs or handed.ours), 1e-13)

    @pytest.mark.parametrize("upstream", [math.inf, -math.inf, math.nan, 0.0])
    @pytest.mark.parametrize("kink", all_kinks(), ids=expression)
    def test_nan_only_where_pytorch_has_it(self, sg, kink: Kink, upstream: float):
        """And of a gradient of 0 nothing, whatever it has. Of x ** 0, see TestWhereWeDiffer."""
        operands, tensors = ([make(x) for x in kink.operands] for make in (sg.Value, tensor))
        BY_NAME[kink.op].on_values(sg, *operands).backward(upstream)
        theirs = BY_NAME[kink.op].on_values(AS_PACKAGE, *tensors)
        expected = numbers(gradients(theirs, tensors, grad_output=upstream))
        if upstream == 0.0:
            expected = [0.0] * len(operands)
        elif kink.op == "**" and kink.operands[1] == 0.0:
            assert expected[0] == 0.0
            expected[0] = math.nan
        assert [x.grad for x in operands] == near(expected)

    @pytest.mark.parametrize("refusal", REFUSALS, ids=expression)
    def test_where_we_raise_pytorch_is_not_finite(self, refusal: Refusal):
        tensors = [tensor(x) for x in refusal.operands]
        assert not math.isfinite(BY_NAME[refusal.op].on_values(AS_PACKAGE, *tensors).item())

    @pytest.mark.parametrize("kink", all_kinks(), ids=expression)
    def test_second_derivatives(self, sg, kink: Kink):
        """They are those of the formula that stands in for the first."""
        operands, tensors = ([make(x) for x in kink.operands] for make in (sg.Value, tensor))
        ours = BY_NAME[kink.op].on_values(sg, *operands)
        theirs = BY_NAME[kink.op].on_values(AS_PACKAGE, *tensors)
        for i in range(len(operands) if kink.op != "**" else 1):
            second = sg.grad(sg.grad(ours, operands, create_graph=True)[i], operands)[i]
            expected = gradients(gradients(theirs, tensors, create_graph=True)[i], tensors)[i]
            if kink.op == "**" and kink.operands[1] == 0.0:
                expected = torch.zeros(())  # PyTorch has nan for some of the constant 1
            if kink.op in ("atan", "atan2", "erf") and not math.isfinite(expected.item()):
                continue  # PyTorch has inf * 0 there, or 0 / 0
            assert second == near(expected.item(), 1e-14)


def drawn_row(data: Any, n: int, numbers: Any = usual) -> list[float]:
    return data.draw(st.lists(numbers, min_size=n, max_size=n))


def vector_tensor(numbers: Any) -> Any:
    return torch.tensor(list(numbers), dtype=torch.float64, requires_grad=True)


class TestRows:
    """A row is a tensor of one dimension, and a Value beside it one of none."""

    @every_op
    @settings(max_examples=examples(100))
    @given(data=st.data())
    def test_value_and_derivatives_at_any_numbers(self, sg, op: Op, data):
        """Of all numbers at once; where Python refuses one, the next are drawn."""
        points = []
        for a, b in data.draw(st.lists(st.tuples(usual, usual), min_size=1, max_size=6)):
            point = (a, b)[: len(op.smooth[0])]
            try:
                op.on_floats(*point)
            except (ArithmeticError, ValueError):
                continue
            points.append(point)
        assume(points)
        # What a gradient of 0 hands down, where PyTorch may give nan, is in the table of kinks.
        gradient = usual.filter(lambda x: x != 0.0)
        g = data.draw(st.lists(gradient, min_size=len(points), max_size=len(points)))
        columns = [list(column) for column in zip(*points)]
        self.compare(sg, op, columns, g)

    @pytest.mark.parametrize("single", [0, 1])
    @pytest.mark.parametrize("op", [op for op in OPS if len(op.smooth[0]) == 2], ids=repr)
    @settings(max_examples=examples(100))
    @given(data=st.data())
    def test_with_one_number_for_all(self, sg, op: Op, single: int, data):
        column, number = drawn_row(data, 4, st.floats(0.25, 4.0)), data.draw(st.floats(0.25, 4.0))
        columns: list[Any] = [column, column]
        columns[single] = number
        self.compare(sg, op, columns, drawn_row(data, 4))

    @every_op
    def test_at_kinks_and_poles_with_gradients_that_are_no_usual_numbers(self, sg, op: Op):
        """Of each gradient of 0 we hand down 0; PyTorch may have nan."""
        points = [point for point, _ in op.kinks if op.name != "**" or point[1] != 0.0]
        for g in (1.0, math.inf, -math.inf, math.nan):
            columns = [list(column) for column in zip(*points)]
            self.compare(sg, op, columns, [g] * len(points))
        rows = [sg.nn.vector(column) for column in zip(*points)]
        found = sg.grad(op.on_values(sg, *rows), rows, grad_outputs=[0.0] * len(points))
        assert {x for row in found for x in row.data} == {0.0}

    def compare(self, sg, op, columns, g):
        operands = [sg.nn.vector(c) if isinstance(c, list) else sg.Value(c) for c in columns]
        tensors = [vector_tensor(c) if isinstance(c, list) else tensor(c) for c in columns]
        ours, theirs = op.on_values(sg, *operands), op.on_values(AS_PACKAGE, *tensors)
        assert list(ours.data) == near(theirs.tolist())
        found = sg.grad(ours, operands, grad_outputs=g)
        expected = torch.autograd.grad(
            theirs, tensors, grad_outputs=torch.tensor(g, dtype=torch.float64)
        )
        for one, other in zip(found, expected):
            if isinstance(one, sg.Vector):
                tolerance = CANCELS.get(op.name, 1e-300) * max(1.0, *map(abs, g))
                if op.name in ("asin", "acos"):  # as above
                    slopes = [x / gi for x, gi in zip(one.data, g) if gi and math.isfinite(x / gi)]
                    size = max([abs(x) ** 3 for x in slopes], default=0.0)
                    tolerance = 1e-15 * size * max(map(abs, g))
                assert list(one.data) == near(other.tolist(), 1e-13, tolerance)
            else:  # a sum, which PyTorch may add up in another order
                assert one == near(other.item(), 1e-11, 1e-9)


row_sizes = st.integers(1, 6)


class TestFunctionsOfRows:
    """Value and gradients, when the results are weighted by numbers drawn as well."""

    def compare(self, sg, function, rows, weights, scale=1.0):
        ours = [[sg.Value(x) for x in row] for row in rows]
        theirs = [[tensor(x) for x in row] for row in rows]
        results, expected = function(sg.nn, *ours), function(AS_PACKAGE.nn, *theirs)
        assert [y.data for y in results] == near(numbers(expected), 1e-12, 1e-13 * scale)
        sg.nn.dot(results, weights[: len(results)]).backward()
        flat = [x for row in theirs for x in row]
        total = AS_PACKAGE.nn.dot(list(expected), weights[: len(results)])
        assert [x.grad for row in ours for x in row] == near(
            numbers(gradients(total, flat)), 1e-11, 1e-12 * scale
        )

    @given(data=st.data(), n=row_sizes)
    def test_dot(self, sg, data, n):
        rows = [drawn_row(data, n) for _ in range(2)]
        self.compare(sg, lambda nn, a, b: [nn.dot(a, b)], rows, [1.5])

    @given(data=st.data(), n=row_sizes, m=row_sizes)
    def test_linear(self, sg, data, n, m):
        rows = [drawn_row(data, n) for _ in range(1 + m)]
        self.compare(sg, lambda nn, x, *w: nn.linear(x, w), rows, drawn_row(data, m), 1e3)

    @given(data=st.data(), n=row_sizes, m=row_sizes)
    def test_linear_with_bias(self, sg, data, n, m):
        rows = [drawn_row(data, m), *(drawn_row(data, n) for _ in range(1 + m))]
        self.compare(sg, lambda nn, b, x, *w: nn.linear(x, w, b), rows, drawn_row(data, m), 1e3)

    @given(data=st.data(), n=row_sizes)
    def test_softmax(self, sg, data, n):
        rows, weights = [drawn_row(data, n)], drawn_row(data, n)
        self.compare(sg, lambda nn, x: nn.softmax(x), rows, weights)

    @given(data=st.data(), n=row_sizes, eps=st.sampled_from([1e-5, 0.25]))
    def test_rmsnorm(self, sg, data, n, eps):
        rows, weights = [drawn_row(data, n)], drawn_row(data, n)
        self.compare(sg, lambda nn, x: nn.rmsnorm(x, eps), rows, weights, 20.0 / eps**0.5)

    @given(data=st.data(), n=row_sizes)
    def test_logsumexp(self, sg, data, n):
        rows = [drawn_row(data, n, usual | st.sampled_from([-800.0, 800.0]))]
        self.compare(sg, lambda nn, x: [nn.logsumexp(x)], rows, [1.5])

    @given(data=st.data(), n=row_sizes)
    def test_cross_entropy_with_probabilities(self, sg, data, n):
        """By the logits and by the target, which need not add up to 1."""
        rows = [drawn_row(data, n), drawn_row(data, n, st.floats(0.0, 1.0))]
        self.compare(sg, lambda nn, x, p: [nn.cross_entropy(x, p)], rows, [1.5], 10.0)

    @given(data=st.data(), n=row_sizes)
    def test_cross_entropy(self, sg, data, n):
        target = data.draw(st.integers(0, n - 1))
        rows = [drawn_row(data, n, usual | st.sampled_from([-800.0, 800.0]))]
        self.compare(sg, lambda nn, x: [nn.cross_entropy(x, target)], rows, [1.5])

    @given(data=st.data(), n=row_sizes, m=row_sizes)
    def test_weighted_sum(self, sg, data, n, m):
        rows = [drawn_row(data, n), *(drawn_row(data, m) for _ in range(n))]
        self.compare(
            sg, lambda nn, w, *rows: nn.weighted_sum(w, rows), rows, drawn_row(data, m), 1e3
        )

    @given(data=st.data(), sizes=st.lists(st.integers(0, 3), min_size=1, max_size=4))
    def test_concatenate(self, sg, data, sizes):
        assume(sum(sizes))
        rows = [drawn_row(data, n) for n in sizes]
        weights = drawn_row(data, sum(sizes))
        self.compare(sg, lambda nn, *rows: nn.concatenate(rows), rows, weights)

    @given(data=st.data(), n=row_sizes)
    def test_sum_and_mean(self, sg, data, n):
        numbers_of_row = drawn_row(data, n)
        row, t = sg.nn.vector(numbers_of_row), vector_tensor(numbers_of_row)
        for ours, theirs in ((row.sum(), t.sum()), (row.mean(), t.mean())):
            assert ours.data == near(theirs.item(), 1e-13, 1e-13)
            ((found,), (expected,)) = sg.grad(ours, row), gradients(theirs, [t])
            assert list(found.data) == near(expected.tolist())

    def test_far_ends(self, sg):
        for function, row in (
            (lambda nn, x: nn.softmax(x), [1000.0, 0.0]),
            (lambda nn, x: nn.softmax(x), [-1e308, 1e308]),
            (lambda nn, x: nn.softmax(x), [-math.inf, 0.0]),
            (lambda nn, x: [nn.cross_entropy(x, 1)], [0.0, -800.0]),
            (lambda nn, x: [nn.cross_entropy(x, 1)], [0.0, 800.0]),
            (lambda nn, x: nn.rmsnorm(x), [0.0, 0.0]),
            (lambda nn, x: nn.rmsnorm(x), [1e-200, -1e-200]),
        ):
            self.compare(sg, function, [row], [1.0, 2.0])


class TestPrograms:
    @given(program=programs, at=leaves)
    def test_value_and_gradients_of_any_program(self, sg, program, at):
        _, size = slopes(program, at)
        x, tensors = [sg.Value(number) for number in at], [tensor(number) for number in at]
        ours, theirs = run(sg, program, x), run(AS_PACKAGE, program, tensors)
        ours.backward()
        assert ours.data == near(theirs.item(), 1e-9, 1e-9)
        assert [v.grad for v in x] == near(numbers(gradients(theirs, tensors)), 1e-9, 1e-9 * size)

    @settings(max_examples=examples(50))
    @given(program=programs, at=leaves)
    def test_hessian_of_any_program(self, sg, program, at):
        _, size = slopes(program, at)
        assume(size < 1e3)
        x, tensors = [sg.Value(number) for number in at], [tensor(number) for number in at]
        ours = sg.grad(run(sg, program, x), x, create_graph=True)
        theirs = gradients(run(AS_PACKAGE, program, tensors), tensors, create_graph=True)
        hessian = [sg.grad(slope, x) for slope in ours]
        expected = [numbers(gradients(slope, tensors)) for slope in theirs]
        scale = max(1.0, *(abs(entry) for row in hessian for entry in row))
        for row, expected_row in zip(hessian, expected):
            assert list(row) == near(expected_row, 1e-9, 1e-9 * scale)


settings_of = {
    "SGD": st.fixed_dictionaries(
        {
            "lr": st.floats(0.0, 1.0),
            "momentum": st.floats(0.01, 0.99),
            "weight_decay": st.floats(0.0, 0.5) | st.just(0.0),
            "nesterov": st.booleans(),
        }
    ),
    "AdamW": st.fixed_dictionaries(
        {
            "lr": st.floats(0.0, 1.0),
            "betas": st.tuples(st.floats(0.0, 0.99), st.floats(0.0, 0.999)),
            "weight_decay": st.floats(0.0, 0.5) | st.just(0.0),
        }
    ),
    "Adam": st.fixed_dictionaries(
        {
            "lr": st.floats(0.0, 1.0),
            "betas": st.tuples(st.floats(0.0, 0.99), st.floats(0.0, 0.999)),
            "eps": st.sampled_from([1e-8, 1e-3, 1.0]),
            "weight_decay": st.floats(0.0, 0.5) | st.just(0.0),
        }
    ),
}
some_gradients = st.lists(st.lists(usual, min_size=3, max_size=3), min_size=1, max_size=6)


class TestOptimisers:
    @pytest.mark.parametrize(
        ("name", "options"),
        [
            ("SGD", {"lr": 0.1}),
            ("SGD", {"lr": 0.1, "momentum": 0.9}),
            ("SGD", {"lr": 0.1, "weight_decay": 0.3}),
            ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.1}),
            ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
            ("SGD", {"lr": 0.1, "momentum": 0.5, "weight_decay": 0.1, "nesterov": True}),
            ("AdamW", {}),
            ("AdamW", {"lr": 0.1, "weight_decay": 0.3}),
            ("AdamW", {"lr": 0.1, "betas": (0.85, 0.99), "eps": 1e-3, "weight_decay": 0.0}),
            ("Adam", {}),
            ("Adam", {"lr": 0.1, "betas": (0.85, 0.99)}),
            ("Adam", {"eps": 0.1}),
            ("Adam", {"weight_decay": 0.3}),
            ("Adam", {"lr": 0.1, "betas": (0.0, 0.0), "eps": 0.0}),
        ],
        ids=str,
    )
    def test_three_hundred_steps(self, sg, name, options):
        """Of training: the gradients come from a loss, and the learning rate falls."""
        x = sg.nn.vector([1.0, -2.0, 3.0])
        p = [tensor(value.data) for value in x]
        ours = getattr(sg.optim, name)(x, **options)
        theirs = getattr(torch.optim, name)(p, **options)
        for step in range(300):
            ours.lr = theirs.param_groups[0]["lr"] = 0.1 * (1.0 - step / 300)
            for optimizer, (a, b, c) in ((ours, x), (theirs, p)):
                optimizer.zero_grad()
                ((a - 0.5) ** 2 + (a * b).tanh() + (c * 0.3).exp() + b * b).backward()
                optimizer.step()
            assert [value.data for value in x] == near(numbers(p), 1e-12), step

    @pytest.mark.parametrize("name", settings_of)
    @given(data=st.data(), at=st.lists(st.floats(-5.0, 5.0), min_size=3, max_size=3))
    def test_steps_with_any_settings_and_gradients(self, sg, name, data, at):
        options, given_gradients = data.draw(settings_of[name]), data.draw(some_gradients)
        x, p = sg.nn.vector(at), [tensor(number) for number in at]
        ours, theirs = (
            getattr(sg.optim, name)(x, **options),
            getattr(torch.optim, name)(p, **options),
        )
        for row in given_gradients:
            for value, parameter, gradient in zip(x, p, row):
                value.grad = gradient
                parameter.grad = torch.tensor(gradient, dtype=torch.float64)
            ours.step()
            theirs.step()
        assert [value.data for value in x] == near(numbers(p), 1e-11, 1e-12)

    @given(row=some_gradients.map(lambda rows: rows[0]), max_norm=st.floats(0.0, 20.0))
    def test_clip_grad_norm(self, sg, row, max_norm):
        """PyTorch divides by norm + 1e-6, so that its result is a little shorter than asked for."""
        x, p = sg.nn.vector([0.0] * 3), [tensor(0.0) for _ in range(3)]
        for value, parameter, gradient in zip(x, p, row):
            value.grad = gradient
            parameter.grad = torch.tensor(gradient, dtype=torch.float64)
        norm = sg.optim.clip_grad_norm(x, max_norm)
        assert norm == near(float(torch.nn.utils.clip_grad_norm_(p, max_norm)), 1e-14)
        scale, their_scale = (min(1.0, max_norm / (norm + more or 1.0)) for more in (0.0, 1e-6))
        assert [value.grad for value in x] == near([g * scale for g in row])
        assert numbers(parameter.grad for parameter in p) == near([g * their_scale for g in row])

    @pytest.mark.parametrize("spoiled", [math.inf, math.nan])
    def test_clip_grad_norm_of_a_gradient_that_is_not_finite(self, sg, spoiled):
        x, p = sg.nn.vector([0.0] * 2), [tensor(0.0) for _ in range(2)]
        for value, parameter, gradient in zip(x, p, (spoiled, 1.0)):
            value.grad = gradient
            parameter.grad = torch.tensor(gradient, dtype=torch.float64)
        norm = sg.optim.clip_grad_norm(x, 1.0)
        assert norm == near(float(torch.nn.utils.clip_grad_norm_(p, 1.0)))
        assert [value.grad for value in x] == near([float(parameter.grad) for parameter in p])


class TestWhereWeDiffer:
    """On purpose; each of these is in the documentation."""

    def test_a_linear_result_with_gradient_0_contributes_nothing(self, sg):
        def derivative(package, grad, x):
            used, off = package.nn.linear([x], [[3.0], [math.inf]])
            return float(grad(used + package.minimum(off, 5.0) * 0.0, [x])[0])

        assert derivative(sg, sg.grad, sg.Value(2.0)) == 3.0
        assert math.isnan(derivative(AS_PACKAGE, gradients, tensor(2.0)))

    def test_a_gradient_of_0_hands_nothing_down(self, sg):
        x, t = sg.Value(0.0), tensor(0.0)
        assert sg.grad(x.sqrt() * 0.0, x) == (0.0,)
        assert math.isnan(gradients(t.sqrt() * 0.0, [t])[0].item())

    def test_x_to_the_power_of_0_has_a_slope_of_0_and_is_no_constant(self, sg):
        """So a gradient of inf makes nan of it, as of every other slope of 0."""
        x, t = sg.Value(3.0), tensor(3.0)
        assert math.isnan(sg.grad(x**0, x, grad_outputs=math.inf)[0])
        assert gradients(t ** tensor(0.0), [t], grad_output=math.inf)[0].item() == 0.0

    def test_an_exponent_that_comes_to_0_is_still_a_variable(self, sg):
        """By x twice and by n, x**n has the derivative (2n - 1) x**(n-2) + n (n-1) x**(n-2) log x,
        for n = 1 that is 1 / x. PyTorch takes x**(n-1) for the constant 1 there.
        """

        def derivative(x, n, grad):
            y = x**n
            for by in (x, x, n):
                (y,) = grad(y, [by], create_graph=True)
            return y

        assert derivative(sg.Value(0.5), sg.Value(1.0), sg.grad).data == 2.0
        assert derivative(tensor(0.5), tensor(1.0), gradients).item() == 0.0

    def test_a_norm_is_clipped_to_just_what_was_asked_for(self, sg):
        """PyTorch divides by norm + 1e-6."""
        x, p = sg.Value(0.0), tensor(0.0)
        x.grad, p.grad = 4e-6, torch.tensor(4e-6, dtype=torch.float64)
        sg.optim.clip_grad_norm([x], 1e-6)
        torch.nn.utils.clip_grad_norm_([p], 1e-6)
        assert x.grad == near(1e-6)
        assert float(p.grad) == near(0.8e-6)

    def test_a_row_whose_squares_are_no_floats_is_normalised(self, sg):
        for size, theirs in ((1e200, 0.0), (1e-200, math.inf)):
            row = [size, -size]
            assert [y.data for y in sg.nn.rmsnorm(row, 0.0)] == near([1.0, -1.0])
            assert abs(AS_PACKAGE.nn.rmsnorm(row, 0.0)[0].item()) == theirs

    def test_a_probability_next_to_1_still_has_a_slope(self, sg):
        slope = math.exp(-40.0)
        x, p = sg.nn.vector([40.0, 0.0]), [tensor(40.0), tensor(0.0)]
        assert sg.grad(sg.nn.softmax(x)[0], x)[0].data == near((slope, -slope))
        assert float(gradients(AS_PACKAGE.nn.softmax(p)[0], p)[0]) == 0.0

    def test_relu_of_minus_0_is_0(self, sg):
        assert math.copysign(1.0, sg.Value(-0.0).relu().data) == 1.0
        assert math.copysign(1.0, tensor(-0.0).relu().item()) == -1.0
