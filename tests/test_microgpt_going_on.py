"""examples/microgpt: going on from what was saved, and not losing it.

`--resume` with more `--steps`, `--init-from`, `--overwrite`, and the commands that messages print.
"""

import json
import os
import random
import shlex
import subprocess
import sys

import pytest
from microgpt_support import FOLDER, TINY, call, command, contents, environment, metrics

# isort: split
import advice
import checkpoint
import train
from run import Training, new_optimizer
from tokenizer import Tokenizer
from training import learning_rate, train_step

NAMES = "emma\nolivia\nava\nmia\nleo\nada\nliam\nnoah\nzoe\nivy\n"
RUN = ("--data", "names.txt", *TINY, "--samples", "2")


@pytest.fixture(scope="module")
def files_of_a_finished_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    (folder / "names.txt").write_text(NAMES)
    files = ("--data", folder / "names.txt", *TINY, "--samples", 2, "--steps", 12)
    for name, options in (("run.json", ()), ("half.json", ("--stop-at", 5))):
        result = call("train.py", *files, "--checkpoint", folder / name, *options)
        assert result.status == 0, result.err
    return {
        name: raw.replace(str(folder / "names.txt").encode(), b"names.txt")
        for name, raw in contents(folder).items()
    }


@pytest.fixture
def folder(tmp_path, monkeypatch, files_of_a_finished_run):
    """names.txt; run.json, a finished run of 12 steps on it; half.json, the same stopped at 5."""
    monkeypatch.chdir(tmp_path)
    for name, raw in files_of_a_finished_run.items():
        (tmp_path / name).write_bytes(raw)
    return tmp_path


def assert_refused(result, said):
    assert (result.status, result.out) == (2, "")
    assert result.err == f"train.py: error: {said}\n"


# For longer than was planned.


def test_more_steps_continue_a_finished_run(folder):
    options = ("--resume", "run.json", "--steps", 30, "--checkpoint", "run.json", "--samples", 3)
    before = checkpoint.load("run.json")
    result = call("train.py", *options)
    after = checkpoint.load("run.json")
    assert (result.status, len(result.samples)) == (0, 3)
    assert (after.step, after.training["steps"]) == (30, 30)
    assert after.losses[:12] == before.losses


def test_the_rate_of_each_step_is_that_of_a_run_of_so_many_steps(folder):
    options = ("--resume", "run.json", "--steps", 30, "--metrics", "m.jsonl", "--samples", 0)
    result = call("train.py", *options)
    assert [line["lr"] for line in metrics(folder / "m.jsonl")] == [
        pytest.approx(0.01 * (1 - t / 30), rel=1e-15) for t in range(12, 30)
    ]
    assert "the learning rate goes on at 0.006, and falls to 0 over the rest\n" in result.err


def test_it_continues_with_the_moments_and_the_documents_where_they_stood(folder):
    call("train.py", "--resume", "run.json", "--steps", 13, "--checkpoint", "longer.json")
    saved, training = checkpoint.load("run.json"), Training(steps=13)
    model = saved.model()
    adam = new_optimizer(model, training)
    adam.load_state_dict(saved.optimizer)
    adam.lr = learning_rate(training, 12)
    names = NAMES.split()
    random.Random(42).shuffle(names)
    train_step(model, adam, [saved.tokenizer.document(names[12 % 10])])
    assert checkpoint.load("longer.json").weights == checkpoint.weights_of(model)


def test_a_run_that_is_made_longer_can_be_stopped_and_resumed_too(folder):
    call("train.py", "--resume", "run.json", "--steps", 20, "--checkpoint", "whole.json")
    options = ("--steps", 20, "--checkpoint", "parts.json", "--stop-at", 15)
    call("train.py", "--resume", "run.json", *options)
    call("train.py", "--resume", "parts.json", "--checkpoint", "parts.json")
    assert (folder / "parts.json").read_bytes() == (folder / "whole.json").read_bytes()


@pytest.mark.parametrize("steps", [8, 20])
def test_a_run_that_is_not_finished_may_get_another_end_as_well(folder, steps):
    call("train.py", "--resume", "half.json", "--steps", steps, "--checkpoint", "half.json")
    saved = checkpoint.load("half.json")
    assert saved.step == saved.training["steps"] == steps


@pytest.mark.parametrize(("path", "steps"), [("run.json", 11), ("half.json", 5)])
def test_fewer_steps_than_are_done_are_refused(folder, path, steps):
    before = contents(folder)
    result = call("train.py", "--resume", path, "--steps", steps, "--checkpoint", path)
    done = checkpoint.load(path).step
    said = f"--steps {steps}: {path} has done {done} steps already; "
    assert_refused(result, said + "give more, or leave the option out")
    assert contents(folder) == before


def test_a_finished_run_says_that_it_could_go_on(folder):
    result = call("train.py", "--resume", "run.json")
    assert "12 of 12 steps are done\n        (to go on for longer, give more --steps)" in result.err


# From other weights.


def test_a_run_from_weights_begins_with_them_and_with_nothing_else_of_their_run(folder):
    (folder / "other.txt").write_text("liv\nvia\nmai\n")
    result = call(
        *("train.py", "--init-from", "run.json", "--data", "other.txt"),
        *("--steps", 1, "--checkpoint", "tuned.json", "--lr", 0.05),
    )
    assert result.status == 0
    assert "init    from the weights of run.json\n" in result.err
    weights, tuned = checkpoint.load("run.json"), checkpoint.load("tuned.json")
    assert (tuned.config, tuned.vocabulary) == (weights.config, weights.vocabulary)
    assert (tuned.step, tuned.source, tuned.training["lr"]) == (1, "other.txt", 0.05)

    model = weights.model()
    adam = new_optimizer(model, Training(steps=1, lr=0.05))
    documents = ["liv", "via", "mai"]
    random.Random(42).shuffle(documents)
    train_step(model, adam, [weights.tokenizer.document(documents[0])])
    assert tuned.weights == checkpoint.weights_of(model)


def test_such_a_run_is_resumed_though_its_documents_lack_some_characters(folder):
    (folder / "other.txt").write_text("liv\nvia\nmai\n")
    options = ("--init-from", "run.json", "--data", "other.txt", "--steps", 9, "--checkpoint")
    call("train.py", *options, "whole.json")
    call("train.py", *options, "half.json", "--stop-at", 4, "--overwrite")
    assert call("train.py", "--resume", "half.json", "--checkpoint", "half.json").status == 0
    assert (folder / "half.json").read_bytes() == (folder / "whole.json").read_bytes()


@pytest.mark.parametrize("option", ["--n-layer 2", "--n-embd 16", "--n-head 4", "--block-size 9"])
def test_sizes_that_do_not_fit_the_weights_are_named_with_both_values(folder, option):
    name, value = option.split()
    stored = {"--n-layer": 1, "--n-embd": 8, "--n-head": 2, "--block-size": 8}[name]
    result = call("train.py", "--init-from", "run.json", "--data", "names.txt", name, value)
    said = f"{option} contradicts run.json, which has {stored}; leave the option out"
    assert_refused(result, said)


def test_characters_that_the_weights_do_not_know_are_named(folder):
    (folder / "other.txt").write_text("emma\numa\nröd\nhugo\n")
    result = call("train.py", "--init-from", "run.json", "--data", "other.txt")
    assert_refused(
        result,
        "--init-from run.json: its vocabulary has no 'u', 'r', 'ö', 'g', which 3 of 4 documents "
        "have; give documents without them, or train without --init-from",
    )


def test_many_unknown_characters_are_not_all_listed(folder):
    (folder / "other.txt").write_text("ABCDEFGHIJKLMNOPQRSTUVWXYZ\n")
    result = call("train.py", "--init-from", "run.json", "--data", "other.txt")
    assert "'I', 'J' ..., which 1 of 1 documents have" in result.err


def test_to_resume_and_to_start_is_a_contradiction(folder):
    result = call("train.py", "--init-from", "run.json", "--resume", "half.json")
    assert_refused(result, "--resume goes on with a run, and --init-from starts one; give only one")


def test_the_weights_are_not_overwritten_by_the_run_that_starts_from_them(folder):
    before = contents(folder)
    options = ("--data", "names.txt", "--checkpoint", "run.json", "--overwrite")
    result = call("train.py", "--init-from", "run.json", *options)
    assert_refused(
        result, "--checkpoint run.json: is also the file of --init-from; give another path"
    )
    assert contents(folder) == before


def test_weights_that_cannot_be_read_are_an_error_of_the_option(folder):
    result = call("train.py", "--init-from", "names.txt")
    assert_refused(result, "--init-from names.txt: is not a checkpoint of this program")


# Not losing a run.


@pytest.mark.parametrize(
    ("path", "options", "what"),
    [
        ("run.json", ("--lr", 0.02), "a finished run of other settings (lr)"),
        ("run.json", ("--steps", 13), "a finished run of other settings (steps)"),
        ("run.json", ("--n-layer", 2), "a finished run of other settings (n_layer)"),
        ("half.json", ("--seed", 2), "an unfinished run of other settings (seed)"),
        (
            "half.json",
            ("--init-from", "run.json"),
            "an unfinished run of other settings (init_from)",
        ),
        ("run.json", ("--data", "other.txt"), "a finished run of other settings (data)"),
    ],
    ids=str,
)
def test_a_run_of_other_settings_is_replaced_only_if_that_was_asked_for(
    folder, path, options, what
):
    (folder / "other.txt").write_text("emma\n")
    before = contents(folder)
    asked = (*RUN, "--steps", 12, *options, "--checkpoint", path)
    said = f"--checkpoint {path}: has {what}; give another path, or --overwrite to replace it"
    assert_refused(call("train.py", *asked), said)
    assert contents(folder) == before
    assert call("train.py", *asked, "--overwrite").status == 0
    assert (folder / path).read_bytes() != before[path]


@pytest.mark.parametrize("path", ["run.json", "half.json"])
def test_the_same_run_again_replaces_its_file_unasked(folder, path):
    finished = (folder / "run.json").read_bytes()
    assert call("train.py", *RUN, "--steps", 12, "--checkpoint", path).status == 0
    assert (folder / path).read_bytes() == finished


def test_a_resumed_run_does_not_replace_another_one_either(folder):
    call("train.py", *RUN, "--steps", 3, "--checkpoint", "other.json")
    result = call("train.py", "--resume", "half.json", "--checkpoint", "other.json")
    assert "--checkpoint other.json: has a finished run of other settings (steps); " in result.err
    assert result.status == 2


def test_a_file_that_is_no_run_needs_no_such_question(folder):
    (folder / "run.json").write_text('{"format": "microgpt checkpoint", "version": 1}')
    assert call("train.py", *RUN, "--steps", 2, "--checkpoint", "run.json").status == 0


# Commands that run as they are printed.


def test_the_command_that_is_printed_goes_on_with_the_run(folder):
    (folder / "names.txt").rename(folder / "my names.txt")
    files = ("--data", "my names.txt", "--checkpoint", "it's a run.json", "--metrics", "m.jsonl")
    options = (
        "--steps",
        12,
        "--stop-at",
        5,
        "--samples",
        3,
        "--temperature",
        0.7,
        "--prompt",
        "em",
    )
    stopped = subprocess.run(
        command("train.py", *files, *TINY, *options), capture_output=True, text=True
    )
    last = stopped.stderr.splitlines()[-1]
    printed = last.removeprefix("saved; to go on: ")
    assert shlex.split(printed) == [
        *(sys.executable, str(FOLDER / "train.py")),
        *("--resume", "it's a run.json", "--checkpoint", "it's a run.json"),
        *("--samples", "3", "--temperature", "0.7", "--prompt", "em", "--metrics", "m.jsonl"),
    ]
    went_on = subprocess.run(printed, shell=True, capture_output=True, text=True, env=environment())
    assert went_on.returncode == 0, went_on.stderr
    assert checkpoint.load("it's a run.json").step == 12
    assert [line["step"] for line in metrics(folder / "m.jsonl")] == list(range(1, 13))
    assert [sample[:2] for sample in went_on.stdout.splitlines()] == ["em"] * 3


def test_a_path_that_looks_like_an_option_is_no_option_in_it():
    options = train.command_line().parse_args(["--checkpoint=-x.json", "--prompt=-a"])
    words = shlex.split(train.command_to_resume(options))[2:]
    assert words == ["--resume=-x.json", "--checkpoint=-x.json", "--prompt=-a"]
    again = train.command_line().parse_args(words)
    assert (again.resume, again.checkpoint, again.prompt) == ("-x.json", "-x.json", "-a")


def test_how_a_run_was_computed_and_shown_is_in_it_too():
    given = ["--workers=2", "--executor=dask:tcp://a:1", "--allow-mixed-workers", "--save-every=5"]
    mine = ["--lr=0.1", "--steps=9", "--chunk", "--stop-at=3", "--data=names.txt", "--overwrite"]
    options = train.command_line().parse_args(["--checkpoint=a", *given, *mine])
    words = shlex.split(train.command_to_resume(options))[2:]
    again = vars(train.command_line().parse_args(words))
    assert again == vars(train.command_line().parse_args(["--checkpoint=a", "--resume=a", *given]))


@pytest.mark.parametrize(
    ("platform", "expected"),
    [("linux", "py 'a b' 'it'\"'\"'s'"), ("win32", 'py "a b" it\'s')],
)
def test_commands_are_quoted_as_the_shell_of_the_system_wants_it(monkeypatch, platform, expected):
    monkeypatch.setattr(sys, "platform", platform)
    assert advice.command("py", "a b", "it's") == expected


def test_data_that_moved_is_asked_for_by_its_option(folder):
    (folder / "names.txt").rename(folder / "moved.txt")
    result = call("train.py", "--resume", "half.json")
    assert "--data names.txt: no such file" in result.err
    assert (
        "(half.json was trained on it; if it has moved, say where it is with --data)" in result.err
    )
    assert call("train.py", "--resume", "half.json", "--data", "moved.txt").status == 0


def test_a_vocabulary_may_have_characters_that_the_documents_lack_but_not_the_reverse(folder):
    entries = json.loads((folder / "half.json").read_text())
    vocabulary = Tokenizer.of(NAMES.split()).characters
    assert entries["vocabulary"] == vocabulary
    entries["vocabulary"] = vocabulary.replace("z", "Z")
    (folder / "half.json").write_text(json.dumps(entries))
    result = call("train.py", "--resume", "half.json")
    assert_refused(result, "--resume half.json: is damaged: its vocabulary is not the documents'")
    assert not os.path.exists("out.json")
