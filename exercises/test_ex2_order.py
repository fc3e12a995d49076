"""Tests of exercise 2: they fail until ex2_order.py is complete."""

import time

import pytest
from ex2_order import Value, topological_order

from scalargrad import gradcheck


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Every walk looks at `parents`. That is counted, so that none goes on for ever."""
    looks, start = 0, time.monotonic()

    def look(node):
        nonlocal looks
        looks += 1
        if looks > 2_000_000:
            pytest.fail(
                f"stopped after looking at `parents` {looks - 1} times, where the largest graph "
                "has 100,002 numbers: is every number visited once? A set remembers what was seen",
                pytrace=False,
            )
        if time.monotonic() - start > 20.0:
            pytest.fail(
                "stopped after 20 seconds: is what was seen kept in a set? To find something in a "
                "list takes the longer, the longer the list is",
                pytrace=False,
            )
        return node.__dict__["parents"]

    def put(node, parents):
        node.__dict__["parents"] = parents

    monkeypatch.setattr(Value, "parents", property(look, put), raising=False)


def test_every_number_stands_in_the_order_once():
    a, b = Value(2.0), Value(3.0)
    c = a * b
    d = c + c
    order = topological_order(d + a)
    assert len(order) == len(set(order)) == 5


def test_and_after_its_parents():
    a = Value(2.0)
    b = a * a
    c = b + a
    d = b * c
    order = topological_order(d)
    for node in order:
        for parent in node.parents:
            places = order.index(parent), order.index(node)
            assert places[0] < places[1], (
                f"{parent.data} has place {places[0]}, and {node.data}, made from it, {places[1]}"
            )


def test_a_number_waits_until_it_has_all_of_its_gradient():
    x = Value(1.5)
    h = x + x
    (h + h * h).backward()  # h + h**2, with h = 2 x
    assert x.grad == 14.0
    (h * h + h).backward()
    assert x.grad == 28.0


def test_two_to_the_fortieth_paths_take_no_time():
    x = y = Value(1.0)
    for _ in range(40):
        y = y + y
    y.backward()
    assert x.grad == 2.0**40


def test_a_chain_of_a_hundred_thousand_is_not_too_deep():
    x = y = Value(1.0)
    one = Value(1.0)
    for _ in range(100_000):
        y = y + one
    try:
        y.backward()
        assert (x.grad, one.grad) == (1.0, 100_000.0)
    finally:
        free(y)


def free(chain):
    """One by one: Python would do it by calls within calls, for which a browser has no room."""
    while chain is not None:
        parents = chain.__dict__["parents"]
        chain.__dict__["parents"] = ()
        chain = parents[0] if parents else None


def test_a_second_backward_adds_to_the_leaves_only():
    x = Value(3.0)
    y = x * x
    z = y * y
    z.backward()
    z.backward()
    assert x.grad == 2 * 108.0  # 4 x**3, twice
    assert y.grad == 18.0  # 2 y


def test_gradcheck_agrees():
    def f(x, y):
        h = x * y
        return h + h * h * x + y

    assert gradcheck(f, [Value(1.5), Value(-2.0)])
