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

from collections.abc import Callable, Sequence
from contextlib import suppress

from scalargrad.checking.differences import Comparison, as_number
from scalargrad.checking.students import holders, nodes_of, parents_of, watched
from scalargrad.engine import Value

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any

# One for each number on the way and each input: more than this would take too long.
_MOST_SLOPES = 20_000


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

    def is_cured(mend: Callable[[list[Any], Any], None]) -> bool:
        leaves, results = comparison.run(comparison.numbers)
        mend(leaves, results[k])
        results[k].backward()
        return not comparison.wrong(k, [leaf.grad for leaf in leaves])

    def restore_data(leaves: list[Any], result: Any) -> None:
        for leaf, number in zip(leaves, comparison.numbers):
            leaf.data = number

    def zero_grad(leaves: list[Any], result: Any) -> None:
        for node in [*leaves, *nodes_of(result, leaves, parents_of)]:
            node.grad = 0.0

    def begin(leaves: list[Any], result: Any) -> None:
        result.grad = 1.0

    leaves, _ = comparison.run(comparison.numbers)
    for i in wrong:
        name, leaf, number = comparison.names[i], leaves[i], comparison.numbers[i]
        if as_number(leaf.data) != number and is_cured(restore_data):
            return f"f changes {name}.data, from {number!r} to {leaf.data!r}, before backward"
        if leaf.grad and is_cured(zero_grad):
            return (
                f"zero_grad is missing: {name}.grad was {leaf.grad!r} before this backward, "
                "from an earlier one, and gradients add up"
            )
    if is_cured(begin):
        return "backward does not begin: the grad of the result itself must be set to 1"
    return ""


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
    result = graph.nodes[-1]
    if len(graph.nodes) * len(graph.leaves) > _MOST_SLOPES:
        return []
    if not isinstance(result, Value) and not graph.parents(result):
        return []  # it does not keep what it was made from, or not where we look
    for j in range(len(graph.nodes)):
        gradients = [as_number(grad) for grad in graph.check.gradients(j)]
        wrong = graph.check.wrong(j, gradients)
        if wrong:
            place, cause = original.described(j), ""
            with suppress(Exception):
                if graph.is_wrong_operation(j, gradients):
                    place += original.wrong_derivatives(j)
                cause = _cause(graph, original, j, gradients, wrong)
            return [f"first wrong: {place}", *([f"cause: {cause}"] if cause else [])]
    return []


def _cause(
    graph: _Graph, original: _Graph, j: int, gradients: Sequence[float], wrong: Sequence[int]
) -> str:
    _, accumulated = graph.record(j, accumulate=True)
    if not graph.check.wrong(j, accumulated):
        return (
            "a gradient is overwritten, with `grad = ...` instead of `grad += ...`: each use of a "
            "number adds a share"
        )
    moving = [i for a in graph.parents_at(j) for i, x in enumerate(graph.slopes(a)) if x]
    detached = [graph.check.names[i] for i in wrong if not gradients[i] and i not in moving]
    if detached:
        return (
            f"detached: it changes with {' and '.join(detached[:3])}, but nothing that it was made "
            "from does; a .data or a float was taken, or a parent left out, and no gradient flows "
            "back"
        )
    if all(graph.is_right_operation(v) for v in graph.below(j)):
        return _wrong_walk(graph, original, j, gradients)
    return ""


def _wrong_walk(graph: _Graph, original: _Graph, j: int, gradients: Sequence[float]) -> str:
    """What backward does instead of handing down what it could, once and in the right order."""
    nodes = [v for v in reversed(graph.below(j)) if any((graph.handed(v) or {}).values())]
    alone = [v for v in nodes if v in graph.unchained and graph.unmultiplied(j)[graph.at(v)] != 1.0]
    if alone and graph.agree(j, graph.unmultiplied(j), gradients):
        return (
            f"the chain rule is cut short: {original.described(alone[0])} hands down its "
            "derivative without multiplying it by the grad of the result (out.grad)"
        )
    log, _ = graph.record(j)
    for v in nodes:
        if v in graph.unchained:
            continue
        a, name = graph.at(v), original.described(v)
        handed, once = _times_of_reading(a, log), _times_of_reading(a, graph.record(v)[0])
        changed = [time for time, (target, _, _) in enumerate(log) if target == a]
        if not handed and changed and log[changed[-1]][1]:
            return (
                f"{name} gets a gradient and never hands it on: backward does not go on to it, "
                "or does not find it among the parents of what was made from it"
            )
        if handed and changed and handed[-1] < changed[-1]:
            return (
                f"the wrong order: {name} hands its gradient down before it has got all of it; "
                "walk in reverse topological order, from the result back"
            )
        if once and len(handed) > len(once) and len(handed) % len(once) == 0:
            times = len(handed) // len(once)
            return (
                f"{name} hands its gradient down {times} times; once is right, when it is all there"
            )
    return ""


def _times_of_reading(a: int, log: Log) -> list[int]:
    """When a gradient was read for the sake of another, and not to be added to."""
    return [time for time, (target, _, read) in enumerate(log) if a in read and target != a]


class _Graph:
    """The numbers on the way to a result, of anybody's class, each after what it was made from.

    `j` and `v` count them; `a` counts the leaves first and then them.
    """

    def __init__(self, comparison: Comparison, k: int) -> None:
        self._outer, self._k = comparison.run, k
        # What holds Values in a leaf, which was made from nothing, leads to what is made from it.
        leaves, _ = comparison.run(comparison.numbers)
        self._downstream = {name for leaf in leaves for name in holders(leaf)}
        self.check = Comparison(self.run, comparison.numbers, comparison.names, comparison.settings)
        self.leaves, self.nodes = self.run(comparison.numbers)
        self._index = {id(x): a for a, x in enumerate([*self.leaves, *self.nodes])}
        self._handed: dict[int, dict[int, float] | None] = {}
        self.unchained: set[int] = set()  # what hands down without a look at its own gradient

    def run(self, numbers: Sequence[float]) -> tuple[list[Any], list[Any]]:
        leaves, results = self._outer(numbers)
        return leaves, nodes_of(results[self._k], leaves, self.parents)

    def parents(self, node: Any) -> list[Any]:
        return parents_of(node, self._downstream)

    def parents_at(self, j: int) -> list[int]:
        return [self._index[id(parent)] for parent in self.parents(self.nodes[j])]

    def at(self, j: int) -> int:
        return len(self.leaves) + j

    def below(self, j: int) -> list[int]:
        """The nodes on the way to node j, and itself."""
        nodes = nodes_of(self.nodes[j], self.leaves, self.parents)
        return [self._index[id(node)] - len(self.leaves) for node in nodes]

    def described(self, j: int) -> str:
        """Such as: * of 2 and 3 = 6"""
        node = self.nodes[j]
        parents = [f"{as_number(parent.data):.6g}" for parent in self.parents(node)]
        operands = " and ".join(parents) if len(parents) <= 4 else f"{len(parents)} numbers"
        op = getattr(node, "op", "") or getattr(node, "_op", "")
        number = f"{as_number(node.data):.6g}"
        if not parents:
            return f"{number}, which has no parents"
        return f"{op} of {operands} = {number}" if op else f"{number}, made from {operands}"

    # What an operation hands down.

    def slopes(self, a: int) -> list[float]:
        """How a number changes with each leaf, by measurement."""
        if a < len(self.leaves):
            return [float(i == a) for i in range(len(self.leaves))]
        slopes = self.check.slopes(a - len(self.leaves))
        return [0.0 if abs(s.value) <= s.error else s.value for s in slopes]

    def handed(self, j: int) -> dict[int, float] | None:
        """What node j hands to each operand for a gradient of 1; None if that does not show."""
        if j not in self._handed:
            self._handed[j] = self._find_handed(j)
        return self._handed[j]

    def _find_handed(self, j: int) -> dict[int, float] | None:
        node, parents = self.nodes[j], self.parents_at(j)
        shares = dict.fromkeys(parents, 0.0)
        if isinstance(node, Value):  # our own backward is not in question
            for a, local_grad in zip(parents, node.local_grads):
                shares[a] += local_grad
            return shares
        # All gradients but that of node j read as 0. So what changes with that one, comes from it.
        (one, _), (zero, _) = (self.record(j, own=own) for own in (1.0, 0.0))
        uses = [a for v in self.below(j) for a in set(self.parents_at(v))]
        for a in shares:
            with_one, with_zero = (sum(x for t, x, _ in log if t == a) for log in (one, zero))
            shares[a] = with_one - with_zero
            added = sum(x for target, x, read in zero if target == a and a in read)
            if added and not shares[a]:
                if uses.count(a) > 1:
                    return None
                shares[a] = added
                self.unchained.add(j)
        return shares

    def is_right_operation(self, j: int) -> bool:
        return self._follows(j, self.slopes(self.at(j)))

    def is_wrong_operation(self, j: int, gradients: Sequence[float]) -> bool:
        """Whether it is what node j hands down that makes its gradients what they are."""
        return not self.is_right_operation(j) and self._follows(j, gradients)

    def _follows(self, j: int, gradients: Sequence[float]) -> bool:
        """Whether this is what comes of what node j hands down, if all before it is right."""
        handed = self.handed(j)
        if handed is None:
            return False
        come = [
            sum(share * slope for a, share in handed.items() if (slope := self.slopes(a)[i]))
            for i in range(len(self.leaves))
        ]
        return self.agree(j, come, gradients)

    def agree(self, j: int, left: Sequence[float], right: Sequence[float]) -> bool:
        return all(
            left[i] == right[i]
            or (left[i] != left[i] and right[i] != right[i])
            or abs(left[i] - right[i]) <= self.check.tolerance(j, i)
            for i in range(len(self.leaves))
        )

    def wrong_derivatives(self, j: int) -> str:
        """Those by operands that can be told apart, each having an input of its own."""
        handed, found = self.handed(j) or {}, []
        for p, (a, got) in enumerate(handed.items()):
            route = self.slopes(a)
            others = [self.slopes(b) for b in handed if b != a]
            own = [i for i, x in enumerate(route) if x and not any(other[i] for other in others)]
            if own:
                i = max(own, key=lambda i: abs(route[i]))
                expected = self.check.slopes(j)[i].value / route[i]
                if not abs(got - expected) * abs(route[i]) <= self.check.tolerance(j, i):
                    operand = self.check.names[a] if a < len(self.leaves) else f"operand {p + 1}"
                    found.append(f"by {operand} is {got:.6g} instead of {expected:.6g}")
        return f"; its derivative {', and '.join(found[:2])}" if found else ""

    def unmultiplied(self, j: int) -> list[float]:
        """Every gradient, if all hand down in the right order but some leave out their own."""
        grads = [0.0] * (len(self.leaves) + len(self.nodes))
        grads[self.at(j)] = 1.0
        for v in reversed(self.below(j)):
            factor = 1.0 if v in self.unchained else grads[self.at(v)]
            for a, share in (self.handed(v) or {}).items():
                grads[a] += share * factor
        return grads

    def record(
        self, j: int, own: float | None = None, accumulate: bool = False
    ) -> tuple[Log, list[Any]]:
        """What backward of node j writes, and the gradients of the leaves in the end.

        With `own`, the gradient of node j reads as that and all others as 0. With `accumulate`,
        whatever overwrites a gradient is added to it.
        """
        leaves, nodes = self.run(self.check.numbers)
        index = {id(x): a for a, x in enumerate([*leaves, *nodes])}
        grads: dict[int, float] = {}
        log: Log = []
        just_read: set[int] = set()

        def read(node: Any, grad: Any) -> Any:
            just_read.add(index[id(node)])
            return grad if own is None else own * (node is nodes[j])

        def write(node: Any, grad: Any) -> Any:
            a = index[id(node)]
            if accumulate and a not in just_read:
                grad = grads.get(a, 0.0) + as_number(grad)
            grads[a] = as_number(grad)
            log.append((a, grads[a], set(just_read)))
            just_read.clear()
            return grad

        with watched([*leaves, *nodes], read, write):
            nodes[j].backward()
        return log, [leaf.grad for leaf in leaves]


if TYPE_CHECKING:
    # For each write: of which gradient, the number, and which gradients were read just before.
    Log = list[tuple[int, float, set[int]]]
