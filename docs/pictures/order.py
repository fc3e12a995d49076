"""The same graph walked backward in the wrong order and in the right one.

python docs/pictures/order.py
"""

from diagram import arrow, box, canvas
from figure import BLUE, GREEN, ORANGE, save

import scalargrad as sg

PLACES = {"y": (1.0, 3.7), "b": (0.45, 2.65), "a": (1.35, 1.6), "x": (1.35, 0.5)}


def gradients(turns):
    """The gradient of each node when its turn comes, and at the end, if they go in this order."""
    x = sg.Value(3.0, label="x")
    a = x * x
    b = a * 2.0
    y = a + b
    nodes = {"x": x, "a": a, "b": b, "y": y}
    grads = dict.fromkeys(nodes.values(), 0.0) | {b.parents[1]: 0.0, y: 1.0}
    at_turn = {}
    for name in turns:
        node = nodes[name]
        at_turn[name] = grads[node]
        for parent, local_grad in zip(node.parents, node.local_grads):
            grads[parent] += local_grad * grads[node]
    return at_turn, {name: grads[node] for name, node in nodes.items()}


def draw(figure):
    axes = canvas(figure)
    walk(axes, 0.25, "a before b: wrong", ["y", "a", "b"])
    walk(axes, 2.75, "b before a: right", ["y", "b", "a"])


def walk(axes, left, title, turns):
    at_turn, at_end = gradients(turns)
    late = turns.index("b") > turns.index("a")

    def place(name, dy=0.0, dx=0.0):
        x, y = PLACES[name]
        return left + x + dx, y + dy

    axes.text(left + 1.0, 4.35, title, ha="center", va="center", fontsize=13)
    arrow(axes, place("y", -0.26, -0.15), place("b", 0.26, 0.1))
    axes.text(left + 0.42, 3.2, f"{at_turn['y']:g}", ha="center", va="center")
    arrow(axes, place("y", -0.26, 0.15), place("a", 0.26, 0.15))
    axes.text(left + 1.46, 2.65, f"{at_turn['y']:g}", ha="center", va="center")
    colour = ORANGE if late else None
    arrow(
        axes,
        place("b", -0.26, 0.1),
        place("a", 0.26, -0.15),
        colour=colour,
        line="--" if late else "-",
    )
    words = f"{2 * at_turn['b']:g}, too late" if late else f"{2 * at_turn['b']:g}"
    axes.text(left + 0.72, 2.1, words, ha="right", va="center", color=colour)
    for dx in (-0.17, 0.17):
        arrow(axes, place("a", -0.26, dx), place("x", 0.26, dx))
        words = f"{3 * at_turn['a']:g}"
        axes.text(
            left + PLACES["a"][0] + 1.6 * dx,
            1.05,
            words,
            ha="right" if dx < 0 else "left",
            va="center",
        )
    for name in PLACES:
        grad = at_end[name] if name == "x" else at_turn[name]
        wrong = late and name in "ax"
        colour = BLUE if name in "yb" else ORANGE if wrong else GREEN
        box(axes, place(name), (0.86, 0.52), f"{name}\ngrad {grad:g}", colour, fontsize=10.5)
        if name in turns:
            x, y = place(name, 0.26, -0.43)
            axes.plot([x], [y], "o", markersize=15, color=colour)
            axes.text(
                x,
                y - 0.01,
                turns.index(name) + 1,
                ha="center",
                va="center",
                color="white",
                fontsize=10,
            )


if __name__ == "__main__":
    save("order", draw, size=(5.0, 4.6))
