"""The one sort of a graph: whatever walks a graph, walks it in this order.

Backpropagation needs each node after everything that was made from it, so that its gradient is
complete before it is handed on. That is this order backwards. Pictures and ledgers need each node
after everything it was made from, which is this order forwards.

>>> made_from = {"loss": ("product", "x"), "product": ("x", "y")}
>>> topological_order("loss", lambda node: made_from.get(node, ()))
['x', 'y', 'product', 'loss']
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any, TypeVar

    Node = TypeVar("Node")


def topological_order(output: Node, parents_of: Callable[[Node], Iterable[Node]]) -> list[Node]:
    """Every node that `output` was made from, and itself, each after everything it was made from.

    `parents_of(node)` is what a node was made from, and empty for a leaf. There is no recursion, so
    no limit on depth.
    """
    order: list[Node] = []
    seen: set[Node] = set()
    stack: list[Any] = [output]
    while stack:
        node = stack.pop()
        if node is None:  # all that the node below was made from is listed
            order.append(stack.pop())
        elif node not in seen:
            seen.add(node)
            stack += (node, None, *parents_of(node))
    return order
