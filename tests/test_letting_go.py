"""Letting go of long chains as in a browser: each node gives away what it holds, and no call nests.

That it is needed there and suffices, tests/pyodide/run.py shows, where those of principle 4 run.
"""

import sys
from unittest import mock

import pytest
from engines import in_sys_modules, load


@pytest.fixture(scope="module")
def in_browser():
    """The package as a browser has it."""
    with mock.patch.object(sys, "platform", "emscripten"):
        modules = load("reference")
    with in_sys_modules(modules):
        yield modules["scalargrad"]


def chain_of_values(sg, first, length):
    y = first
    for _ in range(length):
        y = y + 1.0
    return y


def chain_of_rows(sg, first, length):
    row = sg.nn.vector([1.0, 2.0]) * first
    for _ in range(length):
        row = row + 1.0
    return row[0]


def chain_of_derivatives(sg, first, length):
    x = slope = first
    for _ in range(length):
        slope = sg.Value(1.0, (x,), (slope,))
    return slope


@pytest.mark.parametrize("chain", [chain_of_values, chain_of_rows, chain_of_derivatives])
def test_a_chain_is_freed_by_calls_that_do_not_nest(in_browser, chain):
    depths = []

    class Last(in_browser.Value):
        def __del__(self):
            frame, depth = sys._getframe(), 0
            while frame:
                frame, depth = frame.f_back, depth + 1
            depths.append(depth)

    for length in (1, 1000):
        y = chain(in_browser, Last(1.0), length)
        del y
    assert len(depths) == 2
    assert depths[1] <= depths[0] + 1


def test_what_somebody_holds_stays(in_browser):
    x = in_browser.Value(3.0)
    held = x * x
    y = held + 1.0
    del y
    held.backward()
    assert (held.data, x.grad) == (9.0, 6.0)


def test_a_value_that_was_never_made_is_no_trouble(in_browser):
    with pytest.raises(TypeError):
        in_browser.Value("3")


def test_elsewhere_python_frees_them_as_it_does(sg):
    assert not hasattr(sg.Value, "__del__")
