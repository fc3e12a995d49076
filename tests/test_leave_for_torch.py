"""The microGPT in PyTorch is the microGPT of the example, weight by weight and logit by logit."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import microgpt_support  # finds the modules of the example
from checkpoint import weights_of
from model import Config, document_loss, new_gpt

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


@every_config
def test_the_logits_are_equal_to_rounding(theirs, config):
    model, tokens = gpt(config)
    weights = theirs.carried_over(weights_of(model))
    assert theirs.largest_difference(model, weights, tokens[:-1]) <= 1e-12


@every_config
def test_the_gradients_are_equal_to_rounding(theirs, config):
    from torch.nn.functional import cross_entropy

    model, tokens = gpt(config)
    document_loss(model, tokens).backward()
    weights = theirs.carried_over(weights_of(model))
    logits = theirs.gpt(weights, config, tokens[:-1])
    cross_entropy(logits, logits.new_tensor(tokens[1:]).long()).backward()
    for name, matrix in model.weights.items():
        ours = [[weight.grad for weight in row] for row in matrix]
        assert (weights[name].grad - logits.new_tensor(ours)).abs().max() <= 1e-12, name


def test_a_weight_that_differs_is_noticed(theirs):
    model, tokens = gpt(CONFIGS[0])
    weights = theirs.carried_over(weights_of(model))
    model.weights["layer0.attn_wv"][3][5].data += 1e-6
    assert theirs.largest_difference(model, weights, tokens[:-1]) > 1e-9


def test_the_command_carries_a_checkpoint_over(tmp_path):
    path = str(tmp_path / "run.json")
    trained = microgpt_support.run("train.py", "--steps", "2", "--checkpoint", path)
    assert trained.status == 0, trained.err
    command = [sys.executable, str(EXAMPLES / "microgpt_in_torch.py"), path]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed.startswith("4,192 weights carried over; the logits differ by at most ")
    assert float(printed.split()[-1]) <= 1e-12
