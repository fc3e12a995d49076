"""The operations of op_table.py: that none is missing, and what each is made of.

How exact they are: test_accuracy.py. At kinks and poles: test_kinks.py. Second and third
derivatives: test_higher_order.py.
"""

import math

import pytest
from op_table import OPS, Op

every_op = pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)


def test_the_table_lists_the_operations_of_the_engine(sg):
    from scalargrad.engine.reference.operations import OPERATIONS

    assert [op.name for op in OPS] == list(OPERATIONS)


def test_every_method_and_operator_that_computes_something_is_in_the_table(sg):
    """Calls them all, to see what they say they have computed."""
    found = set()
    for name in set(dir(sg.Value)) - set(dir(object)):
        if (name.startswith("_") and not name.startswith("__")) or not hasattr(sg.Value, name):
            continue
        for operands in ((), (2.0,)):
            try:
                result = getattr(sg.Value(0.5), name)(*operands)
            except TypeError:  # it takes other operands, or it is no method
                continue
            if isinstance(result, sg.Value) and result.op:
                found.add(result.op)
    functions = {"maximum", "minimum", "atan2"}
    assert found | functions == {op.name for op in OPS}


@every_op
def test_result_says_which_operation_made_it_from_which_parents(sg, op: Op):
    operands = tuple(sg.Value(x) for x in op.smooth[-1])
    result = op.on_values(sg, *operands)
    assert result.op == op.name
    assert len(result.parents) == len(operands)
    assert all(parent is operand for parent, operand in zip(result.parents, operands))


def test_sigmoid_neither_overflows_nor_rounds_away_what_is_left(sg):
    assert sg.Value(-800.0).sigmoid().data == 0.0
    assert sg.Value(-740.0).sigmoid().data == math.exp(-740.0)
    assert sg.Value(800.0).sigmoid().data == 1.0


def test_division_of_equal_numbers_is_one(sg):
    assert all((sg.Value(x) / sg.Value(x)).data == 1.0 for x in range(1, 1000))


def test_infinite_angles_are_refused_but_infinity_is_a_number_elsewhere(sg):
    infinity = sg.Value(math.inf)
    assert (infinity.tanh().data, (-infinity).exp().data, (1.0 / infinity).data) == (1.0, 0.0, 0.0)
    with pytest.raises(ValueError, match=r"sin\(inf\)"):
        infinity.sin()


class TestWhatDerivativesAreWrittenIn:
    """divide, power, log and exp give what IEEE 754 says where Python raises."""

    @pytest.mark.parametrize(
        ("name", "operands", "result"),
        [
            ("divide", (1.0, 0.0), math.inf),
            ("divide", (1.0, -0.0), -math.inf),
            ("divide", (-2.0, 0.0), -math.inf),
            ("divide", (0.0, 0.0), math.nan),
            ("divide", (math.nan, 0.0), math.nan),
            ("power", (0.0, -1.0), math.inf),
            ("power", (-0.0, -3.0), -math.inf),
            ("power", (-0.0, -2.0), math.inf),
            ("power", (10.0, 400.0), math.inf),
            ("power", (-10.0, 401.0), -math.inf),
            ("power", (-8.0, 0.5), math.nan),
            ("log", (0.0,), -math.inf),
            ("log", (-1.0,), math.nan),
            ("log", (math.nan,), math.nan),
            ("exp", (1000.0,), math.inf),
        ],
    )
    def test_on_floats_and_on_values(self, sg, name, operands, result):
        from scalargrad.engine.reference import operations

        function = getattr(operations, name)
        assert function(*operands) == pytest.approx(result, nan_ok=True)
        as_value = function(*map(sg.Value, operands))
        assert as_value.data == pytest.approx(result, nan_ok=True)
        assert len(as_value.parents) == len(operands)
