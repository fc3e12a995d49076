"""The loss of the default run of the GPT, beside what simpler ways of guessing would give.

python docs/pictures/loss_curve.py
"""

import math
from collections import Counter
from itertools import pairwise

from default_run import default_run
from figure import BLUE, GREEN, ORANGE, save
from report import RECENT, mean_of_recent


def guesses(documents):
    """The mean loss, in nats per token, of three ways to guess without a network.

    Each takes the documents as lists of tokens, and gives the probability that it should: all
    tokens alike; each as often as it occurs; each as often as it follows the one before.
    """
    pairs = [pair for tokens in documents for pair in pairwise(tokens)]
    before, after = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    total, both = len(pairs), Counter(pairs)
    return {
        "all alike": math.log(len(after)),
        "by how frequent each is": -sum(n / total * math.log(n / total) for n in after.values()),
        "by the character before": -sum(
            n / total * math.log(n / before[a]) for (a, _), n in both.items()
        ),
    }


def draw(figure):
    run = default_run()
    steps = range(1, len(run.losses) + 1)
    axes = figure.add_subplot()
    axes.plot(steps, run.losses, color=BLUE, linewidth=0.5, alpha=0.35, label="loss of each step")
    smooth = [mean_of_recent(run.losses[:step]) for step in steps[::5]]
    axes.plot(steps[::5], smooth, color=BLUE, linewidth=2, label=f"mean of the last {RECENT}")
    levels = guesses([run.tokenizer.document(name) for name in run.documents])
    axes.plot([], [], " ", label=" ")  # an empty place in the legend
    for (way, loss), colour in zip(levels.items(), ("#999999", ORANGE, GREEN)):
        axes.axhline(loss, color=colour, linestyle="--", label=f"guessing: {way}")
    axes.set(xlabel="step", ylabel="loss (nats per token)", xlim=(0, 1000), ylim=(1.5, 4.0))
    figure.legend(loc="outside upper left", ncols=2, fontsize=10)


if __name__ == "__main__":
    save("loss_curve", draw, size=(6.4, 4.2))
