"""Tests of exercise 3: they fail until ex3_functions.py is complete."""

import math

import pytest
from ex3_functions import hypot, softplus, swish

from scalargrad import Value, gradcheck


def one_node(parents):
    return (
        "one node is expected, made from the inputs alone and not by operators: "
        f"Value(number, {parents}, (derivative, ...))"
    )


@pytest.mark.parametrize("x", [-3.0, -0.5, 0.0, 1.0, 5.0])
def test_softplus(x):
    y = softplus(Value(x))
    assert y.data == pytest.approx(math.log(1.0 + math.exp(x)), rel=1e-12)
    assert [parent.data for parent in y.parents] == [x], one_node("(x,)")
    assert gradcheck(softplus, [x])


@pytest.mark.parametrize(("x", "value", "slope"), [(1000.0, 1000.0, 1.0), (-1000.0, 0.0, 0.0)])
def test_softplus_far_out(x, value, slope):
    leaf = Value(x)
    y = softplus(leaf)
    y.backward()
    assert (y.data, leaf.grad) == (value, slope)


@pytest.mark.parametrize(("x", "y"), [(3.0, 4.0), (-3.0, 4.0), (1e200, 1e200), (0.0, -2.0)])
def test_hypot(x, y):
    r = hypot(Value(x), Value(y))
    assert r.data == math.hypot(x, y)
    assert [parent.data for parent in r.parents] == [x, y], one_node("(x, y)")
    assert gradcheck(hypot, [x, y])


def test_hypot_at_its_tip():
    x, y = Value(0.0), Value(0.0)
    hypot(x, y).backward()
    assert (x.grad, y.grad) == (0.0, 0.0)


@pytest.mark.parametrize("x", [-20.0, -1.0, 0.0, 2.0])
def test_swish(x):
    assert swish(Value(x)).data == pytest.approx(x / (1.0 + math.exp(-x)), rel=1e-12)
    assert gradcheck(swish, [x])


def test_they_work_together():
    assert gradcheck(lambda x, y: softplus(hypot(swish(x), y) * x), [0.7, -1.2])
