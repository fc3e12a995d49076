"""A neuron with two inputs, and the numbers that go through it.

python docs/pictures/neuron.py
"""

import math

from diagram import TIMES, arrow, box, canvas, circle, number
from figure import BLUE, GREEN, ORANGE, PURPLE, save

INPUTS, WEIGHTS, BIAS = (0.5, -1.0), (2.0, 0.5), -0.25  # those of the page
MIDDLE = 1.5


def total():
    return sum(w * x for w, x in zip(WEIGHTS, INPUTS)) + BIAS


def draw(figure):
    axes = canvas(figure)
    for i, (x, w) in enumerate(zip(INPUTS, WEIGHTS)):
        side = 1 - 2 * i  # the first comes in from above, the second from below
        circle(axes, (0.5, MIDDLE + 0.9 * side), 0.42, f"x{i + 1}\n{number(x, 1)}", BLUE)
        start, end = (0.91, MIDDLE + 0.82 * side), (2.16, MIDDLE + 0.22 * side)
        arrow(axes, start, end, colour=ORANGE)
        align = {"ha": "left", "va": "bottom" if side == 1 else "top"}
        product = f"{number(w, 1)} {TIMES} {number(x, 1)} = {number(w * x, 1)}"
        lines = [f"w{i + 1} = {number(w, 1)}", product][::side]
        axes.text(1.3, MIDDLE + 0.78 * side, "\n".join(lines), color=ORANGE, **align)
    circle(axes, (2.55, MIDDLE), 0.44, f"sum\n{number(total(), 2)}", GREEN)
    circle(axes, (3.2, 0.4), 0.36, f"b\n{number(BIAS, 2)}", ORANGE)
    arrow(axes, (3.02, 0.71), (2.78, 1.13), colour=ORANGE)
    arrow(axes, (2.99, MIDDLE), (3.4, MIDDLE))
    box(axes, (3.8, MIDDLE), (0.8, 0.86), "tanh\n\n", PURPLE)
    xs = [-1 + 0.1 * i for i in range(21)]
    axes.plot(
        [3.8 + 0.28 * x for x in xs],
        [MIDDLE - 0.14 + 0.16 * math.tanh(2.5 * x) for x in xs],
        color=PURPLE,
        linewidth=1.5,
    )
    arrow(axes, (4.2, MIDDLE), (4.55, MIDDLE))
    axes.text(4.6, MIDDLE, f"y\n{number(math.tanh(total()), 4)}", va="center")


if __name__ == "__main__":
    save("neuron", draw, size=(5.2, 3.0))
