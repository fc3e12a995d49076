"""Step 1 of 6: count which letter follows which.

A language model says how likely each letter is to come next. The simplest one looks only at the
last letter, and answers with what it has counted.
"""

import math
import random
import sys
from itertools import pairwise
from pathlib import Path

rng = random.Random(42)
names = Path(__file__).parents[1].joinpath("microgpt", "names.txt").read_text().split()
rng.shuffle(names)
training_names, held_out = names[:-3225], names[-3225:]  # a tenth is kept for the test

letters = "abcdefghijklmnopqrstuvwxyz"  # tokens 0 to 25: each letter's place in the alphabet
END = 26  # one more token, which stands before and after every name


# --8<-- [start:model]
# counts[a][b]: how often b came after a. They start at 1: nothing is impossible.
counts = [[1] * 27 for _ in range(27)]


def model(tokens):
    """For each of the tokens, the probabilities of the one that follows it."""
    rows = [counts[token] for token in tokens]
    return [[count / sum(row) for count in row] for row in rows]


def losses(name):
    """How surprising each letter of a name is, and its end: -log(its probability)."""
    tokens = [END, *map(letters.index, name), END]
    rows = model(tokens[:-1])
    return [-math.log(row[target]) for row, target in zip(rows, tokens[1:])]


# --8<-- [end:model]
# --8<-- [start:train]
def train(steps):
    for step in range(steps):
        name = training_names[step % len(training_names)]
        tokens = [END, *map(letters.index, name), END]
        for token, target in pairwise(tokens):
            counts[token][target] += 1


# --8<-- [end:train]
def held_out_loss():
    """The mean loss of a letter, over all the names that were held out."""
    found = [loss for name in held_out for loss in losses(name)]
    return sum(found) / len(found)


def write(temperature=0.5):
    """Make up a name, letter by letter. A temperature below 1 prefers what is likely."""
    tokens = [END]
    while len(tokens) <= 16:
        row = model(tokens)[-1]
        (token,) = rng.choices(range(27), [chance ** (1 / temperature) for chance in row])
        if token == END:
            break
        tokens.append(token)
    return "".join(letters[token] for token in tokens[1:])


if __name__ == "__main__":
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    train(steps)
    print(f"loss on held-out names after {steps:,} steps: {held_out_loss():.3f}")
    print(*[write() for _ in range(10)])
