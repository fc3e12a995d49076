"""scalargrad: automatic differentiation of scalars, small enough to read in one sitting.

>>> import scalargrad as sg
>>> x, y = sg.Value(3.0), sg.Value(4.0)
>>> distance = (x * x + y * y).sqrt()
>>> distance.backward()
>>> distance.data, x.grad, y.grad
(5.0, 0.6000000000000001, 0.8)
"""

from scalargrad import graph, nn, optim
from scalargrad.checking import gradcheck
from scalargrad.derivatives import grad
from scalargrad.engine import ENGINE, Value, Vector, maximum, minimum, no_grad

__all__ = [
    "ENGINE",
    "Value",
    "Vector",
    "grad",
    "gradcheck",
    "graph",
    "maximum",
    "minimum",
    "nn",
    "no_grad",
    "optim",
]
__version__ = "2.0.0.dev0"
