"""What each head of the trained GPT looks at, for one name.

python docs/pictures/attention_map.py
"""

import math

from default_run import default_run
from figure import BLUE, save
from matplotlib.colors import LinearSegmentedColormap
from model import empty_cache, gpt

NAME = "charlotte"


def attention(model, tokens):
    """For each head, one row per position: how much it takes from each position up to there.

    The graph remembers these numbers, so nothing in the model has to be changed to see them. A
    logit was made by `linear` from a row x and a row of lm_head; x by the MLP's second `linear`,
    whose last parent is x before the MLP; that by attention's last `linear`, whose parents begin
    with what the heads found, concatenated; and each head found it by `weighted_sum`, whose parents
    begin with the attention weights.
    """
    config, cache = model.config, empty_cache(model.config)
    heads = [[] for _ in range(config.n_head)]
    for position, token in enumerate(tokens):
        logits = gpt(model, token, position, cache)
        before_mlp = logits[0].parents[0].parents[-1]
        found = before_mlp.parents[: config.n_embd]
        for rows, number in zip(heads, found[:: config.n_embd // config.n_head]):
            (weighted_sum,) = number.parents
            rows.append([weight.data for weight in weighted_sum.parents[: position + 1]])
    return heads


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
