"""The engine's `gradients`: the bits of `backward` from any outputs, with no gradient touched."""

import itertools
import random
import struct
from collections import deque
from contextlib import suppress

import pytest
from engines import PACKAGES, in_sys_modules

RULES = range(16)


def bits(numbers):
    """Floats exactly; every nan counts as the same."""
    return ["nan" if x != x else struct.pack("<d", x).hex() for x in numbers]


class Graph:
    """Random Values and rows, the same for the same seed on any engine."""

    def __init__(self, sg, seed):
        self.sg, self.random = sg, random.Random(seed)
        self.size = self.random.choice([1, 2, 3, 5, 40, 70])
        self.values = [sg.Value(x) for x in self.numbers(3)]
        self.rows = [sg.nn.vector(self.numbers(self.size)) for _ in range(3)]
        self.rows.append(sg.Vector([self.values[0] * 2.0] + [sg.Value(0.5)] * (self.size - 1)))
        self.matrices = [
            tuple(sg.nn.vector(self.numbers(self.size)) for _ in range(self.size)) for _ in range(2)
        ]
        for _ in range(self.random.randrange(1, 40)):
            with suppress(ArithmeticError, ValueError):
                self.grow(self.random.choice(RULES))

    def numbers(self, count):
        return [self.random.uniform(-2.0, 2.0) for _ in range(count)]

    def value(self):
        from_row = self.random.random() < 0.3
        return self.random.choice(self.row() if from_row else self.values)

    def row(self):
        return self.random.choice(self.rows)

    def grow(self, rule):
        nn, number, i = self.sg.nn, self.random.uniform(-2, 2), self.random.randrange(self.size)
        values, rows = (
            [
                lambda: self.value() + self.value(),
                lambda: self.value() * self.value(),
                lambda: self.value() - number,
                lambda: self.value().tanh(),
                lambda: self.value().relu(),
                lambda: self.sg.Value(1.0, [self.value() for _ in range(3)], (number, 0.5, 2.0)),
                lambda: nn.dot(self.row(), self.row()),
                lambda: nn.cross_entropy(self.row(), i),
                lambda: self.row().sum(),
            ],
            [
                lambda: self.row() + self.row(),
                lambda: self.row() * self.value(),
                lambda: nn.linear(self.row(), self.random.choice(self.matrices), self.row()),
                lambda: nn.softmax(self.row()),
                lambda: nn.rmsnorm(self.row()),
                lambda: nn.weighted_sum([self.value(), number], [self.row(), self.row()]),
                lambda: nn.concatenate([(row := self.row())[i:], row[:i]]),
            ],
        )
        if rule < len(values):
            self.values.append(values[rule]())
        else:
            self.rows.append(rows[rule - len(values)]())

    def everything(self):
        """Each Value that there is."""
        rows = (*self.rows, *itertools.chain(*self.matrices))
        return [*self.values, *itertools.chain(*rows)]

    def outputs(self):
        outputs = [
            self.row() if self.random.random() < 0.4 else self.value()
            for _ in range(self.random.choice([1, 1, 2, 3]))
        ]
        return outputs, [
            self.random.choice([0.0, 1.0, *self.numbers(1)])
            if isinstance(output, self.sg.Value)
            else self.numbers(len(output))
            for output in outputs
        ]

    def inputs(self, depth=0):
        """A Value, a row, a part of one, loose Values, a matrix, or several of these."""
        row, i = self.row(), self.random.randrange(self.size)
        simple = [self.value(), row, row[i], row[i:], row[::2], self.random.choice(self.matrices)]
        if depth > 3 or self.random.random() < 0.6:
            return self.random.choice(simple)
        kind = self.random.choice([list, tuple, iter])
        return kind([self.inputs(depth + 1) for _ in range(self.random.randrange(4))])


def flat(result):
    """The form and the bits of a result."""
    if isinstance(result, float):
        return bits([result])
    if isinstance(result, tuple):
        return ["(", *itertools.chain(*map(flat, result)), ")"]
    assert {row.parents for row in result} <= {()}
    return ["row", *bits(result.data)]


@pytest.mark.parametrize("seeds", [range(i, i + 25) for i in range(0, 100, 25)], ids=str)
class TestBits:
    def test_they_are_those_of_backward(self, sg, engine, seeds):
        gradients = PACKAGES[engine]["scalargrad.engine"].gradients
        for seed in seeds:
            graph = Graph(sg, seed)
            output, everything = graph.value(), graph.everything()
            found = gradients([output], [1.0], everything)
            assert {v.grad for v in everything} == {0.0}
            output.backward()
            assert bits(found) == bits([v.grad for v in everything])

    def test_both_engines_give_the_same_and_touch_no_gradient(self, seeds):
        outcomes = []
        for modules in PACKAGES.values():
            with in_sys_modules(modules):
                outcomes.append([self.outcome(modules, seed) for seed in seeds])
        assert outcomes[0] == outcomes[-1]

    def outcome(self, modules, seed):
        graph = Graph(modules["scalargrad"], seed)
        everything = graph.everything()
        for v in everything:
            v.grad = graph.random.uniform(-9.0, 9.0)
        before = [v.grad for v in everything]
        found = [
            flat(modules["scalargrad.engine"].gradients(*graph.outputs(), graph.inputs()))
            for _ in range(5)
        ]
        assert [v.grad for v in everything] == before
        return found


@pytest.fixture
def gradients(sg, engine):
    return PACKAGES[engine]["scalargrad.engine"].gradients


class TestInputs:
    def test_the_result_has_their_form(self, sg, gradients):
        x, row = sg.Value(3.0), sg.nn.vector([1.0, 2.0])
        y = sg.nn.dot(row, row) * x
        found = gradients([y], [1.0], {"x": x, "rest": [row, (), (row[1], row[1:])]}.values())
        assert found[0] == 5.0
        assert found[1][0].data == (6.0, 12.0)
        assert found[1][1:] == ((), (12.0, found[1][2][1]))
        assert found[1][2][1].data == (12.0,)
        assert gradients([y], [2.0], x) == 10.0
        assert gradients([y], [2.0], row).data == (12.0, 24.0)

    def test_what_is_not_on_the_way_gives_0(self, sg, gradients):
        x, other, row = sg.Value(3.0), sg.Value(4.0), sg.nn.vector([1.0, 2.0])
        later = x * x
        other.grad = later.grad = row[0].grad = 7.0
        found = gradients([x * 2.0], [1.0], [other, later, row, other * row])
        assert found[:2] == (0.0, 0.0)
        assert found[2].data == found[3].data == (0.0, 0.0)
        assert (other.grad, later.grad, row.grad) == (7.0, 7.0, (7.0, 0.0))

    def test_one_may_be_asked_for_twice_or_be_the_output(self, sg, gradients):
        x = sg.Value(3.0)
        y = x * x
        assert gradients([y], [2.0], [x, y, x, [y]]) == (12.0, 2.0, 12.0, (2.0,))
        assert gradients([x], [2.0], [x, y]) == (2.0, 0.0)

    def test_outputs_add_up_also_where_one_leads_to_another(self, sg, gradients):
        x = sg.Value(3.0)
        y = x * x
        z = y * y
        assert gradients([z, y, x, y], [1.0, 10.0, 100.0, 5.0], [x, y, z]) == (298.0, 33.0, 1.0)
        row = sg.nn.vector([1.0, 2.0])
        assert gradients([row * row, row], [[1.0, 2.0], [0.5, 0.25]], row).data == (2.5, 8.25)

    @pytest.mark.parametrize(
        ("inputs", "path"),
        [
            (3, "inputs must .* got int 3"),
            ([3.0], r"inputs\[0\] must .* got float 3.0"),
            ([[], [[], ["x"]]], r"inputs\[1\]\[1\]\[0\] must .* got str 'x'"),
            (deque([None]), r"inputs\[0\] must .* got None"),
            ([{"a": 1}], r"inputs\[0\] must .* got dict; pass its .values\(\)"),
        ],
    )
    def test_anything_else_is_refused_with_its_place(self, sg, gradients, inputs, path):
        with pytest.raises(TypeError, match=f"^grad: {path}"):
            gradients([sg.Value(1.0)], [1.0], inputs)

    def test_inputs_within_themselves_are_refused(self, sg, gradients):
        inputs = [sg.Value(1.0)]
        inputs.append(inputs)
        with pytest.raises(ValueError, match="holds itself"):
            gradients([sg.Value(1.0)], [1.0], inputs)
