"""Preparing a run: what the options ask for, and whether it can be done.

Every mistake in the options is found here, before any file is changed.
"""

from __future__ import annotations

import os

import data
import report
from errors import CheckpointError, InputError
from files import why_not_writable
from model import Config
from normalization import form_in_which
from options import bad_setting, option_name
from run import Run, Training, new_run, resumed_run, stored_training
from sample import check_prompt

TYPE_CHECKING = False  # importing these would only cost time
if TYPE_CHECKING:
    from typing import Any

    from checkpoint import Checkpoint, Weights


def prepare(options: Any) -> Run:
    """The run that the options ask for."""
    if options.save_every and not options.checkpoint:
        raise InputError("--save-every needs --checkpoint, the file to save to")
    if options.resume and options.init_from:
        raise InputError("--resume goes on with a run, and --init-from starts one; give only one")
    saved = weights = None
    if options.resume or options.init_from:
        import checkpoint  # late: many runs neither begin nor end with one

        try:
            saved = checkpoint.load(options.resume) if options.resume else None
            weights = checkpoint.load_weights(options.init_from) if options.init_from else None
        except CheckpointError as error:
            raise InputError(f"--{'resume' if options.resume else 'init-from'} {error}") from None
    config, training = settings(options, saved, weights)
    done = saved.step if saved else 0
    if options.stop_at and not done < options.stop_at <= training.steps:
        already = f", of which {done:,} are done" if saved else ""
        raise InputError(
            f"--stop-at {options.stop_at}: the run has {training.steps:,} steps{already}"
        )
    check_files(options, saved)
    if saved:
        run = resumed_run(options.resume, saved, options.data, training)
    else:
        run = new_run(options.data, config, training, weights)
    if weights:
        check_vocabulary(options.init_from, run)
    check_prompt(options.prompt, run.tokenizer, config)
    if options.checkpoint and not options.overwrite:
        check_replaced(options.checkpoint, options.resume, run)
    return run


def settings(
    options: Any, saved: Checkpoint | None, weights: Weights | None
) -> tuple[Config, Training]:
    """The settings of a run: those on the command line, and for the rest the defaults.

    A resumed run has those of its checkpoint, and one that starts from weights has their sizes: the
    command line must not contradict them. Only `--steps` may, to go on for longer.
    """
    config, training = Config(), Training()
    if saved:
        config, training = saved.config, stored_training(options.resume, saved)
    elif weights:
        config = weights.config
    chosen = vars(config) | vars(training)
    fixed = chosen if saved else vars(config) if weights else {}
    fixed = {name: value for name, value in fixed.items() if name != "steps"}
    for name, value in vars(options).items():
        if name not in chosen or value is None:
            continue
        value = tuple(value) if isinstance(value, list) else value
        if name in fixed and value != fixed[name]:
            there = options.resume or options.init_from
            given, has = f"{option_name(name)} {_shown(value)}", f"has {_shown(fixed[name])}"
            if value is True:
                given, has = option_name(name), "was trained without it"
            raise InputError(f"{given} contradicts {there}, which {has}; leave the option out")
        chosen[name] = value
    if saved and chosen["steps"] != training.steps and not chosen["steps"] > saved.step:
        raise InputError(
            f"--steps {chosen['steps']}: {options.resume} has done {saved.step:,} steps already; "
            "give more, or leave the option out"
        )
    try:
        config = Config(**{name: chosen.pop(name) for name in vars(config)})
        return config, Training(**chosen)
    except ValueError as error:
        raise bad_setting(error) from None


def _shown(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def check_files(options: Any, saved: Checkpoint | None) -> None:
    """Make sure that every file that was asked for can be written, and replaces no other."""
    source = options.data or (saved and saved.source)
    owners = {os.path.realpath(data.BUNDLED): "the bundled list"}
    if source:
        owners[os.path.realpath(source)] = "--data"
    if options.resume:
        owners[os.path.realpath(options.resume)] = "--resume"
    if options.init_from:
        owners[os.path.realpath(options.init_from)] = "--init-from"
    for name in ("checkpoint", "metrics", "plot"):
        path = getattr(options, name)
        if path is None:
            continue
        problem = why_not_writable(path)
        owner = owners.setdefault(os.path.realpath(path), option_name(name))
        saves_where_it_resumed = name == "checkpoint" and owner == "--resume"
        if not problem and owner != option_name(name) and not saves_where_it_resumed:
            problem = f"is also the file of {owner}; give another path"
        if problem:
            raise InputError(f"{option_name(name)} {path}: {problem}")
    if options.plot:
        report.check_plot(options.plot)


def check_vocabulary(path: str, run: Run) -> None:
    """Make sure that a run which starts from the weights at `path` knows all of its characters."""
    text = "".join(run.loaded)
    unknown = run.tokenizer.unknown(text)
    if not unknown:
        return
    form = form_in_which(lambda text: not run.tokenizer.unknown(text), text)
    advice = "give documents without them, or train without --init-from"
    if form:
        advice = (
            f"it has these letters in Unicode normalization form {form}: convert the data to it"
        )
    found = sum(1 for document in run.loaded if not set(unknown).isdisjoint(document))
    raise InputError(
        f"--init-from {path}: its vocabulary has no {', '.join(map(repr, unknown[:10]))}"
        f"{' ...' if len(unknown) > 10 else ''}, which {found:,} of {len(run.loaded):,} documents "
        f"have; {advice}"
    )


def check_replaced(path: str, resumed: str | None, run: Run) -> None:
    """Make sure that saving at `path` replaces no other run, which may have taken a night."""
    if not os.path.exists(path) or (resumed and os.path.samefile(path, resumed)):
        return
    import checkpoint

    try:
        there = checkpoint.load_weights(path)
        theirs = dict(vars(there.config))
        if isinstance(there, checkpoint.Checkpoint):
            theirs |= vars(stored_training(path, there)) | {"data": there.fingerprint}
    except CheckpointError:  # no run can go on from it
        return
    ours = vars(run.model.config) | vars(run.training) | {"data": data.fingerprint(run.loaded)}
    other = [name for name in ours if theirs.get(name) != ours[name]]
    # A run draws its first weights and then nothing more, unless they are those of --init-from.
    if not other and isinstance(there, checkpoint.Checkpoint) and there.rng != run.rng.getstate():
        other = ["init_from"]
    if not other:  # the same run again
        return
    what = "a model without a run"
    if isinstance(there, checkpoint.Checkpoint):
        finished = there.step >= theirs["steps"]
        what = f"{'a finished' if finished else 'an unfinished'} run of other settings "
        what += f"({', '.join(other)})"
    raise InputError(
        f"--checkpoint {path}: has {what}; give another path, or --overwrite to replace it"
    )
