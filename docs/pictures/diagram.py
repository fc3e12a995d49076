"""Boxes, circles and arrows with words on them, for pictures that are no charts.

The unit of all places and sizes is an inch, and (0, 0) is the lower left corner of the figure.
"""

from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch

Place = tuple[float, float]
MINUS, TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"


def canvas(figure: Figure) -> Axes:
    """Axes as large as the figure, which do not show."""
    figure.set_layout_engine("none")
    axes = figure.add_axes((0, 0, 1, 1))
    width, height = figure.get_size_inches()
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.axis("off")
    return axes


def box(
    axes: Axes, centre: Place, size: Place, text: str, colour: str, fontsize: float = 11
) -> None:
    (x, y), (width, height) = centre, size
    corner = x - width / 2, y - height / 2
    style = "round,pad=0,rounding_size=0.08"
    for filled in (True, False):  # a pale area, and a line around it that is not pale
        axes.add_patch(
            FancyBboxPatch(
                corner,
                width,
                height,
                boxstyle=style,
                facecolor=colour if filled else "none",
                edgecolor="none" if filled else colour,
                alpha=0.16 if filled else 1,
                linewidth=1.4,
            )
        )
    axes.text(x, y, text, ha="center", va="center", fontsize=fontsize, linespacing=1.3)


def circle(axes: Axes, centre: Place, radius: float, text: str, colour: str) -> None:
    axes.add_patch(Circle(centre, radius, facecolor=colour, alpha=0.16))
    axes.add_patch(Circle(centre, radius, facecolor="none", edgecolor=colour, linewidth=1.4))
    axes.text(*centre, text, ha="center", va="center", linespacing=1.3)


def number(x: float, digits: int) -> str:
    """With a minus that is as wide as a digit."""
    return f"{x:.{digits}f}".replace("-", MINUS)


def arrow(
    axes: Axes,
    start: Place,
    end: Place,
    *,
    colour: str | None = None,
    bend: float = 0.0,
    line: str = "-",
    width: float = 1.3,
) -> None:
    """From `start` to `end`; with a bend, in a curve to the left or, if it is negative, right."""
    axes.annotate(
        "",
        end,
        start,
        arrowprops={
            "arrowstyle": "-|>,head_length=0.45,head_width=0.2",
            "color": colour or rcParams["text.color"],
            "linewidth": width,
            "linestyle": line,
            "shrinkA": 0,
            "shrinkB": 0,
            "connectionstyle": f"arc3,rad={-bend}",
        },
    )
