"""Writes again what the library makes on the pages: the texts below comments that say how.

    python tests/tools/made_on_pages.py [page ...]

For when a picture or a ledger comes to look different, which tests/test_docs.py then reports.
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from sybil import Region, Sybil
from sybil.parsers.markdown import PythonCodeBlockParser
from test_docs import MADE, PAGES, ROOT


def refresh(page: Path) -> bool:
    """Whether something is different now."""
    old = page.read_text(encoding="utf-8")
    changes: list[tuple[int, int, str]] = []

    def made_by_the_library(document):
        def make(example):
            start, end, expression = example.parsed
            made = str(eval(expression, dict(example.namespace))).strip("\n")
            changes.append((start, end, f"{made}\n"))

        for match in MADE.finditer(document.text):
            yield Region(match.start(), match.end(), (*match.span(2), match[1]), make)

    for example in Sybil([PythonCodeBlockParser(), made_by_the_library]).parse(page):
        example.evaluate()
    new = old
    for start, end, made in sorted(changes, reverse=True):
        new = new[:start] + made + new[end:]
    page.write_text(new, encoding="utf-8")
    return new != old


if __name__ == "__main__":
    os.chdir(ROOT)
    for page in [Path(name).resolve() for name in sys.argv[1:]] or PAGES:
        if MADE.search(page.read_text(encoding="utf-8")) and refresh(page):
            print(page.relative_to(ROOT))
