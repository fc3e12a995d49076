"""Whether operations record a graph: not in a thread that is inside `no_grad`."""

from __future__ import annotations

import threading


class _Recording(threading.local):
    """How deep this thread is inside `no_grad`; it records graphs at 0."""

    depth = 0


recording = _Recording()


def pause_recording() -> None:
    """Record no graphs in this thread, until `resume_recording` was called as often."""
    recording.depth += 1


def resume_recording(*exception: object) -> None:
    """Undo one `pause_recording`; what was raised in between, as `__exit__` gets it, is no matter.

    Raises RuntimeError if there is none to undo in this thread.
    """
    if not recording.depth:
        raise RuntimeError("no_grad: left in a thread that is not inside it")
    recording.depth -= 1
