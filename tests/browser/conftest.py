"""The site, built once and served, and the browser that opens it: for all the tests here."""

import contextlib
import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import NamedTuple

import pytest
from waiting import until

ROOT = Path(__file__).parents[2]
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
DRAWN = """() =>
    !document.querySelector("pre.mermaid, .katex-error") &&
    [...document.querySelectorAll("div.mermaid")].every(d => d.clientHeight > 20) &&
    [...document.querySelectorAll(".arithmatex")].every(f => f.querySelector(".katex"))"""
TOO_WIDE = """() => [...document.querySelectorAll("body *")]
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1)
    .map(e => `${e.tagName}.${e.className}`).slice(0, 5)"""


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder of the built site."""
    run("playground/assemble.py")
    assert (ROOT / "docs/assets/vendor/manifest.json").exists(), "npm is not installed"
    run("docs/notebooks.py")
    folder = tmp_path_factory.mktemp("site")
    run("-m", "mkdocs", "build", "--strict", "--site-dir", folder)
    return folder


def run(*arguments):
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


class Seen(NamedTuple):
    page: object
    complaints: list[str]


class Browser:
    def __init__(self, chromium):
        self.chromium = chromium
        self.contexts = {}

    def open(self, address, size, scheme, patience=10_000):
        """The page, when it has come to rest, and what the browser had to complain about."""
        page = self.context(size, scheme).new_page()
        complaints = []
        base = address.partition("://")[0] + "://" + address.partition("://")[2].split("/")[0]
        page.on("console", lambda m: m.type in ("error", "warning") and complaints.append(m.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
        page.on(
            "request",
            lambda r: (
                r.url.startswith((base, "data:", "blob:"))
                or complaints.append(f"asks another host: {r.url}")
            ),
        )
        page.goto(address, wait_until="load")
        try:
            until(page, DRAWN, patience / 1000)
        except AssertionError:
            complaints.append("a diagram or a formula was not drawn")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            complaints.append(f"wider than the window: {page.evaluate(TOO_WIDE)}")
        return Seen(page, complaints)

    def context(self, size, scheme):
        for context in self.contexts.values():
            for page in context.pages:
                page.close()
        if (size, scheme) not in self.contexts:
            width, height = SIZES[size]
            self.contexts[size, scheme] = self.chromium.new_context(
                viewport={"width": width, "height": height}, color_scheme=scheme
            )
        return self.contexts[size, scheme]


@pytest.fixture(scope="session")
def browser():
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    assert program, "Chromium is not installed; `apt-get install chromium` has it on Debian"
    # Late: a plain run, which looks in here, has none.
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield Browser(chromium)
        chromium.close()


@pytest.fixture(scope="session")
def server(site):
    with serving(site) as address:
        yield address


@contextlib.contextmanager
def serving(folder, not_found=None):
    """The address of a server of the folder, with a page for what is not there, if one is given."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

        def send_error(self, code, *arguments):
            if code != 404 or not not_found:
                return super().send_error(code, *arguments)
            self.send_response(code)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(not_found.read_bytes())
            return None

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
