"""Step 6 of 6: Adam instead of SGD.

The model is that of step 5. Adam gives each weight a step size of its own, larger where gradients
have been small. This is the GPT of examples/microgpt, and it gives the same numbers.
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
attn_wo = nn.matrix(16, 16, rng=rng)  # makes one row of what the heads have found
mlp_fc1 = nn.matrix(64, 16, rng=rng)
mlp_fc2 = nn.matrix(16, 64, rng=rng)
weights = [wte, wpe, lm_head, attn_wq, attn_wk, attn_wv, attn_wo, mlp_fc1, mlp_fc2]
heads = [slice(i, i + 4) for i in range(0, 16, 4)]  # each has 4 of the 16 numbers


def model(tokens):
    """For each of the tokens, the logits of the one that follows it."""
    rows, keys, values = [], [], []
    for position, token in enumerate(tokens):
        x = nn.rmsnorm(wte[token] + wpe[position])
        normed = nn.rmsnorm(x)
        query = nn.linear(normed, attn_wq) / 4**0.5
        keys.append(nn.linear(normed, attn_wk))
        values.append(nn.linear(normed, attn_wv))
        found = []
        for head in heads:
            shares = nn.softmax(nn.linear(query[head], [key[head] for key in keys]))
            found.append(nn.weighted_sum(shares, [value[head] for value in values]))
        x = x + nn.linear(nn.concatenate(found), attn_wo)  # a residual: x is kept
        x = x + nn.linear(nn.linear(nn.rmsnorm(x), mlp_fc1).relu(), mlp_fc2)
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
    optimizer = optim.Adam(weights, lr=0.01, betas=(0.85, 0.99))
    for step in range(steps):
        optimizer.lr = 0.01 * (1 - step / steps)  # ever smaller steps
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
