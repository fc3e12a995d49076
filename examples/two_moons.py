"""Learn to tell two half moons apart, with a network of eight hidden neurons."""

# --8<-- [start:points]
import math
import random
from itertools import pairwise

from scalargrad import Vector, nn, optim


def two_moons(n, rng):
    """n points of each moon: where it is, and which moon it is from, 1 or -1."""
    points = []
    for i in range(n):
        angle = math.pi * i / (n - 1)
        for moon in (1.0, -1.0):  # the second is the first one turned upside down
            x = moon * (math.cos(angle) - 0.5) + rng.gauss(0, 0.1)
            y = moon * (math.sin(angle) - 0.25) + rng.gauss(0, 0.1)
            points.append(((x, y), moon))
    return points


# --8<-- [end:points]
# --8<-- [start:network]
def new_network(sizes, rng):
    """The weights and biases of each layer; sizes are the inputs, then neurons per layer."""
    return [
        (nn.matrix(nout, nin, std=1.0, rng=rng), nn.vector([0.0] * nout))
        for nin, nout in pairwise(sizes)
    ]


def score(network, point):
    """Which moon the network takes the point for, from -1 to 1."""
    row = point
    for weights, biases in network:
        row = nn.linear(row, weights, biases).tanh()
    return row[0]


# --8<-- [end:network]
# --8<-- [start:training]
def mean_loss(network, points):
    return Vector((score(network, point) - moon) ** 2 for point, moon in points).mean()


def train(network, points, steps=200, lr=0.5):
    """Take that many steps downhill; returns the loss before each of them."""
    optimizer, losses = optim.SGD(network, lr), []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = mean_loss(network, points)
        loss.backward()
        optimizer.step()
        losses.append(loss.data)
    return losses


def accuracy(network, points):
    return sum(score(network, point) * moon > 0 for point, moon in points) / len(points)


# --8<-- [end:training]
if __name__ == "__main__":
    rng = random.Random(1)
    points, network = two_moons(50, rng), new_network([2, 8, 1], rng)
    for step, loss in enumerate(train(network, points)):
        if step % 20 == 0:
            print(f"step {step:3}   loss {loss:.4f}")
    print(f"{accuracy(network, points):.0%} of the points are told apart")
