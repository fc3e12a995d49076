"""What one thing costs in terms of another, and what the whole example costs.

    python benchmarks/ratios.py
    SCALARGRAD_ENGINE=reference python benchmarks/ratios.py --rounds 3

Those that are compared take turns. A ratio is taken within each round, and the median of those is
shown, so that a busy moment of the machine hits both sides.
"""

import argparse
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
sys.path.insert(0, str(Path(__file__).parents[1] / "examples" / "microgpt"))

import my_value
from model import Config, document_loss, new_gpt

from scalargrad import ENGINE, Value, grad

TRAIN = Path(__file__).parents[1] / "examples" / "microgpt" / "train.py"
CHILDREN = ("children_user", "children_system")  # what os.times() knows of a finished process
SHORTEST_TURN = 0.02  # seconds; what is faster is done again until then


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9, help="how many turns each has")
    parser.add_argument("--quick", action="store_true", help="little work, to see that it runs")
    parser.add_argument("--scalars", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    rounds = 1 if options.quick else options.rounds
    if options.scalars:
        print_scalars(rounds)
        return
    print(f"engine: {ENGINE}", flush=True)
    print("\nfor the loss of one name, by the weights of the default GPT")
    print_gradients(rounds)
    print("\na chain of a * b and its backward", flush=True)
    scalars = [sys.executable, __file__, "--scalars", "--rounds", str(rounds)]
    subprocess.run(scalars, env=os.environ | {"SCALARGRAD_ENGINE": "reference"}, check=True)
    print("\nmicroseconds a token, forward and backward, with n_embd 64")
    print_contexts((16, 64) if options.quick else (16, 64, 256, 512), rounds)
    print("\nCPU seconds of examples/microgpt/train.py, from its start to the names")
    print(f"{cpu_seconds(rounds, steps=10 if options.quick else 1000):9.3f}")


def print_gradients(rounds):
    model, tokens = gpt(Config())
    loss = document_loss(model, tokens[:7])
    rows = [row for matrix in model.weights.values() for row in matrix]
    values = [value for row in rows for value in row]
    backward, by_rows, by_values, with_graph = turns(
        rounds,
        loss.backward,
        lambda: grad(loss, rows),
        lambda: grad(loss, values),
        lambda: grad(loss, rows, create_graph=True),
    )
    print(f"{ratio(by_rows, backward):9.2f} times backward: grad by rows")
    print(f"{ratio(by_values, backward):9.2f} times backward: grad by single Values")
    print(f"{ratio(with_graph, backward):9.2f} times backward: grad by rows with create_graph")


def print_scalars(rounds):
    ours, mine = turns(rounds, lambda: products(Value), lambda: products(my_value.Value))
    print(f"{ratio(ours, mine):9.2f} times examples/my_value.py: the {ENGINE} engine")


def products(kind, nodes=10_000):
    x, factor = kind(1.0), kind(0.9999)
    for _ in range(nodes):
        x = x * factor
    x.backward()


def print_contexts(lengths, rounds):
    model, tokens = gpt(Config(n_embd=64, block_size=max(lengths)))

    def step(length):
        document_loss(model, tokens[: length + 1]).backward()

    times = turns(rounds, *(lambda length=length: step(length) for length in lengths))
    for length, seconds in zip(lengths, times):
        microseconds = statistics.median(seconds) / length * 1e6
        print(f"{microseconds:9.1f} with a context of {length}", flush=True)


def gpt(config):
    """A model with random weights, and a document as long as its context."""
    rng = random.Random(42)
    model = new_gpt(config, vocab_size=27, rng=rng)
    return model, [rng.randrange(27) for _ in range(config.block_size + 1)]


def cpu_seconds(rounds, steps):
    """That a process of its own takes, with all that Python does before and after."""
    found = []
    for _ in range(rounds):
        before = os.times()
        command = [sys.executable, TRAIN, "--steps", str(steps)]
        subprocess.run(command, capture_output=True, check=True)
        after = os.times()
        user, system = (getattr(after, x) - getattr(before, x) for x in CHILDREN)
        found.append(user + system)
    return statistics.median(found)


def turns(rounds, *programs):
    """The seconds of each program in each round."""
    counts = [max(1, int(SHORTEST_TURN / seconds(program))) for program in programs]
    times = [
        [seconds(program, count) for program, count in zip(programs, counts)] for _ in range(rounds)
    ]
    return list(zip(*times))


def seconds(program, count=1):
    start = time.perf_counter()
    for _ in range(count):
        program()
    return (time.perf_counter() - start) / count


def ratio(times, others):
    return statistics.median(a / b for a, b in zip(times, others))


if __name__ == "__main__":
    main()
