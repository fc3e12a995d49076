"""Files that are there whole or not at all, and that can be read to their end.

Whatever interrupts a write (an exception, kill -9, a full disk), the file keeps its old contents
until the new ones are complete.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat

TYPE_CHECKING = False  # importing typing would only cost time
if TYPE_CHECKING:
    from typing import BinaryIO


LONGEST_PATH = 4096  # bytes, as Linux has it; other systems allow less


def as_path(text: str) -> str:
    """The text, if it can be the path of a file; ValueError if not."""
    encoded = os.fsencode(text)  # raises for a character that is none, a lone surrogate
    if b"\0" in encoded or not 0 < len(encoded) <= LONGEST_PATH:
        raise ValueError(f"{text!r} is not the path of a file")
    return text


def read_regular(path: str, most: int | None = None) -> bytes:
    """The contents of a regular file of at most that many bytes; OSError if it is not one.

    A device may have no end, and a pipe no beginning.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    with open(path, "rb") as file:
        contents = file.read(-1 if most is None else most + 1)
    if most is not None and len(contents) > most:
        raise OSError(errno.EFBIG, f"more than {most:,} bytes are too many")
    return contents


def write_whole(path: str, contents: bytes) -> None:
    """Write to a temporary file in the same folder, then move it into place in one step.

    Mode and owner stay those of the old file, if there is one; the owner as far as the system
    allows it. Raises OSError, and leaves the old file and nothing else, if it cannot be written.
    Only a killed process leaves its temporary file behind, whose name ends in .tmp.
    """
    path = os.path.realpath(path)  # a link keeps pointing to where it points
    temporary = _temporary(path)
    try:
        with _created(temporary, path) as file:
            file.write(contents)
            file.flush()
            os.fsync(file.fileno())  # on the disk, before the name points to it
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def why_not_writable(path: str) -> str | None:
    """Why writing `path` would fail, as far as can be told beforehand; None if it would not."""
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
    temporary = _temporary(path)
    try:
        _created(temporary, path).close()
        os.unlink(temporary)
    except OSError as error:
        return f"cannot create {temporary} beside it: {error.strerror}"
    return None


def _temporary(path: str) -> str:
    return f"{path}.{os.getpid()}.tmp"


def _created(temporary: str, path: str) -> BinaryIO:
    """A new file that may take the place of `path`: with its mode and owner, if it is there."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)  # left over from a process that was killed and had our number
    try:
        old = os.stat(path)
    except FileNotFoundError:
        return open(temporary, "xb")
    mode = stat.S_IMODE(old.st_mode)
    file = open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, mode))  # noqa: SIM115
    # The system may not let us give files away, or may widen no mode: then it stays narrower.
    with contextlib.suppress(OSError, AttributeError):
        os.chown(temporary, old.st_uid, old.st_gid)
    with contextlib.suppress(OSError):
        os.chmod(temporary, mode)
    return file
