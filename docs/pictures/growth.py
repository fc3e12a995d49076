"""How the time of a training step grows with the sizes of the GPT, and of a node with the graph.

python docs/pictures/growth.py

The numbers are those of benchmarks/results/published.json; a band is the spread of the rounds.
"""

import itertools
import json
import sys
from pathlib import Path

from figure import BLUE, GREEN, ORANGE, save

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
from tables import COMPILED, PUBLISHED, PYTHON, PYTORCH, nodes_in_pytorch

LINES = {
    PYTHON: (BLUE, "plain Python"),
    PYTORCH: (GREEN, "PyTorch"),
    COMPILED: (ORANGE, "compiled"),
}
AXES = {
    "n_embd": "width (n_embd)",
    "n_layer": "layers",
    "context": "tokens in the context",
    "batch_size": "documents in a batch",
}


def growth(points, label):
    """What draws the time of a step for each of these sizes."""
    series = {
        who: {int(size): times[who] for size, times in points.items() if who in times}
        for who in LINES
    }
    return lambda figure: draw(figure, series, label, "ms per step", 1e3)


def graph(measured):
    series = {
        PYTHON: measured["reference"]["ns per node"],
        COMPILED: measured["compiled"]["ns per node"],
        PYTORCH: nodes_in_pytorch(measured),
    }
    whole = {
        who: {int(n): added(parts.values()) for n, parts in points.items()}
        for who, points in series.items()
    }
    return lambda figure: draw(figure, whole, "nodes in the graph", "ns per node", 1.0)


def added(parts):
    """Building, walking back and freeing together."""
    return {key: sum(part[key] for part in parts) for key in ("median", "lowest", "highest")}


def draw(figure, series, across, up, factor):
    axes = figure.subplots()
    axes.set(xscale="log", yscale="log", xlabel=across, ylabel=up)
    for who, points in series.items():
        colour, _ = LINES[who]
        sizes = sorted(points)
        median, lowest, highest = (
            [points[size][key] * factor for size in sizes]
            for key in ("median", "lowest", "highest")
        )
        axes.fill_between(sizes, lowest, highest, color=colour, alpha=0.25, linewidth=0)
        axes.plot(sizes, median, "o-", color=colour, markersize=5)
    name_lines(axes, {who: (max(x), x[max(x)]["median"] * factor) for who, x in series.items()})
    ticks = sorted({size for points in series.values() for size in points})
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)


def name_lines(axes, ends):
    """The name of each line at its end; where two ends are close, one above the other."""
    order = sorted(ends, key=lambda who: ends[who][1])
    shift = dict.fromkeys(order, 0)
    for below, above in itertools.pairwise(order):
        if ends[above][0] == ends[below][0] and ends[above][1] < 2 * ends[below][1]:
            shift[below] -= 7
            shift[above] += 7
    for who, end in ends.items():
        colour, name = LINES[who]
        offset = (8, shift[who])
        axes.annotate(name, end, offset, textcoords="offset points", color=colour, va="center")


if __name__ == "__main__":
    measured = json.loads(PUBLISHED.read_text(encoding="utf-8"))["measured"]
    for size, label in AXES.items():
        plot = growth(measured["growth"]["sizes"][size], label)
        save(f"growth_{size}", plot, size=(5.4, 3.2))
    save("growth_graph", graph(measured["graphs"]), size=(5.4, 3.2))
