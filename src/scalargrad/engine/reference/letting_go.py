"""Letting go of a long chain of nodes where Python itself cannot: in a browser.

Python frees what an object held by calls within calls, and takes care not to go too deep.
In WebAssembly it does not know how deep that is, and to free a chain of a few thousand objects ends
the interpreter. There a node that comes to its end first gives away what it was made from, and the
first node to do so lets go of it all, one after the other.
"""

from __future__ import annotations

from scalargrad.engine.reference.value import LEAF

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any

    from scalargrad.engine.reference.value import Value
    from scalargrad.engine.reference.vector import Block

_given_away: list[Any] = []
_is_letting_go = False


def end_of_value(value: Value) -> None:
    """The `__del__` of a Value."""
    if getattr(value, "_parents", ()):  # it has none if its constructor failed
        _given_away.append((value._parents, getattr(value, "_operation", None)))
        value._parents = ()
        value._operation = LEAF  # one of somebody's own may hold Values too
        if not _is_letting_go:
            _let_go()


def end_of_block(block: Block) -> None:
    """The `__del__` of a Block."""
    if block._parents:
        _given_away.append((block._parents, block.inputs))
        block._parents = block.inputs = ()
        if not _is_letting_go:
            _let_go()


def _let_go() -> None:
    global _is_letting_go
    _is_letting_go = True
    try:
        while _given_away:
            _given_away.pop()  # which brings other nodes to their end
    finally:
        _is_letting_go = False
