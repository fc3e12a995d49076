"""Kinks, poles, infinity and nan: every row of kink_table.py, and the page that shows them."""

import math
from math import inf, nan
from typing import ClassVar

import pytest
from kink_table import (
    HANDED,
    KINKS,
    PAGE,
    REFUSALS,
    Handed,
    Kink,
    Refusal,
    all_kinks,
    expression,
    tables,
)
from kink_table import with_tables as page_with_tables
from op_table import OPS
from oracles import bits

BY_NAME = {op.name: op for op in OPS}

every_kink = pytest.mark.parametrize("kink", all_kinks(), ids=expression)
every_handed = pytest.mark.parametrize(
    "handed", HANDED, ids=lambda row: f"{expression(row)} and {row.upstream}"
)
every_refusal = pytest.mark.parametrize("refusal", REFUSALS, ids=expression)


def near(expected):
    return pytest.approx(expected, rel=1e-15, abs=0.0, nan_ok=True)


@every_kink
def test_value_and_derivatives(sg, kink: Kink):
    operands = [sg.Value(x) for x in kink.operands]
    result = BY_NAME[kink.op].on_values(sg, *operands)
    assert result.data == near(kink.value)
    assert result.local_grads == near(kink.slopes)
    assert sg.grad(result, operands) == near(kink.slopes)
    assert [slope.data for slope in sg.grad(result, operands, create_graph=True)] == near(
        list(kink.slopes)
    )
    result.backward()
    assert [x.grad for x in operands] == near(list(kink.slopes))


@every_kink
def test_value_and_derivatives_of_rows(sg, kink: Kink):
    """Between two usual numbers, which are as they would be without it."""
    usual = BY_NAME[kink.op].smooth[-1]
    rows = [sg.nn.vector([u, x, u]) for u, x in zip(usual, kink.operands)]
    result = BY_NAME[kink.op].on_values(sg, *rows)
    alone = BY_NAME[kink.op].on_values(sg, *map(sg.Value, usual))
    assert result[1].data == near(kink.value)
    assert result[1].local_grads == near(kink.slopes)
    for derivatives in (
        sg.grad(result.sum(), rows),
        sg.grad(result.sum(), rows, create_graph=True),
    ):
        assert [row.data[1] for row in derivatives] == near(list(kink.slopes))
        assert [row.data[0] for row in derivatives] == list(alone.local_grads)
    result.sum().backward()
    assert [row.grad[1] for row in rows] == near(list(kink.slopes))
    assert [row.grad[2] for row in rows] == list(alone.local_grads)


@every_handed
@pytest.mark.parametrize("as_row", [False, True], ids=["Values", "rows"])
def test_what_is_handed_down(sg, handed: Handed, as_row: bool):
    make = (lambda x: sg.nn.vector([x])) if as_row else sg.Value
    operands = [make(x) for x in handed.operands]
    result = BY_NAME[handed.op].on_values(sg, *operands)
    upstream = [handed.upstream] if as_row else handed.upstream
    derivatives = sg.grad(result, operands, grad_outputs=upstream)
    assert [x.data[0] if as_row else x for x in derivatives] == near(list(handed.ours))
    (result[0] if as_row else result).backward(handed.upstream)
    assert [x.grad[0] if as_row else x.grad for x in operands] == near(list(handed.ours))


@pytest.mark.parametrize("kink", [k for k in all_kinks() if len(k.operands) == 2], ids=expression)
@pytest.mark.parametrize("variable", [0, 1])
def test_a_plain_number_as_the_other_operand_changes_nothing(sg, kink: Kink, variable: int):
    """x ** 2 and 2 ** x, for example: of the two derivatives one is left."""
    operands = list(kink.operands)
    operands[variable] = x = sg.Value(operands[variable])
    result = BY_NAME[kink.op].on_values(sg, *operands)
    assert result.data == near(kink.value)
    assert sg.grad(result, x) == near((kink.slopes[variable],))


@every_refusal
def test_refusal_names_the_operation_and_its_operands(sg, refusal: Refusal):
    operands = [sg.Value(x) for x in refusal.operands]
    with pytest.raises(refusal.error) as raised:
        BY_NAME[refusal.op].on_values(sg, *operands)
    assert type(raised.value) is refusal.error
    assert str(raised.value) == refusal.message
    assert [x.data for x in operands] == near(list(refusal.operands))
    assert [x.grad for x in operands] == [0.0] * len(operands)


@every_refusal
def test_python_refuses_the_same(refusal: Refusal):
    with pytest.raises((ArithmeticError, ValueError)) as raised:
        BY_NAME[refusal.op].on_floats(*refusal.operands)
    assert type(raised.value) is refusal.error


@pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
def test_every_operation_has_rows_for_infinity_and_nan(op):
    at = {x for row in (*all_kinks(), *REFUSALS) if row.op == op.name for x in row.operands}
    assert inf in at
    assert any(map(math.isnan, at))
    assert -inf in at or len(op.smooth[0]) == 2


def test_no_row_stands_there_twice():
    cases = [expression(row) for row in (*all_kinks(), *REFUSALS)]
    assert len(set(cases)) == len(cases) > 60


class TestTheNextDerivatives:
    """They are those of the formula that gave the first; backward finds a number for each."""

    @pytest.mark.parametrize(
        ("function", "at", "expected"),
        [
            (lambda x: x.relu(), 0.0, (0.0, 0.0)),
            (abs, 0.0, (0.0, 0.0)),
            (lambda x: x**2, 0.0, (0.0, 2.0)),
            (lambda x: x**3, 0.0, (0.0, 0.0)),
            (lambda x: x**3, -2.0, (12.0, -12.0)),
            (lambda x: x**1, 0.0, (1.0, 0.0)),
            (lambda x: x**0, 0.0, (0.0, 0.0)),
            (lambda x: x**-1, -2.0, (-0.25, -0.25)),
            (lambda x: x.sqrt(), 0.0, (inf, -inf)),
            (lambda x: x.sigmoid(), 0.0, (0.25, 0.0)),
            (lambda x: x.tanh(), 0.0, (1.0, 0.0)),
            (lambda x: x.sigmoid(), nan, (nan, nan)),
        ],
        ids=range(12),
    )
    def test_first_and_second_derivative(self, sg, function, at, expected):
        x = sg.Value(at)
        (first,) = sg.grad(function(x), [x], create_graph=True)
        (second,) = sg.grad(first, [x])
        assert (first.data, second) == near(expected)


class TestAGradientOf0:
    """It hands nothing down, not even 0 * inf: in backward, in grad and in the ledger."""

    BUILD: ClassVar = {
        "a branch that counts for nothing": lambda sg, x: x * 3.0 + x * inf * 0.0,
        "a pole that counts for nothing": lambda sg, x: x * 3.0 + (x - 2.0).sqrt() * 0.0,
        "a relu that is off": lambda sg, x: x * 3.0 + (x * -inf).relu() * 5.0,
        "one of a row": lambda sg, x: sg.nn.linear([x], [[3.0], [inf]])[0],
        "dot": lambda sg, x: x * 3.0 + sg.nn.dot([x], [inf]) * 0.0,
        "dot that is off": lambda sg, x: x * 3.0 + sg.nn.dot([x], [-inf]).relu(),
        "number by number": lambda sg, x: (sg.Vector([x, x]) * sg.nn.vector([3.0, inf]))[0],
        "one number for all": lambda sg, x: (x * sg.nn.vector([3.0, inf]))[0],
        "a pole in a row": lambda sg, x: x * 3.0 + sg.Vector([x - 2.0, 1.0]).sqrt()[1],
        "a pole for all of a row": lambda sg, x: (
            x * 3.0 + (((x - 2.0) ** sg.nn.vector([0.5, 2.0]))[1])
        ),
        "weighted sum": lambda sg, x: sg.nn.weighted_sum([x], [[3.0, inf]])[0],
        "weights": lambda sg, x: sg.nn.weighted_sum([3.0, inf], [[x, 0.0], [0.0, x]])[0],
        "softmax": lambda sg, x: x * 3.0 + sg.nn.softmax([x, inf])[1] * 0.0,
        "rmsnorm": lambda sg, x: x * 3.0 + sg.nn.rmsnorm([x, nan])[0] * 0.0,
        "cross_entropy": lambda sg, x: x * 3.0 + sg.nn.cross_entropy([x, inf], 0) * 0.0,
        "an operation of your own": lambda sg, x: x * 3.0 + sg.Value(1.0, (x,), (inf,)) * 0.0,
    }

    @pytest.mark.parametrize("case", BUILD)
    def test_hands_nothing_down(self, sg, case):
        x = sg.Value(2.0, label="x")
        y = self.BUILD[case](sg, x)
        y.backward()
        assert x.grad == 3.0
        assert sg.grad(y, [x]) == (3.0,)
        assert sg.graph.explain(y).split()[-1] != "nan"
        assert [edge.grad for edge in sg.graph.ledger(y) if edge.parent == "x"][-1] == 3.0

    @pytest.mark.parametrize("zero", [0.0, -0.0])
    def test_nor_does_a_gradient_of_0_that_backward_starts_with(self, sg, zero):
        x = sg.Value(0.0)
        x.grad = -0.0
        x.sqrt().backward(zero)
        assert bits(x.grad) == bits(-0.0)  # nothing: not even 0.0 was added

    def test_the_gradients_themselves_are_as_they_were(self, sg):
        """What hands nothing down has a gradient all the same: 0."""
        x = sg.Value(0.0)
        root = x.sqrt()
        middle = root * 2.0
        (middle * 0.0).backward()
        assert (middle.grad, root.grad, x.grad) == (0.0, 0.0, 0.0)

    def test_nan_is_not_0(self, sg):
        x = sg.Value(1.0)
        (x * 2.0).backward(nan)
        assert math.isnan(x.grad)

    def test_a_sum_of_contributions_that_comes_to_0_hands_nothing_down(self, sg):
        x = sg.Value(0.0)
        root = x.sqrt()
        (root - root).backward()
        assert x.grad == 0.0

    def test_a_derivative_with_a_graph_is_multiplied_out(self, sg):
        """For a gradient that is 0 here may have a derivative that is not."""
        x = sg.Value(2.0)
        y = x * 3.0 + x * inf * 0.0
        assert math.isnan(sg.grad(y, [x], create_graph=True)[0].data)
        y = x * 3.0 + x * 7.0 * 0.0
        assert sg.grad(y, [x], create_graph=True)[0].data == 3.0


class TestABranchThatWasNotTaken:
    """relu, maximum and minimum hand it nothing, even where the upstream is inf or nan."""

    @pytest.mark.parametrize("upstream", [inf, -inf, nan, 1.0])
    @pytest.mark.parametrize("as_row", [False, True])
    def test_gets_nothing(self, sg, upstream, as_row):
        for function, point, taken in (
            (lambda x: x.relu(), (-1.0,), ()),
            (lambda x: x.relu(), (0.0,), ()),
            (lambda x: x.relu(), (-inf,), ()),
            (lambda x: x.relu(), (2.0,), (0,)),
            (lambda x: x.relu(), (nan,), (0,)),
            (sg.maximum, (2.0, 1.0), (0,)),
            (sg.maximum, (1.0, 2.0), (1,)),
            (sg.minimum, (2.0, 1.0), (1,)),
            (sg.minimum, (1.0, 2.0), (0,)),
            (sg.maximum, (1.0, 1.0), (0, 1)),
            (sg.maximum, (nan, 1.0), (0, 1)),
        ):
            x = [sg.nn.vector([v, v]) if as_row else sg.Value(v) for v in point]
            y = function(*x)
            if as_row:
                y = sg.nn.dot(y, [1.0, 1.0])
            y.backward(upstream)
            for i, operand in enumerate(x):
                grads = operand.grad if as_row else (operand.grad,)
                share = 0.5 if point[0] == point[-1] and len(point) == 2 else 1.0
                expected = upstream * share if i in taken else 0.0
                assert list(map(bits, grads)) == [bits(expected)] * len(grads), (point, i)

    def test_a_kink_before_a_pole(self, sg):
        """As in PyTorch, where relu masks: 0, not 0 * inf."""
        x, row = sg.Value(-1.0), sg.nn.vector([-1.0, 4.0])
        x.relu().sqrt().backward()
        row.relu().sqrt().sum().backward()
        assert x.grad == 0.0
        assert row.grad == (0.0, 0.25)
        assert sg.grad(x.relu().sqrt(), x) == (0.0,)
        assert sg.grad(x.relu().sqrt(), x, create_graph=True)[0].data == 0.0
        (slopes,) = sg.grad(row.relu().sqrt().sum(), row, create_graph=True)
        assert slopes.data == (0.0, 0.25)

    @pytest.mark.parametrize("name", ["relu", "maximum", "minimum"])
    def test_it_is_the_operation_that_counts_not_its_name(self, sg, name):
        x = sg.Value(-1.0)
        sg.Value(0.0, (x,), (0.0,), op=name).sqrt().backward()
        assert math.isnan(x.grad)
        edge = sg.graph.ledger(sg.Value(0.0, (x,), (0.0,), op=name).sqrt())[-1]
        assert math.isnan(edge.contribution)

    def test_abs_has_no_branches(self, sg):
        """sign(0) * inf, as in PyTorch."""
        x, row = sg.Value(0.0), sg.nn.vector([0.0])
        abs(x).sqrt().backward()
        abs(row).sqrt().sum().backward()
        assert math.isnan(x.grad)
        assert math.isnan(row[0].grad)


class TestThePage:
    def test_shows_the_table(self):
        page = PAGE.read_text(encoding="utf-8")
        assert page == page_with_tables(page), "run `python tests/kink_table.py`"

    @pytest.mark.parametrize("name", tables())
    def test_has_each_table_once(self, name):
        assert PAGE.read_text(encoding="utf-8").count(f"<!-- table: {name} -->") == 1

    def test_has_one_line_per_row(self):
        lines = PAGE.read_text(encoding="utf-8").splitlines()
        rows = sum(map(len, KINKS.values())) + len(REFUSALS) + len(HANDED)
        assert sum(line.startswith("| `") for line in lines) >= rows

    def test_a_row_that_changed_is_noticed(self):
        page = PAGE.read_text(encoding="utf-8")
        changed = page.replace("| `sqrt(0)` | 0 | inf |", "| `sqrt(0)` | 0 | 0 |")
        assert changed != page
        assert page_with_tables(changed) == page
