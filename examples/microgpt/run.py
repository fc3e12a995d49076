"""A training run: start it, save it, go on with it.

All randomness of a run comes from one generator, seeded by `--seed`: it shuffles the documents,
then draws the initial weights, then, after the training, the samples. So a seed stands for one
exact run, and a checkpoint, which has the generator's state, can go on with it.
"""

from __future__ import annotations

import math
import random
import sys
from dataclasses import asdict, dataclass

import checkpoint
import data
from checkpoint import Checkpoint, CheckpointError
from errors import InputError, RunError
from model import GPT, Config, new_gpt
from tokenizer import Tokenizer

from scalargrad import optim


@dataclass(frozen=True)
class Training:
    """The settings of a run, apart from the sizes of the model."""

    steps: int = 1000
    batch_size: int = 1
    lr: float = 0.01
    betas: tuple[float, float] = (0.85, 0.99)
    seed: int = 42
    val_fraction: float = 0.0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size"):
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise ValueError(f"{name} must be a whole number from 1 up, got {value!r}")
        if not (_is_number(self.lr) and 0.0 <= self.lr < math.inf):
            raise ValueError(f"lr must be a finite number from 0 up, got {self.lr!r}")
        if len(self.betas) != 2 or not all(_is_number(b) and 0.0 <= b < 1.0 for b in self.betas):
            raise ValueError(f"betas must be two numbers from 0 to below 1, got {self.betas!r}")
        if type(self.seed) is not int:
            raise ValueError(f"seed must be a whole number, got {self.seed!r}")
        if not (_is_number(self.val_fraction) and 0.0 <= self.val_fraction < 1.0):
            raise ValueError(
                f"val_fraction must be a number from 0 to below 1, got {self.val_fraction!r}"
            )


def _is_number(x: object) -> bool:
    # An integer may be too large for the float that it will become.
    return isinstance(x, (int, float)) and not isinstance(x, bool) and abs(x) <= sys.float_info.max


@dataclass
class Run:
    """A training run at some step: all that the next step depends on."""

    training: Training
    source: str | None  # of the documents; None is the bundled list
    documents: list[str]  # in the order in which they are trained on
    held_out: list[str]
    fingerprint: str
    tokenizer: Tokenizer
    model: GPT
    optimizer: optim.Adam
    rng: random.Random
    losses: list[float]

    @property
    def step(self) -> int:
        return len(self.losses)


def new_run(source: str | None, config: Config, training: Training) -> Run:
    """A run before its first step."""
    loaded = data.load(source or data.BUNDLED)
    tokenizer = Tokenizer.of(loaded)
    rng = random.Random(training.seed)
    documents, held_out = data.split(data.shuffled(loaded, rng), training.val_fraction)
    model = new_gpt(config, tokenizer.vocab_size, rng)
    return Run(
        training=training,
        source=source,
        documents=documents,
        held_out=held_out,
        fingerprint=data.fingerprint(loaded),
        tokenizer=tokenizer,
        model=model,
        optimizer=new_optimizer(model, training),
        rng=rng,
        losses=[],
    )


def new_optimizer(model: GPT, training: Training) -> optim.Adam:
    return optim.Adam(model.weights.values(), lr=training.lr, betas=training.betas, eps=1e-8)


def stored_training(path: str, saved: Checkpoint) -> Training:
    """The settings in a checkpoint."""
    try:
        return Training(**{**saved.training, "betas": tuple(saved.training["betas"])})
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"--resume {path}: is damaged: {error}") from None


def resumed_run(path: str, saved: Checkpoint, source: str | None) -> Run:
    """The run that was saved at `path`, as it was then.

    `source` is where its documents are now; None is where they were.
    """
    training = stored_training(path, saved)
    try:
        loaded = data.load(source or saved.source or data.BUNDLED)
    except data.DataError as error:
        if source:
            raise
        raise InputError(f"{error} ({path} was trained on it)") from None
    fingerprint = data.fingerprint(loaded)
    if fingerprint != saved.fingerprint:
        raise InputError(
            f"--data {source or saved.source or data.BUNDLED}: not the documents that {path} was "
            f"trained on (their sha256 is {fingerprint[:12]}..., not {saved.fingerprint[:12]}...); "
            "give those, or start a new run without --resume"
        )
    if Tokenizer.of(loaded) != saved.tokenizer:
        raise CheckpointError(f"--resume {path}: is damaged: its vocabulary is not the documents'")
    shuffled = data.shuffled(loaded, random.Random(training.seed))
    documents, held_out = data.split(shuffled, training.val_fraction)
    model = saved.model()
    optimizer = new_optimizer(model, training)
    try:
        optimizer.load_state_dict(saved.optimizer)
    except (TypeError, ValueError, OverflowError) as error:
        raise CheckpointError(f"--resume {path}: is damaged: {error}") from None
    if optimizer.steps != saved.step:
        raise CheckpointError(
            f"--resume {path}: is damaged: the run has made {saved.step} steps, "
            f"its optimizer {optimizer.steps}"
        )
    return Run(
        training=training,
        source=source or saved.source,
        documents=documents,
        held_out=held_out,
        fingerprint=fingerprint,
        tokenizer=saved.tokenizer,
        model=model,
        optimizer=optimizer,
        rng=saved.random(),
        losses=saved.losses.copy(),
    )


def save(run: Run, path: str) -> None:
    """Save a run as it is now."""
    try:
        checkpoint.save(
            path,
            Checkpoint(
                config=run.model.config,
                vocabulary=run.tokenizer.characters,
                training=asdict(run.training),
                source=run.source,
                fingerprint=run.fingerprint,
                step=run.step,
                losses=run.losses,
                rng=run.rng.getstate(),
                optimizer=run.optimizer.state_dict(),
                weights=checkpoint.weights_of(run.model),
            ),
        )
    except OSError as error:
        raise RunError(f"--checkpoint {path}: cannot be written: {error.strerror}") from None
