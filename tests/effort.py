"""How much a run tests: all there is with `pytest --long`, and without it what takes a minute.

A quick run still has every operation, every row of a table, every page and both engines. It leaves
out what is marked `long`, and draws a tenth of the examples; the same ones each time.
"""

import sys

import hypothesis
import pytest

ALL, QUICK = 100, 10  # examples that a test draws, if it does not say how many

long = pytest.mark.long
# What the engine in plain Python takes seconds for, and the compiled one, if it is there, does not.
long_in_python = pytest.mark.long_in_python
# A table of thousands of rows: in a quick run each is tested on one engine, the next on the other.
engines_in_turn = pytest.mark.engines_in_turn

# What a test asks of Python that is only there, or only said so, in CPython.
cpython = pytest.mark.skipif(sys.implementation.name != "cpython", reason="for CPython only")


def examples(number: int) -> int:
    """That many examples in a long run, and fewer in a quick one."""
    return number * hypothesis.settings().max_examples // ALL
