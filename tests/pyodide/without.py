"""A plugin of pytest for Pyodide: a test that asks for what is not there is skipped, and says why.

In WebAssembly as browsers have it there are no threads, no other processes, and no waiting for an
event loop. NumPy could be there, but npm's package of Pyodide does not bring it; the tests use it
here and there, for a row of a table or to compare with. So each such row and test is skipped, and
all others of its file run.
"""

import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import NoReturn

import pytest

collecting = True

OTHERWISE = {
    "test_a_hundred_deep_is_enough": "to free a list that is nested 100,000 deep ends Pyodide",
    "test_principle_4_a_million_nodes": "a shorter chain shows it too, in less time",
}


def skip(what: str) -> NoReturn:
    pytest.skip(f"there is no {what} in Pyodide")


class FromNumPy:
    """What stands in a table for anything of NumPy's, which a test would have been given."""

    __name__ = "numpy"

    def __call__(self, *arguments: object, **options: object) -> "FromNumPy":
        return self


class NumPy(ModuleType):
    """Lets a file of tests be imported. A test that then comes to use it ends there."""

    ndarray = FromNumPy  # Hypothesis asks what is one

    def __getattr__(self, name: str) -> FromNumPy:
        if name.startswith("__"):
            raise AttributeError(name)  # such as __file__: it has none
        return FromNumPy() if collecting else skip("NumPy")


def uses_numpy(argument: object) -> bool:
    if isinstance(argument, (list, tuple)):
        return any(map(uses_numpy, argument))
    return isinstance(argument, FromNumPy)


def pytest_configure() -> None:
    sys.modules["numpy"] = NumPy("numpy")
    asyncio.run = lambda coroutine: (coroutine.close(), skip("waiting for an event loop"))
    threading.Thread.start = lambda thread: skip("thread")
    subprocess.Popen.__init__ = lambda *arguments, **options: skip("other process")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if hasattr(item, "callspec") and uses_numpy([*item.callspec.params.values()]):
            item.add_marker(pytest.mark.skip("there is no NumPy in Pyodide"))
        for name, reason in OTHERWISE.items():
            if item.name.startswith(name):
                item.add_marker(pytest.mark.skip(reason))


@pytest.hookimpl(wrapper=True)
def pytest_collection_finish() -> Iterator[None]:
    """From here on nothing takes it for the real one: pytest and Hypothesis look in `modules`."""
    global collecting
    collecting = False
    del sys.modules["numpy"]
    yield
    gc.unfreeze()  # what conftest.py froze: Hypothesis looks there for who holds its generator
