"""Which tokens a model expects next, as bars: what two pictures share."""

from embeddings import VOWELS
from figure import BLUE, GREEN, ORANGE
from model import empty_cache, gpt

from scalargrad import nn, no_grad

BEGINNING, LIKELIEST = "sh", 6


@no_grad()
def likeliest(model, tokenizer, temperature=1.0):
    """The tokens that are likeliest after the beginning of a name, with their probabilities."""
    cache = empty_cache(model.config)
    for position, token in enumerate(tokenizer.document(BEGINNING)[:-1]):
        logits = gpt(model, token, position, cache)
    probabilities = nn.softmax(logits / temperature).data
    order = sorted(range(len(probabilities)), key=lambda token: -probabilities[token])
    names = [*tokenizer.characters, "end"]
    return [(names[token], probabilities[token]) for token in order[:LIKELIEST]]


def bars(axes, expected, longest):
    """A bar for each token, and room for one of that length."""
    tokens, probabilities = zip(*expected)
    colours = [GREEN if x == "end" else ORANGE if x in VOWELS else BLUE for x in tokens]
    axes.barh(range(len(tokens)), probabilities, color=colours, alpha=0.6)
    axes.set_yticks(range(len(tokens)), tokens)
    axes.invert_yaxis()
    axes.set(xlim=(0, 1.25 * longest), xticks=[])
    axes.tick_params(length=0)
    for i, p in enumerate(probabilities):
        axes.text(p + 0.02 * longest, i, f"{p:.0%}", va="center", fontsize=9.5)
    axes.spines["bottom"].set_visible(False)
