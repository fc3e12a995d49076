"""The losses of the six programs on names held out, from the table on docs/steps.md.

python docs/pictures/steps_losses.py
"""

import math
import re
from pathlib import Path

from figure import BLUE, ORANGE, save

PAGE = Path(__file__).parents[1] / "steps.md"
ROW = re.compile(r"^\| (\d) \[(.+?)\].*?\| (\d\.\d+) \| (\d\.\d+) \|", re.MULTILINE)


def table():
    """The name of each program, and its loss after 1,000 and after 5,000 names."""
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    return [(f"{number}  {name}", float(few), float(many)) for number, name, few, many in rows]


def draw(figure):
    names, few, many = zip(*table())
    axes = figure.add_subplot()
    places = range(len(names))
    axes.hlines(places, many, few, color="#999999", linewidth=1.5, zorder=1)
    axes.scatter(few, places, color=ORANGE, s=45, label="after 1,000 names", zorder=2)
    axes.scatter(many, places, color=BLUE, s=45, label="after 5,000 names", zorder=2)
    axes.set_yticks(places, names)
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    axes.set_xlabel("loss on names held out\n(as unsure as with so many letters)")
    ticks = (9.5, 10, 10.5, 11, 11.5, 12, 12.5)
    axes.set_xticks([math.log(n) for n in ticks], [f"{math.log(n):.2f}\n({n:g})" for n in ticks])
    axes.grid(axis="x", color="#999999", alpha=0.25)
    axes.spines["left"].set_visible(False)
    figure.legend(loc="outside upper left", ncols=2)


if __name__ == "__main__":
    save("steps_losses", draw, size=(6.4, 3.4))
