"""The same GPT in PyTorch, as one would write it there: whole sequence at once, float64 on the CPU.

It draws the same weights in the same order, so that its losses are those of the others.
"""

import random

import torch
from torch.nn import functional

torch.set_default_dtype(torch.float64)


class MicroGPT:
    heads, context = 4, 16

    def __init__(self, documents, n_embd=16, steps=1000, seed=42):
        rng = random.Random(seed)

        def matrix(nout, nin):
            rows = [[rng.gauss(0, 0.08) for _ in range(nin)] for _ in range(nout)]
            return torch.tensor(rows, requires_grad=True)

        self.documents = list(documents)
        rng.shuffle(self.documents)
        self.alphabet = sorted(set("".join(self.documents)))
        vocabulary = len(self.alphabet) + 1
        self.tokens = matrix(vocabulary, n_embd)
        self.positions = matrix(self.context, n_embd)
        self.output = matrix(vocabulary, n_embd)
        self.query_key_value = matrix(3 * n_embd, n_embd)
        self.joined = matrix(n_embd, n_embd)
        self.up, self.down = matrix(4 * n_embd, n_embd), matrix(n_embd, 4 * n_embd)
        parameters = [p for p in vars(self).values() if isinstance(p, torch.Tensor)]
        self.optimizer = torch.optim.Adam(
            parameters, lr=0.01, betas=(0.85, 0.99), eps=1e-8, fused=True
        )
        self.steps, self.done = steps, 0

    def step(self):
        """Train on the next document; return its loss."""
        document = self.documents[self.done % len(self.documents)]
        self.optimizer.param_groups[0]["lr"] = 0.01 * (1 - self.done / self.steps)
        loss = self.loss(document)
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.done += 1
        return loss.item()

    def loss(self, document):
        boundary = len(self.alphabet)
        ids = [boundary, *map(self.alphabet.index, document), boundary]
        length = min(self.context, len(ids) - 1)
        x = rmsnorm(self.tokens[ids[:length]] + self.positions[:length])
        x = x + self.attention(rmsnorm(x))
        hidden = functional.relu(functional.linear(rmsnorm(x), self.up))
        x = x + functional.linear(hidden, self.down)
        logits = functional.linear(x, self.output)
        return functional.cross_entropy(logits, torch.tensor(ids[1 : length + 1]))

    def attention(self, x):
        length, n_embd = x.shape
        projected = functional.linear(x, self.query_key_value)
        query, key, value = projected.view(length, 3, self.heads, -1).permute(1, 2, 0, 3)
        found = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return functional.linear(found.transpose(0, 1).reshape(length, n_embd), self.joined)


def rmsnorm(x):
    return x * (x.square().mean(-1, keepdim=True) + 1e-5).rsqrt()
