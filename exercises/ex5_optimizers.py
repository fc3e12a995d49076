"""Exercise 5: what an optimiser does with a gradient.

A gradient says which way is up, and not how far to go. Plain gradient descent goes `lr` times the
gradient, downwards. In a long, narrow valley that swings from side to side. Momentum lets steps
that agree add up and those that do not cancel; Adam divides by how large gradients usually are, so
that flat directions get as long a step as steep ones.

`params` is a list of Values. Read `p.grad`, and write `p.data`.

Fill in the gaps, then run `pytest exercises/test_ex5_optimizers.py`.
"""


class Momentum:
    """velocity = momentum * velocity + grad, then p.data goes down by lr * velocity."""

    def __init__(self, params, lr, momentum):
        self.params, self.lr, self.momentum = list(params), lr, momentum
        self.velocities = [0.0] * len(self.params)

    def step(self):
        raise NotImplementedError("one velocity per parameter")


class Adam:
    """Two running means per parameter: m of the gradients, and v of their squares.

    m = beta1 * m + (1 - beta1) * grad, and v = beta2 * v + (1 - beta2) * grad**2. They start from
    0, so in step t they are too small, by the factors 1 - beta1**t and 1 - beta2**t: divide by
    these (not in the means themselves). Then p.data goes down by lr * m / (sqrt(v) + eps).
    """

    def __init__(self, params, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
        self.params, self.lr, self.betas, self.eps = list(params), lr, betas, eps
        self.steps = 0
        self.m = [0.0] * len(self.params)
        self.v = [0.0] * len(self.params)

    def step(self):
        raise NotImplementedError("steps count from 1")


def zero_grad(params):
    """`backward` adds to gradients. Call this before it, or the steps see old ones too."""
    raise NotImplementedError("one loop")
