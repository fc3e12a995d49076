"""What went wrong in a backward pass: where it first shows, and the cause, if it can be proved.

gradcheck only knows that a gradient is not what it should be. Every number on the way is taken for
the result in turn, and the first whose gradient is wrong names the operation. A cause is named only
if putting it right in the numbers gives the gradients that were measured:

- **a cure**: the program runs again with one thing mended, such as the 1 that backward begins with,
  or a gradient that is overwritten where it should be added to;
- **the operation**: what it hands to its operands gives just the gradients that came, and these are
  wrong, while all that it was made from is right;
- **the walk**: all operations hand down what they should, so that in the right order the gradients
  come out right. What backward does instead was watched.

Numbers are slightly moved first, so that 2 + 2 and 2 * 2 are no longer the same. A wrong cause is
worse than none: where nothing is proved, the place is all that is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from scalargrad.checking.differences import Comparison, as_number
from scalargrad.checking.students import enclosed, holders, nodes_of, parents_of, watched
from scalargrad.engine import Value

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any

    # Each write to a gradient: which, the number, and the gradients that were read just before.
    Log = list[tuple[int, float, set[int]]]

# The graph is computed again for each number on the way, and more often for each input.
_MOST_NODES, _MOST_SLOPES = 1_000, 20_000


def diagnose(comparison: Comparison, k: int, wrong: Sequence[int]) -> list[str]:
    """Lines that say where the k-th result goes wrong and the cause, as far as that is proved."""
    with suppress(Exception):  # whatever a broken program does here, the finding stands
        cause = _mended_before(comparison, k, wrong)
        if cause:
            return [f"cause: {cause}"]
        return _first_wrong(_Graph(_moved(comparison, k, wrong), k), _Graph(comparison, k))
    return []


def _mended_before(comparison: Comparison, k: int, wrong: Sequence[int]) -> str:
    """What is cured before the backward pass begins."""
    leaves, results = comparison.run(comparison.numbers)
    cause = "backward does not begin: the grad of the result itself must be set to 1"
    stale = [i for i in wrong if leaves[i].grad]
    for i in stale[:1]:
        cause = (
            f"zero_grad is missing: {comparison.names[i]}.grad was {leaves[i].grad!r} before this "
            "backward, from an earlier one, and gradients add up"
        )
        for node in [*leaves, *nodes_of(results[k], leaves, parents_of)]:
            node.grad = 0.0
    if not stale:
        results[k].grad = 1.0
    results[k].backward()
    return "" if comparison.wrong(k, [leaf.grad for leaf in leaves]) else cause


def _moved(comparison: Comparison, k: int, wrong: Sequence[int]) -> Comparison:
    """The same program nearby, where numbers are only equal that have to be; if it fails there."""
    numbers = [
        x + (0.0004 + 0.001 * ((i + 1) * 0.618034 % 1.0)) * max(1.0, abs(x))
        for i, x in enumerate(comparison.numbers)
    ]
    nearby = Comparison(comparison.run, numbers, comparison.names, comparison.settings)
    with suppress(Exception):
        if nearby.wrong(k, nearby.gradients(k)) == list(wrong):
            return nearby
    return comparison


def _first_wrong(graph: _Graph, original: _Graph) -> list[str]:
    """`graph` is looked into, and `original` has the numbers to show."""
    size = len(graph.nodes)
    if size > _MOST_NODES or size * graph.leaves > _MOST_SLOPES:
        return []
    if not isinstance(graph.nodes[-1], Value) and not graph.parents(size - 1):
        return []  # it does not keep what it was made from, or not where we look
    for j in range(graph.leaves, size):
        gradients = [as_number(grad) for grad in graph.check.gradients(j)]
        wrong = graph.check.wrong(j, gradients)
        if wrong:
            place, cause = original.described(j), ""
            with suppress(Exception):
                detail, cause = _cause(graph, original, j, gradients, wrong)
                place += detail
            return [f"first wrong: {place}", *([f"cause: {cause}"] if cause else [])]
    return []


def _cause(
    graph: _Graph, original: _Graph, j: int, gradients: Sequence[float], wrong: Sequence[int]
) -> tuple[str, str]:
    """What it hands down instead of what, and why; either may be empty."""
    ours = any(isinstance(node, Value) for node in graph.nodes)
    if not ours and not graph.check.wrong(j, graph.record(j, accumulate=True)[1]):
        cause = "a gradient is overwritten: use `grad += ...`, not `grad = ...`; gradients add up"
        return "", cause
    moving = [i for a in graph.parents(j) for i, x in enumerate(graph.slopes(a)) if x]
    detached = [graph.check.names[i] for i in wrong if not gradients[i] and i not in moving]
    if detached:
        return "", (
            f"detached: it changes with {' and '.join(detached[:3])}, but nothing that it was made "
            "from does; a .data or a float was taken, or a parent left out"
        )
    if graph.hands(j, gradients):
        return original.wrong_local_grads(j), ""
    if all(graph.hands(v, graph.slopes(v)) for v in graph.below(j)):
        return "", _wrong_walk(graph, original, j, gradients)
    return "", ""


def _wrong_walk(graph: _Graph, original: _Graph, j: int, gradients: Sequence[float]) -> str:
    """What backward does instead of handing down what it could, once and in the right order."""
    handed = {v: graph.handed(v) or {} for v in reversed(graph.below(j))}
    nodes = [v for v, local_grads in handed.items() if any(local_grads.values())]
    grads = [float(v == j) for v in range(len(graph.nodes))]
    for v in nodes:
        for a, local_grad in handed[v].items():
            grads[a] += local_grad * (1.0 if v in graph.unchained else grads[v])
    alone = [v for v in nodes if v in graph.unchained and grads[v] != 1.0]
    if alone and graph.agree(j, grads, gradients):
        return (
            f"the chain rule is cut short: {original.described(alone[0])} hands down its "
            "derivative, not multiplied by the grad of the result (out.grad)"
        )
    log, _ = graph.record(j)
    for v in nodes:
        name = original.described(v)
        reads, once = _times_of_reading(v, log), len(_times_of_reading(v, graph.record(v)[0]))
        changes = [time for time, (target, _, _) in enumerate(log) if target == v]
        if not once or not changes or not log[changes[-1]][1]:
            continue
        if not reads:
            return (
                f"{name} gets a gradient and never hands it on; does backward get there, and is it "
                "among the parents of what was made from it?"
            )
        if reads[-1] < changes[-1]:
            return (
                f"the wrong order: {name} hands its gradient down before it has got all of it; "
                "walk in reverse topological order, from the result back"
            )
        if len(reads) > once and len(reads) % once == 0:
            times = len(reads) // once
            return f"{name} hands its gradient down {times} times; once is right, when all is there"
    return ""


def _times_of_reading(v: int, log: Log) -> list[int]:
    """When a gradient was read for the sake of another, and not to be added to."""
    return [time for time, (target, _, read) in enumerate(log) if v in read and target != v]


class _Graph:
    """The leaves, and all numbers from there to a result, each after what it was made from."""

    def __init__(self, comparison: Comparison, k: int) -> None:
        self._outer, self._k = comparison.run, k
        # What holds Values in a leaf, which was made from nothing, leads to what is made from it.
        leaves, _ = comparison.run(comparison.numbers)
        self._downstream = {name for leaf in leaves for name in holders(leaf)}
        self.check = Comparison(self.run, comparison.numbers, comparison.names, comparison.settings)
        self.leaves, self.nodes = len(leaves), self.run(comparison.numbers)[1]
        self.unchained: set[int] = set()  # what hands down without a look at its own gradient
        self._index = {id(node): v for v, node in enumerate(self.nodes)}

    def run(self, numbers: Sequence[float]) -> tuple[list[Any], list[Any]]:
        leaves, results = self._outer(numbers)
        return leaves, [*leaves, *nodes_of(results[self._k], leaves, self._parents_of)]

    def _parents_of(self, node: Any) -> list[Any]:
        return parents_of(node, self._downstream)

    def parents(self, v: int) -> list[int]:
        return [self._index[id(parent)] for parent in self._parents_of(self.nodes[v])]

    def below(self, j: int) -> list[int]:
        """The numbers on the way to the j-th, and itself."""
        nodes = nodes_of(self.nodes[j], self.nodes[: self.leaves], self._parents_of)
        return [self._index[id(node)] for node in nodes]

    def described(self, v: int) -> str:
        """Such as: * of 2 and 3 = 6"""
        parents = [f"{as_number(self.nodes[a].data):.6g}" for a in self.parents(v)]
        operands = " and ".join(parents) if len(parents) <= 4 else f"{len(parents)} numbers"
        op = getattr(self.nodes[v], "op", "") or getattr(self.nodes[v], "_op", "")
        number = f"{as_number(self.nodes[v].data):.6g}"
        if not parents:
            return f"{number}, which has no parents"
        return f"{op} of {operands} = {number}" if op else f"{number} (made from {operands})"

    def slopes(self, v: int) -> list[float]:
        return [0.0 if abs(s.value) <= s.error else s.value for s in self.check.slopes(v)]

    def handed(self, j: int) -> dict[int, float] | None:
        """The local derivative that node j uses for each operand; None if that does not show."""
        node, found = self.nodes[j], dict.fromkeys(self.parents(j), 0.0)
        if isinstance(node, Value):  # our own backward is not in question
            for a, local_grad in zip(self.parents(j), node.local_grads):
                found[a] += local_grad
            return found
        # All gradients but that of node j read as 0. So what changes with that one, comes from it.
        (one, _), (zero, _) = (self.record(j, own=own) for own in (1.0, 0.0))
        is_read = any(j in read for _, _, read in one)
        if not is_read and any(a in found and a not in read for a, _, read in zero):
            return None  # gradients are kept elsewhere, and only written down here
        uses = [a for v in self.below(j) for a in set(self.parents(v))]
        for a in found:
            if isinstance(self.nodes[a], Value):
                return None  # it cannot be watched
            added = sum(number for target, number, read in zero if target == a and a in read)
            with_one, with_zero = (sum(x for t, x, _ in log if t == a) for log in (one, zero))
            found[a] = with_one - with_zero
            if added and not found[a]:
                if uses.count(a) > 1:
                    return None
                found[a] = added
                self.unchained.add(j)
        return found

    def hands(self, j: int, gradients: Sequence[float]) -> bool:
        """Whether these come of what node j hands down, if all that it was made from is right."""
        local_grads = self.handed(j)
        if local_grads is None:
            return False
        expected = [0.0] * self.leaves
        for a, local_grad in local_grads.items():
            for i, slope in enumerate(self.slopes(a)):
                expected[i] += local_grad * slope if slope else 0.0
        return self.agree(j, expected, gradients)

    def agree(self, j: int, left: Sequence[float], right: Sequence[float]) -> bool:
        return all(
            str(x) == str(y) or abs(x - y) <= self.check.tolerance(j, i)  # nan is nan
            for i, (x, y) in enumerate(zip(left, right))
        )

    def wrong_local_grads(self, j: int) -> str:
        """In words, for the operands that can be told apart: each has an input of its own."""
        local_grads, found = self.handed(j) or {}, []
        if any(self._index.get(id(x)) not in local_grads for x in enclosed(self.nodes[j])):
            return ""  # what hands down refers to something else: a parent was left out
        for p, (a, got) in enumerate(local_grads.items()):
            others = [self.slopes(b) for b in local_grads if b != a]
            for i, (route, slope) in enumerate(zip(self.slopes(a), self.check.slopes(j))):
                if route and not slope.is_kink and not any(other[i] for other in others):
                    expected = slope.value / route
                    operand = self.check.names[a] if a < self.leaves else f"operand {p + 1}"
                    if not abs(got - expected) * abs(route) <= self.check.tolerance(j, i):
                        found.append(f"{got:.6g} instead of {expected:.6g} to {operand}")
                    break
        return f"; for a grad of 1 it hands {', and '.join(found[:2])}" if found else ""

    def record(
        self, j: int, own: float | None = None, accumulate: bool = False
    ) -> tuple[Log, list[Any]]:
        """What backward of node j writes, and the gradients of the leaves in the end.

        With `own`, the gradient of node j reads as that and all others as 0. With `accumulate`,
        whatever overwrites a gradient is added to it.
        """
        leaves, nodes = self.run(self.check.numbers)
        index = {id(node): v for v, node in enumerate(nodes)}
        grads = [node.grad for node in nodes]
        log: Log = []
        just_read: set[int] = set()

        def get(node: Any) -> Any:
            v = index[id(node)]
            just_read.add(v)
            return grads[v] if own is None else own * (v == j)

        def put(node: Any, grad: Any) -> None:
            v = index[id(node)]
            overwrites = accumulate and grad and v not in just_read  # and does not set it back to 0
            grads[v] = as_number(grads[v]) + as_number(grad) if overwrites else grad
            log.append((v, as_number(grads[v]), set(just_read)))
            just_read.clear()

        with watched(nodes, get, put):
            nodes[j].backward()
        log.append((-1, 0.0, just_read))  # what was read last
        return log, grads[: len(leaves)]
