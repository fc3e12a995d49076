"""A training run: start it, save it, go on with it.

All randomness of a run comes from one generator, seeded by `--seed`: it shuffles the documents,
then draws the initial weights, then, after the training, the samples. So a seed stands for one
exact run, and a checkpoint, which has the generator's state, can go on with it.
"""

from __future__ import annotations

import math
import random
import sys

import data
from errors import CheckpointError, DataError, InputError, RunError
from model import GPT, Config, new_gpt
from normalization import form_in_which
from record import Record
from tokenizer import Tokenizer

from scalargrad import optim

TYPE_CHECKING = False  # importing checkpoint would only cost time, as long as nothing is saved
if TYPE_CHECKING:
    from checkpoint import Checkpoint, Weights


class Training(Record):
    """The settings of a run, apart from the sizes of the model."""

    steps: int  # of the whole run
    batch_size: int  # documents per step
    lr: float  # the learning rate of the first step
    betas: tuple[float, float]  # how slowly Adam forgets
    seed: int  # of all random draws
    val_fraction: float  # of the documents, held out
    chunk: bool  # whether documents that are longer than the context are cut into windows

    def __init__(
        self,
        steps: int = 1000,
        batch_size: int = 1,
        lr: float = 0.01,
        betas: tuple[float, float] = (0.85, 0.99),
        seed: int = 42,
        val_fraction: float = 0.0,
        chunk: bool = False,
    ) -> None:
        for name, value, most in (("steps", steps, 10**12), ("batch_size", batch_size, 10**6)):
            if type(value) is not int or value < 1:
                raise ValueError(f"{name} must be a whole number from 1 up, got {value!r}")
            if value > most:
                raise ValueError(f"{name} must be at most {most:,}, got {value:,}")
        if not (_is_number(lr) and 0.0 <= lr < math.inf):
            raise ValueError(f"lr must be a finite number from 0 up, got {lr!r}")
        if len(betas) != 2 or not all(_is_number(b) and 0.0 <= b < 1.0 for b in betas):
            raise ValueError(f"betas must be two numbers from 0 to below 1, got {betas!r}")
        if type(seed) is not int:
            raise ValueError(f"seed must be a whole number, got {seed!r}")
        if not (_is_number(val_fraction) and 0.0 <= val_fraction < 1.0):
            raise ValueError(
                f"val_fraction must be a number from 0 to below 1, got {val_fraction!r}"
            )
        if type(chunk) is not bool:
            raise ValueError(f"chunk must be True or False, got {chunk!r}")
        vars(self).update(
            steps=steps,
            batch_size=batch_size,
            lr=lr,
            betas=betas,
            seed=seed,
            val_fraction=val_fraction,
            chunk=chunk,
        )


def _is_number(x: object) -> bool:
    # An integer may be too large for the float that it will become.
    return isinstance(x, (int, float)) and not isinstance(x, bool) and abs(x) <= sys.float_info.max


# --8<-- [start:run]
class Run:
    """A training run at some step: all that the next step depends on."""

    def __init__(
        self,
        *,
        training: Training,
        source: str | None,  # of the documents; None is the bundled list
        loaded: list[str],  # the documents, as they came from there
        documents: list[str],  # those to train on, or their windows, in that order
        held_out: list[str],  # and those not to
        tokenizer: Tokenizer,
        model: GPT,
        optimizer: optim.Adam,
        rng: random.Random,
        losses: list[float],  # one for each step that is done
    ) -> None:
        self.training, self.source, self.loaded = training, source, loaded
        self.documents, self.held_out = documents, held_out
        self.tokenizer, self.model, self.optimizer = tokenizer, model, optimizer
        self.rng, self.losses = rng, losses

    def __repr__(self) -> str:
        return f"<Run: {self.step:,} of {self.training.steps:,} steps are done>"

    @property
    def step(self) -> int:
        return len(self.losses)


def new_run(
    source: str | None, config: Config, training: Training, weights: Weights | None = None
) -> Run:
    """A run before its first step. It begins with random weights, if none are given."""
    loaded = data.load(data.BUNDLED if source is None else source)
    tokenizer = weights.tokenizer if weights else Tokenizer.of(loaded)
    rng = random.Random(training.seed)
    documents, held_out = in_order(loaded, config, training, rng)
    try:
        model = weights.model() if weights else new_gpt(config, tokenizer.vocab_size, rng)
    except ValueError as error:
        raise InputError(f"{config}: {error}") from None
    return Run(
        training=training,
        source=source,
        loaded=loaded,
        documents=documents,
        held_out=held_out,
        tokenizer=tokenizer,
        model=model,
        optimizer=new_optimizer(model, training),
        rng=rng,
        losses=[],
    )


def in_order(
    loaded: list[str], config: Config, training: Training, rng: random.Random
) -> tuple[list[str], list[str]]:
    """What to train on, in random order, and what is held out."""
    pieces = data.windows(loaded, config.block_size) if training.chunk else loaded
    return data.split(data.shuffled(pieces, rng), training.val_fraction)


def new_optimizer(model: GPT, training: Training) -> optim.Adam:
    return optim.Adam(model.weights.values(), lr=training.lr, betas=training.betas, eps=1e-8)


# --8<-- [end:run]
def stored_training(path: str, saved: Checkpoint) -> Training:
    """The settings in a checkpoint."""
    entries = {"chunk": False} | saved.training  # which files had no entry for at first
    try:
        training = Training(**{**entries, "betas": tuple(entries["betas"])})
        training.check_complete(entries)
    except KeyError as error:
        raise CheckpointError(f"--resume {path}: is damaged: it has no {error}") from None
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"--resume {path}: is damaged: {error}") from None
    return training


def resumed_run(
    path: str, saved: Checkpoint, source: str | None, training: Training | None = None
) -> Run:
    """The run that was saved at `path`, as it was then.

    `source` is where its documents are now; None is where they were. `training` has its settings,
    with more steps if it shall go on for longer.
    """
    training = training or stored_training(path, saved)
    loaded = _documents_of(path, saved, source)
    documents, held_out = in_order(loaded, saved.config, training, random.Random(training.seed))
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
        loaded=loaded,
        documents=documents,
        held_out=held_out,
        tokenizer=saved.tokenizer,
        model=model,
        optimizer=optimizer,
        rng=saved.random(),
        losses=saved.losses.copy(),
    )


def _documents_of(path: str, saved: Checkpoint, source: str | None) -> list[str]:
    """The documents that a run was trained on, from there or from where they were."""
    place = source or saved.source or data.BUNDLED
    try:
        loaded = data.load(place)
    except DataError as error:
        if source:
            raise
        raise InputError(
            f"{error} ({path} was trained on it; if it has moved, say where it is with --data)"
        ) from None
    fingerprint = data.fingerprint(loaded)
    if fingerprint != saved.fingerprint:
        form = form_in_which(
            lambda text: data.fingerprint(text.split("\n")) == saved.fingerprint, "\n".join(loaded)
        )
        difference = f"their sha256 is {fingerprint[:12]}..., not {saved.fingerprint[:12]}..."
        if form:
            difference = f"the same text, but those were in Unicode normalization form {form}"
        raise InputError(
            f"--data {place}: not the documents that {path} was trained on ({difference}); "
            "give those, or start a new run without --resume"
        )
    if saved.tokenizer.unknown("".join(loaded)):
        raise CheckpointError(f"--resume {path}: is damaged: its vocabulary is not the documents'")
    return loaded


def save(run: Run, path: str) -> None:
    """Save a run as it is now."""
    import checkpoint  # late: many runs are not saved

    try:
        checkpoint.save(
            path,
            checkpoint.Checkpoint(
                config=run.model.config,
                vocabulary=run.tokenizer.characters,
                training=vars(run.training),
                source=run.source,
                fingerprint=data.fingerprint(run.loaded),
                step=run.step,
                losses=run.losses,
                rng=run.rng.getstate(),
                optimizer=run.optimizer.state_dict(),
                weights=checkpoint.weights_of(run.model),
            ),
        )
    except OSError as error:
        raise RunError(f"--checkpoint {path}: cannot be written: {error.strerror}") from None
