"""Train a GPT on documents, then let it write new ones.

    python examples/microgpt/train.py

This is the command: it reads the options, prepares a run, and shows, saves and sums up what the
loop in training.py does. `--help` lists the options.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from types import FrameType

# The files beside this one: `python -I` and `-P` do not look there by themselves.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import data
import report
from errors import CheckpointError, InputError, RunError, WorkerError
from files import why_not_writable
from gradients import GROUP
from model import Config, parameter_count
from options import (
    OptionParser,
    bad_setting,
    number,
    option_name,
    path_name,
    positive,
    run_command,
    whole_number,
)
from report import say
from run import Run, Training, new_run, resumed_run, save, stored_training
from sample import add_sampling_options, check_prompt, print_samples
from training import held_out_loss, train

from scalargrad import ENGINE

TYPE_CHECKING = False  # importing these would only cost time
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import Any

    from checkpoint import Checkpoint
    from parallel import Workers


class CtrlC:
    """Within it, the first Ctrl-C only sets `pressed`; a second one stops the program at once."""

    def __init__(self) -> None:
        self.pressed = False
        self._before: Any = None

    def __enter__(self) -> CtrlC:
        # Where the shell has Ctrl-C ignored, as for a job in the background, that stays so.
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            with contextlib.suppress(ValueError):  # outside the main thread, there is none to catch
                self._before = signal.signal(signal.SIGINT, self._press)
        return self

    def __exit__(self, *exception: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _press(self, number: int, frame: FrameType | None) -> None:
        self.pressed = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        with contextlib.suppress(OSError):  # a log that cannot be written
            # Not print: that may be the very thing that was interrupted.
            os.write(2, b"\nstopping after this step; Ctrl-C again stops at once\n")


def main(arguments: Sequence[str] | None = None) -> int:
    options = command_line().parse_args(arguments)
    run = prepare(options)
    metrics = report.Metrics(options.metrics, run.step)
    describe(run, options)

    began, first = time.perf_counter(), run.step
    until = options.stop_at or run.training.steps
    with CtrlC() as ctrl_c:
        with (
            saved_if_workers_fail(run, options.checkpoint),
            workers_for(options) as workers,
            metrics,
            report.Progress(run.step, run.training.steps) as progress,
        ):
            for step_seconds in train(run, until, workers):
                metrics.add(run.step, run.losses[-1], run.optimizer.lr, step_seconds)
                progress.show(run.losses)
                if options.save_every and run.step % options.save_every == 0:
                    try:
                        save(run, options.checkpoint)
                    except RunError as error:
                        say(f"{error}; going on, to save later")
                if ctrl_c.pressed:
                    break
        seconds = time.perf_counter() - began
        if options.checkpoint:
            save(run, options.checkpoint)

    summarize(run, run.step - first, seconds)
    problems = [metrics.problem, options.plot and report.plot(options.plot, run.losses)]
    for problem in filter(None, problems):
        say(f"train.py: error: {problem}")
    if ctrl_c.pressed or run.step < run.training.steps:
        say_how_to_resume(run, options.checkpoint)
    if ctrl_c.pressed:
        return 130
    if run.held_out:
        loss = held_out_loss(run)
        say(f"held-out loss {loss:.4f}, the mean over {_documents(len(run.held_out))}")
    print_samples(
        run.model,
        run.tokenizer,
        run.rng,
        options.samples,
        options.temperature,
        None,
        options.prompt,
    )
    return int(any(problems))


# Preparing a run. Every mistake in the options is found here, before any file is changed.


def prepare(options: Any) -> Run:
    """The run that the options ask for."""
    if options.save_every and not options.checkpoint:
        raise InputError("--save-every needs --checkpoint, the file to save to")
    saved = None
    if options.resume:
        import checkpoint  # late: many runs neither begin nor end with one

        try:
            saved = checkpoint.load(options.resume)
        except CheckpointError as error:
            raise InputError(f"--resume {error}") from None
    config, training = settings(options, saved)
    done = saved.step if saved else 0
    if options.stop_at and not done < options.stop_at <= training.steps:
        already = f", of which {done:,} are done" if saved else ""
        raise InputError(
            f"--stop-at {options.stop_at}: the run has {training.steps:,} steps{already}"
        )
    check_files(options, saved)
    if saved:
        run = resumed_run(options.resume, saved, options.data)
    else:
        run = new_run(options.data, config, training)
    check_prompt(options.prompt, run.tokenizer, config)
    return run


def settings(options: Any, saved: Checkpoint | None) -> tuple[Config, Training]:
    """The settings of a run: those on the command line, and for the rest the defaults.

    A resumed run has those of its checkpoint, and the command line must not contradict them.
    """
    config, training = Config(), Training()
    if saved:
        config, training = saved.config, stored_training(options.resume, saved)
    chosen = vars(config) | vars(training)
    for name, value in vars(options).items():
        if name not in chosen or value is None:
            continue
        value = tuple(value) if isinstance(value, list) else value
        if saved and value != chosen[name]:
            raise InputError(
                f"{option_name(name)} {_shown(value)} contradicts {options.resume}, which has "
                f"{_shown(chosen[name])}; leave the option out to go on with that run"
            )
        chosen[name] = value
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


# Who computes the gradients.


def workers_for(options: Any) -> AbstractContextManager[Workers | None]:
    """The workers that the options ask for, or nobody else than this process."""
    if not options.executor and (options.workers or 1) == 1:
        return contextlib.nullcontext()
    import parallel  # late: most runs do without

    if options.executor:
        return parallel.dask_cluster(
            options.executor.removeprefix("dask:"), options.workers, options.allow_mixed_workers
        )
    return parallel.processes(options.workers)


@contextlib.contextmanager
def saved_if_workers_fail(run: Run, path: str | None) -> Iterator[None]:
    """The steps until then are as good as ever, so they are not lost with the workers."""
    first = run.step
    try:
        yield
    except WorkerError as error:
        if not path or run.step == first:
            raise
        save(run, path)
        raise RunError(f"{error}; saved after step {run.step:,} in {path}") from None


# What stderr says before and after.


def describe(run: Run, options: Any) -> None:
    config, training = run.model.config, run.training
    documents = len(run.documents) + len(run.held_out)
    held_out = f" ({len(run.held_out):,} held out)" if run.held_out else ""
    say(
        f"data    {run.source or 'names.txt (bundled)'}: {_documents(documents)}{held_out}, "
        f"vocabulary of {run.tokenizer.vocab_size:,} tokens"
    )
    say(
        f"model   {parameter_count(run.model):,} parameters: n_layer {config.n_layer}, "
        f"n_embd {config.n_embd}, n_head {config.n_head}, block_size {config.block_size}"
    )
    say(
        f"train   {training.steps:,} steps of {_documents(training.batch_size)}, "
        f"lr {training.lr:g}, seed {training.seed}, {ENGINE} engine"
    )
    describe_workers(training, options)
    if options.resume:
        say(f"resume  {options.resume}: {run.step:,} of {training.steps:,} steps are done")
        if not options.checkpoint and run.step < training.steps:
            say("        (without --checkpoint, the steps from here on will not be saved)")


def describe_workers(training: Training, options: Any) -> None:
    if not options.executor and (options.workers or 1) == 1:
        return
    groups = -(-training.batch_size // GROUP)
    who = options.executor or f"{options.workers} processes"
    say(f"workers {who}; a batch is {groups:,} group{'' if groups == 1 else 's'} of documents")
    if groups < (options.workers or 2):
        say(
            f"        (so at most {groups} can work at once: {GROUP} documents are a group, "
            "--batch-size makes more of them)"
        )


def _documents(n: int) -> str:
    return f"{n:,} document{'' if n == 1 else 's'}"


def summarize(run: Run, steps: int, seconds: float) -> None:
    """Say how it went; `steps` are those since the start, or since it was resumed."""
    recent = min(report.RECENT, run.step)
    speed = f"; {steps:,} steps in {seconds:.2f} s, {steps / seconds:,.0f} steps/s" if steps else ""
    say(
        f"final loss {run.losses[-1]:.4f}, mean of the last {recent} steps "
        f"{report.mean_of_recent(run.losses):.4f}{speed}"
    )


def say_how_to_resume(run: Run, path: str | None) -> None:
    say(f"stopped after step {run.step:,} of {run.training.steps:,}")
    if path:
        import shlex

        script, path = shlex.quote(sys.argv[0]), shlex.quote(path)
        say(f"saved; to go on: python {script} --resume {path} --checkpoint {path}")
    else:
        say("nothing was saved; with --checkpoint PATH, a run can go on where it was stopped")


# The options. Those of the model and the training have no default here, so that a resumed run can
# tell what was asked for.


def command_line() -> OptionParser:
    parser = OptionParser("train.py", "Train a GPT on documents, then print samples of it.")
    _add_data_and_model_options(parser)
    _add_training_options(parser)
    _add_worker_options(parser)
    add_sampling_options(parser)
    _add_file_options(parser)
    return parser


def _add_data_and_model_options(parser: OptionParser) -> None:
    config = Config()
    group = parser.add_argument_group("data")
    group.add_argument(
        "--data",
        type=path_name,
        metavar="PATH|URL|makemore",
        help="text with one document per line; makemore is the list of the published run "
        "(default the bundled names.txt)",
    )
    group.add_argument(
        "--val-fraction",
        type=number,
        metavar="F",
        help="part of the documents to hold out, to see the loss on documents never trained on "
        "(default 0)",
    )
    group = parser.add_argument_group("model")
    for name, text in (
        ("n_layer", "layers, each an attention and an MLP"),
        ("n_embd", "numbers in the row that a token becomes; a multiple of --n-head"),
        ("n_head", "attention heads per layer"),
        ("block_size", "tokens that the model can see at once"),
    ):
        text += f" (default {getattr(config, name)})"
        group.add_argument(option_name(name), type=whole_number, metavar="N", help=text)


def _add_training_options(parser: OptionParser) -> None:
    training = Training()
    group = parser.add_argument_group("training")
    group.add_argument(
        "--steps",
        type=whole_number,
        metavar="N",
        help=f"steps of the whole run; the learning rate falls over them "
        f"(default {training.steps})",
    )
    group.add_argument(
        "--batch-size",
        type=whole_number,
        metavar="N",
        help=f"documents per step (default {training.batch_size})",
    )
    group.add_argument(
        "--lr", type=number, help=f"learning rate of the first step (default {training.lr:g})"
    )
    group.add_argument(
        "--betas",
        type=number,
        nargs=2,
        metavar=("B1", "B2"),
        help="how slowly Adam's two averages forget (default {:g} {:g})".format(*training.betas),
    )
    group.add_argument(
        "--seed",
        type=whole_number,
        metavar="N",
        help=f"for all random draws (default {training.seed})",
    )


def _add_worker_options(parser: OptionParser) -> None:
    group = parser.add_argument_group(
        "workers", f"The gradients of a batch of more than {GROUP} documents can be shared out."
    )
    group.add_argument(
        "--workers",
        type=positive,
        metavar="K",
        help="processes that compute them (default 1, or all threads of --executor)",
    )
    group.add_argument(
        "--executor",
        type=executor_name,
        metavar="dask:ADDRESS",
        help="the Dask cluster that has them, instead of this machine (needs distributed)",
    )
    group.add_argument(
        "--allow-mixed-workers",
        action="store_true",
        help="go on even if some workers may compute other last bits than this process",
    )


def executor_name(text: str) -> str:
    if not text.removeprefix("dask:") or not text.startswith("dask:"):
        raise argparse.ArgumentTypeError(
            f"must be dask:ADDRESS, such as dask:tcp://127.0.0.1:8786, got {text!r}"
        )
    return text


def _add_file_options(parser: OptionParser) -> None:
    group = parser.add_argument_group("stopping and going on")
    group.add_argument(
        "--checkpoint",
        type=path_name,
        metavar="PATH",
        help="save the run there, when it ends or Ctrl-C stops it",
    )
    group.add_argument(
        "--save-every", type=positive, metavar="N", help="and also after every N steps"
    )
    group.add_argument(
        "--resume",
        type=path_name,
        metavar="PATH",
        help="go on with a saved run; the options above for data, model and training are its own",
    )
    group.add_argument(
        "--stop-at",
        type=positive,
        metavar="STEP",
        help="stop after this step of --steps, to go on later",
    )
    group = parser.add_argument_group("records")
    group.add_argument(
        "--metrics",
        type=path_name,
        metavar="FILE.jsonl",
        help="one line per step: step, loss, lr, seconds",
    )
    group.add_argument(
        "--plot",
        type=path_name,
        metavar="FILE.svg|png",
        help="a picture of the loss (needs matplotlib)",
    )


if __name__ == "__main__":
    sys.exit(run_command("train.py", main))
