"""The picture that is shown beside a link to the site where somebody shares one.

python docs/pictures/social_card.py
"""

from figure import FOLDER
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from scalargrad import Value

SIZE = 1200, 630  # pixels, as those who show it expect
DARK, PALE, YELLOW = "#26307a", "#c5cae9", "#ffb74d"
PROMISE = (
    "A scalar autograd\nlibrary for Python:\nevery number is a node,\nevery derivative in sight."
)


def graph():
    """The first example of the site: each Value with its name and where its box stands."""
    x, y = Value(3.0), Value(4.0)
    total = x * x + y * y
    distance = total.sqrt()
    distance.backward()
    squares = total.parents
    return {
        x: ("x", 620, 430),
        y: ("y", 620, 210),
        squares[0]: ("x * x", 780, 430),
        squares[1]: ("y * y", 780, 210),
        total: ("+", 940, 320),
        distance: ("sqrt", 1100, 320),
    }


def draw(figure):
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, SIZE[0]), ylim=(0, SIZE[1]))
    axes.axis("off")
    axes.text(70, 415, "scalargrad", size=38, weight="bold", color="white")
    axes.text(72, 380, PROMISE, size=20, color=PALE, va="top", linespacing=1.45)
    boxes = graph()
    look = {"arrowstyle": "-|>", "color": PALE, "linewidth": 2, "mutation_scale": 18}
    for value, (_, x, y) in boxes.items():
        for parent in value.parents:
            start = boxes[parent][1:]
            axes.annotate("", (x - 50, y), (start[0] + 50, start[1]), arrowprops=look)
    for value, (name, x, y) in boxes.items():
        colour = "white" if value.parents else YELLOW
        shape = "round,pad=0,rounding_size=12"
        box = FancyBboxPatch((x - 50, y - 50), 100, 100, shape, facecolor=colour, edgecolor="none")
        axes.add_patch(box)
        inside = {"color": DARK, "ha": "center", "va": "center"}
        axes.text(x, y + 14, f"{name}\n{value.data:g}", size=15, weight="bold", **inside)
        axes.text(x, y - 32, f"grad {value.grad:.2g}", size=11, **inside)


if __name__ == "__main__":
    card = Figure(figsize=(SIZE[0] / 100, SIZE[1] / 100), dpi=100, facecolor=DARK)
    draw(card)
    card.savefig(FOLDER.parent / "assets" / "social_card.png", metadata={"Software": None})
