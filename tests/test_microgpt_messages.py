"""What examples/microgpt says of things that are easily overlooked, and how it says it.

Misspelt options, text that only looks the same, what a terminal would obey, a loss that is absurd,
a log that has gone silent, the slower engine, and a library that is not there.
"""

import io
import itertools
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import unicodedata

import pytest
from effort import long
from microgpt_support import FOLDER, TINY, call, command, environment

# isort: split
import advice
import data
import normalization
import report
from errors import printable

NAMES = "emma\nolivia\nava\nmia\nleo\nada\nliam\nnoah\nzoe\nivy\n"
RUN = ("--data", "names.txt", *TINY, "--steps", "3", "--samples", "2")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in, with a short list of names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "names.txt").write_text(NAMES)
    return tmp_path


# Options.


@pytest.mark.parametrize(
    ("program", "given", "meant"),
    [
        ("train.py", "--step 5", "--steps"),
        ("train.py", "--step=5", "--steps"),
        ("train.py", "--n_embd 8", "--n-embd"),
        ("train.py", "--learning-rate 1 --stpes 5", "--steps"),
        ("train.py", "--sede 1 --sampels 5", "--seed --samples"),
        ("sample.py", "--chekpoint run.json", "--checkpoint"),
        ("export.py", "a b --overwirte", "--overwrite"),
    ],
)
def test_a_misspelt_option_is_answered_with_the_one_that_was_meant(program, given, meant):
    result = call(program, *given.split())
    assert (result.status, result.out) == (2, "")
    assert result.err.endswith(f"; did you mean {meant}?\n")
    assert result.err.count("\n") == 1


def test_an_option_like_no_other_is_answered_without_a_guess():
    assert call("train.py", "--colour", "red").err == (
        "train.py: error: unrecognized arguments: --colour red\n"
    )


# Unicode.

COMPOSED, DECOMPOSED = "zoë\nrené\n", unicodedata.normalize("NFD", "zoë\nrené\n")


@pytest.mark.parametrize(
    ("documents", "prompt", "form"),
    [(COMPOSED, "zoe\u0308", "NFC"), (DECOMPOSED, "zo\u00eb", "NFD")],
    ids=["NFC", "NFD"],
)
def test_a_prompt_that_only_looks_like_the_data_is_told_so(folder, documents, prompt, form):
    (folder / "names.txt").write_text(documents, encoding="utf-8")
    result = call("train.py", *RUN, "--prompt", prompt)
    assert result.status == 2
    hint = f"; it has these letters in Unicode normalization form {form}: write it so\n"
    assert result.err.endswith(hint)
    assert call("train.py", *RUN, "--prompt", unicodedata.normalize(form, prompt)).status == 0


def test_a_prompt_with_other_letters_is_not(folder):
    (folder / "names.txt").write_text(COMPOSED, encoding="utf-8")
    assert "normalization" not in call("train.py", *RUN, "--prompt", "ö").err


def test_data_to_resume_that_only_looks_the_same_is_told_so(folder):
    (folder / "names.txt").write_text(COMPOSED, encoding="utf-8")
    call("train.py", *RUN, "--checkpoint", "run.json")
    (folder / "names.txt").write_text(DECOMPOSED, encoding="utf-8")
    result = call("train.py", "--resume", "run.json")
    assert result.status == 2
    assert "(the same text, but those were in Unicode normalization form NFC)" in result.err


def test_data_to_start_on_that_only_looks_known_is_told_so(folder):
    (folder / "names.txt").write_text(COMPOSED, encoding="utf-8")
    call("train.py", *RUN, "--checkpoint", "run.json")
    (folder / "names.txt").write_text(DECOMPOSED, encoding="utf-8")
    result = call("train.py", "--init-from", "run.json", "--data", "names.txt")
    assert result.status == 2
    assert "it has these letters in Unicode normalization form NFC: convert the data" in result.err


@pytest.mark.parametrize(
    ("text", "mixed"),
    [("abc", False), (COMPOSED, False), (DECOMPOSED, False), (COMPOSED + DECOMPOSED, True)],
    ids=["ASCII", "NFC", "NFD", "both"],
)
def test_data_that_writes_letters_in_two_ways_is_told_so(folder, text, mixed):
    (folder / "names.txt").write_text(text, encoding="utf-8")
    assert normalization.is_mixed(text) == mixed
    result = call("train.py", *RUN)
    assert result.status == 0
    assert ("some letters are written in two ways" in result.err) == mixed


def test_byte_order_marks_are_dropped_wherever_files_were_joined(tmp_path):
    (tmp_path / "names.txt").write_bytes(2 * "emma\nava\n\ufeff\n".encode("utf-8-sig"))
    assert data.load(str(tmp_path / "names.txt")) == ["emma", "ava", "emma", "ava"]


# What a terminal would obey.


@pytest.mark.parametrize("program", ["train.py", "sample.py"])
def test_control_characters_in_samples_are_shown(folder, program):
    (folder / "names.txt").write_text("\x1b]0;owned\x07\n" * 3)
    options = ("--data", "names.txt", "--steps", 150, "--temperature", 0, "--samples", 1)
    result = call("train.py", *options, "--checkpoint", "run.json")
    if program == "sample.py":
        options = ("--checkpoint", "run.json", "--temperature", 0, "--samples", 1)
        result = call("sample.py", *options)
    assert result.out == "\\x1b]0;owned\\x07\n"


def test_what_is_only_seen_stays_as_it_is():
    text = "c\u2019est\xa0moi\u202f! 雅\u3000美 👩\u200d🚀 \u0645\u06cc\u200c\u062e\u0648"
    assert printable(text) == text
    assert printable("a\u2028b\x85c\u202ed\ufeff") == r"a\u2028b\x85c\u202ed\ufeff"


# A loss that is absurd.


def test_an_absurd_loss_is_short_and_warned_of_once(folder):
    result = call("train.py", *RUN, "--steps", 40, "--lr", 30)
    assert result.status == 0
    warnings = [line for line in result.err.splitlines() if "training diverges" in line]
    assert len(warnings) == 1
    assert re.fullmatch(
        r"the loss is \S+ at step \d+, and blind guessing has 2\.6: training diverges; "
        r"try a lower --lr than 30",
        warnings[0],
    )


@pytest.mark.parametrize(
    ("loss", "text"),
    [(2.64971, "2.6497"), (9999.0, "9999.0000"), (12345.0, "1.23e+04"), (1.5e300, "1.50e+300")],
)
def test_a_loss_is_shown_in_few_characters(loss, text):
    assert report.loss_text(loss) == text


def test_a_loss_that_is_merely_bad_is_no_reason_to_warn(folder):
    assert "diverges" not in call("train.py", *RUN, "--steps", 40, "--lr", 0.2).err


# A log that does not fall silent.


class Clock:
    """Stands in for the clock, which goes on by itself by so many seconds a step."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now


def shown(stream, monkeypatch, seconds, steps=1000):
    """The steps of which a run of so many seconds a step says something."""
    clock = Clock()
    monkeypatch.setattr(report, "time", clock)
    monkeypatch.setattr(sys, "stderr", stream)
    with report.Progress(0, steps) as progress:
        for step in range(1, steps + 1):
            clock.now += seconds
            progress.show([3.0] * step)
    return [
        int(step.replace(",", ""))
        for step in re.findall(r"^step +([\d,]+) ", stream.getvalue(), re.MULTILINE)
    ]


def test_without_a_terminal_there_is_a_line_at_least_every_30_seconds(monkeypatch):
    steps = shown(io.StringIO(), monkeypatch, seconds=1.0, steps=900)
    assert {90 * i for i in range(1, 11)} <= set(steps)
    assert max(b - a for a, b in itertools.pairwise(steps)) == 30


def test_a_step_that_takes_longer_than_that_has_a_line_of_its_own(monkeypatch):
    assert shown(io.StringIO(), monkeypatch, seconds=45.0, steps=100) == list(range(1, 101))


def test_a_fast_run_has_no_more_lines_for_it(monkeypatch):
    assert len(shown(io.StringIO(), monkeypatch, seconds=0.001)) == 11


# The slower engine.


@pytest.fixture
def in_plain_python(monkeypatch):
    monkeypatch.setattr(report, "ENGINE", "reference")
    monkeypatch.delenv("SCALARGRAD_ENGINE", raising=False)


def test_whoever_has_no_compiled_engine_is_told_once_how_to_get_it(folder, in_plain_python):
    result = call("train.py", *RUN)
    again = shlex.join([sys.executable, "-m", "pip", "install", "--force-reinstall"])
    said = "the compiled engine is many times as fast; with a C compiler you get it by"
    assert result.err.count(f"{said} {again} {FOLDER.parents[1]}\n") == 1


def test_whoever_chose_the_slower_one_is_not(in_plain_python, monkeypatch):
    monkeypatch.setenv("SCALARGRAD_ENGINE", "reference")
    assert report.how_to_be_faster() is None


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("sys.platform", "emscripten"),
        ("sys.implementation", type(sys.implementation)(name="pypy")),
        ("sys._is_gil_enabled", lambda: False),
        ("report.ENGINE", "compiled"),
    ],
    ids=["browser", "PyPy", "free-threaded", "compiled"],
)
def test_nor_is_anybody_who_cannot_have_the_other(in_plain_python, monkeypatch, where, value):
    assert report.how_to_be_faster()
    monkeypatch.setattr(where, value, raising=False)
    assert report.how_to_be_faster() is None


# While the program is loaded.


@pytest.fixture
def without_library(tmp_path):
    """Runs a program where scalargrad is not installed, or is what a file says."""

    def started(program, source=None):
        if source is not None:
            (tmp_path / "scalargrad").mkdir()
            (tmp_path / "scalargrad" / "__init__.py").write_text(source)
        return subprocess.run(
            [sys.executable, "-S", str(FOLDER / program), "--help"],
            capture_output=True,
            text=True,
            env=environment() | {"PYTHONPATH": str(tmp_path)},
        )

    return started


@pytest.mark.parametrize("program", ["train.py", "sample.py", "export.py"])
def test_without_the_library_it_says_how_to_install_it_from_the_checkout(without_library, program):
    done = without_library(program)
    install = shlex.join([sys.executable, "-m", "pip", "install", advice.CHECKOUT])
    assert done.returncode == 1
    said = f"{program}: error: scalargrad is not installed for this Python: {install}\n"
    assert done.stderr == said
    assert (FOLDER.parents[1] / "pyproject.toml").samefile(f"{advice.CHECKOUT}/pyproject.toml")


@pytest.mark.parametrize("source", ["class Scalar: pass", "import that_is_not_there"])
def test_with_a_strangers_package_of_that_name_it_says_so(without_library, tmp_path, source):
    done = without_library("train.py", source)
    assert done.stderr.startswith(
        f"train.py: error: the scalargrad in {tmp_path / 'scalargrad'} is another package of that "
        f"name; put the right one in its place: "
    )
    assert done.stderr.count("\n") == 1


def test_an_engine_that_is_not_there_is_one_line_too(folder):
    done = subprocess.run(
        command("train.py", *RUN), capture_output=True, text=True, env=environment("fast")
    )
    assert (done.returncode, done.stderr) == (
        1,
        "train.py: error: SCALARGRAD_ENGINE must be 'compiled', 'reference' or unset, got 'fast'\n",
    )


LOADING = """
import sys
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            print("loading", flush=True)
            import time
            time.sleep(60)
sys.meta_path.insert(0, Slow())
"""


@pytest.mark.parametrize("name", ["data", "scalargrad", "scalargrad.engine", "sample"])
def test_ctrl_c_while_it_is_loaded_is_one_line(name):
    program = LOADING.format(name=name) + (
        "import runpy\n"
        f"sys.argv = [{str(FOLDER / 'train.py')!r}]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        assert process.stdout.readline() == "loading\n"
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (out, err) == ("", "train.py: interrupted\n")
    assert process.returncode == -signal.SIGINT


def test_importing_the_programs_changes_nothing_for_others():
    program = f"""
import sys
before = sys.excepthook
sys.path.insert(0, {str(FOLDER)!r})
import startup, train, sample, export
assert sys.excepthook is before
"""
    subprocess.run([sys.executable, "-c", program], check=True)


# Output that goes nowhere.


@long
@pytest.mark.parametrize("options", [RUN, ("--help",)], ids=["run", "help"])
def test_a_closed_stdout_ends_in_one_line(folder, options):
    words = shlex.join(map(os.fspath, command("train.py", *options)))
    done = subprocess.run(f"{words} >&-", shell=True, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last == "train.py: error: cannot write the samples: Bad file descriptor"
    assert "Traceback" not in done.stderr
