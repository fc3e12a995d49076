"""A map of the GPT: what becomes of one token, with the shapes of what goes from box to box.

python docs/pictures/gpt_map.py
"""

from default_run import default_run
from diagram import TIMES, arrow, box, canvas
from figure import BLUE, GREEN, ORANGE, PURPLE, save
from matplotlib import rcParams
from matplotlib.patches import FancyBboxPatch

MIDDLE = 2.3  # of the straight way, from the left


def sizes():
    """What stands on the arrows and under the names of the boxes, from the model itself."""
    model = default_run().model
    config = model.config
    return {
        "row": len(model.weights["wte"][0]),
        "tokens": model.vocab_size,
        "positions": config.block_size,
        "heads": config.n_head,
        "head": config.n_embd // config.n_head,
        "hidden": len(model.weights["layer0.mlp_fc1"]),
        "layers": config.n_layer,
    }


def draw(figure):
    axes = canvas(figure)
    n = sizes()
    row = f"{n['row']}"

    def step(y, text, colour, height=0.5, width=2.0, x=MIDDLE):
        box(axes, (x, y), (width, height), text, colour)

    def down(start, end, shape, x=MIDDLE):
        arrow(axes, (x, start), (x, end))
        axes.text(x + 0.1, (start + end) / 2, shape, va="center", fontsize=11)

    step(8.6, "token\n“m” = 12", GREEN, width=1.3, x=1.45)
    step(8.6, "position\n2", GREEN, width=1.3, x=3.15)
    down(8.35, 7.95, "1", x=1.45)
    down(8.35, 7.95, "1", x=3.15)
    step(7.65, f"wte\n{n['tokens']} {TIMES} {row}", BLUE, height=0.6, width=1.3, x=1.45)
    step(7.65, f"wpe\n{n['positions']} {TIMES} {row}", BLUE, height=0.6, width=1.3, x=3.15)
    arrow(axes, (1.45, 7.35), (2.05, 6.97))
    arrow(axes, (3.15, 7.35), (2.55, 6.97))
    axes.text(1.55, 7.1, row, ha="right", va="center")
    axes.text(3.05, 7.1, row, va="center")
    step(6.72, "add, rmsnorm", BLUE)

    # The layer: two detours from a straight way, and what each finds is added to it.
    axes.add_patch(
        FancyBboxPatch(
            (0.35, 2.55),
            4.5,
            3.8,
            boxstyle="round,pad=0,rounding_size=0.12",
            facecolor="none",
            edgecolor="#888888",
            linestyle="--",
        )
    )
    axes.text(
        4.75,
        6.17,
        "one layer" if n["layers"] == 1 else f"{n['layers']} layers",
        ha="right",
        va="center",
    )
    down(6.47, 5.85, row)
    step(5.45, f"attention\n{n['heads']} heads of {n['head']}", ORANGE, height=0.8, width=1.7)
    step(5.45, "cache:\nkeys, values", ORANGE, height=0.8, width=1.25, x=4.1)
    arrow(axes, (3.45, 5.45), (3.17, 5.45), colour=ORANGE)
    down(5.05, 4.72, row)
    plus(axes, 4.57)
    down(4.42, 4.05, row)
    step(3.65, f"MLP\n{row} → {n['hidden']} → {row}", PURPLE, height=0.8, width=1.7)
    down(3.25, 2.94, row)
    plus(axes, 2.79)
    for top, bottom in ((6.18, 4.57), (4.28, 2.79)):
        axes.plot([MIDDLE, 0.8, 0.8], [top, top, bottom], color=rcParams["text.color"], lw=1.3)
        arrow(axes, (0.8, bottom), (MIDDLE - 0.16, bottom))

    down(2.64, 2.2, row)
    step(1.92, f"lm_head\n{n['tokens']} {TIMES} {row}", BLUE, height=0.56)
    down(1.64, 1.3, f"{n['tokens']} logits")
    step(1.05, "softmax", GREEN)
    down(0.8, 0.5, f"{n['tokens']} probabilities")
    axes.text(MIDDLE, 0.3, "which token comes next?", ha="center", va="center")


def plus(axes, y):
    axes.plot(
        [MIDDLE], [y], "o", markersize=20, markerfacecolor="none", color=rcParams["text.color"]
    )
    axes.text(MIDDLE, y, "+", ha="center", va="center", fontsize=14)


if __name__ == "__main__":
    save("gpt_map", draw, size=(5.0, 9.0))
