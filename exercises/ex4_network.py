"""Exercise 4: a network that learns XOR.

A neuron is a weighted sum of its inputs plus a bias, through a function that bends it, here tanh. A
layer is several neurons on the same inputs, a network is layers one after the other. One layer can
only draw a straight line; XOR (true if just one of its two inputs is) cannot be told apart by any
straight line, and with one hidden layer it can.

`nn.vector` and `nn.matrix` make parameters, and `nn.linear(x, w, b)` all the weighted sums of a
layer at once.

Fill in the four gaps, then run `pytest exercises/test_ex4_network.py`.
"""

import random
from itertools import pairwise

from scalargrad import nn, optim  # noqa: F401 - for you


def neuron(x, weights, bias):
    """tanh(weights[0] * x[0] + weights[1] * x[1] + ... + bias), one Value."""
    raise NotImplementedError("a sum and its tanh")


class Layer:
    def __init__(self, inputs, outputs, rng):
        """Parameters: a matrix of weights with standard deviation 1, and biases that are 0."""
        raise NotImplementedError("self.weights = nn.matrix(...), self.biases = ...")

    def __call__(self, x):
        """A list of one Value per neuron."""
        raise NotImplementedError("nn.linear, and tanh of each")


class Network:
    def __init__(self, sizes, seed=1):
        """Network([2, 8, 1]) has 2 inputs, a layer of 8 neurons, and one of 1."""
        rng = random.Random(seed)
        self.layers = [Layer(n, m, rng) for n, m in pairwise(sizes)]

    def __call__(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self):
        return [row for layer in self.layers for row in (*layer.weights, layer.biases)]


def train(network, examples, steps):
    """Adam, with a learning rate of 0.05, on the sum of (prediction - target)**2 over `examples`.

    `examples` is a list of pairs (inputs, target). Returns the loss of each step, as floats.
    """
    raise NotImplementedError("zero_grad, loss, backward, step")
