"""Exercise 3: operations of your own, and how to trust them.

From here on you use the library's Value. A new operation needs no registration: it is a Value made
from its number, its parents and the derivative with respect to each, in plain floats:

    Value(math.atan(x.data), (x,), (1.0 / (1.0 + x.data ** 2),), op="atan")

What a derivative should be, nobody has to believe: `scalargrad.gradcheck` measures it. Try

    python -c "from ex3_functions import *; gradcheck(softplus, [0.5])"

in this folder whenever you are in doubt; a wrong derivative it explains.

The first two below are to be one node each: math on plain floats (`x.data`), then one Value.

Fill in the three gaps, then run `pytest exercises/test_ex3_functions.py`.
"""

import math  # noqa: F401 - for you

from scalargrad import Value, gradcheck  # noqa: F401


def softplus(x):
    """log(1 + exp(x)), a smooth relu. Its derivative is the sigmoid, 1 / (1 + exp(-x)).

    exp(1000.0) is an error in Python, but softplus(1000.0) is 1000.0. So take exp of -|x| only,
    which is at most 1: softplus(x) = max(x, 0) + log1p(exp(-|x|)).
    """
    raise NotImplementedError("one node, with its own derivative")


def hypot(x, y):
    """sqrt(x**2 + y**2), with `math.hypot`. At (0, 0) let both derivatives be 0."""
    raise NotImplementedError("one node with two parents")


def swish(x):
    """x * sigmoid(x), from the operators and methods that a Value has: no derivative needed."""
    raise NotImplementedError("one line")
