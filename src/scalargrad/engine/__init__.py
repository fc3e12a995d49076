"""Chooses the engine.

`SCALARGRAD_ENGINE=reference` asks for the one in plain Python, `SCALARGRAD_ENGINE=compiled` for its
twin in C, and unset or empty means the compiled one if it is there. Both give the same numbers, bit
for bit.

The compiled one is built from files of its own, so it may be older than these. What the two ask of
each other has a number, `INTERFACE`, which must be the same in both; it is in `engine.h`, too.
"""

import os
import sys

_wanted = os.environ.get("SCALARGRAD_ENGINE", "")
if _wanted not in ("", "compiled", "reference"):
    raise ImportError(
        f"SCALARGRAD_ENGINE must be 'compiled', 'reference' or unset, got {_wanted!r}"
    )

INTERFACE = 3

try:
    if _wanted == "reference":
        raise ImportError("the reference engine was asked for")
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        raise ImportError("it needs the global interpreter lock, which this Python does without")
    from scalargrad.engine import compiled as _compiled

    if hasattr(_compiled, "__path__"):  # in a checkout, it is a folder of C files
        raise ImportError("it was not built")
except ImportError as error:
    if _wanted == "compiled":
        raise ImportError(
            "SCALARGRAD_ENGINE=compiled, but this installation has no compiled engine "
            f"({error}); unset the variable to use the reference engine"
        ) from None
    from scalargrad.engine.reference import *  # noqa: F403

    ENGINE = "reference"
else:
    if getattr(_compiled, "INTERFACE", 0) != INTERFACE:
        raise ImportError(
            "the compiled engine was built from other files than these; install scalargrad again "
            "(from a checkout, pip install .), or set SCALARGRAD_ENGINE=reference"
        )
    from scalargrad.engine.compiled import *  # noqa: F403

    ENGINE = "compiled"

from scalargrad.engine.foreign import install  # noqa: E402
from scalargrad.engine.recording import no_grad as no_grad  # noqa: E402 - it needs the engine

install(Value, Vector)  # noqa: F405
