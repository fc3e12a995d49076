"""Time per training step of the default microGPT: notebook engine, scalargrad, PyTorch.

    python benchmarks/microgpt.py
    python benchmarks/microgpt.py --torch --n-embd 16 32 64 128

All rows of the table train the same steps on the same names; that their losses agree is checked
before anything is timed. Each has a process of its own, because the notebook engine leaves garbage
behind that would slow down whoever shares its memory. They take turns, round by round, so that a
busy moment of the machine hits all alike. The table shows medians over the rounds; a ratio is taken
within each round before the median is.
"""

import argparse
import importlib
import importlib.util
import json
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "examples" / "microgpt"))
from advice import install

NAMES = Path(__file__).parents[1] / "examples" / "microgpt" / "names.txt"
SHORTEST_TURN = 0.2  # seconds; who is faster trains the same steps again until then
NAIVE, OURS, TORCH = "naive engine", "scalargrad", "PyTorch"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="how many turns each row has")
    parser.add_argument("--steps", type=int, default=20, help="training steps in a turn")
    parser.add_argument("--n-embd", type=int, nargs="+", default=[16], help="widths of the model")
    parser.add_argument("--torch", action="store_true", help="with PyTorch, on 1 and 2 threads")
    parser.add_argument("--json", action="store_true", help="print what was measured as JSON")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--settings", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        work(*options.worker, options.settings, options.steps)
        return
    if options.json:
        measured = {n_embd: measure(n_embd, options) for n_embd in options.n_embd}
        print(json.dumps({"rounds": options.rounds, "steps": options.steps, "n_embd": measured}))
        return
    if options.torch:
        need_torch()
    print(f"{options.rounds} rounds of {options.steps} steps, medians")
    print(f"{'':27} n_embd  ms/step  ns/multiply-add  speed/naive  speed/PyTorch")
    for n_embd in options.n_embd:
        show(measure(n_embd, options), n_embd, options.steps)


def measure(n_embd, options):
    """The seconds per step of each row, round by round, for one width of the model."""
    contestants = {}
    if n_embd == 16:  # wider, it takes seconds a step, and its recursion ends too deep
        contestants[NAIVE] = {"module": "naive"}
    for engine in engines():
        if n_embd == 16:
            name = f"its Value swapped, {engine}"
            contestants[name] = {"module": "naive_swapped", "engine": engine}
        contestants[f"{OURS}, {engine}"] = {"module": "with_scalargrad", "engine": engine}
    for threads in (1, 2) if options.torch else ():
        contestants[f"{TORCH}, threads: {threads}"] = {"module": "with_torch", "threads": threads}
    return times(contestants, {"n_embd": n_embd}, options.rounds, options.steps)


def times(contestants, settings, rounds, steps):
    """The seconds per step of each of them, round by round."""
    workers = {
        name: Worker(settings=settings, steps=steps, **contestant)
        for name, contestant in contestants.items()
    }
    check_agreement({name: worker.answer() for name, worker in workers.items()})
    found = {name: [] for name in workers}
    for _ in range(rounds):
        for name, worker in workers.items():
            found[name].append(worker.turn())
    for worker in workers.values():
        worker.stop()
    return found


def show(times, n_embd, steps):
    """Print the lines of the table for one width of the model."""
    median = {name: statistics.median(seconds) for name, seconds in times.items()}
    fastest_torch = min((n for n in times if n.startswith(TORCH)), key=median.get, default=None)
    for name in times:
        ms, ns = median[name] * 1e3, median[name] * 1e9 / multiply_adds(n_embd, steps)
        naive, torch = (speed(times[name], times.get(x)) for x in (NAIVE, fastest_torch))
        print(f"{name:27} {n_embd:6} {ms:8.3f} {ns:16.2f} {naive:>12} {torch:>14}", flush=True)


def need_torch():
    if not importlib.util.find_spec("torch"):
        sys.exit(f"--torch needs PyTorch, which is not installed: {install('torch')}")


def engines():
    """Those that this installation has."""
    for engine in ("reference", "compiled"):
        environment = os.environ | {"SCALARGRAD_ENGINE": engine}
        command = [sys.executable, "-c", "import scalargrad"]
        if not subprocess.run(command, env=environment, capture_output=True).returncode:
            yield engine


def check_agreement(losses):
    """Stop unless all rows do the same job: only then does it matter how fast."""
    first = next(iter(losses))
    for name, got in losses.items():
        if any(abs(a - b) > 1e-9 for a, b in zip(got, losses[first])):
            sys.exit(f"{name} begins with the losses {got}, but {first} with {losses[first]}")


def multiply_adds(n_embd, steps):
    """How many a step takes in its matrix products, forward and backward, on average."""
    names = shuffled_names()[1 : 1 + steps]
    vocabulary = 27
    total = 0
    for length in (min(16, len(name) + 1) for name in names):
        weights = 12 * n_embd**2 + vocabulary * n_embd
        attention = n_embd * (length + 1)  # keys and values, half of the positions on average
        total += 3 * length * (weights + attention)
    return total / len(names)


def speed(seconds, others):
    """How many times as fast as the others."""
    return f"{statistics.median(b / a for a, b in zip(seconds, others)):.4g}" if others else "-"


# A process that trains a while whenever it is told to.


class Worker:
    def __init__(self, module, settings, steps, engine="", threads=1):
        command = [sys.executable, __file__, "--worker", module, str(threads)]
        command += ["--settings", json.dumps(settings), "--steps", str(steps)]
        self.process = subprocess.Popen(
            command,
            env=os.environ | {"SCALARGRAD_ENGINE": engine},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def turn(self):
        """Seconds per step."""
        print("go", file=self.process.stdin, flush=True)
        return self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{' '.join(self.process.args)} failed; its message stands above")
        return json.loads(line)

    def stop(self):
        self.process.communicate()


def work(module, threads, settings, steps):
    """Tell the first losses, then the seconds per step at each line of input.

    The first step of a model is not timed, since PyTorch's optimiser gets ready in it.
    """
    if module == "with_torch":
        importlib.import_module("torch").set_num_threads(int(threads))
    model_class = importlib.import_module(module).MicroGPT
    letters = settings.pop("letters", None)
    documents = random_documents(letters) if letters else NAMES.read_text().split()
    model = model_class(documents, **settings)
    print(json.dumps([model.step() for _ in range(2)]), flush=True)
    for _ in sys.stdin:
        seconds, done = 0.0, 0
        while seconds < SHORTEST_TURN:
            model = model_class(documents, **settings)
            model.step()
            start = time.perf_counter()
            for _ in range(steps):
                model.step()
                done += 1
                if letters and time.perf_counter() - start > SHORTEST_TURN:
                    break  # all steps are alike, so it does not matter which are timed
            seconds += time.perf_counter() - start
        print(json.dumps(seconds / done), flush=True)


def random_documents(letters):
    """Of that length, from the 26 letters: for models with contexts longer than names."""
    rng = random.Random(42)
    return ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=letters)) for _ in range(300)]


def shuffled_names():
    names = NAMES.read_text().split()
    random.Random(42).shuffle(names)
    return names


if __name__ == "__main__":
    main()
