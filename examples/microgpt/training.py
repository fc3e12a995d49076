"""The training loop: look at a document, find the gradient of its loss, step against it.

    >>> from model import Config
    >>> from run import Training, new_run
    >>> run = new_run(None, Config(), Training(steps=30))
    >>> for _ in train(run, until=30):
    ...     pass
    >>> f"{run.losses[0]:.2f} {sum(run.losses[-10:]) / 10:.2f}"
    '3.46 2.72'

Each step takes the next document (or the next few), asks the model for the next token at every
position, and moves all weights a little against the gradient of the loss.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence

from errors import RunError
from gradients import batch_gradients
from model import GPT, document_loss, parameter_count
from run import Run, Training

from scalargrad import no_grad, optim

TYPE_CHECKING = False  # importing concurrent.futures would only cost time
if TYPE_CHECKING:
    from parallel import Workers


# --8<-- [start:step]
def train_step(
    model: GPT,
    optimizer: optim.Adam,
    documents: Sequence[Sequence[int]],
    workers: Workers | None = None,
) -> float:
    """One step on a batch of tokenized documents; returns their mean loss.

    The workers compute the gradients, to the same bits, if there are any. A loss that is not finite
    changes no weight.
    """
    compute = workers.batch_gradients if workers else batch_gradients
    losses = compute(model, optimizer, documents)
    mean = 0.0
    for loss in losses:
        mean += loss / len(losses)
    if math.isfinite(mean):
        optimizer.step()
    return mean


# --8<-- [end:step]
# --8<-- [start:loop]
def learning_rate(training: Training, step: int) -> float:
    """The rate of a step, counted from 0: it falls linearly, and would be 0 after the last."""
    return training.lr * (1 - step / training.steps)


def train(run: Run, until: int, workers: Workers | None = None) -> Iterator[float]:
    """Train up to that many steps; after each, yields how many seconds it took."""
    documents, batch_size = run.documents, run.training.batch_size
    while run.step < until:
        began = time.perf_counter()
        first = run.step * batch_size
        batch = [
            run.tokenizer.document(documents[i % len(documents)])
            for i in range(first, first + batch_size)
        ]
        run.optimizer.lr = learning_rate(run.training, run.step)
        loss = train_step(run.model, run.optimizer, batch, workers)
        seconds = time.perf_counter() - began
        if not math.isfinite(loss):
            raise RunError(
                f"the loss is {loss} at step {run.step + 1}: training diverged; "
                f"try a lower --lr than {run.training.lr:g}{_where_it_began(run.model, batch)}"
            )
        run.losses.append(loss)
        yield seconds


# --8<-- [end:loop]
# --8<-- [start:diverged]
def _where_it_began(model: GPT, documents: Sequence[Sequence[int]]) -> str:
    """The first number that is inf or nan, in words; the weights are those of the failed step."""
    from scalargrad import graph  # late, because training needs it only here

    if parameter_count(model) > 20_000:  # it goes through every number, which would take long
        return ""
    for name, matrix in model.weights.items():
        for i, row in enumerate(matrix):
            row.label = f"{name}[{i}]"
    began = (graph.first_nonfinite(document_loss(model, tokens)) for tokens in documents)
    return next((f" (it began where {words})" for words in began if words), "")


# --8<-- [end:diverged]
# --8<-- [start:held_out]
def held_out_loss(run: Run) -> float:
    """The mean loss of the documents that were never trained on."""
    tokenized = map(run.tokenizer.document, run.held_out)
    with no_grad():
        losses = [document_loss(run.model, tokens).data for tokens in tokenized]
    return math.fsum(losses) / len(losses)


# --8<-- [end:held_out]
