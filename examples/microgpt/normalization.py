"""Text that looks the same and is not: Unicode can write a letter in two ways.

An é may be one character (form NFC), or an e with an accent after it (form NFD). Nobody sees which
it is, but to a tokenizer they are different characters.
"""

from __future__ import annotations

from collections.abc import Callable

TYPE_CHECKING = False  # importing typing would only cost time
if TYPE_CHECKING:
    from typing import Literal

FORMS: tuple[Literal["NFC"], Literal["NFD"]] = ("NFC", "NFD")


def form_in_which(fits: Callable[[str], bool], text: str) -> str | None:
    """The form in which this text would fit; None if that is not what is wrong with it."""
    if text.isascii():  # there is only one way to write it
        return None
    from unicodedata import normalize  # late, as most text fits

    return next((form for form in FORMS if fits(normalize(form, text))), None)


def is_mixed(text: str) -> bool:
    """Whether some letters are written in one way, and some in the other."""
    if text.isascii():
        return False
    from unicodedata import is_normalized

    return not any(is_normalized(form, text) for form in FORMS)
