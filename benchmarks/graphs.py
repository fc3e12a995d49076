"""What a graph costs: time per node, memory, `a * b`, and importing the package.

    python benchmarks/graphs.py
    SCALARGRAD_ENGINE=reference python benchmarks/graphs.py

Times are medians. The time per node should be the same for graphs of every size.
"""

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import timeit
import tracemalloc

from microgpt import need_torch

from scalargrad import ENGINE, Value, nn

NODES_IN_A_ROUND = 50_000  # at least; small graphs are made again until then


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small graphs, to see that it runs")
    parser.add_argument("--torch", action="store_true", help="the same graphs in PyTorch, too")
    parser.add_argument("--json", action="store_true", help="print what was measured as JSON")
    options = parser.parse_args()
    if options.torch:
        need_torch()
    measured = measure(options.quick, options.torch)
    print(json.dumps(measured)) if options.json else show(measured)


def measure(quick, with_torch):
    nodes = (1_000, 10_000) if quick else (1_000, 10_000, 100_000, 1_000_000)
    values, floats = multiplication(rounds=5 if quick else 51)
    return {
        "engine": ENGINE,
        "bytes per node": bytes_per_number(chain, 1_000 if quick else 100_000),
        "bytes per parameter": {
            width: bytes_per_number(
                lambda n, width=width: nn.matrix(n // width, width), 6_400 if quick else 640_000
            )
            for width in (16, 64)
        },
        "ns per node": {n: ns_per_node(n, Value) for n in nodes},
        "ns per node in PyTorch": {
            n: ns_per_node(n, torch_number())
            for n in nodes
            if with_torch and n <= 100_000  # it takes microseconds each
        },
        "ns of a * b": {"Values": values, "floats": floats},
        "ms to import": [seconds * 1e3 for seconds in import_times(3 if quick else 31)],
    }


def show(measured):
    print(f"engine: {measured['engine']}")
    print("\nmemory (as Python's allocators count it)")
    print(f"{measured['bytes per node']:8.1f} bytes per node")
    for width, per_parameter in measured["bytes per parameter"].items():
        print(f"{per_parameter:8.1f} bytes per parameter of a matrix with rows of {width}")
    for title in ("ns per node", "ns per node in PyTorch"):
        if measured[title]:
            print(f"\n{title} of scalar operations, made in a loop")
            print(f"{'nodes':>9} {'forward':>9} {'backward':>9} {'free':>9}  backward/forward")
        for n, times in measured[title].items():
            forward, backward, free = map(statistics.median, times.values())
            ratio = backward / forward
            print(f"{n:9,} {forward:9.1f} {backward:9.1f} {free:9.1f} {ratio:9.2f}")
    values, floats = map(statistics.median, measured["ns of a * b"].values())
    print("\nns for a * b (timeit's loop included)")
    print(f"{values:9.1f} of two Values\n{floats:9.1f} of two floats\n{values / floats:9.2f} times")
    print(f"\nms to import scalargrad\n{statistics.median(measured['ms to import']):9.1f}")


def chain(nodes, number=Value):
    """A graph of that many operations."""
    x, a, b = number(1.0), number(0.5), number(0.25)
    for _ in range(nodes // 2):
        x = x * a + b
    return x


def torch_number():
    """What makes the numbers of a graph in PyTorch: tensors without dimensions."""
    torch = importlib.import_module("torch")
    torch.set_num_threads(1)
    return lambda data: torch.tensor(data, dtype=torch.float64, requires_grad=True)


def ns_per_node(nodes, number, rounds=7):
    """To build graphs, to walk back through them, and to free them: each round by round."""
    count = max(1, NODES_IN_A_ROUND // nodes)
    times = []
    for _ in range(rounds):
        forward = backward = free = 0
        for _ in range(count):
            start = time.perf_counter_ns()
            output = chain(nodes, number)
            built = time.perf_counter_ns()
            output.backward()
            walked = time.perf_counter_ns()
            del output
            freed = time.perf_counter_ns()
            forward, backward, free = (
                forward + built - start,
                backward + walked - built,
                free + freed - walked,
            )
        times.append([part / (nodes * count) for part in (forward, backward, free)])
    return dict(zip(("forward", "backward", "free"), zip(*times)))


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
    return [[seconds / count * 1e9 for seconds in column] for column in zip(*times)]


def import_times(rounds):
    """Seconds that a process takes longer when it imports the package, round by round."""
    differences = []
    with tempfile.TemporaryDirectory() as cache:  # of compiled modules, as an installation has it
        environment = os.environ | {"PYTHONPYCACHEPREFIX": cache, "PYTHONDONTWRITEBYTECODE": ""}
        for _ in range(1 + rounds):
            without, imported = (
                run_time(program, environment) for program in ("pass", "import scalargrad")
            )
            differences.append(imported - without)
    return differences[1:]


def run_time(program, environment):
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
