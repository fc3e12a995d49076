"""The steps of SGD down the valley of a loss: with a learning rate that suits it, and too large.

python docs/pictures/valley.py
"""

from itertools import pairwise

from diagram import TIMES
from figure import BLUE, GREEN, ORANGE, save

import scalargrad as sg
from scalargrad import optim


def walk(lr, steps):
    """Where w is before the first step, and after each: the loop of the page."""
    w = sg.Value(3.0)
    optimizer, places = optim.SGD([w], lr), [w.data]
    for _ in range(steps):
        optimizer.zero_grad()
        (w * w).backward()
        optimizer.step()
        places.append(w.data)
    return places


def draw(figure):
    ws = [-4.4 + 0.1 * i for i in range(89)]
    rates = {0.1: (GREEN, 8), 0.9: (BLUE, 6), 1.05: (ORANGE, 3)}
    names = ("small steps", "from side to side", "too far each time")
    for axes, (lr, (colour, steps)), name in zip(
        figure.subplots(1, 3, sharey=True), rates.items(), names
    ):
        axes.plot(ws, [w * w for w in ws], color="#888888", linewidth=1.5)
        places = walk(lr, steps)
        for a, b in pairwise(places):
            axes.annotate(
                "",
                (b, b * b),
                (a, a * a),
                arrowprops={"arrowstyle": "-|>", "color": colour, "shrinkA": 0, "shrinkB": 0},
            )
        axes.plot(places, [w * w for w in places], "o", color=colour, markersize=4)
        axes.plot(places[:1], [places[0] ** 2], "o", color=colour, markersize=8)
        axes.set(xlim=(-4.4, 4.4), ylim=(-0.6, 18), xticks=[-3, 0, 3], xlabel="w")
        axes.set_title(f"lr = {lr:g}\n{name}", fontsize=11)
    figure.axes[0].set(ylabel=f"loss, w {TIMES} w", yticks=[0, 9, 18])


if __name__ == "__main__":
    save("valley", draw, size=(5.6, 3.0))
