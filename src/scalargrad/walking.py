"""The one sort of a graph: whatever walks a graph, walks it in this order.

Backpropagation needs each node after everything that was made from it, so that its gradient is
complete before it is handed on. That is this order backwards. Pictures and ledgers need each node
after everything it was made from, which is this order forwards.

`Graph` is what is walked outside the engines, the same for both: as in `backward`, a whole row is
one node.

>>> made_from = {"loss": ("product", "x"), "product": ("x", "y")}
>>> topological_order("loss", lambda node: made_from.get(node, ()))
['x', 'y', 'product', 'loss']
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any, TypeVar

    T = TypeVar("T")


def topological_order(output: T, parents_of: Callable[[T], Iterable[T]]) -> list[T]:
    """Every node that `output` was made from, and itself, each after everything it was made from.

    `parents_of(node)` is what a node was made from, and empty for a leaf. Of several parents the
    last comes first. There is no recursion, so no limit on depth.
    """
    order: list[T] = []
    seen: set[int] = set()  # by identity, for somebody's class may compare by value
    stack: list[Any] = [output]
    while stack:
        node = stack.pop()
        if node is None:  # all that the node below was made from is listed
            order.append(stack.pop())
        elif id(node) not in seen:
            seen.add(id(node))
            stack += (node, None, *parents_of(node))
    return order


class Node:
    """A Value, or a whole row that was made in one go, and how it came about."""

    __slots__ = ("inputs", "op", "result", "setting")

    def __init__(self, op: str | None, inputs: tuple[Any, ...], result: Any, setting: Any) -> None:
        self.op = op  # the engine's own name of the operation; None if it was made by hand
        self.inputs = inputs  # Values, rows, and matrices, which are tuples of rows; none: a leaf
        self.result = result  # the Value or the row
        self.setting = setting


class Graph:
    """The nodes that `outputs` were made from, in the order in which `backward` lists them.

    Without `leaves`, only those that were computed.
    """

    def __init__(self, outputs: Sequence[Any], leaves: bool = True) -> None:
        self._nodes: dict[int, Node] = {}  # by the number of the row, or by the identity of a Value
        # By id: a matrix, all nodes in it, and those of them that were computed.
        self._matrices: dict[int, tuple[Any, list[Node], list[Node]]] = {}
        top = Node("", tuple(outputs), None, None)
        nodes_in = self.nodes_in if leaves else self.computed_in

        def parents_of(node: Node) -> list[Node]:
            return [parent for x in node.inputs for parent in nodes_in(x)]

        self.order: list[Node] = topological_order(top, parents_of)[:-1]

    def nodes_in(self, x: Any) -> Sequence[Node]:
        """The nodes that an input stands for or holds; one as often as it is there."""
        if isinstance(x, tuple):
            return self._matrix(x)[1]
        place = x._place()
        if place is None and hasattr(x, "__len__"):  # Values that live elsewhere, in a row
            return [self.node(value) for value in x]
        return (self._node(x, place),)

    def computed_in(self, x: Any) -> Sequence[Node]:
        """Those of them that are no leaves."""
        if isinstance(x, tuple):
            return self._matrix(x)[2]
        return [node for node in self.nodes_in(x) if node.inputs]

    def _matrix(self, rows: tuple[Any, ...]) -> tuple[Any, list[Node], list[Node]]:
        known = self._matrices.get(id(rows))
        if known is None:  # a model uses the same matrix again and again
            nodes = [node for row in rows for node in self.nodes_in(row)]
            known = rows, nodes, [node for node in nodes if node.inputs]
            self._matrices[id(rows)] = known
        return known

    def node(self, x: Any) -> Node:
        """The node that a Value, or a part of a row, belongs to."""
        return self._node(x, x._place())

    def _node(self, x: Any, place: tuple[int, int, int] | None) -> Node:
        key = id(x) if place is None else place[0]
        found = self._nodes.get(key)
        if found is None:
            found = self._nodes[key] = Node(*x._history())
        return found
