"""Everything about a training run, in one JSON file.

Save a run, and later sample from it or go on with it, with the same bits as if it had never
stopped. So a checkpoint holds more than the weights: Adam's moments, the step, the state of the
random numbers, the sizes, the vocabulary, the training settings, and which documents these were.

It holds no time stamp and nothing else that differs from run to run: the same run gives the same
bytes. Floats are written so that reading gives the same float back. A file is written beside the
old one and moved into its place, so that a crash leaves the old checkpoint or the new one.

A model that comes from elsewhere has no run. Its file has weights, sizes and vocabulary only. That
is enough to sample from, and to start a new run with.
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
WEIGHTS_FORMAT = "microgpt weights"
FORMATS = [FORMAT, WEIGHTS_FORMAT]
VERSION = 1


# --8<-- [start:checkpoint]
class Weights:
    """A model as it is saved, whoever trained it."""

    def __init__(
        self, *, config: Config, vocabulary: str, weights: dict[str, list[list[float]]]
    ) -> None:
        self.config, self.vocabulary, self.weights = config, vocabulary, weights

    def __repr__(self) -> str:
        return f"<Weights: {self.config}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Weights) and vars(self) == vars(other)

    @property
    def tokenizer(self) -> Tokenizer:
        return Tokenizer(self.vocabulary)

    def model(self) -> GPT:
        """A new model with these weights."""
        weights: dict[str, Matrix] = {
            name: tuple(nn.vector(row) for row in rows) for name, rows in self.weights.items()
        }
        return GPT(self.config, weights)


class Checkpoint(Weights):
    """A model and the run that it is from. Everything is complete as of the same step."""

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
        super().__init__(config=config, vocabulary=vocabulary, weights=weights)
        self.training, self.source, self.fingerprint = training, source, fingerprint
        self.step, self.losses, self.rng, self.optimizer = step, losses, rng, optimizer

    def __repr__(self) -> str:
        return f"<Checkpoint: {self.config}, {self.step:,} steps are done>"

    def random(self) -> random.Random:
        """Random numbers that go on where the run's stood."""
        rng = random.Random()
        rng.setstate(self.rng)
        return rng


def weights_of(model: GPT) -> dict[str, list[list[float]]]:
    """The weights as plain numbers."""
    return {name: [list(row.data) for row in matrix] for name, matrix in model.weights.items()}


def save(path: str, saved: Weights) -> None:
    """Replace the file at `path` by this one, whole or not at all; OSError if that fails."""
    kind = FORMAT if isinstance(saved, Checkpoint) else WEIGHTS_FORMAT
    entries = {"format": kind, "version": VERSION} | vars(saved)
    entries["config"] = vars(saved.config)
    entries["weights"] = entries.pop("weights")  # the longest entry comes last
    lines = (
        f"{json.dumps(name)}: {json.dumps(_to_json(value), allow_nan=False)}"
        for name, value in entries.items()
    )
    write_whole(path, ("{\n" + ",\n".join(lines) + "\n}\n").encode())


def load(path: str) -> Checkpoint:
    """The checkpoint at `path`; CheckpointError if it cannot be read or does not fit together."""
    saved = load_weights(path)
    if not isinstance(saved, Checkpoint):
        raise CheckpointError(
            f"{path}: has weights only, and neither Adam's moments nor the state of the random "
            f"numbers, without which no run goes on; start a new one by --init-from {path}"
        )
    return saved


def load_weights(path: str) -> Weights:
    """The weights at `path`, which are a whole Checkpoint if they are from a run."""
    try:
        return checked(_parsed(read_regular(path)))
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from None
    except CheckpointError as error:
        hint = "; export.py can convert it" if path.endswith(".safetensors") else ""
        raise CheckpointError(f"{path}: {error}{hint}") from None


# --8<-- [end:checkpoint]
def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        entries = json.loads(raw.decode())
    except (ValueError, RecursionError):
        if raw.startswith(tuple(f'{{\n"format": "{kind}"'.encode() for kind in FORMATS)):
            raise CheckpointError(
                "is truncated or damaged; use another copy, or train again"
            ) from None
        raise CheckpointError("is not a checkpoint of this program") from None
    if not isinstance(entries, dict) or entries.get("format") not in FORMATS:
        raise CheckpointError("is not a checkpoint of this program")
    if entries.get("version") != VERSION or entries["version"] is True:
        raise CheckpointError(
            f"has version {entries.get('version')!r}, but this program reads version {VERSION}; "
            "use the program that wrote it, or train again"
        )
    return entries


def checked(entries: dict[str, Any]) -> Weights:
    """What has these entries, if they fit together; CheckpointError if they do not."""
    try:
        config = Config(**entries["config"])
        config.check_complete(entries["config"])
        tokenizer = Tokenizer(entries["vocabulary"])
        model: dict[str, Any] = {
            "config": config,
            "vocabulary": tokenizer.characters,
            "weights": _matrices(entries["weights"], config, tokenizer.vocab_size),
        }
        if entries["format"] == WEIGHTS_FORMAT:
            return Weights(**model)
        checkpoint = Checkpoint(
            **model,
            training=dict(entries["training"]),
            source=None if entries["source"] is None else as_path(_text(entries["source"])),
            fingerprint=_text(entries["fingerprint"]),
            step=entries["step"],
            losses=_numbers(entries["losses"]),
            rng=_random_state(entries["rng"]),
            optimizer={name: _from_json(value) for name, value in entries["optimizer"].items()},
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
