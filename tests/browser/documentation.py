"""The documentation as a reader has it: built, complete, and opened in a browser without a network.

    pip install -e '.[docs,browser]'
    pytest tests/browser/documentation.py

needs Chromium too, which Debian has: `apt-get install chromium`. These are no part of a plain
`pytest`, which shall need neither.
"""

import code
import contextlib
import functools
import io
import os
import re
import shutil
import struct
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urldefrag

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import SIZES, serving
from waiting import until

ROOT = Path(__file__).parents[2]
SETTINGS = [(size, scheme) for size in SIZES for scheme in ("light", "dark")]
PAPER = {"width": 718, "height": 1047}  # A4 between margins of 1 cm, at 96 pixels an inch
AT_ONCE = "* { transition: none !important }"
# All there is to read, but the sources and files, which show the same kinds of words.
OPEN = """() => document.querySelectorAll("details:not(:has(> .highlight))")
    .forEach(details => details.open = true)"""
AFTER_A_WHILE = "await new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)));"
SIGHT = f"""async () => {{ {AFTER_A_WHILE} return {{
    wide: document.documentElement.scrollWidth > innerWidth,
    scheme: getComputedStyle(document.body).colorScheme }} }}"""
# Text whose colour is too close to the one behind it, one example of each kind: axe-core would take
# ten times as long, and measures nothing where the background is a picture, as in code.
PALE = """() => {
    const paper = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const luminance = (colours) => {
        for (const [colour, alpha] of [["white", 1], ...colours]) {
            [paper.fillStyle, paper.globalAlpha] = [colour, alpha];
            paper.fillRect(0, 0, 1, 1);
        }
        const [red, green, blue] = [...paper.getImageData(0, 0, 1, 1).data]
            .map(x => x / 255).map(x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const layers = new Map([[null, { behind: [], opacity: 1 }]]);
    const layersOf = (element) => {
        if (!layers.has(element)) {
            const { behind, opacity } = layersOf(element.parentElement);
            const style = getComputedStyle(element);
            const clear = style.backgroundColor === "rgba(0, 0, 0, 0)";
            layers.set(element, {
                behind: clear ? behind : [...behind, [style.backgroundColor, 1]],
                opacity: opacity * style.opacity,
                color: style.color,
                isLarge: parseFloat(style.fontSize) >= (style.fontWeight >= 700 ? 18.66 : 24),
            });
        }
        return layers.get(element);
    };
    const kinds = {};
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const [text, element] = [texts.currentNode.data.trim(), texts.currentNode.parentElement];
        const { behind, opacity, color, isLarge } = layersOf(element);
        const kind = JSON.stringify([behind, opacity, color, isLarge]);
        if (!text || opacity === 0 || kind in kinds) continue;
        if (!element.checkVisibility({ visibilityProperty: true })) continue;
        const both = [luminance(behind), luminance([...behind, [color, opacity]])];
        const contrast = (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
        const example = [text.slice(0, 40), element.className, contrast];
        kinds[kind] = contrast < (isLarge ? 3 : 4.5) && example;
    }
    return Object.values(kinds).filter(Boolean);
}"""
# What can be scrolled sideways, and either cannot be reached with Tab or has no name of its own.
UNREACHABLE = f"""async () => {{ {AFTER_A_WHILE}
    const names = new Set();
    return [...document.querySelectorAll(".md-content *")]
        .filter(e => e.scrollWidth > e.clientWidth + 1 && e.checkVisibility())
        .filter(e => ["auto", "scroll"].includes(getComputedStyle(e).overflowX))
        .filter(e => {{
            const name = e.role === "region" && e.ariaLabel;
            const good = e.tabIndex === 0 && name && !names.has(name);
            names.add(name);
            return !good }})
        .map(e => e.outerHTML.slice(0, 100)) }}"""
CUT_OFF = f"""async () => {{ {AFTER_A_WHILE}
    return [...document.querySelectorAll(".md-content *")]
        .filter(e => e.checkVisibility() && getComputedStyle(e).overflowX !== "visible" &&
            e.scrollWidth > e.clientWidth + 1 || e.getBoundingClientRect().right > innerWidth + 1)
        .filter(e => !e.closest(".katex"))
        .map(e => e.outerHTML.slice(0, 100)) }}"""

PAGES = sorted(
    str(path.relative_to(ROOT / "docs").with_suffix(".html")) for path in ROOT.glob("docs/**/*.md")
)
every_page = pytest.mark.parametrize("page", PAGES)
# From a server the files of a page have other addresses, which are alike for all of a folder; and a
# panel of the playground loads more than text.
SERVED = {page.rpartition("/")[0]: page for page in PAGES} | {
    page: page for page in PAGES if page.startswith("playground/")
}


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


class TestEveryPage:
    @every_page
    def test_it_is_drawn_whole(self, look, page):
        assert look(page).complaints == []

    @pytest.mark.parametrize("page", SERVED.values())
    def test_it_is_drawn_whole_from_a_server_too(self, server, browser, page):
        assert browser.open(f"{server}/{page}", "phone", "dark").complaints == []

    @pytest.mark.parametrize(("size", "scheme"), SETTINGS, ids="-".join)
    @every_page
    def test_it_fits_the_window_in_the_colours_asked_for(self, look, page, size, scheme):
        assert look(page).sights[size, scheme] == {"wide": False, "scheme": scheme}

    @every_page
    def test_it_breaks_no_rule_of_accessibility(self, look, page):
        """Names, headings, headers of tables, landmarks, links: what axe-core looks for."""
        assert look(page).violations == []

    @every_page
    def test_every_text_stands_out_from_what_is_behind_it(self, look, page):
        assert look(page).pale == []

    @pytest.mark.parametrize("size", SIZES)
    @every_page
    def test_the_keyboard_reaches_what_scrolls(self, look, page, size):
        assert look(page).unreachable[size] == []

    @every_page
    def test_nothing_is_cut_off_on_paper(self, look, page):
        assert look(page).cut_off == []

    @every_page
    def test_a_diagram_says_what_points_to_what(self, look, page):
        diagrams, descriptions = look(page).diagrams
        assert len(descriptions) == diagrams
        for description in descriptions:
            assert re.match(r"Arrows lead from .+ to .+\.$", description)

    def test_which_for_instance_is_this(self, look):
        arrows = "from x to v1 (*); from x to v1 (*); from v2 to v3 (*); from x to v3 (*);"
        assert look("api/graph.html").diagrams[1][0].startswith(f"Arrows lead {arrows}")

    def test_an_entry_of_the_reference_is_one_column(self, server, browser):
        page = browser.open(f"{server}/api/value.html", "desktop", "light").page
        entry = ".doc-class > .doc-contents > :not(.doc-children)"
        left = "element => element.getBoundingClientRect().left"
        lefts = page.evaluate(f"[...document.querySelectorAll({entry!r})].map({left})")
        assert len(lefts) > 3
        assert max(lefts) - min(lefts) < 50  # tables have a margin of their own


class TestWholeSite:
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

    def test_the_copy_button_takes_what_can_be_typed_at_a_prompt(self, server, browser):
        console = code.InteractiveConsole()
        for block in copied(browser.open(f"{server}/index.html", "desktop", "light").page, ">>> "):
            for line in [*block.split("\n"), ""]:
                with contextlib.redirect_stdout(io.StringIO()), no_complaint(block):
                    console.push(line)

    def test_the_copy_button_takes_all_of_a_file(self, server, browser):
        tab = browser.open(f"{server}/exercises.html", "desktop", "light").page
        exercise = (ROOT / "exercises/ex1_value.py").read_text(encoding="utf-8")
        assert copied(tab, '"""Exercise 1')[0] == exercise.rstrip()

    @pytest.mark.parametrize("address", ["none.html", "api/none.html", "a/b/c/", "a/b/none.png"])
    @pytest.mark.parametrize("root", ["", "a-project/"])
    def test_a_wrong_address_leads_on_at_any_depth(self, site, browser, tmp_path, root, address):
        (tmp_path / root).parent.mkdir(exist_ok=True)
        folder = tmp_path / "a-project" if root else site
        if root:
            folder.symlink_to(site)
        with serving(tmp_path if root else site, not_found=site / "404.html") as server:
            tab = browser.open(f"{server}/{root}{address}", "phone", "light").page
            until(tab, "'ready' in document.body.dataset")
            links = tab.evaluate("[...document.links].map(link => link.href)")
        pages = {f"{server}/{root}{page}" for page in PAGES}
        assert set(links) == pages

    def test_where_the_site_will_be_known_a_link_to_it_has_a_picture(self, zensical):
        head = read(zensical / "index.html").properties
        assert head["og:image"] == "https://example.org/assets/social_card.png"
        width_and_height = (zensical / "assets/social_card.png").read_bytes()[16:24]
        assert struct.unpack(">II", width_and_height) == (1200, 630)

    def test_the_cheat_sheet_is_one_page_of_paper(self, site, browser):
        seen = browser.open(f"{site.as_uri()}/cheat-sheet.html", "desktop", "light")
        paper = seen.page.pdf(prefer_css_page_size=True)
        assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 1

    def test_zensical_builds_the_same_pages(self, site, zensical):
        assert pages_in(zensical) == pages_in(site)

    @every_page
    def test_zensical_gives_the_page_the_same_words(self, site, zensical, page):
        assert read(zensical / page).words == read(site / page).words


class TestTests:
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

    @pytest.mark.parametrize(
        ("text", "rule"),
        [
            ("<table><tr><th></th><th>a</th></tr><tr><td>1</td><td>2</td></tr></table>", "<th>"),
            (
                "<p>Text with <a href='#a' style='text-decoration: none'>a link</a> in it.</p>",
                "link",
            ),
        ],
    )
    def test_what_breaks_a_rule_is_seen(self, tmp_path, browser, text, rule):
        page = tmp_path / "page.html"
        page.write_text(
            f"<!doctype html><html lang=en><title>x</title><body><main><h1>x</h1>{text}"
        )
        assert rule in str(violations(browser.open(page.as_uri(), "desktop", "light").page))

    @pytest.mark.parametrize(
        ("text", "contrast"),  # of #777 on #eee, and of #999 on white, as WCAG defines it
        [
            ("<p style='color: #777; background: #eee'>pale", 3.86),
            ("<p style='color: #777; background: linear-gradient(red, red), #eee'>pale", 3.86),
            ("<p style='background: #eee'><i style='color: rgba(0, 0, 0, 0.5)'>pale", 3.86),
            ("<p style='background: #eee'><i style='opacity: 0.5'>pale", 3.86),
            ("<h1 style='color: #999'>pale", 2.85),
        ],
    )
    def test_what_is_pale_is_seen(self, tmp_path, browser, text, contrast):
        page = tmp_path / "page.html"
        page.write_text(f"<!doctype html><title>x</title>{text}")
        ((pale, _, found),) = browser.open(page.as_uri(), "desktop", "light").page.evaluate(PALE)
        assert pale == "pale"
        assert found == pytest.approx(contrast, abs=0.01)

    @pytest.mark.parametrize("see", [UNREACHABLE, CUT_OFF])
    def test_what_scrolls_unseen_is_seen(self, tmp_path, browser, see):
        page = tmp_path / "page.html"
        wide = "<pre style='overflow: auto; width: 200px'><code>" + "x" * 100
        page.write_text(f"<!doctype html><title>x</title><div class='md-content'>{wide}")
        assert browser.open(page.as_uri(), "desktop", "light").page.evaluate(see) != []


class Look(NamedTuple):
    """What a page showed when it was opened once, and turned to both sizes and schemes."""

    complaints: list[str]
    sights: dict
    violations: list
    pale: list
    unreachable: dict
    cut_off: list
    diagrams: tuple


@pytest.fixture(scope="session")
def look(site, browser):
    @functools.cache
    def look(page):
        seen = browser.open(f"{site.as_uri()}/{page}", "desktop", "light")
        tab = seen.page
        tab.add_style_tag(content=AT_ONCE)
        tab.evaluate(OPEN)
        sights, pale, unreachable = {}, [], {}
        broken = violations(tab)
        for size, scheme in SETTINGS:
            tab.set_viewport_size(dict(zip(("width", "height"), SIZES[size])))
            tab.emulate_media(color_scheme=scheme)
            sights[size, scheme] = tab.evaluate(SIGHT)
            pale += tab.evaluate(PALE)
            if scheme == "light":
                unreachable[size] = tab.evaluate(UNREACHABLE)
        diagrams = tab.locator("div.mermaid").count()
        described = descriptions(tab) if diagrams else []
        tab.set_viewport_size(PAPER)
        tab.emulate_media(color_scheme="light", media="print")
        cut_off = tab.evaluate(CUT_OFF)
        seen_too = broken, pale, unreachable, cut_off, (diagrams, described)
        return Look(seen.complaints, sights, *seen_too)

    return look


def violations(tab):
    """What axe-core finds on the page, each with its HTML and the reason."""
    context = {"exclude": [[".highlight code"], [".katex"]]}  # nothing but words, and many
    options = {
        "resultTypes": ["violations"],
        "rules": {"color-contrast": {"enabled": False}},
        "preload": False,
    }
    found = Axe().run(tab, context=context, options=options).response["violations"]
    return [(node["html"], node["failureSummary"]) for rule in found for node in rule["nodes"]]


def descriptions(tab):
    """What those hear who cannot see the diagrams."""
    tree = tab.context.new_cdp_session(tab).send("Accessibility.getFullAXTree")["nodes"]
    graphs = [node for node in tree if node.get("name", {}).get("value") == "Graph"]
    return [node["description"]["value"] for node in graphs if "description" in node]


def copied(tab, beginning):
    """What the copy button takes of each block of code that begins so."""
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    blocks = tab.locator(".highlight").filter(has=tab.locator("button[data-md-type=copy]"))
    texts = []
    for block in blocks.all():
        if block.locator("code").inner_text().startswith(beginning):
            block.locator("button[data-md-type=copy]").click()
            texts.append(tab.evaluate("navigator.clipboard.readText()"))
    assert texts
    return texts


@contextlib.contextmanager
def no_complaint(block):
    told = io.StringIO()
    with contextlib.redirect_stderr(told):
        yield
    assert told.getvalue() == "", block


@pytest.fixture(scope="session")
def zensical(tmp_path_factory):
    """The folder of the same site as the theme's successor builds it, for an address of its own."""
    folder = tmp_path_factory.mktemp("zensical") / "copy"  # for it builds beside mkdocs.yml
    ours = shutil.ignore_patterns(".*", "__pycache__", "*.so", "site", "build", "node_modules")
    shutil.copytree(ROOT, folder, ignore=ours)
    built = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict"],
        cwd=folder,
        env=os.environ | {"SITE_URL": "https://example.org/"},
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder / "site"


def pages_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.glob("**/*.html"))


class Reader(HTMLParser):
    """What a page points to, its pictures, the names of its places, and its words."""

    def __init__(self):
        super().__init__()
        self.addresses, self.images, self.ids, self.properties = [], [], set(), {}
        self.words, self.inside = [], 0

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.ids.add(attributes.get("id"))
        self.inside += tag == "article"
        if tag == "img":
            self.images.append(attributes)
        if tag == "meta" and "property" in attributes:
            self.properties[attributes["property"]] = attributes["content"]
        if tag == "a" and attributes.get("name"):
            self.ids.add(attributes["name"])
        for name in ("href", "src", "srcset", "poster", "data"):
            if attributes.get(name):
                self.addresses.append((tag, attributes[name]))

    def handle_endtag(self, tag):
        self.inside -= tag == "article"

    def handle_data(self, data):
        if self.inside:
            self.words += data.split()


@functools.cache
def read(path):
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader
