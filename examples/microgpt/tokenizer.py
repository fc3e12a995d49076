"""Characters to token ids and back.

    >>> tokenizer = Tokenizer.of(["emma", "ava"])
    >>> tokenizer.characters, tokenizer.bos
    ('aemv', 4)
    >>> tokenizer.document("ava")
    [4, 0, 3, 0, 4]
    >>> tokenizer.decode([0, 3, 0])
    'ava'

A token is one character, and its id is its place in the sorted alphabet. One more token, BOS
("beginning of sequence"), has the last id. It is at both ends of a document: at the front it
tells the model to begin, and predicting it at the end is how the model says that it is done.
"""

from __future__ import annotations

from collections.abc import Iterable

from data import Window
from record import Record


# --8<-- [start:tokenizer]
class Tokenizer(Record):
    """The vocabulary: `characters`, each of them once, and BOS."""

    characters: str
    _ids: dict[str, int]

    def __init__(self, characters: str) -> None:
        if not isinstance(characters, str) or not 0 < len(characters) == len(set(characters)):
            raise ValueError(f"a vocabulary is text with each character once, got {characters!r}")
        ids = {character: i for i, character in enumerate(characters)}
        vars(self).update(characters=characters, _ids=ids)

    @classmethod
    def of(cls, documents: Iterable[str]) -> Tokenizer:
        """The tokenizer for all characters that occur in the documents."""
        return cls("".join(sorted(set("".join(documents)))))

    @property
    def bos(self) -> int:
        return len(self.characters)

    @property
    def vocab_size(self) -> int:
        return len(self.characters) + 1

    def unknown(self, text: str) -> list[str]:
        """The characters of the text that are not in the vocabulary, each once."""
        return [character for character in dict.fromkeys(text) if character not in self._ids]

    def encode(self, text: str) -> list[int]:
        """The ids of the characters; ValueError if one of them is not in the vocabulary."""
        try:
            return [self._ids[character] for character in text]
        except KeyError:
            unknown = ", ".join(map(repr, self.unknown(text)))
            known = repr(self.characters[:60]) + ("..." if len(self.characters) > 60 else "")
            raise ValueError(f"{unknown} not in the vocabulary, which is {known}") from None

    def decode(self, ids: Iterable[int]) -> str:
        return "".join(self.characters[i] for i in ids)

    def document(self, text: str) -> list[int]:
        """A document, as the model is trained on it: BOS at both ends.

        A window of a document has BOS only where the document begins and where it ends.
        """
        begins, ends = (text.begins, text.ends) if isinstance(text, Window) else (True, True)
        return [self.bos] * begins + self.encode(text) + [self.bos] * ends


# --8<-- [end:tokenizer]
