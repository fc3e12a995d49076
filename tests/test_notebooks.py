"""Pages become notebooks: prose, cells that run, and pictures that need no file.

That the notebooks run, and show what the pages show, is tested where the site is built:
tests/browser/documentation.py.
"""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("nbclient", reason="nbclient is not installed")

ROOT = Path(__file__).parents[1]
SVG = '<svg xmlns="http://www.w3.org/2000/svg"/>'


@pytest.fixture
def notebooks(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import notebooks

    return notebooks


@pytest.fixture
def cells(notebooks):
    """The cells of a page with this text, after the two with which every notebook begins."""

    def convert(text, front="", folder=ROOT / "docs"):
        page = folder / "page.md"
        return list(notebooks.cells_of(text, page))

    return convert


def sources(cells, kind=None):
    return [cell.source for cell in cells if kind in (None, cell.cell_type)]


def block(*lines):
    return "\n".join(["```python", *lines, "", "```", ""])


class TestCode:
    def test_prompts_and_results_are_left_out(self, cells):
        text = block(">>> def f(x):", "...     return x", ">>> f(2)", "2")
        assert sources(cells(text)) == ["def f(x):\n    return x\nf(2)"]

    def test_a_cell_ends_where_a_value_is_shown(self, cells):
        text = block(">>> x = 2", ">>> x", "2", ">>> x + 1", "3", ">>> y = x")
        assert sources(cells(text)) == ["x = 2\nx", "x + 1", "y = x"]

    def test_a_cell_goes_on_after_what_is_printed(self, cells):
        text = block(">>> print(1)", "1", ">>> for i in (2, 3):", "...     print(i)", "2", "3")
        assert sources(cells(text)) == ["print(1)\nfor i in (2, 3):\n    print(i)"]

    def test_an_error_that_the_page_shows_does_not_stop_the_notebook(self, cells):
        text = block(">>> 1 / 0", "Traceback (most recent call last):", "ZeroDivisionError: no")
        (cell,) = cells(text)
        assert cell.metadata.tags == ["raises-exception"]

    def test_a_block_without_prompts_is_a_cell(self, cells):
        assert sources(cells("```python\nx = 2\n```\n"), "code") == ["x = 2"]

    def test_code_of_a_file_is_shown_and_not_run(self, cells):
        text = '```python title="examples/a.py"\nx = 2\n```\n'
        (cell,) = cells(text)
        assert (cell.cell_type, cell.source) == (
            "markdown",
            "`examples/a.py`:\n\n```python\nx = 2\n```",
        )

    def test_a_picture_of_a_graph_is_a_cell_that_ends_with_the_value(self, cells):
        text = "Look.\n\n<!-- sg.graph.to_mermaid(y) -->\n```mermaid\nflowchart LR\n```\n"
        assert sources(cells(text)) == ["Look.", "y"]

    def test_another_diagram_stays_as_it_is(self, cells):
        text = "<!-- something(y) -->\n```mermaid\nflowchart TB\n```\n"
        assert sources(cells(text)) == ["```mermaid\nflowchart TB\n```"]


class TestProse:
    def test_each_section_is_a_cell(self, cells):
        assert sources(cells("One.\n\n## Two\n\nThree.\n")) == ["One.", "## Two\n\nThree."]

    def test_a_comment_in_code_is_no_heading(self, cells):
        text = "```sh\n# no heading\n```\n"
        assert len(cells(text)) == 1

    def test_what_is_folded_on_the_page_is_folded(self, cells):
        text = '??? question "Why `a < b`?"\n\n    Because **so**.\n\n    And so.\n\nOn.\n'
        assert sources(cells(text)) == [
            "<details>\n<summary>Why <code>a &lt; b</code>?</summary>\n\n"
            "Because **so**.\n\nAnd so.\n\n</details>\n\nOn."
        ]

    def test_a_warning_is_a_quotation(self, cells):
        assert sources(cells("!!! warning\n    Mind.\n")) == ["> **Warning**\n> \n> Mind."]

    def test_links_lead_to_notebooks_or_are_text(self, cells):
        text = "[a](mlp.md#x) [b](rows.md) [c](#d) [e](https://e.org) `[f](g.md)`\n"
        expected = "[a](mlp.ipynb) b c [e](https://e.org) `[f](g.md)`"
        assert sources(cells(text)) == [expected]

    def test_a_picture_is_inside_once_and_described(self, cells, tmp_path):
        for scheme in ("light", "dark"):
            (tmp_path / f"p-{scheme}.svg").write_text(SVG)
        text = '![A "p".](p-light.svg#only-light)\n![A "p".](p-dark.svg#only-dark)\n'
        (source,) = sources(cells(text, folder=tmp_path))
        start = '<img alt="A &quot;p&quot;." src="data:image/svg+xml;base64,'
        assert source.startswith(start)
        assert source.count("<img") == 1


class TestFirstCell:
    """It finds the library, and never asks an index for it."""

    @pytest.fixture
    def first_cell(self, notebooks, monkeypatch, tmp_path):
        """What pip is asked to install, if nothing is installed yet; or what else happens."""
        asked = []
        monkeypatch.setattr(subprocess, "run", lambda command, check: asked.append(command))
        monkeypatch.chdir(tmp_path)

        def run(needs_examples, installed=False):
            if not installed:
                monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
            exec(notebooks.SETUP.format(needs_examples=needs_examples), {})
            return asked

        return run

    @pytest.mark.parametrize("needs_examples", [True, False])
    def test_a_checkout_around_the_notebook_is_installed(
        self, first_cell, monkeypatch, tmp_path, needs_examples
    ):
        (tmp_path / "src" / "scalargrad").mkdir(parents=True)
        (tmp_path / "notebooks").mkdir()
        monkeypatch.chdir(tmp_path / "notebooks")
        install = [sys.executable, "-m", "pip", "install", "-q", str(tmp_path)]
        assert first_cell(needs_examples) == [install]
        assert Path.cwd() == tmp_path

    def test_a_wheel_beside_the_notebook_is_installed(self, first_cell, tmp_path):
        wheel = tmp_path / "scalargrad-2.0.0-py3-none-any.whl"
        wheel.touch()
        assert first_cell(needs_examples=False) == [
            [sys.executable, "-m", "pip", "install", "-q", str(wheel)]
        ]

    def test_what_is_installed_is_used(self, first_cell, capsys):
        assert first_cell(needs_examples=False, installed=True) == []
        assert "engine" in capsys.readouterr().out

    @pytest.mark.parametrize(("needs_examples", "installed"), [(True, True), (False, False)])
    def test_without_either_it_says_what_to_do(self, first_cell, needs_examples, installed):
        with pytest.raises(FileNotFoundError, match="in a checkout of scalargrad"):
            first_cell(needs_examples, installed)

    def test_another_package_of_the_name_is_refused(self, first_cell, monkeypatch, tmp_path):
        import scalargrad

        monkeypatch.delattr(scalargrad, "ENGINE")
        with pytest.raises(ImportError, match="is another package of the same name"):
            first_cell(needs_examples=False, installed=True)


class TestPages:
    def test_every_tutorial_is_a_notebook(self, notebooks):
        navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
        tutorials = re.findall(
            r"[\w/-]+\.md", re.search("- Learn:\n(.*?)\n  - ", navigation, re.S)[1]
        )
        assert {str(page.relative_to(ROOT / "docs")) for page in notebooks.notebooks()} == set(
            tutorials
        )

    def test_names_are_those_of_files_in_one_folder(self, notebooks):
        names = list(notebooks.notebooks().values())
        assert len(set(names)) == len(names) > 6
        assert [name for name in names if "/" in name] == []

    def test_a_tutorial_is_a_notebook_without_site_markup(self, notebooks):
        for page in notebooks.notebooks():
            for cell in notebooks.notebook(page).cells:
                for markup in ("--8<--", ".md)", "#only-", "???", "<!--", ">>> "):
                    assert markup not in cell.source, (page, cell.source)
