"""scalargrad: automatic differentiation of scalars, whose idea you can read in one sitting.

>>> import scalargrad as sg
>>> x, y = sg.Value(3.0), sg.Value(4.0)
>>> distance = (x * x + y * y).sqrt()
>>> distance.backward()
>>> distance.data, x.grad, y.grad
(5.0, 0.6000000000000001, 0.8)
"""

from scalargrad import nn, optim
from scalargrad.engine import ENGINE, Value, Vector, atan2, maximum, minimum, no_grad

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from scalargrad import graph
    from scalargrad.checking import gradcheck
    from scalargrad.derivatives import grad

__all__ = [
    "ENGINE",
    "Value",
    "Vector",
    "atan2",
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


# Most programs train, and need none of these. Loading them late halves the time of an import.
_LATE = {"grad": "scalargrad.derivatives", "gradcheck": "scalargrad.checking"}


def __getattr__(name: str) -> object:
    from importlib import import_module

    from scalargrad.engine.foreign import missing

    if name == "graph":
        return import_module("scalargrad.graph")
    if name in _LATE:
        globals()[name] = found = getattr(import_module(_LATE[name]), name)
        return found
    return missing(__name__, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
