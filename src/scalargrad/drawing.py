"""A graph as a picture: boxes and arrows in SVG, in Graphviz's language and in Mermaid's.

The SVG stands for itself, with the places that `layout.py` gives. Nobody knows on what it will be
seen: a white notebook, a dark one, a page, paper. So every text stands on a box of its own, and
lines have a colour in between. Where the browser prefers dark, the boxes become dark too. The
colours stand on the elements themselves, for where style sheets are stripped, and the classes begin
with sg-, for where a style sheet counts for the whole page.

>>> line = [("name", "x"), ("data", " = 3")]
>>> picture = svg([([line], "leaf")], [], [])
>>> picture.startswith("<svg ") and picture.endswith("</svg>")
True
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from scalargrad.layout import layout

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import TypeAlias

    from scalargrad.layout import Arrow, Point

    # Pieces of text, and what each is: "name", "op", "data", "grad", or "" for anything else.
    Line: TypeAlias = list[tuple[str, str]]
    # What is written in it, and what it is: "leaf", "made" or "note".
    Box: TypeAlias = tuple[list[Line], str]

# On light and on dark: text and lines, and what the boxes are filled with.
COLOURS = {
    "ink": ("#1b1f2a", "#e8eaf2"),
    "name": ("#1b1f2a", "#e8eaf2"),
    "op": ("#4153b3", "#a9b5ff"),
    "data": ("#0b57a4", "#7fbcff"),
    "grad": ("#a33a00", "#ffb07a"),
    "arrow": ("#7c8290", "#8b93a7"),
    "leaf": ("#e7f5ea", "#17301f"),
    "leaf-edge": ("#2e7d4f", "#5fb884"),
    "made": ("#eef0fb", "#21264a"),
    "made-edge": ("#4656b5", "#8c9bf0"),
    "note": ("#fbf4e2", "#33290f"),
    "note-edge": ("#8a6a14", "#d1ad55"),
    "paper": ("#ffffff", "#20242f"),
}
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
FONT_SIZE, LETTER, LINE = 12, 7.25, 16.0  # of that font: a letter is 0.6 of its size
MARGIN, PADDING, HEAD = 8.0, 10.0, 8.0
BETWEEN_HEADS, BETWEEN_LABELS = 7.0, 17.0
LONGEST = 40  # letters of a piece of text; a picture should not be as wide as somebody's label


def svg(boxes: Sequence[Box], arrows: Sequence[Arrow], labels: Sequence[str]) -> str:
    """The picture of these boxes, of arrows between their indices, and of the arrows' labels.

    `labels` is empty, or has a text for each arrow.
    """
    sizes = sizes_of(boxes, arrows, labels)
    widths = [label_width(label) for label in labels]
    corners, paths, (width, height) = layout(sizes, arrows, widths)
    lines = "".join(f'<path d="{curve(path)}"/>' for path in paths)
    heads = "".join(f'<path d="{head(path[-1])}"/>' for path in paths)
    texts = [label_svg(label, path[-1]) for label, path in zip(labels, paths)]
    drawn = [box_svg(*box, corner, size) for box, corner, size in zip(boxes, corners, sizes)]
    return "\n".join(
        [
            opening(width, height, _title(boxes, arrows)),
            f'<g class="sg-arrow" fill="none" stroke="{COLOURS["arrow"][0]}">',
            lines,
            "</g>",
            f'<g class="sg-head" fill="{COLOURS["arrow"][0]}">',
            heads,
            "</g>",
            *texts,
            *drawn,
            "</g>\n</svg>",
        ]
    )


def _title(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> str:
    """For those who hear the picture: what it is of, and how large that is."""
    (_, name), *_ = boxes[-1][0][0] if boxes else [("", "nothing")]
    return f"The graph of {name}: boxes: {len(boxes)}, arrows: {len(arrows)}"


def opening(width: float, height: float, title: str, more_style: str = "") -> str:
    """How each of these pictures begins: its size, what it shows, and its colours on dark."""
    width, height = width + 2 * MARGIN, height + 2 * MARGIN
    size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="{FONT}" '
        f'font-size="{FONT_SIZE}">\n'
        f"<title>{escaped(title)}</title>\n"
        f"<style>@media screen and (prefers-color-scheme: dark) {{ {_dark()} }}{more_style}"
        "</style>\n"
        f'<g transform="translate({MARGIN:.0f} {MARGIN:.0f})">'
    )


def _dark() -> str:
    dark = {kind: f"fill: {colours[1]}" for kind, colours in COLOURS.items()}
    rules = {kind: dark[kind] for kind in ("ink", "name", "op", "data", "grad", "paper")}
    for kind in ("leaf", "made", "note"):
        rules[kind] = f"{dark[kind]}; stroke: {COLOURS[f'{kind}-edge'][1]}"
    rules |= {"arrow": f"stroke: {COLOURS['arrow'][1]}", "head": dark["arrow"]}
    return " ".join(f".sg-{kind} {{ {rule} }}" for kind, rule in rules.items())


# Sizes. The font is one with letters of one width, so that they can be computed.


def sizes_of(
    boxes: Sequence[Box], arrows: Sequence[Arrow], labels: Sequence[str]
) -> list[tuple[float, float]]:
    """The width and height of each box: room for its text, and for the arrows into it."""
    entering = [0] * len(boxes)
    for _, end in arrows:
        entering[end] += 1
    between = BETWEEN_LABELS if any(labels) else BETWEEN_HEADS
    return [
        (
            max(sum(text_width(shortened(text)) for _, text in line) for line in lines)
            + 2 * PADDING,
            max(len(lines) * LINE + PADDING, (count + 1) * between),
        )
        for (lines, _), count in zip(boxes, entering)
    ]


def text_width(text: str) -> float:
    """How wide a text is, in which Chinese letters, and their like, take twice the room."""
    return sum(LETTER * (1 + (unicodedata.east_asian_width(c) in "WF")) for c in text)


def label_width(label: str) -> float:
    return text_width(shortened(label)) + 6.0 + HEAD + 8.0 if label else 0.0


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


# The parts.


def box_svg(lines: list[Line], kind: str, corner: Point, size: tuple[float, float]) -> str:
    """A box and the text in its middle; leaves are rounder than what was made from them."""
    (left, top), (width, height) = corner, size
    rounding = min(height / 2, 14.0) if kind == "leaf" else 3.0
    fill, stroke = COLOURS[kind][0], COLOURS[f"{kind}-edge"][0]
    baseline = top + (height - len(lines) * LINE) / 2 + 0.75 * LINE
    texts = [text_svg(line, left + width / 2, baseline + i * LINE) for i, line in enumerate(lines)]
    return (
        f'<rect class="sg-{kind}" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}" rx="{rounding:g}" fill="{fill}" stroke="{stroke}"/>'
        + "".join(texts)
    )


def text_svg(line: Line, x: float, baseline: float) -> str:
    """A line of text, in the colours of its pieces, with its middle at x."""
    pieces = []
    for kind, text in line:
        weight = ' font-weight="bold"' if kind == "name" else ""
        kind = kind or "ink"
        pieces.append(
            f'<tspan class="sg-{kind}" fill="{COLOURS[kind][0]}"{weight}>'
            f"{escaped(shortened(text))}</tspan>"
        )
    return f'<text x="{x:.1f}" y="{baseline:.1f}" text-anchor="middle">{"".join(pieces)}</text>'


def label_svg(label: str, end: Point) -> str:
    """What stands before the head of an arrow, on paper of its own."""
    if not label:
        return ""
    width = text_width(shortened(label)) + 6.0
    left, middle = end[0] - HEAD - 5.0 - width, end[1]
    return (
        f'<rect class="sg-paper" x="{left:.1f}" y="{middle - 7.5:.1f}" width="{width:.1f}" '
        f'height="15" rx="4" fill="{COLOURS["paper"][0]}"/>'
        + text_svg([("", label)], left + width / 2, middle + 4.0)
    )


def curve(path: Sequence[Point]) -> str:
    """A path in the language of SVG: straight where it is level, else curves with level ends."""
    (x, y), *rest = path
    drawn = [f"M{x:.1f} {y:.1f}"]
    for i, (to_x, to_y) in enumerate(rest, 1):
        shown_x = to_x - HEAD / 2 if i == len(rest) else to_x  # the head covers the rest
        if to_y == y:
            drawn.append(f"H{shown_x:.1f}")
        else:
            middle = (x + shown_x) / 2
            drawn.append(f"C{middle:.1f} {y:.1f} {middle:.1f} {to_y:.1f} {shown_x:.1f} {to_y:.1f}")
        x, y = to_x, to_y
    return "".join(drawn)


def head(end: Point) -> str:
    """The head of an arrow that ends there, from the left."""
    x, y = end
    return f"M{x:.1f} {y:.1f}l{-HEAD:g} {-HEAD / 2:g}v{HEAD:g}z"


_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})


def escaped(text: str) -> str:
    """So that a text stands for itself in XML, whatever is in it."""
    return text.translate(_ESCAPES)


# The other languages.


def dot(boxes: Sequence[Box], arrows: Sequence[Arrow], labels: Sequence[str]) -> str:
    """The picture in Graphviz's language."""
    font = f'fontname="sans-serif", fontcolor="{COLOURS["ink"][0]}"'
    lines = [
        "digraph {",
        "  rankdir=LR",
        f"  node [shape=box, style=filled, {_dot_colours('made')}, {font}]",
        f'  edge [color="{COLOURS["arrow"][0]}", {font}]',
    ]
    for i, (text, kind) in enumerate(boxes, 1):
        label = "<br/>".join("".join(map(_dot_piece, line)) for line in text)
        leaf = f', style="rounded,filled", {_dot_colours("leaf")}' if kind == "leaf" else ""
        lines.append(f"  n{i} [label=<{label}>{leaf}]")
    for i, (start, end) in enumerate(arrows):
        label = f' [label="{labels[i]}"]' if labels else ""
        lines.append(f"  n{start + 1} -> n{end + 1}{label}")
    return "\n".join([*lines, "}"])


def _dot_colours(kind: str) -> str:
    return f'fillcolor="{COLOURS[kind][0]}", color="{COLOURS[f"{kind}-edge"][0]}"'


def _dot_piece(piece: tuple[str, str]) -> str:
    kind, text = piece
    shown = escaped(text).replace("\\", "\\\\")  # or \N would be the name of the node
    if kind == "name":
        return f"<b>{shown}</b>"
    return f'<font color="{COLOURS[kind][0]}">{shown}</font>' if kind else shown


_LEAF_IN_MERMAID = "#3a9a5f"  # a border, to be seen on white and on black


def mermaid(boxes: Sequence[Box], arrows: Sequence[Arrow], labels: Sequence[str]) -> str:
    """The picture as a Mermaid flowchart, in the colours of the page, but for the leaves."""
    lines = ['%%{init: {"flowchart": {"wrappingWidth": 400}}}%%', "flowchart LR"]
    for i, (text, kind) in enumerate(boxes, 1):
        plain = ("".join(piece for _, piece in line) for line in text)
        label = "<br>".join(line.translate(_MERMAID_ESCAPES) for line in plain)
        lines.append(f'  n{i}("{label}"):::leaf' if kind == "leaf" else f'  n{i}["{label}"]')
    for i, (start, end) in enumerate(arrows):
        label = f"|{labels[i]}|" if labels else ""
        lines.append(f"  n{start + 1} -->{label} n{end + 1}")
    lines.append(f"  classDef leaf stroke:{_LEAF_IN_MERMAID},stroke-width:2px")
    return "\n".join(lines)


_MERMAID_ESCAPES = str.maketrans(
    {c: f"#{ord(c)};" for c in '"#&<>`*_~$'}
    | {"\\": "#92;#8203;"}  # the second one has no width, and keeps \n from ending the line
)
