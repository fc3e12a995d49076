"""What goes wrong while a program of this folder is still being loaded, in one line.

A program calls `errors_in_one_line` before it imports anything else, and only where it is the
program that runs. It is about Ctrl-C, and about a library that is not installed: whoever tries the
example before reading anything meets that.
"""

from __future__ import annotations

import os  # and nothing that takes time, in which Ctrl-C would not be caught yet
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType


def errors_in_one_line() -> None:
    """Let Python end in one line on what is foreseen here, and as ever on the rest."""
    sys.excepthook = _in_one_line


def why_no_library(error: ImportError) -> str | None:
    """What to do about scalargrad, if that is what is missing.

    The package of that name on the index is not ours, so the advice is never to install it by name.
    """
    from importlib.util import find_spec

    from advice import CHECKOUT, install

    found = find_spec("scalargrad")
    if found is None:
        return f"scalargrad is not installed for this Python: {install(CHECKOUT)}"
    folder = os.path.dirname(found.origin or "")
    if not os.path.isdir(os.path.join(folder, "engine")):
        return (
            f"the scalargrad in {folder or 'this folder'} is another package of that name; "
            f"put the right one in its place: {install('--force-reinstall', CHECKOUT)}"
        )
    return str(error) if (error.name or "scalargrad").startswith("scalargrad") else None


def _in_one_line(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    program = os.path.basename(sys.argv[0])
    if isinstance(error, KeyboardInterrupt):
        print(f"{program}: interrupted", file=sys.stderr)
    elif isinstance(error, ImportError) and (why := why_no_library(error)):
        from errors import one_line

        print(f"{program}: error: {one_line(why)}", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)
