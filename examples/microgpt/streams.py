"""stdout and stderr, which may be closed, full, or read by nobody any more.

Python ends a program that cannot write there, or, where stderr was closed, writes to stdout what
was meant for stderr. A training run has better things to do.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable

TYPE_CHECKING = False  # importing typing would only cost time
if TYPE_CHECKING:
    from typing import Any, TextIO


class Log:
    """stderr, for a program that goes on where that is full, closed or read by nobody any more.

    What cannot be written is lost, and `lost` says so: the exit status will be 1.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.lost = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        self._try(lambda: self.stream.write(text))
        return len(text)

    def flush(self) -> None:
        self._try(self.stream.flush)

    def _try(self, action: Callable[[], object]) -> None:
        try:
            action()
        except OSError:
            self.lost = True
            discard(self.stream)


def discard(stream: TextIO) -> None:
    """Let all that is or will be written to a stream go nowhere.

    After an error Python would try again on its way out, and complain.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    with contextlib.suppress(io.UnsupportedOperation):  # a stream that is no file
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def open_closed_streams() -> None:
    """Give a stream that was closed, as with `2>&-`, a file to which nothing can be written.

    Otherwise the next file that is opened, a checkpoint perhaps, would take its place.
    """
    while (number := os.open(os.devnull, os.O_RDONLY)) <= 2:
        pass
    os.close(number)
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(  # noqa: SIM115
        2, "w", buffering=1, closefd=False, errors="backslashreplace"
    )
