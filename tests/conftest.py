"""Every test that asks for `sg`, the package, runs once on each engine.

    def test_addition(sg):
        assert (sg.Value(1.0) + 2.0).data == 3.0

runs as `test_addition[reference]` and `test_addition[compiled]`.
"""

from collections.abc import Iterator
from types import ModuleType

import hypothesis
import pytest
from engines import PACKAGES, in_sys_modules


@pytest.fixture(params=PACKAGES)
def engine(request: pytest.FixtureRequest) -> str:
    """The name of the engine that `sg` runs on."""
    return str(request.param)


@pytest.fixture
def sg(engine: str) -> Iterator[ModuleType]:
    """The package, on one engine."""
    with in_sys_modules(PACKAGES[engine]):
        yield PACKAGES[engine]["scalargrad"]


def pytest_report_header() -> str:
    return f"engines: {', '.join(PACKAGES)}"


# The same examples in every run, so that a failure is never the luck of the draw. The examples of a
# test share its `sg`, which is sound: it is a module, and no example changes it.
hypothesis.settings.register_profile(
    "scalargrad",
    derandomize=True,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
hypothesis.settings.load_profile("scalargrad")
