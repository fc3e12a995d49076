"""Everything about a training run, in one JSON file.

Save a run, and later sample from it or go on with it, with the same bits as if it had never
stopped. So a checkpoint holds more than the weights: Adam's moments, the step, the state of the
random numbers, the sizes, the vocabulary, the training settings, and which documents these were.

It holds no time stamp and nothing else that differs from run to run: the same run gives the same
bytes. Floats are written so that reading gives the same float back. A file is written beside the
old one and moved into its place, so that a crash leaves the old checkpoint or the new one.
"""

from __future__ import annotations

import json
import math
import random

from errors import CheckpointError
from files import as_path, read_regular, write_whole
from model import GPT, Config, Matrix, shapes
from tokenizer import Tokenizer

from scalargrad import nn

TYPE_CHECKING = False  # importing typing would only cost time
if TYPE_CHECKING:
    from typing import Any

FORMAT = "microgpt checkpoint"
VERSION = 1


# --8<-- [start:checkpoint]
class Checkpoint:
    """What is saved. Everything in it is complete as of the same step."""

    def __init__(
        self,
        *,
        config: Config,
        vocabulary: str,  # the characters in the order of their ids; BOS comes after them
        training: dict[str, Any],  # the settings of the run, by name
        source: str | None,  # where the documents came from; None is the bundled list
        fingerprint: str,  # of the documents
        step: int,  # how many steps are done
        losses: list[float],  # one for each of them
        rng: tuple[Any, ...],  # random.Random.getstate()
        optimizer: dict[str, Any],  # Adam.state_dict()
        weights: dict[str, list[list[float]]],
    ) -> None:
        self.config, self.vocabulary = config, vocabulary
        self.training, self.source, self.fingerprint = training, source, fingerprint
        self.step, self.losses = step, losses
        self.rng, self.optimizer, self.weights = rng, optimizer, weights

    def __repr__(self) -> str:
        return f"<Checkpoint: {self.config}, {self.step:,} steps are done>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Checkpoint) and vars(self) == vars(other)

    @property
    def tokenizer(self) -> Tokenizer:
        return Tokenizer(self.vocabulary)

    def model(self) -> GPT:
        """A new model with these weights."""
        weights: dict[str, Matrix] = {
            name: tuple(nn.vector(row) for row in rows) for name, rows in self.weights.items()
        }
        return GPT(self.config, weights)

    def random(self) -> random.Random:
        """Random numbers that go on where the run's stood."""
        rng = random.Random()
        rng.setstate(self.rng)
        return rng


def weights_of(model: GPT) -> dict[str, list[list[float]]]:
    """The weights as plain numbers."""
    return {name: [list(row.data) for row in matrix] for name, matrix in model.weights.items()}


def save(path: str, checkpoint: Checkpoint) -> None:
    """Replace the file at `path` by this checkpoint, whole or not at all; OSError if that fails."""
    entries = {"format": FORMAT, "version": VERSION} | vars(checkpoint)
    entries["config"] = vars(checkpoint.config)
    lines = (
        f"{json.dumps(name)}: {json.dumps(_to_json(value), allow_nan=False)}"
        for name, value in entries.items()
    )
    write_whole(path, ("{\n" + ",\n".join(lines) + "\n}\n").encode())


def load(path: str) -> Checkpoint:
    """The checkpoint at `path`; CheckpointError if it cannot be read or does not fit together."""
    try:
        return _checked(_parsed(read_regular(path)))
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from None
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None


# --8<-- [end:checkpoint]
def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        entries = json.loads(raw.decode())
    except (ValueError, RecursionError):
        if raw.startswith(f'{{\n"format": "{FORMAT}"'.encode()):
            raise CheckpointError(
                "is truncated or damaged; use another copy, or train again"
            ) from None
        raise CheckpointError("is not a checkpoint of this program") from None
    if not isinstance(entries, dict) or entries.get("format") != FORMAT:
        raise CheckpointError("is not a checkpoint of this program")
    if entries.get("version") != VERSION or entries["version"] is True:
        raise CheckpointError(
            f"has version {entries.get('version')!r}, but this program reads version {VERSION}; "
            "use the program that wrote it, or train again"
        )
    return entries


def _checked(entries: dict[str, Any]) -> Checkpoint:
    """The checkpoint with these entries, if they fit together."""
    try:
        config = Config(**entries["config"])
        config.check_complete(entries["config"])
        tokenizer = Tokenizer(entries["vocabulary"])
        checkpoint = Checkpoint(
            config=config,
            vocabulary=tokenizer.characters,
            training=dict(entries["training"]),
            source=None if entries["source"] is None else as_path(_text(entries["source"])),
            fingerprint=_text(entries["fingerprint"]),
            step=entries["step"],
            losses=_numbers(entries["losses"]),
            rng=_random_state(entries["rng"]),
            optimizer={name: _from_json(value) for name, value in entries["optimizer"].items()},
            weights=_matrices(entries["weights"], config, tokenizer.vocab_size),
        )
        checkpoint.random()  # raises if that is not a state
        if checkpoint.step != len(checkpoint.losses):
            raise ValueError(f"step {checkpoint.step!r}, but {len(checkpoint.losses)} losses")
    except KeyError as error:
        raise CheckpointError(f"is damaged: it has no {error}") from None
    except (TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        raise CheckpointError(f"is damaged: {error}") from None
    return checkpoint


def _matrices(entry: Any, config: Config, vocab_size: int) -> dict[str, list[list[float]]]:
    if len(entry) != 3 + 6 * config.n_layer:
        raise ValueError(f"{len(entry)} weight matrices for {config.n_layer} layers")
    matrices = {}
    for name, nout, nin in shapes(config, vocab_size):
        rows = [_numbers(row) for row in entry[name]]
        if len(rows) != nout or any(len(row) != nin for row in rows):
            raise ValueError(f"{name} is not a matrix of {nout} rows of {nin} numbers")
        matrices[name] = rows
    return matrices


def _random_state(entry: Any) -> tuple[Any, ...]:
    version, numbers, second = entry  # gauss draws two at a time, and the second may be in store
    return version, tuple(numbers), None if second is None else _number(second)


def _text(entry: Any) -> str:
    if not isinstance(entry, str):
        raise TypeError(f"{entry!r} is not text")
    return entry


def _numbers(entry: Any) -> list[float]:
    return [_number(x) for x in entry]


def _number(x: Any) -> float:
    x = _from_json(x)
    if isinstance(x, bool) or not isinstance(x, (int, float)):
        raise TypeError(f"{x!r} is not a number")
    return float(x)


# JSON has no infinity and no nan: these are written as strings.
_NOT_FINITE = {repr(x): x for x in (math.inf, -math.inf, math.nan)}


def _to_json(x: Any) -> Any:
    if isinstance(x, float):
        return x if math.isfinite(x) else repr(x)
    if isinstance(x, (list, tuple)):
        return [_to_json(item) for item in x]
    if isinstance(x, dict):
        return {name: _to_json(item) for name, item in x.items()}
    return x


def _from_json(x: Any) -> Any:
    if isinstance(x, list):
        return [_from_json(item) for item in x]
    return _NOT_FINITE.get(x, x) if isinstance(x, str) else x
