"""Derivatives without `backward`: `grad` as a function, and `gradcheck` to test your own.

`grad` returns gradients instead of storing them, and with `create_graph=True` they are Values that
can be differentiated again: second derivatives, Newton steps, gradient penalties.

>>> from scalargrad import Value, grad
>>> x = Value(2.0)
>>> (slope,) = grad(x**3, [x], create_graph=True)
>>> slope.data                                        # 3 x**2
12.0
>>> grad(slope, [x])                                  # 6 x
(12.0,)

The second derivatives by several numbers, row by row, are the Hessian:

>>> y = Value(1.0)
>>> slopes = grad(x**3 * y + y**2, [x, y], create_graph=True)
>>> [grad(slope, [x, y]) for slope in slopes]
[(12.0, 12.0), (12.0, 2.0)]
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite, isnan

from scalargrad.checking import gradcheck
from scalargrad.engine import Value, dot, rmsnorm, softmax
from scalargrad.engine.arguments import check_flag, describe, iterable
from scalargrad.engine.reference.fused import FUSED_OPERATIONS, rms_factors
from scalargrad.engine.reference.operations import OPERATIONS
from scalargrad.engine.reference.vector import one_hot

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any, Literal, overload

__all__ = ["grad", "gradcheck"]


if TYPE_CHECKING:

    @overload
    def grad(
        output: Value, inputs: Value | Iterable[Value], create_graph: Literal[False] = False
    ) -> tuple[float, ...]: ...
    @overload
    def grad(
        output: Value, inputs: Value | Iterable[Value], create_graph: Literal[True]
    ) -> tuple[Value, ...]: ...
    @overload
    def grad(
        output: Value, inputs: Value | Iterable[Value], create_graph: bool
    ) -> tuple[float, ...] | tuple[Value, ...]: ...


def grad(
    output: Value, inputs: Value | Iterable[Value], create_graph: bool = False
) -> tuple[float, ...] | tuple[Value, ...]:
    """The derivative of `output` by each of `inputs`, as a tuple; no `.grad` is touched.

    An input that `output` does not depend on has derivative 0. With `create_graph=True` the
    derivatives are Values with graphs of their own, so that `grad` can be applied to them in turn;
    without, they are floats. One Value may stand for a sequence of one.

    Raises TypeError if `output` or an input is not a Value. With `create_graph=True` it raises
    ValueError if the graph holds an operation that is not scalargrad's own, whose local derivatives
    are plain numbers, or if a `data` on the way was changed after the forward pass.
    (`torch.autograd.grad`)

        >>> from scalargrad import Value, grad
        >>> x, y = Value(3.0), Value(4.0)
        >>> grad(x * x * y, [x, y])              # 2xy and x**2
        (24.0, 9.0)
        >>> dx, dy = grad(x * x * y, [x, y], create_graph=True)
        >>> grad(dx, [x, y])                     # 2y and 2x
        (8.0, 6.0)
    """
    wanted = _checked(output, inputs, create_graph)
    leading, order = _towards(output, set(wanted))
    contributions = _value_contributions if create_graph else _float_contributions
    zero, one = (Value(0.0), Value(1.0)) if create_graph else (0.0, 1.0)
    gradients: dict[Value, Any] = {output: one}
    for node, parents in reversed(order):
        for parent, share in zip(parents, contributions(node, parents, gradients[node])):
            if parent in leading:
                gradients[parent] = gradients[parent] + share if parent in gradients else share
    return tuple(gradients.get(x, zero) for x in wanted)


def _checked(output: Any, inputs: Any, create_graph: Any) -> list[Value]:
    if not isinstance(output, Value):
        raise TypeError(f"grad: output must be a Value, got {describe(output)}")
    check_flag(create_graph, "grad: create_graph")  # which is what grad(y, a, b) takes b for
    wanted = [inputs] if isinstance(inputs, Value) else list(iterable(inputs, "grad", "inputs"))
    for i, x in enumerate(wanted):
        if not isinstance(x, Value):
            raise TypeError(f"grad: inputs[{i}] must be a Value, got {describe(x)}")
    return wanted


def _towards(
    output: Value, wanted: set[Value]
) -> tuple[set[Value], list[tuple[Value, tuple[Value, ...]]]]:
    """The Values on a way from `wanted` to `output`; those with parents, inputs before results."""
    leading = set(wanted)
    order: list[tuple[Value, tuple[Value, ...]]] = []
    seen: set[Value] = set()
    stack: list[tuple[Value, tuple[Value, ...] | None]] = [(output, None)]
    while stack:
        node, parents = stack.pop()
        if parents is not None:  # all that it was made from has been seen
            if not leading.isdisjoint(parents):
                leading.add(node)
                order.append((node, parents))
        elif node not in seen:
            seen.add(node)
            parents = node.parents
            if parents:
                stack.append((node, parents))
                stack.extend((parent, None) for parent in parents)
    return leading, order


def _float_contributions(
    node: Value, parents: tuple[Value, ...], upstream: float
) -> Iterable[float]:
    return shares_of(node, node.local_grads, upstream)


def shares_of(node: Value, local_grads: Sequence[float], upstream: float) -> Iterable[float]:
    """What `backward` adds to the gradient of each parent of `node`."""
    if upstream == 0.0 and (node._origin() or ("",))[0] in ("linear", "dot"):
        return [0.0] * len(local_grads)  # nothing, not even 0 * inf
    return [local_grad * upstream for local_grad in local_grads]


def _value_contributions(
    node: Value, parents: tuple[Value, ...], upstream: Value
) -> Iterable[Value]:
    """The same as graphs: each operation's own derivative formula, applied to Values."""
    if node._origin() is None and node.op not in OPERATIONS:
        raise ValueError(
            f"grad: create_graph=True cannot differentiate through the operation {node.op!r}, "
            "whose local_grads are plain numbers; build it from scalargrad's own operations"
        )
    try:
        data, local_grads = _recomputed(node, parents)
        unchanged = all(map(_same, (data, *local_grads), (node.data, *node.local_grads)))
    except (ArithmeticError, TypeError, ValueError):
        unchanged = False
    if not unchanged:
        raise ValueError(
            f"grad: create_graph=True needs the data that {node.op!r} was computed from, but it "
            f"was changed after the forward pass, or {node.op!r} is not scalargrad's own operation"
        )
    return (upstream * local_grad for local_grad in local_grads)


def _same(now: Value | float, recorded: float) -> bool:
    number = now.data if isinstance(now, Value) else now
    return number == recorded or (isnan(number) and isnan(recorded))


def _recomputed(node: Value, parents: tuple[Value, ...]) -> tuple[float, Sequence[Any]]:
    """The data of a node, and its local derivatives as Values, from its parents' data today."""
    origin = node._origin()
    if origin is not None:
        return _fused_local_grads(node, *origin)
    operation = OPERATIONS[node.op]
    # At a pole a derivative may hold an inf that the operation itself would refuse to compute.
    data = operation.value(*(p.data for p in parents)) if isfinite(node.data) else node.data
    return data, operation.local_grads(node, *parents)


def _fused_local_grads(
    node: Value,
    name: str,
    rows: Sequence[Sequence[Value]],
    position: int,
    count: int,
    setting: float,
) -> tuple[float, Sequence[Any]]:
    """One result of a fused operation, and its derivatives by everything in its input rows."""
    x = rows[0]
    saved: Any = None
    data = node.data  # of linear and cross_entropy the derivatives tell whether the data changed
    if name == "softmax":
        saved = softmax(x)
        data = saved[position].data
    elif name == "cross_entropy":
        saved = softmax(x), int(setting)
    elif name == "rmsnorm":
        y = rmsnorm(x, setting)
        unit, scale = rms_factors(dot, x, setting)
        data, saved = y[position].data, (y, unit * scale)
    gradients = FUSED_OPERATIONS[name].vjp(dot, one_hot(position, count), rows, saved)
    return data, [gradient for row in gradients for gradient in row]
