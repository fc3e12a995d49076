"""The notebooks that come with the site, which were run when it was built.

    pytest tests/browser/notebook_pages.py

needs no browser, but the site.
"""

import doctest
import re
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))
import notebooks

every_page = pytest.mark.parametrize(
    "page", [pytest.param(page, id=page.stem) for page in notebooks.notebooks()]
)


@every_page
def test_a_notebook_shows_what_the_page_shows(site, page):
    examples = doctest.DocTestParser().get_examples(page.read_text(encoding="utf-8"))
    shown = "".join(example.want for example in examples)
    _, _, *cells = notebook_of(site, page).cells
    found = "".join(text_of(output) for cell in cells for output in results(cell))
    assert without_space(found) == without_space(shown)


@every_page
def test_graphs_draw_themselves(site, page):
    for cell in notebook_of(site, page).cells:
        if "picture" in cell.metadata.get("tags", ()):
            assert [list(output.data) for output in cell.outputs] == [
                ["image/svg+xml", "text/plain"]
            ]


def test_all_of_them_come_with_what_they_need(site, tmp_path):
    with zipfile.ZipFile(site / "assets" / "notebooks" / "scalargrad-notebooks.zip") as packed:
        packed.extractall(tmp_path)
    folder = tmp_path / "scalargrad"
    names = {path.name for path in (folder / "notebooks").iterdir()}
    assert names == set(notebooks.notebooks().values())
    made = nbformat.read(folder / "notebooks" / "gpt.ipynb", as_version=4)
    notebooks.run(made, folder / "notebooks")


def notebook_of(site, page):
    name = notebooks.notebooks()[page]
    return nbformat.read(site / "assets" / "notebooks" / name, as_version=4)


def results(cell):
    pictured = "picture" in cell.metadata.get("tags", ())
    return [] if cell.cell_type == "markdown" or pictured else cell.outputs


def text_of(output):
    """As on the page, where three dots stand for the way to an error."""
    if output.output_type == "error":
        return f"Traceback (most recent call last):\n ...\n{output.traceback[0]}"
    return output.text if output.output_type == "stream" else output.data["text/plain"]


def without_space(text):
    """Notebooks break long lists into lines."""
    return re.sub(r"\s", "", text)
