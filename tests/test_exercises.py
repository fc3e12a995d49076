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

EXERCISES = Path(__file__).parent.parent / "exercises"
SOLUTIONS = Path(__file__).parent / "exercise_solutions"
NAMES = [path.stem for path in sorted(EXERCISES.glob("ex*.py"))]

every_exercise = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exercises")


@cache
def outcomes(folder: Path, engine: str, solved: bool) -> dict[str, list[str]]:
    """What became of the tests of each exercise."""
    course = folder / f"{engine}-{solved}"
    shutil.copytree(EXERCISES, course, ignore=shutil.ignore_patterns("__pycache__"))
    if solved:
        shutil.copytree(SOLUTIONS, course, dirs_exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", "--tb=no", "-p", "no:cacheprovider", "-W", "error"],
        cwd=course,
        env=os.environ | {"SCALARGRAD_ENGINE": engine},
        capture_output=True,
        text=True,
    )
    found: dict[str, list[str]] = {name: [] for name in NAMES}
    for outcome, name in re.findall(r"^(PASSED|FAILED|ERROR) test_(\w+)\.py", done.stdout, re.M):
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


def test_a_wrong_gradient_is_shown_without_the_source_of_the_checker(tmp_path):
    shutil.copy(EXERCISES / "test_ex1_value.py", tmp_path)
    solution = (SOLUTIONS / "ex1_value.py").read_text(encoding="utf-8")
    wrong = solution.replace("self.grad += grad", "self.grad = grad")
    assert wrong != solution
    (tmp_path / "ex1_value.py").write_text(wrong, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-k", "gradcheck"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "usual cause: a gradient is overwritten" in done.stdout
    assert "def gradcheck(" not in done.stdout
