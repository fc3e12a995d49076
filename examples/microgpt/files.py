"""Files that are there whole or not at all.

Whatever interrupts a write (an exception, kill -9, a full disk), the file keeps its old contents
until the new ones are complete.
"""

from __future__ import annotations

import contextlib
import os


def write_whole(path: str, contents: bytes) -> None:
    """Write to a temporary file in the same folder, then move it into place in one step.

    Raises OSError, and leaves the old file and nothing else, if it cannot be written. Only a killed
    process leaves its temporary file behind, whose name ends in .tmp.
    """
    path = os.path.realpath(path)  # a link keeps pointing to where it points
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        with open(temporary, "wb") as file:
            file.write(contents)
            file.flush()
            os.fsync(file.fileno())  # on the disk, before the name points to it
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def why_not_writable(path: str) -> str | None:
    """Why writing `path` would fail, as far as can be told without touching it; None if it can."""
    path = os.path.realpath(path)
    folder = os.path.dirname(path)
    if os.path.isdir(path):
        return "is a directory; give the path of a file"
    if os.path.exists(path) and not os.path.isfile(path):
        return "is not a regular file"
    if not os.path.isdir(folder):
        return f"there is no folder {folder}; create it first"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"the folder {folder} is not writable"
    if os.path.exists(path) and not os.access(path, os.W_OK):
        return "is not writable"
    return None
