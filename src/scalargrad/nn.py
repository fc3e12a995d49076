"""What neural networks are made of: rows of parameters, and functions of rows.

>>> import random
>>> from scalargrad import nn
>>> w = nn.matrix(2, 3, rng=random.Random(0))       # two rows of three parameters
>>> p = nn.softmax(nn.linear([1.0, 2.0, 3.0], w))   # two probabilities
>>> round(p.sum().data, 12)
1.0
"""

from __future__ import annotations

import random
from operator import index as _index

from scalargrad.engine import (
    Vector,
    concatenate,
    cross_entropy,
    dot,
    linear,
    logsumexp,
    rmsnorm,
    softmax,
    vector,
    weighted_sum,
)
from scalargrad.engine.arguments import MOST_NUMBERS as _MOST_NUMBERS
from scalargrad.engine.arguments import as_float as _as_float
from scalargrad.engine.arguments import describe as _describe

__all__ = [
    "concatenate",
    "cross_entropy",
    "dot",
    "linear",
    "logsumexp",
    "matrix",
    "rmsnorm",
    "softmax",
    "vector",
    "weighted_sum",
]


TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import Protocol

    class Gaussian(Protocol):
        def gauss(self, mu: float, sigma: float, /) -> float: ...


def matrix(
    nout: int,
    nin: int,
    std: float = 0.08,
    rng: Gaussian = random,
) -> tuple[Vector, ...]:
    """`nout` rows of `nin` parameters, drawn row by row from `rng.gauss(0, std)`.

    The rows are what `linear` takes as `w`: `nin` numbers in, `nout` out.

    Args:
        nout: How many rows, at least 1.
        nin: How long each row is, at least 1. There may be at most 100,000,000 parameters in all.
        std: The standard deviation of the parameters, 0 or more.
        rng: Draws the numbers: a `random.Random`, which gives the same numbers in each run if it
            has a seed, or by default the `random` module.

    Raises:
        TypeError: If a size is not an integer, `std` is not a number or `rng` has no method
            `gauss`.
        ValueError: If a size or `std` is out of range.

    Examples:
        >>> import random
        >>> from scalargrad import nn
        >>> w = nn.matrix(2, 3, std=1.0, rng=random.Random(0))
        >>> len(w), len(w[0]), round(w[0][0].data, 3)
        (2, 3, 0.942)
    """
    sizes = []
    for name, size in (("nout", nout), ("nin", nin)):
        try:
            sizes.append(_index(size))
        except TypeError:
            raise TypeError(f"matrix: {name} must be an int, got {_describe(size)}") from None
        if sizes[-1] < 1:
            raise ValueError(f"matrix: {name} must be at least 1, got {sizes[-1]}")
    if sizes[0] * sizes[1] > _MOST_NUMBERS:
        raise ValueError(
            f"matrix: nout * nin is {sizes[0]:,} * {sizes[1]:,}; more than {_MOST_NUMBERS:,} "
            "parameters are too many"
        )
    std = _as_float(std, "matrix: std")
    if not 0.0 <= std < float("inf"):
        raise ValueError(f"matrix: std must be a number from 0 up, got {std!r}")
    if isinstance(rng, type) or not hasattr(rng, "gauss"):
        raise TypeError(
            f"matrix: rng must have a method gauss, as random.Random() has, got {_describe(rng)}"
        )
    return tuple(vector([rng.gauss(0, std) for _ in range(sizes[1])]) for _ in range(sizes[0]))


def __getattr__(name: str) -> object:
    from scalargrad.engine.foreign import missing

    return missing(__name__, name)
