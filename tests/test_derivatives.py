"""grad: derivatives as a function, of any order."""

import copy
import gc
import math
import pickle
import random
import runpy
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import mpmath
import pytest
from effort import cpython, examples, long_in_python
from hypothesis import given, settings
from hypothesis import strategies as st
from microgpt_support import FOLDER
from oracles import bits
from twin_programs import Program


class TestGrad:
    def test_returns_one_derivative_per_input(self, sg):
        x, y = sg.Value(2.0), sg.Value(3.0)
        assert sg.grad(x * x * y, [x, y]) == (12.0, 4.0)
        assert sg.grad(x * x * y, (y, x, y)) == (4.0, 12.0, 4.0)
        assert sg.grad(x * y, iter([x])) == (3.0,)
        assert sg.grad(x * y, []) == ()

    def test_one_value_alone(self, sg):
        x = sg.Value(2.0)
        assert sg.grad(x * x, x) == (4.0,)

    def test_by_a_row(self, sg):
        x = sg.nn.vector([2.0, 3.0])
        (slopes,) = sg.grad(sg.nn.dot(x, x), x)
        assert isinstance(slopes, sg.Vector)
        assert slopes.data == (4.0, 6.0)
        assert {(v.parents, v.op) for v in slopes} == {((), "")}
        assert sg.grad(sg.nn.dot(x, x), x[1:])[0].data == (6.0,)
        assert sg.grad(sg.nn.dot(x, x), [*x]) == (4.0, 6.0)

    def test_by_what_it_does_not_depend_on_is_zero(self, sg):
        x, y = sg.Value(2.0), sg.Value(3.0)
        assert sg.grad(x * x, [y, x]) == (0.0, 4.0)
        slope, _ = sg.grad(x * x, [y, x], create_graph=True)
        assert isinstance(slope, sg.Value)
        assert (slope.data, sg.grad(slope, [x])) == (0.0, (0.0,))

    def test_by_itself_is_one(self, sg):
        x = sg.Value(2.0)
        y = x * x
        assert sg.grad(y, [y, x]) == (1.0, 4.0)
        assert sg.grad(x, [x]) == (1.0,)

    def test_by_numbers_on_the_way(self, sg):
        x = sg.Value(2.0)
        y = x * 3.0
        z = y * y
        assert sg.grad(z * x, [z, y, x]) == (2.0, 24.0, 24.0 * 3.0 + 36.0)

    def test_by_an_element_of_a_computed_row(self, sg):
        x = sg.nn.vector([1.0, 1.0])
        p = sg.nn.softmax(x)
        loss = p[0] * 10.0 + p[1]
        assert sg.grad(loss, [p[0], p[1], x[0]]) == (10.0, 1.0, 2.25)

    @pytest.mark.parametrize("create_graph", [False, True])
    def test_touches_no_gradient(self, sg, create_graph):
        x = sg.nn.vector([1.0, 2.0])
        y = sg.nn.softmax(x)[0] * x[1]
        y.backward()
        values = [*x, y, *y.parents]
        before = [v.grad for v in values]
        sg.grad(y, (x, *values), create_graph=create_graph)
        assert [v.grad for v in values] == before

    def test_agrees_with_backward(self, sg):
        x, w = sg.nn.vector([0.5, -1.0, 2.0]), sg.nn.matrix(3, 3, std=1.0)
        hidden = [h.tanh() for h in sg.nn.linear(sg.nn.rmsnorm(x), w)]
        loss = sg.nn.cross_entropy(hidden, 1) + sum(h * h for h in hidden)
        loss.backward()
        inputs = [*x, *(v for row in w for v in row)]
        expected = [v.grad for v in inputs]
        assert list(sg.grad(loss, inputs)) == expected
        assert [g.data for g in sg.grad(loss, inputs, create_graph=True)] == expected

    def test_of_a_custom_operation(self, sg):
        x = sg.Value(3.0)
        y = sg.Value(9.0, (x, x), (3.0, 3.0), op="square")
        assert sg.grad(y, [x]) == (6.0,)

    @pytest.mark.parametrize(
        ("output", "inputs", "message"),
        [
            (3.0, [], "outputs must be a Value or a row, or .*, got float 3.0; a derivative has"),
            (
                ["x", 3.0],
                [],
                r"outputs\[1\] must be a Value or a row, got float 3.0; a derivative has",
            ),
            ([["x"]], [], r"outputs\[0\] must be a Value or a row, got list"),
            ("x", ["x", 3.0], r"inputs\[1\] must be a Value or a row, or .*, got float"),
            ("x", [["x"], ["x", [3.0]]], r"inputs\[1\]\[1\]\[0\] must be a Value .* got float"),
            ("x", 3.0, "inputs must be .* got float"),
            ("x", None, "inputs must be .* got None"),
        ],
    )
    def test_anything_but_values_and_rows_is_refused_by_name(self, sg, output, inputs, message):

        def named(thing):
            if isinstance(thing, list):
                return [named(x) for x in thing]
            return sg.Value(1.0) if thing == "x" else thing

        output, inputs = named(output), named(inputs)
        with pytest.raises(TypeError, match=f"grad: {message}"):
            sg.grad(output, inputs)


class TestHigherDerivatives:
    """How exact they are: see test_higher_order.py."""

    def test_backward_differentiates_a_derivative_too(self, sg):
        x = sg.Value(2.0)
        (slope,) = sg.grad(x**3, [x], create_graph=True)
        slope.backward()
        assert x.grad == pytest.approx(12.0, rel=1e-15)

    def test_a_derivative_is_part_of_a_larger_expression(self, sg):
        """A gradient penalty: d/dx (x**2 + (2 x)**2) = 10 x."""
        x = sg.Value(3.0)
        y = x * x
        (slope,) = sg.grad(y, [x], create_graph=True)
        (y + slope * slope).backward()
        assert x.grad == 30.0

    def test_by_a_number_on_the_way(self, sg):
        x = sg.Value(2.0)
        y = x * x
        (slope,) = sg.grad(y**3, [y], create_graph=True)
        assert sg.grad(slope, [y, x]) == pytest.approx((24.0, 96.0), rel=1e-15)

    def test_within_no_grad_are_numbers_without_a_graph(self, sg):
        x = sg.Value(2.0)
        y = x**3
        with sg.no_grad():
            (slope,) = sg.grad(y, [x], create_graph=True)
        assert (slope.data, slope.parents) == (12.0, ())

    @pytest.mark.parametrize(
        "custom",
        [
            lambda sg, x: sg.Value(math.atan(x.data), (x,), (1.0,), op="atan"),
            lambda sg, x: sg.Value(3.0, (x,), (1.0,)),
            lambda sg, x: sg.Value(3.0, (x,), (1.0,), op="softmax"),
            lambda sg, x: sg.Value(3.0, (x,), (1.0,), op="+"),
            lambda sg, x: sg.Value(3.0, (x, x, x), (1.0, 1.0, 1.0), op="*"),
            lambda sg, x: sg.Value(3.0, (x,), (1.0,), op="tanh"),
        ],
        ids=["of its own", "nameless", "named softmax", "named +", "named *", "named tanh"],
    )
    def test_a_custom_operation_is_refused(self, sg, custom):
        x = sg.Value(2.0)
        y = custom(sg, x) * x
        with pytest.raises(ValueError, match=r"create_graph=True .*(own operations?|plain)"):
            sg.grad(y, [x], create_graph=True)

    def test_a_custom_operation_that_the_inputs_do_not_reach_is_no_trouble(self, sg):
        x, other = sg.Value(2.0), sg.Value(3.0)
        y = x * x * sg.Value(9.0, (other,), (6.0,), op="square")
        (slope,) = sg.grad(y, [x], create_graph=True)
        assert slope.data == 36.0

    @pytest.mark.parametrize(
        "compute",
        [
            lambda sg, x: x * x,
            lambda sg, x: x.sin(),  # the derivative at -x is the same
            lambda sg, x: x**3,
            lambda sg, x: x.tanh(),
            lambda sg, x: x.exp(),
            lambda sg, x: (x + 0.0).log(),
            lambda sg, x: sg.nn.dot([x, 1.0], [2.0, x]),
            lambda sg, x: sg.nn.softmax([x, 1.0])[0],
            lambda sg, x: sg.nn.cross_entropy([x, 1.0], 1),
            lambda sg, x: sg.nn.rmsnorm([x, 2.0 * x])[0],
        ],
        ids=range(10),
    )
    @pytest.mark.parametrize("number", [-2.0, 0.0, 3.0, math.nan])
    def test_data_that_was_changed_after_the_forward_pass_is_noticed(self, sg, compute, number):
        x = sg.Value(2.0)
        y = compute(sg, x)
        x.data = number
        with pytest.raises(ValueError, match="changed after the forward pass"):
            sg.grad(y, [x], create_graph=True)
        x.data = 2.0
        assert sg.grad(y, [x], create_graph=True)[0].parents

    def test_data_with_which_it_could_not_even_be_computed_is_noticed(self, sg):
        x = sg.Value(2.0)
        for y in (1.0 / x, x.log(), sg.nn.rmsnorm([x], eps=0.0)[0]):
            x.data = 0.0
            with pytest.raises(ValueError, match="changed after the forward pass"):
                sg.grad(y, [x], create_graph=True)
            x.data = 2.0

    def test_data_of_a_computed_number_that_was_changed_is_noticed(self, sg):
        x = sg.Value(2.0)
        y = x.exp()
        z = y * y
        y.data = 1.0
        with pytest.raises(ValueError, match="changed after the forward pass"):
            sg.grad(z, [x], create_graph=True)

    def test_without_a_graph_changed_data_does_not_matter(self, sg):
        x = sg.Value(2.0)
        y = x * x
        x.data = 100.0
        assert sg.grad(y, [x]) == (4.0,)


# The bits of backward, for any program.


SPECIAL = [0.0, -0.0, 1.0, -8.0, 1e-320, 1e308, -1e308, 710.0, math.inf, -math.inf, math.nan]
numbers = st.floats(-4.0, 4.0) | st.floats(-4.0, 4.0) | st.sampled_from(SPECIAL)
# All that a program may be made of, but for what differentiates.
instructions = st.tuples(
    st.sampled_from(
        [name for name in Program.INSTRUCTIONS if not name.startswith(("grad", "backward"))]
    ),
    st.tuples(*[st.integers(0, 99)] * 5),
    numbers,
)
choices = st.lists(st.integers(0, 99), min_size=8, max_size=8)


def program_of(steps: Any) -> Program:
    program = Program(sys.modules["scalargrad.engine"])
    for name, choice, number in steps:
        program.outcome(name, choice, number)
    return program


def all_values(program: Program) -> list[Any]:
    """Every Value that the program has, and all that these were made from."""
    stack = [*program.values, *(v for row in program.rows for v in row)]
    found = {}
    while stack:
        value = stack.pop()
        if value not in found:
            found[value] = True
            stack += value.parents
    return list(found)


def by_backward(values: list[Any], output: Any) -> dict[Any, float]:
    """What backward gives all of them, if all are 0 before."""
    for value in values:
        value.grad = 0.0
    output.backward()
    return {value: value.grad for value in values}


class TestTheBitsOfBackward:
    @settings(max_examples=examples(400))
    @given(steps=st.lists(instructions, min_size=3, max_size=30), choice=choices)
    def test_by_everything_that_there_is(self, sg, steps, choice):
        """By leaves and by what was computed on the way, by rows, parts of them, and all again."""
        program = program_of(steps)
        values = all_values(program)
        output = program.values[choice[0] % len(program.values)]
        gradients = by_backward(values, output)
        for value in values:
            value.grad = 0.25
        rows = program.rows
        row, other = rows[choice[1] % len(rows)], rows[choice[2] % len(rows)]
        part = row[choice[3] % 3 : choice[4] % 4]
        collection = sg.Vector([values[c % len(values)] for c in choice])
        found = sg.grad(output, [values, [row, (part, [other])], collection, row, values[0]])
        assert [bits(g) for g in found[0]] == [bits(gradients[value]) for value in values]
        derivatives = [found[1][0], found[1][1][0], found[1][1][1][0], found[2], found[3]]
        for given_row, derivative in zip((row, part, other, collection, row), derivatives):
            assert type(derivative) is sg.Vector
            assert [bits(g) for g in derivative.data] == [bits(gradients[v]) for v in given_row]
            assert all(not v.parents and v.grad == 0.0 for v in derivative)
        assert bits(found[4]) == bits(gradients[values[0]])
        assert {value.grad for value in values} == {0.25}  # and none was touched

    @settings(max_examples=examples(200))
    @given(steps=st.lists(instructions, min_size=3, max_size=30), choice=choices, data=st.data())
    def test_of_several_outputs_it_is_that_of_a_node_on_top(self, sg, steps, choice, data):
        program = program_of(steps)
        values = all_values(program)
        outputs = [program.values[choice[0] % len(program.values)]]
        outputs += [program.rows[c % len(program.rows)] for c in choice[1:3]]
        outputs += [program.values[choice[3] % len(program.values)]]
        upstreams: list[Any] = [
            data.draw(st.lists(numbers, min_size=len(x), max_size=len(x)))
            if isinstance(x, sg.Vector)
            else data.draw(numbers)
            for x in outputs
        ]
        parents, local_grads = [], []
        for output, upstream in zip(outputs, upstreams):
            is_row = isinstance(output, sg.Vector)
            parents += [*output] if is_row else [output]
            local_grads += upstream if is_row else [upstream]
        gradients = by_backward(values, sg.Value(0.0, parents, local_grads))
        found = sg.grad(outputs, values, grad_outputs=upstreams)
        assert [bits(g) for g in found] == [bits(gradients[value]) for value in values]

    @settings(max_examples=examples(400))
    @given(steps=st.lists(instructions, min_size=3, max_size=30), choice=choices)
    def test_with_a_graph_the_same_where_everything_is_finite(self, sg, steps, choice):
        program = program_of(
            (name, choice, number if math.isfinite(number) and abs(number) < 1e3 else 0.5)
            for name, choice, number in steps
            if name not in ("custom", "wrong_custom", "write_data", "write_row")
        )
        values = all_values(program)
        if not all(math.isfinite(x) for v in values for x in (v.data, *v.local_grads)):
            return
        output = program.values[choice[0] % len(program.values)]
        gradients = by_backward(values, output)
        if not all(map(math.isfinite, gradients.values())):
            return
        rows = program.rows
        row, part = rows[choice[1] % len(rows)], rows[choice[2] % len(rows)][choice[3] % 3 :]
        found = sg.grad(output, [values, row, [part]], create_graph=True)
        assert [g.data for g in found[0]] == [gradients[value] for value in values]
        assert list(found[1].data) == [gradients[value] for value in row]
        assert list(found[2][0].data) == [gradients[value] for value in part]

    @pytest.mark.parametrize("create_graph", [False, True])
    def test_of_a_gpt_by_the_rows_of_its_matrices(self, sg, create_graph):
        model = runpy.run_path(str(FOLDER / "model.py"))
        config = model["Config"](n_layer=2, n_embd=4, n_head=2, block_size=4)
        gpt = model["new_gpt"](config, vocab_size=5, rng=random.Random(1))
        loss = model["document_loss"](gpt, [4, 0, 1, 2, 4])
        loss.backward()
        found = sg.grad(loss, gpt.weights.values(), create_graph=create_graph)
        for matrix, derivatives in zip(gpt.weights.values(), found):
            assert [row.data for row in derivatives] == [row.grad for row in matrix]
            assert any(any(row.grad) for row in matrix)


class TestForms:
    """What `inputs` and `outputs` may be, and that the result has the form of the inputs."""

    def test_nested_as_the_inputs_are(self, sg):
        x, row = sg.Value(2.0), sg.nn.vector([3.0, 4.0])
        loss = (x * row).sum()
        found = sg.grad(loss, {"all": [x, (row, [row[0]]), iter([x])]}.values())
        assert found[0][0] == 7.0
        assert found[0][1][0].data == (2.0, 2.0)
        assert found[0][1][1] == (2.0,)
        assert found[0][2] == (7.0,)
        assert sg.grad(loss, [[], ()]) == ((), ())

    def test_one_value_or_row_alone_gives_a_tuple_of_one(self, sg):
        x, row = sg.Value(2.0), sg.nn.vector([3.0, 4.0])
        assert sg.grad((x * row).sum(), x) == (7.0,)
        (slopes,) = sg.grad((x * row).sum(), row)
        assert slopes.data == (2.0, 2.0)
        (slopes,) = sg.grad((x * row).sum(), row, create_graph=True)
        assert sg.grad(slopes[0], x) == (1.0,)

    def test_a_row_of_results_needs_grad_outputs(self, sg):
        row = sg.nn.vector([3.0, 4.0])
        for outputs in (row * row, [row * row]):
            with pytest.raises(
                ValueError, match=r"outputs\[0\] is a row; give grad_outputs, or ta"
            ):
                sg.grad(outputs, row)
        (slopes,) = sg.grad(row * row, row, grad_outputs=[1.0, 10.0])
        assert slopes.data == (6.0, 80.0)
        (slopes,) = sg.grad(row * row, row, grad_outputs=row.data)
        assert slopes.data == (18.0, 32.0)

    def test_of_one_value_grad_outputs_is_a_number(self, sg):
        x = sg.Value(3.0)
        assert sg.grad(x * x, x, grad_outputs=0.5) == (3.0,)
        assert sg.grad([x * x, x], x, grad_outputs=[0.5, 2]) == (5.0,)
        assert sg.grad([x * x, x], x) == (7.0,)
        assert sg.grad([], x) == (0.0,)

    def test_an_output_may_be_an_input(self, sg):
        x, row = sg.Value(3.0), sg.nn.vector([3.0, 4.0])
        assert sg.grad([x, x], x, grad_outputs=[2.0, 3.0]) == (5.0,)
        (slopes,) = sg.grad([row, row[1:]], row, grad_outputs=[[1.0, 2.0], [10.0]])
        assert slopes.data == (1.0, 12.0)
        for create_graph in (False, True):
            y = row * 2.0
            found = sg.grad(
                [y, y[0]], [y, row], grad_outputs=[[1.0, 2.0], 5.0], create_graph=create_graph
            )
            assert [x.data for x in found] == [(6.0, 2.0), (12.0, 4.0)]

    def test_the_sum_of_the_outputs_runs_in_their_order(self, sg):
        x = sg.Value(1.0)
        y = x * 1.0
        assert sg.grad([y, y, y], y, grad_outputs=[1e16, 1.0, -1e16]) == (0.0,)
        assert sg.grad([y, y, y], x, grad_outputs=[1e16, -1e16, 1.0]) == (1.0,)

    def test_what_does_not_matter_gives_rows_of_0(self, sg):
        x, row = sg.Value(1.0), sg.nn.vector([3.0, 4.0])
        for create_graph in (False, True):
            found = sg.grad(x * x, [row, row[1:], row.exp()], create_graph=create_graph)
            assert [zeros.data for zeros in found] == [(0.0, 0.0), (0.0,), (0.0, 0.0)]

    def test_a_row_of_no_numbers_gives_one(self, sg):
        row = sg.nn.vector([3.0, 4.0])
        for create_graph in (False, True):
            for empty in (row[:0], sg.Vector([]), row[:0] * 2.0):
                (found,) = sg.grad(row.sum(), empty, create_graph=create_graph)
                assert (type(found), len(found)) == (sg.Vector, 0)

    def test_threads_share_the_parameters(self, sg):
        rows = sg.nn.matrix(3, 4, rng=random.Random(1))

        def derivatives(seed: int) -> list[tuple[float, ...]]:
            x = sg.nn.vector([random.Random(seed + i).random() for i in range(4)])
            loss = sg.nn.cross_entropy(sg.nn.linear(x, rows).tanh() * 2.0, seed % 3)
            return [row.data for _ in range(20) for row in sg.grad(loss, rows)]

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(derivatives, range(12))) == list(map(derivatives, range(12)))
        assert {g for row in rows for g in row.grad} == {0.0}


class TestDerivativesOfRows:
    def test_the_second_derivative_of_a_square(self, sg):
        """(3x)**2 is 9 x**2; at 0 its gradient is 0, which has a derivative all the same."""
        x = sg.Value(0.0)
        y = sg.nn.dot([x], [3.0]) ** 2
        (slope,) = sg.grad(y, x, create_graph=True)
        assert (slope.data, sg.grad(slope, x)) == (0.0, (18.0,))
        row = sg.nn.vector([0.0])
        (slopes,) = sg.grad(((row * 3.0) ** 2).sum(), row, create_graph=True)
        assert sg.grad(slopes.sum(), row)[0].data == (18.0,)

    def test_contributions_of_a_matrix_are_added_when_backward_adds_them(self, sg):
        """What the power hands to y comes after all three that dot does; the last bit shows it."""
        x, y = sg.Value(3.4664289392252883), sg.Value(-0.5)
        z = x**y
        loss = sg.nn.dot([z] * 3, [y] * 3)
        of_power = z.local_grads[1] * (y.data + y.data + y.data)
        expected = z.data + z.data + z.data + of_power
        assert expected != z.data + of_power + z.data + z.data
        loss.backward()
        (slope,) = sg.grad(loss, y, create_graph=True)
        assert (slope.data, y.grad) == (expected, expected)

    def test_through_rows_of_no_numbers(self, sg):
        x = sg.nn.vector([2.0])
        empty = sg.nn.weighted_sum(x, [x[:0]])
        for nothing in (empty, empty * 2.0, empty.exp(), x[0] * empty, sg.nn.concatenate([empty])):
            for create_graph in (False, True):
                (slopes,) = sg.grad(nothing.sum() + x.sum(), x, create_graph=create_graph)
                assert slopes.data == (1.0,)
        (slopes,) = sg.grad(empty, x, grad_outputs=[], create_graph=True)
        assert slopes.data == (0.0,)

    def test_softmax_does_not_see_what_is_added_to_all(self, sg):
        x = sg.nn.vector([0.5, -1.0, 2.0])
        loss = sg.nn.dot(sg.nn.softmax(x), [1e16] * 3)
        assert sg.grad(loss, x)[0].data == (0.0, 0.0, 0.0)
        assert sg.grad(loss, x, create_graph=True)[0].data == (0.0, 0.0, 0.0)

    @pytest.mark.parametrize("order", [1, 2, 3])
    def test_of_a_function_of_a_row_as_mathematics_has_them(self, sg, order):
        """sum_i exp(c x_i) sin(x_i) at c: by c and by each x, by mpmath's own differentiation."""
        c, x = sg.Value(0.75), sg.nn.vector([0.5, -1.25, 2.0])

        def exact(by_c: int, i: int, by_x: int) -> float:
            with mpmath.workdps(60):
                f = lambda c, x: mpmath.exp(c * x) * mpmath.sin(x)  # noqa: E731
                at = (mpmath.mpf(0.75), mpmath.mpf(x[i].data))
                return float(mpmath.diff(f, at, (by_c, by_x)))

        result = ((c * x).exp() * x.sin()).sum()
        for _ in range(order - 1):
            (result,) = sg.grad(result, c, create_graph=True)
        by_c, by_x = sg.grad(result, [c, x], create_graph=True)
        expected = [exact(order - 1, i, 1) for i in range(3)]
        assert list(by_x.data) == pytest.approx(expected, rel=1e-13)
        total = sum(exact(order, i, 0) for i in range(3))
        assert by_c.data == pytest.approx(total, rel=1e-13)

    @pytest.mark.parametrize(
        "compute",
        [
            lambda sg, row, x: row * row,
            lambda sg, row, x: row**2,
            lambda sg, row, x: row * x,
            lambda sg, row, x: row.exp(),
            lambda sg, row, x: row.tanh(),
            lambda sg, row, x: sg.maximum(row, 0.5),
            lambda sg, row, x: sg.nn.weighted_sum([x], [row]),
        ],
        ids=range(7),
    )
    @pytest.mark.parametrize("number", [-2.0, 0.0, 3.0, math.nan])
    def test_data_of_a_row_that_was_changed_is_noticed(self, sg, compute, number):
        row, x = sg.nn.vector([2.0, 1.0]), sg.Value(1.5)
        y = compute(sg, row, x).sum()
        row.data = (number, 1.0)
        with pytest.raises(ValueError, match="changed after the forward pass"):
            sg.grad(y, row, create_graph=True)
        row.data = (2.0, 1.0)
        assert len(sg.grad(y, row, create_graph=True)[0]) == 2

    def test_data_of_a_computed_row_that_was_changed_is_noticed(self, sg):
        row = sg.nn.vector([2.0, 1.0])
        y = row.exp()
        z = (y * y).sum()
        y[1].data = 0.0
        with pytest.raises(ValueError, match="changed after the forward pass"):
            sg.grad(z, row, create_graph=True)

    def test_a_gradient_penalty_with_rows(self, sg):
        """d/dx sum((2 x)**2) = 8 x."""
        row = sg.nn.vector([1.0, -2.0])
        (slopes,) = sg.grad((row * row).sum(), row, create_graph=True)
        (slopes * slopes).sum().backward()
        assert row.grad == (8.0, -16.0)

    def test_within_no_grad_they_are_rows_of_leaves(self, sg):
        row = sg.nn.vector([1.0, -2.0])
        y = (row * row).sum()
        with sg.no_grad():
            (slopes,) = sg.grad(y, row, create_graph=True)
        assert slopes.data == (2.0, -4.0)
        assert {x.parents for x in slopes} == {()}


def atan_by_hand(sg, x):
    """An operation of one's own, whose local derivative is a Value with a graph."""
    return sg.Value(math.atan(x.data), (x,), (1.0 / (1.0 + x * x),), op="atan")


class TestOperationsOfOnesOwn:
    """Local derivatives given as Values can be differentiated again."""

    def test_first_second_and_third_derivative(self, sg):
        x = sg.Value(0.5)
        derivatives, y = [], atan_by_hand(sg, x)
        for _ in range(3):
            (y,) = sg.grad(y, x, create_graph=True)
            derivatives.append(y.data)
        expected = [1 / 1.25, -2 * 0.5 / 1.25**2, (6 * 0.25 - 2) / 1.25**3]
        assert derivatives == pytest.approx(expected, rel=1e-15)

    def test_backward_multiplies_by_their_numbers_as_they_were(self, sg):
        x, slope = sg.Value(3.0), sg.Value(2.0)
        y = sg.Value(7.0, (x, x), (slope, 1))
        slope.data = 100.0
        y.backward()
        assert (y.local_grads, x.grad, slope.grad) == ((2.0, 1.0), 3.0, 0.0)

    def test_the_derivative_by_a_local_derivative(self, sg):
        """d/ds of d/dx (s x) is 1."""
        x, s = sg.Value(3.0), sg.Value(2.0)
        y = sg.Value(6.0, (x, s), (s, x))
        by_x, by_s = sg.grad(y, [x, s], create_graph=True)
        assert sg.grad(by_x, [x, s]) == (0.0, 1.0)
        assert sg.grad(by_s, [x, s]) == (1.0, 0.0)

    def test_a_plain_number_among_them_has_no_graph(self, sg):
        x = sg.Value(2.0)
        y = sg.Value(10.0, (x, x), (2.0 * x, 3.0), op="mine")
        assert sg.grad(y, x) == (7.0,)
        with pytest.raises(ValueError, match="plain number") as raised:
            sg.grad(y, x, create_graph=True)
        assert str(raised.value) == (
            "grad: create_graph=True needs a graph of each local derivative, but that of 'mine' by "
            "parents[1] is a plain number; build the operation from scalargrad's own, or give "
            "local_grads as Values, a constant as Value(3.0)"
        )
        y = sg.Value(10.0, (x, x), (2.0 * x, sg.Value(3.0)), op="mine")
        (slope,) = sg.grad(y, x, create_graph=True)
        assert (slope.data, sg.grad(slope, x)) == (7.0, (2.0,))

    def test_one_that_was_changed_after_the_forward_pass_is_noticed(self, sg):
        x, slope = sg.Value(3.0), sg.Value(2.0)
        y = sg.Value(6.0, (x,), (slope,), op="mine")
        slope.data = 3.0
        with pytest.raises(ValueError, match="'mine' was computed from, but it was changed"):
            sg.grad(y, x, create_graph=True)

    def test_elements_of_rows_serve_too(self, sg):
        row = sg.nn.vector([0.5, 2.0])
        y = sg.Value(1.0, row, row * 3.0)
        (slopes,) = sg.grad(y, row, create_graph=True)
        assert slopes.data == (1.5, 6.0)
        assert sg.grad(slopes[1], row)[0].data == (0.0, 3.0)

    def test_pictures_and_the_ledger_do_not_show_them(self, sg):
        x = sg.Value(2.0, label="x")
        y = sg.Value(4.0, (x,), (2.0 * x,), op="square")
        plain = sg.Value(4.0, (x,), (4.0,), op="square")
        assert sg.graph.to_mermaid(y) == sg.graph.to_mermaid(plain)
        assert sg.graph.explain(y) == sg.graph.explain(plain)

    def test_it_can_not_be_copied_as_no_computed_value_can(self, sg):
        x = sg.Value(2.0)
        y = sg.Value(4.0, (x,), (2.0 * x,))
        for copied in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError, match="cannot be copied or pickled"):
                copied(y)

    @cpython  # which counts references
    def test_it_keeps_them_alive_and_lets_them_go(self, sg):
        x = sg.Value(2.0)
        slope = sg.Value(4.0)
        y = sg.Value(4.0, (x,), (slope,))
        before = sys.getrefcount(slope)
        del y
        gc.collect()
        assert sys.getrefcount(slope) == before - 1

    @long_in_python
    @pytest.mark.parametrize("length", [200_000])
    def test_a_long_chain_of_them_is_freed(self, sg, length):
        x = slope = sg.Value(1.0)
        for _ in range(length):
            slope = sg.Value(1.0, (x,), (slope,))
        del slope
        gc.collect()
        assert (x * 2.0).data == 2.0


class TestInputsInInputs:
    """They may be nested, but not without end."""

    @pytest.mark.parametrize("create_graph", [False, True])
    def test_a_hundred_deep_is_enough(self, sg, create_graph):
        x = sg.nn.vector([1.0, 2.0])
        nested = x
        for _ in range(100):
            nested = [nested]
        result = sg.grad(x.sum(), nested, create_graph=create_graph)
        for _ in range(99):
            (result,) = result
        assert result[0].data == (1.0, 1.0)
        for depth in (1, 100_000):
            for _ in range(depth):
                nested = [nested]
            with pytest.raises(ValueError, match=r"^grad: inputs .* more than 100 deep"):
                sg.grad(x.sum(), nested, create_graph=create_graph)

    def test_one_that_holds_itself_is_refused(self, sg):
        x = sg.Value(1.0)
        inputs = [x]
        inputs.append(inputs)
        with pytest.raises(ValueError, match="or one that holds itself"):
            sg.grad(x * x, inputs)
