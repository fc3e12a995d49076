"""How a run shows itself: progress on stderr, and if asked for, metrics and a picture of the loss.

The bar is tqdm's when that is installed, and a plain line when not. Neither appears where stderr is
not a terminal: then every tenth part of the run has a line of its own, and so has a step that comes
half a minute after the last line, so that a log shows whether the run is still alive.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from types import TracebackType

import data
from advice import CHECKOUT, install
from errors import InputError, printable
from files import write_whole
from normalization import is_mixed

from scalargrad import ENGINE

TYPE_CHECKING = False  # importing typing would only cost time
if TYPE_CHECKING:
    from typing import Any

    from run import Run

RECENT = 50  # steps that the mean loss is taken over: single steps jump about
LONGEST_SILENCE = 30.0  # seconds without a line, where there is no bar


def mean_of_recent(losses: Sequence[float]) -> float:
    recent = losses[-RECENT:]
    return math.fsum(recent) / len(recent)


def loss_text(loss: float) -> str:
    """A loss as it is shown: short, also when it is absurdly large."""
    return f"{loss:.4f}" if loss < 1e4 else f"{loss:.2e}"


def say(text: str) -> None:
    print(printable(text), file=sys.stderr, flush=True)


def note_on_data(run: Run) -> None:
    """Say what of the documents is not as it seems."""
    size = run.model.config.block_size
    longer = sum(1 for document in run.loaded if data.is_longer(document, size))
    if longer and not run.training.chunk:
        say(
            f"        {longer:,} of {len(run.loaded):,} documents are longer than {size} tokens: "
            "only their beginning is used; --block-size sees more at once, "
            "and --chunk reads them to the end"
        )
    if is_mixed("\n".join(run.loaded)):
        say(
            "        some letters are written in two ways (in Unicode normalization forms NFC and "
            "NFD), and so are different tokens; better convert the data to one of them"
        )


def how_to_be_faster() -> str | None:
    """What to do if this is the engine in plain Python, and nobody chose it."""
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    could_be = sys.implementation.name == "cpython" and sys.platform != "emscripten" and gil
    if ENGINE == "compiled" or os.environ.get("SCALARGRAD_ENGINE") or not could_be:
        return None
    again = install("--force-reinstall", CHECKOUT)
    return f"the compiled engine is many times as fast; with a C compiler you get it by {again}"


ABSURD = 10  # times the loss of a model that knows nothing


def what_is_absurd(run: Run) -> str | None:
    """What to say of a loss that is finite, and shows all the same that training diverges."""
    guessing, loss = math.log(run.tokenizer.vocab_size), run.losses[-1]
    if loss <= ABSURD * max(guessing, 1.0):
        return None
    return (
        f"the loss is {loss_text(loss)} at step {run.step:,}, and blind guessing has "
        f"{guessing:.1f}: training diverges; try a lower --lr than {run.training.lr:g}"
    )


class Progress:
    """How far training is; a context manager, so that the bar goes away whatever happens."""

    def __init__(self, done: int, steps: int) -> None:
        self.first, self.steps = done + 1, steps
        self.terminal = sys.stderr.isatty()
        self.next_line = 0.0 if self.terminal else time.monotonic() + LONGEST_SILENCE
        self.bar: Any = None
        if self.terminal:
            try:
                tqdm = importlib.import_module("tqdm")
            except ImportError:
                return
            self.bar = tqdm.tqdm(
                initial=done, total=steps, unit=" steps", dynamic_ncols=True, leave=False
            )

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exception: object) -> None:
        self._clear()
        if self.bar is not None:
            self.bar.close()

    def show(self, losses: Sequence[float]) -> None:
        """Call this after each step with the losses so far."""
        step, loss = len(losses), loss_text(losses[-1])
        due = self.bar is None and time.monotonic() >= self.next_line
        if self.bar is not None:
            self.bar.set_postfix_str(f"loss {loss}", refresh=False)
            self.bar.update()
        elif self.terminal and due:
            self.next_line = time.monotonic() + 0.1  # the eye sees no more, and writing takes time
            self._clear()
            sys.stderr.write(f"step {step:,} of {self.steps:,}   loss {loss}")
            sys.stderr.flush()
        overdue = due and not self.terminal
        if overdue or step in (self.first, self.steps) or step % max(1, self.steps // 10) == 0:
            line = f"step {step:>{len(f'{self.steps:,}')},}   loss {loss}"
            if step > 1:
                count = min(RECENT, step)
                line += f"   mean of the last {count} {loss_text(mean_of_recent(losses))}"
            self.say(line)

    def say(self, line: str) -> None:
        """Say something, above the bar if there is one."""
        if self.bar is not None:
            self.bar.write(printable(line), file=sys.stderr)
            return
        self._clear()
        say(line)
        if not self.terminal:
            self.next_line = time.monotonic() + LONGEST_SILENCE

    def _clear(self) -> None:
        if self.terminal and self.bar is None:
            sys.stderr.write("\r\033[K")


class Metrics:
    """A file of JSON lines, one per step: step, loss, lr, and the seconds that the step took.

    A resumed run goes on in the same file: what the file says of steps that the checkpoint does not
    have is dropped first, since these steps will be done again.

    A file that cannot be written stops no training; `problem` is what to say of it in the end.
    """

    def __init__(self, path: str | None, done: int) -> None:
        self.path = path
        self.kept = _lines_until(path, done) if path and done else b""
        self.file: io.TextIOWrapper | None = None
        self.problem: str | None = None

    def __enter__(self) -> Metrics:
        if self.path:
            self._try(self._open)
        return self

    def _open(self) -> None:
        assert self.path is not None
        write_whole(self.path, self.kept)
        self.file = open(self.path, "a", encoding="utf-8", buffering=1, newline="\n")  # noqa: SIM115

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.file is not None:
            self._try(self.file.close)

    def add(self, step: int, loss: float, lr: float, seconds: float) -> None:
        if self.file is not None:
            import json  # late: many runs have no metrics

            line = json.dumps({"step": step, "loss": loss, "lr": lr, "seconds": seconds})
            file = self.file
            self._try(lambda: file.write(line + "\n"))

    def _try(self, action: Callable[[], object]) -> None:
        try:
            action()
        except OSError as error:
            self.problem = f"--metrics {self.path}: cannot be written: {error.strerror}"
            file, self.file = self.file, None
            if file is not None:
                with contextlib.suppress(OSError):  # the same again
                    file.close()


def _lines_until(path: str, done: int) -> bytes:
    """The lines of a metrics file up to that step."""
    import json

    try:
        with open(path, "rb") as file:
            lines = file.readlines()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise InputError(f"--metrics {path}: cannot be read: {error.strerror}") from None
    kept = []
    for number, line in enumerate(lines, start=1):
        if number == len(lines) and not line.endswith(b"\n"):
            break  # cut off when the run was killed
        try:
            if json.loads(line)["step"] <= done:
                kept.append(line)
        except (ValueError, TypeError, KeyError, RecursionError):
            raise InputError(
                f"--metrics {path}: line {number} is not from a run of this program; "
                "give another path, or remove the file"
            ) from None
    return b"".join(kept)


def check_plot(path: str) -> str:
    """The format of the picture; InputError if it is unknown or nothing here can draw it."""
    extension = os.path.splitext(path)[1].lower()
    if extension not in (".svg", ".png"):
        raise InputError(f"--plot {path}: the name must end in .svg or .png")
    try:
        importlib.import_module("matplotlib")
    except ImportError:
        raise InputError(
            f"--plot {path}: this needs matplotlib, which is not installed: {install('matplotlib')}"
        ) from None
    return extension[1:]


def plot(path: str, losses: Sequence[float]) -> str | None:
    """Draw the loss of each step, and the mean of the last 50 to see through the noise.

    Returns what to say of a picture that cannot be written, which is no reason to end the program.
    """
    picture_format = check_plot(path)
    matplotlib = importlib.import_module("matplotlib")
    figure_module = importlib.import_module("matplotlib.figure")
    steps = range(1, len(losses) + 1)
    means = [mean_of_recent(losses[max(0, step - RECENT) : step]) for step in steps]
    with matplotlib.rc_context({"svg.hashsalt": "microgpt"}):  # the same run, the same bytes
        figure = figure_module.Figure(figsize=(8, 4.5), layout="constrained")
        axes = figure.add_subplot()
        axes.plot(steps, losses, linewidth=0.5, alpha=0.5, label="each step")
        axes.plot(steps, means, label=f"mean of the last {RECENT}")
        axes.set_xlabel("step")
        axes.set_ylabel("loss (nats per token)")
        axes.legend()
        picture = io.BytesIO()
        metadata = {"Date": None} if picture_format == "svg" else None
        figure.savefig(picture, format=picture_format, dpi=150, metadata=metadata)
    try:
        write_whole(path, picture.getvalue())
    except OSError as error:
        return f"--plot {path}: cannot be written: {error.strerror}"
    return None
