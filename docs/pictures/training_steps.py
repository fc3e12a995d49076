"""The default run of the GPT at four moments: its loss, a name it makes up, and what it expects.

python docs/pictures/training_steps.py
"""

import random

import default_run  # noqa: F401 (it puts the example on the path)
from diagram import number
from embeddings import VOWELS
from figure import BLUE, GREEN, ORANGE, save
from model import Config, empty_cache, gpt
from report import mean_of_recent
from run import Training, new_run
from sample import generate
from training import train

from scalargrad import nn, no_grad

STEPS, BEGINNING, LETTERS = (1, 10, 100, 1000), "sh", 6


def moments():
    """After each of those steps: the mean of the recent losses, a sample, and the likeliest next
    tokens with their probabilities."""
    run = new_run(None, Config(), Training())
    for step in STEPS:
        for _ in train(run, step):
            pass
        yield (
            step,
            mean_of_recent(run.losses),
            generate(run.model, run.tokenizer, random.Random(3)),
            likeliest(run.model, run.tokenizer),
        )


@no_grad()
def likeliest(model, tokenizer):
    """What may follow the beginning of the name, the likeliest first."""
    cache = empty_cache(model.config)
    for position, token in enumerate(tokenizer.document(BEGINNING)[:-1]):
        logits = gpt(model, token, position, cache)
    probabilities = nn.softmax(logits).data
    order = sorted(range(len(probabilities)), key=lambda token: -probabilities[token])
    names = [*tokenizer.characters, "end"]
    return [(names[token], probabilities[token]) for token in order[:LETTERS]]


def draw(figure):
    for axes, (step, loss, sample, expected) in zip(figure.subplots(2, 2).flat, moments()):
        letters, probabilities = zip(*expected)
        colours = [
            GREEN if letter == "end" else ORANGE if letter in VOWELS else BLUE for letter in letters
        ]
        axes.barh(range(LETTERS), probabilities, color=colours, alpha=0.6)
        axes.set_yticks(range(LETTERS), letters)
        axes.invert_yaxis()
        axes.set(xlim=(0, 0.55), xticks=[])
        axes.tick_params(length=0)
        for i, p in enumerate(probabilities):
            axes.text(p + 0.01, i, f"{p:.0%}", va="center", fontsize=9.5)
        axes.spines["bottom"].set_visible(False)
        axes.set_title(f"step {step:,}, loss {number(loss, 2)}\n{sample}", fontsize=11)


if __name__ == "__main__":
    save("training_steps", draw, size=(5.2, 4.6))
