"""examples/microgpt: checkpoints."""

import json
import math
import os
import random
import subprocess
import sys

import pytest
from effort import long
from microgpt_support import FOLDER, TINY, call, contents

# isort: split
import checkpoint
import run
from checkpoint import Checkpoint, CheckpointError
from model import Config, new_gpt

from scalargrad import optim

CONFIG = Config(n_layer=1, n_embd=4, n_head=2, block_size=3)


def small_checkpoint(seed: int = 1) -> Checkpoint:
    rng = random.Random(seed)
    model = new_gpt(CONFIG, vocab_size=3, rng=rng)
    return Checkpoint(
        config=CONFIG,
        vocabulary="aé",
        training={"steps": 10, "lr": 0.1},
        source="names.txt",
        fingerprint="ab" * 32,
        step=2,
        losses=[1.1, 0.1 + 0.2],
        rng=rng.getstate(),
        optimizer=optim.Adam(model.weights.values()).state_dict(),
        weights=checkpoint.weights_of(model),
    )


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "run.json")


# What is saved comes back.


def test_loading_gives_back_what_was_saved_to_the_last_bit(path):
    saved = small_checkpoint()
    checkpoint.save(path, saved)
    loaded = checkpoint.load(path)
    assert loaded.weights == saved.weights
    assert loaded.losses == saved.losses
    assert loaded.optimizer == json.loads(json.dumps(saved.optimizer))
    assert loaded.rng == saved.rng
    assert loaded.config == saved.config
    assert (loaded.vocabulary, loaded.source, loaded.step) == ("aé", "names.txt", 2)
    checkpoint.save(path, loaded)
    assert checkpoint.load(path) == loaded
    loaded.weights["wte"][0][0] += 1.0
    assert checkpoint.load(path) != loaded


def test_printed_it_is_short_and_every_entry_must_be_given():
    saved = small_checkpoint()
    assert repr(saved) == (
        "<Checkpoint: Config(n_layer=1, n_embd=4, n_head=2, block_size=3), 2 steps are done>"
    )
    entries = vars(saved)
    for name in entries:
        with pytest.raises(TypeError, match=name):
            Checkpoint(**{other: value for other, value in entries.items() if other != name})
    with pytest.raises(TypeError, match="colour"):
        Checkpoint(**entries, colour="red")


def test_the_model_has_the_saved_weights(path):
    saved = small_checkpoint()
    checkpoint.save(path, saved)
    assert checkpoint.weights_of(checkpoint.load(path).model()) == saved.weights


def test_random_numbers_go_on_where_they_stood(path):
    rng = random.Random(3)
    rng.gauss(0, 1)  # leaves a second number in store, which is part of the state
    saved = small_checkpoint()
    saved.rng = rng.getstate()
    checkpoint.save(path, saved)
    resumed = checkpoint.load(path).random()
    assert [resumed.gauss(0, 1), resumed.random()] == [rng.gauss(0, 1), rng.random()]


def test_numbers_that_are_not_finite_come_back_and_the_file_is_still_json(path):
    saved = small_checkpoint()
    odd = [math.inf, -math.inf, -0.0, 5e-324]
    saved.weights["wte"][0] = odd
    saved.losses[0] = math.nan
    saved.optimizer["m"][0] = math.inf
    checkpoint.save(path, saved)
    with open(path) as file:
        json.load(file, parse_constant=pytest.fail)
    loaded = checkpoint.load(path)
    assert list(map(repr, loaded.weights["wte"][0])) == list(map(repr, odd))
    assert math.isnan(loaded.losses[0])
    assert loaded.optimizer["m"][0] == math.inf


def test_the_same_run_gives_the_same_bytes(tmp_path):
    for name in ("a.json", "b.json"):
        checkpoint.save(str(tmp_path / name), small_checkpoint())
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


# Files that are not a checkpoint.


def edited(path: str, **changes: object) -> None:
    """A good checkpoint with some of its entries replaced; None takes an entry out."""
    checkpoint.save(path, small_checkpoint())
    with open(path) as file:
        entries = json.load(file) | changes
    with open(path, "w") as file:
        json.dump({name: value for name, value in entries.items() if value is not None}, file)


def test_a_file_cut_short_anywhere_is_refused(path):
    checkpoint.save(path, small_checkpoint())
    with open(path, "rb") as file:
        whole = file.read()
    for length in [*range(100), *range(100, len(whole) - 2, 997), len(whole) - 3]:
        with open(path, "wb") as file:
            file.write(whole[:length])
        with pytest.raises(CheckpointError, match=r"truncated or damaged|not a checkpoint of this"):
            checkpoint.load(path)


@pytest.mark.parametrize(
    "raw",
    [b"", b"emma\nava\n", b"\xff\xfe\x00", b"[]", b"3", b'{"a": 1}', b"[" * 100_000, b"9" * 10_000],
    ids=["empty", "text", "binary", "list", "number", "other", "nested", "long number"],
)
def test_another_file_is_refused(path, raw):
    with open(path, "wb") as file:
        file.write(raw)
    with pytest.raises(CheckpointError, match=r"run\.json: is not a checkpoint of this program$"):
        checkpoint.load(path)


@pytest.mark.parametrize("version", [0, 2, "1", True])
def test_another_version_is_refused_and_both_are_named(path, version):
    edited(path, version=version)
    with pytest.raises(CheckpointError, match=f"has version {version!r}, .* reads version 1"):
        checkpoint.load(path)


@pytest.mark.parametrize("name", ["weights", "optimizer", "rng", "step", "config", "fingerprint"])
def test_a_missing_entry_is_named(path, name):
    edited(path, **{name: None})
    with pytest.raises(CheckpointError, match=f"is damaged: it has no '{name}'"):
        checkpoint.load(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"config": {"n_layer": 2, "n_embd": 4, "n_head": 2, "block_size": 3}},
        {"config": {"n_layer": 1, "n_embd": 8, "n_head": 2, "block_size": 3}},
        {"config": {"n_layer": 1, "n_embd": 4, "n_head": 3, "block_size": 3}},
        {"config": {"n_layer": 10**12, "n_embd": 4, "n_head": 2, "block_size": 3}},
        {"config": {"width": 3}},
        {"config": 7},
        {"vocabulary": "abc"},
        {"vocabulary": "aa"},
        {"vocabulary": ["a", "b"]},
        {"weights": {}},
        {"weights": 3},
        {"step": 3},
        {"losses": [1.0, "1.0"]},
        {"losses": [1.0, True]},
        {"losses": [1.0, 10**400]},
        {"rng": [3, [1, 2, 3], False]},
        {"rng": "abc"},
        {"rng": []},
        {"rng": [3, list(range(625)), "abc"]},
        {"rng": [3, list(range(625)), {}]},
        {"source": []},
        {"source": 0},
        {"optimizer": [1.0]},
        {"training": 3},
        {"source": 3},
        {"source": ""},
        {"source": "a/" * 1_000_000},
        {"source": "a\0b"},
        {"source": "a\ud800b"},
        {"fingerprint": 3},
    ],
    ids=lambda changes: str(changes)[:60],
)
def test_entries_that_do_not_fit_together_are_refused(path, changes):
    edited(path, **changes)
    with pytest.raises(CheckpointError, match=r"run\.json: is damaged: "):
        checkpoint.load(path)


def test_a_weight_that_is_no_number_is_refused(path):
    weights = small_checkpoint().weights
    weights["lm_head"][1][2] = "0.5"
    edited(path, weights=weights)
    with pytest.raises(CheckpointError, match=r"is damaged: '0\.5' is not a number"):
        checkpoint.load(path)


@pytest.mark.parametrize("name", ["missing.json", ".", "/dev/zero", "pipe"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path, name):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CheckpointError, match="cannot be read"):
        checkpoint.load(str(tmp_path / name))


# Writing never loses what was there.


def test_saving_replaces_the_file_and_leaves_no_other(tmp_path, path):
    for seed in (1, 2):
        checkpoint.save(path, small_checkpoint(seed))
    assert checkpoint.load(path).weights == small_checkpoint(2).weights
    assert list(contents(tmp_path)) == ["run.json"]


@pytest.mark.parametrize("function", ["os.fsync", "os.replace"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_save_that_fails_leaves_the_old_file_and_no_other(
    tmp_path, path, monkeypatch, function, error
):
    checkpoint.save(path, small_checkpoint(1))
    before = contents(tmp_path)

    def fail(*arguments):
        raise error

    monkeypatch.setattr(function, fail)
    with pytest.raises(type(error)):
        checkpoint.save(path, small_checkpoint(2))
    assert contents(tmp_path) == before


def test_saving_to_a_link_keeps_the_link(tmp_path, path):
    (tmp_path / "link.json").symlink_to(path)
    checkpoint.save(str(tmp_path / "link.json"), small_checkpoint())
    assert (tmp_path / "link.json").is_symlink()
    assert checkpoint.load(path).step == 2


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
def test_saving_keeps_mode_and_owner(path, mode):
    checkpoint.save(path, small_checkpoint(1))
    os.chmod(path, mode)
    if os.getuid() == 0:
        os.chown(path, 1234, 2345)  # only root can give files away, and only root loses them
    before = os.stat(path)
    checkpoint.save(path, small_checkpoint(2))
    after = os.stat(path)
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        *(before.st_mode, before.st_uid, before.st_gid),
    )


def test_nothing_is_ever_more_open_than_the_file_was(path, monkeypatch):
    checkpoint.save(path, small_checkpoint(1))
    os.chmod(path, 0o600)
    modes = []

    def watched(source, target):
        modes.append(os.stat(source).st_mode & 0o777)

    monkeypatch.setattr(os, "chmod", lambda name, mode: watched(name, name))
    monkeypatch.setattr(os, "replace", watched)
    checkpoint.save(path, small_checkpoint(2))
    assert modes == [0o600, 0o600]


def test_a_system_that_gives_no_file_away_saves_all_the_same(path, monkeypatch):
    def no(*arguments):
        raise PermissionError(1, "Operation not permitted")

    checkpoint.save(path, small_checkpoint(1))
    monkeypatch.setattr(os, "chown", no)
    monkeypatch.setattr(os, "chmod", no)
    checkpoint.save(path, small_checkpoint(2))
    assert checkpoint.load(path).weights == small_checkpoint(2).weights


def test_what_a_killed_process_left_over_is_in_nobodys_way(tmp_path, path):
    (tmp_path / "precious").write_text("precious")
    (tmp_path / f"run.json.{os.getpid()}.tmp").symlink_to(tmp_path / "precious")
    checkpoint.save(path, small_checkpoint())
    assert sorted(contents(tmp_path)) == ["precious", "run.json"]
    assert (tmp_path / "precious").read_text() == "precious"


SAVE_FOREVER = """
import sys
sys.path.insert(0, sys.argv[1])
import checkpoint
saved = checkpoint.load(sys.argv[2])
print("ready", flush=True)
while True:
    for label in ("old", "new"):
        saved.source = label
        checkpoint.save(sys.argv[2], saved)
"""


@long
def test_kill_9_while_saving_leaves_the_old_checkpoint_or_the_new_one(path):
    saved = small_checkpoint()
    saved.losses = [random.Random(0).random() for _ in range(20_000)]  # so that writing takes time
    saved.step = len(saved.losses)
    checkpoint.save(path, saved)
    delay = random.Random(1)
    for _ in range(12):
        with subprocess.Popen(
            [sys.executable, "-c", SAVE_FOREVER, str(FOLDER), path], stdout=subprocess.PIPE
        ) as process:
            process.stdout.readline()
            try:
                process.wait(timeout=delay.uniform(0.0, 0.1))
            except subprocess.TimeoutExpired:
                process.kill()
        loaded = checkpoint.load(path)
        assert loaded.losses == saved.losses
        assert loaded.source in ("names.txt", "old", "new")


# As the commands see them.


@pytest.mark.parametrize("program", ["train.py", "sample.py"])
@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"emma\n", "is not a checkpoint of this program"),
        (b'{\n"format": "microgpt checkpoint",\n"ver', "is truncated or damaged"),
        (b'{"format": "microgpt checkpoint", "version": 9}', "has version 9"),
        (b'{"format": "microgpt checkpoint", "version": 1}', "is damaged: it has no 'config'"),
    ],
    ids=["missing", "other", "truncated", "version", "damaged"],
)
def test_a_bad_checkpoint_gives_one_line_and_status_2(tmp_path, monkeypatch, program, raw, said):
    monkeypatch.chdir(tmp_path)
    if raw is not None:
        (tmp_path / "run.json").write_bytes(raw)
    before = contents(tmp_path)
    option = "--resume" if program == "train.py" else "--checkpoint"
    result = call(program, option, "run.json")
    assert result.status == 2
    assert result.out == ""
    assert result.err.startswith(f"{program}: error: {option} run.json: {said}")
    assert result.err.count("\n") == 1
    assert contents(tmp_path) == before


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """A checkpoint of a real run, and its entries."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "names.txt").write_text("emma\nava\n")
    options = ("--data", "names.txt", "--steps", "4", "--stop-at", "2", "--samples", "0")
    assert call("train.py", *TINY, *options, "--checkpoint", "run.json").status == 0
    return json.loads((tmp_path / "run.json").read_text())


@pytest.mark.parametrize(
    ("entry", "value"),
    [
        ("optimizer", {"lr": 1.0}),
        ("training", {}),
        ("training", {"steps": 0, "betas": [0.9, 0.99]}),
        ("training", {"betas": 3}),
        ("training", {"betas": [0.9, 0.99], "batch_size": 10**12}),
        ("training", {"betas": [0.9, 0.99], "steps": 10**13}),
        ("training", {"colour": "red", "betas": [0.9, 0.99]}),
        ("training", {"betas": [0.9, 0.99], "lr": 10**400}),
        ("vocabulary", "xyzw"),
    ],
    ids=lambda entry: str(entry)[:40],
)
def test_a_checkpoint_that_no_run_wrote_is_not_resumed(trained, tmp_path, entry, value):
    (tmp_path / "run.json").write_text(json.dumps(trained | {entry: value}))
    result = call("train.py", "--resume", "run.json")
    assert result.status == 2
    assert result.err.startswith("train.py: error: --resume run.json: is damaged: ")
    assert result.err.count("\n") == 1


@pytest.mark.parametrize("setting", [{"lr": 10**400}, {"steps": 10**400}, {"steps": 1}])
def test_an_optimiser_that_no_run_left_is_not_resumed(trained, tmp_path, setting):
    optimizer = trained["optimizer"] | setting
    (tmp_path / "run.json").write_text(json.dumps(trained | {"optimizer": optimizer}))
    result = call("train.py", "--resume", "run.json")
    assert result.status == 2
    assert result.err.startswith("train.py: error: --resume run.json: is damaged: ")


def test_a_setting_of_the_model_that_is_missing_is_not_the_default(path):
    edited(path, config={"n_layer": 1, "n_head": 1, "block_size": 4})
    with pytest.raises(CheckpointError, match="is damaged: it has no 'n_embd'"):
        checkpoint.load(path)


def test_a_setting_of_the_run_that_is_missing_is_not_the_default(path):
    settings = {"steps": 10, "batch_size": 1, "betas": [0.5, 0.5], "seed": 1, "val_fraction": 0.0}
    edited(path, training=settings)
    with pytest.raises(CheckpointError, match="is damaged: it has no 'lr'"):
        run.stored_training(path, checkpoint.load(path))
