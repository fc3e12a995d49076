"""Cross-entropy against a row of probabilities, in both engines."""

from __future__ import annotations

from collections.abc import Sequence

from scalargrad.engine import Value, Vector, dot, logsumexp
from scalargrad.engine.arguments import count, values_and_floats

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from scalargrad.engine.reference.value import RealNumber


def cross_entropy_of_row(logits: Vector, target: Sequence[Value | RealNumber]) -> Value:
    """sum_j target[j] * (logsumexp(logits) - logits[j])."""
    if not isinstance(target, Vector):
        target = Vector(values_and_floats(list(target), Value, "cross_entropy", "target"))
    if len(logits) != len(target):
        raise ValueError(
            f"cross_entropy: logits has {count(len(logits))} but target has {len(target)}; "
            "it must be an index, or have one probability for each"
        )
    # Less the largest, the logsumexp keeps the digits of what the others add.
    logits = logits - max(logits.data)
    return dot(logsumexp(logits) - logits, target)
