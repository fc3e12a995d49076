"""Tests of exercise 4: they fail until ex4_network.py is complete."""

import math
import random

import pytest
from ex4_network import Layer, Network, neuron, train

from scalargrad import Value, gradcheck, nn

XOR = [([0.0, 0.0], -1.0), ([0.0, 1.0], 1.0), ([1.0, 0.0], 1.0), ([1.0, 1.0], -1.0)]


def test_a_neuron():
    y = neuron([0.5, -2.0], nn.vector([3.0, 1.0]), Value(0.25))
    assert y.data == pytest.approx(math.tanh(-0.25), rel=1e-15)
    assert gradcheck(neuron, [[0.5, -2.0], [0.3, 0.1], 0.25])


def test_a_layer_has_a_row_of_weights_and_a_bias_for_each_neuron():
    layer = Layer(3, 5, random.Random(0))
    assert [len(row) for row in layer.weights] == [3] * 5
    assert [bias.data for bias in layer.biases] == [0.0] * 5
    assert max(abs(w.data) for row in layer.weights for w in row) > 0.5


def test_a_layer_is_neurons_side_by_side():
    layer = Layer(2, 3, random.Random(0))
    x = [0.5, -1.5]
    expected = [neuron(x, w, b).data for w, b in zip(layer.weights, layer.biases)]
    assert [y.data for y in layer(x)] == pytest.approx(expected, rel=1e-12)


def test_gradients_reach_every_parameter():
    network = Network([2, 4, 1])
    network([1.0, 0.5])[0].backward()
    assert 0.0 not in [value.grad for row in network.parameters() for value in row]


def test_training_lowers_the_loss():
    losses = train(Network([2, 8, 1]), XOR, steps=50)
    assert len(losses) == 50
    assert {type(loss) for loss in losses} == {float}
    assert losses[-1] < 0.5 * losses[0]


def test_two_layers_learn_xor():
    network = Network([2, 8, 1])
    train(network, XOR, steps=300)
    agreement = [network(x)[0].data * target for x, target in XOR]
    assert min(agreement) > 0.5


def test_one_layer_cannot():
    network = Network([2, 1])
    train(network, XOR, steps=300)
    agreement = [network(x)[0].data * target for x, target in XOR]
    assert min(agreement) < 0.5
