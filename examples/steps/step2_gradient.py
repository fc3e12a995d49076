"""Step 2 of 6: learn the same table by gradient.

Nothing is counted. The table starts with random numbers, and each name changes them a little, so
that the same name would be less of a surprise the next time.
"""

import random
import sys
from pathlib import Path

from scalargrad import Vector, nn, no_grad, optim

rng = random.Random(42)
names = Path(__file__).parents[1].joinpath("microgpt", "names.txt").read_text().split()
rng.shuffle(names)
training_names, held_out = names[:-3225], names[-3225:]  # a tenth is kept for the test

letters = "abcdefghijklmnopqrstuvwxyz"  # tokens 0 to 25: each letter's place in the alphabet
END = 26  # one more token, which stands before and after every name


# --8<-- [start:model]
# table[a][b]: the logit of b after a. cross_entropy makes probabilities of them.
table = nn.matrix(27, 27, rng=rng)
weights = [table]


def model(tokens):
    """For each of the tokens, the logits of the one that follows it."""
    return [table[token] for token in tokens]


def losses(name):
    """How surprising each letter of a name is, and its end: -log(its probability)."""
    tokens = [END, *map(letters.index, name), END]
    rows = model(tokens[:-1])
    return [nn.cross_entropy(row, target) for row, target in zip(rows, tokens[1:])]


# --8<-- [end:model]
# --8<-- [start:train]
def train(steps):
    optimizer = optim.SGD(weights, lr=5.0)
    for step in range(steps):
        optimizer.lr = 5.0 * (1 - step / steps)  # ever smaller steps
        optimizer.zero_grad()
        loss = Vector(losses(training_names[step % len(training_names)])).mean()
        loss.backward()
        optimizer.step()
        if step % 200 == 0:
            print(f"step {step:5,}   loss {loss.data:.3f}")


# --8<-- [end:train]
def held_out_loss():
    """The mean loss of a letter, over all the names that were held out."""
    with no_grad():
        found = [loss.data for name in held_out for loss in losses(name)]
    return sum(found) / len(found)


def write(temperature=0.5):
    """Make up a name, letter by letter. A temperature below 1 prefers what is likely."""
    tokens = [END]
    while len(tokens) <= 16:
        with no_grad():
            row = model(tokens)[-1]
        (token,) = rng.choices(range(27), nn.softmax(row / temperature).data)
        if token == END:
            break
        tokens.append(token)
    return "".join(letters[token] for token in tokens[1:])


if __name__ == "__main__":
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    train(steps)
    print(f"loss on held-out names after {steps:,} steps: {held_out_loss():.3f}")
    print(*[write() for _ in range(10)])
