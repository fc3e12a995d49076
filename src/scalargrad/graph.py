"""See the graph: as a picture, or as a ledger of the backward pass.

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

`graph.save(y, "graph.svg")` draws it. `to_svg`, `to_mermaid` (for GitHub and mkdocs) and `to_dot`
(for Graphviz) give pictures as text. They change nothing, and nothing has to be installed. In a
notebook, a cell that ends with a Value or a row shows its picture.

`ledger` gives the lines of `explain` as data.

A number is named by its `label`. Numbers without one are called v1, v2, ..., beginning with the
inputs. v4[2] is the third number of the row v4, and w[2] that of a row with the label w. All
functions use the same names.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import repeat
from math import inf, isfinite

from scalargrad import drawing
from scalargrad.engine import Value, Vector, gradients
from scalargrad.engine.arguments import as_float, check_flag, describe
from scalargrad.engine.foreign import missing
from scalargrad.engine.reference.operations import OPERATIONS
from scalargrad.walking import topological_order

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import NamedTuple, TypeAlias

    from scalargrad.drawing import Box

    # Every Value on the way, and what it was made from. Like all that is told of Values here, it is
    # by their identity, for somebody's class may compare by value, or have no hash.
    Parents: TypeAlias = dict[int, tuple[Value, tuple[Value, ...]]]
    Names: TypeAlias = dict[int, str]
    # The numbers of a row that are on the way, in order. A Value that is not in a row is its own.
    Row: TypeAlias = tuple[Value, ...]
    # The boxes, each after those it was made from; the arrows between them; what is on the arrows.
    Picture: TypeAlias = tuple[list[Box], list[tuple[int, int]], list[str]]

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

__all__ = [
    "Edge",
    "explain",
    "first_nonfinite",
    "ledger",
    "save",
    "to_dot",
    "to_mermaid",
    "to_svg",
]


def save(
    v: Value | Vector,
    path: str | os.PathLike[str],
    *,
    fused: bool = True,
    local_grads: bool = False,
    max_nodes: int = 200,
) -> None:
    """Write the graph that `v` was computed by to a file: a picture, or the text for one.

    An existing file of that name is replaced once the new one is complete.

    Args:
        v: The Value, or a row.
        path: The file. Its ending says what to write: `.svg` is a picture for a browser, as
            notebooks show it, `.dot` the text of `to_dot` and `.mmd` that of `to_mermaid`. `.png`
            and `.pdf` are drawn by Graphviz, if its program `dot` is installed.
        fused: Whether a row that was made in one go (by `linear`, `softmax`, `matrix`, ...) is one
            box, or one box for each of its numbers.
        local_grads: Whether each arrow shows its local derivative; for many, the smallest and the
            largest.
        max_nodes: How many boxes there may be.

    Raises:
        TypeError: If `v` is not a Value or a row, or `path` is not the name of a file.
        ValueError: If there would be more than `max_nodes` boxes, or `path` has another ending.
        OSError: If the file cannot be written or `dot` cannot draw it.

    Examples:
        >>> import tempfile
        >>> from scalargrad import Value, graph
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     graph.save(Value(2.0).exp(), f"{folder}/graph.svg")
    """
    name = os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
    if not isinstance(name, str):
        raise TypeError(f"save: path must be a file name, got {describe(path)}")
    ending = os.path.splitext(name)[1].lower()
    if ending not in (*_WRITERS, *_BY_GRAPHVIZ):
        raise ValueError(
            "save: path must end in .svg, .dot or .mmd, or in .png or .pdf if Graphviz is "
            f"installed, got {name!r}"
        )
    picture = _picture("save", v, fused, local_grads, max_nodes)
    if ending in _BY_GRAPHVIZ:
        content = _by_graphviz(drawing.dot(*picture), ending, name)
    else:
        content = f"{_WRITERS[ending](*picture)}\n".encode()
    _replace(name, content)


def to_svg(
    v: Value | Vector, *, fused: bool = True, local_grads: bool = False, max_nodes: int = 200
) -> str:
    """The graph that `v` was computed by, as an SVG picture: what notebooks show.

    It needs no Graphviz: the boxes are placed by `scalargrad.layout`.

    Args:
        v: The Value, or a row.
        fused: Whether a row that was made in one go (by `linear`, `softmax`, `matrix`, ...) is one
            box, or one box for each of its numbers.
        local_grads: Whether each arrow shows its local derivative; for many, the smallest and the
            largest.
        max_nodes: How many boxes there may be.

    Raises:
        TypeError: If `v` is not a Value or a row.
        ValueError: If there would be more than `max_nodes` boxes.

    Examples:
        >>> from scalargrad import Value, graph
        >>> graph.to_svg(Value(2.0, label="x").exp())[:39]
        '<svg xmlns="http://www.w3.org/2000/svg"'
    """
    return drawing.svg(*_picture("to_svg", v, fused, local_grads, max_nodes))


def to_dot(
    v: Value | Vector, *, fused: bool = True, local_grads: bool = False, max_nodes: int = 200
) -> str:
    """The graph that `v` was computed by, in Graphviz's language: `dot -Tsvg` makes a picture.

    One box per Value, with its name, operation, data and grad to four digits; leaves are rounded.
    The same graph always gives the same text.

    Args:
        v: The Value, or a row.
        fused: Whether a row that was made in one go (by `linear`, `softmax`, `matrix`, ...) is one
            box, or one box for each of its numbers.
        local_grads: Whether each arrow shows its local derivative; for many, the smallest and the
            largest.
        max_nodes: How many boxes there may be.

    Raises:
        TypeError: If `v` is not a Value or a row.
        ValueError: If there would be more than `max_nodes` boxes.

    Examples:
        >>> from scalargrad import Value, graph
        >>> dot = graph.to_dot(Value(2.0, label="x").exp(), local_grads=True)
        >>> print(dot.splitlines()[-2])
          n1 -> n2 [label="7.389"]
    """
    return drawing.dot(*_picture("to_dot", v, fused, local_grads, max_nodes))


def to_mermaid(
    v: Value | Vector, *, fused: bool = True, local_grads: bool = False, max_nodes: int = 200
) -> str:
    """The graph that `v` was computed by, as a Mermaid flowchart, with the boxes of `to_dot`.

    GitHub and mkdocs draw it in a fenced block marked `mermaid`.

    Args:
        v: The Value, or a row.
        fused: Whether a row that was made in one go (by `linear`, `softmax`, `matrix`, ...) is one
            box, or one box for each of its numbers.
        local_grads: Whether each arrow shows its local derivative; for many, the smallest and the
            largest.
        max_nodes: How many boxes there may be.

    Raises:
        TypeError: If `v` is not a Value or a row.
        ValueError: If there would be more than `max_nodes` boxes.

    Examples:
        >>> from scalargrad import Value, graph
        >>> print(graph.to_mermaid(Value(2.0, label="x").exp(), local_grads=True))
        %%{init: {"flowchart": {"wrappingWidth": 400}}}%%
        flowchart LR
          n1("x<br>data 2<br>grad 0"):::leaf
          n2["v1 (exp)<br>data 7.389<br>grad 0"]
          n1 -->|7.389| n2
          classDef leaf stroke:#3a9a5f,stroke-width:2px
    """
    return drawing.mermaid(*_picture("to_mermaid", v, fused, local_grads, max_nodes))


def explain(v: Value, *, max_edges: int = 1000) -> str:
    """What `v.backward()` does, line by line: a table with one line per edge of the graph.

    Each line hands one parent its contribution, upstream * local, where upstream is the gradient
    that the node has gathered. `grad` is what the parent has gathered by then. The lines are in the
    order of the pass, and the last one for a parent shows its gradient as `backward` computes it.
    The contributions of softmax, rmsnorm and cross_entropy add up to that only up to rounding.
    Numbers have six digits.

    It is the same before and after `backward`: it starts from zero and touches no `.grad`.

    Args:
        v: The Value.
        max_edges: How many lines there may be.

    Raises:
        TypeError: If `v` is not a Value.
        ValueError: If there would be more than `max_edges` lines.

    Examples:
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

    Its fields are `node`, `op`, `upstream`, `local`, `contribution`, `parent` and `grad`. Names are
    those in the pictures, and numbers are floats. A leaf gives an empty list.

    Args:
        v: The Value.
        max_edges: How many of them there may be.

    Raises:
        TypeError: If `v` is not a Value.
        ValueError: If there would be more than `max_edges`.

    Examples:
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
    outputs = _outputs(function, v, rows_too=False)
    parents = _parents(outputs, _at_most(function, max_edges, "edges"))
    rows = _rows(parents)
    names = _names(outputs, parents, rows)
    (final,) = gradients([v], [1.0], [[x for x, _ in parents.values()]])
    gathered = dict(zip(parents, final))  # as backward has it
    running = dict.fromkeys(parents, 0.0) | {id(v): 1.0}
    left = Counter(id(parent) for _, several in parents.values() for parent in several)
    edges = []
    for node in (x for row in reversed(_sorted(outputs, parents, rows)) for x in row):
        name, op, upstream = names[id(node)], _printable(node.op), gathered[id(node)]
        for parent, local in zip(map(id, parents[id(node)][1]), node.local_grads):
            contribution = 0.0 if _hands_nothing(node, upstream, local) else upstream * local
            running[parent] += contribution
            left[parent] -= 1
            grad = running[parent] if left[parent] else gathered[parent]
            edges.append(Edge(name, op, upstream, local, contribution, names[parent], grad))
    return edges, names[id(v)]


def _hands_nothing(node: Value, upstream: float, local: float) -> bool:
    """Where even 0 * inf counts for nothing: a gradient of 0, and a branch that was not taken."""
    if upstream == 0.0:
        return True
    operation = OPERATIONS.get(node._history()[0] or "")
    return operation is not None and operation.branches and local == 0.0


def first_nonfinite(v: Value) -> str | None:
    """Where inf or nan began: the first number that is inf or nan, in words, or None.

    It looks at the data of all numbers that `v` was computed from, inputs first. If these are all
    finite, it looks at the gradients that `backward` has left, beginning with that of `v`. The
    words say which number it is, how it was computed and from what. Raises TypeError if `v` is not
    a Value.

        >>> from scalargrad import Value, graph
        >>> x = Value(0.0, label="x")
        >>> y = x.sqrt() * 2.0
        >>> y.backward()
        >>> print(graph.first_nonfinite(y))
        the gradient of x is inf: 2 from v1, times the derivative inf of sqrt(0)
    """
    outputs = _outputs("first_nonfinite", v, rows_too=False)
    parents = _parents(outputs, lambda value, parents: None)
    rows = _rows(parents)
    names = _names(outputs, parents, rows)
    order = [x for row in _sorted(outputs, parents, rows, first_parent_first=True) for x in row]
    for x in order:
        if not isfinite(x.data):
            return f"{names[id(x)]} is {x.data}{_made_of(x, parents[id(x)][1], names)}"
    received = {id(v): ""}
    for node in reversed(order):
        of = parents[id(node)][1]
        for parent, local in zip(map(id, of), node.local_grads):
            if parent in received or _hands_nothing(node, node.grad, local):
                continue
            if not isfinite(local * node.grad):
                received[parent] = (
                    f": {node.grad:.6g} from {names[id(node)]}, times the derivative {local:.6g} "
                    f"of {_expression(node, of)}"
                )
    for x in reversed(order):
        if not isfinite(x.grad):
            return f"the gradient of {names[id(x)]} is {x.grad}{received.get(id(x), '')}"
    return None


def _made_of(x: Value, parents: Sequence[Value], names: Names) -> str:
    if not parents:
        return ", a leaf"
    of = _shortened([*dict.fromkeys(names[id(p)] for p in parents)])
    return f": {_expression(x, parents)}, of {', '.join(of)}"


def _shortened(words: list[str]) -> list[str]:
    return words if len(words) <= 6 else [*words[:3], "...", *words[-2:]]


def _expression(x: Value, parents: Sequence[Value]) -> str:
    shown = _shortened([f"{p.data:.6g}" for p in parents])
    op = _printable(x.op) or "an operation of your own"
    if len(shown) == 2 and not op.isidentifier():
        return f"{shown[0]} {op} {shown[1]}"
    return f"{op}({', '.join(shown)})"


# In a notebook, where IPython asks each Value and each row how to show it.


_SHOWN_BOXES = 50  # more would be too small to read
_SHOWN_EDGES = 5_000  # in rows, most of them in no picture; so that showing is a matter of ms


def mime_bundle(
    v: Value | Vector, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None
) -> dict[str, str]:
    """What a notebook shows for `v`, by MIME type: its text, and a picture.

    A large graph is shown as what it was made from, in words. `include` and `exclude` say which
    types to give, as in IPython: None stands for all of them, and for none. It never raises.
    """
    asked = {"text/plain", "image/svg+xml"}
    asked &= asked if include is None else set(include)
    asked -= set(exclude or ())
    bundle = {}
    if "text/plain" in asked:
        bundle["text/plain"] = repr(v)
    if "image/svg+xml" in asked and not (isinstance(v, Vector) and len(v) == 0):
        bundle["image/svg+xml"] = drawing.svg(*_shown(v))
    return bundle


def _shown(v: Value | Vector) -> Picture:
    """The picture of a graph, a leaf that says that it is one, or what a large graph has in it."""
    if isinstance(v, Vector) and len(v) > _SHOWN_EDGES:
        return [([[("", f"a row of {len(v):,} numbers")]], "note")], [], []
    try:
        _parents(_outputs("", v), _at_most("", _SHOWN_EDGES, "edges"))
    except ValueError:
        return _in_words(v, f"more than {_SHOWN_EDGES:,} arrows")
    boxes, arrows, labels = _picture("", v, True, False, inf)
    if len(boxes) > _SHOWN_BOXES:
        return _in_words(v, f"{len(boxes):,} boxes")
    if [kind for _, kind in boxes] == ["leaf"]:
        boxes[0][0][0].append(("", ": a row of leaves" if isinstance(v, Vector) else ": a leaf"))
    return boxes, arrows, labels


def _in_words(v: Value | Vector, how_much: str) -> Picture:
    """What stands for a graph too large to be read as a picture."""
    text = (
        how_much,
        "too many to be drawn here",
        "graph.explain(v) lists the steps,",
        "graph.save(v, path) draws them,",
        "up to limits that you can raise",
    )
    note: Box = ([[("", line)] for line in text], "note")
    row = _outputs("", v)
    names = {id(x): _printable(x.label) or f"v[{i}]" for i, x in enumerate(row)}
    if isinstance(v, Value):
        names[id(v)] = _printable(v.label) or "v"
    return [note, _box(row, names)], [(0, 1)], []


# The graph, as the ledger and the pictures see it: only the numbers that matter.


def _outputs(function: str, v: Value | Vector, rows_too: bool = True) -> Row:
    """The Values whose graph it is: one, or all those of a row."""
    if isinstance(v, Value):
        return (v,)
    if isinstance(v, Vector) and rows_too:
        return tuple(v)
    expected = "a Value or a row" if rows_too else "a Value"
    hint = "; pass one of its elements" if isinstance(v, Sequence) else ""
    raise TypeError(f"{function}: v must be {expected}, got {describe(v)}{hint}")


def _parents(outputs: Row, count: Callable[[Value, tuple[Value, ...]], None]) -> Parents:
    """Every Value that these were made from, and they themselves, with its parents.

    `count` sees each of them, and may stop the walk.
    """
    parents: Parents = {}

    def parents_of(value: Value | Row) -> Row:
        if isinstance(value, tuple):
            return value
        of = value.parents
        parents[id(value)] = value, of
        count(value, of)
        return of

    top: Value | Row = outputs
    topological_order(top, parents_of)
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
        boxes.add(place[0] if place else id(value))
        if (edges if what == "edges" else len(boxes)) > limit:
            raise ValueError(
                f"{function}: this graph has more than max_{what}={limit:,} {what}; "
                f"take a smaller one, or a Value further in, or raise max_{what}"
            )

    return count


def _rows(parents: Parents) -> dict[int, Row]:
    """The row that each Value is in."""
    members: dict[object, list[tuple[int, Value]]] = {}
    for value, _ in parents.values():
        key, index, _ = value._place() or (id(value), 0, 1)
        members.setdefault(key, []).append((index, value))
    rows = [tuple(value for _, value in sorted(row)) for row in members.values()]
    return {id(value): row for row in rows for value in row}


def _sorted(
    outputs: Row, parents: Parents, rows: dict[int, Row], *, first_parent_first: bool = False
) -> list[Row]:
    """The rows, each after everything it was made from, and the last parent first.

    That is how `backward` sorts them, to walk through them in reverse.
    """

    def rows_before(row: Row) -> list[Row]:
        values = row if row is outputs else [of for x in row for of in parents[id(x)][1]]
        before = [rows[id(value)] for value in values]
        return before[::-1] if first_parent_first else before

    return topological_order(outputs, rows_before)[:-1]


def _names(outputs: Row, parents: Parents, rows: dict[int, Row]) -> Names:
    """A name for each Value, no two alike, in an order in which all of it could be computed."""
    order = _sorted(outputs, parents, rows, first_parent_first=True)
    names = {id(x): _printable(x.label) for row in order for x in row}
    number = 0
    for row in order:
        unnamed = [x for x in row if not names[id(x)]]
        name = _row_label(row[0])
        if unnamed and not name:
            number += 1
            name = f"v{number}"
        for x in unnamed:
            _, index, length = x._place() or (None, 0, 1)
            names[id(x)] = f"{name}[{index}]" if length > 1 else name
    return _made_unique(names)


def _row_label(x: Value) -> str:
    return _printable(x._history()[2].label)


def _made_unique(names: Names) -> Names:
    """The second of two Values named w becomes w (2)."""
    owners: dict[str, int] = {}
    for value, name in names.items():
        unique, count = name, 1
        while unique in owners:
            count += 1
            unique = f"{name} ({count})"
        owners[unique] = value
    return {value: name for name, value in owners.items()}


def _picture(
    function: str, v: Value | Vector, fused: bool, local_grads: bool, max_nodes: float
) -> Picture:
    as_float(max_nodes, f"{function}: max_nodes")
    check_flag(fused, f"{function}: fused")
    check_flag(local_grads, f"{function}: local_grads")
    outputs = _outputs(function, v)
    parents = _parents(outputs, _at_most(function, max_nodes, "nodes", fused))
    rows = _rows(parents)
    names = _names(outputs, parents, rows)
    order = _sorted(outputs, parents, rows, first_parent_first=True)
    drawn = order if fused else [(x,) for row in order for x in row]
    position = {id(x): i for i, row in enumerate(drawn) for x in row}
    arrows: list[tuple[int, int]] = []
    locals_on: list[list[float]] = []  # the local derivatives that each arrow stands for
    latest: dict[tuple[int, int], list[float]] = {}
    for end, row in enumerate(drawn):
        for x in row:
            of = parents[id(x)][1]
            for parent, local in zip(of, x.local_grads if local_grads else repeat(0.0)):
                arrow = start, _ = position[id(parent)], end
                two_numbers = len(row) == len(drawn[start]) == 1
                if two_numbers or arrow not in latest:  # x * x has two arrows, rows have one
                    arrows.append(arrow)
                    latest[arrow] = []
                    locals_on.append(latest[arrow])
                latest[arrow].append(local)
    labels = [_range(numbers) for numbers in locals_on] if local_grads else []
    return [_box(row, names) for row in drawn], arrows, labels


def _range(numbers: list[float]) -> str:
    """One number as it is; of many the smallest and the largest, which for nan are nan."""
    least, most = (f"{x:.4g}" for x in (min(numbers), max(numbers)))
    if not all(x == x for x in numbers):
        least = most = "nan"
    return least if least == most else f"{least} to {most}"


def _box(row: Row, names: Names) -> Box:
    """What is written in it, and whether it is a leaf."""
    first = row[0]
    op = _printable(first.op)
    if len(row) == 1:
        lines = [[("name", names[id(first)])], *([piece] for piece in _numbers(first))]
    else:
        lines = [[("name", _row_label(first) or ("" if op else "row"))]]
        for x in row if len(row) <= 8 else (*row[:4], *row[-3:]):
            data, grad = _numbers(x)
            lines.append([("", f"{names[id(x)]}: "), data, ("", ", "), grad])
        if len(row) > 8:
            lines.insert(5, [("", f"... {len(row) - 7} more ...")])
    if op:
        title = lines[0]
        title[:] = [*title, ("op", f" ({op})")] if title[0][1] else [("op", op)]
    return lines, "made" if first.parents else "leaf"


def _numbers(x: Value) -> tuple[tuple[str, str], tuple[str, str]]:
    return ("data", f"data {x.data:.4g}"), ("grad", f"grad {x.grad:.4g}")


# Files.


_WRITERS = {".svg": drawing.svg, ".dot": drawing.dot, ".mmd": drawing.mermaid}
_BY_GRAPHVIZ = (".png", ".pdf")
_DRAWING_SECONDS = 60


def _by_graphviz(dot: str, ending: str, path: str) -> bytes:
    """What Graphviz draws. Raises OSError if it is not installed or does not work."""
    import subprocess  # late: it would take as long to import as all the rest

    try:
        result = subprocess.run(
            ["dot", f"-T{ending[1:]}"],
            input=dot.encode(),
            capture_output=True,
            check=True,
            timeout=_DRAWING_SECONDS,
        )
    except OSError as error:
        raise OSError(
            f"save: {path!r} would be drawn by Graphviz, whose program dot is not installed; "
            "save it as .svg, which needs nothing"
        ) from error
    except subprocess.SubprocessError as error:
        said = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip()
        raise OSError(f"save: Graphviz's dot could not draw {path!r}: {said or error}") from error
    return result.stdout


def _replace(path: str, content: bytes) -> None:
    """Put it in place when it is written whole, so that a failure leaves what was there."""
    try:
        target = os.path.realpath(path)
    except ValueError as error:  # it has a character that no name of a file has
        raise ValueError(f"save: path must be a file name, got {path!r} ({error})") from None
    unfinished = f"{target}.{os.getpid()}.tmp"
    try:
        with open(unfinished, "wb") as file:
            file.write(content)
        os.replace(unfinished, target)
    except OSError as error:
        with suppress(OSError):
            os.remove(unfinished)
        said = error.strerror or error
        raise type(error)(error.errno, f"save: {path!r} cannot be written: {said}") from None


# Text.


def _printable(text: str) -> str:
    """On one line, and without anything that a terminal or a parser would take for a command."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


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


def __getattr__(name: str) -> object:
    return missing(__name__, name)
