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
        row._zero_grads()


def sgd_update(
    rows: Sequence[Vector], velocities: Sequence[Vector], lr: float, momentum: float
) -> None:
    """velocity = momentum * velocity + grad; parameter -= lr * velocity."""
    new = []
    for row, velocity in zip(rows, velocities):
        v = row._grads()
        if momentum:  # without it, 0 * inf must not spoil the velocity for good
            v = [momentum * u + g for u, g in zip(velocity._numbers(), v)]
        new.append((row, velocity, [p - lr * u for p, u in zip(row._numbers(), v)], v))
    for row, velocity, p, v in new:
        row._write(p)
        velocity._write(v)


def adam_update(
    rows: Sequence[Vector],
    first_moments: Sequence[Vector],
    second_moments: Sequence[Vector],
    lr: float,
    betas: tuple[float, float],
    eps: float,
    weight_decay: float,
    step: int,
) -> None:
    """Algorithm 1 of Kingma and Ba 2015, Adam: A Method for Stochastic Optimization.

    With g = grad + weight_decay * parameter, and `step` counting from 1:

        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        parameter -= lr * (m / (1 - beta1**step)) / (sqrt(v / (1 - beta2**step)) + eps)
    """
    beta1, beta2 = betas
    rest1, rest2 = 1.0 - beta1, 1.0 - beta2
    correction1, correction2 = 1.0 - beta1**step, 1.0 - beta2**step
    sqrt = math.sqrt
    new = []
    for row, first, second in zip(rows, first_moments, second_moments):
        p, g = row._numbers(), row._grads()
        if weight_decay:
            g = [gi + weight_decay * pi for gi, pi in zip(g, p)]
        m = [beta1 * mi + rest1 * gi for mi, gi in zip(first._numbers(), g)]
        v = [beta2 * vi + rest2 * (gi * gi) for vi, gi in zip(second._numbers(), g)]
        try:
            p = [
                pi - lr * (mi / correction1) / (sqrt(vi / correction2) + eps)
                for pi, mi, vi in zip(p, m, v)
            ]
        except ZeroDivisionError:  # eps and a second moment are 0
            p = [
                pi - divide(lr * (mi / correction1), sqrt(vi / correction2) + eps)
                for pi, mi, vi in zip(p, m, v)
            ]
        new.append((row, p, first, m, second, v))
    for row, p, first, m, second, v in new:
        row._write(p)
        first._write(m)
        second._write(v)
