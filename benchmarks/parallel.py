"""What more processes bring: a training step of one process, and the same step of several.

    python benchmarks/parallel.py
    python benchmarks/parallel.py --n-embd 128 --batch 64 256 1024 --workers 4

One process and several take turns, and the ratio within each round is taken; the weights of both
have to be the same afterwards, bit for bit. From the parts that a step has (computing a group,
bringing its gradient, what one process does alone) follows what more workers would bring.
"""

import argparse
import json
import os
import pickle
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "examples" / "microgpt"))

import gradients
import worker
from model import Config, parameter_count
from parallel import processes
from run import Training, new_run
from training import train

from scalargrad import ENGINE, nn, no_grad


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-embd", type=int, nargs="+", default=[16, 32, 64, 128])
    parser.add_argument("--batch", type=int, nargs="+", default=[64, 128, 256, 512])
    parser.add_argument("--workers", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--rounds", type=int, default=9, help="how many turns each has")
    parser.add_argument("--json", action="store_true", help="print the first table as JSON")
    options = parser.parse_args()
    if options.json:
        rows = [
            {
                "n_embd": n_embd,
                "batch": batch,
                "seconds, one process": one,
                "seconds, several": several,
                "speedup": [a / b for a, b in zip(one, several)],
            }
            for n_embd, batch, one, several in measure(options)
        ]
        print(json.dumps({"engine": ENGINE, "workers": options.workers, "rows": rows}))
        return
    print(f"engine: {ENGINE}; {options.workers} processes, groups of {gradients.GROUP} documents")
    print(f"\n{'n_embd':>6} {'batch':>6} {'one, ms':>9} {'several':>9} {'speedup':>8}")
    for n_embd, batch, one, several in measure(options):
        speedup = statistics.median(a / b for a, b in zip(one, several))
        shown = [statistics.median(seconds) * 1e3 for seconds in (one, several)]
        print(f"{n_embd:6} {batch:6} {shown[0]:9.2f} {shown[1]:9.2f} {speedup:8.2f}", flush=True)
    print("\non paper, if the network takes no time: speedup with as many workers")
    print(f"{'n_embd':>6} {'batch':>6} {'group':>8} {'bring':>8} {'alone':>8} {'16':>7} {'128':>7}")
    for n_embd in options.n_embd:
        for batch in (512, 4096):
            print_paper(n_embd, batch)


def measure(options):
    """The seconds of each round's step, of one process and of several, for each size."""
    with processes(options.workers) as workers:
        for n_embd in options.n_embd:
            for batch in options.batch:
                yield n_embd, batch, *steps(n_embd, batch, options.rounds, workers)


def steps(n_embd, batch, rounds, workers):
    """The seconds of each round's step, of one process and of several."""
    runs = [
        new_run(None, Config(n_embd=n_embd), Training(steps=10**6, batch_size=batch))
        for _ in range(2)
    ]
    ways = [train(runs[0], 10**6), train(runs[1], 10**6, workers)]
    for way in ways:
        next(way)  # the first step also makes the workers' models
    found = [[next(way) for way in ways] for _ in range(rounds)]
    if weights(runs[0]) != weights(runs[1]):
        sys.exit("the weights are not the same")
    return list(zip(*found))


def weights(run):
    return [row.data for row in run.optimizer.params]


def print_paper(n_embd, batch):
    """How the parts of a step add up: what workers share, and what the first process does alone."""
    run = new_run(None, Config(n_embd=n_embd), Training(steps=10**6, batch_size=batch))
    tokens = [run.tokenizer.document(name) for name in run.documents[: gradients.GROUP]]
    optimizer, groups = run.optimizer, -(-batch // gradients.GROUP)
    share = 1 / batch
    compute = seconds(lambda: gradients.group_gradients(run.model, optimizer, tokens, share))
    flatten = seconds(lambda: gradients.gradient(optimizer))
    doubles = worker.to_bytes(row.grad for row in optimizer.params)
    send = seconds(lambda: worker.to_bytes(row.grad for row in optimizer.params))
    total = nn.vector(worker.to_numbers(doubles))
    packed = pickle.dumps(doubles)
    bring = seconds(lambda: add(total, nn.vector(worker.to_numbers(pickle.loads(packed)))))
    write = seconds(lambda: gradients.add_groups(optimizer, [([], total)]))
    step = seconds(optimizer.step)
    alone = send + write + step
    one = groups * (compute + flatten) + write + step
    speedups = []
    for count in (16, 128):
        tasks = min(count, groups)
        work = -(-groups // tasks) * (compute + send)
        speedups.append(one / (alone + max(work + bring, groups * bring)))
    parts = [1e3 * x for x in (compute + send, bring, alone)]
    print(
        f"{n_embd:6} {batch:6} {parts[0]:8.2f} {parts[1]:8.3f} {parts[2]:8.2f} "
        f"{speedups[0]:7.1f} {speedups[1]:7.1f}   ({parameter_count(run.model):,} parameters)",
        flush=True,
    )


@no_grad()
def add(a, b):
    return a + b


def seconds(action, rounds=9):
    found = []
    for _ in range(rounds):
        began = time.perf_counter()
        action()
        found.append(time.perf_counter() - began)
    return statistics.median(found)


if __name__ == "__main__":
    main()
