"""The microGPT in PyTorch is the microGPT of the example, weight by weight and step by step."""

import math
import random
import subprocess
import sys
from pathlib import Path

import pytest
from effort import long

pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("safetensors", reason="safetensors is not installed")

import microgpt_support  # finds the modules of the example

# isort: split
import checkpoint
import export
from checkpoint import Weights, weights_of
from model import Config, document_loss, new_gpt
from run import Training, new_optimizer
from training import learning_rate, train_step

EXAMPLES = Path(__file__).parents[1] / "examples"
CONFIGS = [
    Config(),
    Config(n_layer=3, n_embd=8, n_head=2, block_size=5),
    Config(n_layer=2, n_embd=6, n_head=1, block_size=9),
]
every_config = pytest.mark.parametrize("config", CONFIGS, ids=lambda config: f"{config.n_layer}x")


@pytest.fixture
def theirs(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import microgpt_in_torch

    microgpt_in_torch.torch.set_num_threads(1)
    return microgpt_in_torch


def gpt(config):
    """A model whose numbers are large enough to matter, and a document as long as its context."""
    rng = random.Random(1)
    model = new_gpt(config, 11, rng)
    for matrix in model.weights.values():
        for row in matrix:
            for weight in row:
                weight.data *= 5.0
    return model, [10, *(rng.randrange(10) for _ in range(config.block_size - 1)), 10]


@pytest.fixture
def carried_over(theirs, tmp_path):
    """Carries a model of ours to PyTorch, in a file."""

    def carry(model):
        path = str(tmp_path / "model.safetensors")
        vocabulary = "abcdefghij"
        weights = weights_of(model)
        export.write(path, Weights(config=model.config, vocabulary=vocabulary, weights=weights))
        gpt, tokenizer = theirs.load(path)
        assert tokenizer.characters == vocabulary
        return gpt

    return carry


def largest_difference(gpt, model, part):
    """Between the numbers of the weights, or of their gradients, of the two models."""
    matrices = dict(gpt.named_parameters())
    assert matrices.keys() == model.weights.keys()
    return max(
        abs(number - getattr(value, part))
        for name, matrix in model.weights.items()
        for values, row in zip(matrix, getattr(matrices[name], part).tolist())
        for value, number in zip(values, row)
    )


@every_config
def test_the_logits_are_equal_to_rounding(theirs, carried_over, config):
    model, tokens = gpt(config)
    assert theirs.largest_difference(model, carried_over(model), tokens[:-1]) <= 1e-12


@every_config
def test_the_gradients_are_equal_to_rounding(theirs, carried_over, config):
    model, tokens = gpt(config)
    loss = document_loss(model, tokens)
    loss.backward()
    carried = carried_over(model)
    same_loss = theirs.document_loss(carried, tokens)
    same_loss.backward()
    assert abs(same_loss.item() - loss.data) <= 1e-12
    assert largest_difference(carried, model, "grad") <= 1e-10


def test_a_hundred_steps_of_adam_are_the_same_side_by_side(theirs, carried_over):
    model, _ = gpt(CONFIGS[0])
    carried = carried_over(model)
    rng = random.Random(3)
    documents = [
        [10, *(rng.randrange(10) for _ in range(rng.randrange(1, 30))), 10] for _ in range(37)
    ]
    training = Training(steps=100)
    adam = new_optimizer(model, training)
    ours = []
    for step in range(100):
        adam.lr = learning_rate(training, step)
        ours.append(train_step(model, adam, [documents[step % len(documents)]]))
    losses = theirs.train(carried, documents, steps=100)
    assert max(abs(a - b) for a, b in zip(losses, ours)) <= 1e-9
    assert largest_difference(carried, model, "data") <= 1e-9
    assert losses[-1] < losses[0]


def test_a_weight_that_differs_is_noticed(theirs, carried_over):
    model, tokens = gpt(CONFIGS[0])
    carried = carried_over(model)
    model.weights["layer0.attn_wv"][3][5].data += 1e-6
    assert theirs.largest_difference(model, carried, tokens[:-1]) > 1e-9


def test_what_is_saved_there_comes_back_with_every_bit(theirs, carried_over, tmp_path):
    model, tokens = gpt(CONFIGS[1])
    carried = carried_over(model)
    theirs.train(carried, [tokens], steps=2)
    path = str(tmp_path / "back.safetensors")
    theirs.save(path, carried, theirs.Tokenizer("abcdefghij"))
    returned = export.read(path)
    assert (returned.config, returned.vocabulary) == (CONFIGS[1], "abcdefghij")
    assert largest_difference(carried, returned.model(), "data") == 0.0
    assert returned.weights != weights_of(model)


def test_a_new_model_there_has_small_random_weights(theirs):
    fresh = theirs.GPT(Config(), 27)
    numbers = [x for p in fresh.parameters() for row in p.tolist() for x in row]
    assert len(numbers) == 4192
    assert math.sqrt(sum(x * x for x in numbers) / 4192) == pytest.approx(0.08, rel=0.1)


# The command.


def command(*words):
    program = [sys.executable, str(EXAMPLES / "microgpt_in_torch.py")]
    return subprocess.run([*program, *map(str, words)], capture_output=True, text=True)


@long
def test_the_commands_carry_a_run_there_and_back(tmp_path):
    run, model, tuned, back = (
        tmp_path / name for name in ("run.json", "a.safetensors", "b.safetensors", "back.json")
    )
    trained = microgpt_support.run("train.py", "--steps", "2", "--checkpoint", run)
    assert trained.status == 0, trained.err
    assert microgpt_support.run("export.py", run, model).status == 0
    done = command(model, "--steps", 3, "--save", tuned)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith("4,192 weights carried over; the logits differ by at most ")
    assert float(first.split()[-1]) <= 1e-12
    assert second.startswith("3 steps: loss ")
    assert microgpt_support.run("export.py", tuned, back).status == 0
    assert checkpoint.load_weights(str(back)).weights != checkpoint.load(str(run)).weights
    samples = microgpt_support.run("sample.py", "--checkpoint", back, "--samples", 2)
    assert (samples.status, len(samples.samples)) == (0, 2)


@long
def test_a_file_that_is_no_model_is_one_line(tmp_path):
    (tmp_path / "names.txt").write_text("emma\n")
    done = command(tmp_path / "names.txt")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"microgpt_in_torch.py: error: {tmp_path}/names.txt: is damaged,")
    assert done.stderr.count("\n") == 1
