"""The documentation as a reader has it: built, complete, and opened in a browser without a network.

    pip install -e '.[docs,browser]'
    pytest tests/browser/documentation.py

needs Chromium too, which Debian has: `apt-get install chromium`. These are no part of a plain
`pytest`, which shall need neither.
"""

import doctest
import functools
import re
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "docs"))
import notebooks  # noqa: E402

SETTINGS = [(size, scheme) for size in ("desktop", "phone") for scheme in ("light", "dark")]

PAGES = sorted(
    str(path.relative_to(ROOT / "docs").with_suffix(".html")) for path in ROOT.glob("docs/**/*.md")
)
NOTEBOOKS = [pytest.param(page, id=page.stem) for page in notebooks.notebooks()]
every_page = pytest.mark.parametrize("page", PAGES)


class TestFiles:
    """What can be seen without a browser."""

    @every_page
    def test_nothing_is_loaded_from_elsewhere(self, site, page):
        loaded = [address for tag, address in read(site / page).addresses if tag != "a"]
        assert loaded
        assert [address for address in loaded if "//" in address] == []

    def test_no_style_sheet_loads_from_elsewhere(self, site):
        for sheet in site.glob("**/*.css"):
            text = sheet.read_text(encoding="utf-8")
            assert re.findall(r"(?:url\(|@import)[\s\"']*(?:https?:)?//[^)]*", text) == [], sheet

    @every_page
    def test_every_link_and_file_is_there(self, site, page):
        for _, address in read(site / page).addresses:
            path, anchor = urldefrag(address)
            if re.match(r"[a-z]+:", path):
                continue
            target = (site / page).parent.joinpath(unquote(path)) if path else site / page
            assert target.is_file(), address
            if anchor and target.suffix == ".html":
                assert unquote(anchor) in read(target).ids, address

    @every_page
    def test_every_picture_is_described(self, site, page):
        assert [image for image in read(site / page).images if not image.get("alt")] == []

    @every_page
    def test_the_page_can_be_reached_from_the_start(self, site, page):
        assert page == "index.html" or page in {
            address for tag, address in read(site / "index.html").addresses if tag == "a"
        }


class TestNotebooks:
    """Each was run when the site was built; a cell that fails had ended that."""

    @pytest.mark.parametrize("page", NOTEBOOKS)
    def test_a_notebook_shows_what_the_page_shows(self, site, page):
        examples = doctest.DocTestParser().get_examples(page.read_text(encoding="utf-8"))
        shown = "".join(example.want for example in examples)
        _, _, *cells = notebook_of(site, page).cells
        found = "".join(text_of(output) for cell in cells for output in results(cell))
        assert without_space(found) == without_space(shown)

    @pytest.mark.parametrize("page", NOTEBOOKS)
    def test_graphs_draw_themselves(self, site, page):
        for cell in notebook_of(site, page).cells:
            if "picture" in cell.metadata.get("tags", ()):
                assert [list(output.data) for output in cell.outputs] == [
                    ["image/svg+xml", "text/plain"]
                ]

    def test_all_of_them_come_with_what_they_need(self, site, tmp_path):
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


class TestBrowser:
    @pytest.mark.parametrize(("size", "scheme"), SETTINGS)
    @every_page
    def test_the_page_is_drawn_whole(self, site, browser, page, size, scheme):
        seen = browser.open(f"{site.as_uri()}/{page}", size, scheme)
        assert seen.complaints == []
        assert seen.page.evaluate("getComputedStyle(document.body).colorScheme") == scheme

    @every_page
    def test_the_page_is_drawn_whole_from_a_server(self, server, browser, page):
        seen = browser.open(f"{server}/{page}", "desktop", "light")
        assert seen.complaints == []

    def test_the_cheat_sheet_is_one_page_of_paper(self, site, browser):
        seen = browser.open(f"{site.as_uri()}/cheat-sheet.html", "desktop", "light")
        paper = seen.page.pdf(prefer_css_page_size=True)
        assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 1

    @pytest.mark.parametrize("where", ["site", "server"])
    def test_search_finds_without_a_network(self, request, browser, where):
        base = request.getfixturevalue(where)
        base = base.as_uri() if isinstance(base, Path) else base
        seen = browser.open(f"{base}/index.html", "desktop", "light")
        seen.page.click("input.md-search__input")
        seen.page.wait_for_selector("text=Type to start searching", state="attached")
        seen.page.keyboard.type("softmax")
        seen.page.wait_for_selector(".md-search-result__item a[href*='api/nn']", timeout=10_000)
        assert seen.complaints == []

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("<script>console.error('no!')</script>", "no!"),
            ("<script>throw new Error('thrown')</script>", "thrown"),
            ("<img src='missing.png'>", "missing.png"),
            ("<img src='https://example.org/x.png'>", "another host"),
            ("<p style='width: 2000px'>wide", "wider than the window"),
            ("<p class='arithmatex'>x", "not drawn"),
            ("<pre class='mermaid'>x", "not drawn"),
        ],
    )
    def test_what_is_wrong_with_a_page_is_seen(self, tmp_path, browser, text, complaint):
        page = tmp_path / "page.html"
        page.write_text(f"<!doctype html><title>Page</title>{text}", encoding="utf-8")
        seen = browser.open(page.as_uri(), "desktop", "light", patience=500)
        assert complaint in "\n".join(seen.complaints)


class Reader(HTMLParser):
    """What a page points to, its pictures, and the names of its places."""

    def __init__(self):
        super().__init__()
        self.addresses, self.images, self.ids = [], [], set()

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids.add(attributes.get("id"))
        if tag == "img":
            self.images.append(attributes)
        if tag == "a" and attributes.get("name"):
            self.ids.add(attributes["name"])
        for name in ("href", "src", "srcset", "poster", "data"):
            if attributes.get(name):
                self.addresses.append((tag, attributes[name]))


@functools.cache
def read(path):
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader
