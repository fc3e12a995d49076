"""Backpropagation that touches no `.grad`: what `scalargrad.grad` calls.

The same walk as `backward`, the same rules and the same order of additions, so the same bits. Only
the gradients are not kept in the nodes, but in a dictionary that is gone afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import add

from scalargrad.engine.arguments import nested
from scalargrad.engine.reference.value import Value, parents_of
from scalargrad.engine.reference.vector import Block, Element, Vector, row_of
from scalargrad.walking import topological_order

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any


def gradients(outputs: Sequence[Value | Vector], upstreams: Sequence[Any], inputs: Any) -> Any:
    """What `backward` from all of `outputs` at once adds to the gradients of `inputs`.

    `upstreams` has the gradient that each output starts with, a float or a sequence of floats. The
    result has the form of `inputs`: a float for a Value, a row for a row, a tuple for what holds
    some of these.
    """
    wanted = nested(inputs, (Value, Vector))
    gathered = _Gathered()
    for output, upstream in zip(outputs, upstreams):
        gathered.add(output, upstream)
    nodes: list[Any] = topological_order(_Outputs(outputs), parents_of)[:-1]
    for node in reversed(nodes):
        for x, contribution in node._contributions(gathered.of_node(node)):
            gathered.add(x, contribution)
    return gathered.result(wanted)


class _Outputs:
    """A node above all outputs."""

    __slots__ = ("_parents",)

    def __init__(self, outputs: Sequence[Value | Vector]) -> None:
        self._parents = tuple([node for output in outputs for node in output._computed()])


class _Gathered:
    """The gradients so far: of a Value a float, of a block a list of floats."""

    def __init__(self) -> None:
        self.values: dict[int, float] = {}  # by identity: a subclass may compare by value
        self.blocks: dict[Block, list[float]] = {}

    def add(self, x: Value | Vector, contribution: Any) -> None:
        if isinstance(x, Element):
            self._of_block(x._block)[x._index] += contribution
        elif isinstance(x, Value):
            self.values[id(x)] = self.values.get(id(x), 0.0) + contribution
        elif x._block is not None:
            grads, part = self._of_block(x._block), slice(x._start, x._stop)
            grads[part] = map(add, grads[part], contribution)
        else:
            for value, number in zip(x._values, contribution):
                self.add(value, number)

    def of_node(self, node: Value | Block) -> Any:
        return self._of_block(node) if isinstance(node, Block) else self.values.get(id(node), 0.0)

    def _of_block(self, block: Block) -> list[float]:
        grads = self.blocks.get(block)
        if grads is None:
            grads = self.blocks[block] = [0.0] * len(block.data)
        return grads

    def result(self, wanted: Any) -> Any:
        if isinstance(wanted, Element):
            return self._of_block(wanted._block)[wanted._index]
        if isinstance(wanted, Value):
            wanted.data  # noqa: B018 - which raises before its __init__
            return self.values.get(id(wanted), 0.0)
        if not isinstance(wanted, Vector):
            return tuple([self.result(item) for item in wanted])
        if wanted._block is not None:
            grads: Iterable[float] = self._of_block(wanted._block)[wanted._start : wanted._stop]
        else:
            grads = [self.result(value) for value in wanted._values]
        return row_of(Block(grads))
