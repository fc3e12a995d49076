"""docs/coming-from: what stands in the tables is so.

On the right of each table is what to write here. It runs, or it is "the same" as on the left, or
nothing. What a Value or a row does not have, by the name on the left, raises an error with advice.
Where both sides of a table can be computed, they are, by PyTorch and by us.
"""

import ast
import re
import sys
from pathlib import Path

import pytest
from effort import engines_in_turn
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

ROOT = Path(__file__).parents[1]
PAGES = {page.stem: page for page in sorted((ROOT / "docs" / "coming-from").glob("*.md"))}
TABLE = re.compile(r"<!-- table: (\w+) -->\n\n.*\n.*\n((?:\|.*\n)+)\n<!-- end of table -->")
CODE = re.compile(r"`([^`]+)`")
OURS = re.compile(r"(v|y|row|nn|optim)\.(\w+)")


def rows(page, kind):
    text = PAGES[page].read_text(encoding="utf-8")
    tables = [lines for found, lines in TABLE.findall(text) if found == kind]
    assert tables
    for line in "".join(tables).splitlines():
        there, here, _ = (cell.strip() for cell in line.strip("|").split(" | ", 2))
        yield there, here


def cases(kind):
    return [
        pytest.param(page, *row, id=f"{page}: {row[0]}")
        for page in PAGES
        if f"<!-- table: {kind}" in PAGES[page].read_text(encoding="utf-8")
        for row in rows(page, kind)
    ]


@pytest.fixture
def names(sg, monkeypatch):
    """What the blocks of a page define."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "path", [*sys.path])  # a page may add to it

    def names(page):
        document = Sybil([PythonCodeBlockParser()]).parse(PAGES[page])
        for example in document:
            example.evaluate()
        return dict(document.namespace)

    return names


def run(code, namespace):
    """The value of an expression, or None after a statement."""
    try:
        ast.parse(code, mode="eval")
    except SyntaxError:
        exec(code, namespace)
        return None
    return eval(code, namespace)


@engines_in_turn
@pytest.mark.parametrize(("page", "there", "here"), cases("names") + cases("computed"))
def test_what_to_write_here_runs(names, page, there, here):
    namespace = names(page)
    codes = CODE.findall(there if here == "the same" else here)
    assert codes or here == "nothing"
    for code in codes:
        run(code, namespace)


@engines_in_turn
@pytest.mark.parametrize(("page", "there", "here"), cases("names") + cases("computed"))
def test_a_name_that_is_not_here_is_advised_on(names, page, there, here):
    namespace = names(page)
    for code in CODE.findall(there):
        name = OURS.match(code)
        if name and here != "the same" and not hasattr(namespace[name[1]], name[2]):
            with pytest.raises(AttributeError, match=r": |; "):
                run(code, namespace)


@engines_in_turn
@pytest.mark.parametrize(("page", "there", "here"), cases("computed"))
def test_both_libraries_compute_the_same(names, page, there, here):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    ours = names(page)
    theirs = {"torch": torch, "F": torch.nn.functional}
    for name in ("v", "row", "x", "w", "b"):
        numbers = numbers_of(ours[name])
        theirs[name] = torch.tensor(numbers, dtype=torch.float64, requires_grad=True)
    left = CODE.findall(there)
    right = left if here == "the same" else CODE.findall(here)
    for code, same in zip(left, right, strict=True):
        expected = run(code, theirs)
        expected = expected.tolist() if isinstance(expected, torch.Tensor) else expected
        assert numbers_of(run(same, ours)) == pytest.approx(expected, rel=1e-12)


def numbers_of(thing):
    if isinstance(thing, tuple):
        return [list(row.data) for row in thing]
    data = getattr(thing, "data", thing)
    return list(data) if isinstance(data, tuple) else data


def test_what_people_bring_from_other_engines_can_be_found():
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES.values())
    for name in ("_prev", "_children", "_op", "_backward", "_local_grads", "draw_dot", "item"):
        assert re.search(rf"^\| `([a-z]\.)?{name}\b", text, re.MULTILINE), name
