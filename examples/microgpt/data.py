"""Documents to train on, from a file, a URL or the published list of names.

    >>> documents = load(BUNDLED)
    >>> len(documents), documents[:3]
    (32257, ['emma', 'olivia', 'ava'])

A document is a line of text: white space around it is stripped, blank lines are ignored. One that
is too long for a model to see at once can be cut into windows. What goes wrong raises DataError,
with one line that says what it was and what to do.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator

from errors import DataError
from files import as_path, read_regular, write_whole

BUNDLED = os.path.join(os.path.dirname(__file__), "names.txt")

# The list of the published run. It is fetched rather than bundled, since it is not ours to give.
MAKEMORE = "makemore"
MAKEMORE_URL = "https://raw.githubusercontent.com/karpathy/makemore/988aa59/names.txt"
MAKEMORE_SHA256 = "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d"

LARGEST = 100_000_000  # bytes of documents: far more than a GPT of scalars can be trained on
TIMEOUT = 30.0  # seconds without an answer
LONGEST_DOWNLOAD = 60.0  # seconds for the whole answer
WANTED = "give a text file with one document per line, a URL, or 'makemore'"


# --8<-- [start:load]
def load(source: str) -> list[str]:
    """The documents of a path, an http(s) URL, or 'makemore'."""
    if source == MAKEMORE:
        raw = _makemore()
    elif source.lower().startswith(("http://", "https://")):
        raw = _download(source, source)
    else:
        raw = _read(source)
    try:
        text = raw.decode().replace("\ufeff", "")  # a mark that some editors put in front
    except UnicodeDecodeError as error:
        raise DataError(
            f"--data {source}: not UTF-8 text (byte 0x{raw[error.start]:02x} at offset "
            f"{error.start}); convert it to UTF-8 first"
        ) from None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")  # as text files are read
    documents = [document for line in lines if (document := line.strip())]
    if not documents:
        raise DataError(f"--data {source}: no documents in it; {WANTED}")
    return documents


def fingerprint(documents: list[str]) -> str:
    """The same for the same documents in the same order, wherever they came from."""
    return _sha256("\n".join(documents).encode())


# --8<-- [end:load]
# --8<-- [start:shuffled]
def shuffled(documents: list[str], rng: random.Random) -> list[str]:
    """The documents in a random order."""
    documents = documents.copy()
    rng.shuffle(documents)
    return documents


# --8<-- [end:shuffled]
# --8<-- [start:split]
def split(documents: list[str], val_fraction: float) -> tuple[list[str], list[str]]:
    """The documents to train on, and those held out: that fraction, from the end."""
    n_val = int(len(documents) * val_fraction)
    if val_fraction and not 0 < n_val < len(documents):
        raise DataError(
            f"--val-fraction {val_fraction}: of {len(documents):,} documents that holds out "
            f"{n_val:,}; at least one must be held out and one left to train on"
        )
    cut = len(documents) - n_val
    return documents[:cut], documents[cut:]


# --8<-- [end:split]
class Window(str):
    """A part of a document."""

    __slots__ = ("begins", "ends")
    begins: bool  # whether the document begins with it
    ends: bool  # and whether it ends there


def windows(documents: list[str], size: int) -> list[str]:
    """The documents, with those cut that a model which sees `size` tokens cannot see at once.

    A model that sees so many tokens predicts as many: at each one, the next. So the last token that
    is predicted in a window is the first that is seen in the window after it, and every token of a
    document is predicted once.
    """
    return [window for document in documents for window in _cut(document, size)]


def is_longer(document: str, size: int) -> bool:
    """Whether more tokens than that are to be predicted: its characters, and one for its end."""
    return len(document) + 1 > size


def _cut(document: str, size: int) -> Iterator[str]:
    if not is_longer(document, size):
        yield document
        return
    # Token 0 says that the document begins, so that token i is character i - 1.
    for start in range(0, len(document) + 1, size):
        window = Window(document[max(0, start - 1) : start + size])
        window.begins, window.ends = start == 0, start + size > len(document)
        yield window


def cache_folder() -> str:
    """Where a user's programs keep what they can fetch again."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):
        home = os.path.expanduser("~")
        if not os.path.isabs(home):
            raise DataError(
                f"--data {MAKEMORE}: you have no home folder to keep the list in; "
                "set XDG_CACHE_HOME to a folder that you can write to"
            )
        if sys.platform == "win32":
            base = os.environ.get("LOCALAPPDATA", os.path.join(home, "AppData", "Local"))
        elif sys.platform == "darwin":
            base = os.path.join(home, "Library", "Caches")
        else:
            base = os.path.join(home, ".cache")
    return os.path.join(base, "scalargrad")


def makemore_path() -> str:
    """Where the list is kept once it has been fetched."""
    return os.path.join(cache_folder(), "makemore-names.txt")


def _read(path: str) -> bytes:
    if os.path.isdir(path):
        raise DataError(f"--data {path}: is a directory; {WANTED}")
    try:
        return read_regular(as_path(path), LARGEST)
    except FileNotFoundError:
        raise DataError(f"--data {path}: no such file; {WANTED}") from None
    except OSError as error:
        raise DataError(f"--data {path}: cannot be read: {error.strerror}; {WANTED}") from None
    except ValueError as error:
        raise DataError(f"--data {path}: {error}; {WANTED}") from None


def _sha256(raw: bytes) -> str:
    import hashlib  # late: a run that is not saved has no use for it

    return hashlib.sha256(raw).hexdigest()


def _download(url: str, source: str) -> bytes:
    """What a server sends, if it comes to an end.

    A timeout of the connection only limits the time between two bytes, so the whole is waited for
    in another thread.
    """
    import threading  # late, like all that _answer imports: most runs download nothing

    answers: list[bytes | str] = []
    thread = threading.Thread(target=lambda: answers.append(_answer(url)), daemon=True)
    thread.start()
    thread.join(LONGEST_DOWNLOAD)
    answer = answers[0] if answers else _endless()
    if isinstance(answer, bytes):
        return answer
    where = "" if source == url else f"{url}: "
    raise DataError(
        f"--data {source}: {where}download failed: {answer}; "
        "try again, or save the file yourself and give its path"
    )


def _answer(url: str) -> bytes | str:
    """What a server sends; or as text, why there is nothing to be had."""
    import http.client
    import urllib.error
    import urllib.request

    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as response:
            promised: int = getattr(response, "length", None) or 0  # None: it does not say
            received = bytes(response.read(LARGEST + 1)) if promised <= LARGEST else b""
        if max(promised, len(received)) > LARGEST:
            return _endless()
        if len(received) < promised:
            raise http.client.IncompleteRead(received, promised - len(received))
        return received
    except urllib.error.HTTPError as error:
        with error:
            return f"the server answered {error.code} {error.reason}"
    except urllib.error.URLError as error:
        return str(error.reason)
    except Exception as error:  # whatever a server makes of these modules, it is one line
        return str(error) or type(error).__name__


def _endless() -> str:
    return f"it has no end within {LARGEST:,} bytes and {LONGEST_DOWNLOAD:g} seconds"


def _makemore() -> bytes:
    path, folder = makemore_path(), cache_folder()
    try:
        kept = read_regular(path, LARGEST)
    except OSError:
        kept = b""
    if _sha256(kept) == MAKEMORE_SHA256:
        return kept
    fetched = _download(MAKEMORE_URL, MAKEMORE)
    sha256 = _sha256(fetched)
    if sha256 != MAKEMORE_SHA256:
        raise DataError(
            f"--data {MAKEMORE}: {MAKEMORE_URL}: not the published list: its sha256 is {sha256}, "
            f"expected {MAKEMORE_SHA256}"
        )
    try:
        os.makedirs(folder, exist_ok=True)
        write_whole(path, fetched)
    except OSError as error:
        raise DataError(
            f"--data {MAKEMORE}: cannot keep the list in {folder}: {error.strerror}; "
            "set XDG_CACHE_HOME to a folder that you can write to"
        ) from None
    return fetched
