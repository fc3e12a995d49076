"""What the program on docs/how-to/plot-the-loss.md draws.

python docs/pictures/plot_the_loss.py
"""

from pathlib import Path

from figure import BLUE, ORANGE, save

PAGE = Path(__file__).parents[1] / "how-to" / "plot-the-loss.md"


def computed():
    """The names of the program on the page, run up to where it begins to draw."""
    _, program = PAGE.read_text(encoding="utf-8").split("```python\n", 1)
    names = {}
    exec(program.partition("figure, axes")[0], names)
    return names


def draw(figure):
    names = computed()
    losses, smooth, window = names["losses"], names["smooth"], names["window"]
    axes = figure.add_subplot()
    axes.plot(losses, color=BLUE, alpha=0.3, label="each step")
    places = range(window - 1, len(losses))
    axes.plot(places, smooth, color=ORANGE, linewidth=2, label=f"mean of the last {window}")
    axes.set(xlabel="step", ylabel="loss", yscale="log")
    axes.legend()


if __name__ == "__main__":
    save("plot_the_loss", draw, size=(6.0, 3.6))
