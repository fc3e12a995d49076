"""Derivatives without `backward`: `grad` returns gradients instead of storing them.

>>> from scalargrad import Value, grad
>>> x = Value(2.0)
>>> (slope,) = grad(x**3, x, create_graph=True)
>>> slope.data                                        # 3 x**2
12.0
>>> grad(slope, x)                                    # 6 x
(12.0,)

With `create_graph=True` they are Values that can be differentiated again: second derivatives,
Newton steps, gradient penalties. The second derivatives with respect to several inputs are the
Hessian:

>>> y = Value(1.0)
>>> slopes = grad(x**3 * y + y**2, [x, y], create_graph=True)
>>> [grad(slope, [x, y]) for slope in slopes]
[(12.0, 12.0), (12.0, 2.0)]

Without it, the engine runs its `backward` on gradients that nobody sees. With it, the same walk is
made here, and the rule of each operation is given Values and rows instead of floats, so that what
it computes is a graph.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from math import isfinite, isnan
from operator import itemgetter

from scalargrad.engine import Value, Vector, concatenate, gradients, weighted_sum
from scalargrad.engine.arguments import (
    as_float,
    as_floats,
    check_flag,
    count,
    describe,
    is_real,
    iterable,
    nested,
)
from scalargrad.engine.reference.floats import Scaled, ScaledByEach, number_of
from scalargrad.engine.reference.fused import ROW_OPERATIONS
from scalargrad.engine.reference.operations import OPERATIONS
from scalargrad.walking import Graph, Node

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    # A Value, a row, or a sequence of these, however deep.
    Nested: TypeAlias = Value | Vector | Iterable[Any]

__all__ = ["grad"]


def grad(
    outputs: Value | Vector | Iterable[Value | Vector],
    inputs: Nested,
    *,
    grad_outputs: Any = None,
    create_graph: bool = False,
) -> tuple[Any, ...]:
    """The derivatives of `outputs` with respect to `inputs`, as a tuple; no `.grad` is touched.

    They have exactly the bits that `backward` adds to the gradients of leaves.
    (`torch.autograd.grad`)

    Args:
        outputs: A Value or a row, or a sequence of them, whose derivatives are added up.
        inputs: For a Value you get a float, for a row a row, and for a sequence of these a tuple of
            their results. A single Value or row counts as a sequence of one. An input that the
            outputs do not depend on gives 0.
        grad_outputs: What the derivatives of each output are multiplied by, in the form of
            `outputs`, with one number for each number of a row. If all outputs are Values, you may
            leave it out; it is then 1.
        create_graph: Whether the results are Values with graphs of their own instead of floats,
            also in the rows, so that they can be differentiated again.

    Raises:
        TypeError: If something is neither a Value nor a row.
        ValueError: If `grad_outputs` does not fit. With `create_graph`, also if the graph holds an
            operation that is not scalargrad's own, whose local derivatives are plain numbers, or if
            any `data` that it needs was changed after the forward pass.

    Examples:
        >>> from scalargrad import Value, grad, nn
        >>> x, y = Value(3.0), Value(4.0)
        >>> grad(x * x * y, [x, y])              # 2xy and x**2
        (24.0, 9.0)
        >>> dx, dy = grad(x * x * y, [x, y], create_graph=True)
        >>> grad(dx, [x, y])                     # 2y and 2x
        (8.0, 6.0)
        >>> row = nn.vector([1.0, 2.0])
        >>> grad((row**2).sum(), row)
        (Vector([2.0, 4.0]),)
    """
    if isinstance(outputs, (Value, Vector)):
        outputs, grad_outputs = [outputs], None if grad_outputs is None else [grad_outputs]
    if is_real(outputs):
        raise _no_output("outputs", outputs, "a Value or a row, or a sequence of them")
    outputs = list(iterable(outputs, "grad", "outputs"))
    upstreams = _checked_upstreams(outputs, grad_outputs)
    check_flag(create_graph, "grad: create_graph")
    wanted = (inputs,) if isinstance(inputs, (Value, Vector)) else inputs
    if create_graph:
        return _derivatives_as_graphs(outputs, upstreams, nested(wanted, (Value, Vector)))
    return gradients(outputs, upstreams, wanted)  # type: ignore[no-any-return]


def _checked_upstreams(outputs: list[Any], grad_outputs: Any) -> list[Any]:
    """What the gradient of each output begins with: a float, or a list of floats."""
    for i, output in enumerate(outputs):
        if not isinstance(output, (Value, Vector)):
            raise _no_output(f"outputs[{i}]", output, "a Value or a row")
        if grad_outputs is None and isinstance(output, Vector):
            raise ValueError(
                f"grad: outputs[{i}] is a row; give grad_outputs, or take its .sum() or .mean()"
            )
    if grad_outputs is None:
        return [1.0] * len(outputs)
    upstreams = list(iterable(grad_outputs, "grad", "grad_outputs"))
    if len(upstreams) != len(outputs):
        raise ValueError(
            f"grad: outputs has {count(len(outputs), 'item')} but grad_outputs has "
            f"{len(upstreams)}; give one for each output"
        )
    return [
        _checked_upstream(output, upstream, f"grad_outputs[{i}]")
        for i, (output, upstream) in enumerate(zip(outputs, upstreams))
    ]


def _no_output(argument: str, x: Any, expected: str) -> TypeError:
    why = "; a derivative has a graph only with create_graph=True" if isinstance(x, float) else ""
    return TypeError(f"grad: {argument} must be {expected}, got {describe(x)}{why}")


def _checked_upstream(output: Value | Vector, upstream: Any, name: str) -> Any:
    if isinstance(output, Value):
        return as_float(upstream, f"grad: {name}")
    floats = as_floats(upstream, "grad", name)
    if len(floats) != len(output):
        raise ValueError(
            f"grad: {name} has {count(len(floats))} for a row of {len(output)}; give one for each"
        )
    return floats


# With graphs: the walk of `backward`, over whole rows, with Values for floats.


def _derivatives_as_graphs(
    outputs: Sequence[Any], upstreams: Sequence[Any], wanted: Any
) -> tuple[Any, ...]:
    graph = Graph(outputs, leaves=False)
    gathered = _Gathered(graph, _leading(graph, wanted))
    for output, upstream in zip(outputs, upstreams):
        gathered.add(output, Value(upstream) if isinstance(output, Value) else Vector(upstream))
    for node in reversed(graph.order):
        gradient = gathered.gradient(node)
        if gradient is not None:
            for x, contribution in zip(node.inputs, _contributions(node, gradient)):
                gathered.add(x, contribution)
    gathered.add_delayed()
    return _results(wanted, gathered)  # type: ignore[no-any-return]


def _leading(graph: Graph, wanted: Any) -> set[Node]:
    """The nodes on a way from `wanted` to the outputs."""
    leading = set(graph.nodes_in(wanted))
    matrices: dict[int, bool] = {}  # what was found out about them; most are met often

    def leads(x: Any) -> bool:
        if not isinstance(x, tuple):
            return not leading.isdisjoint(graph.nodes_in(x))
        if id(x) not in matrices:
            matrices[id(x)] = not leading.isdisjoint(graph.nodes_in(x))
        return matrices[id(x)]

    for node in graph.order:
        if any(map(leads, node.inputs)):
            leading.add(node)
    return leading


def _contributions(node: Node, gradient: Any) -> Sequence[Any]:
    """What `backward` would add to the gradients of the inputs, as a graph."""
    if node.op is None:
        return _hand_made_contributions(node, gradient)
    if isinstance(node.result, Value):
        return _scalar_contributions(node, gradient)
    if not node.result._unchanged():
        raise _changed(node)
    if node.op in OPERATIONS:
        return OPERATIONS[node.op].vjp(gradient, node.result, node.inputs, None)
    operation = ROW_OPERATIONS[node.op]
    saved = operation.saved_again(node.inputs[0], node.setting)
    return operation.vjp(gradient, node.result, node.inputs, saved)


def _hand_made_contributions(node: Node, gradient: Value) -> Sequence[Any]:
    """Of an operation made by hand, whose local derivatives were given as Values."""
    local_grads = node.setting or node.result.local_grads
    for i, (given, number) in enumerate(zip(local_grads, node.result.local_grads)):
        if not isinstance(given, Value):
            raise ValueError(
                f"grad: create_graph=True needs a graph of each local derivative, but that of "
                f"{node.result.op!r} by parents[{i}] is a plain number; build the operation from "
                f"scalargrad's own, or give local_grads as Values, a constant as Value({given!r})"
            )
        if given.data != number and not (isnan(given.data) and isnan(number)):
            raise _changed(node)
    return [d * gradient for d in local_grads]


def _scalar_contributions(node: Node, gradient: Value) -> Sequence[Any]:
    operation, result = OPERATIONS[str(node.op)], node.result
    try:
        # At a pole a derivative may hold an inf that the operation itself would refuse to compute.
        numbers = [x.data for x in node.inputs]
        data = operation.value(*numbers) if isfinite(result.data) else result.data
        local_grads = operation.local_grads(result, *node.inputs)
        now, then = (data, *map(number_of, local_grads)), (result.data, *result.local_grads)
        unchanged = all(a == b or (isnan(a) and isnan(b)) for a, b in zip(now, then))
    except (ArithmeticError, TypeError, ValueError):
        unchanged = False
    if not unchanged:
        raise _changed(node)
    not_taken = 0.0 if operation.branches else None
    return [None if d == not_taken else d * gradient for d in local_grads]


def _changed(node: Node) -> ValueError:
    op = node.op or node.result.op
    return ValueError(
        f"grad: create_graph=True needs the data that {op!r} was computed from, but it was "
        "changed after the forward pass"
    )


class _Terms:
    """Contributions to the numbers of a row from `start` to `stop`: scales[i] * rows[i].

    `turns[i]` says when each is added: sums have the bits of `backward` only in its order.
    """

    __slots__ = ("rows", "scales", "start", "stop", "turns")

    def __init__(
        self, start: int, stop: int, turns: Sequence[int], scales: Sequence[Any], rows: Any
    ) -> None:
        self.start, self.stop, self.turns = start, stop, turns
        self.scales, self.rows = scales, rows


class _Gathered:
    """The contributions to each node, of which its gradient is the sum."""

    def __init__(self, graph: Graph, leading: set[Node]) -> None:
        self.graph = graph
        self.leading = leading
        self.terms: dict[Node, list[_Terms]] = {}
        self.sums: dict[Node, Any] = {}
        self.delayed: dict[int, tuple[tuple[Any, ...], list[tuple[int, ScaledByEach]]]] = {}
        self.turn = 0

    def add(self, x: Any, contribution: Any) -> None:
        """Add to the gradient of an input: of a Value, a row, or a matrix."""
        if contribution is None:
            return
        if isinstance(x, tuple):
            self._add_to_matrix(x, contribution)
            return
        place = x._place()
        if isinstance(x, Value):
            start, stop = (0, 1) if place is None else (place[1], place[1] + 1)
            contribution = contribution if place is None else Vector([contribution])
        elif place is None:  # Values that live elsewhere, in a row
            if isinstance(contribution, Scaled):
                contribution = contribution.row * contribution.scale
            for value, number in zip(x, contribution):
                self.add(value, number)
            return
        else:
            start, stop = place[1:]
        scale = 1.0
        if isinstance(contribution, Scaled):
            scale, contribution = contribution.scale, contribution.row
        self.turn += 1
        self._add_terms(x, _Terms(start, stop, (self.turn,), (scale,), (contribution,)))

    def _add_terms(self, x: Value | Vector, terms: _Terms) -> None:
        node = self.graph.node(x)
        if node in self.leading:
            self.terms.setdefault(node, []).append(terms)

    def _add_to_matrix(self, matrix: tuple[Any, ...], contributions: Any) -> None:
        if not isinstance(contributions, ScaledByEach):
            for row, contribution in zip(matrix, contributions):
                self.add(row, contribution)
        elif id(matrix) not in self.delayed and self._is_made_of_others(matrix):
            for row, scale in zip(matrix, contributions.scales):
                self.add(row, Scaled(scale, contributions.row))
        else:  # weights: many of these make one sum for each row, in the end
            self.turn += 1
            self.delayed.setdefault(id(matrix), (matrix, []))[1].append((self.turn, contributions))

    def _is_made_of_others(self, matrix: tuple[Any, ...]) -> bool:
        """Whether its rows were computed, or hold Values that live elsewhere."""
        return bool(self.graph.computed_in(matrix)) or any(row._place() is None for row in matrix)

    def add_delayed(self) -> None:
        """Add what was put aside for the rows of weights."""
        for matrix, contributions in self.delayed.values():
            turns = [turn for turn, _ in contributions]
            rows = [each.row for _, each in contributions]
            for row, scales in zip(matrix, zip(*(each.scales for _, each in contributions))):
                _, start, stop = row._place()
                self._add_terms(row, _Terms(start, stop, turns, scales, rows))

    def gradient(self, node: Node) -> Any:
        """A Value, or a row; None if nothing was handed to it."""
        if node not in self.sums and node in self.terms:
            terms = self.terms.pop(node)
            if isinstance(node.result, Value):
                first, *others = [number for term in terms for number in term.rows]
                self.sums[node] = sum(others, first)
            else:
                self.sums[node] = _sum_of_row(terms, len(node.result))
        return self.sums.get(node)


def _sum_of_row(terms: list[_Terms], length: int) -> Any:
    """The sum of terms, each for a part of the row: cut where one of them begins or ends."""
    if len(terms) == 1 and terms[0].stop - terms[0].start == length:
        return _weighted(terms[0].scales, terms[0].rows)
    cuts = sorted({0, length, *(t.start for t in terms), *(t.stop for t in terms)})
    pieces: list[list[tuple[int, Any, Any]]] = [[] for _ in cuts[1:]]
    for term in terms:
        for i in range(bisect_left(cuts, term.start), bisect_left(cuts, term.stop)):
            part = slice(cuts[i] - term.start, cuts[i + 1] - term.start)
            pieces[i] += zip(term.turns, term.scales, [row[part] for row in term.rows])
    sums: list[Any] = []
    for start, stop, piece in zip(cuts, cuts[1:], pieces):
        _, scales, rows = zip(*sorted(piece, key=itemgetter(0))) if piece else ((), (), ())
        sums.append(_weighted(scales, rows) if rows else Vector([0.0] * (stop - start)))
    return concatenate(sums) if sums else Vector([])


def _weighted(scales: Sequence[Any], rows: Sequence[Any]) -> Any:
    """scales[0] * rows[0] + scales[1] * rows[1] + ...; a single scale may be a plain 1.0."""
    if len(rows) > 1:
        return weighted_sum(scales, rows)
    return rows[0] if isinstance(scales[0], float) else rows[0] * scales[0]


def _results(wanted: Any, gathered: _Gathered) -> Any:
    """The gradients, in the form of `wanted`."""
    if isinstance(wanted, tuple):
        return tuple([_results(item, gathered) for item in wanted])
    place = wanted._place()
    if place is None and isinstance(wanted, Vector):
        return Vector([_results(value, gathered) for value in wanted])
    gradient = gathered.gradient(gathered.graph.node(wanted))
    if isinstance(wanted, Vector):
        return Vector([0.0] * len(wanted)) if gradient is None else gradient[place[1] : place[2]]
    if gradient is None:
        return Value(0.0)
    return gradient if place is None else gradient[place[1]]
