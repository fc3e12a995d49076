"""examples/microgpt/train.py as a command."""

import io
import json
import math
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import time
import types
from concurrent.futures import ThreadPoolExecutor

import pytest
from effort import long
from microgpt_support import (
    FOLDER,
    TINY,
    call,
    command,
    contents,
    engines,
    environment,
    finished_run,
    metrics,
    run,
    start,
)

# isort: split
import checkpoint
import report
import train
import training
from model import Config, document_loss
from run import Training, new_run

NAMES = "emma\nolivia\nava\nmia\nleo\nada\nliam\nnoah\nzoe\nivy\n"
SHORT = ("--data", "names.txt", *TINY, "--samples", "2")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in, with a short list of names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "names.txt").write_text(NAMES)
    return tmp_path


def assert_refused(result, *said, program="train.py", status=2):
    """One clear line on stderr, nothing on stdout, and that exit status."""
    assert result.status == status, result.err
    assert result.out == ""
    assert result.err.startswith(f"{program}: error: ")
    assert result.err.endswith("\n")
    assert result.err.count("\n") == 1
    for text in said:
        assert text in result.err


# The default job.


@pytest.fixture
def default_run():
    return finished_run(engines()[-1])


def test_stdout_has_20_samples_and_nothing_else(default_run):
    assert len(default_run.result.samples) == 20
    assert all(re.fullmatch("[a-z]{1,16}", sample) for sample in default_run.result.samples)


def test_stderr_says_what_is_trained_on_what_with_which_engine(default_run):
    said = default_run.result.err
    assert "names.txt (bundled): 32,257 documents, vocabulary of 27 tokens" in said
    assert "4,192 parameters: n_layer 1, n_embd 16, n_head 4, block_size 16" in said
    assert f"1,000 steps of 1 document, lr 0.01, seed 42, {engines()[-1]} engine" in said


def test_stderr_shows_the_loss_along_the_way(default_run):
    assert "step     1   loss 3.4639\n" in default_run.result.err
    assert "step   500   loss 3.0015   mean of the last 50 " in default_run.result.err


def test_the_summary_has_final_loss_recent_mean_seconds_and_speed(default_run):
    losses = list(default_run.losses.values())
    last = default_run.result.err.splitlines()[-1]
    final, recent, seconds, speed = re.fullmatch(
        r"final loss (\S+), mean of the last 50 steps (\S+); "
        r"1,000 steps in (\S+) s, (\S+) steps/s",
        last,
    ).groups()
    assert final == f"{losses[-1]:.4f}"
    assert recent == f"{sum(losses[-50:]) / 50:.4f}"
    assert float(speed.replace(",", "")) == pytest.approx(1000 / float(seconds), rel=0.05)


def test_no_file_is_written_that_was_not_asked_for(folder):
    before = contents(folder)
    example = contents(FOLDER)
    assert call("train.py", *SHORT, "--steps", 3).status == 0
    assert contents(folder) == before
    assert {name for name in contents(FOLDER) if "__pycache__" not in name} == {
        name for name in example if "__pycache__" not in name
    }


# Options.


def test_the_defaults_are_those_of_the_published_run():
    assert Config() == Config(n_layer=1, n_embd=16, n_head=4, block_size=16)
    assert Training() == Training(
        steps=1000,
        batch_size=1,
        lr=0.01,
        betas=(0.85, 0.99),
        seed=42,
        val_fraction=0.0,
        chunk=False,
    )
    options = train.command_line().parse_args([])
    assert (options.samples, options.temperature, options.prompt) == (20, 0.5, "")


def test_every_option_stands_in_the_help_and_in_the_readme():
    asked = run("train.py", "--help")
    assert (asked.status, asked.err) == (0, "")
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    options = re.findall(r"^  (--[a-z-]+)", asked.out, re.MULTILINE)
    assert {
        *("--data", "--val-fraction", "--chunk"),
        *("--n-layer", "--n-embd", "--n-head", "--block-size"),
        *("--steps", "--batch-size", "--lr", "--betas", "--seed"),
        *("--workers", "--executor", "--allow-mixed-workers"),
        *("--samples", "--temperature", "--prompt"),
        *("--checkpoint", "--save-every", "--overwrite", "--resume", "--init-from", "--stop-at"),
        *("--metrics", "--plot"),
    } == set(options)
    for option in options:
        assert re.search(f"^[|] `{option}[ `]", readme, re.MULTILINE), option


def test_the_learning_rate_falls_linearly_from_lr(folder):
    call("train.py", *SHORT, "--steps", 4, "--lr", 0.2, "--metrics", "m.jsonl")
    assert [line["lr"] for line in metrics(folder / "m.jsonl")] == pytest.approx(
        [0.2, 0.15, 0.1, 0.05], rel=1e-15
    )


def test_a_batch_takes_the_next_documents_of_the_shuffled_list_and_starts_over(folder, monkeypatch):
    batches = []
    monkeypatch.setattr(
        training, "train_step", lambda model, adam, batch, workers: batches.append(batch) or 1.0
    )
    call("train.py", *SHORT, "--steps", 3, "--batch-size", 4, "--samples", 0)
    started = new_run("names.txt", Config(), Training())
    shuffled = NAMES.split()
    random.Random(42).shuffle(shuffled)
    order = [*shuffled, *shuffled][:12]
    assert started.documents == shuffled
    assert [started.tokenizer.decode(t[1:-1]) for batch in batches for t in batch] == order
    assert [len(batch) for batch in batches] == [4, 4, 4]


def test_a_batch_of_two_has_the_mean_loss_of_its_documents(folder):
    call("train.py", "--data", "names.txt", "--steps", 1, "--batch-size", 2, "--metrics", "m.jsonl")
    started = new_run("names.txt", Config(), Training())
    losses = [
        document_loss(started.model, started.tokenizer.document(name)).data
        for name in started.documents[:2]
    ]
    assert metrics(folder / "m.jsonl")[0]["loss"] == pytest.approx(sum(losses) / 2, rel=1e-14)


def test_it_loads_nothing_that_it_does_not_use(folder):
    # Each of these takes longer to load than the whole example.
    unused = "urllib.request http.client email dataclasses inspect typing"
    unused += " hashlib json pathlib checkpoint scalargrad.graph scalargrad.derivatives"
    program = f"""
import argparse, sys
argparse.ArgumentParser().add_argument("--x")  # which loads dataclasses since Python 3.14
before = set(sys.modules)
sys.path.insert(0, {str(FOLDER)!r})
import train
assert train.main(["--steps", "1", "--samples", "1"]) == 0
print(sorted(set({unused.split()}) & set(sys.modules) - before))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done


@pytest.mark.parametrize(
    "options",
    [
        ("--lr", 0.02),
        ("--betas", 0.5, 0.9),
        ("--seed", 7),
        ("--n-layer", 2),
        ("--n-embd", 12),
        ("--n-head", 1),
        ("--block-size", 2),
        ("--batch-size", 2),
        ("--steps", 4),
    ],
    ids=lambda options: options[0],
)
def test_every_setting_makes_a_difference(folder, options):
    losses = []
    for extra in ((), options):
        call("train.py", *SHORT, "--steps", 5, *extra, "--metrics", "m.jsonl")
        losses.append(metrics(folder / "m.jsonl")[-1]["loss"])
    assert losses[0] != losses[1]


def test_the_same_command_gives_the_same_bytes(folder):
    for name in ("a.json", "b.json"):
        call("train.py", *SHORT, "--steps", 5, "--checkpoint", name)
    assert (folder / "a.json").read_bytes() == (folder / "b.json").read_bytes()


def test_documents_longer_than_the_block_are_truncated(folder):
    (folder / "long.txt").write_text("abcabcabc\n")
    (folder / "short.txt").write_text("abc\n")
    losses = []
    for name in ("long.txt", "short.txt"):
        call("train.py", "--data", name, "--block-size", 3, "--steps", 3, "--metrics", "m.jsonl")
        losses.append([line["loss"] for line in metrics(folder / "m.jsonl")])
    assert losses[0] == losses[1]


def test_every_sample_begins_with_the_prompt(folder):
    result = call("train.py", *SHORT, "--steps", 3, "--samples", 5, "--prompt", "li")
    assert len(result.samples) == 5
    assert all(sample.startswith("li") for sample in result.samples)


def test_samples_at_temperature_0_are_all_the_same(folder):
    result = call("train.py", *SHORT, "--steps", 3, "--samples", 4, "--temperature", 0)
    assert len(result.samples) == 4
    assert len(set(result.samples)) == 1


def test_no_samples_means_an_empty_stdout(folder):
    result = call("train.py", *SHORT, "--steps", 3, "--samples", 0)
    assert (result.status, result.out) == (0, "")


# Held-out documents.


def test_held_out_documents_are_never_trained_on(folder, monkeypatch):
    seen = set()
    monkeypatch.setattr(
        training,
        "train_step",
        lambda model, adam, batch, workers: seen.update(map(tuple, batch)) or 1.0,
    )
    call("train.py", *SHORT, "--steps", 30, "--val-fraction", 0.3)
    started = new_run("names.txt", Config(), Training(val_fraction=0.3))
    assert len(started.held_out) == 3
    encode = started.tokenizer.document
    assert seen == {tuple(encode(name)) for name in started.documents}
    assert not seen & {tuple(encode(name)) for name in started.held_out}


def test_the_held_out_loss_is_reported_at_the_end(folder):
    options = ("--steps", 3, "--val-fraction", 0.3, "--checkpoint", "run.json")
    result = call("train.py", "--data", "names.txt", *options)
    trained = checkpoint.load("run.json")
    shuffled = NAMES.split()
    random.Random(42).shuffle(shuffled)
    losses = [
        document_loss(trained.model(), trained.tokenizer.document(name)).data
        for name in shuffled[-3:]
    ]
    mean = sum(losses) / 3
    assert f"held-out loss {mean:.4f}, the mean over 3 documents\n" in result.err


def test_holding_out_records_no_graph_and_moves_no_weight(folder):
    options = ("--steps", 3, "--val-fraction", 0.3)
    held = call("train.py", *SHORT, *options, "--checkpoint", "a.json")
    again = call("train.py", "--resume", "a.json", "--samples", 2, "--checkpoint", "b.json")
    assert held.samples == again.samples
    assert (folder / "a.json").read_bytes() == (folder / "b.json").read_bytes()


# Metrics, picture, progress.


def test_metrics_has_one_object_per_step(folder):
    call("train.py", *SHORT, "--steps", 5, "--metrics", "m.jsonl")
    lines = metrics(folder / "m.jsonl")
    assert [list(line) for line in lines] == [["step", "loss", "lr", "seconds"]] * 5
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5]
    assert all(0 < line["seconds"] < 10 for line in lines)


def test_metrics_has_the_loss_in_full_precision(folder):
    call("train.py", *SHORT, "--steps", 5, "--metrics", "m.jsonl", "--checkpoint", "run.json")
    losses = [line["loss"] for line in metrics(folder / "m.jsonl")]
    assert losses == checkpoint.load("run.json").losses


def test_a_new_run_replaces_the_metrics_of_an_old_one(folder):
    for steps in (5, 3):
        call("train.py", *SHORT, "--steps", steps, "--metrics", "m.jsonl")
    assert len(metrics(folder / "m.jsonl")) == 3


@pytest.fixture
def matplotlib(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path_factory.mktemp("matplotlib")))
    return pytest.importorskip("matplotlib")


@pytest.mark.parametrize(
    ("name", "begins_with"),
    [("loss.svg", b"<?xml"), ("loss.png", b"\x89PNG"), ("LOSS.PNG", b"\x89PNG")],
)
def test_plot_draws_the_loss(folder, matplotlib, name, begins_with):
    assert call("train.py", *SHORT, "--steps", 3, "--plot", name).status == 0
    assert (folder / name).read_bytes().startswith(begins_with)


def test_the_same_run_draws_the_same_picture(folder, matplotlib):
    for name in ("a.svg", "b.svg"):
        call("train.py", *SHORT, "--steps", 3, "--plot", name)
    assert (folder / "a.svg").read_bytes() == (folder / "b.svg").read_bytes()


def test_without_matplotlib_plot_says_how_to_install_it(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    before = contents(folder)
    result = call("train.py", *SHORT, "--plot", "loss.svg")
    assert_refused(result, "--plot loss.svg: this needs matplotlib", "pip install matplotlib")
    assert contents(folder) == before


class Terminal(io.StringIO):
    def isatty(self):
        return True


def progress_on(stream, monkeypatch, steps=5):
    monkeypatch.setattr(sys, "stderr", stream)
    with report.Progress(0, steps) as progress:
        for step in range(1, steps + 1):
            progress.show([3.0] * step)
    return stream.getvalue()


def test_on_a_terminal_tqdm_shows_a_bar(monkeypatch):
    pytest.importorskip("tqdm")
    assert "5/5 [" in progress_on(Terminal(), monkeypatch)


def test_on_a_terminal_without_tqdm_there_is_a_plain_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert "step 1 of 5   loss 3.0000" in progress_on(Terminal(), monkeypatch)


def test_elsewhere_there_are_only_whole_lines(monkeypatch):
    shown = progress_on(io.StringIO(), monkeypatch)
    assert "\r" not in shown
    assert shown.splitlines()[0] == "step 1   loss 3.0000"
    assert len(shown.splitlines()) == 5


def test_a_long_run_is_shown_in_about_ten_lines(monkeypatch):
    assert len(progress_on(io.StringIO(), monkeypatch, steps=237).splitlines()) in range(10, 13)


def test_the_bar_goes_away_before_an_error_is_said(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", types.SimpleNamespace(tqdm=Bar))
    monkeypatch.setattr(sys, "stderr", Terminal())
    with pytest.raises(ZeroDivisionError), report.Progress(0, 5):
        raise ZeroDivisionError
    assert Bar.closed


class Bar:
    closed = False

    def __init__(self, **options):
        pass

    def close(self):
        Bar.closed = True


# Bad input: one line, status 2, and no file changed.

BAD_INPUT = [
    ("--data missing.txt", "--data missing.txt: no such file"),
    ("--data empty.txt", "--data empty.txt: no documents in it"),
    ("--data latin1.txt", "--data latin1.txt: not UTF-8 text"),
    ("--data folder", "--data folder: is a directory"),
    ("--data http://127.0.0.1:9/names.txt", "download failed: [Errno 111] Connection refused"),
    ("--n-embd 10", "--n-embd must be a multiple of n_head, which is 4"),
    ("--n-embd 0", "--n-embd must be a whole number from 1 up, got 0"),
    ("--n-head -1", "--n-head must be a whole number from 1 up, got -1"),
    ("--n-layer 0", "--n-layer must be a whole number from 1 up, got 0"),
    ("--block-size 0", "--block-size must be a whole number from 1 up, got 0"),
    ("--block-size x", "argument --block-size: must be a whole number, got 'x'"),
    ("--n-embd 100000 --n-head 1", "a GPT of these sizes has more than 100,000,000 parameters"),
    ("--block-size 10000000", "a GPT of these sizes has more than 100,000,000 parameters"),
    ("--n-embd 2048 --n-layer 3", "a GPT of these sizes has more than 100,000,000 parameters"),
    ("--n-layer 1000000000000", "a GPT of these sizes has more than 100,000,000 parameters"),
    (f"--n-embd {4 * 10**4000}", "a GPT of these sizes has more than 100,000,000 parameters"),
    ("--batch-size 100000000", "--batch-size must be at most 1,000,000, got 100,000,000"),
    (f"--steps {10**4000}", "--steps must be at most 1,000,000,000,000, got 1"),
    ("--steps 0", "--steps must be a whole number from 1 up, got 0"),
    ("--steps -5", "--steps must be a whole number from 1 up, got -5"),
    ("--steps 1.5", "argument --steps: must be a whole number, got '1.5'"),
    ("--batch-size 0", "--batch-size must be a whole number from 1 up, got 0"),
    ("--lr nan", "--lr must be a finite number from 0 up, got nan"),
    ("--lr inf", "--lr must be a finite number from 0 up, got inf"),
    ("--lr -0.1", "--lr must be a finite number from 0 up, got -0.1"),
    ("--lr fast", "argument --lr: must be a number, got 'fast'"),
    ("--betas 0.9 1.0", "--betas must be two numbers from 0 to below 1, got (0.9, 1.0)"),
    ("--betas nan 0.9", "--betas must be two numbers from 0 to below 1, got (nan, 0.9)"),
    ("--betas 0.9", "argument --betas: expected 2 arguments"),
    ("--seed x", "argument --seed: must be a whole number, got 'x'"),
    ("--val-fraction 1", "--val-fraction must be a number from 0 to below 1, got 1.0"),
    ("--val-fraction -0.1", "--val-fraction must be a number from 0 to below 1, got -0.1"),
    ("--val-fraction nan", "--val-fraction must be a number from 0 to below 1, got nan"),
    ("--val-fraction 0.01", "--val-fraction 0.01: of 10 documents that holds out 0"),
    ("--temperature -1", "argument --temperature: must be a finite number from 0 up, got '-1'"),
    ("--temperature nan", "argument --temperature: must be a finite number from 0 up, got 'nan'"),
    ("--temperature inf", "argument --temperature: must be a finite number from 0 up, got 'inf'"),
    ("--samples -1", "argument --samples: must be a whole number from 0 up, got '-1'"),
    ("--prompt emMa", "--prompt 'emMa': 'M' not in the vocabulary, which is 'adehilmnoviyz"),
    ("--prompt emmaemmaemmaemma", "16 characters are too long for a context of 16 tokens"),
    ("--checkpoint folder", "--checkpoint folder: is a directory"),
    ("--checkpoint nowhere/run.json", "--checkpoint nowhere/run.json: there is no folder"),
    ("--checkpoint names.txt/run.json", "--checkpoint names.txt/run.json: there is no folder"),
    ("--checkpoint /dev/null", "--checkpoint /dev/null: is not a regular file"),
    (f"--checkpoint {'n' * 250}", f"--checkpoint {'n' * 250}: cannot create "),
    (f"--metrics {'n' * 250}", "tmp beside it: File name too long"),
    (f"--plot {'n' * 246}.svg", "tmp beside it: File name too long"),
    ("--checkpoint /proc/x", "tmp beside it: No such file or directory"),
    ("--checkpoint names.txt", "--checkpoint names.txt: is also the file of --data"),
    ("--metrics folder", "--metrics folder: is a directory"),
    ("--metrics nowhere/m.jsonl", "--metrics nowhere/m.jsonl: there is no folder"),
    ("--metrics a --checkpoint ./a", "--metrics a: is also the file of --checkpoint"),
    ("--plot folder", "--plot folder: is a directory"),
    ("--plot nowhere/loss.svg", "--plot nowhere/loss.svg: there is no folder"),
    ("--plot loss.pdf", "--plot loss.pdf: the name must end in .svg or .png"),
    ("--save-every 5", "--save-every needs --checkpoint"),
    ("--save-every 0 --checkpoint a", "argument --save-every: must be a whole number from 1 up"),
    ("--stop-at 0", "argument --stop-at: must be a whole number from 1 up, got '0'"),
    ("--stop-at 1001", "--stop-at 1001: the run has 1,000 steps"),
    ("--colour red", "unrecognized arguments: --colour red"),
    ("--step 5", "unrecognized arguments: --step 5"),
    ("--steps", "argument --steps: expected one argument"),
]


@pytest.fixture
def no_training(monkeypatch):
    """Errors must come before the first step."""

    def trained(*arguments):
        raise AssertionError("training began")

    monkeypatch.setattr(train, "train", trained)


@pytest.fixture
def odd_files(folder):
    (folder / "empty.txt").touch()
    (folder / "latin1.txt").write_bytes(b"zo\xeb\n")
    (folder / "folder").mkdir()
    return folder


@pytest.mark.parametrize(
    ("options", "said"), BAD_INPUT, ids=[options[:60] for options, _ in BAD_INPUT]
)
def test_bad_input_gives_one_line_and_changes_no_file(
    odd_files, no_training, monkeypatch, options, said
):
    monkeypatch.setenv("no_proxy", "*")
    if "vocabulary" in said:
        said = said.partition("'adeh")[0]
    before = contents(odd_files)
    given = options.split()
    data = () if "--data" in given else ("--data", "names.txt")
    assert_refused(call("train.py", *data, *given), said)
    assert contents(odd_files) == before


def test_the_bundled_list_cannot_be_overwritten(no_training):
    result = call("train.py", "--checkpoint", FOLDER / "names.txt")
    assert_refused(result, "is also the file of the bundled list")


@pytest.fixture
def locked(folder, monkeypatch):
    """Whatever has "locked" in its name is not writable, for root neither."""
    may = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: "locked" not in path and may(path, mode))
    return folder


@pytest.mark.parametrize("option", ["--checkpoint", "--metrics", "--plot"])
def test_a_folder_that_is_not_writable_is_noticed_at_once(locked, no_training, option):
    (locked / "locked").mkdir()
    result = call("train.py", "--data", "names.txt", option, "locked/loss.svg")
    assert_refused(result, f"{option} locked/loss.svg: the folder ", "is not writable")
    assert contents(locked / "locked") == {}


@pytest.mark.parametrize("option", ["--checkpoint", "--metrics", "--plot"])
def test_a_file_that_is_not_writable_is_noticed_at_once(locked, no_training, option):
    (locked / "locked.svg").write_text("precious")
    before = contents(locked)
    result = call("train.py", "--data", "names.txt", option, "locked.svg")
    assert_refused(result, f"{option} locked.svg: is not writable")
    assert contents(locked) == before


def test_no_traceback_from_a_real_process_either(folder):
    result = run("train.py", "--data", "missing.txt", cwd=folder)
    assert_refused(result, "--data missing.txt: no such file; give a text file")


# A run that fails later: status 1.


def test_training_that_diverges_ends_with_one_line_and_saves_nothing(folder):
    (folder / "run.json").write_text("the last good one")
    options = ("--lr", "1e300", "--steps", 50, "--checkpoint", "run.json")
    result = call("train.py", *SHORT, *options)
    assert result.status == 1
    assert result.out == ""
    last = result.err.splitlines()[-1]
    assert re.fullmatch(
        r"train.py: error: the loss is (nan|inf) at step \d+: training diverged; "
        r"try a lower --lr than 1e\+300 \(it began where .* is (nan|-?inf): .*\)",
        last,
    )
    assert (folder / "run.json").read_text() == "the last good one"


@pytest.mark.parametrize("option", ["--checkpoint", "--metrics"])
def test_a_full_disk_ends_the_run_with_one_line_and_the_old_file(folder, monkeypatch, option):
    (folder / "out").write_text("the last good one")

    def no_space(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    result = call("train.py", *SHORT, "--steps", 2, option, "out")
    assert result.status == 1
    assert result.err.splitlines()[-1] == (
        f"train.py: error: {option} out: cannot be written: No space left on device"
    )
    assert (folder / "out").read_text() == "the last good one"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
def test_samples_that_cannot_be_written_end_the_run_with_one_line(folder):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command("train.py", *SHORT, "--steps", 2),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "train.py: error: cannot write the samples: No space left on device"
    )


def test_a_reader_that_has_seen_enough_is_no_error(folder):
    with start("train.py", *SHORT, "--steps", 2, "--samples", 100_000) as process:
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
        process.wait()
    assert process.returncode == 0
    assert "Error" not in said
    assert "Traceback" not in said


def test_a_terminal_that_lacks_a_character_still_gets_its_samples(folder):
    (folder / "unicode.txt").write_text("ëë\n", encoding="utf-8")
    done = subprocess.run(
        command("train.py", "--data", "unicode.txt", *TINY, "--steps", 30, "--temperature", 0),
        capture_output=True,
        env=environment() | {"PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == b"\\xeb\\xeb"


# Stopping and going on.


def test_500_steps_and_500_resumed_are_bit_for_bit_1000(tmp_path):
    whole = finished_run(engines()[-1])
    options = ("--checkpoint", "run.json", "--metrics", "metrics.jsonl")
    first = run("train.py", *options, "--stop-at", 500, engine=engines()[-1], cwd=tmp_path)
    second = run("train.py", *options, "--resume", "run.json", engine=engines()[-1], cwd=tmp_path)
    assert (first.status, second.status) == (0, 0)
    assert (tmp_path / "run.json").read_bytes() == whole.checkpoint
    assert second.samples == whole.result.samples
    lines = metrics(tmp_path / "metrics.jsonl")
    assert [(line["step"], line["loss"]) for line in lines] == list(whole.losses.items())


RESUMABLE = (
    *SHORT,
    "--steps",
    "12",
    "--n-layer",
    "2",
    "--batch-size",
    "3",
    "--val-fraction",
    "0.2",
)


@pytest.fixture(scope="module")
def files_of_a_stopped_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stopped")
    (folder / "names.txt").write_text(NAMES)
    options = ("--checkpoint", "run.json", "--metrics", "m.jsonl", "--stop-at", 5)
    assert run("train.py", *RESUMABLE, *options, cwd=folder).status == 0
    assert run("train.py", *RESUMABLE, "--checkpoint", "whole.json", cwd=folder).status == 0
    return contents(folder)


@pytest.fixture
def stopped(folder, files_of_a_stopped_run):
    """A run that stopped at step 5 of 12, saved in run.json; and one that did not, whole.json."""
    for name, content in files_of_a_stopped_run.items():
        (folder / name).write_bytes(content)
    return folder


def test_a_resumed_run_has_the_options_of_the_checkpoint(stopped):
    call("train.py", "--resume", "run.json", "--checkpoint", "run.json", "--samples", 0)
    assert (stopped / "run.json").read_bytes() == (stopped / "whole.json").read_bytes()


def test_options_may_be_repeated_when_resuming(stopped):
    call("train.py", *RESUMABLE, "--resume", "run.json", "--checkpoint", "run.json")
    assert (stopped / "run.json").read_bytes() == (stopped / "whole.json").read_bytes()


def test_many_stops_make_no_difference(stopped):
    for step in (6, 9, 11, 12):
        options = ("--resume", "run.json", "--checkpoint", "run.json", "--stop-at", step)
        assert call("train.py", *options).status == 0
    assert (stopped / "run.json").read_bytes() == (stopped / "whole.json").read_bytes()


def test_resuming_alone_saves_nothing_and_says_so(stopped):
    before = contents(stopped)
    result = call("train.py", "--resume", "run.json")
    assert result.status == 0
    assert "without --checkpoint" in result.err
    assert contents(stopped) == before


def test_resuming_a_finished_run_prints_its_samples_again(stopped):
    whole = call("train.py", *RESUMABLE)
    again = call("train.py", "--resume", "whole.json", "--samples", 2)
    assert again.status == 0
    assert again.samples == whole.samples


def test_documents_that_have_moved_can_be_pointed_to(stopped):
    (stopped / "names.txt").rename(stopped / "moved.txt")
    result = call("train.py", "--resume", "run.json")
    assert_refused(result, "--data names.txt: no such file", "run.json was trained on it")
    assert call("train.py", "--resume", "run.json", "--data", "moved.txt").status == 0


def test_a_resumed_run_draws_the_whole_curve(stopped, monkeypatch):
    drawn = []
    monkeypatch.setattr(report, "check_plot", lambda path: "svg")
    monkeypatch.setattr(report, "plot", lambda path, losses: drawn.extend(losses))
    call("train.py", "--resume", "run.json", "--plot", "loss.svg")
    assert drawn == checkpoint.load("whole.json").losses


def test_resumed_metrics_go_on_in_the_same_file(stopped):
    call("train.py", "--resume", "run.json", "--metrics", "m.jsonl")
    assert [line["step"] for line in metrics(stopped / "m.jsonl")] == list(range(1, 13))


def test_metrics_beyond_the_checkpoint_are_done_again_and_stand_there_once(stopped):
    with open(stopped / "m.jsonl", "a") as file:
        file.write('{"step": 6, "loss": 9.0, "lr": 0.1, "seconds": 1.0}\n{"step": 7, "lo')
    call("train.py", "--resume", "run.json", "--metrics", "m.jsonl")
    lines = metrics(stopped / "m.jsonl")
    assert [line["step"] for line in lines] == list(range(1, 13))
    assert [line["loss"] for line in lines] == checkpoint.load("whole.json").losses


def test_a_new_metrics_file_begins_where_the_run_resumed(stopped):
    call("train.py", "--resume", "run.json", "--metrics", "other.jsonl")
    assert [line["step"] for line in metrics(stopped / "other.jsonl")] == list(range(6, 13))


@pytest.mark.parametrize(
    "line", ["emma", "{}", "[]", '{"step": "x"}', "3", "[" * 100_000], ids=lambda line: line[:20]
)
def test_metrics_are_not_added_to_another_kind_of_file(stopped, no_training, line):
    (stopped / "m.jsonl").write_text(f'{{"step": 1}}\n{line}\n')
    before = contents(stopped)
    result = call("train.py", "--resume", "run.json", "--metrics", "m.jsonl")
    assert_refused(result, "--metrics m.jsonl: line 2 is not from a run of this program")
    assert contents(stopped) == before


@pytest.mark.parametrize(
    ("options", "given", "stored"),
    [
        ("--n-layer 1", "--n-layer 1", "2"),
        ("--n-embd 16", "--n-embd 16", "8"),
        ("--n-head 4", "--n-head 4", "2"),
        ("--block-size 9", "--block-size 9", "8"),
        ("--batch-size 1", "--batch-size 1", "3"),
        ("--lr 0.1", "--lr 0.1", "0.01"),
        ("--betas 0.9 0.99", "--betas 0.9 0.99", "0.85 0.99"),
        ("--seed 43", "--seed 43", "42"),
        ("--val-fraction 0", "--val-fraction 0.0", "0.2"),
    ],
)
def test_an_option_that_contradicts_the_checkpoint_names_both(
    stopped, no_training, options, given, stored
):
    before = contents(stopped)
    result = call("train.py", "--resume", "run.json", *options.split())
    assert_refused(result, f"{given} contradicts run.json, which has {stored};")
    assert contents(stopped) == before


def test_other_documents_contradict_the_checkpoint(stopped, no_training):
    (stopped / "other.txt").write_text("emma\n")
    result = call("train.py", "--resume", "run.json", "--data", "other.txt")
    assert_refused(result, "--data other.txt: not the documents that run.json was trained on")


@pytest.mark.parametrize("step", [4, 5, 13])
def test_a_resumed_run_stops_at_a_step_that_is_still_to_come(stopped, no_training, step):
    result = call("train.py", "--resume", "run.json", "--stop-at", step)
    assert_refused(result, f"--stop-at {step}: the run has 12 steps, of which 5 are done")


def test_metrics_do_not_overwrite_the_checkpoint_that_is_resumed(stopped, no_training):
    result = call("train.py", "--resume", "run.json", "--metrics", "./run.json")
    assert_refused(result, "--metrics ./run.json: is also the file of --resume")


def test_the_documents_of_a_resumed_run_are_not_overwritten_either(stopped, no_training):
    result = call("train.py", "--resume", "run.json", "--checkpoint", "names.txt")
    assert_refused(result, "--checkpoint names.txt: is also the file of --data")


# Ctrl-C and kill -9.

ENDLESS = (*SHORT, "--steps", "100000000")


def wait_for(stream, text):
    """Read up to the first line with that text."""
    lines = []
    for line in stream:
        lines.append(line)
        if text in line:
            return
    pytest.fail(f"{text!r} did not come: {''.join(lines)}")


def test_ctrl_c_stops_after_a_step_saves_and_says_how_to_resume(folder):
    with start("train.py", *ENDLESS, "--checkpoint", "my run.json") as process:
        wait_for(process.stderr, "loss")
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert "Traceback" not in err

    saved = checkpoint.load("my run.json")
    assert f"stopped after step {saved.step:,} of 100,000,000" in err
    resume = err.splitlines()[-1].partition("to go on: ")[2]
    script = str(FOLDER / "train.py")
    assert shlex.split(resume) == [
        *(sys.executable, script, "--resume", "my run.json", "--checkpoint", "my run.json"),
        *("--samples", "2"),
    ]

    # The same bits as a run that was meant to stop there.
    call("train.py", *ENDLESS, "--checkpoint", "planned.json", "--stop-at", saved.step)
    assert (folder / "my run.json").read_bytes() == (folder / "planned.json").read_bytes()


def test_ctrl_c_without_a_checkpoint_writes_no_file_and_says_so(folder):
    before = contents(folder)
    with start("train.py", *ENDLESS) as process:
        wait_for(process.stderr, "loss")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ""
    assert "nothing was saved; with --checkpoint PATH" in err
    assert contents(folder) == before


def test_a_second_ctrl_c_stops_at_once(folder):
    before = contents(folder)
    options = ("--n-layer", 4, "--n-embd", 32, "--batch-size", 200_000)  # a step takes minutes
    with start("train.py", "--data", "names.txt", *options, "--checkpoint", "run.json") as process:
        wait_for(process.stderr, "train   ")
        time.sleep(1.0)
        process.send_signal(signal.SIGINT)
        wait_for(process.stderr, "stopping after this step; Ctrl-C again stops at once")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert out == ""
    assert err == "train.py: interrupted\n"
    assert contents(folder) == before


def test_ctrl_c_is_as_before_once_the_training_is_over(folder):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        call("train.py", *SHORT, "--steps", 2)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_where_ctrl_c_is_ignored_it_stays_ignored(folder, monkeypatch):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with train.CtrlC() as ctrl_c:
            signal.raise_signal(signal.SIGINT)
        assert not ctrl_c.pressed
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_log_that_is_closed_does_not_keep_ctrl_c_from_stopping(monkeypatch):
    def closed(*arguments):
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr(os, "write", closed)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with train.CtrlC() as ctrl_c:
            signal.raise_signal(signal.SIGINT)
        assert ctrl_c.pressed
    finally:
        signal.signal(signal.SIGINT, before)


def test_outside_the_main_thread_which_no_ctrl_c_reaches_training_works_too(folder):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with ThreadPoolExecutor() as threads:
            result = threads.submit(call, "train.py", *SHORT, "--steps", 2).result()
        assert (result.status, len(result.samples)) == (0, 2)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_save_every_saves_along_the_way(folder, monkeypatch):
    steps = []
    monkeypatch.setattr(train, "save", lambda run, path: steps.append((run.step, path)))
    call("train.py", *SHORT, "--steps", 7, "--checkpoint", "run.json", "--save-every", 3)
    assert steps == [(3, "run.json"), (6, "run.json"), (7, "run.json")]


@long
def test_a_run_that_is_killed_again_and_again_ends_in_the_same_bits(folder):
    options = (*SHORT, "--steps", 250)
    whole = call("train.py", *options, "--checkpoint", "whole.json")
    assert whole.status == 0
    files = ("--checkpoint", "run.json", "--save-every", 1, "--metrics", "m.jsonl")
    delay = random.Random(2)
    for _ in range(6):
        saved = ("--resume", "run.json") if (folder / "run.json").exists() else ()
        with start("train.py", *options, *files, *saved) as process:
            wait_for(process.stderr, "train  ")
            time.sleep(delay.uniform(0.05, 0.4))
        if (folder / "run.json").exists():
            assert checkpoint.load("run.json").step >= 1
    last = call("train.py", "--resume", "run.json", *files, "--samples", 2)
    assert last.samples == whole.samples
    assert (folder / "run.json").read_bytes() == (folder / "whole.json").read_bytes()
    lines = [json.loads(line) for line in (folder / "m.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 251))
    assert all(math.isfinite(line["loss"]) for line in lines)
