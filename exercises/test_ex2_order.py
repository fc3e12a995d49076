"""Tests of exercise 2: they fail until ex2_order.py is complete."""

from ex2_order import Value, topological_order

from scalargrad import gradcheck


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
            assert order.index(parent) < order.index(node)


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
    y.backward()
    assert (x.grad, one.grad) == (1.0, 100_000.0)
    while y.parents:  # free it one by one, which Python would do by calls within calls
        y, y.parents = y.parents[0], ()


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
