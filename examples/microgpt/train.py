"""Train a GPT on documents, then let it write new ones.

    python examples/microgpt/train.py

This is the command: it prepares the run that the options ask for, and shows, saves and sums up what
the loop in training.py does. `--help` lists the options.
"""

from __future__ import annotations

import os
import sys

# The files beside this one: `python -I` and `-P` do not look there by themselves.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
if __name__ == "__main__":
    import startup

    startup.errors_in_one_line()  # before the rest is loaded, which takes a moment

import contextlib
import signal
import time
from collections.abc import Iterator, Sequence
from types import FrameType

import report
from advice import python
from command_line import command_line
from errors import RunError, WorkerError
from gradients import GROUP
from model import Config, parameter_count
from options import option_name, run_command
from preparing import prepare
from report import loss_text, say
from run import Run, Training, save
from sample import print_samples
from training import held_out_loss, learning_rate, train

from scalargrad import ENGINE

TYPE_CHECKING = False  # importing these would only cost time
if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import Any

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
    warned = False
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
                if not warned and (warning := report.what_is_absurd(run)):
                    progress.say(warning)
                    warned = True
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
        say_how_to_resume(run, options)
    if ctrl_c.pressed:
        return 130
    if run.held_out:
        loss = held_out_loss(run)
        what = _examples(len(run.held_out), run.training)
        say(f"held-out loss {loss_text(loss)}, the mean over {what}")
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


# Who computes the gradients.


def works_alone(options: Any) -> bool:
    return not options.executor and (options.workers or 1) == 1


def workers_for(options: Any) -> AbstractContextManager[Workers | None]:
    """The workers that the options ask for, or nobody else than this process."""
    if works_alone(options):
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
    held_out = f" ({len(run.held_out):,} held out)" if run.held_out else ""
    windows = f" in {len(run.documents) + len(run.held_out):,} windows" if training.chunk else ""
    say(
        f"data    {run.source or 'names.txt (bundled)'}: "
        f"{_documents(len(run.loaded))}{windows}{held_out}, "
        f"vocabulary of {run.tokenizer.vocab_size:,} tokens"
    )
    if not options.resume:
        report.note_on_data(run)
    if options.init_from:
        say(f"init    from the weights of {options.init_from}")
    say(
        f"model   {parameter_count(run.model):,} parameters: n_layer {config.n_layer}, "
        f"n_embd {config.n_embd}, n_head {config.n_head}, block_size {config.block_size}"
    )
    say(
        f"train   {training.steps:,} steps of {_examples(training.batch_size, training)}, "
        f"lr {training.lr:g}, seed {training.seed}, {ENGINE} engine"
    )
    if advice := report.how_to_be_faster():
        say(f"        {advice}")
    describe_workers(training, options)
    if options.resume:
        say(f"resume  {options.resume}: {run.step:,} of {training.steps:,} steps are done")
        if run.step == training.steps:
            say("        (to go on for longer, give more --steps)")
        elif options.steps is not None and run.step:
            rate = learning_rate(training, run.step)
            say(f"        the learning rate goes on at {rate:g}, and falls to 0 over the rest")
        if not options.checkpoint and run.step < training.steps:
            say("        (without --checkpoint, the steps from here on will not be saved)")


def describe_workers(training: Training, options: Any) -> None:
    if works_alone(options):
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


def _examples(n: int, training: Training) -> str:
    """So many of what a step reads."""
    return f"{n:,} window{'' if n == 1 else 's'}" if training.chunk else _documents(n)


def summarize(run: Run, steps: int, seconds: float) -> None:
    """Say how it went; `steps` are those since the start, or since it was resumed."""
    recent = min(report.RECENT, run.step)
    speed = f"; {steps:,} steps in {seconds:.2f} s, {steps / seconds:,.0f} steps/s" if steps else ""
    say(
        f"final loss {loss_text(run.losses[-1])}, mean of the last {recent} steps "
        f"{loss_text(report.mean_of_recent(run.losses))}{speed}"
    )


def say_how_to_resume(run: Run, options: Any) -> None:
    say(f"stopped after step {run.step:,} of {run.training.steps:,}")
    if options.checkpoint:
        say(f"saved; to go on: {command_to_resume(options)}")
    else:
        say("nothing was saved; with --checkpoint PATH, a run can go on where it was stopped")


# What a checkpoint has, and what was about this part of the run alone.
NOT_REPEATED = {*vars(Config()), *vars(Training()), "data", "resume", "init_from", "stop_at"}
NOT_REPEATED |= {"checkpoint", "overwrite"}


def command_to_resume(options: Any) -> str:
    """The command that goes on with the run, and shows and saves it as this one did."""
    path, parser = options.checkpoint, command_line()
    words = [*_words("resume", path), *_words("checkpoint", path)]
    for name, value in vars(options).items():
        if name not in NOT_REPEATED and value != parser.get_default(name):
            words += _words(name, value)
    return python(os.path.abspath(__file__), *words)


def _words(name: str, value: Any) -> list[str]:
    """An option as it is given."""
    option, text = option_name(name), str(value)
    if value is True:
        return [option]
    return [f"{option}={text}"] if text.startswith("-") else [option, text]


if __name__ == "__main__":
    sys.exit(run_command("train.py", main))
