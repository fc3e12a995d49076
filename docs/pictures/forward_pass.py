"""The graph of a forward pass of the GPT, as a Mermaid flowchart with one box per step.

Thousands of Values would make no picture. So the numbers that were made by the same operation from
the same boxes share a box: the 16 numbers of a row, the rows of a matrix, the 4 heads. The graph is
walked through `parents` alone; nothing in it knows what a GPT is but the names of the matrices.
"""

from collections.abc import Iterable, Mapping

from scalargrad import Value


def mermaid(output: Value, matrices: Mapping[str, Iterable[Iterable[Value]]]) -> str:
    """The picture of everything that `output` was computed from."""
    names = {v: name for name, rows in matrices.items() for row in rows for v in row}
    boxes: dict[object, int] = {}  # what the numbers of a box have in common, and its number
    sizes: list[int] = []
    box_of: dict[Value, int] = {}
    for value in inputs_first(output):
        made_from = frozenset(box_of[p] for p in value.parents if p in box_of)
        if not value.parents and value not in names:
            continue  # a plain number, such as the scale of the queries
        key = names.get(value) or (value.op, made_from)
        box = boxes.setdefault(key, len(boxes))
        box_of[value] = box
        sizes += [0] * (box + 1 - len(sizes))
        sizes[box] += 1
    lines = ["flowchart TB"]
    for key, box in boxes.items():
        count = f"{sizes[box]} number" + ("s" if sizes[box] > 1 else "")
        if isinstance(key, str):
            lines.append(f'  n{box}("{key}<br>{count}")')
        else:
            lines.append(f'  n{box}["{key[0]}<br>{count}"]')
    for key, box in boxes.items():
        if not isinstance(key, str):
            lines += [f"  n{start} --> n{box}" for start in sorted(key[1])]
    return "\n".join(lines)


def inputs_first(output: Value) -> list[Value]:
    """Every Value that `output` was computed from, each after its parents."""
    order: list[Value] = []
    seen: set[Value] = set()
    stack = [(output, False)]
    while stack:
        value, parents_are_listed = stack.pop()
        if parents_are_listed:
            order.append(value)
        elif value not in seen:
            seen.add(value)
            stack.append((value, True))
            stack += [(parent, False) for parent in reversed(value.parents)]
    return order
