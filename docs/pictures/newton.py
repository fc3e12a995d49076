"""Newton's step: to the lowest place of the parabola that has the curve's slope and its bend.

python docs/pictures/newton.py
"""

import math

from figure import BLUE, GREEN, ORANGE, save

import scalargrad as sg

START = 2.0


def f(x):
    return math.exp(x) - 2 * x


def parabola(at):
    """Height, slope and bend of the curve there."""
    x = sg.Value(at)
    y = x.exp() - 2 * x
    (slope,) = sg.grad(y, x, create_graph=True)
    (bend,) = sg.grad(slope, x)
    return y.data, slope.data, bend


def draw(figure):
    axes = figure.add_subplot()
    xs = [-0.6 + 0.04 * i for i in range(71)]
    axes.plot(xs, [f(x) for x in xs], color=BLUE, linewidth=2)
    y, slope, bend = parabola(START)
    found = START - slope / bend
    wide = [found + 0.04 * i for i in range(-30, 23)]
    axes.plot(
        wide,
        [y + slope * (x - START) + bend * (x - START) ** 2 / 2 for x in wide],
        "--",
        color=ORANGE,
        linewidth=2,
    )
    lowest = y - slope**2 / bend / 2
    axes.plot([START, found], [y, f(found)], "o", color=BLUE, zorder=3)
    axes.plot([found], [lowest], "o", color=ORANGE, zorder=3)
    axes.plot([found, found], [lowest, f(found)], ":", color="#888888")
    axes.plot([math.log(2)], [f(math.log(2))], "o", color=GREEN, zorder=3)
    axes.annotate(f"start: {START:g}", (START, y), (-8, 4), textcoords="offset points", ha="right")
    axes.text(found + 0.05, f(found) - 0.15, f"after one step: {found:.2f}", va="top")
    axes.text(
        math.log(2), f(math.log(2)) - 0.2, "the lowest\nplace", color=GREEN, ha="right", va="top"
    )
    axes.text(found, 2.3, "same slope,\nsame bend", color=ORANGE, va="bottom", ha="center")
    axes.set(xlim=(-0.6, 2.3), ylim=(-0.6, 5.2), xlabel="x", ylabel="f(x)", xticks=[0, 1, 2])


if __name__ == "__main__":
    save("newton", draw, size=(4.8, 3.6))
