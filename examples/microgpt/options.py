"""What the commands share: reading the command line, and failing in one clear line.

Bad input gives `train.py: error: ...` on stderr and exit status 2; a run that fails later gives 1;
Ctrl-C gives 130. Samples go to stdout, one per line, and everything else to stderr. Nobody has to
read either: a run goes on without a log, and only samples that are not read any more end it.
"""

from __future__ import annotations

import argparse
import io
import math
import sys
from collections.abc import Callable, Sequence

from errors import CheckpointError, DataError, InputError, RunError, one_line
from files import as_path
from streams import Log, discard, open_closed_streams

TYPE_CHECKING = False  # importing typing would only cost time
if TYPE_CHECKING:
    from typing import NoReturn

Main = Callable[[Sequence[str] | None], int]


class OptionParser(argparse.ArgumentParser):
    """A parser that says in one line what is wrong, and what may have been meant."""

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(prog=prog, description=description, allow_abbrev=False)
        self._given: Sequence[str] = ()

    def parse_args(  # type: ignore[override]  # there is no other way to read a command line here
        self, args: Sequence[str] | None = None, namespace: None = None
    ) -> argparse.Namespace:
        self._given = sys.argv[1:] if args is None else args
        return super().parse_args(self._given, namespace)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {one_line(message + self._meant())}\n")

    def _meant(self) -> str:
        """The options that are nearest to those that were given and do not exist."""
        from difflib import get_close_matches  # late, as most command lines are right

        options = self._option_string_actions
        names = [option.lstrip("-") for option in options]
        given = [word.partition("=")[0] for word in self._given if word.startswith("--")]
        unknown = [option.lstrip("-") for option in given if option not in options]
        nearest = [f"--{name}" for x in unknown for name in get_close_matches(x, names, 1)]
        return f"; did you mean {' '.join(nearest)}?" if nearest else ""


def run_command(name: str, main: Main, arguments: Sequence[str] | None = None) -> int:
    """Run a command, turn what can go wrong into one line on stderr, and return the exit status."""
    open_closed_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):  # characters that the terminal does not know
        sys.stdout.reconfigure(errors="backslashreplace")
    stderr, log = sys.stderr, Log(sys.stderr)
    sys.stderr = log
    try:
        return _status(name, main, arguments) or int(log.lost)
    finally:
        sys.stderr = stderr


def _status(name: str, main: Main, arguments: Sequence[str] | None) -> int:
    try:
        try:
            return main(arguments)
        finally:
            sys.stdout.flush()
    except (InputError, DataError, CheckpointError) as error:
        return _fail(name, str(error), 2)
    except RunError as error:
        return _fail(name, str(error), 1)
    except MemoryError:
        return _fail(name, "the memory is not enough; use a smaller model or shorter documents", 1)
    except KeyboardInterrupt:
        print(f"{name}: interrupted", file=sys.stderr)
        return 130
    except OSError as error:
        # Errors with files that were asked for are caught where they arise: this is about stdout.
        discard(sys.stdout)
        if isinstance(error, BrokenPipeError):
            return 0  # whoever read it has seen enough, as in `--help | head`
        return _fail(name, f"cannot write {error.filename or 'the samples'}: {error.strerror}", 1)


def _fail(name: str, message: str, status: int) -> int:
    print(f"{name}: error: {one_line(message)}", file=sys.stderr)
    return status


def option_name(setting: str) -> str:
    """How a setting is written on the command line."""
    return "--" + setting.replace("_", "-")


def bad_setting(error: ValueError) -> InputError:
    """The same error in terms of the command line; its message begins with the setting's name."""
    setting, _, problem = str(error).partition(" ")
    return InputError(f"{option_name(setting)} {problem}")


# Types of options, for argparse: each turns the text into a value, or says what it should be.


def path_name(text: str) -> str:
    try:
        return as_path(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be the path of a file, got {text!r}") from None


def whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number, got {text!r}") from None


def number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number, got {text!r}") from None


def count(text: str) -> int:
    if (n := whole_number(text)) < 0:
        raise argparse.ArgumentTypeError(f"must be a whole number from 0 up, got {text!r}")
    return n


def positive(text: str) -> int:
    if (n := whole_number(text)) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 up, got {text!r}")
    return n


def non_negative(text: str) -> float:
    if not 0.0 <= (x := number(text)) < math.inf:
        raise argparse.ArgumentTypeError(f"must be a finite number from 0 up, got {text!r}")
    return x
