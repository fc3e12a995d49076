"""Every test that asks for `sg`, the package, runs once on each engine; and what is long waits.

    def test_addition(sg):
        assert (sg.Value(1.0) + 2.0).data == 3.0

runs as `test_addition[reference]` and `test_addition[compiled]`. With `--long` everything runs that
there is; effort.py says what is left out without it.
"""

import gc
from collections.abc import Iterator
from types import ModuleType

import hypothesis
import pytest
from effort import ALL, QUICK
from engines import PACKAGES, in_sys_modules


@pytest.fixture(params=PACKAGES)
def engine(request: pytest.FixtureRequest) -> str:
    """The name of the engine that `sg` runs on."""
    return str(request.param)


@pytest.fixture
def sg(engine: str) -> Iterator[ModuleType]:
    """The package, on one engine."""
    package = PACKAGES[engine]["scalargrad"]
    classes = package.Value, package.Vector
    names = [set(vars(kind)) for kind in classes]
    with in_sys_modules(PACKAGES[engine]):
        yield package
    for kind, before in zip(classes, names):  # methods that a lesson has added
        for name in set(vars(kind)) - before:
            delattr(kind, name)


# The same examples in every run, so that a failure is never the luck of the draw. The examples of a
# test share its `sg`, which is sound: it is a module, and no example changes it.
for name, examples in (("quick", QUICK), ("long", ALL)):
    hypothesis.settings.register_profile(
        name,
        max_examples=examples,
        derandomize=True,
        deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
    )


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run all tests, also those that are long")


def pytest_configure(config: pytest.Config) -> None:
    hypothesis.settings.load_profile("long" if config.option.long else "quick")


def pytest_report_header(config: pytest.Config) -> str:
    effort = "all" if config.option.long else "the quick ones; --long runs all"
    return f"engines: {', '.join(PACKAGES)}\ntests: {effort}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.option.long:
        left_out = [item for item in items if is_long(item)]
        items[:] = [item for item in items if not is_long(item)]
        config.hook.pytest_deselected(items=left_out)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Spare the garbage collector the sight of thousands of tests: a tenth of the time."""
    if hasattr(gc, "freeze"):
        # First let Hypothesis make its generator: it warns if who holds it cannot be seen.
        hypothesis.find(hypothesis.strategies.none(), lambda _: True)
        gc.collect()
        gc.freeze()


def is_long(item: pytest.Item) -> bool:
    """Whether a quick run leaves it out."""
    if item.get_closest_marker("long_in_python") and "compiled" in PACKAGES:
        return "reference" in item.callspec.params.values()
    if item.get_closest_marker("engines_in_turn"):
        rows = dict(item.callspec.indices)
        return rows.pop("engine") != max(rows.values(), default=0) % len(PACKAGES)
    return item.get_closest_marker("long") is not None
