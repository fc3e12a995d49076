"""Tests of exercise 1: they fail until ex1_value.py is complete."""

from ex1_value import Value

from scalargrad import gradcheck


def test_a_sum():
    a, b = Value(2.0), Value(3.0)
    c = a + b
    c.backward()
    assert c.data == 5.0
    assert (a.grad, b.grad) == (1.0, 1.0)


def test_a_product():
    a, b = Value(2.0), Value(3.0)
    c = a * b
    c.backward()
    assert c.data == 6.0
    assert (a.grad, b.grad) == (3.0, 2.0)


def test_a_result_remembers_what_it_was_made_from():
    a, b = Value(2.0), Value(3.0)
    c = a * b
    assert list(c.parents) == [a, b]
    assert list(c.local_grads) == [3.0, 2.0]


def test_along_a_path_derivatives_multiply():
    a, b, c = Value(2.0), Value(3.0), Value(4.0)
    (a * b * c).backward()
    assert (a.grad, b.grad, c.grad) == (12.0, 8.0, 6.0)


def test_over_paths_they_add_up():
    a = Value(3.0)
    (a * a + a).backward()
    assert a.grad == 7.0  # 2 a + 1


def test_over_paths_through_a_shared_result_they_add_up_too():
    a = Value(2.0)
    square = a * a
    (square + square * square).backward()
    grad = a.grad
    assert grad == 36.0, (  # 2 a + 4 a**3
        f"a.grad is {grad}. The square is reached three times. Each time it hands down the grad "
        "that it was given then, and not self.grad, which has those of before in it"
    )


def test_backward_does_not_compute_with_changed_numbers():
    a, b = Value(2.0), Value(3.0)
    c = a * b
    b.data = 100.0
    c.backward()
    assert a.grad == 3.0


def test_gradcheck_agrees():
    def f(x, y):
        product = x * y
        return product * x + product * y + x

    assert gradcheck(f, [Value(1.5), Value(-2.0)])
