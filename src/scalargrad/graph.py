"""See the graph: as a picture for Graphviz or Mermaid, or as a ledger of the backward pass.

>>> from scalargrad import Value, graph
>>> x = Value(3.0, label="x")
>>> y = x * x + 2.0 * x
>>> print(graph.explain(y))
node  op  upstream     local     contribution      parent  grad
v4    +          1  *      1  =             1  ->  v1         1
                 1  *      1  =             1  ->  v3         1
v1    *          1  *      3  =             3  ->  x          3
                 1  *      3  =             3  ->  x          6
v3    *          1  *      3  =             3  ->  v2         3
                 1  *      2  =             2  ->  x          8

`print(graph.to_mermaid(y))` gives a text that GitHub, JupyterLab and mkdocs show as a picture,
`to_dot` one for Graphviz. They need nothing installed, and change nothing. In a notebook a computed
Value that ends a cell is shown as its picture.

`ledger` gives the lines of `explain` as data.

A number is named by its `label`. Those without one are v1, v2, ... from the inputs on, and v4[2] is
the third number of the row v4, or w[2] of a row with the label w; all functions give it the same
name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from math import isfinite

from scalargrad.engine import Value, gradients
from scalargrad.engine.arguments import as_float, check_flag, describe
from scalargrad.engine.reference.operations import OPERATIONS
from scalargrad.walking import topological_order

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import NamedTuple, TypeAlias

    # Every Value on the way, and what it was made from.
    Parents: TypeAlias = dict[Value, tuple[Value, ...]]
    # The numbers of a row that are on the way, in order. A Value that is not in a row is its own.
    Row: TypeAlias = tuple[Value, ...]
    # The lines of text in it, and whether it is a leaf.
    Box: TypeAlias = tuple[list[str], bool]

    class Edge(NamedTuple):
        node: str
        op: str
        upstream: float
        local: float
        contribution: float
        parent: str
        grad: float
else:
    from collections import namedtuple

    Edge = namedtuple("Edge", ("node", "op", "upstream", "local", "contribution", "parent", "grad"))
Edge.__doc__ = """One line of the ledger: what a node handed to one of its parents.

`node` and `parent` are names, `contribution` is upstream * local, and `grad` is what the parent
has gathered by then.
"""

__all__ = ["Edge", "explain", "first_nonfinite", "ledger", "to_dot", "to_mermaid"]


def to_dot(v: Value, *, fused: bool = True, max_nodes: int = 200) -> str:
    """The graph that `v` was computed by, in Graphviz's language: `dot -Tsvg` makes a picture.

    One box per Value, with its name, operation, data and grad to four digits; leaves are rounded.
    A row that was made in one go (by `linear`, `softmax`, `matrix`, ...) is one box, or with
    `fused=False` one for each of its numbers. The same graph always gives the same text.

    Raises TypeError if `v` is not a Value, and ValueError for more than `max_nodes` boxes.

        >>> from scalargrad import Value, graph
        >>> print(graph.to_dot(Value(2.0, label="x").exp()))
        digraph {
          rankdir=LR
          node [shape=box, fontname="sans-serif"]
          n1 [label="x\\ndata 2\\ngrad 0", style=rounded]
          n2 [label="v1 (exp)\\ndata 7.389\\ngrad 0"]
          n1 -> n2
        }
    """
    boxes, arrows = _picture("to_dot", v, fused, max_nodes)
    lines = ["digraph {", "  rankdir=LR", '  node [shape=box, fontname="sans-serif"]']
    for i, (text, is_leaf) in enumerate(boxes, 1):
        label = "\\n".join(line.translate(_DOT_ESCAPES) for line in text)
        lines.append(f'  n{i} [label="{label}"{", style=rounded" if is_leaf else ""}]')
    lines += [f"  n{start} -> n{end}" for start, end in arrows]
    return "\n".join([*lines, "}"])


def to_mermaid(v: Value, *, fused: bool = True, max_nodes: int = 200) -> str:
    """The graph that `v` was computed by, as a Mermaid flowchart: as `to_dot` in all else.

    GitHub, JupyterLab and mkdocs draw it in a fenced block marked `mermaid`.

        >>> from scalargrad import Value, graph
        >>> print(graph.to_mermaid(Value(2.0, label="x").exp()))
        %%{init: {"flowchart": {"wrappingWidth": 400}}}%%
        flowchart LR
          n1("x<br>data 2<br>grad 0")
          n2["v1 (exp)<br>data 7.389<br>grad 0"]
          n1 --> n2
    """
    boxes, arrows = _picture("to_mermaid", v, fused, max_nodes)
    lines = ['%%{init: {"flowchart": {"wrappingWidth": 400}}}%%', "flowchart LR"]
    for i, (text, is_leaf) in enumerate(boxes, 1):
        label = "<br>".join(line.translate(_MERMAID_ESCAPES) for line in text)
        lines.append(f'  n{i}("{label}")' if is_leaf else f'  n{i}["{label}"]')
    lines += [f"  n{start} --> n{end}" for start, end in arrows]
    return "\n".join(lines)


def explain(v: Value, *, max_edges: int = 1000) -> str:
    """What `v.backward()` does, line by line: a table with one line per edge of the graph.

    Each line hands one parent its contribution, upstream * local, where upstream is the gradient
    that the node has gathered. `grad` is what the parent has gathered by then. The lines are in
    the order of the pass, and the last one for a parent shows its gradient as `backward` computes
    it, to which the contributions of softmax, rmsnorm and cross_entropy add up, up to rounding.
    Numbers have six digits.

    It is the same before and after `backward`: it starts from zero and touches no `.grad`. Raises
    TypeError if `v` is not a Value, and ValueError for more than `max_edges` lines.

        >>> from scalargrad import Value, graph
        >>> x, y = Value(3.0, label="x"), Value(4.0, label="y")
        >>> print(graph.explain(x * y + x))
        node  op  upstream     local     contribution      parent  grad
        v2    +          1  *      1  =             1  ->  v1         1
                         1  *      1  =             1  ->  x          1
        v1    *          1  *      4  =             4  ->  x          5
                         1  *      3  =             3  ->  y          3
    """
    edges, name = _edges("explain", v, max_edges)
    if not edges:
        return f"{name} is a leaf: it was computed from nothing, so backward ends here"
    table = [("node", "op", "upstream", "", "local", "", "contribution", "", "parent", "grad")]
    before = ""
    for edge in edges:
        node, op = (edge.node, edge.op) if edge.node != before else ("", "")  # once is enough
        numbers = (edge.upstream, edge.local, edge.contribution, edge.grad)
        upstream, local, contribution, grad = (f"{x:.6g}" for x in numbers)
        product = (upstream, "*", local, "=", contribution)
        table.append((node, op, *product, "->", edge.parent, grad))
        before = edge.node
    return _aligned(table)


def ledger(v: Value, *, max_edges: int = 1000) -> list[Edge]:
    """The lines of `explain` as data: one named tuple for each edge of the graph.

    Its fields are `node`, `op`, `upstream`, `local`, `contribution`, `parent` and `grad`, the names
    as in the pictures, the numbers as floats. A leaf gives an empty list. Raises what `explain`
    raises.

        >>> from scalargrad import Value, graph
        >>> x = Value(3.0, label="x")
        >>> for edge in graph.ledger(x * x):
        ...     print(edge.upstream, "*", edge.local, "->", edge.parent, edge.grad)
        1.0 * 3.0 -> x 3.0
        1.0 * 3.0 -> x 6.0
    """
    return _edges("ledger", v, max_edges)[0]


def _edges(function: str, v: Value, max_edges: int) -> tuple[list[Edge], str]:
    as_float(max_edges, f"{function}: max_edges")
    parents = _parents(function, v, _at_most(function, max_edges, "edges"))
    rows = _rows(parents)
    names = _names(v, parents, rows)
    (final,) = gradients([v], [1.0], [list(parents)])
    gathered = dict(zip(parents, final))  # as backward has it
    running = dict.fromkeys(parents, 0.0) | {v: 1.0}
    left = Counter(parent for several in parents.values() for parent in several)
    edges = []
    for node in (x for row in reversed(_sorted(v, parents, rows)) for x in row):
        upstream, op = gathered[node], _printable(node.op)
        for parent, local in zip(parents[node], node.local_grads):
            contribution = 0.0 if _hands_nothing(node, upstream, local) else upstream * local
            running[parent] += contribution
            left[parent] -= 1
            grad = running[parent] if left[parent] else gathered[parent]
            edge = Edge(names[node], op, upstream, local, contribution, names[parent], grad)
            edges.append(edge)
    return edges, names[v]


def _hands_nothing(node: Value, upstream: float, local: float) -> bool:
    """Where even 0 * inf counts for nothing: a gradient of 0, and a branch that was not taken."""
    if upstream == 0.0:
        return True
    operation = OPERATIONS.get(node._history()[0] or "")
    return operation is not None and operation.branches and local == 0.0


def first_nonfinite(v: Value) -> str | None:
    """Where inf or nan began: the first number that is one, in words, or None if there is none.

    It looks at the data of all numbers that `v` was computed from, inputs first. If these are all
    finite, it looks at their gradients, from `v` on: after `backward`, that is where it began. The
    words say which number it is, how it was computed and from what. Raises TypeError if `v` is not
    a Value.

        >>> from scalargrad import Value, graph
        >>> x = Value(0.0, label="x")
        >>> y = x.sqrt() * 2.0
        >>> y.backward()
        >>> print(graph.first_nonfinite(y))
        the gradient of x is inf: 2 from v1, times the derivative inf of sqrt(0)
    """
    parents = _parents("first_nonfinite", v, lambda value, parents: None)
    rows = _rows(parents)
    names = _names(v, parents, rows)
    order = [x for row in _sorted(v, parents, rows, first_parent_first=True) for x in row]
    for x in order:
        if not isfinite(x.data):
            return f"{names[x]} is {x.data}{_made_of(x, parents[x], names)}"
    received = {v: ""}
    for node in reversed(order):
        for parent, local in zip(parents[node], node.local_grads):
            if parent in received or _hands_nothing(node, node.grad, local):
                continue
            if not isfinite(local * node.grad):
                received[parent] = (
                    f": {node.grad:.6g} from {names[node]}, times the derivative {local:.6g} of "
                    f"{_expression(node, parents[node])}"
                )
    for x in reversed(order):
        if not isfinite(x.grad):
            return f"the gradient of {names[x]} is {x.grad}{received.get(x, '')}"
    return None


def _made_of(x: Value, parents: Sequence[Value], names: dict[Value, str]) -> str:
    if not parents:
        return ", a leaf"
    of = _shortened([*dict.fromkeys(names[p] for p in parents)])
    return f": {_expression(x, parents)}, of {', '.join(of)}"


def _shortened(words: list[str]) -> list[str]:
    return words if len(words) <= 6 else [*words[:3], "...", *words[-2:]]


def _expression(x: Value, parents: Sequence[Value]) -> str:
    shown = _shortened([f"{p.data:.6g}" for p in parents])
    op = _printable(x.op) or "an operation of your own"
    if len(shown) == 2 and not op.isidentifier():
        return f"{shown[0]} {op} {shown[1]}"
    return f"{op}({', '.join(shown)})"


# In a notebook, where IPython asks each Value how to show it.


_SHOWN_BOXES = 50  # more would be too small to read
_SHOWN_EDGES = 5_000  # in rows, most of them in no picture; so that showing is a matter of ms
_DRAWING_SECONDS = 2


def mime_bundle(
    v: Value, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None
) -> dict[str, str]:
    """What a notebook shows for `v`, by MIME type: always its text, and a picture if that helps.

    A leaf has no picture, and neither has a large graph. JupyterLab from 4.1 on draws Mermaid; the
    SVG is for others, and there where Graphviz's `dot` is installed. `include` and `exclude` say
    which types to give, as in IPython: None stands for all of them, and for none. It never raises.
    """
    asked = {"text/plain", "text/vnd.mermaid", "image/svg+xml"}
    asked &= asked if include is None else set(include)
    asked -= set(exclude or ())
    bundle = {"text/plain": repr(v)}
    if v.parents:
        try:
            _parents("", v, _at_most("", _SHOWN_EDGES, "edges"))
            bundle["text/vnd.mermaid"] = to_mermaid(v, max_nodes=_SHOWN_BOXES)
            if "image/svg+xml" in asked:
                bundle["image/svg+xml"] = _drawn(to_dot(v, max_nodes=_SHOWN_BOXES))
        except (ValueError, OSError):  # too large; no `dot`, or one that does not work
            pass
    return {kind: text for kind, text in bundle.items() if kind in asked}


def _drawn(dot: str) -> str:
    """The picture as SVG. Raises OSError or ValueError if Graphviz cannot draw it."""
    import subprocess  # late: it would take as long to import as all the rest

    try:
        result = subprocess.run(
            ["dot", "-Tsvg"],
            input=dot.encode(),
            capture_output=True,
            check=True,
            timeout=_DRAWING_SECONDS,
        )
    except subprocess.SubprocessError as error:
        raise OSError("dot could not draw the graph") from error
    svg = result.stdout.decode()
    return svg[svg.index("<svg") :]  # without what comes before it in a file of its own


# The graph, as the ledger and the pictures see it: only the numbers that matter.


def _parents(function: str, v: Value, count: Callable[[Value, tuple[Value, ...]], None]) -> Parents:
    """Every Value that `v` was made from, and itself, with its parents; `count` may stop it."""
    if not isinstance(v, Value):
        hint = "; pass one of its elements" if isinstance(v, Sequence) else ""
        raise TypeError(f"{function}: v must be a Value, got {describe(v)}{hint}")
    parents: dict[Value, tuple[Value, ...]] = {}

    def parents_of(value: Value) -> tuple[Value, ...]:
        parents[value] = value.parents
        count(value, parents[value])
        return parents[value]

    topological_order(v, parents_of)
    return parents


def _at_most(
    function: str, limit: float, what: str, fused: bool = False
) -> Callable[[Value, tuple[Value, ...]], None]:
    """Stops the walk at the limit: a graph may be so large that counting it takes minutes."""
    edges, boxes = 0, set()

    def count(value: Value, parents: tuple[Value, ...]) -> None:
        nonlocal edges
        edges += len(parents)
        place = value._place() if fused else None
        boxes.add(place[0] if place else value)
        if (edges if what == "edges" else len(boxes)) > limit:
            raise ValueError(
                f"{function}: this graph has more than max_{what}={limit:,} {what}; "
                f"take a smaller one, or a Value further in, or raise max_{what}"
            )

    return count


def _rows(parents: Parents) -> dict[Value, Row]:
    """The row that each Value is in."""
    members: dict[object, list[tuple[int, Value]]] = {}
    for value in parents:
        key, index, _ = value._place() or (value, 0, 1)
        members.setdefault(key, []).append((index, value))
    rows = [tuple(value for _, value in sorted(row)) for row in members.values()]
    return {value: row for row in rows for value in row}


def _sorted(
    v: Value, parents: Parents, rows: dict[Value, Row], *, first_parent_first: bool = False
) -> list[Row]:
    """The rows, each after everything it was made from, and the last parent first.

    That is how `backward` sorts them, to walk through them in reverse.
    """

    def rows_before(row: Row) -> list[Row]:
        before = [rows[parent] for x in row for parent in parents[x]]
        return before[::-1] if first_parent_first else before

    return topological_order(rows[v], rows_before)


def _names(v: Value, parents: Parents, rows: dict[Value, Row]) -> dict[Value, str]:
    """A name for each Value, no two alike, in an order in which all of it could be computed."""
    order = _sorted(v, parents, rows, first_parent_first=True)
    names = {x: _printable(x.label) for row in order for x in row}
    number = 0
    for row in order:
        unnamed = [x for x in row if not names[x]]
        name = _row_label(row[0])
        if unnamed and not name:
            number += 1
            name = f"v{number}"
        for x in unnamed:
            _, index, length = x._place() or (None, 0, 1)
            names[x] = f"{name}[{index}]" if length > 1 else name
    return _made_unique(names)


def _row_label(x: Value) -> str:
    return _printable(x._history()[2].label)


def _made_unique(names: dict[Value, str]) -> dict[Value, str]:
    """The second of two Values named w becomes w (2)."""
    owners: dict[str, Value] = {}
    for value, name in names.items():
        unique, count = name, 1
        while unique in owners:
            count += 1
            unique = f"{name} ({count})"
        owners[unique] = value
    return {value: name for name, value in owners.items()}


def _picture(
    function: str, v: Value, fused: bool, max_nodes: int
) -> tuple[list[Box], list[tuple[int, int]]]:
    """The boxes, each after those it was made from, and the arrows between them, from 1 up."""
    as_float(max_nodes, f"{function}: max_nodes")
    check_flag(fused, f"{function}: fused")
    parents = _parents(function, v, _at_most(function, max_nodes, "nodes", fused))
    rows = _rows(parents)
    names = _names(v, parents, rows)
    order = _sorted(v, parents, rows, first_parent_first=True)
    drawn = order if fused else [(x,) for row in order for x in row]
    position = {x: i for i, row in enumerate(drawn, 1) for x in row}
    arrows: list[tuple[int, int]] = []
    for end, row in enumerate(drawn, 1):
        for start in (position[parent] for x in row for parent in parents[x]):
            two_numbers = len(row) == len(drawn[start - 1]) == 1
            if two_numbers or (start, end) not in arrows:  # x * x has two arrows, rows have one
                arrows.append((start, end))
    return [_box(row, names) for row in drawn], arrows


def _box(row: Row, names: dict[Value, str]) -> Box:
    first, op = row[0], _printable(row[0].op)
    if len(row) == 1:
        title = f"{names[first]} ({op})" if op else names[first]
        return ([title, f"data {first.data:.4g}", f"grad {first.grad:.4g}"], not first.parents)
    lines = [f"{names[x]}: data {x.data:.4g}, grad {x.grad:.4g}" for x in row]
    if len(lines) > 8:
        lines[4:-3] = [f"... {len(lines) - 7} more ..."]
    label = _row_label(first)
    title = f"{label} ({op})" if label and op else label or op or "row"
    return ([title, *lines], not first.parents)


# Text.


def _printable(text: str) -> str:
    """On one line, and without anything that a terminal or a parser would take for a command."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


_DOT_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "&": "&amp;"})
_MERMAID_ESCAPES = str.maketrans(
    {c: f"#{ord(c)};" for c in '"#&<>`*_~$'}
    | {"\\": "#92;#8203;"}  # the second one has no width, and keeps \n from ending the line
)


def _aligned(table: Sequence[tuple[str, ...]]) -> str:
    """The columns with numbers to the right, the others to the left."""
    widths = [max(map(len, column)) for column in zip(*table)]
    numeric = (2, 4, 6, 9)
    lines = []
    for cells in table:
        padded = [
            cell.rjust(width) if i in numeric else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(cells, widths))
        ]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)
