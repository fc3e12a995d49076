"""The exercises: a student's text, tested by pytest as in a terminal.

The exercises and their tests lie in the working directory, in the folder `exercises`. Every run
starts afresh: the text is written there, and the modules of the run before are forgotten.
"""

import importlib
import linecache
import sys
from pathlib import Path

import pytest
from session import PROGRAM, run

FOLDER = Path("exercises")
ENDED = "The tests were ended before the last of them. Is there a quit() or sys.exit() in the text?"
OPTIONS = ["--capture=sys", "-p", "no:cacheprovider", "-p", "no:terminal"]


def check(name, text):
    """Each test by name, whether it passed, and what pytest shows if it did not."""
    compile(text, PROGRAM, "exec")  # what is no Python is told with its line, without any test
    (FOLDER / f"{name}.py").write_text(text, encoding="utf-8")
    forget_modules()
    results = Results()
    status = pytest.main([*OPTIONS, str(FOLDER / f"test_{name}.py")], plugins=[results])
    if status != pytest.ExitCode.OK and all(test["passed"] for test in results.tests):
        results.tests.append({"name": f"test_{name}.py", "passed": False, "text": ENDED})
    return results.tests


def attempt(text, line):
    """What Python shows for a line typed below the text, as after `python -i`."""
    value = run(f"{text}\n\n{line}\n", {"__name__": "exercise"})
    return "" if value is None else repr(value)


class Results:
    """A plugin of pytest that keeps what became of each test."""

    def __init__(self):
        self.tests = []

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.failed:
            self.add(report)

    def pytest_collectreport(self, report):
        if report.failed:  # the student's file cannot be imported
            self.add(report)

    def add(self, report):
        printed = [f"--- {title} ---\n{text}" for title, text in report.sections]
        self.tests.append(
            {
                "name": report.nodeid.rpartition("::")[2],
                "passed": report.passed,
                "text": "\n".join([report.longreprtext, *printed]) if report.failed else "",
            }
        )


def forget_modules():
    sys.dont_write_bytecode = True  # two texts of one second may be of one length
    for path in FOLDER.glob("*.py"):
        sys.modules.pop(path.stem, None)
    importlib.invalidate_caches()
    linecache.clearcache()
