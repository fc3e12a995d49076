"""What went wrong in a backward pass: where it first shows, and which mistake usually does that.

gradcheck only knows that a gradient is not what it should be. Here that is followed to its source,
by experiments with the very program that failed:

- every number on the way is taken for the result in turn; the first whose gradient is wrong names
  the operation (a number that moves with an input but has no parents is a lost gradient);
- a result times three must have gradients times three: if not, something ignores its upstream;
- a number added to the result must gain 1: if not, something overwrites a gradient;
- what a number hands down must be what it has gathered: if not, the order is wrong.

What is left is a wrong derivative; wrong_derivatives.py tells which. Numbers are slightly moved
first, so that 2 + 2 and 2 * 2 are no longer the same. No cause is named unless the numbers show it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set

from scalargrad.checking.differences import Comparison, as_number
from scalargrad.checking.wrong_derivatives import Operand, near, wrong_derivative
from scalargrad.engine import Value, Vector

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any

# One for each number on the way and each input: more than this would take too long.
_MOST_SLOPES = 20_000


def diagnose(
    comparison: Comparison, k: int, gradients: Sequence[Any], wrong: Sequence[int]
) -> list[str]:
    """Lines that say where the k-th result goes wrong and the usual cause, as far as they show."""
    cause = _misconduct(comparison, k, wrong)
    if cause:
        return [f"usual cause: {cause}"]
    moved = _moved(comparison, k, wrong)
    place = ""
    try:
        place, cause = _Graph(moved, k).first_wrong(_Graph(comparison, k))
    except Exception:  # whatever a broken program does in these experiments, the finding stands
        cause = ""
    if not cause and not place:
        operands = _operands(moved, k, moved.gradients(k))
        cause = wrong_derivative(operands, as_number(moved.run(moved.numbers)[1][k].data))
    return [text for text in (place, cause and f"usual cause: {cause}") if text]


def _misconduct(comparison: Comparison, k: int, wrong: Sequence[int]) -> str:
    """What can be seen from outside, before and after the backward pass."""
    leaves, results = comparison.run(comparison.numbers)
    for i in wrong:
        name, leaf, number = comparison.names[i], leaves[i], comparison.numbers[i]
        if as_number(leaf.data) != number:
            return f"f changes {name}.data, from {number!r} to {leaf.data!r}, before backward"
        if leaf.grad:
            return (
                f"zero_grad is missing: {name}.grad was {leaf.grad!r} before this backward, "
                "from an earlier one, and gradients add up"
            )
    result = results[k]
    result.backward()
    if not result.grad and all(not leaf.grad for leaf in leaves):
        return "backward does not begin: the grad of the result itself must be set to 1"
    return ""


def _moved(comparison: Comparison, k: int, wrong: Sequence[int]) -> Comparison:
    """The same program nearby, where numbers are only equal that have to be; if it fails there."""
    numbers = [
        x + (0.0004 + 0.001 * ((i + 1) * 0.618034 % 1.0)) * max(1.0, abs(x))
        for i, x in enumerate(comparison.numbers)
    ]
    nearby = Comparison(comparison.run, numbers, comparison.names, comparison.settings)
    try:
        if nearby.wrong(k, nearby.gradients(k)) == list(wrong):
            return nearby
    except Exception:
        pass
    return comparison


def _operands(comparison: Comparison, k: int, gradients: Sequence[Any]) -> list[Operand]:
    return [
        Operand(name, x, slope.value, as_number(grad), slope.error)
        for name, x, slope, grad in zip(
            comparison.names, comparison.numbers, comparison.slopes(k), gradients
        )
    ]


# Where it goes wrong.


class _Graph:
    """The numbers on the way to a result, of anybody's class, each after what it was made from."""

    def __init__(self, comparison: Comparison, k: int) -> None:
        self._outer = comparison.run
        self._k = k
        # What holds Values in a leaf, which was made from nothing, leads to what is made from it.
        leaves, _ = comparison.run(comparison.numbers)
        self._downstream = {
            name for leaf in leaves for name, held in _attributes(leaf).items() if _held(held, leaf)
        }
        self.check = Comparison(self.run, comparison.numbers, comparison.names, comparison.settings)
        leaves, self.nodes = self.run(comparison.numbers)
        self.leaves = {id(leaf): i for i, leaf in enumerate(leaves)}
        self._kept = leaves
        self.index = {id(node): j for j, node in enumerate(self.nodes)}

    def run(self, numbers: Sequence[float]) -> tuple[list[Any], list[Any]]:
        leaves, results = self._outer(numbers)
        return leaves, _nodes(results[self._k], leaves, self._parents)

    def _parents(self, node: Any) -> list[Any]:
        return _parents(node, self._downstream)

    def first_wrong(self, original: _Graph) -> tuple[str, str]:
        """Where on the way to the result it goes wrong first, and why; either may be empty."""
        if len(self.nodes) * len(self.leaves) > _MOST_SLOPES:
            return "", ""
        if not isinstance(self.nodes[-1], Value) and not self._parents(self.nodes[-1]):
            return "", ""  # it does not keep what it was made from, or not where we look
        triple = self._trusted_triple()
        for j in range(len(self.nodes)):
            gradients = self.check.gradients(j)
            wrong = self.check.wrong(j, gradients)
            if wrong:
                place = f"first wrong: {original.described(j)}"
                return place, self._cause(j, gradients, wrong)
            if triple and self._parents(self.nodes[j]) and not self._scales(j, gradients, triple):
                return (
                    f"first wrong: {original.described(j)}, when it is part of something else",
                    "the chain rule is cut short: this derivative is not multiplied by the grad "
                    "of the result (out.grad)",
                )
        return "", ""

    def described(self, j: int) -> str:
        """Such as: * of 2 and 3 = 6"""
        node = self.nodes[j]
        parents = [f"{as_number(parent.data):.6g}" for parent in self._parents(node)]
        operands = " and ".join(parents) if len(parents) <= 4 else f"{len(parents)} numbers"
        op = getattr(node, "op", "") or getattr(node, "_op", "")
        number = f"{as_number(node.data):.6g}"
        if not parents:
            return f"{number}, which has no parents"
        return f"{op} of {operands} = {number}" if op else f"{number}, made from {operands}"

    def _cause(self, j: int, gradients: Sequence[Any], wrong: Sequence[int]) -> str:
        node = self.nodes[j]
        if not self._parents(node):
            names = " and ".join(self.check.names[i] for i in wrong[:3])
            return (
                f"a detached branch: computed from {names} by way of .data or a float, so that no "
                "gradient flows back"
            )
        if not isinstance(node, Value):  # our own backward is not in question
            if self._overwrites(j):
                return (
                    "a gradient is overwritten, with `grad = ...` instead of `grad += ...`: each "
                    "use of a number adds a share"
                )
            if self._hands_down_too_early(j, gradients):
                return (
                    "the wrong order: a number used twice hands its gradient down too early, or "
                    "twice; walk in reverse topological order"
                )
        operands = self._local(j, gradients) or _operands(self.check, j, gradients)
        return wrong_derivative(operands, as_number(node.data))

    def _scales(self, j: int, gradients: Sequence[Any], triple: Callable[[Any], Any]) -> bool:
        leaves, nodes = self.run(self.check.numbers)
        triple(nodes[j]).backward()
        return all(
            near(as_number(leaf.grad), 3.0 * as_number(grad), self.check.tolerance(j, i))
            for i, (leaf, grad) in enumerate(zip(leaves, gradients))
        )

    def _overwrites(self, j: int) -> bool:
        """Whether something below node j loses the 1 that it gains by being added to it."""
        if not self._addition_is_right():
            return False
        for at in range(len(self.leaves) + j):
            grads = []
            for add in (False, True):
                leaves, nodes = self.run(self.check.numbers)
                number = [*leaves, *nodes][at]
                (nodes[j] + number if add else nodes[j]).backward()
                grads.append(as_number(number.grad))
            alone, gained = grads
            if not near(gained, alone + 1.0) and (near(gained, alone) or near(gained, 1.0)):
                return True
        return False

    def _addition_is_right(self) -> bool:
        try:
            (a, *_), (b, *_) = (self.run(self.check.numbers)[0] for _ in range(2))
            (a + b).backward()
        except Exception:
            return False
        return bool(a.grad == b.grad == 1.0)

    def _trusted_triple(self) -> Callable[[Any], Any] | None:
        """A way to write three times a Value of this class, if there is one that is right."""
        ways: tuple[Callable[[Any], Any], ...] = (lambda v: v * 3.0, lambda v: v * type(v)(3.0))
        for triple in ways:
            try:
                (leaf, *_), _ = self.run(self.check.numbers)
                triple(leaf).backward()
            except Exception:
                continue
            if leaf.grad == 3.0:
                return triple
        return None

    def _hands_down_too_early(self, j: int, gradients: Sequence[Any]) -> bool:
        """Whether the inputs got something else than what the only number above them gathered."""
        leaves, nodes = self.run(self.check.numbers)
        nodes[j].backward()
        for v in range(j):
            if not self._parents(nodes[v]):
                continue
            others = {id(x) for x in _nodes(nodes[j], [], self._parents, without=nodes[v])}
            for leaf, grad, slope in zip(leaves, gradients, self.check.slopes(v)):
                handed = as_number(nodes[v].grad) * slope.value
                if id(leaf) not in others and not near(as_number(grad), handed, slope.error):
                    return True
        return False

    def _local(self, j: int, gradients: Sequence[Any]) -> list[Operand]:
        """The derivatives of node j by its direct operands, where they can be told apart."""
        parents = list({id(parent): parent for parent in self._parents(self.nodes[j])}.values())
        routes = [self._slopes_of(parent) for parent in parents]
        expected = self.check.slopes(j)
        operands = []
        for p, parent in enumerate(parents):
            if not any(routes[p]):
                continue  # a constant
            own = [
                i
                for i in range(len(expected))
                if routes[p][i] and not any(r[i] for q, r in enumerate(routes) if q != p)
            ]
            if not own:
                return []
            i = max(own, key=lambda i: abs(routes[p][i]))
            route, error = routes[p][i], expected[i].error / abs(routes[p][i])
            name = (
                self.check.names[self.leaves[id(parent)]]
                if id(parent) in self.leaves
                else f"operand {p + 1}"
            )
            operands.append(
                Operand(
                    name,
                    as_number(parent.data),
                    expected[i].value / route,
                    as_number(gradients[i]) / route,
                    error,
                )
            )
        return operands

    def _slopes_of(self, number: Any) -> list[float]:
        if id(number) in self.leaves:
            return [float(i == self.leaves[id(number)]) for i in range(len(self.leaves))]
        slopes = self.check.slopes(self.index[id(number)])
        return [0.0 if abs(s.value) <= s.error else s.value for s in slopes]


def _nodes(
    result: Any,
    leaves: Sequence[Any],
    parents_of: Callable[[Any], list[Any]],
    without: Any = None,
) -> list[Any]:
    """What `result` was made from and itself, each after its parents; not the leaves given."""
    order: list[Any] = []
    seen = set(map(id, leaves))
    if without is not None:
        seen.add(id(without))
    stack: list[tuple[Any, bool]] = [(result, False)]
    while stack:
        node, expanded = stack.pop()
        if expanded:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack.extend((parent, False) for parent in reversed(parents_of(node)))
    return order


def _parents(node: Any, downstream: Set[str]) -> list[Any]:
    """What a Value was made from, whatever its class calls that."""
    if isinstance(node, Value):
        return list(node.parents)
    held = {
        name: values
        for name, attribute in _attributes(node).items()
        if name not in downstream and (values := _held(attribute, node))
    }
    rows = [values for name, values in held.items() if not _is_node(getattr(node, name), node)]
    if rows:
        return rows[0]
    if held:  # such as left and right
        return [value for values in held.values() for value in values]
    return [
        cell.cell_contents
        for attribute in _attributes(node).values()
        for cell in getattr(attribute, "__closure__", None) or ()
        if _is_node(cell.cell_contents, node)
    ]


def _attributes(node: Any) -> dict[str, Any]:
    slots = [name for kind in type(node).__mro__ for name in getattr(kind, "__slots__", ())]
    return {
        name: getattr(node, name, None)
        for name in dict.fromkeys([*getattr(node, "__dict__", {}), *slots])
    }


def _held(attribute: Any, node: Any) -> list[Any]:
    """A Value, or those in a row, be it of Values or of pairs of a Value and its derivative."""
    if isinstance(attribute, (set, frozenset)):  # in an order that is the same in every run
        return sorted((x for x in attribute if _is_node(x, node)), key=lambda x: as_number(x.data))
    items = attribute if isinstance(attribute, (list, tuple, Vector)) else [attribute]
    inner = [x for item in items for x in (item if isinstance(item, (list, tuple)) else [item])]
    return [x for x in inner if _is_node(x, node)]


def _is_node(x: Any, node: Any) -> bool:
    return x is not node and hasattr(x, "data") and hasattr(x, "grad")
