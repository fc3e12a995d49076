"""Looks for memory that the compiled engine forgets to free.

    python tests/tools/leaks.py [rounds]

Every round runs the same programs, drawn at random from all instructions there are, failures
included. All memory that Python allocates is counted; it must not grow from round to round.
"""

import gc
import random
import sys
import tracemalloc
from array import array
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import twin_programs

from scalargrad import engine, optim

PROGRAMS, LENGTH = 60, 40
NUMBERS = [0.0, 1.0, -0.5, 2.0, 3.0, float("inf"), "text", None, 1j, [1.0], (), {}, True, 10**400]


clear_caches = getattr(sys, "_clear_internal_caches", None) or sys._clear_type_cache


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    if engine.ENGINE != "compiled":
        sys.exit("the compiled engine is not there")
    tracemalloc.start()
    fill_free_lists()
    for _ in range(3):  # until everything else that is kept for the next time is there
        one_round()
    held = array("q", [0] * rounds)
    for i in range(rounds):
        one_round()
        gc.collect()
        clear_caches()  # which keep the names of attributes, and pickle makes such names anew
        held[i] = tracemalloc.get_traced_memory()[0]
    print(f"bytes held after each round: {held.tolist()}")
    # Caches of Python itself may still fill in some rounds; what is not freed is lost in every one.
    if all(before < after for before, after in pairwise(held)):
        sys.exit("memory grows: something is not freed")


def fill_free_lists():
    leaves = [engine.Value(1.0) for _ in range(10_000)]
    [x * x for x in leaves], [x.exp() for x in leaves]


def one_round():
    rng = random.Random(7)
    for _ in range(PROGRAMS):
        program = twin_programs.Program(engine)
        for _ in range(LENGTH):
            name = rng.choice(program.INSTRUCTIONS)
            number = rng.choice(NUMBERS) if rng.random() < 0.3 else rng.uniform(-3.0, 3.0)
            program.outcome(name, [rng.randrange(100) for _ in range(5)], number)
        program.everything()
        train(program)


def train(program):
    leaves = [v for row in program.rows for v in row if not v.parents] + [engine.Value(1.0)]
    for optimizer in (optim.SGD(leaves, lr=0.1, momentum=0.5), optim.Adam(leaves)):
        optimizer.zero_grad()
        engine.dot(leaves, leaves).backward()
        with suppress(ArithmeticError, ValueError):
            optimizer.step()
        optimizer.load_state_dict(optimizer.state_dict())


if __name__ == "__main__":
    main()
