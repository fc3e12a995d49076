"""examples/microgpt: the model, against mathematics, and the run that was published."""

import hashlib
import math
import os
import random
from pathlib import Path

import numpy as np
import pytest
from effort import long, long_in_python
from microgpt_support import engines, expected, finished_run

# isort: split
import data
import model
from model import GPT, Config, document_loss, empty_cache, gpt, new_gpt, parameter_count, shapes
from training import train_step

import scalargrad as sg
from scalargrad import nn, optim

SMALL = Config(n_layer=2, n_embd=6, n_head=3, block_size=5)
TOKENS = [4, 0, 3, 1, 1, 4]  # a document of four characters, with BOS = 4 at both ends


def small_model(seed: int = 1, std: float = 0.5) -> GPT:
    """A model whose weights are large enough for every part of it to matter."""
    rng = random.Random(seed)
    weights = {
        name: nn.matrix(rows, columns, std=std, rng=rng)
        for name, rows, columns in shapes(SMALL, vocab_size=5)
    }
    return GPT(SMALL, weights)


def all_logits(model: GPT, tokens: list[int]) -> list[list[float]]:
    cache = empty_cache(model.config)
    rows = [gpt(model, token, i, cache) for i, token in enumerate(tokens)]
    return [[logit.data for logit in row] for row in rows]


def numpy_logits(model: GPT, tokens: list[int]) -> np.ndarray:
    """The same GPT as matrix algebra: all positions at once, with a causal mask."""
    config = model.config
    w = {
        name: np.array([[value.data for value in row] for row in matrix])
        for name, matrix in model.weights.items()
    }
    n, heads, size = len(tokens), config.n_head, config.n_embd // config.n_head

    def norm(x):
        return x / np.sqrt((x**2).mean(axis=1, keepdims=True) + 1e-5)

    x = norm(w["wte"][tokens] + w["wpe"][:n])
    for layer in range(config.n_layer):
        h = norm(x)
        q, k, v = (
            (h @ w[f"layer{layer}.attn_w{name}"].T).reshape(n, heads, size) for name in "qkv"
        )
        scores = np.einsum("ihd,jhd->hij", q, k) / np.sqrt(size)
        scores = np.where(np.tril(np.ones((n, n))) == 1, scores, -np.inf)
        p = np.exp(scores - scores.max(axis=2, keepdims=True))
        p /= p.sum(axis=2, keepdims=True)
        found = np.einsum("hij,jhd->ihd", p, v).reshape(n, config.n_embd)
        x = x + found @ w[f"layer{layer}.attn_wo"].T
        hidden = np.maximum(norm(x) @ w[f"layer{layer}.mlp_fc1"].T, 0)
        x = x + hidden @ w[f"layer{layer}.mlp_fc2"].T
    return x @ w["lm_head"].T


# Sizes.


def test_the_default_model_has_4192_parameters():
    assert parameter_count(new_gpt(Config(), vocab_size=27, rng=random.Random(0))) == 4192


@pytest.mark.parametrize("config", [Config(), SMALL, Config(n_layer=3, n_embd=2, n_head=1)])
def test_a_model_has_at_most_so_many_parameters(config, monkeypatch):
    rng = random.Random(0)
    count = parameter_count(new_gpt(config, vocab_size=7, rng=rng))
    monkeypatch.setattr(model, "LARGEST", count)
    new_gpt(config, vocab_size=7, rng=rng)
    monkeypatch.setattr(model, "LARGEST", count - 1)
    with pytest.raises(ValueError, match=f"has more than {count - 1:,} parameters"):
        new_gpt(config, vocab_size=7, rng=rng)


def test_the_matrices_are_drawn_in_the_published_order():
    assert [name for name, _, _ in shapes(Config(), vocab_size=27)] == [
        "wte",
        "wpe",
        "lm_head",
        "layer0.attn_wq",
        "layer0.attn_wk",
        "layer0.attn_wv",
        "layer0.attn_wo",
        "layer0.mlp_fc1",
        "layer0.mlp_fc2",
    ]


def test_weights_are_gauss_draws_row_by_row():
    model = new_gpt(Config(), vocab_size=27, rng=random.Random(5))
    rng = random.Random(5)
    for matrix in model.weights.values():
        for row in matrix:
            assert [weight.data for weight in row] == [rng.gauss(0, 0.08) for _ in row]


@pytest.mark.parametrize("name", ["n_layer", "n_embd", "n_head", "block_size"])
@pytest.mark.parametrize("value", [0, -1, 1.0, True, "4"])
def test_a_size_is_a_whole_number_from_1_up(name, value):
    with pytest.raises(ValueError, match=f"^{name} must be a whole number from 1 up, got"):
        Config(**{name: value})


def test_heads_share_the_embedding_equally():
    with pytest.raises(ValueError, match=r"^n_embd must be a multiple of n_head, which is 4.*10$"):
        Config(n_embd=10, n_head=4)


# The forward pass.


def test_logits_are_those_of_the_textbook_formula():
    model = small_model()
    np.testing.assert_allclose(
        all_logits(model, TOKENS[:-1]), numpy_logits(model, TOKENS[:-1]), rtol=1e-12, atol=1e-13
    )


def test_a_position_sees_those_before_it_and_none_after():
    model = small_model()
    before = all_logits(model, [4, 0, 3, 1])
    after = all_logits(model, [4, 0, 2, 1])
    assert before[:2] == after[:2]
    assert before[2] != after[2]
    assert before[3] != after[3]


def test_a_cache_is_used_by_one_document_only():
    model = small_model()
    assert all_logits(model, [4, 0, 3]) == all_logits(model, [4, 0, 3])


def test_no_graph_is_recorded_under_no_grad():
    with sg.no_grad():
        logits = gpt(small_model(), 4, 0, empty_cache(SMALL))
    assert all(logit.parents == () for logit in logits)


# The loss.


def test_with_all_weights_zero_the_loss_is_ln_27():
    weights = {
        name: tuple(nn.vector([0.0] * columns) for _ in range(rows))
        for name, rows, columns in shapes(Config(), vocab_size=27)
    }
    loss = document_loss(GPT(Config(), weights), [26, 4, 12, 12, 0, 26])
    assert loss.data == pytest.approx(math.log(27), rel=1e-15)


def test_the_loss_is_the_mean_cross_entropy_of_the_next_tokens():
    model = small_model()
    logits = numpy_logits(model, TOKENS[:-1])
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    mean = -np.mean([log_p[i, target] for i, target in enumerate(TOKENS[1:])])
    assert document_loss(model, TOKENS).data == pytest.approx(mean, rel=1e-12)


def test_a_longer_document_is_read_as_far_as_the_context_goes():
    model = small_model()
    longer = [4, 0, 3, 1, 1, 2, 2, 2, 4]
    beginning = longer[: SMALL.block_size + 1]
    assert document_loss(model, longer).data == document_loss(model, beginning).data


@pytest.mark.parametrize("name", [name for name, _, _ in shapes(SMALL, vocab_size=5)])
def test_gradients_are_the_slopes_of_the_loss(name):
    model = small_model()
    document_loss(model, TOKENS).backward()
    row = 4 if name == "wte" else 1
    for column in (0, 5):
        weight = model.weights[name][row][column]
        value, step = weight.data, 1e-6
        losses = []
        for moved in (value + step, value - step):
            weight.data = moved
            losses.append(document_loss(model, TOKENS).data)
        weight.data = value
        assert weight.grad == pytest.approx(
            (losses[0] - losses[1]) / (2 * step), rel=1e-5, abs=1e-8
        )


# A step of training.


def test_a_step_on_a_batch_uses_the_mean_loss_and_the_mean_gradient():
    documents = [[4, 0, 3, 4], [4, 1, 4], [4, 2, 2, 1, 0, 4]]
    model, alone = small_model(), [small_model() for _ in documents]
    losses = [document_loss(copy, tokens) for copy, tokens in zip(alone, documents)]
    for loss in losses:
        loss.backward()
    mean = train_step(model, optim.Adam(model.weights.values(), lr=0.0), documents)

    assert mean == pytest.approx(sum(loss.data for loss in losses) / 3, rel=1e-14)
    for name, matrix in model.weights.items():
        for i, row in enumerate(matrix):
            gradients = [[value.grad for value in copy.weights[name][i]] for copy in alone]
            means = [sum(column) / 3 for column in zip(*gradients)]
            assert [value.grad for value in row] == pytest.approx(means, rel=1e-10, abs=1e-15)


def test_a_step_starts_from_gradients_of_zero():
    once, twice = small_model(), small_model()
    train_step(once, optim.Adam(once.weights.values(), lr=0.0), [TOKENS])
    optimizer = optim.Adam(twice.weights.values(), lr=0.0)
    for _ in range(2):
        train_step(twice, optimizer, [TOKENS])
    for name, matrix in once.weights.items():
        for row, other in zip(matrix, twice.weights[name]):
            assert [value.grad for value in row] == [value.grad for value in other]


def test_a_loss_that_is_not_finite_changes_no_weight():
    model = small_model()
    model.weights["lm_head"][0][0].data = math.nan
    before = all_weights(model)
    loss = train_step(model, optim.Adam(model.weights.values()), [TOKENS])
    assert math.isnan(loss)
    np.testing.assert_array_equal(all_weights(model), before)


def all_weights(model: GPT) -> list[float]:
    return [value.data for matrix in model.weights.values() for row in matrix for value in row]


def test_training_learns_a_document_by_heart():
    model = small_model(std=0.08)
    optimizer = optim.Adam(model.weights.values(), lr=0.03)
    losses = [train_step(model, optimizer, [TOKENS]) for _ in range(60)]
    assert losses[0] == pytest.approx(math.log(5), rel=0.05)
    assert losses[-1] < 0.1


# The published run.


@pytest.fixture(params=engines())
def engine_name(request):
    return request.param


def published_list() -> Path:
    """The list of the published run, which is not ours to keep beside the tests."""
    path = Path(os.environ.get("SCALARGRAD_MAKEMORE_NAMES") or data.makemore_path())
    if not path.is_file():
        pytest.skip(
            f"the published list is not at {path}: run `train.py --data makemore` once, "
            "or set SCALARGRAD_MAKEMORE_NAMES to its path"
        )
    assert hashlib.sha256(path.read_bytes()).hexdigest() == data.MAKEMORE_SHA256
    return path


@long_in_python
def test_the_default_run_has_the_reference_losses(engine_name):
    losses = finished_run(engine_name).losses
    assert len(losses) == 1000
    for step, loss in expected("microgpt_bundled.json")["loss"].items():
        assert losses[int(step)] == pytest.approx(loss, rel=1e-12), f"step {step}"


@long_in_python
def test_the_default_run_prints_the_20_reference_names(engine_name):
    result = finished_run(engine_name).result
    assert result.samples == expected("microgpt_bundled.json")["samples"]


@long
def test_every_engine_gives_the_same_bits():
    checkpoints = {finished_run(engine).checkpoint for engine in engines()}
    assert len(checkpoints) == 1


@long_in_python
def test_the_published_run_is_reproduced_on_the_published_list(engine_name):
    path = published_list()
    run = finished_run(engine_name, "--data", str(path))
    reference = expected("microgpt_published.json")
    for step, loss in reference["loss"].items():
        assert run.losses[int(step)] == pytest.approx(loss, abs=5.1e-5), f"step {step}"
    assert run.result.samples == reference["samples"]
