"""Two moons, live: the network of the tutorial, trained a step at a time while somebody watches.

    >>> begin()["loss"]
    3.0344...
    >>> set_learning_rate(0.1)
    >>> step()["steps"]
    1

The points and the weights are those of examples/two_moons.py. `train` goes on until it is told to
`pause`, and tells now and then what it sees; between two tellings anything may be changed.
"""

import random
import sys
import time

from scalargrad import Value, Vector, nn, no_grad, optim

sys.path.insert(0, "examples")
from two_moons import new_network, two_moons

# A network bends space with one of these; with none of them it can only draw a straight line.
ACTIVATIONS = {
    "tanh": Vector.tanh,
    "relu": Vector.relu,
    "sigmoid": Vector.sigmoid,
    "none": lambda row: row,
}
SECONDS = 0.05  # of training between two pictures, at least: what an eye takes for motion
SHARE = 3  # times as long as a picture takes is spent on training, so that it is not held up

XS = [-2.0 + 0.08 * i for i in range(51)]
YS = [-1.6 + 0.08 * i for i in range(41)]
GRID = Vector(Value(x) for _ in YS for x in XS), Vector(Value(y) for y in YS for _ in XS)

training = None  # the one that is shown
turn = 0  # of whoever may train; whoever is not on turn any more stops


class Training:
    """A network, its points, and the loss of the weights as they are now."""

    def __init__(self, hidden, activation, lr, seed):
        if type(seed) is not int:
            raise ValueError(f"the seed must be a whole number, got {seed}")
        rng = random.Random(seed)
        sizes = [2, hidden, 1] if hidden else [2, 1]
        self.points, self.network = two_moons(50, rng), new_network(sizes, rng)
        self.activation = ACTIVATIONS[activation]
        self.optimizer = optim.SGD(self.network, lr)
        self.losses = []  # the first is that before any step
        self.look()

    def look(self):
        """Find the scores of the points, and with them the loss."""
        scores = [self.score(point) for point, _ in self.points]
        moons = [moon for _, moon in self.points]
        self.loss = Vector((score - moon) ** 2 for score, moon in zip(scores, moons)).mean()
        self.right = sum(score * moon > 0 for score, moon in zip(scores, moons))
        self.losses.append(self.loss.data)

    def score(self, point):
        """Which moon the network takes the point for, from -1 to 1."""
        row, (*hidden, (weights, biases)) = point, self.network
        for layer in hidden:
            row = self.activation(nn.linear(row, *layer))
        return nn.linear(row, weights, biases)[0].tanh()

    def step(self):
        self.optimizer.zero_grad()
        self.loss.backward()
        self.optimizer.step()
        self.look()

    @no_grad()
    def scores(self):
        """The score at each place of the grid.

        It takes a layer for all places at once: a row has one number for each place, not for each
        neuron. That takes a third of the time, or a fifth with the compiled engine.
        """
        columns, (*hidden, (weights, biases)) = GRID, self.network
        for layer in hidden:
            columns = [self.activation(neuron) for neuron in neurons(columns, *layer)]
        return neurons(columns, weights, biases)[0].tanh().data


def neurons(columns, weights, biases):
    return [nn.weighted_sum(row, columns) + bias for row, bias in zip(weights, biases)]


def begin(hidden=8, activation="tanh", lr=0.5, seed=1):
    """Start again, with a new network; 0 hidden neurons leave a single one."""
    global training
    training = Training(hidden, activation, lr, seed)
    pause()
    points = [(x, y, moon) for (x, y), moon in training.points]
    parameters = sum(len(biases) * (len(weights[0]) + 1) for weights, biases in training.network)
    return {"points": points, "xs": XS, "ys": YS, "parameters": parameters} | seen(since=0)


def train():
    """Take step after step; yields what is seen, until `pause`."""
    pause()
    mine, enough = turn, SECONDS
    while turn == mine:
        since, began = len(training.losses), time.perf_counter()
        while time.perf_counter() - began < enough:
            training.step()
        trained = time.perf_counter()
        picture = seen(since)
        enough = max(SECONDS, SHARE * (time.perf_counter() - trained))
        yield picture


def pause():
    global turn
    turn += 1


def step():
    """Take a single step."""
    since = len(training.losses)
    training.step()
    return seen(since)


def set_learning_rate(lr):
    training.optimizer.lr = lr


def seen(since):
    """The network as it is now, and the losses from that step on."""
    return {
        "steps": len(training.losses) - 1,
        "losses": training.losses[since:],
        "loss": training.loss.data,
        "right": training.right,
        "scores": training.scores(),
    }
