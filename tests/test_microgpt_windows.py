"""examples/microgpt: documents that are longer than the context, and `--chunk`, which reads all."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from microgpt_support import call

# isort: split
import checkpoint
import data
import training
from model import Config
from run import Training, new_run
from tokenizer import Tokenizer

POEM = ["the sea is calm tonight", "the tide is full", "ah", "love let us be true"]
RUN = ("--n-embd", 8, "--n-head", 2, "--samples", 2)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a poem of four lines, three of them longer than 16 tokens."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "poem.txt").write_text("\n".join(POEM))
    return tmp_path


# Cutting.


def test_a_document_of_ten_characters_in_windows_of_four_tokens():
    tokenizer = Tokenizer("abcdefghij")
    cut = [tokenizer.document(window) for window in data.windows(["abcdefghij"], 4)]
    bos = tokenizer.bos
    assert cut == [[bos, 0, 1, 2, 3], [3, 4, 5, 6, 7], [7, 8, 9, bos]]


@given(st.text("abc", min_size=1, max_size=40), st.integers(1, 50))
def test_every_token_is_predicted_once_by_at_most_so_many_positions(document, size):
    tokenizer = Tokenizer("abc")
    whole = tokenizer.document(document)
    cut = [tokenizer.document(window) for window in data.windows([document], size)]
    assert [token for tokens in cut for token in tokens[1:]] == whole[1:]
    assert all(2 <= len(tokens) <= size + 1 for tokens in cut)
    assert [tokens[0] for tokens in cut] == whole[: len(whole) - 1 : size]
    assert all(len(tokens) == size + 1 for tokens in cut[:-1])


@pytest.mark.parametrize("length", [1, 14, 15])
def test_a_document_that_fits_is_its_own_window(length):
    assert data.windows(["a" * length], 16) == ["a" * length]
    assert not data.is_longer("a" * length, 16)


@pytest.mark.parametrize("length", [16, 17, 500])
def test_one_that_does_not_is_longer(length):
    assert len(data.windows(["a" * length], 16)) == math.ceil((length + 1) / 16) > 1
    assert data.is_longer("a" * length, 16)


# Training on windows.


def test_where_all_documents_fit_chunk_changes_no_bit(folder):
    (folder / "names.txt").write_text("emma\nolivia\nava\nmia\n")
    for name, chunk in (("a.json", ()), ("b.json", ("--chunk",))):
        options = ("--data", "names.txt", *RUN, "--steps", 5, "--checkpoint", name)
        assert call("train.py", *options, *chunk).status == 0
    without, with_chunk = checkpoint.load("a.json"), checkpoint.load("b.json")
    assert (with_chunk.weights, with_chunk.losses) == (without.weights, without.losses)
    assert with_chunk.training == without.training | {"chunk": True}


def test_windows_are_trained_on_in_an_order_that_the_seed_draws(folder, monkeypatch):
    seen = []
    monkeypatch.setattr(
        training, "train_step", lambda model, adam, batch, workers: seen.extend(batch) or 1
    )
    call("train.py", "--data", "poem.txt", "--chunk", "--steps", 14, "--samples", 0)
    started = new_run("poem.txt", Config(), Training(chunk=True))
    windows = data.windows(POEM, 16)
    random.Random(42).shuffle(windows)
    assert len(windows) == 7
    assert seen == [started.tokenizer.document(window) for window in [*windows, *windows]]


def test_windows_are_held_out_also_of_a_single_document(folder):
    (folder / "book.txt").write_text(" ".join(POEM))
    options = ("--data", "book.txt", "--chunk", *RUN, "--steps", 3, "--val-fraction", 0.25)
    result = call("train.py", *options)
    assert result.status == 0
    assert "book.txt: 1 document in 4 windows (1 held out), " in result.err
    assert "3 steps of 1 window, " in result.err
    assert "the mean over 1 window\n" in result.err


def test_a_book_in_one_line_is_learnt_beyond_its_first_words(folder):
    # No letter of the second half occurs in the first 16, so only windows can teach it.
    (folder / "book.txt").write_text("a" * 16 + "xyz" * 16)
    losses = []
    for chunk in ((), ("--chunk",)):
        options = ("--data", "book.txt", "--steps", 120, "--samples", 0, "--checkpoint", "run.json")
        call("train.py", *RUN, *options, "--overwrite", *chunk)
        saved = checkpoint.load("run.json")
        window = data.windows(["a" * 16 + "xyz" * 16], 16)[2]
        model, tokens = saved.model(), saved.tokenizer.document(window)
        losses.append(training.document_loss(model, tokens).data)
    assert losses[1] < 0.7 < 2.0 < losses[0]


def test_a_resumed_run_goes_on_with_the_same_windows(folder):
    options = ("--data", "poem.txt", "--chunk", *RUN, "--steps", 10, "--checkpoint")
    call("train.py", *options, "whole.json")
    call("train.py", *options, "half.json", "--stop-at", 4)
    call("train.py", "--resume", "half.json", "--checkpoint", "half.json")
    assert (folder / "half.json").read_bytes() == (folder / "whole.json").read_bytes()


def test_chunk_contradicts_a_run_without_it(folder):
    options = ("--data", "poem.txt", *RUN, "--steps", 2, "--checkpoint", "run.json")
    call("train.py", *options)
    result = call("train.py", "--resume", "run.json", "--chunk")
    assert (result.status, result.out) == (2, "")
    assert result.err == (
        "train.py: error: --chunk contradicts run.json, which was trained without it; "
        "leave the option out\n"
    )


def test_a_checkpoint_from_before_there_was_chunk_is_one_without_it(folder):
    options = ("--data", "poem.txt", *RUN, "--steps", 6, "--checkpoint", "run.json")
    call("train.py", *options, "--stop-at", 3)
    text = (folder / "run.json").read_text()
    (folder / "run.json").write_text(text.replace(', "chunk": false', ""))
    assert text != (folder / "run.json").read_text()
    assert call("train.py", "--resume", "run.json", "--checkpoint", "run.json").status == 0
    assert checkpoint.load("run.json").training["chunk"] is False


# Saying what is cut off.


def test_it_says_how_many_documents_are_longer_than_the_context(folder):
    result = call("train.py", "--data", "poem.txt", *RUN, "--steps", 1)
    assert (
        "        3 of 4 documents are longer than 16 tokens: only their beginning is used; "
        "--block-size sees more at once, and --chunk reads them to the end\n"
    ) in result.err


@pytest.mark.parametrize("options", [("--block-size", 24), ("--chunk",)], ids=str)
def test_it_says_nothing_where_nothing_is_cut_off(folder, options):
    result = call("train.py", "--data", "poem.txt", *RUN, "--steps", 1, *options)
    assert "are longer than" not in result.err


def test_the_bundled_names_are_not_cut_off():
    assert not any(data.is_longer(name, Config().block_size) for name in data.load(data.BUNDLED))
