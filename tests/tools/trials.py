"""Runs the tests on many changed copies of the library, fast, and tells which change they notice.

A trial is a child process: it has everything but the library imported already, imports the changed
copy, and runs chosen tests, those first that are most likely to fail. The first failure ends it.
Wherever tests draw examples, they draw few.
"""

from __future__ import annotations

import asyncio  # noqa: F401 - like others below, so that no child need import it
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import unittest.mock  # noqa: F401
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import hypothesis
import mpmath  # noqa: F401
import numpy  # noqa: F401
import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "scalargrad"
TESTS = ROOT / "tests"
SLOW = 0.5  # seconds of computing; slower tests are left out
EXAMPLES = 15
MOST = 300  # about so many tests of a file that pass through a line
MEMORY = 8 << 30


@dataclass
class Variant:
    """A changed library: what it is called, and how to change a copy of the package."""

    name: str
    change: Callable[[Path], None]
    group: str = ""  # the tests that noticed others of its group come first
    tests: list[str] | None = None  # None: all


@dataclass
class Trial:
    variant: Variant
    outcome: str = ""  # "survived", or what noticed it: a test, "timeout", "crash", "impossible"
    seconds: float = 0.0


@dataclass
class Suite:
    """The tests there are: how long each takes, and which lines of the library it runs."""

    seconds: dict[str, float]
    lines: dict[str, dict[int, list[str]]] = field(default_factory=dict)


class ImpossibleError(Exception):
    """A change that gives no library at all, such as C that does not compile."""


class Chosen:
    """A pytest plugin: run these tests, in this order, and write down the first that fails."""

    def __init__(self, tests: list[str] | None, failed: Path) -> None:
        self.order = None if tests is None else {test: i for i, test in enumerate(tests)}
        self.failed = failed

    def pytest_configure(self) -> None:
        few = hypothesis.settings(
            hypothesis.settings.get_profile("long"),
            max_examples=EXAMPLES,
            database=None,
            phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
        )
        hypothesis.settings.register_profile("few", few)
        hypothesis.settings.load_profile("few")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        order = self.order
        if order is not None:
            items[:] = sorted(
                (item for item in items if item.nodeid in order), key=lambda i: order[i.nodeid]
            )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.write_text(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed.write_text(f"import of {report.nodeid}")


class Measured(Chosen):
    """A pytest plugin: write down how long each test takes, and which lines it runs."""

    def __init__(self, failed: Path, covered: bool) -> None:
        super().__init__(None, failed)
        self.seconds: dict[str, float] = {}
        self.coverage = None
        if covered:
            import coverage

            self.coverage = coverage.Coverage(
                data_file=None, source=["scalargrad"], config_file=False
            )
            self.coverage.start()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.seconds[nodeid] = -sum(os.times()[:4])
        if self.coverage:
            self.coverage.switch_context(nodeid)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.seconds[nodeid] += sum(os.times()[:4])

    def suite(self) -> Suite:
        suite = Suite(self.seconds)
        if self.coverage:
            self.coverage.stop()
            data = self.coverage.get_data()
            for name in data.measured_files():
                file = name.rpartition("/scalargrad/")[2]
                suite.lines[file] = data.contexts_by_lineno(name)
        return suite


def measure(
    arguments: list[str],
    engines: str,
    covered: bool = False,
    change: Callable[[Path], None] = lambda package: None,
) -> Suite:
    """Run the tests once, with a change that changes nothing; SystemExit if one fails."""
    import pickle

    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))

    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "scalargrad"
        failed, result = Path(folder) / "failed", Path(folder) / "suite"
        shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
        change(package)
        pid = os.fork()
        if not pid:
            _prepare_child(Path(folder), engines)
            plugin = Measured(failed, covered)
            if code := _run_pytest(arguments, plugin):
                os._exit(code)
            result.write_bytes(pickle.dumps(plugin.suite()))
            os._exit(0)
        try:
            os.waitpid(pid, 0)
        except BaseException:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise
        if failed.exists() or not result.exists():
            what = failed.read_text() if failed.exists() else "the run"
            sys.exit(f"before anything is changed, {what} fails")
        suite: Suite = pickle.loads(result.read_bytes())
    suite.seconds = {test: s for test, s in suite.seconds.items() if s <= SLOW}
    return suite


def trials(variants: Iterable[Variant], suite: Suite, engines: str, jobs: int) -> Iterator[Trial]:
    """Try each variant; yields them as they are done."""
    noticed: dict[str, Counter[str]] = {}
    running: dict[int, _Child] = {}
    waiting = iter(variants)
    exhausted = False
    try:
        while running or not exhausted:
            while len(running) < jobs and not exhausted:
                variant = next(waiting, None)
                if variant is None:
                    exhausted = True
                    break
                files = _in_turn(variant, suite, noticed.get(variant.group, Counter()))
                child = _Child(variant, files, suite, engines)
                running[child.pid] = child
            for pid, child in list(running.items()):
                trial = child.finished()
                if trial:
                    del running[pid]
                    noticed.setdefault(trial.variant.group, Counter())[trial.outcome] += 1
                    yield trial
            time.sleep(0.005)
    finally:
        for child in running.values():
            child.kill()


def _in_turn(variant: Variant, suite: Suite, noticed: Counter[str]) -> list[list[str]]:
    """The tests, file by file: first the file that noticed most so far, then the fastest.

    Of very many in a file, only some. Reading a file takes longer than most tests, so none is read
    before it is needed.
    """
    files: dict[str, list[str]] = {}
    for test in suite.seconds if variant.tests is None else variant.tests:
        if test in suite.seconds:
            files.setdefault(_file(test), []).append(test)
    by_file = Counter(_file(test) for test in noticed.elements())
    for tests in files.values():
        tests.sort(key=lambda test: (-noticed[test], suite.seconds[test]))
    return sorted(
        (tests[:: len(tests) // MOST + 1] for tests in files.values()),
        key=lambda tests: (-by_file[_file(tests[0])], sum(suite.seconds[test] for test in tests)),
    )


def _file(test: str) -> str:
    return test.partition("::")[0]


class _Child:
    """A trial under way."""

    def __init__(
        self, variant: Variant, files: list[list[str]], suite: Suite, engines: str
    ) -> None:
        self.trial = Trial(variant)
        self.folder = Path(tempfile.mkdtemp(prefix="scalargrad-trial-"))
        self.failed = self.folder / "failed"
        self.start = time.monotonic()
        self.limit = round(10.0 + 3.0 * sum(suite.seconds[test] for file in files for test in file))
        self.pid = os.fork()
        if not self.pid:
            self._run(files, engines)

    def _run(self, files: list[list[str]], engines: str) -> None:
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (self.limit, self.limit))
        package = self.folder / "scalargrad"
        shutil.copytree(PACKAGE, package)  # with __pycache__, or all would be compiled each time
        try:
            self.trial.variant.change(package)
        except ImpossibleError:
            self.failed.write_text("impossible")
            os._exit(1)
        _prepare_child(self.folder, engines)
        for tests in files:
            code = _run_pytest(["-x", _file(tests[0])], Chosen(tests, self.failed))
            if code and not self.failed.exists():
                self.failed.write_text(f"pytest: {code}")
            if code:
                os._exit(1)
        os._exit(0)

    def finished(self) -> Trial | None:
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        self.trial.seconds = time.monotonic() - self.start
        if pid:
            if self.failed.exists():
                self.trial.outcome = self.failed.read_text()
            else:
                timeout = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU
                self.trial.outcome = "timeout" if timeout else "crash" if status else "survived"
        elif self.trial.seconds > 30 * self.limit:  # it waits for something
            self.trial.outcome = "timeout"
        else:
            return None
        self.kill()
        return self.trial

    def kill(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        shutil.rmtree(self.folder, ignore_errors=True)


def _prepare_child(path: Path, engines: str) -> None:
    """Make `import scalargrad` find the copy in `path`, here and in what this process starts."""
    sys.dont_write_bytecode = False  # compiling the tests takes longer than most of them run
    sys.path.insert(0, str(path))
    os.environ["PYTHONPATH"] = str(path)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["SCALARGRAD_TEST_ENGINES"] = engines
    os.environ.pop("SCALARGRAD_ENGINE", None)
    os.chdir(ROOT)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)


def _run_pytest(arguments: list[str], plugin: object) -> int:
    options = ["-q", "--long", "-p", "no:cacheprovider", "-p", "no:cov", "--tb=no"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    return int(pytest.main([*options, *arguments], plugins=[plugin]))
