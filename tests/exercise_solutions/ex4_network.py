import random
from itertools import pairwise

from scalargrad import nn, optim


def neuron(x, weights, bias):
    return (sum(w * xi for w, xi in zip(weights, x)) + bias).tanh()


class Layer:
    def __init__(self, inputs, outputs, rng):
        self.weights = nn.matrix(outputs, inputs, std=1.0, rng=rng)
        self.biases = nn.vector([0.0] * outputs)

    def __call__(self, x):
        return [y.tanh() for y in nn.linear(x, self.weights, self.biases)]


class Network:
    def __init__(self, sizes, seed=1):
        rng = random.Random(seed)
        self.layers = [Layer(n, m, rng) for n, m in pairwise(sizes)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self):
        return [row for layer in self.layers for row in (*layer.weights, layer.biases)]


def train(network, examples, steps):
    optimizer = optim.Adam(network.parameters(), lr=0.05)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = sum((network(x)[0] - target) ** 2 for x, target in examples)
        loss.backward()
        optimizer.step()
        losses.append(loss.data)
    return losses
