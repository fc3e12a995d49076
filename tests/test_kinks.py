"""Kinks, poles, infinity and nan: every row of kink_table.py, and the page that shows them."""

import math
from math import inf, nan

import pytest
from kink_table import KINKS, PAGE, REFUSALS, Kink, Refusal, all_kinks, expression, tables
from kink_table import with_tables as page_with_tables
from op_table import OPS

BY_NAME = {op.name: op for op in OPS}

every_kink = pytest.mark.parametrize("kink", all_kinks(), ids=expression)
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


class TestAResultThatCountsForNothing:
    """backward, grad and explain agree that a linear result with gradient 0 adds nothing."""

    @staticmethod
    def build(sg, unused):
        x = sg.nn.vector([2.0])
        used, off = sg.nn.linear(x, [[3.0], [unused]])
        return x[0], used + sg.minimum(off, 5.0) * 0.0

    @pytest.mark.parametrize("unused", [inf, -inf, nan, 1e308])
    def test_not_even_0_times_inf(self, sg, unused):
        x, y = self.build(sg, unused)
        y.backward()
        assert x.grad == 3.0
        assert sg.grad(y, [x]) == (3.0,)
        grads = [line.split()[-1] for line in sg.graph.explain(y).splitlines()]
        assert grads[-2:] == ["3", "0"]  # of x, and of the weight

    def test_dot_likewise(self, sg):
        x = sg.Value(2.0)
        y = x * 3.0 + sg.nn.dot([x], [inf]).relu() * 0.0
        y.backward()
        assert x.grad == 3.0
        assert sg.grad(y, [x]) == (3.0,)

    def test_a_derivative_with_a_graph_is_multiplied_out(self, sg):
        """For a gradient that is 0 here may have a derivative that is not."""
        x, y = self.build(sg, inf)
        assert math.isnan(sg.grad(y, [x], create_graph=True)[0].data)
        x, y = self.build(sg, 7.0)
        assert sg.grad(y, [x], create_graph=True)[0].data == 3.0

    def test_a_product_of_two_numbers_is_multiplied_out(self, sg):
        x = sg.Value(2.0)
        y = x * 3.0 + x * inf * 0.0
        y.backward()
        assert math.isnan(x.grad)
        assert math.isnan(sg.grad(y, [x])[0])

    def test_a_custom_operation_called_linear_is_multiplied_out(self, sg):
        x = sg.Value(2.0)
        y = sg.Value(1.0, (x,), (inf,), op="linear") * 0.0
        assert math.isnan(sg.grad(y, [x])[0])


class TestThePage:
    def test_shows_the_table(self):
        page = PAGE.read_text(encoding="utf-8")
        assert page == page_with_tables(page), "run `python tests/kink_table.py`"

    @pytest.mark.parametrize("name", tables())
    def test_has_each_table_once(self, name):
        assert PAGE.read_text(encoding="utf-8").count(f"<!-- table: {name} -->") == 1

    def test_has_one_line_per_row(self):
        lines = PAGE.read_text(encoding="utf-8").splitlines()
        rows = sum(map(len, KINKS.values())) + len(REFUSALS)
        assert sum(line.startswith("| `") for line in lines) >= rows

    def test_a_row_that_changed_is_noticed(self):
        page = PAGE.read_text(encoding="utf-8")
        changed = page.replace("| `sqrt(0)` | 0 | inf |", "| `sqrt(0)` | 0 | 0 |")
        assert changed != page
        assert page_with_tables(changed) == page
