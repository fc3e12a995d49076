"""The exercises: every test fails on the gaps as they are handed out, and passes once filled.

The solutions are kept here, in tests/exercise_solutions, where nobody meets them by accident.
"""

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from effort import long

EXERCISES = Path(__file__).parent.parent / "exercises"
SOLUTIONS = Path(__file__).parent / "exercise_solutions"
NAMES = [path.stem for path in sorted(EXERCISES.glob("ex*.py"))]

every_exercise = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exercises")


def pytest_in(course: Path, *arguments: str, engine: str = "reference") -> str:
    """What the command `pytest` shows in the folder of a course."""
    command = shutil.which("pytest", path=str(Path(sys.executable).parent)) or "pytest"
    done = subprocess.run(
        [command, "-p", "no:cacheprovider", *arguments],
        cwd=course,
        # A course has no plugins; those that are here take a second to load.
        env=os.environ | {"SCALARGRAD_ENGINE": engine, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
    )
    return done.stdout


@cache
def outcomes(folder: Path, engine: str, solved: bool) -> dict[str, list[str]]:
    """What became of the tests of each exercise."""
    course = folder / f"{engine}-{solved}"
    shutil.copytree(EXERCISES, course, ignore=shutil.ignore_patterns("__pycache__"))
    if solved:
        shutil.copytree(SOLUTIONS, course, dirs_exist_ok=True)
    shown = pytest_in(course, "-rA", "--tb=no", "-W", "error", engine=engine)
    found: dict[str, list[str]] = {name: [] for name in NAMES}
    for outcome, name in re.findall(r"^(PASSED|FAILED|ERROR) test_(\w+)\.py", shown, re.M):
        found[name].append(outcome)
    return found


@every_exercise
def test_every_test_fails_until_the_exercise_is_solved(folder, engine, name):
    results = outcomes(folder, engine, solved=False)[name]
    assert len(results) >= 6
    assert set(results) == {"FAILED"}


@every_exercise
def test_every_test_passes_on_a_solution(folder, engine, name):
    results = outcomes(folder, engine, solved=True)[name]
    assert len(results) == len(outcomes(folder, engine, solved=False)[name])
    assert set(results) == {"PASSED"}


def test_there_are_six_and_each_has_tests_and_a_solution():
    assert len(NAMES) == 6
    assert [path.stem for path in sorted(EXERCISES.glob("test_*.py"))] == [
        f"test_{name}" for name in NAMES
    ]
    assert [path.stem for path in sorted(SOLUTIONS.glob("*.py"))] == NAMES


@every_exercise
def test_it_says_how_to_run_its_tests_and_has_gaps(name):
    text = (EXERCISES / f"{name}.py").read_text(encoding="utf-8")
    assert f"pytest exercises/test_{name}.py" in text
    assert text.count("raise NotImplementedError(") >= 2
    assert len(text.splitlines()) <= 75


@every_exercise
def test_a_solution_fills_the_gaps_and_changes_no_names(name):
    pattern = re.compile(r"^ *(?:def|class) .*", re.M)
    given, solved = (
        pattern.findall((place / f"{name}.py").read_text(encoding="utf-8"))
        for place in (EXERCISES, SOLUTIONS)
    )
    assert given == solved


def with_a_mistake(course: Path, name: str, right: str, wrong: str, *arguments: str) -> str:
    """What pytest shows for a solution in which `right` is replaced."""
    solution = (SOLUTIONS / f"{name}.py").read_text(encoding="utf-8")
    assert right in solution
    (course / f"{name}.py").write_text(solution.replace(right, wrong), encoding="utf-8")
    shutil.copy(EXERCISES / f"test_{name}.py", course)
    return pytest_in(course, *arguments)


def test_a_wrong_gradient_is_shown_without_the_source_of_the_checker(tmp_path):
    overwriting = ("self.grad += grad", "self.grad = grad")
    shown = with_a_mistake(tmp_path, "ex1_value", *overwriting, "-k", "gradcheck")
    assert "cause: a gradient is overwritten" in shown
    assert "def gradcheck(" not in shown


def test_handing_down_all_that_was_gathered_is_noticed(tmp_path):
    shown = with_a_mistake(tmp_path, "ex1_value", "local_grad * grad", "local_grad * self.grad")
    assert "a.grad is 60.0. The square is reached three times." in shown
    assert "FAILED test_ex1_value.py::test_gradcheck_agrees" in shown


@long
def test_a_walk_that_forgets_what_it_has_seen_comes_to_an_end(tmp_path):
    shown = with_a_mistake(tmp_path, "ex2_order", "elif node not in seen:", "else:")
    assert "stopped after looking at `parents` 2000000 times" in shown


def test_several_nodes_where_one_is_expected_are_told_so(tmp_path):
    one = 'return Value(r, (x, y), slopes, op="hypot")'
    shown = with_a_mistake(tmp_path, "ex3_functions", one, "return (x * x + y * y) ** 0.5")
    assert "one node is expected, made from the inputs alone and not by operators" in shown


def test_no_message_shows_a_generator():
    """`assert all(x > 0 for x in row)` fails with no more than `<generator object ...>`."""
    for path in EXERCISES.glob("test_*.py"):
        assert not re.search(r"assert (all|any)\(", path.read_text(encoding="utf-8"))
