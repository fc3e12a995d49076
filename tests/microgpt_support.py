"""How the tests run examples/microgpt: as a command of its own, or here in this process."""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parents[1] / "examples" / "microgpt"
DATA = Path(__file__).with_name("data")
sys.path.append(str(FOLDER))  # the modules of the example import each other by their bare names

# A model that trains in no time.
TINY = ("--n-embd", "8", "--n-head", "2", "--block-size", "8")


class Result(NamedTuple):
    status: int
    out: str
    err: str

    @property
    def samples(self) -> list[str]:
        return self.out.splitlines()


def environment(engine: str | None = None) -> dict[str, str]:
    return dict(os.environ) | ({"SCALARGRAD_ENGINE": engine} if engine else {})


def command(program: str, *options: object) -> list[str]:
    return [sys.executable, "-W", "error", str(FOLDER / program), *map(str, options)]


def run(program: str, *options: object, engine: str | None = None, cwd: Any = None) -> Result:
    """Run a program of the example in a process of its own."""
    done = subprocess.run(
        command(program, *options),
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment(engine),
        cwd=cwd,
        timeout=300,
    )
    return Result(done.returncode, done.stdout, done.stderr)


@contextlib.contextmanager
def start(program: str, *options: object) -> Iterator[subprocess.Popen[str]]:
    """A program that is running; it is killed in the end.

    It reacts to Ctrl-C even if this process, as a job in the background, does not.
    """
    with subprocess.Popen(
        command(program, *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def call(program: str, *options: object) -> Result:
    """Run a program in this process, where a test can replace parts of it."""
    run_command = importlib.import_module("options").run_command
    main = importlib.import_module(program.removesuffix(".py")).main
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = run_command(program, main, [str(option) for option in options])
        except SystemExit as stop:
            status = stop.code
    return Result(status, out.getvalue(), err.getvalue())


def contents(folder: Path) -> dict[str, bytes]:
    """Every file in a folder and what is in it."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"(folder)"
        for path in sorted(folder.rglob("*"))
    }


def expected(name: str) -> Any:
    return json.loads((DATA / name).read_text())


def metrics(path: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@functools.cache
def engines() -> tuple[str, ...]:
    """The engines that this installation has."""
    imported = subprocess.run(
        [sys.executable, "-c", "import scalargrad"],
        env=environment("compiled"),
        capture_output=True,
    )
    return ("reference", "compiled") if imported.returncode == 0 else ("reference",)


class FinishedRun(NamedTuple):
    result: Result
    losses: dict[int, float]
    checkpoint: bytes


@functools.cache
def finished_run(engine: str, *options: str) -> FinishedRun:
    """A run of train.py, done once for all tests that look at it."""
    with tempfile.TemporaryDirectory() as folder:
        result = run(
            "train.py",
            *options,
            "--metrics",
            "metrics.jsonl",
            "--checkpoint",
            "run.json",
            engine=engine,
            cwd=folder,
        )
        assert result.status == 0, result.err
        lines = metrics(Path(folder, "metrics.jsonl"))
        losses = {int(line["step"]): line["loss"] for line in lines}
        return FinishedRun(result, losses, Path(folder, "run.json").read_bytes())
