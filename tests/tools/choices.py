"""What the fuzz targets share: choices made from bytes, and running under atheris."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, TypeVar

T = TypeVar("T")


class Choices:
    """Decisions read from bytes, so that a fuzzer that changes a byte changes a decision.

    When the bytes are used up every choice is the first one.
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def __bool__(self) -> bool:
        return self.at < len(self.data)

    def number(self, end: int) -> int:
        """From 0 to below `end`, which is at most 256."""
        byte = self.data[self.at] if self else 0
        self.at += 1
        return byte % end

    def of(self, options: Sequence[T]) -> T:
        return options[self.number(len(options))]

    def bytes(self, count: int) -> bytes:
        taken = self.data[self.at : self.at + count]
        self.at += count
        return taken


def instrumented() -> Any:
    """Within it, what is imported tells atheris which lines run; nothing if that is not there."""
    try:
        import atheris
    except ImportError:
        return nullcontext()
    return atheris.instrument_imports(include=["scalargrad", "checkpoint", "data", "run"])


def main(target: Callable[[bytes], None]) -> None:
    """Run the target on the files named, or without end on what atheris thinks of."""
    import atheris

    atheris.Setup(sys.argv, target)
    atheris.Fuzz()
