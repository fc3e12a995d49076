"""What is written about scalargrad is true: every example runs and gives what it shows.

In README and on the pages of the documentation, a block marked `python` is run, and if it has
prompts its output is compared. A picture or a text that the library makes stands below a comment
that says how:

    <!-- sg.graph.to_mermaid(y) -->
    ```mermaid
    ...

Code from a file of its own is included with `--8<--`, and tested where the file is.
"""

import inspect
import re
import sys
from pathlib import Path

import pytest
from effort import long_in_python
from sybil import Region, Sybil
from sybil.example import SybilFailure
from sybil.parsers.markdown import PythonCodeBlockParser

from scalargrad.engine import reference

ROOT = Path(__file__).parents[1]
SITE = sorted(ROOT.glob("docs/**/*.md"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *SITE]
FENCE = re.compile(r"^ *```(?P<language>\w*)(?P<rest>.*)\n(?P<body>(?s:.*?))^ *```$", re.MULTILINE)
DESCRIPTION = re.compile(r'\A---\n(?:.+\n)*?description: ("?)(?P<text>.+)\1\n(?:.+\n)*?---\n')
MADE = re.compile(r"^<!-- (.+) -->\n```(?:mermaid|text)\n((?s:.*?))^```$", re.MULTILINE)

CLASSES = [name for name in reference.__all__ if inspect.isclass(getattr(reference, name))]
MEMBERS = [
    (name, x)
    for name in CLASSES
    for kind in [getattr(reference, name)]
    for x in dir(kind)
    if x[0] != "_" and hasattr(kind, x)
]

TRAINING = [
    ROOT / "docs" / name
    for name in ("mlp.md", "gpt/model.md", "gpt/training.md", "gpt/sampling.md", "parallel.md")
]
every_page = pytest.mark.parametrize(
    "page",
    [
        pytest.param(
            page,
            id=str(page.relative_to(ROOT)),
            marks=[long_in_python] if page in TRAINING else [],
        )
        for page in PAGES
    ],
)


class TestPages:
    @every_page
    def test_the_examples_give_what_they_show(self, sg, page, in_checkout):
        run(page)

    @pytest.mark.parametrize(
        "text",
        [
            "```python\n>>> 1 + 1\n3\n```",
            "```python\n>>> 1 + 1\n2\n>>> 1 / 0\n\n```",
            "```python\nassert 1 + 1 == 3\n```",
            "<!-- 1 + 1 -->\n```text\n3\n```",
            "```python\nx = 2\n```\n\n<!-- x * x -->\n```mermaid\n3\n```",
        ],
    )
    def test_one_that_does_not_fails(self, text, tmp_path):
        page = tmp_path / "page.md"
        page.write_text(f"# A page\n\n{text}\n", encoding="utf-8")
        with pytest.raises((SybilFailure, AssertionError)):
            run(page)

    @every_page
    def test_every_block_is_run_or_made_or_included_or_for_the_shell(self, page):
        text = page.read_text(encoding="utf-8")
        made = {match.end() for match in MADE.finditer(text)}
        for block in FENCE.finditer(text):
            language, rest, body = block["language"], block["rest"], block["body"]
            included = all(line.lstrip().startswith("--8<--") for line in body.splitlines())
            executed = language == "python" and not rest
            drawn_by_hand = language == "mermaid" and "%%{init" not in body
            shell = language == "sh"
            accounted_for = included or executed or drawn_by_hand or shell or block.end() in made
            assert accounted_for, block[0]

    @pytest.mark.parametrize("page", SITE, ids=lambda page: str(page.relative_to(ROOT)))
    def test_the_page_says_in_a_sentence_what_is_on_it(self, page):
        assert 50 <= len(description(page)) <= 160

    def test_no_two_pages_are_described_alike(self):
        described = [description(page) for page in SITE]
        assert sorted(set(described)) == sorted(described)


class TestDocstrings:
    def test_examples_are_indented_so_that_a_page_shows_them_as_code(self, sg):
        things = [getattr(room, name) for room in (sg, sg.nn, sg.optim) for name in room.__all__]
        classes = [thing for thing in things if inspect.isclass(thing)]
        names = [(kind, name) for kind in classes for name in dir(kind) if name[0] != "_"]
        members = [getattr(kind, name, None) for kind, name in names]
        functions = [getattr(sg.graph, name) for name in sg.graph.__all__]
        for thing in [*things, *members, *functions]:
            if not inspect.ismodule(thing):
                assert not re.search("^>>>", inspect.getdoc(thing) or "", re.MULTILINE), thing

    @pytest.mark.parametrize("path", [*zip(reference.__all__), *MEMBERS], ids=".".join)
    def test_both_engines_say_the_same(self, sg, path):
        told, expected = sg.engine, reference
        for name in path:
            told, expected = getattr(told, name), getattr(expected, name)
        hint = "change the reference engine's, run `make docstrings`, and install again"
        assert inspect.getdoc(told) == inspect.getdoc(expected), hint


def description(page):
    """What search engines and previews of a link show, from the first lines of the page."""
    found = DESCRIPTION.match(page.read_text(encoding="utf-8"))
    assert found, f"{page} must begin with a `description:` between two lines `---`"
    return found["text"]


def run(page):
    for example in Sybil([PythonCodeBlockParser(), made_by_the_library]).parse(page):
        example.evaluate()


@pytest.fixture
def in_checkout(monkeypatch):
    """As if typed in the checkout; its examples are imported afresh, on the engine of the test."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = modules_of_examples()
    for name in before:
        del sys.modules[name]
    yield
    for name in modules_of_examples():
        del sys.modules[name]
    sys.modules.update(before)


def modules_of_examples():
    return {
        name: module
        for name, module in sys.modules.items()
        if Path(getattr(module, "__file__", None) or "").is_relative_to(ROOT / "examples")
    }


def made_by_the_library(document):
    """The pictures and texts below a comment that holds an expression."""

    def check(example):
        expression, shown = example.parsed
        made = str(eval(expression, dict(example.namespace)))
        if made.strip("\n") != shown.strip("\n"):
            return f"{expression} gives\n{made}"
        return None

    for match in MADE.finditer(document.text):
        yield Region(match.start(), match.end(), match.groups(), check)
