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
from record import Record
from tokenizer import Tokenizer

from scalargrad import optim

TYPE_CHECKING = False  # importing checkpoint would only cost time, as long as nothing is saved
if TYPE_CHECKING:
    from checkpoint import Checkpoint


class Training(Record):
    """The settings of a run, apart from the sizes of the model."""

    steps: int  # of the whole run
    batch_size: int  # documents per step
    lr: float  # the learning rate of the first step
    betas: tuple[float, float]  # how slowly Adam forgets
    seed: int  # of all random draws
    val_fraction: float  # of the documents, held out

    def __init__(
        self,
        steps: int = 1000,
        batch_size: int = 1,
        lr: float = 0.01,
        betas: tuple[float, float] = (0.85, 0.99),
        seed: int = 42,
        val_fraction: float = 0.0,
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
        vars(self).update(
            steps=steps,
            batch_size=batch_size,
            lr=lr,
            betas=betas,
            seed=seed,
            val_fraction=val_fraction,
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
        documents: list[str],  # those to train on, in that order
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


def new_run(source: str | None, config: Config, training: Training) -> Run:
    """A run before its first step."""
    loaded = data.load(data.BUNDLED if source is None else source)
    tokenizer = Tokenizer.of(loaded)
    rng = random.Random(training.seed)
    documents, held_out = data.split(data.shuffled(loaded, rng), training.val_fraction)
    try:
        model = new_gpt(config, tokenizer.vocab_size, rng)
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


def new_optimizer(model: GPT, training: Training) -> optim.Adam:
    return optim.Adam(model.weights.values(), lr=training.lr, betas=training.betas, eps=1e-8)


# --8<-- [end:run]
def stored_training(path: str, saved: Checkpoint) -> Training:
    """The settings in a checkpoint."""
    try:
        training = Training(**{**saved.training, "betas": tuple(saved.training["betas"])})
        training.check_complete(saved.training)
    except KeyError as error:
        raise CheckpointError(f"--resume {path}: is damaged: it has no {error}") from None
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"--resume {path}: is damaged: {error}") from None
    return training


def resumed_run(path: str, saved: Checkpoint, source: str | None) -> Run:
    """The run that was saved at `path`, as it was then.

    `source` is where its documents are now; None is where they were.
    """
    training = stored_training(path, saved)
    try:
        loaded = data.load(source or saved.source or data.BUNDLED)
    except DataError as error:
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
    if Tokenizer.of(loaded).characters != saved.vocabulary:
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
        loaded=loaded,
        documents=documents,
        held_out=held_out,
        tokenizer=saved.tokenizer,
        model=model,
        optimizer=optimizer,
        rng=saved.random(),
        losses=saved.losses.copy(),
    )


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
