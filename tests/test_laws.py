"""The laws of calculus, on programs drawn at random, and what the functions of `nn` must obey.

How far two sides of a law may differ is not guessed. A gradient is a sum over all paths through the
graph, of the product of the local derivatives on each; both sides of a law add up the same paths,
in another order. With n roundings they are off by at most gamma(n) times the sum of the absolute
values, which `Paths` adds up (Higham 2002, Accuracy and Stability of Numerical Algorithms, section
3.1).
"""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
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
    "row * row": lambda sg, a, b, c: (sg.Vector([a, b]) * sg.Vector([c, a])).sum(),
    "row * a": lambda sg, a, b, c: (sg.Vector([a, b, c]) * a - 0.5).mean(),
    "tanh of a row": lambda sg, a, b, c: sg.Vector([a, b]).tanh()[1],
    "weighted_sum": lambda sg, a, b, c: sg.nn.weighted_sum([a, b], [[b, c], [1.0, a]])[1],
    "concatenate": lambda sg, a, b, c: sg.nn.concatenate([[a], [b, c]])[2],
    # rows within rows
    "all": lambda sg, a, b, c: sg.nn.dot(sg.nn.softmax(sg.nn.rmsnorm([a, b, c], 0.25)), [c, a, b]),
}

# Backward through these multiplies local derivatives as shown by `local_grads`. Through the others
# it takes short cuts, whose roundings have bounds of their own, below.
BY_PATHS = [name for name in STEPS if name not in ("softmax", "rmsnorm", "cross_entropy", "all")]

Step = tuple[str, int, int, int]
index = st.integers(0, 30)
programs = st.lists(st.tuples(st.sampled_from(list(STEPS)), index, index, index), max_size=20)
by_paths = st.lists(st.tuples(st.sampled_from(BY_PATHS), index, index, index), max_size=20)
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


# Roundings.

U = 2.0**-53
TINY = 1e-300  # what underflow may do, many times over


def gamma(n: float) -> float:
    """How far n roundings, one after the other, can move a number, relative to it."""
    return n * U / (1.0 - n * U)


class Paths:
    """The paths from leaves to a result: how many steps they have, and how much they carry."""

    def __init__(self, result: Any, x: Sequence[Any]) -> None:
        order, stack, seen = [], [(result, False)], set()
        while stack:
            node, done = stack.pop()
            if done:
                order.append(node)
            elif node not in seen:
                seen.add(node)
                stack += [(node, True), *((parent, False) for parent in node.parents)]
        carried = dict.fromkeys(order, 0.0)
        carried[result] = 1.0
        self.steps = 0
        for node in reversed(order):
            for parent, local_grad in zip(node.parents, node.local_grads):
                carried[parent] += abs(local_grad) * carried[node]
                self.steps += 1
        self.sizes = [carried.get(value, 0.0) for value in x]

    def near(self, grads: Sequence[float], expected: Sequence[float], more: int = 0) -> bool:
        """Whether both are sums over these paths, each with that many roundings and `more`."""
        # A step is a product and a sum; each side has its own roundings.
        share = 2.0 * gamma(2 * self.steps + more)
        return all(
            abs(grad - other) <= share * size + TINY
            for grad, other, size in zip(grads, expected, self.sizes)
        )


def leaves_of(sg: Any, at: Sequence[float]) -> list[Any]:
    return [sg.Value(number) for number in at]


# Gradients of programs.


@given(program=by_paths, at=leaves)
@example(program=[("a + b", 0, 0, 0)] * 20, at=[1.0])
def test_grad_is_what_backward_gives_with_and_without_a_graph(sg, program, at):
    slopes(program, at)
    x = leaves_of(sg, at)
    result = run(sg, program, x)
    result.backward()
    backward, paths = [v.grad for v in x], Paths(result, x)
    assert paths.near(sg.grad(result, x), backward)
    assert paths.near([g.data for g in sg.grad(result, x, create_graph=True)], backward)


@given(program=programs, at=leaves)
def test_a_second_backward_doubles_the_leaves_and_nothing_else(sg, program, at):
    slopes(program, at)
    x = leaves_of(sg, at)
    result = run(sg, program, x)
    result.backward()
    inner = [p for p in result.parents if p.parents]
    once, inner_once = [v.grad for v in x], [v.grad for v in inner]
    result.backward()
    paths = Paths(result, x)
    assert [v.grad for v in inner] == inner_once
    if all(name in BY_PATHS for name, *_ in program):
        assert paths.near([v.grad / 2.0 for v in x], once)
    else:  # what arrives is the same as before, and is added to the first sum instead of to 0
        size = max(*paths.sizes, *map(abs, once))
        assert [v.grad for v in x] == pytest.approx([2.0 * g for g in once], abs=1e-12 * size)


@given(f=by_paths, g=by_paths, at=leaves)
def test_two_backwards_add_up_to_that_of_the_sum(sg, f, g, at):
    slopes(f, at), slopes(g, at)
    x = leaves_of(sg, at)
    y, z = run(sg, f, x), run(sg, g, x)
    total = y + z
    expected, paths = sg.grad(total, x), Paths(total, x)
    y.backward()
    z.backward()
    if y.parents and z.parents:
        assert paths.near([v.grad for v in x], expected)


@given(f=by_paths, g=by_paths, at=leaves, a=weights, b=weights)
def test_the_gradient_is_linear(sg, f, g, at, a, b):
    slopes(f, at), slopes(g, at)
    x = leaves_of(sg, at)
    y, z = run(sg, f, x), run(sg, g, x)
    combined = a * y + b * z
    apart = [a * dy + b * dz for dy, dz in zip(sg.grad(y, x), sg.grad(z, x))]
    assert Paths(combined, x).near(sg.grad(combined, x), apart)


@given(f=by_paths, g=by_paths, at=leaves)
def test_the_product_rule(sg, f, g, at):
    assume(slopes(f, at)[1] * slopes(g, at)[1] < 1e50)
    x = leaves_of(sg, at)
    y, z = run(sg, f, x), run(sg, g, x)
    apart = [dy * z.data + dz * y.data for dy, dz in zip(sg.grad(y, x), sg.grad(z, x))]
    product = y * z
    assert Paths(product, x).near(sg.grad(product, x), apart)


@given(f=by_paths, g=by_paths, at=leaves)
def test_the_quotient_rule(sg, f, g, at):
    assume(slopes(f, at)[1] * slopes(g, at)[1] < 1e50)
    x = leaves_of(sg, at)
    y, z = run(sg, f, x), run(sg, g, x)
    assume(abs(z.data) > 1e-6)
    quotient = y / z
    apart = [
        dy / z.data - dz * quotient.data / z.data for dy, dz in zip(sg.grad(y, x), sg.grad(z, x))
    ]
    assert Paths(quotient, x).near(sg.grad(quotient, x), apart, more=4)


@given(f=by_paths, g=by_paths, at=leaves)
def test_the_chain_rule(sg, f, g, at):
    slopes(f, at)
    x = leaves_of(sg, at)
    inner = run(sg, f, x)
    assume(abs(inner.data) <= 2.0)
    slopes(g, [inner.data])
    outer = run(sg, g, [inner])
    (upstream,) = sg.grad(outer, [inner])
    apart = [upstream * slope for slope in sg.grad(inner, x)]
    assert Paths(outer, x).near(sg.grad(outer, x), apart, more=1)


@given(f=by_paths, g=by_paths, at=leaves)
def test_a_shared_number_gathers_from_all_its_uses(sg, f, g, at):
    slopes(f, at)
    x = leaves_of(sg, at)
    shared = run(sg, f, x)
    assume(abs(shared.data) <= 2.0)
    slopes(g, [shared.data])
    one, other = run(sg, g, [shared]), shared * shared
    total = one + other
    apart = sg.grad(one, [shared])[0] + 2.0 * shared.data
    assert Paths(total, [shared]).near(sg.grad(total, [shared]), [apart], more=2)
    through = [apart * slope for slope in sg.grad(shared, x)]
    assert Paths(total, x).near(sg.grad(total, x), through, more=3)
    total.backward()
    if shared.parents:
        assert Paths(total, [shared]).near([shared.grad], [apart], more=2)


@given(program=by_paths, at=leaves, data=st.data())
def test_the_order_of_parents_does_not_matter(sg, program, at, data):
    slopes(program, at)
    x = leaves_of(sg, at)
    parents = [(run(sg, program[:n], x), 1.0 + n) for n in range(len(program) + 1)]
    permuted = data.draw(st.permutations(parents))
    straight, other = (sg.Value(0.0, *zip(*order)) for order in (parents, permuted))
    assert Paths(straight, x).near(sg.grad(other, x), sg.grad(straight, x))


@given(program=programs, at=leaves, upstream=st.integers(-10, 10))
def test_backward_is_proportional_to_what_it_starts_with(sg, program, at, upstream):
    """Bit for bit if that is a power of 2, which rounds nothing."""
    slopes(program, at)
    runs = []
    for start in (1.0, 2.0**upstream):
        x = leaves_of(sg, at)
        run(sg, program, x).backward(start)
        runs.append([v.grad for v in x])
    once, scaled = runs
    assume(all(abs(g) > 1e-290 or g == 0.0 for g in once))
    assert scaled == [g * 2.0**upstream for g in once]


# What cuts a graph.


@given(f=programs, g=programs, at=leaves)
def test_nothing_flows_through_detach(sg, f, g, at):
    slopes(f, at), slopes(g, at)
    x = leaves_of(sg, at)
    y, z = run(sg, f, x), run(sg, g, x)
    cut = y.detach()
    assert (cut.data, cut.parents, cut.grad) == (y.data, (), 0.0)
    assert sg.grad(cut + z, x) == sg.grad(z, x)
    assert sg.grad(cut * 2.0, x) == (0.0,) * len(x)
    assert sg.grad(cut * z, [cut]) == (z.data,)


@given(program=programs, at=leaves)
def test_no_grad_computes_the_same_numbers_and_records_nothing(sg, program, at):
    slopes(program, at)
    x = leaves_of(sg, at)
    recorded = run(sg, program, x)
    with sg.no_grad():
        result = run(sg, program, x)
    assert result.data == recorded.data
    if program:
        assert (result.parents, result.local_grads, result.op) == ((), (), "")
        result.backward()
        assert [v.grad for v in x] == [0.0] * len(x)
        assert sg.grad(result, x) == (0.0,) * len(x)


@given(f=programs, g=programs, at=leaves)
def test_what_is_computed_without_a_graph_is_a_constant(sg, f, g, at):
    slopes(f, at), slopes(g, at)
    x = leaves_of(sg, at)
    with sg.no_grad():
        constant = run(sg, f, x)
    assume(f)
    z = run(sg, g, x)
    assert sg.grad(constant + z, x) == sg.grad(z, x)


# Fused functions are the same functions as those written with operators.


rows = st.lists(st.floats(-100.0, 100.0), min_size=1, max_size=6)
pairs_of_rows = st.lists(st.tuples(*[st.floats(-100.0, 100.0)] * 2), min_size=1, max_size=6).map(
    lambda pairs: tuple(zip(*pairs))
)


def weighed(row: Any) -> Any:
    """One number that depends on all of a row: y[0] - 2 y[1] + 3 y[2] ..."""
    weights = [(1.0 + i) * (-1.0) ** i for i in range(len(row))]
    total = weights[0] * row[0]
    for weight, value in zip(weights[1:], row[1:]):
        total = total + weight * value
    return total


@given(ab=pairs_of_rows)
def test_dot_is_the_sum_of_the_products(sg, ab):
    fused_rows, composed_rows = ([sg.nn.vector(row) for row in ab] for _ in range(2))
    fused = sg.nn.dot(*fused_rows)
    composed = sum(x * y for x, y in zip(*composed_rows))
    size = math.fsum(abs(x * y) for x, y in zip(*ab))
    assert abs(fused.data - composed.data) <= 2.0 * gamma(len(ab[0])) * size + TINY
    fused.backward()
    composed.backward()
    for one, other in zip(fused_rows, composed_rows):
        assert [v.grad for v in one] == [v.grad for v in other]


@given(w=st.lists(st.lists(st.floats(-9.0, 9.0), min_size=3, max_size=3), min_size=1, max_size=4))
def test_linear_is_a_dot_product_per_row_and_a_bias(sg, w):
    made = []
    for build in (sg.nn.linear, lambda x, w, b: [sg.nn.dot(x, r) + bi for r, bi in zip(w, b)]):
        x, b = sg.nn.vector([0.5, -1.5, 3.0]), sg.nn.vector(range(len(w)))
        matrix = [sg.nn.vector(row) for row in w]
        y = build(x, matrix, b)
        result = weighed(y)
        result.backward()
        made.append((result, [v.data for v in y], [v for row in (x, *matrix, b) for v in row]))
    (fused, ys, values), (_, composed_ys, composed_values) = made
    assert ys == composed_ys
    grads = [[v.grad for v in side] for side in (values, composed_values)]
    assert Paths(fused, values).near(*grads)


def softmax_of_operators(x: Any) -> Any:
    top = max(v.data for v in x)
    exponentials = [(v - top).exp() for v in x]
    total = sum(exponentials)
    return [e / total for e in exponentials]


@given(x=rows)
def test_softmax_is_exponentials_over_their_sum(sg, x):
    """Each gradient is p[j] times a sum of n products; operators round each of these 4 times."""
    n, sides = len(x), []
    for function in (sg.nn.softmax, softmax_of_operators):
        v = sg.nn.vector(x)
        p = function(v)
        weighed(p).backward()
        sides.append(([y.data for y in p], [value.grad for value in v]))
    (p, grads), (composed_p, composed_grads) = sides
    mean = math.fsum((1.0 + i) * pi for i, pi in enumerate(p))
    for j in range(n):
        # the exponentials are the same; each side has a sum of n and a quotient
        assert abs(p[j] - composed_p[j]) <= 2.0 * gamma(n + 1) * p[j] + TINY
        size = p[j] * (1.0 + j + mean)
        assert abs(grads[j] - composed_grads[j]) <= 2.0 * gamma(3 * n + 9) * size + TINY


def rmsnorm_of_operators(x: Any, eps: float) -> Any:
    scale = (sum(v * v for v in x) / len(x) + eps) ** -0.5
    return [v * scale for v in x]


@given(x=rows, eps=st.sampled_from([1e-5, 0.25]))
def test_rmsnorm_is_the_row_over_its_root_mean_square(sg, x, eps):
    """The scale has n + 3 roundings and counts three times in a gradient, beside two sums of n."""
    n, sides = len(x), []
    for function in (sg.nn.rmsnorm, rmsnorm_of_operators):
        v = sg.nn.vector(x)
        y = function(v, eps)
        weighed(y).backward()
        sides.append(([yi.data for yi in y], [value.grad for value in v]))
    (y, grads), (composed_y, composed_grads) = sides
    scale = (math.fsum(xi * xi for xi in x) / n + eps) ** -0.5
    mean = math.fsum((1.0 + i) * abs(yi) for i, yi in enumerate(y)) / n
    for j in range(n):
        assert abs(y[j] - composed_y[j]) <= 2.0 * gamma(n + 4) * abs(y[j]) + TINY
        size = scale * (1.0 + j + abs(y[j]) * mean)
        assert abs(grads[j] - composed_grads[j]) <= 2.0 * gamma(5 * n + 20) * size + TINY


@given(x=rows, data=st.data())
def test_cross_entropy_is_minus_the_logarithm_of_the_probability(sg, x, data):
    target, n = data.draw(st.integers(0, len(x) - 1)), len(x)
    fused_row, composed_row = sg.nn.vector(x), sg.nn.vector(x)
    fused = sg.nn.cross_entropy(fused_row, target)
    top = max(x)
    composed = sum((v - top).exp() for v in composed_row).log() - (composed_row[target] - top)
    # The sum under the logarithm is off by n roundings, which log makes absolute.
    size = 1.0 + math.log(n) + abs(x[target] - top)
    assert abs(fused.data - composed.data) <= 2.0 * gamma(n + 4) * size
    fused.backward()
    composed.backward()
    p = [value.data for value in sg.nn.softmax(x)]
    for j in range(n):
        size = p[j] + (j == target)
        assert abs(fused_row[j].grad - composed_row[j].grad) <= 2.0 * gamma(n + 6) * size + TINY


# Functions of rows.


whole_rows = st.lists(st.integers(-1000, 1000).map(float), min_size=1, max_size=6)


@given(x=whole_rows, shift=st.integers(-1000, 1000), data=st.data())
def test_softmax_and_cross_entropy_do_not_see_a_shift(sg, x, shift, data):
    """Whole numbers are shifted without rounding, so nothing at all may change."""
    target = data.draw(st.integers(0, len(x) - 1))
    seen = []
    for numbers in (x, [number + shift for number in x]):
        v = sg.nn.vector(numbers)
        loss = sg.nn.cross_entropy(v, target)
        loss.backward()
        seen.append(([p.data for p in sg.nn.softmax(v)], loss.data, [value.grad for value in v]))
    assert seen[0] == seen[1]


@given(x=rows)
def test_softmax_gives_probabilities(sg, x):
    p = [value.data for value in sg.nn.softmax(x)]
    assert all(0.0 <= probability <= 1.0 for probability in p)
    assert abs(math.fsum(p) - 1.0) <= gamma(len(x) + 1)  # a sum of n, and a quotient
    assert [probability for _, probability in sorted(zip(x, p))] == sorted(p)  # the order of x


@given(x=rows, data=st.data())
def test_gradients_through_softmax_and_cross_entropy_sum_to_zero(sg, x, data):
    """As a shift changes nothing. Those of softmax are p[j] (g[j] - p[target])."""
    target, n = data.draw(st.integers(0, len(x) - 1)), len(x)
    v = sg.nn.vector(x)
    p = sg.nn.softmax(v)[target]
    p.backward()
    assert abs(math.fsum(value.grad for value in v)) <= 2.0 * gamma(2 * n + 4) * p.data + TINY
    v = sg.nn.vector(x)
    sg.nn.cross_entropy(v, target).backward()
    assert abs(math.fsum(value.grad for value in v)) <= 2.0 * gamma(2 * n + 4)


@given(x=rows, data=st.data())
def test_cross_entropy_is_never_negative(sg, x, data):
    target = data.draw(st.integers(0, len(x) - 1))
    loss = sg.nn.cross_entropy(x, target).data
    assert loss >= 0.0
    assert loss >= math.log(len(x)) * (1.0 - gamma(len(x) + 4)) or x[target] > min(x)


@given(x=rows.filter(any), power=st.integers(-20, 20), scale=st.floats(0.01, 100.0))
def test_rmsnorm_does_not_see_a_scale(sg, x, power, scale):
    """The root of a mean of n squares has n + 3 roundings, and each number one from the scale."""
    assume(min(abs(number) for number in x if number) > 1e-100)
    expected = [value.data for value in sg.nn.rmsnorm(x, eps=0.0)]
    for factor, more in ((2.0**power, 0), (scale, 3)):
        scaled = sg.nn.rmsnorm([number * factor for number in x], eps=0.0)
        for value, y in zip(scaled, expected):
            assert abs(value.data - y) <= 2.0 * gamma(len(x) + 4 + more) * abs(y)


@given(x=rows.filter(any))
def test_gradients_through_rmsnorm_are_at_right_angles_to_the_row(sg, x):
    """As a scale changes nothing. Each is scale (g[j] - y[j] mean), and y[0] = x[0] scale."""
    assume(min(abs(number) for number in x if number) > 1e-3)
    n, v = len(x), sg.nn.vector(x)
    y = sg.nn.rmsnorm(v, eps=0.0)
    y[0].backward()
    along = math.fsum(value.data * value.grad for value in v)
    assert abs(along) <= 2.0 * gamma(3 * n + 12) * abs(y[0].data)


@given(x=rows, data=st.data())
def test_functions_of_rows_commute_with_reordering(sg, x, data):
    order = data.draw(st.permutations(range(len(x))))
    for function in (sg.nn.softmax, sg.nn.rmsnorm):
        straight = [value.data for value in function(x)]
        reordered = [value.data for value in function([x[i] for i in order])]
        for i, y in zip(order, reordered):
            assert abs(y - straight[i]) <= 2.0 * gamma(len(x) + 5) * abs(straight[i]) + TINY


# Optimisers.


gradients = st.floats(1e-6, 1e6) | st.floats(-1e6, -1e-6)


@given(
    g=gradients,
    start=st.floats(-10.0, 10.0),
    lr=st.floats(1e-4, 1.0),
    betas=st.tuples(st.floats(0.0, 0.99), st.floats(0.0, 0.9999)),
)
def test_adams_first_step_is_the_learning_rate_against_the_sign(sg, g, start, lr, betas):
    """Bias correction makes the moments g and g**2, so the step is lr g / (|g| + eps).

    Roundings: 2 in the first moment, 3 in the second (half of that after the root, and 1), and then
    a sum, a product and a quotient. The subtraction rounds the parameter.
    """
    x = sg.Value(start)
    x.grad = g
    sg.optim.Adam([x], lr=lr, betas=betas, eps=1e-8).step()
    expected = lr * g / (abs(g) + 1e-8)
    rounding = gamma(10) * lr + gamma(2) * (abs(start) + lr)
    assert abs((start - x.data) - expected) <= rounding
    assert abs((start - x.data) - math.copysign(lr, g)) <= lr * 1e-8 / abs(g) + rounding


@given(
    gs=st.lists(st.floats(-10.0, 10.0), min_size=1, max_size=8),
    start=st.floats(-10.0, 10.0),
    lr=st.floats(0.0, 1.0),
    momentum=st.floats(0.0, 0.99),
)
def test_sgd_with_momentum_adds_up_all_gradients_with_fading_weights(sg, gs, start, lr, momentum):
    """Step t moves by lr (g[t] + momentum g[t-1] + momentum**2 g[t-2] ...), here in fractions."""
    x = sg.Value(start)
    optimizer = sg.optim.SGD([x], lr=lr, momentum=momentum)
    for g in gs:
        x.grad = g
        optimizer.step()
    fading = [
        [Fraction(momentum) ** (t - s) * Fraction(gs[s]) for s in range(t + 1)]
        for t in range(len(gs))
    ]
    moved = Fraction(lr) * sum(map(sum, fading))
    size = abs(start) + lr * float(sum(abs(share) for step in fading for share in step))
    exact = float(Fraction(start) - moved)
    assert abs(x.data - exact) <= gamma(4 * len(gs) + 1) * size + TINY


@given(program=programs, at=leaves, lr=st.floats(1e-3, 1.0))
def test_a_step_of_sgd_is_the_gradient_times_the_learning_rate(sg, program, at, lr):
    slopes(program, at)
    x = leaves_of(sg, at)
    expected = [v.data - lr * g for v, g in zip(x, sg.grad(run(sg, program, x), x))]
    optimizer = sg.optim.SGD(x, lr=lr)
    for v, g in zip(x, sg.grad(run(sg, program, x), x)):
        v.grad = g
    optimizer.step()
    assert [v.data for v in x] == expected


# And measured.


@given(
    program=programs,
    at=st.lists(st.floats(0.1, 1.9).map(lambda x: x - 1.0 / 3.0), min_size=1, max_size=3),
)
def test_gradcheck_agrees_with_every_program(sg, program, at):
    """Away from points where numbers are equal that need not be, where maximum has a kink."""
    values = [abs(x) for x in at]
    assume(min(values) > 1e-3)
    assume(all(abs(a - b) > 1e-3 for i, a in enumerate(values) for b in values[:i]))
    slopes(program, at)
    assert sg.gradcheck(lambda *x: run(sg, program, x), at)
