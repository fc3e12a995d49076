"""Step 4 of 6: attention looks at all the letters so far, and chooses.

It was our choice to look at three letters. Now each position asks a question, its query, and
compares it with the key of every position so far. The better they match, the more of the value at
that position it takes.
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
wte = nn.matrix(27, 16, rng=rng)  # what each token becomes: its embedding
wpe = nn.matrix(16, 16, rng=rng)  # what is added to it at each position
lm_head = nn.matrix(27, 16, rng=rng)
attn_wq = nn.matrix(16, 16, rng=rng)  # queries: what do I look for?
attn_wk = nn.matrix(16, 16, rng=rng)  # keys: what can be found here?
attn_wv = nn.matrix(16, 16, rng=rng)  # values: what do you get from me?
weights = [wte, wpe, lm_head, attn_wq, attn_wk, attn_wv]


def model(tokens):
    """For each of the tokens, the logits of the one that follows it."""
    rows, keys, values = [], [], []
    for position, token in enumerate(tokens):
        x = nn.rmsnorm(wte[token] + wpe[position])
        query = nn.linear(x, attn_wq) / 16**0.5
        keys.append(nn.linear(x, attn_wk))
        values.append(nn.linear(x, attn_wv))
        shares = nn.softmax(nn.linear(query, keys))  # one for each position, 1 in all
        x = nn.weighted_sum(shares, values)
        rows.append(nn.linear(x, lm_head))
    return rows


# --8<-- [end:model]
def losses(name):
    """How surprising each letter of a name is, and its end: -log(its probability)."""
    tokens = [END, *map(letters.index, name), END]
    rows = model(tokens[:-1])
    return [nn.cross_entropy(row, target) for row, target in zip(rows, tokens[1:])]


# --8<-- [start:train]
def train(steps):
    optimizer = optim.SGD(weights, lr=0.3)
    for step in range(steps):
        optimizer.lr = 0.3 * (1 - step / steps)  # ever smaller steps
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
