"""One head of the trained GPT at one letter: query, keys, matches, shares, values, and the result.

python docs/pictures/attention_head.py
"""

from default_run import default_run
from diagram import arrow, canvas, number
from figure import BLUE, GREEN, ORANGE, PURPLE, save
from matplotlib.patches import Rectangle
from model import empty_cache, gpt

NAME, HEAD = "karl", 1


def head_at_last(model, tokens, head):
    """What a head computes at the last token: the scaled query, and for each position the key, the
    match, the share and the value; and what it finds.

    All of it is in the graph, as `looking` says: a share is made by softmax from the matches,
    and a match by `linear` from the query and a key.
    """
    config, cache = model.config, empty_cache(model.config)
    for position, token in enumerate(tokens):
        logits = gpt(model, token, position, cache)
    width = config.n_embd // config.n_head
    before_mlp = logits[0].parents[0].parents[-1]
    found = before_mlp.parents[head * width : (head + 1) * width]
    shares = found[0].parents[0].parents[: len(tokens)]
    matches = shares[0].parents
    query = matches[0].parents[:width]
    return {
        "query": [x.data for x in query],
        "keys": [list(row.data) for row in cache[0].keys[head]],
        "matches": [x.data for x in matches],
        "shares": [x.data for x in shares],
        "values": [list(row.data) for row in cache[0].values[head]],
        "found": [x.data for x in found],
    }


CELL, HEIGHT, FIRST, SECOND = 0.47, 0.4, 0.36, 3.62  # inches; where keys and values begin


def draw(figure):
    axes = canvas(figure)
    run = default_run()
    tokens = run.tokenizer.document(NAME)[:-1]
    head = head_at_last(run.model, tokens, HEAD)
    keys_x, values_x, top = FIRST, SECOND, 3.0

    def row(x, y, numbers, colour, largest=1.3):
        for i, n in enumerate(numbers):
            corner = x + i * CELL, y - HEIGHT / 2
            strength = 0.05 + 0.6 * min(abs(n) / largest, 1)
            axes.add_patch(
                Rectangle(
                    corner, CELL, HEIGHT, facecolor=colour, alpha=strength, lw=0, clip_on=False
                )
            )
            axes.text(corner[0] + CELL / 2, y, number(n, 2), ha="center", va="center", fontsize=10)
        axes.add_patch(
            Rectangle(
                (x, y - HEIGHT / 2), len(numbers) * CELL, HEIGHT, facecolor="none", edgecolor=colour
            )
        )

    width = 4 * CELL
    axes.text(keys_x + width / 2, top + 1.12, f"query of {NAME[-1]}", ha="center", color=ORANGE)
    row(keys_x, top + 0.86, head["query"], ORANGE)
    arrow(axes, (keys_x + width / 2, top + 0.62), (keys_x + width / 2, top + 0.46), colour=ORANGE)
    titles = (
        (keys_x + width / 2, "keys", BLUE),
        (2.56, "match", ORANGE),
        (3.2, "share", GREEN),
        (values_x + width / 2, "values", PURPLE),
    )
    for x, title, colour in titles:
        axes.text(x, top + 0.28, title, ha="center", color=colour)
    for i, place in enumerate("·" + NAME):
        y = top - i * (HEIGHT + 0.06)
        axes.text(0.2, y, place, ha="center", va="center", fontsize=13)
        row(keys_x, y, head["keys"][i], BLUE)
        axes.text(2.56, y, number(head["matches"][i], 2), ha="center", va="center", color=ORANGE)
        share = head["shares"][i]
        axes.add_patch(
            Rectangle((2.9, y - 0.17), 0.72 * share, 0.34, facecolor=GREEN, alpha=0.45, lw=0)
        )
        axes.text(3.2, y, f"{share:.0%}", ha="center", va="center")
        row(values_x, y, head["values"][i], PURPLE)
    bottom = top - 5 * (HEIGHT + 0.06) - 0.3
    middle = values_x + width / 2
    arrow(axes, (middle, bottom + 0.48), (middle, bottom + 0.24), colour=GREEN)
    row(values_x, bottom, head["found"], GREEN)
    axes.text(
        values_x - 0.1,
        bottom,
        "found: the mean of the values,\nweighted by the shares",
        ha="right",
        va="center",
        color=GREEN,
    )


if __name__ == "__main__":
    save("attention_head", draw, size=(5.56, 4.4))
