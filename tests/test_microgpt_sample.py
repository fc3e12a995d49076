"""examples/microgpt/sample.py: drawing tokens, and the command."""

import math
import random
import signal
import subprocess

import pytest
from microgpt_support import FOLDER, TINY, call, command, contents, run, start

# isort: split
from errors import RunError
from model import GPT, Config, new_gpt, shapes
from sample import choose, generate
from tokenizer import Tokenizer

from scalargrad import Vector, nn

LOGITS = Vector([1.0, 3.0, -2.0, 2.5])


class Recorder:
    """Stands in for random numbers, and keeps what they are asked to choose from."""

    def choices(self, tokens, weights):
        self.weights = dict(zip(tokens, weights))
        return [tokens[0]]


# Choosing a token.


@pytest.mark.parametrize("temperature", [0.1, 0.5, 1.0, 3.0])
def test_tokens_are_drawn_with_the_softmax_of_logits_over_temperature(temperature):
    rng = Recorder()
    choose(LOGITS, rng, temperature)
    odds = [math.exp(logit.data / temperature) for logit in LOGITS]
    expected = {token: odd / sum(odds) for token, odd in enumerate(odds)}
    assert rng.weights == pytest.approx(expected, rel=1e-12)


def test_temperature_0_takes_the_likeliest_token():
    assert choose(LOGITS, random.Random(0), temperature=0.0) == 1


def test_a_tiny_temperature_comes_to_the_same():
    assert choose(LOGITS, random.Random(0), temperature=5e-324) == 1


def test_top_k_leaves_the_k_likeliest_in_their_proportions():
    rng = Recorder()
    choose(LOGITS, rng, temperature=1.0, top_k=2)
    assert rng.weights == pytest.approx(
        {1: 1 / (1 + math.exp(-0.5)), 3: 1 / (1 + math.exp(0.5))}, rel=1e-12
    )


def test_top_1_is_greedy():
    assert {choose(LOGITS, random.Random(i), temperature=9.0, top_k=1) for i in range(50)} == {1}


@pytest.mark.parametrize("top_k", [4, 1000])
def test_top_k_of_all_tokens_changes_nothing(top_k):
    draws = [
        [choose(LOGITS, rng, temperature=1.0, top_k=k) for _ in range(50)]
        for k, rng in ((None, random.Random(3)), (top_k, random.Random(3)))
    ]
    assert draws[0] == draws[1]


# Generating a document.

SMALL = Config(n_layer=1, n_embd=8, n_head=2, block_size=6)


def test_a_sample_is_at_most_as_long_as_the_context():
    model = new_gpt(SMALL, vocab_size=27, rng=random.Random(0))
    tokenizer = Tokenizer("abcdefghijklmnopqrstuvwxyz")
    rng = random.Random(0)
    lengths = {len(generate(model, tokenizer, rng, temperature=1.0)) for _ in range(60)}
    assert max(lengths) == SMALL.block_size


def test_a_sample_ends_at_bos():
    weights = {
        name: tuple(nn.vector([1.0] * columns) for _ in range(rows))
        for name, rows, columns in shapes(SMALL, vocab_size=3)
    }
    # Every position gives the logits [-8, -8, 8]: the model has nothing to say but BOS.
    weights["lm_head"] = tuple(nn.vector([sign] * 8) for sign in (-1.0, -1.0, 1.0))
    assert generate(GPT(SMALL, weights), Tokenizer("ab"), random.Random(0), 0.5) == ""
    assert generate(GPT(SMALL, weights), Tokenizer("ab"), random.Random(0), 0.5, None, "ab") == "ab"


def test_a_model_that_diverged_says_so():
    weights = {
        name: tuple(nn.vector([math.nan] * columns) for _ in range(rows))
        for name, rows, columns in shapes(SMALL, vocab_size=3)
    }
    with pytest.raises(RunError, match="logits are not finite, since its training diverged"):
        generate(GPT(SMALL, weights), Tokenizer("ab"), random.Random(0))


# The command.


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A checkpoint of a short run."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "names.txt").write_text("emma\nolivia\nava\nmia\nleo\n")
    files = ("--data", folder / "names.txt", "--checkpoint", folder / "run.json")
    assert call("train.py", *TINY, *files, "--steps", 40, "--samples", 0).status == 0
    return folder / "run.json"


def test_20_samples_are_printed_one_per_line_and_nothing_else(trained):
    result = run("sample.py", "--checkpoint", trained)
    assert (result.status, result.err) == (0, "")
    assert len(result.samples) == 20
    assert set("".join(result.samples)) <= set("emaolivi")


def test_the_seed_decides_the_samples(trained):
    default, again, other = (
        call("sample.py", "--checkpoint", trained, *seed).samples
        for seed in ((), ("--seed", 42), ("--seed", 43))
    )
    assert default == again != other


def test_as_many_samples_as_asked_for(trained):
    assert len(call("sample.py", "--checkpoint", trained, "--samples", 3).samples) == 3
    assert call("sample.py", "--checkpoint", trained, "--samples", 0).out == ""


def test_every_sample_begins_with_the_prompt(trained):
    result = call("sample.py", "--checkpoint", trained, "--prompt", "oli")
    assert all(sample.startswith("oli") for sample in result.samples)


def test_the_longest_prompt_leaves_room_for_one_token(trained):
    result = call("sample.py", "--checkpoint", trained, "--prompt", "olivial")  # 7 of 8
    assert result.status == 0
    assert {len(sample) for sample in result.samples} <= {7, 8}


@pytest.mark.parametrize("options", [("--temperature", 0), ("--top-k", 1)], ids=str)
def test_greedy_samples_are_all_the_same(trained, options):
    result = call("sample.py", "--checkpoint", trained, *options)
    assert len(result.samples) == 20
    assert len(set(result.samples)) == 1


def test_sampling_changes_no_file(trained):
    before = contents(trained.parent)
    call("sample.py", "--checkpoint", trained)
    assert contents(trained.parent) == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--temperature -0.5", "argument --temperature: must be a finite number from 0 up"),
        ("--temperature nan", "argument --temperature: must be a finite number from 0 up"),
        ("--top-k 0", "argument --top-k: must be a whole number from 1 up, got '0'"),
        ("--samples -1", "argument --samples: must be a whole number from 0 up, got '-1'"),
        ("--seed x", "argument --seed: must be a whole number, got 'x'"),
        ("--prompt emmy", "--prompt 'emmy': 'y' not in the vocabulary, which is 'aeilmov'"),
        (
            "--prompt oliviaol",
            "8 characters are too long for a context of 8 tokens; give at most 7",
        ),
    ],
)
def test_bad_input_gives_one_line_and_status_2(trained, options, said):
    result = call("sample.py", "--checkpoint", trained, *options.split())
    assert result.status == 2
    assert result.out == ""
    assert result.err.startswith("sample.py: error: ")
    assert said in result.err
    assert result.err.count("\n") == 1


def test_a_checkpoint_is_required():
    result = call("sample.py")
    assert result.status == 2
    assert result.err == ("sample.py: error: the following arguments are required: --checkpoint\n")


def test_a_reader_that_has_seen_enough_is_no_error(trained):
    with start("sample.py", "--checkpoint", trained, "--samples", 100_000) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 0


def test_ctrl_c_is_one_line_and_status_130(trained):
    with start("sample.py", "--checkpoint", trained, "--samples", 10**9) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        while process.stdout.read(2**16):
            pass
        assert process.stderr.read() == "sample.py: interrupted\n"
        assert process.wait() == 130


def test_every_option_stands_in_the_help_and_in_the_readme():
    asked = run("sample.py", "--help")
    assert (asked.status, asked.err) == (0, "")
    readme = (FOLDER / "README.md").read_text(encoding="utf-8").partition("## sample.py")[2]
    for option in ("--checkpoint", "--samples", "--temperature", "--top-k", "--prompt", "--seed"):
        assert f"  {option} " in asked.out
        assert f"| `{option} " in readme


def test_it_is_found_from_any_folder(trained, tmp_path):
    done = subprocess.run(
        command("sample.py", "--checkpoint", trained, "--samples", 1), cwd=tmp_path
    )
    assert done.returncode == 0
