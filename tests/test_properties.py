"""What holds for every graph: programs drawn at random, and the rules of calculus on them."""

import math
from collections.abc import Callable
from typing import Any

import forward_mode
import pytest
from hypothesis import assume, example, given, reject
from hypothesis import strategies as st

# A program starts from some leaves, and each step makes one more number from three earlier ones.
# Every operation occurs, at arguments where it neither overflows nor is undefined.
STEPS: dict[str, Callable[..., Any]] = {
    "a + b": lambda sg, a, b, c: a + b,
    "a - b": lambda sg, a, b, c: a - b,
    "a * b": lambda sg, a, b, c: a * b,
    "2 - a": lambda sg, a, b, c: 2.0 - a,
    "a / (1 + b b)": lambda sg, a, b, c: a / (1.0 + b * b),
    "1 / (2 + a a)": lambda sg, a, b, c: 1.0 / (2.0 + a * a),
    "a ** 3": lambda sg, a, b, c: a**3.0,
    "-a": lambda sg, a, b, c: -a,
    "abs(a)": lambda sg, a, b, c: abs(a),
    "exp": lambda sg, a, b, c: a.tanh().exp(),
    "log": lambda sg, a, b, c: (a * a + 1.0).log(),
    "log1p": lambda sg, a, b, c: (a * a).log1p(),
    "expm1": lambda sg, a, b, c: a.sin().expm1(),
    "sqrt": lambda sg, a, b, c: (a * a + 0.5).sqrt(),
    "cos": lambda sg, a, b, c: a.cos(),
    "sigmoid": lambda sg, a, b, c: a.sigmoid(),
    "relu": lambda sg, a, b, c: a.relu(),
    "maximum": lambda sg, a, b, c: sg.maximum(a, b),
    "minimum": lambda sg, a, b, c: sg.minimum(a, 0.5),
    "dot": lambda sg, a, b, c: sg.nn.dot([a, b, c], [c, 2.0, a]),
    "linear": lambda sg, a, b, c: sg.nn.linear([a, b], [[b, c], [1.0, a]], [c, 0.5])[1],
    "softmax": lambda sg, a, b, c: sg.nn.softmax([a, b, c])[1],
    "rmsnorm": lambda sg, a, b, c: sg.nn.rmsnorm([a, b, c], 0.25)[0],
    "cross_entropy": lambda sg, a, b, c: sg.nn.cross_entropy([a, b, c], 2),
    # rows within rows
    "all": lambda sg, a, b, c: sg.nn.dot(sg.nn.softmax(sg.nn.rmsnorm([a, b, c], 0.25)), [c, a, b]),
}

Step = tuple[str, int, int, int]
index = st.integers(0, 30)
programs = st.lists(st.tuples(st.sampled_from(list(STEPS)), index, index, index), max_size=20)
numbers = st.integers(-8, 8).map(lambda n: n / 4) | st.floats(-2.0, 2.0)
leaves = st.lists(numbers, min_size=1, max_size=4)
weights = st.integers(-4, 4).map(float)


def run(sg: Any, program: list[Step], start: Any) -> Any:
    """The last number that the program makes; an index counts from the latest."""
    made = list(start)
    for name, i, j, k in program:
        made.append(STEPS[name](sg, *(made[-1 - n % len(made)] for n in (i, j, k))))
    return made[-1]


def slopes(program: list[Step], at: list[float]) -> tuple[list[Any], float]:
    """The result of the program for each leaf in turn, with its slope, and how large these get."""
    starts = [
        [forward_mode.leaf(x, float(i == k)) for k, x in enumerate(at)] for i in range(len(at))
    ]
    try:
        results = [run(forward_mode, program, start) for start in starts]
    except OverflowError:  # a ** 3 again and again
        reject()
    size = max(1.0, *(abs(result.data) for result in results), *(x.size for x in results))
    assume(size < 1e50)
    return results, size


@given(program=programs, at=leaves)
@example(program=[("a + b", 0, 0, 0)] * 20, at=[1.0])  # 2 ** 20 paths
@example(program=[("all", 0, 1, 2)] * 8, at=[0.5, -1.0, 2.0])
def test_backward_agrees_with_forward_mode(sg, program, at):
    expected, size = slopes(program, at)
    x = [sg.Value(number) for number in at]
    result = run(sg, program, x)
    result.backward()
    assert result.data == pytest.approx(expected[0].data, rel=1e-9, abs=1e-9)
    for value, tangent in zip(x, expected):
        assert value.grad == pytest.approx(tangent.slope, rel=1e-9, abs=1e-9 * size)


@given(program=programs, at=leaves)
def test_it_does_not_matter_whether_leaves_are_in_a_row(sg, program, at):
    slopes(program, at)
    apart, row = [sg.Value(number) for number in at], sg.nn.vector(at)
    for start in (apart, row):
        run(sg, program, start).backward()
    assert [x.grad for x in row] == [x.grad for x in apart]


@given(program=programs, at=leaves)
def test_a_second_call_doubles_the_leaves_and_nothing_else(sg, program, at):
    _, size = slopes(program, at)
    x = [sg.Value(number) for number in at]
    result = run(sg, program, x)
    result.backward()
    inner = [p for p in result.parents if p.parents]
    once, inner_once = [v.grad for v in x], [v.grad for v in inner]
    result.backward()
    assert [v.grad for v in x] == pytest.approx([2.0 * g for g in once], abs=1e-12 * size)
    assert [v.grad for v in inner] == inner_once


@given(program=programs, at=leaves)
def test_grad_agrees_with_backward_and_with_its_own_graph(sg, program, at):
    _, size = slopes(program, at)
    x = [sg.Value(number) for number in at]
    result = run(sg, program, x)
    result.backward()
    near = pytest.approx([v.grad for v in x], rel=1e-9, abs=1e-9 * size)
    assert list(sg.grad(result, x)) == near
    assert [g.data for g in sg.grad(result, x, create_graph=True)] == near


@given(program=programs, at=leaves)
def test_the_derivative_of_a_derivative_is_symmetric(sg, program, at):
    _, size = slopes(program, at)
    assume(size < 1e3)
    x = [sg.Value(number) for number in at]
    first = sg.grad(run(sg, program, x), x, create_graph=True)
    hessian = [sg.grad(slope, x) for slope in first]
    scale = max(1.0, *(abs(entry) for row in hessian for entry in row))
    for i in range(len(x)):
        for j in range(i):
            assert hessian[i][j] == pytest.approx(hessian[j][i], rel=1e-9, abs=1e-9 * scale)


@given(f=programs, g=programs, at=leaves, a=weights, b=weights)
def test_the_gradient_is_linear(sg, f, g, at, a, b):
    size = max(slopes(f, at)[1], slopes(g, at)[1])
    x = [sg.Value(number) for number in at]
    y, z = run(sg, f, x), run(sg, g, x)
    combined = sg.grad(a * y + b * z, x)
    apart = [a * dy + b * dz for dy, dz in zip(sg.grad(y, x), sg.grad(z, x))]
    assert list(combined) == pytest.approx(apart, rel=1e-9, abs=1e-9 * size)


@given(f=programs, g=programs, at=leaves)
def test_two_backward_calls_add_up_to_that_of_the_sum(sg, f, g, at):
    size = max(slopes(f, at)[1], slopes(g, at)[1])
    x = [sg.Value(number) for number in at]
    y, z = run(sg, f, x), run(sg, g, x)
    total = sg.grad(y + z, x)
    y.backward()
    z.backward()
    assert [v.grad for v in x] == pytest.approx(list(total), rel=1e-9, abs=1e-9 * size)


@given(f=programs, g=programs, at=leaves)
def test_the_product_rule(sg, f, g, at):
    size = slopes(f, at)[1] * slopes(g, at)[1]
    assume(size < 1e50)
    x = [sg.Value(number) for number in at]
    y, z = run(sg, f, x), run(sg, g, x)
    apart = [dy * z.data + dz * y.data for dy, dz in zip(sg.grad(y, x), sg.grad(z, x))]
    assert list(sg.grad(y * z, x)) == pytest.approx(apart, rel=1e-9, abs=1e-9 * size)


@given(f=programs, g=programs, at=leaves)
def test_the_chain_rule(sg, f, g, at):
    inner_size = slopes(f, at)[1]
    x = [sg.Value(number) for number in at]
    inner = run(sg, f, x)
    assume(abs(inner.data) <= 2.0)
    outer_size = slopes(g, [inner.data])[1]
    outer = run(sg, g, [inner])
    (upstream,) = sg.grad(outer, [inner])
    apart = [upstream * slope for slope in sg.grad(inner, x)]
    near = pytest.approx(apart, rel=1e-9, abs=1e-9 * inner_size * outer_size)
    if outer is not inner:
        assert list(sg.grad(outer, x)) == near


@given(program=programs, at=leaves, data=st.data())
def test_the_order_of_parents_does_not_matter(sg, program, at, data):
    _, size = slopes(program, at)
    x = [sg.Value(number) for number in at]
    parents = [(run(sg, program[:n], x), 1.0 + n) for n in range(len(program) + 1)]
    permuted = data.draw(st.permutations(parents))
    gradients = [sg.grad(sg.Value(0.0, *zip(*order)), x) for order in (parents, permuted)]
    scale = size * len(parents) ** 2
    assert gradients[0] == pytest.approx(gradients[1], rel=1e-9, abs=1e-9 * scale)


whole_rows = st.lists(st.integers(-1000, 1000).map(float), min_size=1, max_size=6)
rows = st.lists(st.floats(-100.0, 100.0), min_size=1, max_size=6)


@given(x=whole_rows, shift=st.integers(-1000, 1000))
def test_softmax_and_cross_entropy_do_not_see_a_shift(sg, x, shift):
    """Whole numbers are shifted without rounding."""
    shifted = [number + shift for number in x]
    assert [p.data for p in sg.nn.softmax(x)] == [p.data for p in sg.nn.softmax(shifted)]
    assert sg.nn.cross_entropy(x, 0).data == sg.nn.cross_entropy(shifted, 0).data


@given(x=rows)
def test_softmax_gives_probabilities(sg, x):
    p = [value.data for value in sg.nn.softmax(x)]
    assert all(0.0 <= probability <= 1.0 for probability in p)
    assert math.fsum(p) == pytest.approx(1.0, rel=1e-15)
    assert [probability for _, probability in sorted(zip(x, p))] == sorted(p)  # the order of x


@given(x=rows, data=st.data())
def test_gradients_through_softmax_and_cross_entropy_sum_to_zero(sg, x, data):
    """As a shift changes nothing."""
    target = data.draw(st.integers(0, len(x) - 1))
    for function in (lambda v: sg.nn.softmax(v)[target], lambda v: sg.nn.cross_entropy(v, target)):
        v = sg.nn.vector(x)
        function(v).backward()
        assert math.fsum(value.grad for value in v) == pytest.approx(0.0, abs=1e-15)


@given(x=rows, data=st.data())
def test_cross_entropy_is_never_negative(sg, x, data):
    target = data.draw(st.integers(0, len(x) - 1))
    loss = sg.nn.cross_entropy(x, target).data
    assert loss >= 0.0
    assert (loss > math.log(len(x)) - 1e-12) or x[target] > min(x)


@given(x=rows.filter(any), scale=st.floats(0.01, 100.0))
def test_rmsnorm_does_not_see_a_scale(sg, x, scale):
    assume(max(map(abs, x)) > 1e-100)
    scaled = sg.nn.rmsnorm([number * scale for number in x], eps=0.0)
    expected = [value.data for value in sg.nn.rmsnorm(x, eps=0.0)]
    assert [value.data for value in scaled] == pytest.approx(expected, rel=1e-14, abs=1e-100)


@given(x=rows.filter(any))
def test_gradients_through_rmsnorm_are_at_right_angles_to_the_row(sg, x):
    """As a scale changes nothing."""
    assume(max(map(abs, x)) > 1e-3)
    v = sg.nn.vector(x)
    sg.nn.rmsnorm(v, eps=0.0)[0].backward()
    along = math.fsum(value.data * value.grad for value in v)
    assert along == pytest.approx(0.0, abs=1e-14)


@given(x=rows, data=st.data())
def test_functions_of_rows_commute_with_reordering(sg, x, data):
    order = data.draw(st.permutations(range(len(x))))
    for function in (sg.nn.softmax, sg.nn.rmsnorm):
        straight = [value.data for value in function(x)]
        reordered = [value.data for value in function([x[i] for i in order])]
        assert reordered == pytest.approx([straight[i] for i in order], rel=1e-14)
