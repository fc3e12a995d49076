"""A program of the reader's, drawn: its graph, and the ledger of the backward pass.

`look` runs the program and says what the page needs: the graph for the layout, the lines of the
ledger, and for each line which boxes and which arrow it belongs to. The numbers that the program
writes into `Value(...)` or `nn.vector([...])` have sliders; moving one changes the number in the
text, and the program is run again.
"""

import ast
import html
import re
from collections import Counter

from session import run

import scalargrad as sg


def look(text, change=None):
    """`change`, if it is given, is the index of a number and what to put in its place."""
    if change:
        text = with_number(text, *change)
    output = output_of(text)
    steps = sg.graph.ledger(output)
    output.backward()  # so that the boxes are made wide enough for the gradients
    dot = sg.graph.to_dot(output, local_grads=True)
    name = steps[0].node if steps else title_of_leaf(dot)
    boxes = boxes_in(dot, {name} | {step.parent for step in steps})
    return {
        "text": text,
        "numbers": [number.told() for number in numbers(text)],
        "output": {"name": name, "data": output.data, "shown": short(output.data)},
        "dot": dot,
        "boxes": boxes,
        "steps": as_steps(steps, boxes),
    }


# The output: what the graph ends in.


def output_of(text):
    """The Value of the last line or, if that is none, the last name that was given to one."""
    namespace = {"__name__": "__main__"}
    last = run(text, namespace)
    name_them(namespace)
    if isinstance(last, sg.Value):
        return last
    for name in reversed(assigned(text)):
        if isinstance(namespace.get(name), sg.Value):
            return namespace[name]
    raise ValueError(
        "the program makes no Value that could be drawn: end it with a line that is one, such as "
        "y, or that gives one a name, such as y = x * x. Of a row, take one number, or its sum()."
    )


def assigned(text):
    """The names that get a value, in the order of the text."""
    found = [
        (node.lineno, node.col_offset, node.id)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]
    return [name for _, _, name in sorted(found)]


def name_them(namespace):
    """A number or a row without a label is called by its variable."""
    for name, thing in namespace.items():
        if isinstance(thing, sg.Value | sg.Vector) and not thing.label:
            thing.label = name


# The boxes, by the text of `to_dot`: one for each number, or for each row.

NODE = re.compile(r"^  (n\d+) \[label=<(.*)>[,\]]", re.MULTILINE)
NUMBER = re.compile(r"(.*): data \S+, grad \S+")


def boxes_in(dot, names):
    """For each name: its box, and which gradient in the box is its own, counted from the last."""
    found = {}
    for box, label in NODE.findall(dot):
        title, *lines = text_of(label).split("\n")
        numbers = [match[1] for match in map(NUMBER.fullmatch, lines) if match]
        if not numbers:
            name = title if title in names else title.rpartition(" (")[0]  # without its operation
            found[name] = {"box": box, "gradient": -1}
            continue
        row = numbers[0].rpartition("[")[0]
        for name in names:  # those in the middle of a long row are not written
            if row and name.rpartition("[")[0] == row:
                found[name] = {"box": box, "gradient": None}
        for i, name in enumerate(numbers):
            found[name] = {"box": box, "gradient": i - len(numbers)}
    return found


def title_of_leaf(dot):
    """The name in the only box, which is the label on one line, or v1."""
    return text_of(NODE.search(dot)[2]).partition("\n")[0]


def text_of(label):
    """What is to be read in a box, whose label is marked up as in HTML."""
    text = re.sub("<[^>]*>", "", label.replace("<br/>", "\n"))
    return html.unescape(text).replace(r"\\", "\\")


# The ledger.

NUMBERS = ("upstream", "local", "contribution", "grad")


def as_steps(edges, boxes):
    """The lines of the ledger, with numbers as they are shown, and which arrow each of them is."""
    seen = Counter()
    steps = []
    for edge in edges:
        ends = [boxes[name]["box"] for name in (edge.parent, edge.node) if name in boxes]
        shown = {field: short(getattr(edge, field)) for field in NUMBERS}
        arrow = "->".join(ends) if len(ends) == 2 else None
        # x * x has two arrows: `which` says if it is the first of them
        place = {"arrow": arrow, "which": seen[edge.node, edge.parent]}
        seen[edge.node, edge.parent] += 1
        steps.append(edge._asdict() | {"shown": shown} | place)
    return steps


def short(number):
    return f"{number:.4g}"


# The numbers with sliders.


class Number:
    """A number in the program: what it is called, and from which byte to which it stands."""

    def __init__(self, name, node, starts):
        self.name = name
        self.value = float(ast.literal_eval(node))
        self.start = starts[node.lineno - 1] + node.col_offset
        self.end = starts[node.end_lineno - 1] + node.end_col_offset

    def told(self):
        return {"name": self.name, "value": self.value}


def numbers(text):
    """Those written into `Value(...)` or `nn.vector([...])`, in the order of the text."""
    starts = [0]
    for line in text.encode().split(b"\n"):
        starts.append(starts[-1] + len(line) + 1)
    tree = ast.parse(text)
    variables = dict(assignments(tree))
    found = []
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and call.args):
            continue
        function = getattr(call.func, "attr", getattr(call.func, "id", None))
        name = label_of(call) or variables.get(call) or f"line {call.lineno}"
        first = call.args[0]
        if function == "Value" and is_number(first):
            found.append(Number(name, first, starts))
        if function == "vector" and isinstance(first, ast.List | ast.Tuple):
            found += [
                Number(f"{name}[{i}]", element, starts)
                for i, element in enumerate(first.elts)
                if is_number(element)
            ]
    return sorted(found, key=lambda number: number.start)


def with_number(text, index, value):
    number = numbers(text)[index]
    before, after = text.encode()[: number.start], text.encode()[number.end :]
    return (before + repr(float(value)).encode() + after).decode()


def is_number(node):
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        node = node.operand
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def label_of(call):
    labels = [keyword.value for keyword in call.keywords if keyword.arg == "label"]
    return labels[0].value if labels and isinstance(labels[0], ast.Constant) else None


def assignments(tree):
    """Each expression that is given a name, and the name: x = ..., and x, y = ..., ..."""
    for statement in ast.walk(tree):
        if not isinstance(statement, ast.Assign):
            continue
        target, value = statement.targets[0], statement.value
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            pairs = zip(target.elts, value.elts)
        else:
            pairs = [(target, value)]
        yield from ((value, target.id) for target, value in pairs if isinstance(target, ast.Name))
