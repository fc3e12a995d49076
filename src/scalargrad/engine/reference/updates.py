"""What the optimisers do to a row of parameters: one step of SGD or Adam, and clearing gradients.

The formulas are those of the papers; `scalargrad.optim` checks the settings and keeps the state.
Every function computes all new numbers before it writes the first, so a failure changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from scalargrad.engine.reference.operations import divide
from scalargrad.engine.reference.vector import Vector


def zero_grads(rows: Sequence[Vector]) -> None:
    """Set every gradient to 0."""
    for row in rows:
        row._write_grads([0.0] * len(row))


def sgd_update(
    rows: Sequence[Vector],
    velocity: Vector,
    lr: float,
    momentum: float,
    weight_decay: float,
    nesterov: bool,
) -> None:
    """With g = grad + weight_decay * parameter:

    velocity = momentum * velocity + g
    parameter -= lr * velocity, or with nesterov, lr * (g + momentum * velocity)
    """
    p, g = _joined(rows)
    if weight_decay:
        g = [gi + weight_decay * pi for gi, pi in zip(g, p)]
    v = g
    if momentum:  # without it, 0 * inf must not spoil the velocity for good
        v = [momentum * vi + gi for vi, gi in zip(velocity._numbers(), g)]
    step = [gi + momentum * vi for gi, vi in zip(g, v)] if nesterov else v
    _write(rows, [pi - lr * si for pi, si in zip(p, step)])
    velocity._write(v)


# --8<-- [start:adam]
def adam_update(
    rows: Sequence[Vector],
    first_moment: Vector,
    second_moment: Vector,
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    decoupled: bool,
    step: int,
) -> None:
    """Algorithm 1 of Kingma and Ba 2015, Adam: A Method for Stochastic Optimization.

    With g = grad + weight_decay * parameter, and `step` counting from 1:

        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        parameter -= lr * (m / (1 - beta1**step)) / (sqrt(v / (1 - beta2**step)) + eps)

    If the decay is decoupled, g = grad, and first of all parameter *= 1 - lr * weight_decay.
    """
    p, g = _joined(rows)
    if weight_decay and decoupled:
        kept = 1.0 - lr * weight_decay
        p = [pi * kept for pi in p]
    elif weight_decay:
        g = [gi + weight_decay * pi for gi, pi in zip(g, p)]
    beta1, beta2 = betas
    rest1, rest2 = 1.0 - beta1, 1.0 - beta2
    m = [beta1 * mi + rest1 * gi for mi, gi in zip(first_moment._numbers(), g)]
    v = [beta2 * vi + rest2 * (gi * gi) for vi, gi in zip(second_moment._numbers(), g)]
    correction1, correction2 = 1.0 - beta1**step, 1.0 - beta2**step
    sqrt = math.sqrt
    try:
        p = [
            pi - lr * (mi / correction1) / (sqrt(vi / correction2) + eps)
            for pi, mi, vi in zip(p, m, v)
        ]
    except ZeroDivisionError:  # where eps and the second moment are 0
        p = [
            pi - divide(lr * (mi / correction1), sqrt(vi / correction2))
            for pi, mi, vi in zip(p, m, v)
        ]
    _write(rows, p)
    first_moment._write(m)
    second_moment._write(v)


# --8<-- [end:adam]
def _joined(rows: Sequence[Vector]) -> tuple[list[float], list[float]]:
    """The numbers and the gradients of all rows, one after the other."""
    numbers = [number for row in rows for number in row._numbers()]
    return numbers, [grad for row in rows for grad in row._grads()]


def _write(rows: Sequence[Vector], numbers: list[float]) -> None:
    start = 0
    for row in rows:
        row._write(numbers[start : start + len(row)])
        start += len(row)
