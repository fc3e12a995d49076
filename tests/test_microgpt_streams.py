"""examples/microgpt where its output goes nowhere, or its memory ends, or Python starts otherwise.

A run that has something to save saves it; and what goes wrong is one line.
"""

import json
import os
import subprocess
import sys

import pytest
from microgpt_support import TINY, call, command, contents, environment, metrics

# isort: split
import checkpoint
import report
import train
from errors import RunError, one_line

NAMES = "emma\nolivia\nava\nmia\nleo\nada\nliam\nnoah\nzoe\nivy\n"
RUN = ("--data", "names.txt", *TINY, "--samples", "2", "--steps", "30")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in, with a short list of names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "names.txt").write_text(NAMES)
    return tmp_path


@pytest.fixture
def whole(folder):
    """The checkpoint of the run, and what it prints."""
    result = call("train.py", *RUN, "--checkpoint", "whole.json")
    return (folder / "whole.json").read_bytes(), result.out


FULL = "/dev/full"
UNREAD = object()  # a pipe that nobody reads
CLOSED = object()


def run_with(program, *options, stdout=subprocess.PIPE, stderr=subprocess.PIPE):
    """A program with these streams: a path, an unread pipe, or none at all."""
    reader, unread = os.pipe()
    os.close(reader)
    files = [unread]
    closed = [number for number, to in ((1, stdout), (2, stderr)) if to is CLOSED]

    def opened(to):
        if isinstance(to, str):
            files.append(os.open(to, os.O_WRONLY))
            return files[-1]
        return {UNREAD: unread, CLOSED: None}.get(to, to)

    try:
        return subprocess.run(
            command(program, *options),
            stdout=opened(stdout),
            stderr=opened(stderr),
            stdin=subprocess.DEVNULL,
            text=True,
            env=environment(),
            preexec_fn=lambda: [os.close(number) for number in closed] and None,
            timeout=60,
        )
    finally:
        for file in files:
            os.close(file)


@pytest.mark.parametrize("stderr", [FULL, UNREAD, CLOSED], ids=["full", "unread", "closed"])
def test_without_a_log_the_run_trains_saves_and_prints_and_the_status_says_so(
    folder, whole, stderr
):
    done = run_with("train.py", *RUN, "--checkpoint", "run.json", stderr=stderr)
    assert done.returncode == 1
    assert ((folder / "run.json").read_bytes(), done.stdout) == whole


@pytest.mark.parametrize("to", [FULL, UNREAD, CLOSED], ids=["full", "unread", "closed"])
def test_without_log_and_samples_it_saves(folder, whole, to):
    done = run_with("train.py", *RUN, "--checkpoint", "run.json", stdout=to, stderr=to)
    assert done.returncode == 1
    assert (folder / "run.json").read_bytes() == whole[0]


def test_a_terminal_that_is_closed_stops_no_training(folder, whole):
    ours, theirs = os.openpty()
    options = ("--checkpoint", "run.json", "--save-every", 1)  # so that it has not ended yet
    with subprocess.Popen(
        command("train.py", *RUN, *options), stdout=subprocess.PIPE, stderr=theirs, text=True
    ) as process:
        os.close(theirs)
        assert os.read(ours, 4) == b"data"
        os.close(ours)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert ((folder / "run.json").read_bytes(), out) == whole


@pytest.mark.parametrize(
    ("stdout", "status", "said"),
    [
        (FULL, 1, "train.py: error: cannot write the samples: No space left on device"),
        (CLOSED, 1, "train.py: error: cannot write the samples: Bad file descriptor"),
        (UNREAD, 0, "final loss "),
    ],
    ids=["full", "closed", "unread"],
)
def test_samples_that_nobody_gets_come_after_saving(folder, whole, stdout, status, said):
    done = run_with("train.py", *RUN, "--checkpoint", "run.json", stdout=stdout)
    assert done.returncode == status
    assert done.stderr.splitlines()[-1].startswith(said)
    assert "Traceback" not in done.stderr
    assert (folder / "run.json").read_bytes() == whole[0]


@pytest.mark.parametrize("stderr", [FULL, CLOSED], ids=["full", "closed"])
@pytest.mark.parametrize(
    "arguments",
    [("train.py", "--colour"), ("train.py", "--data", "x"), ("sample.py", "--checkpoint", "x")],
    ids=" ".join,
)
def test_an_error_that_cannot_be_said_has_its_status(folder, arguments, stderr):
    done = run_with(*arguments, stderr=stderr)
    assert (done.returncode, done.stdout) == (2, "")


def test_a_closed_stream_leaves_its_number_to_no_file(folder, whole):
    done = run_with(
        *("train.py", *RUN, "--checkpoint", "run.json", "--save-every", 1, "--metrics", "m.jsonl"),
        stdout=CLOSED,
        stderr=CLOSED,
    )
    assert done.returncode == 1
    assert (folder / "run.json").read_bytes() == whole[0]
    assert [line["step"] for line in metrics(folder / "m.jsonl")] == list(range(1, 31))
    assert sorted(contents(folder)) == ["m.jsonl", "names.txt", "run.json", "whole.json"]


def test_help_that_nobody_reads_is_no_error(folder):
    done = run_with("train.py", "--help", stdout=UNREAD)
    assert (done.returncode, done.stderr) == (0, "")


class Full:
    """A file of which only the beginning fits on the disk."""

    def __init__(self, file, room):
        self.file, self.room = file, room

    def write(self, text):
        self.room -= len(text)
        if self.room < 0:
            raise OSError(28, "No space left on device")
        return self.file.write(text)

    def close(self):
        self.file.close()
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("room", [0, 200])
def test_metrics_that_do_not_fit_stop_no_training(folder, whole, monkeypatch, room):
    really_open = report.Metrics._open

    def open_full(self):
        really_open(self)
        self.file = Full(self.file, room)

    monkeypatch.setattr(report.Metrics, "_open", open_full)
    result = call("train.py", *RUN, "--checkpoint", "run.json", "--metrics", "m.jsonl")
    assert (result.status, result.out) == (1, whole[1])
    assert result.err.splitlines()[-1] == (
        "train.py: error: --metrics m.jsonl: cannot be written: No space left on device"
    )
    assert (folder / "run.json").read_bytes() == whole[0]


def fail_to_write(monkeypatch, module, name):
    """Let the disk be full for the file of that name."""
    really = module.write_whole

    def write_whole(path, contents):
        if path == name:
            raise OSError(28, "No space left on device")
        really(path, contents)

    monkeypatch.setattr(module, "write_whole", write_whole)


@pytest.mark.parametrize("option", ["--metrics", "--plot"])
def test_a_record_that_cannot_be_begun_stops_no_training(folder, whole, monkeypatch, option):
    if option == "--plot":
        pytest.importorskip("matplotlib")
    fail_to_write(monkeypatch, report, "out.svg")
    result = call("train.py", *RUN, "--checkpoint", "run.json", option, "out.svg")
    assert (result.status, result.out) == (1, whole[1])
    assert result.err.splitlines()[-1] == (
        f"train.py: error: {option} out.svg: cannot be written: No space left on device"
    )
    assert (folder / "run.json").read_bytes() == whole[0]
    assert not (folder / "out.svg").exists()


def test_a_save_along_the_way_that_fails_is_said_and_made_up_for(folder, whole, monkeypatch):
    def save(run, path):
        if run.step in (10, 20):
            raise RunError(f"--checkpoint {path}: cannot be written: No space left on device")
        really(run, path)

    really = train.save
    monkeypatch.setattr(train, "save", save)
    result = call("train.py", *RUN, "--checkpoint", "run.json", "--save-every", 10)
    assert (result.status, result.out) == (0, whole[1])
    assert result.err.count("No space left on device; going on, to save later\n") == 2
    assert (folder / "run.json").read_bytes() == whole[0]


# Memory.


@pytest.mark.parametrize("where", ["data.load", "run.new_gpt", "training.train_step"])
def test_memory_that_is_not_enough_is_one_line_with_the_rest_of_the_log(folder, monkeypatch, where):
    def too_much(*arguments):
        raise MemoryError

    monkeypatch.setattr(where, too_much)
    result = call("train.py", *RUN, "--checkpoint", "run.json")
    assert (result.status, result.out) == (1, "")
    assert result.err.splitlines()[-1] == (
        "train.py: error: the memory is not enough; use a smaller model or shorter documents"
    )
    assert not (folder / "run.json").exists()


# What an error line holds.


def test_an_error_line_is_short_however_long_an_entry_is(folder):
    entries = {"format": "microgpt checkpoint", "version": "x" * 1_000_000}
    (folder / "run.json").write_text(json.dumps(entries))
    result = call("sample.py", "--checkpoint", "run.json")
    assert result.status == 2
    assert result.err.startswith("sample.py: error: --checkpoint run.json: has version 'xxx")
    assert result.err.endswith("use the program that wrote it, or train again\n")
    assert len(result.err) < 600


@pytest.mark.parametrize("options", [("--seed", "x" * 5000), ("--" + "x" * 5000,)], ids=["a", "b"])
def test_so_it_is_for_the_options(folder, options):
    result = call("train.py", *options)
    assert (result.status, result.err.count("\n")) == (2, 1)
    assert len(result.err) < 600


def test_what_a_terminal_would_obey_is_shown_escaped():
    assert one_line("\x1b[2J\x07 a\nb\u202e\ud800 \x9b31m é🙂") == (
        r"\x1b[2J\x07 a b\u202e\ud800 \x9b31m é🙂"
    )


def test_so_it_is_in_the_log(folder):
    (folder / "a\x1b[2Jb").write_text(NAMES)
    result = call("train.py", *RUN, "--data", "a\x1b[2Jb")
    assert result.status == 0
    assert r"data    a\x1b[2Jb: 10 documents" in result.err
    assert "\x1b" not in result.err


# How Python is started.


@pytest.mark.parametrize(
    ("flags", "variables"),
    [(["-I"], {}), (["-P"], {}), ([], {"PYTHONSAFEPATH": "1"})],
    ids=["-I", "-P", "PYTHONSAFEPATH"],
)
@pytest.mark.parametrize("program", ["train.py", "sample.py"])
def test_it_finds_its_own_modules_however_python_is_started(folder, program, flags, variables):
    if "-P" in flags and sys.version_info < (3, 11):
        flags = []  # there is no such option yet
    python, *rest = command(program, "--help")
    done = subprocess.run(
        [python, *flags, *rest],
        capture_output=True,
        text=True,
        env=environment() | variables,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_was_saved_without_a_log_can_be_gone_on_with(folder, whole):
    options = ("--checkpoint", "run.json", "--stop-at", 10)
    run_with("train.py", *RUN, *options, stderr=UNREAD)
    assert checkpoint.load("run.json").step == 10
    call("train.py", "--resume", "run.json", "--checkpoint", "run.json")
    assert (folder / "run.json").read_bytes() == whole[0]
