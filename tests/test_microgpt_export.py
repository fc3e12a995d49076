"""examples/microgpt/export.py: models as safetensors files, and back."""

import json
import math
import subprocess
import sys

import pytest
from microgpt_support import FOLDER, TINY, call, contents

pytest.importorskip("safetensors", reason="safetensors is not installed")
import numpy as np
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

# isort: split
import checkpoint
import export
from model import shapes

RUN = ("--data", "names.txt", *TINY, "--n-layer", "2", "--samples", "0")


@pytest.fixture(scope="module")
def files_of_a_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    (folder / "names.txt").write_text("emma\nzoë\nava\nmia\n", encoding="utf-8")
    files = ("--data", folder / "names.txt", "--checkpoint", folder / "run.json")
    assert call("train.py", *TINY, "--n-layer", 2, "--samples", 0, *files, "--steps", 9).status == 0
    assert call("export.py", folder / "run.json", folder / "model.safetensors").status == 0
    return contents(folder)


@pytest.fixture
def folder(tmp_path, monkeypatch, files_of_a_run):
    """names.txt; run.json, a run on it; model.safetensors, the model of it."""
    monkeypatch.chdir(tmp_path)
    for name, raw in files_of_a_run.items():
        (tmp_path / name).write_bytes(raw)
    return tmp_path


def assert_refused(result, said, program="export.py"):
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith(f"{program}: error: ")
    assert said in result.err
    assert result.err.count("\n") == 1


# Out.


def test_the_file_has_the_matrices_by_their_names_to_the_last_bit(folder):
    saved, matrices = checkpoint.load("run.json"), load_file("model.safetensors")
    names = {
        name: (nout, nin) for name, nout, nin in shapes(saved.config, len(saved.vocabulary) + 1)
    }
    assert {name: matrix.shape for name, matrix in matrices.items()} == names
    assert {matrix.dtype for matrix in matrices.values()} == {np.dtype("float64")}
    assert {name: matrix.tolist() for name, matrix in matrices.items()} == saved.weights


def test_its_metadata_say_the_sizes_and_the_vocabulary(folder):
    with safe_open("model.safetensors", framework="np") as file:
        words = json.loads(file.metadata()["microgpt"])
    saved = checkpoint.load("run.json")
    assert words == {"config": vars(saved.config), "vocabulary": "aeimovzë"}


def test_the_same_model_gives_the_same_bytes_in_another_process(folder):
    command = [sys.executable, str(FOLDER / "export.py"), "run.json", "again.safetensors"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "again.safetensors: 1,744 weights in 15 matrices\n"
    assert (folder / "again.safetensors").read_bytes() == (
        (folder / "model.safetensors").read_bytes()
    )


# And back.


@pytest.fixture
def back(folder):
    assert call("export.py", "model.safetensors", "model.json").status == 0
    return folder


def test_what_comes_back_is_the_model_to_the_last_bit(back):
    returned, saved = checkpoint.load_weights("model.json"), checkpoint.load("run.json")
    assert returned.weights == saved.weights
    assert (returned.config, returned.vocabulary) == (saved.config, saved.vocabulary)
    assert repr(returned) == f"<Weights: {saved.config}>"


def test_it_writes_what_the_run_it_is_from_writes(back):
    for options in ((), ("--temperature", 0, "--prompt", "zo"), ("--top-k", 2, "--seed", 7)):
        ours = call("sample.py", "--checkpoint", "model.json", *options)
        assert ours.status == 0
        assert ours.samples == call("sample.py", "--checkpoint", "run.json", *options).samples


def test_a_new_run_starts_from_it_as_from_the_run_it_is_from(back):
    for name in ("run.json", "model.json"):
        options = ("--data", "names.txt", "--steps", 5, "--checkpoint", f"from-{name}")
        assert call("train.py", "--init-from", name, *options).status == 0
    assert (back / "from-run.json").read_bytes() == (back / "from-model.json").read_bytes()


def test_no_run_goes_on_from_it_and_it_says_why(back):
    result = call("train.py", "--resume", "model.json")
    assert_refused(
        result,
        "--resume model.json: has weights only, and neither Adam's moments nor the state of the "
        "random numbers, without which no run goes on; start a new one by --init-from model.json\n",
        program="train.py",
    )


def test_it_can_go_out_again_with_the_same_bytes(back):
    assert call("export.py", "model.json", "again.safetensors").status == 0
    assert (back / "again.safetensors").read_bytes() == (back / "model.safetensors").read_bytes()


def test_a_run_does_not_replace_it_unasked(back):
    result = call("train.py", *RUN, "--steps", 2, "--checkpoint", "model.json")
    assert "--checkpoint model.json: has a model without a run; give another path" in result.err
    assert result.status == 2


def edited(change, metadata=None):
    """The model file, changed by a function."""
    matrices = load_file("model.safetensors")
    with safe_open("model.safetensors", framework="np") as file:
        words = file.metadata()
    change(matrices)
    save_file(matrices, "edited.safetensors", words if metadata is None else metadata)
    return call("export.py", "edited.safetensors", "edited.json")


@pytest.mark.parametrize("kind", ["float32", "float16"])
def test_shorter_floats_come_back_as_the_numbers_that_they_are(folder, kind):
    def shorten(matrices):
        matrices["wte"] = matrices["wte"].astype(kind)

    assert edited(shorten).status == 0
    before = np.array(checkpoint.load("run.json").weights["wte"])
    returned = checkpoint.load_weights("edited.json").weights["wte"]
    assert np.array_equal(np.array(returned), before.astype(kind).astype("float64"))
    assert not np.array_equal(returned, before)


def test_numbers_that_are_not_finite_come_back(folder):
    def diverge(matrices):
        matrices["wte"][0, :3] = math.inf, -math.inf, math.nan

    assert edited(diverge).status == 0
    numbers = checkpoint.load_weights("edited.json").weights["wte"][0][:3]
    assert list(map(repr, numbers)) == ["inf", "-inf", "nan"]


# What is no model.


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m.pop("wpe"), "14 weight matrices for 2 layers"),
        (lambda m: m.update(more=m["wpe"]), "16 weight matrices for 2 layers"),
        (lambda m: m.update(wpe=m["wpe"][:3]), "wpe is not a matrix of 8 rows of 8 numbers"),
        (lambda m: m.update(wpe=m["wpe"].ravel()), "is damaged: "),
        (lambda m: m.update(whatever=m.pop("wte")), "is damaged: it has no 'wte'"),
        (lambda m: m.update(wte=m["wte"].astype(int)), "wte has numbers of type I64; save the"),
    ],
    ids=["missing", "more", "fewer rows", "flat", "other name", "whole numbers"],
)
def test_matrices_that_do_not_fit_together_are_refused(folder, change, said):
    result = edited(change)
    assert_refused(result, "edited.safetensors: ")
    assert said in result.err
    assert not (folder / "edited.json").exists()


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({}, "has no 'microgpt' in its metadata"),
        ({"format": "pt"}, "has no 'microgpt' in its metadata"),
        ({"microgpt": '{"vocabulary": "abc"}'}, "has no 'config' in its metadata"),
        ({"microgpt": "{"}, "is damaged: 'microgpt' in its metadata cannot be read"),
        ({"microgpt": "[1]"}, "is damaged: 'microgpt' in its metadata cannot be read"),
        ({"microgpt": '{"config": 3, "vocabulary": "abc"}'}, "is damaged: "),
    ],
    ids=str,
)
def test_metadata_that_do_not_say_what_it_is_are_refused(folder, metadata, said):
    assert_refused(edited(lambda matrices: None, metadata), f"edited.safetensors: {said}")


@pytest.mark.parametrize("length", [0, 5, 100, 3000])
def test_a_file_cut_short_is_refused(folder, length):
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "cut.safetensors").write_bytes(whole[:length])
    result = call("export.py", "cut.safetensors", "cut.json")
    assert_refused(result, "cut.safetensors: is damaged, or no safetensors file: ")


def test_where_a_checkpoint_is_wanted_the_error_says_who_makes_one(folder):
    result = call("sample.py", "--checkpoint", "model.safetensors")
    says = "--checkpoint model.safetensors: is not a checkpoint of this program; export.py can"
    assert_refused(result, says, "sample.py")


def test_a_file_that_is_not_there_is_refused(folder):
    result = call("export.py", "missing.safetensors", "model.json")
    assert_refused(result, "missing.safetensors: there is no such file")
    (folder / "folder.safetensors").mkdir()
    result = call("export.py", "folder.safetensors", "model.json")
    assert_refused(result, "folder.safetensors: is a directory")
    result = call("export.py", "missing.json", "other.safetensors")
    assert_refused(result, "missing.json: cannot be read: No such file or directory")


# The command.


@pytest.mark.parametrize(
    ("source", "target"), [("run.json", "model.json"), ("model.safetensors", "a.safetensors")]
)
def test_one_of_the_files_must_be_a_safetensors_file(folder, source, target):
    result = call("export.py", source, target)
    assert_refused(result, f"of {source} and {target}, one must end in .safetensors, and ")


@pytest.mark.parametrize(
    ("source", "target"), [("run.json", "model.safetensors"), ("model.safetensors", "run.json")]
)
def test_a_file_that_is_there_is_replaced_only_if_that_was_asked_for(folder, source, target):
    before = contents(folder)
    result = call("export.py", source, target)
    assert_refused(result, f"{target}: is there already; give another path, or --overwrite")
    assert contents(folder) == before
    assert call("export.py", source, target, "--overwrite").status == 0


def test_a_target_that_cannot_be_written_is_refused(folder):
    result = call("export.py", "run.json", "nowhere/model.safetensors")
    assert_refused(result, "nowhere/model.safetensors: there is no folder ")


def test_a_full_disk_is_one_line_and_leaves_nothing(folder, monkeypatch):
    def no_space(*arguments):
        raise OSError(28, "No space left on device")

    before = contents(folder)
    monkeypatch.setattr("os.fsync", no_space)
    result = call("export.py", "run.json", "other.safetensors")
    assert (result.status, result.err) == (
        1,
        "export.py: error: other.safetensors: cannot be written: No space left on device\n",
    )
    assert contents(folder) == before


def test_without_the_package_it_says_how_to_install_it(folder, monkeypatch):
    for name in ("safetensors", "safetensors.numpy"):
        monkeypatch.setitem(sys.modules, name, None)
    for files in (("run.json", "other.safetensors"), ("model.safetensors", "model.json")):
        result = call("export.py", *files)
        assert_refused(result, "this needs safetensors, which is not installed: ")
        assert "-m pip install 'safetensors[numpy]'\n" in result.err


def test_the_options_stand_in_the_readme():
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert "export.py run.json model.safetensors" in readme
    assert "| `--overwrite` " in readme.partition("## export.py")[2]
    assert export.ENDING in readme
