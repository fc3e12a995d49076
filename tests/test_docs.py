"""What is written about scalargrad is true."""

import inspect

import pytest
from scalargrad.engine import reference


def engine_names():
    """Each public name of an engine, and of its classes, as a path."""
    for name in reference.__all__:
        yield (name,)
        thing = getattr(reference, name)
        for member in dir(thing) if inspect.isclass(thing) else ():
            if not member.startswith("_"):
                yield name, member


class TestDocstrings:
    @pytest.mark.parametrize("path", engine_names(), ids=".".join)
    def test_both_engines_say_the_same(self, sg, path):
        told, expected = sg.engine, reference
        for name in path:
            told, expected = getattr(told, name), getattr(expected, name)
        hint = "change the reference engine's, run `make docstrings`, and install again"
        assert inspect.getdoc(told) == inspect.getdoc(expected), hint
