"""What scalargrad is compared with: an engine as notebooks have it, and microGPT on top of it.

One node per operator, a recursive sort, `a / b` as `a * b**-1`, rows as lists. Nothing
is slow on purpose: nodes have slots and keep their local derivatives. Notebooks that keep a closure
in each node instead, and its parents in a set, take about seven times as long.

>>> model = MicroGPT(["ann", "bob"])
>>> [round(model.step(), 2) for _ in range(6)]        # the loss of one name, then of the other
[1.46, 1.69, 1.04, 1.29, 0.8, 0.98]
"""

import math
import random


class Value:
    """A number, what it was made from, and the derivative with respect to each."""

    __slots__ = ("data", "grad", "local_grads", "parents")

    def __init__(self, data, parents=(), local_grads=()):
        self.data = data
        self.grad = 0.0
        self.parents = parents
        self.local_grads = local_grads

    def __add__(self, other):
        if not isinstance(other, Value):
            other = Value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        if not isinstance(other, Value):
            other = Value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, exponent):
        slope = exponent * self.data ** (exponent - 1)
        return Value(self.data**exponent, (self,), (slope,))

    def exp(self):
        y = math.exp(self.data)
        return Value(y, (self,), (y,))

    def log(self):
        return Value(math.log(self.data), (self,), (1.0 / self.data,))

    def relu(self):
        return Value(self.data, (self,), (1.0,)) if self.data > 0.0 else Value(0.0, (self,), (0.0,))

    def __radd__(self, other):
        return self + other

    def __rmul__(self, other):
        return self * other

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + -other

    def __truediv__(self, other):
        return self * other**-1

    def backward(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for parent in node.parents:
                    visit(parent)
                order.append(node)

        visit(self)
        self.grad = 1.0
        for node in reversed(order):
            for parent, local_grad in zip(node.parents, node.local_grads):
                parent.grad += local_grad * node.grad


def linear(x, w):
    return [sum(wi * xi for wi, xi in zip(row, x)) for row in w]


def softmax(x):
    top = max(xi.data for xi in x)
    exponentials = [(xi - top).exp() for xi in x]
    total = sum(exponentials)
    return [e / total for e in exponentials]


def rmsnorm(x):
    mean_square = sum(xi * xi for xi in x) / len(x)
    scale = (mean_square + 1e-5) ** -0.5
    return [xi * scale for xi in x]


def add(a, b):
    return [ai + bi for ai, bi in zip(a, b)]


class MicroGPT:
    """The model of examples/microgpt and its optimiser, trained on one document a step."""

    layers, heads, context = 1, 4, 16
    lr, beta1, beta2, eps = 0.01, 0.85, 0.99, 1e-8

    def __init__(self, documents, n_embd=16, steps=1000, seed=42):
        rng = random.Random(seed)

        def matrix(nout, nin):
            return [[Value(rng.gauss(0, 0.08)) for _ in range(nin)] for _ in range(nout)]

        self.documents = list(documents)
        rng.shuffle(self.documents)
        self.alphabet = sorted(set("".join(self.documents)))
        vocabulary = len(self.alphabet) + 1
        self.token_table = matrix(vocabulary, n_embd)
        self.position_table = matrix(self.context, n_embd)
        self.output = matrix(vocabulary, n_embd)
        self.blocks = [
            {
                "query": matrix(n_embd, n_embd),
                "key": matrix(n_embd, n_embd),
                "value": matrix(n_embd, n_embd),
                "joined": matrix(n_embd, n_embd),
                "up": matrix(4 * n_embd, n_embd),
                "down": matrix(n_embd, 4 * n_embd),
            }
            for _ in range(self.layers)
        ]
        tables = [self.token_table, self.position_table, self.output]
        for block in self.blocks:
            tables += block.values()
        self.parameters = [p for table in tables for row in table for p in row]
        self.m = [0.0] * len(self.parameters)
        self.v = [0.0] * len(self.parameters)
        self.steps, self.done = steps, 0

    def step(self):
        """Train on the next document; return its loss."""
        loss = self.loss(self.documents[self.done % len(self.documents)])
        loss.backward()
        self.update()
        return loss.data

    def loss(self, document):
        boundary = len(self.alphabet)
        tokens = [boundary, *map(self.alphabet.index, document), boundary]
        length = min(self.context, len(tokens) - 1)
        cache = [([], []) for _ in self.blocks]
        losses = []
        for position in range(length):
            logits = self.logits(tokens[position], position, cache)
            losses.append(-softmax(logits)[tokens[position + 1]].log())
        return sum(losses) / length

    def logits(self, token, position, cache):
        x = rmsnorm(add(self.token_table[token], self.position_table[position]))
        for block, (keys, values) in zip(self.blocks, cache):
            x = add(x, self.attention(rmsnorm(x), block, keys, values))
            hidden = [h.relu() for h in linear(rmsnorm(x), block["up"])]
            x = add(x, linear(hidden, block["down"]))
        return linear(x, self.output)

    def attention(self, x, block, keys, values):
        query = linear(x, block["query"])
        keys.append(linear(x, block["key"]))
        values.append(linear(x, block["value"]))
        size = len(x) // self.heads
        joined = []
        for start in range(0, len(x), size):
            part = slice(start, start + size)
            scores = [sum(q * k for q, k in zip(query[part], key[part])) for key in keys]
            weights = softmax([score / size**0.5 for score in scores])
            for column in zip(*(value[part] for value in values)):
                joined.append(sum(w * c for w, c in zip(weights, column)))
        return linear(joined, block["joined"])

    def update(self):
        """One step of Adam, its rate falling to 0 over the run."""
        lr = self.lr * (1 - self.done / self.steps)
        self.done += 1
        for i, p in enumerate(self.parameters):
            self.m[i] = self.beta1 * self.m[i] + (1 - self.beta1) * p.grad
            self.v[i] = self.beta2 * self.v[i] + (1 - self.beta2) * p.grad**2
            m = self.m[i] / (1 - self.beta1**self.done)
            v = self.v[i] / (1 - self.beta2**self.done)
            p.data -= lr * m / (v**0.5 + self.eps)
            p.grad = 0.0
