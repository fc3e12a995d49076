"""docs/cheat-sheet.md: what stands after an arrow is what comes out, and nothing is missing."""

import ast
import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[1] / "docs" / "cheat-sheet.md").read_text(encoding="utf-8")
PROGRAM = "".join(re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


def results(program):
    """The value of each line with an arrow, as text, beside what the arrow points to."""
    namespace, found = {}, []
    for statement in ast.parse(program).body:
        lines = program.splitlines()[statement.lineno - 1 : statement.end_lineno]
        _, arrow, shown = lines[-1].partition("# → ")
        if arrow:
            found.append((repr(eval(ast.unparse(statement), namespace)), shown))
        else:
            exec(ast.unparse(statement), namespace)
    return found


def test_the_results_are_those_that_are_shown(sg, capsys):
    found = results(PROGRAM)
    assert len(found) == PAGE.count("→") > 5
    for result, shown in found:
        assert result == shown


def test_a_wrong_result_would_be_seen():
    assert results("1 + 1  # → 3\n") == [("2", "3")]


@pytest.mark.parametrize("room", ["", "nn", "optim", "graph"])
def test_every_public_name_is_on_it(sg, room):
    for name in (getattr(sg, room) if room else sg).__all__:
        if name not in ("Edge", "Vector"):  # which are made by other functions
            assert re.search(rf"\b{name}\b", PAGE), name


def test_every_function_of_a_number_is_on_it(sg):
    named = re.findall(r"\.(\w+)\(\)", PAGE)
    number, row = sg.Value(1.0), sg.nn.vector([1.0])
    methods = {name for name in dir(row) if name[0] != "_"} & {*dir(number)}
    for name in methods - {"data", "grad", "label", "conjugate"}:
        assert name in named or f"{name}(x)" in PAGE, name


def test_its_lines_fit_into_half_a_page():
    assert max(map(len, PROGRAM.splitlines())) <= 64
