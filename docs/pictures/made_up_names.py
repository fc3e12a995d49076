"""The 20 names that `examples/microgpt/train.py` prints, with no argument and on any machine.

They are those that its tests expect of it: here nothing is trained, so that a page is quickly made.
"""

import json
import textwrap
from pathlib import Path

PRINTED = Path(__file__).parents[2] / "tests" / "data" / "microgpt_bundled.json"


def names(width: int) -> str:
    """In lines of at most that many letters."""
    printed = json.loads(PRINTED.read_text(encoding="utf-8"))
    return textwrap.fill(", ".join(printed["samples"]), width)
