"""Tests of exercise 5: they fail until ex5_optimizers.py is complete."""

import pytest
from ex5_optimizers import Adam, Momentum, zero_grad

from scalargrad import Value, optim


def valley(x, y):
    """Long in x and narrow in y, with its lowest point at (3, -1)."""
    return (x - 3.0) ** 2 + 50.0 * (y + 1.0) ** 2


def descend(make_optimizer, steps):
    x, y = Value(0.0), Value(0.0)
    optimizer = make_optimizer([x, y])
    path = []
    for _ in range(steps):
        zero_grad([x, y])
        valley(x, y).backward()
        optimizer.step()
        path += [x.data, y.data]
    return path


def test_zero_grad():
    x, y = Value(1.0), Value(2.0)
    x.grad, y.grad = 3.0, 4.0
    zero_grad([x, y])
    assert (x.grad, y.grad) == (0.0, 0.0)


def test_momentum_by_hand():
    x = Value(10.0)
    optimizer = Momentum([x], lr=0.1, momentum=0.5)
    seen = []
    for grad in (4.0, 2.0, 0.0):
        x.grad = grad
        optimizer.step()
        seen.append(x.data)
    assert seen == pytest.approx([9.6, 9.2, 9.0], rel=1e-12)  # velocities 4, 4, 2


def test_momentum_is_that_of_the_library():
    mine = descend(lambda params: Momentum(params, lr=0.005, momentum=0.9), 100)
    theirs = descend(lambda params: optim.SGD(params, lr=0.005, momentum=0.9), 100)
    assert mine == pytest.approx(theirs, rel=1e-9, abs=1e-12)


def test_momentum_gets_there_sooner():
    plain = descend(lambda params: Momentum(params, lr=0.005, momentum=0.0), 200)[-2:]
    rolling = descend(lambda params: Momentum(params, lr=0.005, momentum=0.9), 200)[-2:]
    assert abs(rolling[0] - 3.0) < 0.1 * abs(plain[0] - 3.0)


def test_adams_first_step_has_the_size_of_the_learning_rate():
    for grad in (1e-3, 5.0, -2000.0):
        x = Value(1.0)
        x.grad = grad
        Adam([x], lr=0.01).step()
        assert x.data == pytest.approx(0.99 if grad > 0 else 1.01, rel=1e-6)


def test_adam_is_that_of_the_library():
    settings = {"lr": 0.1, "betas": (0.8, 0.95), "eps": 1e-6}
    mine = descend(lambda params: Adam(params, **settings), 100)
    theirs = descend(lambda params: optim.Adam(params, **settings), 100)
    assert mine == pytest.approx(theirs, rel=1e-9, abs=1e-12)
