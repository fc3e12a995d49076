"""The gradient of a batch: the same bits, however many processes compute it.

Floats that are added in another order give other bits. So the order is fixed: a batch is cut into
groups of 64 documents. The gradients of a group are summed where they are computed, in the
weights themselves, and the sums of the groups are added one after the other. How many processes
share the groups changes nothing in that, and so not a bit of the result.

    >>> import random
    >>> from model import Config, new_gpt
    >>> model = new_gpt(Config(), vocab_size=3, rng=random.Random(42))
    >>> optimizer = optim.Adam(model.weights.values())
    >>> losses = batch_gradients(model, optimizer, [[2, 0, 1, 2], [2, 1, 2]])
    >>> len(losses), model.weights["lm_head"][0].grad[0] != 0.0
    (2, True)
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence

from model import GPT, document_loss

from scalargrad import Vector, nn, no_grad, optim

TYPE_CHECKING = False  # importing typing would only cost time
if TYPE_CHECKING:
    from typing import TypeAlias

    Document: TypeAlias = Sequence[int]  # token ids
    Optimizer: TypeAlias = optim.SGD | optim.Adam

GROUP = 64  # documents: larger groups cost less, smaller ones can be shared among more processes


# --8<-- [start:batch]
def batch_gradients(model: GPT, optimizer: Optimizer, documents: Sequence[Document]) -> list[float]:
    """Set the `grad` of the weights to that of the documents' mean loss; returns their losses."""
    share = 1 / len(documents)
    if len(documents) <= GROUP:
        return group_gradients(model, optimizer, documents, share)
    return add_groups(
        optimizer,
        (
            (group_gradients(model, optimizer, group, share), gradient(optimizer))
            for group in groups(documents)
        ),
    )


# --8<-- [end:batch]
def groups(documents: Sequence[Document]) -> list[Sequence[Document]]:
    return [documents[i : i + GROUP] for i in range(0, len(documents), GROUP)]


# --8<-- [start:group]
def group_gradients(
    model: GPT, optimizer: Optimizer, documents: Iterable[Document], share: float
) -> list[float]:
    """Set the `grad` of the weights to the sum of the documents' gradients, times that share.

    They add up in the weights, so that only one document's graph is in memory at a time.
    """
    optimizer.zero_grad()
    return [_add_gradient(model, tokens, share) for tokens in documents]


def _add_gradient(model: GPT, tokens: Document, share: float) -> float:
    # In a function, so that the graph is gone before the weights change: or they would be copied.
    loss = document_loss(model, tokens)
    loss.backward(share)
    return loss.data


# --8<-- [end:group]
def add_groups(optimizer: Optimizer, results: Iterable[tuple[list[float], Vector]]) -> list[float]:
    """Set the `grad` of the weights to the sum of the groups' gradients; returns all losses."""
    losses: list[float] = []
    total: Vector | None = None
    for group_losses, group_gradient in results:
        losses += group_losses
        total = group_gradient if total is None else _sum(total, group_gradient)
    if total is not None:
        for row, numbers in zip(optimizer.params, _cut(array("d", total.data), optimizer)):
            row.grad = numbers
    return losses


def _sum(a: Vector, b: Vector) -> Vector:
    with no_grad():
        return a + b


# Numbers of all weights, one after the other: as one row, and as cut into the rows of the weights.


def gradient(optimizer: Optimizer) -> Vector:
    """What stands in the `grad` of all weights, as one row."""
    with no_grad():
        return nn.concatenate([nn.vector(row.grad) for row in optimizer.params])


def set_weights(optimizer: Optimizer, numbers: Sequence[float]) -> None:
    for row, part in zip(optimizer.params, _cut(numbers, optimizer)):
        row.data = part


def _cut(numbers: Sequence[float], optimizer: Optimizer) -> Iterable[Sequence[float]]:
    start = 0
    for row in optimizer.params:
        yield numbers[start : start + len(row)]
        start += len(row)
