"""docs/glossary.md: in the order of the alphabet, and no reference leads nowhere."""

import re
from pathlib import Path

PAGE = (Path(__file__).parents[1] / "docs" / "glossary.md").read_text(encoding="utf-8")
ENTRIES = re.findall(r"^(\S.*) \{ #(\S+) \}\n:   \S", PAGE, re.MULTILINE)
WORDS = [word for word, _ in ENTRIES]
PLURALS = {"leaves": "leaf", "queries": "query", "held-out": "held out"}


def test_the_words_are_in_order_and_each_is_there_once():
    assert len(WORDS) == PAGE.count("{ #") > 50
    assert sorted({word.lower() for word in WORDS}) == [word.lower() for word in WORDS]


def test_each_can_be_linked_to_by_its_own_name():
    assert [anchor for _, anchor in ENTRIES] == [word.lower().replace(" ", "-") for word in WORDS]


def test_each_word_in_italics_has_an_entry():
    known = {word.lower() for word in WORDS}
    for word in re.findall(r"(?<!\*)\*([A-Za-z -]+)\*(?!\*)", PAGE.partition("\n\nAccumulate")[2]):
        singular = PLURALS.get(word.lower(), word.lower().removesuffix("s"))
        assert {word.lower(), singular} & known, word
