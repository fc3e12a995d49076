"""Which moon a neuron and a small network take each point of the plane for.

python docs/pictures/decision_boundary.py
"""

import random
import sys
from pathlib import Path

from figure import BLUE, ORANGE, save

import scalargrad as sg

sys.path.append(str(Path(__file__).parents[2] / "examples"))
from two_moons import accuracy, new_network, score, train, two_moons

XS = [-2.0 + 0.1 * i for i in range(41)]
YS = [-1.6 + 0.1 * i for i in range(33)]


def trained(sizes):
    """The points of the page, and a network of these sizes that was trained on them."""
    rng = random.Random(1)
    points, network = two_moons(50, rng), new_network(sizes, rng)
    train(network, points)
    return points, network


@sg.no_grad()
def scores(network):
    """The score at each place of a grid: one row for each of YS, one column for each of XS."""
    return [[score(network, (x, y)).data for x in XS] for y in YS]


def draw(figure):
    networks = {"one neuron": [2, 1], "eight hidden neurons": [2, 8, 1]}
    for axes, (title, sizes) in zip(figure.subplots(1, 2, sharey=True), networks.items()):
        points, network = trained(sizes)
        grid = scores(network)
        axes.contourf(XS, YS, grid, levels=[-1.01, 0, 1.01], colors=[ORANGE, BLUE], alpha=0.22)
        axes.contour(XS, YS, grid, levels=[0], colors=["#888888"])
        for moon, colour, marker in ((1, BLUE, "o"), (-1, ORANGE, "^")):
            place = [point for point, label in points if label == moon]
            axes.plot(*zip(*place), marker, color=colour, markersize=3.5, markeredgewidth=0)
        right = accuracy(network, points)
        axes.set(
            title=f"{title}: {right:.0%}", aspect="equal", xticks=[-2, 0, 2], yticks=[-1, 0, 1]
        )


if __name__ == "__main__":
    save("decision_boundary", draw, size=(6.4, 3))
