"""The exercises of the playground: what its Python makes of a student's text.

It runs in a process of its own, as it does in the page: pytest there shall not meet pytest here.
tests/browser/playground_exercises.py opens the page.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from effort import long

ROOT = Path(__file__).parents[1]
PROGRAMS = ROOT / "docs" / "assets" / "playground" / "python"
SOLUTION = (ROOT / "tests/exercise_solutions/ex1_value.py").read_text(encoding="utf-8")
STUB = (ROOT / "exercises/ex1_value.py").read_text(encoding="utf-8")
IN_THE_WORKER = f"""
import json, sys
sys.path.insert(0, {str(PROGRAMS)!r})
import exercises
print(json.dumps([getattr(exercises, name)(*given) for name, given in json.load(sys.stdin)]))
"""


@pytest.fixture
def ask(tmp_path):
    """Calls of functions in exercises.py, one after the other in one worker."""
    shutil.copytree(ROOT / "exercises", tmp_path / "exercises")

    def answers(*calls):
        done = subprocess.run(
            [sys.executable, "-c", IN_THE_WORKER],
            input=json.dumps(calls),
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return answers


def passed(tests):
    return [test["passed"] for test in tests]


@long
def test_each_run_tests_the_text_that_it_is_given(ask):
    """Two texts of one length within a second, too: nothing of the run before is left."""
    wrong = SOLUTION.replace("self.grad += grad", "self.grad -= grad")
    check = [("check", ["ex1_value", text]) for text in (STUB, SOLUTION, wrong, SOLUTION)]
    stub, solved, negated, again = ask(*check)
    assert passed(stub) == [False] * 8
    assert passed(solved) == passed(again) == [True] * 8
    assert [test["name"] for test in negated if test["passed"]] == [
        "test_a_result_remembers_what_it_was_made_from"
    ]


def test_a_test_that_fails_shows_what_pytest_shows_and_what_was_printed(ask):
    text = SOLUTION.replace("self.grad += grad", "print('<b>')\n        self.grad = grad")
    (tests,) = ask(("check", ["ex1_value", text]))
    (shown,) = (test["text"] for test in tests if test["name"] == "test_over_paths_they_add_up")
    assert ">       assert a.grad == 7.0" in shown
    assert "E       assert 1.0 == 7.0" in shown
    assert "--- Captured stdout call ---\n<b>\n" in shown


@long
def test_a_file_that_cannot_be_imported_is_one_test_that_failed(ask):
    (tests,) = ask(("check", ["ex1_value", "import nothing"]))
    assert passed(tests) == [False]
    assert "E   ModuleNotFoundError: No module named 'nothing'" in tests[0]["text"]


@long
@pytest.mark.parametrize("end", ["quit()", "raise SystemExit", "raise KeyboardInterrupt"])
def test_a_text_that_ends_pytest_is_not_solved(ask, end):
    (at_once,) = ask(["check", ["ex1_value", f"{SOLUTION}\n{end}\n"]])
    assert [test["passed"] for test in at_once] == [False]
    assert "quit()" in at_once[0]["text"]


@long
def test_a_line_is_answered_as_by_the_prompt(ask):
    lines = ["(Value(2.0) * Value(3.0)).data", "x = 1"]
    assert ask(*[("attempt", [SOLUTION, line]) for line in lines]) == ["6.0", ""]
