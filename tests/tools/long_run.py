"""Trains a tiny network for a long time: the loss must fall, and the memory must not grow.

    SCALARGRAD_ENGINE=reference python tests/tools/long_run.py [steps]

100,000 steps unless told otherwise, in ten parts. From the second part on, Python may hold at most
a thousand more blocks of memory, and the process one MiB more: forgetting anything once per step
would take far more. The garbage collector is off, so that a graph that only it could free would be
noticed, too.
"""

import gc
import math
import random
import resource
import sys
import time
from itertools import pairwise
from pathlib import Path

import scalargrad as sg
from scalargrad import nn, optim

PARTS = 10
MORE_BLOCKS, MORE_BYTES = 1000, 1 << 20


def main():
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    gc.disable()
    start, losses, memory = time.perf_counter(), [], []
    for loss in trained(steps // PARTS):
        losses.append(loss)
        memory.append((sys.getallocatedblocks(), resident()))
        print(
            f"{len(losses) * (steps // PARTS):,} steps, {time.perf_counter() - start:.1f} s: "
            f"loss {loss:.6f}, {memory[-1][0]:,} blocks, {memory[-1][1]:,} bytes",
            flush=True,
        )
    blocks, size = (max(part[i] for part in memory[2:]) - memory[1][i] for i in (0, 1))
    print(f"{sg.ENGINE}: at most {blocks:,} blocks and {size:,} bytes more than after a fifth")
    if blocks > MORE_BLOCKS or size > MORE_BYTES:
        sys.exit("memory grows")
    if not losses[-1] < 0.1 * losses[0]:
        sys.exit("the loss does not fall to a tenth")
    if not all(after < before for before, after in pairwise(losses)):
        sys.exit("the loss rises")


def trained(steps):
    """Ten times that many steps; after each time, the mean of the losses in it.

    The network learns a sine: some straight lines, and which of them holds where.
    """
    rng = random.Random(1)
    gates, slopes = nn.matrix(8, 2, std=1.0, rng=rng), nn.matrix(8, 2, std=1.0, rng=rng)
    scale = sg.Value(1.0)
    optimizer = optim.Adam([gates, slopes, scale])
    for part in range(PARTS):
        optimizer.lr = 0.01 * (1.0 - part / PARTS)
        total = 0.0
        for _ in range(steps):
            x = rng.uniform(-1.0, 1.0)
            lines = nn.linear([x, 1.0], slopes)
            y = nn.dot(nn.softmax(nn.linear([x, 1.0], gates)), [line.tanh() for line in lines])
            loss = (scale * y - math.sin(5.0 * x)) ** 2
            optimizer.zero_grad()
            loss.backward()
            optim.clip_grad_norm([gates, slopes], 1.0)
            optimizer.step()
            total += loss.data
        yield total / steps


def resident():
    """How much memory the process has, in bytes; where only its peak is known, that."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
