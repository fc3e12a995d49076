"""Writes backward_walk.svg, a backward pass that walks through a graph, and that graph: graph.svg.

    python docs/pictures/backward_walk.py

What is multiplied and where it goes is `graph.ledger`'s, the places are those of the library's own
pictures. The film is CSS in the SVG, so it also runs where a page shows it as an image. Who has
asked for less motion, and who prints it, sees the end of the pass. Where it is shown as an image,
Chromium does not tell it so: a page says `<picture><source media="(prefers-reduced-motion: reduce)"
srcset="graph.svg">`.
"""

from collections.abc import Iterator
from pathlib import Path

import scalargrad as sg
from scalargrad.drawing import (
    COLOURS,
    LINE,
    box_svg,
    curve,
    head,
    label_svg,
    label_width,
    opening,
    sizes_of,
    text_svg,
    text_width,
)
from scalargrad.layout import layout
from scalargrad.walking import topological_order

FOLDER = Path(__file__).parent
SECONDS = 1.6  # for each step
LAST_STEPS = 3  # as long as so many steps, the end stays to be seen
TIMES = 3  # then it rests, for who wants to read beside it
CAPTION = 34.0  # the room below the graph
TITLE = "A backward pass: each node hands its parents its gradient times the local derivative"


def main() -> None:
    x, y = sg.Value(3.0, label="x"), sg.Value(4.0, label="y")
    distance = (x * x + y * y).sqrt()
    (FOLDER / "backward_walk.svg").write_text(picture(distance), encoding="utf-8")
    distance.backward()
    sg.graph.save(distance, FOLDER / "graph.svg", local_grads=True)


def picture(output: sg.Value) -> str:
    edges = sg.graph.ledger(output)
    nodes = topological_order(output, lambda v: v.parents[::-1])
    names = named(nodes)
    number = {id(v): i for i, v in enumerate(nodes)}
    arrows = [(number[id(p)], number[id(v)]) for v in nodes for p in v.parents]
    labels = [f"{local:.4g}" for v in nodes for local in v.local_grads]
    texts = [[title(v, name), [("data", f"data {v.data:.4g}")]] for v, name in zip(nodes, names)]
    kinds = ["made" if v.parents else "leaf" for v in nodes]

    room = [("grad", "grad " + "0" * max(len(f"{edge.grad:.4g}") for edge in edges))]
    sizes = sizes_of([([*lines, room], kind) for lines, kind in zip(texts, kinds)], arrows, labels)
    corners, paths, (width, height) = layout(sizes, arrows, [*map(label_width, labels)])

    film = Film(len(edges) + 1 + LAST_STEPS)
    parts = []
    for path in paths:
        parts.append(
            f'<path class="sg-arrow" d="{curve(path)}" fill="none" stroke="{COLOURS["arrow"][0]}"/>'
            f'<path class="sg-head" d="{head(path[-1])}" fill="{COLOURS["arrow"][0]}"/>'
        )
    walked = in_order_of_the_pass(edges, names, arrows)
    for step, arrow in enumerate(walked, 1):
        parts.append(film.walk(curve(paths[arrow]), step))
    parts += [label_svg(label, path[-1]) for label, path in zip(labels, paths)]
    for box in zip(texts, kinds, corners, sizes):
        parts.append(box_svg(*with_room_below(*box)))
    for i, name in enumerate(names):
        (left, top), (box_width, box_height) = corners[i], sizes[i]
        middle, baseline = left + box_width / 2, top + (box_height + 3 * LINE) / 2 - 0.25 * LINE
        for grad, start, end in grads(name, edges, names[-1], film.steps):
            text = text_svg([("grad", f"grad {grad:.4g}")], middle, baseline)
            parts.append(film.show(text, start, end))
    for step, text in enumerate(captions(edges, names[-1], [*zip(names, nodes)])):
        end = film.steps if step == len(edges) + 1 else step + 1
        parts.append(film.show(caption(text, width / 2, height + CAPTION - 12), step, end))
    body = "\n".join(parts)
    return f"{opening(width, height + CAPTION, TITLE, film.style())}\n{body}\n</g>\n</svg>\n"


def named(nodes: list[sg.Value]) -> list[str]:
    """As the ledger names them: by their labels, or v1, v2, ... from the inputs on."""
    numbers = iter(range(1, len(nodes) + 1))
    return [v.label or f"v{next(numbers)}" for v in nodes]


def title(v: sg.Value, name: str) -> list[tuple[str, str]]:
    return [("name", name), *([("op", f" ({v.op})")] if v.op else [])]


def with_room_below(lines, kind, corner, size):
    """The text of a box and an empty line, where its gradient will stand."""
    return [*lines, []], kind, corner, size


def in_order_of_the_pass(edges, names, arrows) -> list[int]:
    """For each line of the ledger the arrow that it goes along; x * x has two."""
    left = [*range(len(arrows))]
    walked = []
    for edge in edges:
        ends = names.index(edge.parent), names.index(edge.node)
        arrow = next(i for i in left if arrows[i] == ends)
        left.remove(arrow)
        walked.append(arrow)
    return walked


def grads(name, edges, output, steps) -> list[tuple[float, int, int]]:
    """What the gradient of a node is, from which step on, and up to which."""
    changes = [(0, 1.0 if name == output else 0.0)]
    changes += [(step, edge.grad) for step, edge in enumerate(edges, 1) if edge.parent == name]
    ends = [step for step, _ in changes[1:]] + [steps]
    return [(grad, start, end) for (start, grad), end in zip(changes, ends)]


def captions(edges, output, nodes) -> Iterator[list[tuple[str, str]]]:
    """What stands below the graph: before the pass, at each of its edges, and after it."""
    yield [("name", output), ("", " is where backward starts, with "), ("grad", "grad 1")]
    for edge in edges:
        yield [
            ("name", f"{edge.node} → {edge.parent}: "),
            ("grad", f"{edge.upstream:.4g}"),
            ("", f" * {edge.local:.4g} = "),
            ("grad", f"{edge.contribution:.4g}"),
        ]
    last = {edge.parent: edge.grad for edge in edges}
    leaves = [f"{name}.grad = {last[name]:.4g}" for name, v in nodes if not v.parents]
    yield [("grad", ", ".join(leaves))]


def caption(line, middle: float, baseline: float) -> str:
    """A line of text on paper of its own, to be read on whatever it is shown."""
    width = sum(text_width(text) for _, text in line) + 20
    return (
        f'<rect class="sg-paper" x="{middle - width / 2:.1f}" y="{baseline - 15:.1f}" '
        f'width="{width:.1f}" height="22" rx="6" fill="{COLOURS["paper"][0]}"/>'
        + text_svg(line, middle, baseline)
    )


class Film:
    """What is to be seen in which step. Without motion, what is there in the last one stays."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.rules: dict[str, str] = {}  # by the name of the animation

    def show(self, part: str, start: int, end: int) -> str:
        """Something that is there from one step up to another one."""
        if (start, end) == (0, self.steps):
            return part
        name = f"s{start}-{end}"
        after = f"{self.percent(end)} {{ opacity: 0 }}" if end < self.steps else ""
        self.rules[name] = (
            f"0% {{ opacity: {int(start == 0)} }} {self.percent(start)} {{ opacity: 1 }} {after}"
        )
        hidden = ' opacity="0"' if end < self.steps else ""
        return f'<g class="t {name}"{hidden}>{part}</g>'

    def walk(self, path: str, step: int) -> str:
        """A line that is drawn in a step, against the arrow, and then stays, thinner."""
        name = f"w{step}"
        drawn, thin = self.percent(step + 0.7), self.percent(step + 1)
        self.rules[name] = (
            f"0%, {self.percent(step)} {{ stroke-dashoffset: -1; stroke-width: 4 }} "
            f"{drawn} {{ stroke-dashoffset: 0; stroke-width: 4 }} "
            f"{thin}, 100% {{ stroke-dashoffset: 0; stroke-width: 2 }}"
        )
        return (
            f'<path class="w {name}" d="{path}" pathLength="1" fill="none" '
            f'stroke="{COLOURS["grad"][0]}" stroke-width="2"/>'
        )

    def percent(self, step: float) -> str:
        return f"{100 * step / self.steps:.2f}%"

    def style(self) -> str:
        seconds = SECONDS * self.steps
        animated = "".join(
            f".{name} {{ animation-name: {name} }} @keyframes {name} {{ {rule} }}\n"
            for name, rule in self.rules.items()
        )
        return (
            f"\n.w {{ stroke-dasharray: 1 }}\n"
            "@media screen and (prefers-color-scheme: dark) "
            f"{{ .w {{ stroke: {COLOURS['grad'][1]} }} }}\n"
            "@media screen and (prefers-reduced-motion: no-preference) {\n"
            f".t {{ animation: {seconds:g}s step-end {TIMES} }} "
            f".w {{ animation: {seconds:g}s ease-in-out {TIMES} }}\n{animated}}}"
        )


if __name__ == "__main__":
    main()
