"""Cross-entropy against a row of probabilities, in both engines."""

from __future__ import annotations

from collections.abc import Sequence

from scalargrad.engine import Value, Vector, dot, logsumexp
from scalargrad.engine.arguments import as_float, count, describe, is_real

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from scalargrad.engine.reference.value import RealNumber


def cross_entropy_of_row(logits: Vector, target: Sequence[Value | RealNumber]) -> Value:
    """sum_j target[j] * (logsumexp(logits) - logits[j])."""
    target = target if isinstance(target, Vector) else _row(list(target))
    if len(logits) != len(target):
        raise ValueError(
            f"cross_entropy: logits has {count(len(logits))} but target has {len(target)}; "
            "it must be an index, or have one probability for each"
        )
    # Less the largest, the logsumexp keeps the digits of what the others add.
    logits = logits - max(logits.data)
    return dot(logsumexp(logits) - logits, target)


def _row(target: list[Value | RealNumber]) -> Vector:
    for i, x in enumerate(target):
        if not is_real(x):
            raise TypeError(
                f"cross_entropy: target[{i}] must be a Value or a real number, got {describe(x)}"
            )
    named = [(x, f"cross_entropy: target[{i}]") for i, x in enumerate(target)]
    return Vector([x if isinstance(x, Value) else as_float(x, name) for x, name in named])
