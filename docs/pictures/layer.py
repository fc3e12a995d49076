"""A layer of three neurons on two inputs: each neuron has a row of weights, one for each input.

python docs/pictures/layer.py
"""

import random

from diagram import arrow, box, canvas, circle, number
from figure import BLUE, GREEN, ORANGE, save

from scalargrad import nn

INPUTS = (0.5, -1.0)  # those of the page, and the weights are, too


def layer():
    """The weights, one row for each neuron, and what the neurons say."""
    weights = nn.matrix(3, 2, std=1.0, rng=random.Random(1))
    return weights, nn.linear(INPUTS, weights, [0.0, 0.0, 0.0]).tanh()


def draw(figure):
    axes = canvas(figure)
    weights, results = layer()
    largest = max(abs(w) for row in weights for w in row.data)
    axes.text(3.42, 3.25, "weights", ha="center", va="center")
    axes.text(4.75, 3.25, "results", ha="center", va="center")
    for i, x in enumerate(INPUTS):
        circle(axes, (0.45, 2.1 - 1.1 * i), 0.4, f"x{i + 1}\n{number(x, 1)}", BLUE)
    for j, (row, result) in enumerate(zip(weights, results.data)):
        y = 2.6 - 1.05 * j
        circle(axes, (2.4, y), 0.36, "sum\ntanh", GREEN)
        for i, w in enumerate(row.data):
            colour = BLUE if w > 0 else ORANGE
            start, end = (0.86, 2.1 - 1.1 * i), (2.06, y + 0.08 - 0.16 * i)
            arrow(axes, start, end, colour=colour, width=0.5 + 2.5 * abs(w) / largest)
            box(axes, (3.14 + 0.56 * i, y), (0.52, 0.4), number(w, 2), colour, fontsize=10)
        arrow(axes, (4.04, y), (4.4, y))
        axes.text(4.46, y, number(result, 4), va="center")


if __name__ == "__main__":
    save("layer", draw, size=(5.2, 3.4))
