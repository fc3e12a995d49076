"""What becomes of one letter in the trained GPT: the rows of numbers on its way down the map.

python docs/pictures/way_of_a_token.py
"""

from default_run import default_run
from figure import BLUE, GREEN, ORANGE, save
from matplotlib.colors import LinearSegmentedColormap
from model import attention, empty_cache, gpt, mlp

from scalargrad import nn, no_grad

READ = "em"


@no_grad()
def way(model, tokenizer):
    """The rows that the last letter becomes, by name, and the probabilities of the next token."""
    *before, token = tokenizer.document(READ)[:-1]
    cache = empty_cache(model.config)
    for position, earlier in enumerate(before):
        gpt(model, earlier, position, cache)
    letter, place = model.weights["wte"][token], model.weights["wpe"][len(before)]
    x = nn.rmsnorm(letter + place)
    found = attention(model.layers[0], x, cache[0])
    worked_on = mlp(model.layers[0], found)
    rows = {
        f"row of {READ[-1]}": letter,
        f"row of place {len(before)}": place,
        "added, normed": x,
        "after attention": found,
        "after the MLP": worked_on,
    }
    return rows, nn.softmax(nn.linear(worked_on, model.weights["lm_head"]))


def draw(figure):
    run = default_run()
    rows, probabilities = way(run.model, run.tokenizer)
    colours = [(0, ORANGE + "ff"), (0.5, ORANGE + "00"), (0.5, BLUE + "00"), (1, BLUE + "ff")]
    orange_to_blue = LinearSegmentedColormap.from_list("", colours)
    above, below = figure.subplots(2, 1, height_ratios=(3, 2))
    above.imshow(
        [[x / max(map(abs, row.data)) for x in row.data] for row in rows.values()],
        cmap=orange_to_blue,
        vmin=-1,
        vmax=1,
        interpolation="none",
        aspect="auto",
    )
    above.set_yticks(range(len(rows)), rows)
    above.set_xticks([])
    for edge in range(1, len(rows)):
        above.axhline(edge - 0.5, color="#888888", linewidth=0.6)
    tokens = [*run.tokenizer.characters, "·"]
    below.bar(tokens, probabilities.data, color=GREEN, alpha=0.7)
    below.set(yticks=[], ylabel="next?")
    for axes in (above, below):
        axes.tick_params(length=0)
    for token, p in zip(tokens, probabilities.data):
        if p > 0.08:
            below.text(token, p + 0.01, f"{p:.0%}", ha="center", fontsize=10)
    below.set_ylim(0, max(probabilities.data) * 1.2)


if __name__ == "__main__":
    save("way_of_a_token", draw, size=(5.4, 3.6))
