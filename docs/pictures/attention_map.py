"""What each head of the trained GPT looks at, for one name.

python docs/pictures/attention_map.py
"""

import math

from default_run import default_run
from figure import BLUE, save
from looking import attention
from matplotlib.colors import LinearSegmentedColormap

NAME = "charlotte"


def draw(figure):
    run = default_run()
    tokens = run.tokenizer.document(NAME)[:-1]
    clear_to_blue = LinearSegmentedColormap.from_list("", [(0, BLUE + "08"), (1, BLUE + "ff")])
    for head, (axes, rows) in enumerate(
        zip(figure.subplots(2, 2).flat, attention(run.model, tokens))
    ):
        square = [row + [math.nan] * (len(rows) - len(row)) for row in rows]
        axes.imshow(square, cmap=clear_to_blue, vmin=0, vmax=0.6, interpolation="none")
        labels = ["·", *NAME]
        axes.set_title(f"head {head}")
        axes.set_xticks(range(len(labels)), labels)
        axes.set_yticks(range(len(labels)), labels)
        axes.tick_params(length=0)
    figure.supxlabel("the position it takes from", size=11)
    figure.supylabel("the position it is at", size=11)


if __name__ == "__main__":
    save("attention_map", draw, size=(5.6, 5.8))
