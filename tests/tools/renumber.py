"""After a change to code that a page shows: let the page show the same lines where they are now.

    python tests/tools/renumber.py [COMMIT]

Pages include code by line numbers, as in `--8<-- "examples/two_moons.py:9:18"`. This compares each
such file with what it was at COMMIT (by default HEAD, so run it before committing), and rewrites
the numbers. New lines between two blocks are shown nowhere: the tests say which.
"""

import re
import subprocess
import sys
from difflib import SequenceMatcher
from pathlib import Path

ROOT = Path(__file__).parents[2]
RANGE = re.compile(r'(?<=--8<-- ")(?P<path>[^":]+):(?P<first>\d+):(?P<last>\d+)(?=")')


def moved(old: list[str], new: list[str], first: int, last: int) -> tuple[int, int]:
    """Where the lines from `first` to `last`, counted from 1, have gone, with all between them."""
    begin = end = 0
    for tag, old_begin, old_end, new_begin, new_end in SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        same = tag == "equal"
        if old_begin < first <= old_end:
            begin = new_begin + (first - old_begin if same else 1)
        if old_begin < last <= old_end:
            end = new_begin + last - old_begin if same else new_end
    return begin, end


def main(commit: str = "HEAD") -> None:
    def renumbered(match: re.Match[str]) -> str:
        path = match["path"]
        was = subprocess.run(
            ["git", "show", f"{commit}:{path}"],
            capture_output=True,
            text=True,
            check=True,
            cwd=ROOT,
        ).stdout
        now = (ROOT / path).read_text(encoding="utf-8")
        lines = was.splitlines(), now.splitlines()
        first, last = moved(*lines, int(match["first"]), int(match["last"]))
        return f"{path}:{first}:{last}"

    for page in sorted(ROOT.glob("docs/**/*.md")):
        text = page.read_text(encoding="utf-8")
        if (after := RANGE.sub(renumbered, text)) != text:
            page.write_text(after, encoding="utf-8")
            print(page.relative_to(ROOT))


if __name__ == "__main__":
    main(*sys.argv[1:])
