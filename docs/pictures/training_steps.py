"""The default run of the GPT at four moments: its loss, a name it makes up, and what it expects.

python docs/pictures/training_steps.py
"""

import functools
import random

from expected import bars, likeliest
from figure import save
from model import Config
from report import mean_of_recent
from run import Training, new_run
from sample import generate
from training import train

STEPS = (1, 10, 100, 1000)


@functools.cache
def moments():
    """After each of those steps: the mean of the recent losses, a sample, and what is expected."""
    run, found = new_run(None, Config(), Training()), []
    for step in STEPS:
        for _ in train(run, step):
            pass
        sample = generate(run.model, run.tokenizer, random.Random(3))
        next_tokens = likeliest(run.model, run.tokenizer)
        found.append((step, mean_of_recent(run.losses), sample, next_tokens))
    return found


def draw(figure):
    for axes, (step, loss, sample, expected) in zip(figure.subplots(2, 2).flat, moments()):
        bars(axes, expected, longest=0.45)
        axes.set_title(f"step {step:,}, loss {loss:.2f}\n{sample}", fontsize=11)


if __name__ == "__main__":
    save("training_steps", draw, size=(5.2, 4.6))
