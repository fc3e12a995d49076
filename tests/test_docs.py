"""What is written about scalargrad is true."""

import inspect

import pytest

from scalargrad.engine import reference

CLASSES = [name for name in reference.__all__ if inspect.isclass(getattr(reference, name))]
MEMBERS = [(name, x) for name in CLASSES for x in dir(getattr(reference, name)) if x[0] != "_"]


class TestDocstrings:
    @pytest.mark.parametrize("path", [*zip(reference.__all__), *MEMBERS], ids=".".join)
    def test_both_engines_say_the_same(self, sg, path):
        told, expected = sg.engine, reference
        for name in path:
            told, expected = getattr(told, name), getattr(expected, name)
        hint = "change the reference engine's, run `make docstrings`, and install again"
        assert inspect.getdoc(told) == inspect.getdoc(expected), hint
