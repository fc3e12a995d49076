"""Backpropagation that touches no `.grad`: what `scalargrad.grad` calls.

It is `backward` itself, on gradients that are exchanged for zeros before and put back after. So it
gives the same bits, at the same cost.
"""

from __future__ import annotations

from collections.abc import Sequence

from scalargrad.engine.arguments import nested
from scalargrad.engine.reference.value import Value, parents_of
from scalargrad.engine.reference.vector import Block, Vector, flat, row_of
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
    order: list[Any] = topological_order(_Outputs(outputs), parents_of)[:-1]
    holders: dict[Any, None] = {}  # in order, and each once
    for thing in (*order, *outputs, *_flattened(wanted)):
        holders.update(dict.fromkeys(thing._holders()))
        if isinstance(thing, Block) and thing.operation:
            for x in flat(thing.inputs):
                holders.update(dict.fromkeys(x._holders()))
    before = [(holder, holder._exchange_grad(None)) for holder in holders]
    try:
        for output, upstream in zip(outputs, upstreams):
            output._add_to_grad(upstream)
        for node in reversed(order):
            node._propagate()
        return _gathered(wanted)
    finally:
        for holder, grad in before:
            holder._exchange_grad(grad)


class _Outputs:
    """A node above all outputs."""

    __slots__ = ("_parents",)

    def __init__(self, outputs: Sequence[Value | Vector]) -> None:
        self._parents = tuple([node for output in outputs for node in output._computed()])


def _flattened(wanted: Any) -> list[Value | Vector]:
    if isinstance(wanted, (Value, Vector)):
        return [wanted]
    return [x for item in wanted for x in _flattened(item)]


def _gathered(wanted: Any) -> Any:
    if isinstance(wanted, Value):
        return wanted._grad
    if isinstance(wanted, Vector):
        return row_of(Block(wanted._grads()))
    return tuple([_gathered(item) for item in wanted])
