"""What a worker does: compute the gradients of some groups of documents, and say who it is.

A worker is a process that has this file and the library; see parallel.py for who starts it. Weights
come and gradients go as raw doubles: as Values they would take as long as the computing. The model
stays from task to task, and each task only writes its weights into it. Threads have a model each,
since gradients add up in its weights.
"""

from __future__ import annotations

import functools
import hashlib
import math
import struct
import sys
import threading
from array import array
from collections.abc import Iterable, Sequence

from gradients import group_gradients, set_weights
from model import GPT, Config, shapes

import scalargrad
from scalargrad import nn, optim

TYPE_CHECKING = False  # importing typing would only cost time
if TYPE_CHECKING:
    from typing import Any

    from gradients import Document

    Done = tuple[str, list[tuple[list[float], bytes]]]


def compute(
    config: dict[str, Any],
    vocab_size: int,
    weights: bytes,
    share: float,
    task: Sequence[Sequence[Document]],
) -> Done:
    """Who computed it, and of each group the losses and the gradient."""
    model, optimizer = _model(tuple(config.items()), vocab_size, threading.get_ident())
    set_weights(optimizer, to_numbers(weights))
    results = [
        (
            group_gradients(model, optimizer, group, share),
            to_bytes(row.grad for row in optimizer.params),
        )
        for group in task
    ]
    return who_computes(), results


# By the number of the thread: an interpreter pool empties a threading.local after each call.
@functools.lru_cache(maxsize=64)
def _model(
    config: tuple[tuple[str, Any], ...], vocab_size: int, thread: int
) -> tuple[GPT, optim.SGD]:
    """That thread's model of these sizes; its optimizer never steps, but knows the weights."""
    sizes = Config(**dict(config))
    weights = {
        name: tuple(nn.vector([0.0] * nin) for _ in range(nout))
        for name, nout, nin in shapes(sizes, vocab_size)
    }
    return GPT(sizes, weights), optim.SGD(weights.values(), lr=0.0)


def to_bytes(rows: Iterable[Sequence[float]]) -> bytes:
    return b"".join([struct.pack(f"<{len(row)}d", *row) for row in rows])


def to_numbers(doubles: bytes) -> array[float]:
    numbers = array("d", doubles)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


@functools.lru_cache
def who_computes() -> str:
    """The library, its engine, and a fingerprint of what the C library makes of some numbers.

    `exp` and `log` may differ in the last bit from one C library to another, or with the processor;
    the rest of the arithmetic is the same everywhere.
    """
    numbers = [(i + 0.5) / 37 for i in range(1000)]
    results = [f(x) for f in (math.exp, math.log, math.tanh, math.sqrt) for x in numbers]
    results += [math.exp(-x) for x in numbers]
    fingerprint = hashlib.sha256(to_bytes([results])).hexdigest()[:8]
    return f"scalargrad {scalargrad.__version__}, {scalargrad.ENGINE} engine, libm {fingerprint}"
