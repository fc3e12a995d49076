"""The slope of a curve at a place, and how a nudge to both sides finds it.

python docs/pictures/tangent.py
"""

from diagram import MINUS
from figure import BLUE, GREEN, ORANGE, save

X, H = 3.0, 1.0  # a nudge so large that it can be seen


def f(x):
    return x * x + 2 * x


def slope(h=H):
    return (f(X + h) - f(X - h)) / (2 * h)


def draw(figure):
    axes = figure.add_subplot()
    xs = [1.2 + 0.05 * i for i in range(67)]
    axes.plot(xs, [f(x) for x in xs], color=BLUE, linewidth=2, label="f")
    left, right = X - H, X + H
    axes.plot([left, right, right], [f(left), f(left), f(right)], "--", color=GREEN, linewidth=1.5)
    axes.plot(
        [left, right],
        [f(left), f(right)],
        color=GREEN,
        linewidth=1.5,
        label="from one nudge to the other",
    )
    ends = X - 1.55, X + 1.55
    axes.plot(
        ends,
        [f(X) + slope() * (x - X) for x in ends],
        color=ORANGE,
        linewidth=2,
        label="the slope at x",
    )
    axes.plot([left, X, right], [f(x) for x in (left, X, right)], "o", color=BLUE, zorder=3)
    axes.text(X, f(left) - 0.6, "2h", color=GREEN, ha="center", va="top")
    rise = (f(left) + f(right)) / 2
    axes.text(right + 0.06, rise, f"f(x + h)\n{MINUS} f(x {MINUS} h)", color=GREEN, va="center")
    axes.legend(loc="upper left")
    axes.set(xlim=(1.2, 4.9), ylim=(0, 36), yticks=[f(left), f(X), f(right)])
    axes.set_xticks([left, X, right], [f"x {MINUS} h", "x", "x + h"])


if __name__ == "__main__":
    save("tangent", draw, size=(4.8, 3.4))
