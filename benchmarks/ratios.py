"""What one thing costs in terms of another, and what the whole example costs.

    python benchmarks/ratios.py
    SCALARGRAD_ENGINE=reference python benchmarks/ratios.py --rounds 3

Those that are compared take turns. A ratio is taken within each round, and the median of those is
shown, so that a busy moment of the machine hits both sides.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import time
from functools import partial
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
    parser.add_argument("--json", action="store_true", help="print what was measured as JSON")
    parser.add_argument("--scalars", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    rounds = 1 if options.quick else options.rounds
    if options.scalars:
        ours, mine = turns(rounds, lambda: products(Value), lambda: products(my_value.Value))
        print(json.dumps(ratios(ours, mine)))
        return
    measured = measure(rounds, options.quick)
    print(json.dumps(measured)) if options.json else show(measured)


def measure(rounds, quick):
    contexts = (16, 64) if quick else (16, 64, 256, 512)
    return {
        "engine": ENGINE,
        "times backward": gradients(rounds),
        "times my_value.py": scalars(rounds),
        "microseconds a token": microseconds_a_token(contexts, rounds),
        "CPU seconds of train.py": cpu_seconds(rounds, steps=10 if quick else 1000),
    }


def show(measured):
    print(f"engine: {measured['engine']}")
    print("\nfor the loss of one name, by the weights of the default GPT")
    for name, found in measured["times backward"].items():
        print(f"{statistics.median(found):9.2f} times backward: {name}")
    print("\na chain of a * b and its backward")
    found = statistics.median(measured["times my_value.py"])
    print(f"{found:9.2f} times examples/my_value.py: the reference engine")
    print("\nmicroseconds a token, forward and backward, with n_embd 64")
    for length, found in measured["microseconds a token"].items():
        print(f"{statistics.median(found):9.1f} with a context of {length}")
    print("\nCPU seconds of examples/microgpt/train.py, from its start to the names")
    print(f"{statistics.median(measured['CPU seconds of train.py']):9.3f}")


def gradients(rounds):
    """How many times as long as backward it takes `grad`, asked in three ways."""
    model, tokens = gpt(Config())
    loss = document_loss(model, tokens[:7])
    rows = [row for matrix in model.weights.values() for row in matrix]
    values = [value for row in rows for value in row]
    backward, *ways = turns(
        rounds,
        loss.backward,
        lambda: grad(loss, rows),
        lambda: grad(loss, values),
        lambda: grad(loss, rows, create_graph=True),
    )
    names = ("grad by rows", "grad by single Values", "grad by rows with create_graph")
    return {name: ratios(way, backward) for name, way in zip(names, ways)}


def scalars(rounds):
    """How many times as long as my_value.py the engine takes that is in Python, too."""
    command = [sys.executable, __file__, "--scalars", "--rounds", str(rounds)]
    environment = os.environ | {"SCALARGRAD_ENGINE": "reference"}
    return json.loads(
        subprocess.run(command, env=environment, capture_output=True, check=True).stdout
    )


def products(kind, nodes=10_000):
    x, factor = kind(1.0), kind(0.9999)
    for _ in range(nodes):
        x = x * factor
    x.backward()


def microseconds_a_token(lengths, rounds):
    model, tokens = gpt(Config(n_embd=64, block_size=max(lengths)))

    def step(length):
        document_loss(model, tokens[: length + 1]).backward()

    times = turns(rounds, *(partial(step, length) for length in lengths))
    return {
        length: [second / length * 1e6 for second in found] for length, found in zip(lengths, times)
    }


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
    return found


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


def ratios(times, others):
    return [a / b for a, b in zip(times, others)]


if __name__ == "__main__":
    main()
