"""Anybody's Value: what it was made from, and what a backward pass does with its gradients.

A class that a student wrote has `data`, `grad` and `backward()`, and the rest is its own affair. So
what a Value was made from is whatever Values its attributes hold. And what `backward` does is
watched: while it runs, two functions stand where the attribute `grad` was. They see each read and
write, and may change the number: experiments with a program that cannot be edited.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import contextmanager

from scalargrad.checking.differences import as_number, is_value
from scalargrad.engine import Value, Vector
from scalargrad.walking import topological_order

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any


def parents_of(node: Any, downstream: Set[str] = frozenset()) -> list[Any]:
    """What a Value was made from, whatever its class calls that, unless it is in `downstream`."""
    if isinstance(node, Value):
        return list(node.parents)
    held = {name: x for name, x in holders(node).items() if name not in downstream}
    rows = [values for name, values in held.items() if not is_value(getattr(node, name))]
    if rows:
        return rows[0]
    if held:  # such as left and right
        return [x for values in held.values() for x in values]
    return enclosed(node)


def enclosed(node: Any) -> list[Any]:
    """The Values that the functions in its attributes refer to."""
    functions = [
        getattr(attribute, "__closure__", None) for attribute in _attributes(node).values()
    ]
    found = [cell.cell_contents for cells in functions for cell in cells or ()]
    return [x for x in found if is_value(x) and x is not node]


def holders(node: Any) -> dict[str, list[Any]]:
    """The attributes that hold Values, and these."""
    held = {name: _held(attribute, node) for name, attribute in _attributes(node).items()}
    return {name: values for name, values in held.items() if values}


def _attributes(node: Any) -> dict[str, Any]:
    slots = [name for kind in type(node).__mro__ for name in getattr(kind, "__slots__", ())]
    names = dict.fromkeys([*getattr(node, "__dict__", {}), *slots])
    return {name: getattr(node, name, None) for name in names}


def _held(attribute: Any, node: Any) -> list[Any]:
    """A Value, or those in a row, be it of Values or of pairs of a Value and its derivative."""
    items = attribute if isinstance(attribute, (list, tuple, set, frozenset, dict, Vector)) else ()
    inner = [x for item in items for x in (item if isinstance(item, (list, tuple)) else [item])]
    values = [x for x in inner or [attribute] if is_value(x) and x is not node]
    if isinstance(attribute, (set, frozenset)):  # in an order that is the same in every run
        values.sort(key=lambda x: as_number(x.data))
    return values


def nodes_of(result: Any, leaves: Sequence[Any], parents: Callable[[Any], list[Any]]) -> list[Any]:
    """What `result` was made from and itself, each after its parents; not the leaves given."""
    ends = set(map(id, leaves))
    return topological_order(result, lambda x: [p for p in parents(x) if id(p) not in ends])


@contextmanager
def watched(nodes: Iterable[Any], get: Callable[[Any], Any], put: Any) -> Iterator[None]:
    """While this lasts, `grad` is what `get(node)` says, and set by `put(node, grad)`."""
    theirs = [(node, type(node)) for node in nodes if not isinstance(node, Value)]
    kinds: dict[type, Any] = {}
    for kind in {kind for _, kind in theirs}:
        make: Any = type(kind)
        kinds[kind] = make(kind.__name__, (kind,), {"__slots__": (), "grad": property(get, put)})
    try:
        for node, kind in theirs:
            node.__class__ = kinds[kind]
        yield
    finally:
        for node, kind in theirs:
            node.__class__ = kind
