"""Derivatives without `backward`: `grad` returns gradients instead of storing them.

>>> from scalargrad import Value, grad
>>> x = Value(2.0)
>>> (slope,) = grad(x**3, x, create_graph=True)
>>> slope.data                                        # 3 x**2
12.0
>>> grad(slope, x)                                    # 6 x
(12.0,)

With `create_graph=True` they are Values that can be differentiated again: second derivatives,
Newton steps, gradient penalties. The second derivatives by several numbers are the Hessian:

>>> y = Value(1.0)
>>> slopes = grad(x**3 * y + y**2, [x, y], create_graph=True)
>>> [grad(slope, [x, y]) for slope in slopes]
[(12.0, 12.0), (12.0, 2.0)]

Without it, the engine runs its `backward` on gradients that nobody sees. With it, the same walk is
made here, and the rule of each operation is given Values and rows instead of floats: then what it
computes is a graph.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from math import isfinite, isnan

from scalargrad.engine import Value, Vector, concatenate, gradients, vector, weighted_sum
from scalargrad.engine.arguments import as_float, check_flag, count, describe, iterable, nested
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
    """The derivatives of `outputs` by `inputs`, as a tuple; no `.grad` is touched.

    Of `inputs`, a Value gives a float, a row gives a row, and what holds some of these gives a
    tuple of what they give; one Value or row stands for a sequence of one. What the outputs do not
    depend on gives 0. They are the very bits that `backward` adds to the gradients of leaves.

    `outputs` is a Value or a row, or a sequence of them, whose derivatives are added up.
    `grad_outputs` is what each is multiplied by, in the same form, with as many numbers for a row;
    it may be left out where all outputs are Values, and is 1 then.

    With `create_graph=True` the floats are Values with graphs of their own, and so are the numbers
    in the rows, so that `grad` can be applied to them in turn.

    Raises TypeError if something is neither a Value nor a row, ValueError if `grad_outputs` does
    not fit. With `create_graph=True` it raises ValueError if the graph holds an operation that is
    not scalargrad's own, whose local derivatives are plain numbers, or if a `data` on the way was
    changed after the forward pass. (`torch.autograd.grad`)

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
    alone = isinstance(outputs, (Value, Vector))
    ends: list[Any] = [outputs] if alone else list(iterable(outputs, "grad", "outputs"))
    upstreams = [grad_outputs] if alone else grad_outputs
    upstreams = _checked_upstreams(ends, None if grad_outputs is None else upstreams)
    check_flag(create_graph, "grad: create_graph")
    wanted = (inputs,) if isinstance(inputs, (Value, Vector)) else inputs
    if create_graph:
        return _derivatives_as_graphs(ends, upstreams, nested(wanted, (Value, Vector)))
    return gradients(ends, upstreams, wanted)  # type: ignore[no-any-return]


def _checked_upstreams(ends: list[Any], upstreams: Any) -> list[Any]:
    """What the gradient of each output begins with: a float, or a list of floats."""
    for i, end in enumerate(ends):
        if not isinstance(end, (Value, Vector)):
            raise TypeError(f"grad: outputs[{i}] must be a Value or a row, got {describe(end)}")
        if upstreams is None and isinstance(end, Vector):
            raise ValueError(
                f"grad: outputs[{i}] is a row; give grad_outputs, or take its .sum() or .mean()"
            )
    if upstreams is None:
        return [1.0] * len(ends)
    upstreams = list(iterable(upstreams, "grad", "grad_outputs"))
    if len(upstreams) != len(ends):
        raise ValueError(
            f"grad: outputs has {count(len(ends), 'item')} but grad_outputs has {len(upstreams)}; "
            "give one for each output"
        )
    return [
        _checked_upstream(e, u, f"grad_outputs[{i}]")
        for i, (e, u) in enumerate(zip(ends, upstreams))
    ]


def _checked_upstream(end: Value | Vector, upstream: Any, name: str) -> Any:
    if isinstance(end, Value):
        return as_float(upstream, f"grad: {name}")
    numbers = enumerate(list(iterable(upstream, "grad", name)))
    floats = [as_float(x, f"grad: {name}[{i}]") for i, x in numbers]
    if len(floats) != len(end):
        raise ValueError(
            f"grad: {name} has {count(len(floats))} for a row of {len(end)}; give one for each"
        )
    return floats


# With graphs: the walk of `backward`, over whole rows, with Values for floats.


def _derivatives_as_graphs(
    ends: Sequence[Any], upstreams: Sequence[Any], wanted: Any
) -> tuple[Any, ...]:
    graph = Graph(ends, leaves=False)
    gathered = _Gathered(graph, _leading(graph, wanted))
    for end, upstream in zip(ends, upstreams):
        gathered.add(end, Value(upstream) if isinstance(end, Value) else vector(upstream))
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
    matrices: dict[int, bool] = {}  # whether one of their rows leads there; most are met often
    for node in graph.order:
        for x in node.inputs:
            if isinstance(x, tuple):
                if id(x) not in matrices:
                    matrices[id(x)] = not leading.isdisjoint(graph.nodes_in(x))
                leads = matrices[id(x)]
            else:
                leads = not leading.isdisjoint(graph.nodes_in(x))
            if leads:
                leading.add(node)
                break
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


class _Term:
    """A contribution to the numbers of a row from `start` to `stop`: scale * row."""

    __slots__ = ("number", "row", "scale", "start", "stop")

    def __init__(self, number: int, start: int, stop: int, scale: Any, row: Any) -> None:
        self.number = number  # in the order in which backward adds them
        self.start, self.stop = start, stop
        self.scale, self.row = scale, row


class _Gathered:
    """The contributions to each node, of which its gradient is the sum."""

    def __init__(self, graph: Graph, leading: set[Node]) -> None:
        self.graph = graph
        self.leading = leading
        self.terms: dict[Node, list[_Term]] = {}
        self.sums: dict[Node, Any] = {}
        self.delayed: dict[int, tuple[tuple[Any, ...], list[tuple[int, ScaledByEach]]]] = {}
        self.count = 0

    def add(self, x: Any, contribution: Any) -> None:
        """Add to the gradient of an input: of a Value, a row, or a matrix."""
        if contribution is None:
            return
        if isinstance(x, tuple):
            self._add_to_matrix(x, contribution)
        elif isinstance(x, Vector) and x._place() is None:  # Values that live elsewhere
            if isinstance(contribution, Scaled):
                contribution = contribution.row * contribution.scale
            for value, number in zip(x, contribution):
                self.add(value, number)
        else:
            self._add_to_node(x, contribution)

    def _add_to_node(self, x: Value | Vector, contribution: Any) -> None:
        node = self.graph.node(x)
        if node not in self.leading:
            return
        place = x._place()
        start, stop, scale = 0, 1, None
        if place is not None and isinstance(x, Vector):
            start, stop = place[1:]
        elif place is not None:
            start, stop = place[1], place[1] + 1
            contribution = Vector([contribution])
        if isinstance(contribution, Scaled):
            scale, contribution = contribution.scale, contribution.row
        self.count += 1
        term = _Term(self.count, start, stop, scale, contribution)
        self.terms.setdefault(node, []).append(term)

    def _add_to_matrix(self, matrix: tuple[Any, ...], contributions: Any) -> None:
        if not isinstance(contributions, ScaledByEach):
            for row, contribution in zip(matrix, contributions):
                self.add(row, contribution)
        elif any(node.inputs for node in self.graph.nodes_in(matrix)):
            for row, scale in zip(matrix, contributions.scales):
                self.add(row, Scaled(scale, contributions.row))
        else:  # weights: many of these make one sum for each row, in the end
            self.count += 1
            self.delayed.setdefault(id(matrix), (matrix, []))[1].append((self.count, contributions))

    def add_delayed(self) -> None:
        for matrix, contributions in self.delayed.values():
            for i, row in enumerate(matrix):
                for number, each in contributions:
                    self.count = number - 1
                    self.add(row, Scaled(each.scales[i], each.row))

    def gradient(self, node: Node) -> Any:
        """A Value, or a row; None if nothing was handed to it."""
        if node not in self.sums and node in self.terms:
            terms = sorted(self.terms.pop(node), key=lambda term: term.number)
            if isinstance(node.result, Value):
                self.sums[node] = sum((term.row for term in terms[1:]), terms[0].row)
            else:
                self.sums[node] = _sum_of_row(terms, len(node.result))
        return self.sums.get(node)


def _sum_of_row(terms: list[_Term], length: int) -> Vector:
    """The sum of terms of which each has its part of the row: cut where one of them begins."""
    if not length:
        return Vector([])
    cuts = sorted({0, length, *(t.start for t in terms), *(t.stop for t in terms)})
    pieces: list[list[_Term]] = [[] for _ in cuts[1:]]
    for term in terms:
        for i in range(bisect_left(cuts, term.start), bisect_left(cuts, term.stop)):
            pieces[i].append(term)
    sums = [_sum_of_piece(piece, start, stop) for piece, start, stop in zip(pieces, cuts, cuts[1:])]
    return sums[0] if len(sums) == 1 else concatenate(sums)


def _sum_of_piece(terms: list[_Term], start: int, stop: int) -> Any:
    rows = [
        term.row
        if (start, stop) == (term.start, term.stop)
        else term.row[start - term.start : stop - term.start]
        for term in terms
    ]
    if not rows:
        return vector([0.0] * (stop - start))
    if len(rows) == 1:
        return rows[0] if terms[0].scale is None else rows[0] * terms[0].scale
    return weighted_sum([1.0 if term.scale is None else term.scale for term in terms], rows)


def _results(wanted: Any, gathered: _Gathered) -> Any:
    if isinstance(wanted, tuple):
        return tuple([_results(item, gathered) for item in wanted])
    place = wanted._place()
    if place is None and isinstance(wanted, Vector):
        return Vector([_results(value, gathered) for value in wanted])
    gradient = gathered.gradient(gathered.graph.node(wanted))
    if isinstance(wanted, Vector):
        return vector([0.0] * len(wanted)) if gradient is None else gradient[place[1] : place[2]]
    if gradient is None:
        return Value(0.0)
    return gradient if place is None else gradient[place[1]]
