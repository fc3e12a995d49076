"""grad: derivatives as a function, of any order."""

import math

import pytest


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
            (3.0, [], "outputs must be a sequence, got float"),
            (["x", 3.0], [], r"outputs\[1\] must be a Value or a row, got float"),
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
