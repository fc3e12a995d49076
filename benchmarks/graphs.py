"""What a graph costs: time per node, memory, `a * b`, and importing the package.

    python benchmarks/graphs.py
    SCALARGRAD_ENGINE=reference python benchmarks/graphs.py

Times are medians. The time per node should be the same for graphs of every size.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import timeit
import tracemalloc

from scalargrad import ENGINE, Value, nn


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small graphs, to see that it runs")
    quick = parser.parse_args().quick
    nodes = (1_000, 10_000) if quick else (1_000, 10_000, 100_000, 1_000_000)
    print(f"engine: {ENGINE}")
    print("\nmemory (as Python's allocators count it)")
    per_node = bytes_per_number(chain, 1_000 if quick else 100_000)
    per_parameter = [
        bytes_per_number(
            lambda n, width=width: nn.matrix(n // width, width), 6_400 if quick else 640_000
        )
        for width in (16, 64)
    ]
    print(f"{per_node:8.1f} bytes per node")
    print(f"{per_parameter[0]:8.1f} bytes per parameter of a matrix with rows of 16")
    print(f"{per_parameter[1]:8.1f} bytes per parameter of a matrix with rows of 64")
    print("\nns per node of scalar operations, made in a loop")
    print(f"{'nodes':>9} {'forward':>9} {'backward':>9} {'free':>9}  backward/forward")
    for n in nodes:
        forward, backward, free = ns_per_node(n, rounds=5 if quick else max(5, nodes[-1] // n))
        ratio = backward / forward
        print(f"{n:9,} {forward:9.1f} {backward:9.1f} {free:9.1f} {ratio:9.2f}", flush=True)
    values, floats = multiplication(rounds=5 if quick else 51)
    print("\nns for a * b (timeit's loop included)")
    print(f"{values:9.1f} of two Values\n{floats:9.1f} of two floats\n{values / floats:9.2f} times")
    print(f"\nms to import scalargrad\n{import_time(3 if quick else 31) * 1e3:9.1f}")


def chain(nodes):
    """A graph of that many operations."""
    x, a, b = Value(1.0), Value(0.5), Value(0.25)
    for _ in range(nodes // 2):
        x = x * a + b
    return x


def ns_per_node(nodes, rounds):
    """To build a graph, to walk back through it, and to free it."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter_ns()
        output = chain(nodes)
        built = time.perf_counter_ns()
        output.backward()
        walked = time.perf_counter_ns()
        del output
        freed = time.perf_counter_ns()
        times.append((built - start, walked - built, freed - walked))
    return [statistics.median(column) / nodes for column in zip(*times)]


def bytes_per_number(make, count):
    """What `make(count)` holds, shared out among that many numbers."""
    tracemalloc.start()
    made = make(count)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del made
    return held / count


def multiplication(rounds):
    """Nanoseconds for `a * b` of two Values and of two floats, taking turns."""
    count = 20_000
    kinds = ({"a": Value(1.5), "b": Value(2.5)}, {"a": 1.5, "b": 2.5})
    timers = [timeit.Timer("a * b", globals=operands) for operands in kinds]
    times = [[timer.timeit(count) for timer in timers] for _ in range(rounds)]
    return [statistics.median(column) / count * 1e9 for column in zip(*times)]


def import_time(rounds):
    """Seconds that a process takes longer when it imports the package, taking turns."""
    differences = []
    with tempfile.TemporaryDirectory() as cache:  # of compiled modules, as an installation has it
        environment = os.environ | {"PYTHONPYCACHEPREFIX": cache, "PYTHONDONTWRITEBYTECODE": ""}
        for _ in range(1 + rounds):
            without, imported = (
                run_time(program, environment) for program in ("pass", "import scalargrad")
            )
            differences.append(imported - without)
    return statistics.median(differences[1:])


def run_time(program, environment):
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
