"""The playground in a browser: its numbers are those of the engine here, and nothing gets out.

    pip install -e '.[docs,browser]'
    pytest tests/browser/playground.py

needs Chromium and npm. Python is started once, where a test does not need it for itself.
"""

import http.server
import re
import sys
import threading
import time
from pathlib import Path

import pytest
from waiting import until

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "docs" / "assets" / "playground" / "python"
sys.path.insert(0, str(PROGRAMS))
import break_it  # noqa: E402  the same programs, on the engine of this machine
import expression  # noqa: E402

PRESETS = sorted(PROGRAMS.glob("presets/*.py"))
ROWS = """() => [...document.querySelectorAll("#playground-ledger tbody tr")].map(
    row => [...row.cells].map(cell => cell.textContent))"""
LIT_ROWS = """() => [...document.querySelectorAll("#playground-ledger tbody tr")].flatMap(
    (row, i) => row.classList.contains("lit") ? [i] : [])"""
BOXES = """() => [...document.querySelectorAll(".playground-picture .node")].map(
    node => [...node.querySelectorAll("text")].map(text => text.textContent).join("")).sort()"""
TIMES = "\N{MULTIPLICATION SIGN}"


class Panel:
    """A page of the playground, as its reader uses it."""

    def __init__(self, seen):
        self.page, self.complaints = seen

    def button(self, name):
        return self.page.get_by_role("button", name=name, exact=True)

    def start(self):
        self.page.get_by_role("button", name=re.compile("^Start")).click()
        until(
            self.page,
            "document.querySelector('.playground-status').textContent.includes('engine')",
            90,
        )

    def choose(self, preset):
        """Draws a preset, which must be drawn: what there was of another one is taken away."""
        self.page.evaluate("document.querySelector('#playground-ledger tbody').replaceChildren()")
        self.page.select_option("#playground-preset", preset)
        text = (PROGRAMS / "presets" / f"{preset}.py").read_text()
        until(
            self.page, f"document.querySelector('.cm-content').innerText.length > {len(text) // 2}"
        )
        self.drawn()

    def type(self, text):
        self.page.locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)

    def text(self):
        """The program in the editor, by its link, which has it letter by letter."""
        self.button("Copy link").click()
        return self.page.evaluate("new URLSearchParams(location.hash.slice(1)).get('code')")

    def draw(self, text):
        """Draws the program, which must be drawn: what there was of another one is taken away."""
        self.type(text)
        self.page.evaluate("document.querySelector('#playground-ledger tbody').replaceChildren()")
        self.button("Draw the graph").click()
        self.drawn()

    def drawn(self):
        until(
            self.page,
            f"({ROWS})().length || !document.querySelector('.playground-error').hidden",
            30,
        )

    def ledger(self):
        return self.page.evaluate(ROWS)

    def message(self):
        until(self.page, "!document.querySelector('.playground-error').hidden", 30)
        return self.page.locator(".playground-error").text_content()


@pytest.fixture(scope="module")
def shared(server, browser):
    """The page of expressions, with Python started."""
    panel = Panel(
        type(browser)(browser.chromium).open(f"{server}/playground/index.html", "desktop", "light")
    )
    panel.start()
    panel.drawn()
    return panel


@pytest.fixture
def panel(shared):
    """The same, as good as new, and without a complaint when the test is over."""
    if not shared.button("Stop").is_visible():
        shared.start()
    shared.choose("bill")
    yield shared
    assert shared.complaints == []


def rows_of(found):
    return [
        [
            step["node"],
            step["op"],
            step["shown"]["upstream"],
            f"{TIMES} {step['shown']['local']}",
            f"= {step['shown']['contribution']}",
            f"→ {step['parent']}",
            step["shown"]["grad"],
        ]
        for step in found["steps"]
    ]


class TestExpression:
    @pytest.mark.parametrize("preset", [path.stem for path in PRESETS])
    def test_the_ledger_and_the_picture_have_the_numbers_of_the_engine_here(self, panel, preset):
        found = expression.look((PROGRAMS / "presets" / f"{preset}.py").read_text())
        panel.choose(preset)
        until(panel.page, f"({ROWS})().length === {len(found['steps'])}")
        for _ in found["steps"]:
            panel.button("Step").click()
        assert panel.ledger() == rows_of(found)
        labels = [expression.text_of(label) for _, label in expression.NODE.findall(found["dot"])]
        assert panel.page.evaluate(BOXES) == sorted(label.replace("\n", "") for label in labels)

    def test_a_step_lights_its_line_and_its_arrow_and_says_what_it_does(self, panel):
        panel.button("Step").click()
        panel.button("Step").click()
        assert panel.page.evaluate(LIT_ROWS) == [1]
        lit = panel.page.locator(".playground-picture .node.lit").all_text_contents()
        assert sorted(re.findall("[a-z]+", box)[0] for box in lit) == ["tax", "total"]
        assert panel.page.locator(".playground-picture .edge.lit").count() == 1
        assert "taxdata 1.5grad 17" in panel.page.evaluate(BOXES)
        assert "pricedata 4grad 0" in panel.page.evaluate(BOXES)
        said = panel.page.locator(".playground-said").text_content()
        assert "Line 2 of 6: total has the gradient 1; times the local derivative 17" in said

    def test_a_step_back_takes_its_gradient_away(self, panel):
        panel.button("Step").click()
        panel.button("Step").click()
        panel.button("Back").click()
        assert panel.page.evaluate(LIT_ROWS) == [0]
        assert "taxdata 1.5grad 0" in panel.page.evaluate(BOXES)

    def test_run_goes_on_to_the_end_and_reset_to_the_beginning(self, panel):
        panel.draw("from scalargrad import Value\nx = Value(3.0)\ny = x * x")
        panel.button("Run").click()
        until(panel.page, f"({LIT_ROWS})().includes(1)")
        assert "xdata 3grad 6" in panel.page.evaluate(BOXES)
        assert panel.button("Run").is_disabled()
        panel.button("Reset").click()
        assert panel.page.evaluate(LIT_ROWS) == []
        assert "xdata 3grad 0" in panel.page.evaluate(BOXES)

    def test_a_slider_changes_the_number_in_the_program_and_all_that_follows(self, panel):
        panel.page.get_by_role("slider", name="price").focus()
        for _ in range(5):
            panel.page.keyboard.press("ArrowRight")
        until(panel.page, f"({ROWS})()[1][3] !== '{TIMES} 17'")
        text = panel.text()
        price = float(re.search(r"price = Value\((.*)\)", text)[1])
        assert price > 4.0
        until(panel.page, f"({ROWS})()[1][3] === '{TIMES} {price * 3 + 5:.4g}'")
        assert panel.ledger() == rows_of(expression.look(text))

    def test_an_error_is_a_message_with_the_line_of_the_program(self, panel):
        panel.draw("from scalargrad import Value\nx = Value(-1.0)\ny = x.log()")
        message = panel.message()
        assert "ValueError (line 3): " in message
        assert 'File "program.py", line 3' in message
        assert "pyodide" not in message.lower()

    def test_no_picture_of_another_program_is_left_beside_an_error(self, panel):
        panel.draw("from scalargrad import Value\nx = Value(-1.0)\ny = x.log()")
        panel.message()
        assert not panel.page.locator(".playground-picture").is_visible()
        panel.draw("from scalargrad import Value\nx = Value(1.0)\ny = x.log()")
        assert panel.page.locator(".playground-picture").is_visible()

    def test_the_ledger_has_room_for_all_its_columns(self, panel):
        panel.choose("softmax")
        wide = "(e => e.scrollWidth > e.clientWidth)(document.querySelector('.playground-ledger'))"
        assert not panel.page.evaluate(wide)

    def test_a_mistake_of_spelling_too(self, panel):
        panel.draw("x = (")
        assert "SyntaxError (line 1): '(' was never closed" in panel.message()

    def test_what_is_printed_and_what_numbers_are_called_is_text(self, panel):
        evil = "<img src=x onerror=alert(1)><script>alert(2)</script>"
        panel.draw(
            f"from scalargrad import Value\nprint({evil!r})\nx = Value(3.0, label={evil!r})\nx * x"
        )
        assert panel.page.locator(".playground-printed").text_content() == evil + "\n"
        assert f"{evil}data 3grad 0" in panel.page.evaluate(BOXES)
        assert panel.ledger()[0][5] == f"→ {evil}"
        inside = panel.page.locator(".playground").locator("img, script, a, foreignObject")
        assert inside.count() == 0

    @pytest.mark.parametrize("endless", ["while True:\n    pass\n", "while True:\n    print(1)\n"])
    def test_an_endless_loop_is_stopped_at_once_and_the_text_is_kept(self, panel, endless):
        panel.type(endless)
        panel.button("Draw the graph").click()
        panel.page.get_by_text("Your program is still running").wait_for()
        panel.button("Stop").click(timeout=5_000)
        assert panel.button("Draw the graph").is_disabled()
        assert panel.text() == endless
        panel.start()  # which does not run it again
        panel.draw("from scalargrad import Value\nx = Value(3.0)\ny = x * x")
        assert len(panel.ledger()) == 2

    def test_the_picture_is_described_by_the_table(self, panel):
        picture = panel.page.get_by_role("img", name="The graph of total")
        assert picture.get_attribute("aria-describedby") == "playground-ledger"
        assert panel.page.locator("#playground-ledger").count() == 1


class TestLinks:
    CODE = "from scalargrad import Value\nx = Value(3.0)\nprint('it ran')\ny = x * x + 2.0"

    def test_a_program_that_came_with_a_link_is_shown_and_not_run_unasked(self, server, browser):
        from urllib.parse import quote

        address = f"{server}/playground/index.html#code={quote(self.CODE)}"
        panel = Panel(browser.open(address, "desktop", "light"))
        panel.page.get_by_text("This program came with the link").wait_for()
        panel.start()
        time.sleep(1)
        assert panel.page.locator(".playground-printed").is_hidden()
        assert panel.ledger() == []
        panel.button("Draw the graph").click()
        panel.drawn()
        assert panel.page.locator(".playground-printed").text_content() == "it ran\n"
        assert panel.ledger() == rows_of(expression.look(self.CODE))
        assert panel.text() == self.CODE
        assert panel.complaints == []


class TestKeyboard:
    def test_is_enough(self, server, browser):
        panel = Panel(browser.open(f"{server}/playground/index.html", "phone", "dark"))
        focused = "document.activeElement.textContent"
        panel.page.locator(".cm-content").focus()
        panel.page.keyboard.press("Escape")
        panel.page.keyboard.press("Tab")
        assert panel.page.evaluate(focused).startswith("Start (")
        outline = "getComputedStyle(document.activeElement).outlineStyle"
        assert panel.page.evaluate(outline) != "none"
        panel.page.keyboard.press("Enter")
        until(panel.page, f"({ROWS})().length", 90)
        while panel.page.evaluate(focused) != "Step":
            panel.page.keyboard.press("Tab")
        panel.page.keyboard.press("Space")
        assert panel.page.evaluate(LIT_ROWS) == [0]
        assert not panel.page.evaluate("document.documentElement.scrollWidth > innerWidth")
        assert panel.complaints == []


class TestWhatGetsOut:
    """A program may come from anybody; it reaches no other host."""

    @pytest.fixture
    def elsewhere(self):
        """A server that the page is not from, and what it was asked for."""
        asked = []

        class Asked(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                self.send_response(200)
                self.send_header("Access-Control-Allow-Origin", "*")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Asked) as running:
            threading.Thread(target=running.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{running.server_port}/secret", asked
            running.shutdown()

    WAYS = (
        "from pyodide.http import open_url\nopen_url({0!r})",
        "import js\njs.fetch({0!r})",
        "import js\njs.WebSocket.new({0!r}.replace('http', 'ws'))",
        "import js\njs.Worker.new({0!r})",
        'from pyodide.code import run_js\nrun_js("import(\'" + {0!r} + "\')")',
    )

    def test_a_program_reaches_no_other_host(self, panel, elsewhere):
        address, asked = elsewhere
        before = len(panel.complaints)
        for way in self.WAYS:
            panel.draw(way.format(address))
        time.sleep(0.5)
        assert asked == []
        del panel.complaints[before:]  # that it was not let

    def test_its_own_site_it_may_ask(self, panel):
        address = panel.page.url.partition("#")[0]
        panel.draw(f"from pyodide.http import open_url\nprint(open_url({address!r}).read())")
        assert "An expression" in panel.page.locator(".playground-printed").text_content()

    def test_every_page_has_the_policy(self, site):
        for page in site.glob("**/*.html"):
            text = page.read_text(encoding="utf-8")
            (policy,) = re.findall('Content-Security-Policy" content="(.*?)"', text)
            rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
            assert rules["default-src"] == rules["connect-src"] == "'self'", page
            assert rules["object-src"] == "'none'", page
            assert "unsafe-eval" not in policy.replace("wasm-unsafe-eval", ""), page
            assert ("wasm-unsafe-eval" in policy) == ('data-panel="' in text), page


class TestSession:
    def test_memory_does_not_grow_with_every_start(self, shared):
        processes = shared.page.context.browser.new_browser_cdp_session()

        def megabytes():
            found = processes.send("SystemInfo.getProcessInfo")["processInfo"]
            pids = [process["id"] for process in found if process["type"] == "renderer"]
            pages = [int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids]
            return sum(pages) * 4096 / 1e6

        if not shared.button("Stop").is_visible():
            shared.start()
        before = megabytes()
        for _ in range(2):
            shared.button("Stop").click()
            shared.start()
        assert megabytes() < before + 50  # a Python takes more than that

    def test_a_site_built_without_npm_says_so(self, server, browser):
        page = browser.context("desktop", "light").new_page()
        page.route("**/vendor/**", lambda route: route.fulfill(status=404))
        page.goto(f"{server}/playground/index.html")
        page.get_by_text("This copy of the site was built without npm").wait_for()

    def test_a_browser_without_webassembly_is_told_so(self, server, browser):
        page = browser.context("desktop", "light").new_page()
        page.add_init_script("delete window.WebAssembly")
        page.goto(f"{server}/playground/index.html")
        page.get_by_text("This browser cannot run Python in a page").wait_for()

    def test_a_page_opened_as_a_file_says_why_it_has_no_python(self, site, browser):
        seen = browser.open(f"{site.as_uri()}/playground/index.html", "desktop", "light")
        assert "opened as a file" in seen.page.locator(".playground-unavailable").text_content()
        assert seen.complaints == []


@pytest.fixture(scope="module")
def broken(server, browser):
    opened = type(browser)(browser.chromium).open(
        f"{server}/playground/break-it.html", "desktop", "dark"
    )
    panel = Panel(opened)
    panel.start()
    return panel


class TestBreakIt:
    CELLS = """() => [...document.querySelectorAll(".playground-columns tbody tr")].map(
        row => [...row.cells].map(cell => cell.textContent))"""

    @pytest.mark.parametrize("mistakes", [[], ["sort"], ["add"], ["zero"], ["sort", "add", "zero"]])
    def test_shows_what_the_engine_here_finds(self, broken, mistakes):
        engine = (PROGRAMS / "small_value.py").read_text()
        found = break_it.look(engine, mistakes)
        for toggle in ("sort", "add", "zero"):
            broken.page.set_checked(f"input[value={toggle}]", toggle in mistakes)
        until(broken.page, f"({self.CELLS})().length")  # without a mistake, there is no other sign
        until(broken.page, f"document.querySelectorAll('ins').length === {len(mistakes)}")
        shown = broken.page.locator(".playground-columns").text_content()
        assert " ".join(found["gradcheck"].split()) in " ".join(shown.split())

        def cell(number, right):
            mark = "" if number == right else "✗ "
            return mark + number_shown(number)

        example = [
            [
                line["name"],
                number_shown(line["data"]),
                cell(line["grad"], line["right"]),
                number_shown(line["right"]),
            ]
            for line in found["example"]
        ]
        training = [
            [
                str(i),
                cell(line["loss"], line["right_loss"]),
                number_shown(line["right_loss"]),
                cell(line["grad"], line["right_grad"]),
                number_shown(line["right_grad"]),
            ]
            for i, line in enumerate(found["training"], 1)
        ]
        assert broken.page.evaluate(self.CELLS) == [*example, *training]
        assert broken.complaints == []


def number_shown(number):
    return f"{float(f'{number:.4g}'):.10g}"
