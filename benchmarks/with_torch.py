"""The same GPT in PyTorch, as one would write it there: whole sequence at once, float64 on the CPU.

It draws the same weights in the same order, so that its losses are those of the others.
"""

import random

import torch
from torch.nn import functional

torch.set_default_dtype(torch.float64)


class MicroGPT:
    heads = 4

    def __init__(
        self, documents, n_embd=16, n_layer=1, context=16, batch_size=1, steps=1000, seed=42
    ):
        rng = random.Random(seed)

        def matrix(nout, nin):
            rows = [[rng.gauss(0, 0.08) for _ in range(nin)] for _ in range(nout)]
            return torch.tensor(rows, requires_grad=True)

        self.documents = list(documents)
        rng.shuffle(self.documents)
        self.alphabet = sorted(set("".join(self.documents)))
        self.context, self.batch_size = context, batch_size
        vocabulary = len(self.alphabet) + 1
        self.tokens = matrix(vocabulary, n_embd)
        self.positions = matrix(context, n_embd)
        self.output = matrix(vocabulary, n_embd)
        self.layers = [
            {
                "query_key_value": matrix(3 * n_embd, n_embd),
                "joined": matrix(n_embd, n_embd),
                "up": matrix(4 * n_embd, n_embd),
                "down": matrix(n_embd, 4 * n_embd),
            }
            for _ in range(n_layer)
        ]
        parameters = [self.tokens, self.positions, self.output]
        parameters += [p for layer in self.layers for p in layer.values()]
        self.optimizer = torch.optim.Adam(
            parameters, lr=0.01, betas=(0.85, 0.99), eps=1e-8, fused=True
        )
        self.steps, self.done = steps, 0

    def step(self):
        """Train on the next documents; return their loss."""
        first = self.done * self.batch_size
        batch = [
            self.documents[i % len(self.documents)] for i in range(first, first + self.batch_size)
        ]
        self.optimizer.param_groups[0]["lr"] = 0.01 * (1 - self.done / self.steps)
        loss = self.loss(batch)
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.done += 1
        return loss.item()

    def loss(self, documents):
        """The mean for the documents, which have to be of one length."""
        boundary = len(self.alphabet)
        ids = torch.tensor(
            [[boundary, *map(self.alphabet.index, text), boundary] for text in documents]
        )
        length = min(self.context, ids.shape[1] - 1)
        x = rmsnorm(self.tokens[ids[:, :length]] + self.positions[:length])
        for layer in self.layers:
            x = x + self.attention(layer, rmsnorm(x))
            hidden = functional.relu(functional.linear(rmsnorm(x), layer["up"]))
            x = x + functional.linear(hidden, layer["down"])
        logits = functional.linear(x, self.output)
        return functional.cross_entropy(logits.flatten(0, 1), ids[:, 1 : length + 1].flatten())

    def attention(self, layer, x):
        batch, length, _ = x.shape
        projected = functional.linear(x, layer["query_key_value"])
        heads = projected.view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        found = functional.scaled_dot_product_attention(*heads, is_causal=True)
        return functional.linear(found.transpose(1, 2).reshape(x.shape), layer["joined"])


def rmsnorm(x):
    return x * (x.square().mean(-1, keepdim=True) + 1e-5).rsqrt()
