"""The two engines are twins: the same program gives the same bits, and the same errors, in both.

Programs are drawn at random and run in both engines side by side. After every instruction they must
agree on its outcome, and at the end on everything that can be seen of every Value.

`SCALARGRAD_TWIN_PROGRAMS=20000` draws that many, instead of a few hundred.
"""

import copy
import math
import os
import pickle
import random
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction
from itertools import product
from pathlib import Path

import pytest
from effort import examples
from engines import PACKAGES, in_sys_modules
from hypothesis import example, given, settings
from hypothesis import strategies as st
from op_table import OPS
from twin_programs import Program, bits

pytestmark = pytest.mark.skipif(
    len(PACKAGES) < 2, reason="the compiled engine is not built: there is nothing to compare"
)

TWINS = [PACKAGES[name] for name in ("reference", "compiled") if name in PACKAGES]
PROGRAMS = int(os.environ.get("SCALARGRAD_TWIN_PROGRAMS") or examples(400))
TRAIN = Path(__file__).parents[1] / "examples" / "microgpt" / "train.py"

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, -8.0, 3.0, 1e-320, 1e308, -1e308, 710.0, -745.0]
FLOATS = st.one_of(
    st.floats(-4.0, 4.0),
    st.sampled_from([*SPECIAL, float("inf"), float("-inf"), float("nan")]),
    st.floats(),
)
ODDITIES = [
    *("text", b"bytes", None, 1j, [1.0], (), {}, {1.0: 2.0}, {1.0}, object, range(2), ...),
    *(True, 7, -3, 10**400, Decimal("0.1"), Fraction(1, 3), "x" * 50, ["a", 1.0]),
]
NUMBERS = st.one_of(FLOATS, st.integers(-5, 5), st.sampled_from(ODDITIES))
INSTRUCTIONS = st.tuples(
    st.sampled_from(Program.INSTRUCTIONS),
    st.tuples(*[st.integers(0, 99)] * 5),
    st.one_of(FLOATS, FLOATS, FLOATS, NUMBERS),
)


def run(instructions):
    """What is seen of a program, in each engine."""
    programs = [Program(engine["scalargrad.engine"]) for engine in TWINS]
    for i, (name, choices, number) in enumerate(instructions):
        outcomes = []
        for engine, program in zip(TWINS, programs):
            with in_sys_modules(engine):
                outcomes.append(program.outcome(name, choices, number))
        assert outcomes[0] == outcomes[1], f"instruction {i}: {name}"
    return [program.everything() for program in programs]


@settings(max_examples=PROGRAMS)
@given(st.lists(INSTRUCTIONS, max_size=30))
@example([("vector", (2, 0, 0, 0, 0), 1.0), ("linear", (0, 0, 0, 0, 0), 1.0)])
def test_random_programs_give_the_same_bits_and_errors(instructions):
    reference, compiled = run(instructions)
    assert reference == compiled


@settings(max_examples=PROGRAMS)
@given(st.lists(INSTRUCTIONS, min_size=10, max_size=60), st.integers(0, 99))
def test_long_programs_without_surprises_give_the_same_bits(instructions, choice):
    usual = [
        (name, choices, number if isinstance(number, float) and abs(number) < 1e3 else 1.5)
        for name, choices, number in instructions
    ]
    reference, compiled = run([*usual, ("backward", (choice,) * 5, 1.0)])
    assert reference == compiled


def around(x, steps=4):
    return [x * (1.0 + k * sys.float_info.epsilon) for k in range(-steps, steps + 1)]


# Where one formula ends and another begins: the engines must change over at the same float.
LEAST = sys.float_info.min  # smaller floats have fewer digits
EDGES = [
    *(around(x, 1) for x in (0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 30.0, 36.75, 354.5, 709.5, 745.25)),
    *(around(x, 1) for x in (LEAST, LEAST**0.5)),
    [0.0, 5e-324, 1e-200, 1e-105, 1e-13, 1e13, 1e200, sys.float_info.max, math.inf, math.nan],
]
NUMBERS_AT_EDGES = [sign * x for some in EDGES for x in some for sign in (1.0, -1.0)]
QUOTIENTS_AT_EDGES = [
    (a, b) for b in (0.5692199318360087, 2.6959412398069) for a in around(LEAST * b)
]
POWERS_AT_EDGES = [
    (x, n)
    for n in (-5.0, -4.8071675334892765, -1.5, 2.5, 4.0, 6.719159100771327)
    for result in (n, n - 1.0)
    for x in around(LEAST ** (1.0 / result))
]


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_operations_change_their_formulas_at_the_same_floats(op):
    points = [*product(NUMBERS_AT_EDGES, repeat=len(op.smooth[0]))]
    points += {"/": QUOTIENTS_AT_EDGES, "**": POWERS_AT_EDGES}.get(op.name, [])
    for point in points:
        reference, compiled = (outcome(op, package["scalargrad"], point) for package in TWINS)
        assert reference == compiled, point


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_rows_change_their_formulas_at_the_same_floats(op):
    points = [*product(NUMBERS_AT_EDGES, repeat=len(op.smooth[0]))]
    points += {"/": QUOTIENTS_AT_EDGES, "**": POWERS_AT_EDGES}.get(op.name, [])
    sg = TWINS[0]["scalargrad"]
    points = [point for point in points if isinstance(outcome(op, sg, point)[1], list)]
    reference, compiled = (rows_at(op, package["scalargrad"], points) for package in TWINS)
    for point, *both in zip(points, zip(*reference), zip(*compiled)):
        assert both[0] == both[1], point


def rows_at(op, sg, points):
    """The results, and the gradients of each operand, at all points at once."""
    rows = [sg.nn.vector(column) for column in zip(*points)]
    result = op.on_values(sg, *rows)
    result.sum().backward(0.75)
    return [[*map(bits, numbers)] for numbers in (result.data, *(row.grad for row in rows))]


def outcome(op, sg, point):
    try:
        result = op.on_values(sg, *map(sg.Value, point))
    except (ArithmeticError, ValueError) as error:
        return type(error), str(error)
    return bits(result.data), [*map(bits, result.local_grads)]


@pytest.mark.parametrize("seed", range(20))
def test_gradients_are_summed_in_the_same_order(seed):
    """In a dense graph, where another order would give other last bits."""
    reference, compiled = (
        tangle(package["scalargrad.engine"], random.Random(seed)) for package in TWINS
    )
    assert reference == compiled


def tangle(engine, rng):
    values = [engine.Value(rng.uniform(-1.0, 1.0)) for _ in range(4)]
    values += engine.vector([rng.uniform(-1.0, 1.0) for _ in range(4)])
    for _ in range(60):
        a, b, c, d = rng.choices(values[-12:], k=4)
        made = rng.randrange(4)
        if made == 0:
            values += engine.linear([a, b], [[c, d], [b, a], [a, 0.5]], [d, c, a])
        elif made == 1:
            values += engine.rmsnorm([a, b, c, d])
        else:
            values += [a * b + c * 0.3, d.tanh() - a]
    values[-1].backward()
    return [bits(value.grad) for value in values]


@pytest.mark.parametrize("engine", PACKAGES)
def test_a_result_that_nothing_depends_on_contributes_nothing(engine):
    """Not even 0 * inf, and not to a row whose gradient is -0.0, which adding 0.0 would change."""
    engine = PACKAGES[engine]["scalargrad.engine"]
    x = engine.vector([float("inf"), 1.0])
    w = [engine.vector([1.0, 2.0]), engine.vector([float("inf"), 3.0])]
    w[1][1].grad = -0.0
    engine.linear(x, w)[0].backward()
    assert [v.grad for v in x] == [1.0, 2.0]
    assert [bits(v.grad) for v in w[1]] == [bits(0.0), bits(-0.0)]
    x[0].grad = -0.0
    engine.linear(x, w)[0].backward(0.0)
    assert bits(x[0].grad) == bits(-0.0)


SETTINGS = st.floats(0.0, 0.99) | st.just(0.0)


@settings(max_examples=PROGRAMS // 4)
@given(
    numbers=st.lists(st.floats(-3.0, 3.0), min_size=12, max_size=12),
    optimizer=st.one_of(
        st.builds(
            lambda lr, momentum, decay, ahead: (
                "SGD",
                {
                    "lr": lr,
                    "momentum": momentum,
                    "weight_decay": decay,
                    "nesterov": ahead and momentum > 0.0,
                },
            ),
            *[SETTINGS] * 3,
            st.booleans(),
        ),
        st.builds(
            lambda name, lr, b1, b2, eps, decay: (
                name,
                {"lr": lr, "betas": (b1, b2), "eps": eps, "weight_decay": decay},
            ),
            st.sampled_from(["Adam", "AdamW"]),
            *[SETTINGS] * 5,
        ),
    ),
    steps=st.integers(1, 6),
    keep_graphs=st.booleans(),
)
def test_training_gives_the_same_bits(numbers, optimizer, steps, keep_graphs):
    reference, compiled = (
        train(package["scalargrad"], numbers, *optimizer, steps, keep_graphs) for package in TWINS
    )
    assert reference == compiled


def train(sg, numbers, optimizer, arguments, steps, keep_graphs):
    """A small network with weights of every kind, trained; all numbers after every step."""
    hidden = tuple(sg.nn.vector(numbers[i : i + 3]) for i in (0, 3))
    bias = [sg.Value(numbers[6]), sg.nn.vector(numbers[7:9])[1]]
    out, scale = sg.nn.vector(numbers[9:11]), sg.Value(numbers[11])
    parameters = [hidden, bias, out[:1], out, scale]
    optimizer = getattr(sg.optim, optimizer)(parameters, **arguments)
    graphs, seen = [], []
    for step in range(steps):
        x = [numbers[step], 1.0, numbers[step + 3]]
        y = sg.nn.softmax(sg.nn.linear(sg.nn.rmsnorm(x), hidden, bias))
        loss = sg.nn.dot([v.tanh() for v in y], out) * scale
        optimizer.zero_grad()
        loss.backward()
        try:
            optimizer.step()
        except (ArithmeticError, ValueError) as error:
            seen.append((type(error), str(error)))
        if keep_graphs:  # and look at them again after the weights have changed
            graphs.append(loss)
            graphs[0].backward(0.5)
        everything = [*hidden[0], *hidden[1], *bias, *out, scale, loss, *y]
        seen.append([(bits(v.data), bits(v.grad)) for v in everything])
    state = optimizer.state_dict()
    return seen, [[bits(n) for n in state[key]] for key in state if isinstance(state[key], list)]


def test_microgpt_gives_the_same_checkpoint_file(tmp_path):
    files = []
    for engine in ("reference", "compiled"):
        files.append(tmp_path / engine)
        subprocess.run(
            [sys.executable, TRAIN, "--steps", "30", "--samples", "1", "--checkpoint", files[-1]],
            env=os.environ | {"SCALARGRAD_ENGINE": engine},
            check=True,
            capture_output=True,
        )
    assert files[0].read_bytes() == files[1].read_bytes()


WORDS = [
    *(f"del {x}.{name}" for x in ("v", "w", "row[0]", "p") for name in ("data", "op", "parents")),
    *(
        f"{x}.{name} = 1.0"
        for x in ("v", "row[1]", "p")
        for name in ("op", "parents", "local_grads")
    ),
    *(f"del {x}.{name}" for x in ("row", "r", "row[:1]") for name in ("data", "grad", "label")),
    *("v.nonsense", "v.nonsense = 1", "row.nonsense = 1", "p.nonsense", "v.item()", "row.shape"),
    *(
        "row.index()",
        "row.index(1, 2, 3, 4)",
        "row.index(v, no=1)",
        "row.count()",
        "row.index('a')",
    ),
    *("pow(v, 2, 3)", "pow(row, 2, 3)", "pow(2, v, 3)", "v @ v", "v < None", "row < row"),
    *("row[0] = v", "del row[0]", "row[:] = []", "v[0]", "len(v)", "hash({row: v}[r])", "v // 2"),
    *("v.__init__(2.0)", "row.__init__([1.0])", "sg.atan2()", "sg.atan2(1)", "sg.atan2(y=1)"),
    *("sg.nn.logsumexp()", "sg.nn.logsumexp([])", "sg.nn.logsumexp([1.0, 'a'])"),
    *("sg.Value(1, (v,), ('a',))", "sg.Value(1, (v,), (p, p))", "sg.Value(1, v, (p,))"),
    "sg.nn.cross_entropy([1.0, 2.0], [0.5, 'a'])",
]


@pytest.mark.parametrize("statement", WORDS)
def test_what_goes_wrong_is_said_in_the_same_words(statement):
    said = []
    for package in TWINS:
        sg = package["scalargrad"]
        names = {"sg": sg, "v": sg.Value(1.0), "row": sg.nn.vector([1.0, 2.0])}
        names |= {"w": names["v"] * 2.0, "p": type("P", (sg.Value,), {})(1.0)}
        names["r"] = type("R", (sg.Vector,), {})([1.0, 2.0])
        with in_sys_modules(package), pytest.raises(Exception) as raised:  # noqa: PT011
            exec(statement, names)
        said.append((raised.type, str(raised.value)))
    assert said[0] == said[1]


def test_iterators_of_rows_are_copied_alike():
    for package in TWINS:
        sg = package["scalargrad"]
        row = sg.nn.vector([1.0, 2.0, 3.0])
        iterator = iter(row)
        next(iterator)
        with in_sys_modules(package):
            assert list(copy.copy(iterator)) == list(row)[1:]
            copied = list(pickle.loads(pickle.dumps(iterator)))
            assert [x.data for x in copied] == [2.0, 3.0]
            assert [x.data for x in copy.deepcopy(iterator)] == [2.0, 3.0]
        assert list(iterator) == list(row)[1:]
        assert list(copy.copy(iterator)) == []


WITH_A_HOSTILE_ROW = {
    "x": lambda sg, hostile, x, w, loose: sg.nn.linear(hostile, w, loose),
    "w": lambda sg, hostile, x, w, loose: sg.nn.linear(x, [w[1], hostile, loose], [1.0, 2.0, 3.0]),
    "b": lambda sg, hostile, x, w, loose: sg.nn.linear(x, w, hostile),
    "weights": lambda sg, hostile, x, w, loose: sg.nn.weighted_sum(hostile, [x, loose]),
    "target": lambda sg, hostile, x, w, loose: sg.Vector([sg.nn.cross_entropy(x, hostile)]),
}


@pytest.mark.parametrize("argument", WITH_A_HOSTILE_ROW)
def test_what_converting_a_number_changes_counts_in_either_engine_alike(argument):
    """All is converted before any number is looked at."""
    results = []
    for package in TWINS:
        with in_sys_modules(package):
            results.append(hostile_result(package["scalargrad"], WITH_A_HOSTILE_ROW[argument]))
    assert results[0] == results[1]


def hostile_result(sg, function):
    """All numbers and gradients where a number, when it is converted, writes to the others."""
    x, w = sg.nn.vector([1.0, 2.0]), (sg.nn.vector([3.0, 4.0]), sg.nn.vector([5.0, 6.0]))
    loose = [sg.Value(0.5), sg.Value(0.25)]

    class Hostile:
        def __float__(self):
            x.data, w[1].data, loose[0].data = [7.0, 8.0], [9.0, 10.0], 11.0
            return 1.0

    sg.nn.linear(x, w)  # which the compiled engine remembers
    made = function(sg, [Hostile(), 2.0], x, w, loose)
    made.sum().backward()
    values = [*x, *w[0], *w[1], *loose]
    return made.data, [bits(v.data) for v in values], [bits(v.grad) for v in values]
