"""The function tanh, the total of the page's neuron on it, and how its slope fades on both sides.

python docs/pictures/tanh.py
"""

import math

from figure import BLUE, GREEN, ORANGE, save

import scalargrad as sg

TOTAL = 2.0 * 0.5 + 0.5 * -1.0 - 0.25  # the neuron of the page


def result_and_slope(total):
    x = sg.Value(total)
    y = x.tanh()
    y.backward()
    return y.data, x.grad


def draw(figure):
    axes = figure.add_subplot()
    xs = [-4 + 0.05 * i for i in range(161)]
    axes.axhline(0, color="#888888", linewidth=0.6)
    axes.axvline(0, color="#888888", linewidth=0.6)
    axes.plot(xs, [math.tanh(x) for x in xs], color=BLUE, linewidth=2)
    for total, reach, colour, shift in (
        (TOTAL, 0.8, ORANGE, (0.6, -0.25)),
        (2.5, 0.9, GREEN, None),
    ):
        y, slope = result_and_slope(total)
        ends = total - reach, total + reach
        axes.plot(ends, [y + slope * (x - total) for x in ends], color=colour, linewidth=2)
        axes.plot([total], [y], "o", color=colour, zorder=3)
        x, below = shift or (-1.1, -0.3)
        axes.text(
            total + x,
            y + below,
            f"tanh({total:g}) = {y:.4f}\nslope {slope:.3f}",
            color=colour,
            va="top",
        )
    axes.set(xlim=(-4, 4), ylim=(-1.15, 1.15), xlabel="the total", ylabel="what tanh makes of it")
    axes.set(yticks=[-1, 0, 1], xticks=[-4, -2, 0, 2, 4])


if __name__ == "__main__":
    save("tanh", draw, size=(4.8, 3.2))
