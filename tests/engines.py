"""The package, loaded once per engine, side by side in one process.

`SCALARGRAD_TEST_ENGINES=reference,compiled` demands engines: one that is missing fails the whole
run, where it would otherwise halve it in silence. Unset means those that are there.
"""

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from unittest import mock

Modules = dict[str, ModuleType]


@contextmanager
def in_sys_modules(modules: Modules) -> Iterator[None]:
    """Within it, `scalargrad` means these modules, also to imports that happen late."""
    before = _ours()
    _replace(before, modules)
    try:
        yield
    finally:
        _replace(_ours(), before)  # also what was imported within


def _load_engines() -> dict[str, Modules]:
    demanded = os.environ.get("SCALARGRAD_TEST_ENGINES", "")
    packages = {}
    for engine in demanded.split(",") if demanded else ("reference", "compiled"):
        try:
            packages[engine] = load(engine)
        except ImportError:
            if demanded:
                raise
    return packages


def load(engine: str) -> Modules:
    """The package and its modules, imported afresh on that engine."""
    with in_sys_modules({}), mock.patch.dict(os.environ, SCALARGRAD_ENGINE=engine):
        package = importlib.import_module("scalargrad")
        for name in package.__all__:  # some of them are loaded when they are asked for
            getattr(package, name)
        importlib.import_module("scalargrad.engine.copying")  # which others import late
        return _ours()


def _ours() -> Modules:
    return {name: sys.modules[name] for name in [*sys.modules] if name.startswith("scalargrad")}


def _replace(before: Modules, after: Modules) -> None:
    for name in before:
        del sys.modules[name]
    sys.modules.update(after)


PACKAGES = _load_engines()
