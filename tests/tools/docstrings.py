"""Write the docstrings of the compiled engine: those of the reference engine, as a C header.

    python tests/tools/docstrings.py

The tests compare what the two engines say of themselves, and fail until this has been run.
"""

import inspect
import json
from collections.abc import Iterator
from pathlib import Path

from scalargrad.engine import reference

HEADER = Path(__file__).parents[2] / "src/scalargrad/engine/compiled/docstrings.h"
INTRODUCTION = (
    "/* What the names of the engine are for. Written by tests/tools/docstrings.py from the\n"
    "   docstrings of the reference engine: change them there. */\n"
)


def main() -> None:
    macros = [
        f"#define DOC_{name} \\\n{literal(text)}" for name, text in dict(documented()).items()
    ]
    HEADER.write_text("\n\n".join([INTRODUCTION, *macros]) + "\n", encoding="utf-8")


def documented() -> Iterator[tuple[str, str]]:
    """Each public name of the engine and of its classes, with what its docstring says."""
    for name in reference.__all__:
        thing = getattr(reference, name)
        yield name, inspect.getdoc(thing) or ""
        for kind in thing.__mro__ if inspect.isclass(thing) else ():
            if kind.__module__.startswith("scalargrad"):
                yield from documented_members(kind)


def documented_members(kind: type) -> Iterator[tuple[str, str]]:
    for member, part in vars(kind).items():
        foreign = getattr(part, "__module__", "") == "scalargrad.engine.foreign"
        another_name = getattr(part, "__name__", member) != member  # NumPy's, of the same method
        if not member.startswith("_") and not foreign and not another_name:
            yield f"{kind.__name__}_{member}", inspect.getdoc(part) or ""


def literal(text: str) -> str:
    """As C string literals, one per line."""
    lines = text.splitlines(keepends=True)
    return " \\\n".join(f"    {json.dumps(line, ensure_ascii=True)}" for line in lines)


if __name__ == "__main__":
    main()
