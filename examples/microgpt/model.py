"""The GPT: a token goes in, the logits of the token after it come out.

    >>> import random
    >>> model = new_gpt(Config(), vocab_size=27, rng=random.Random(42))
    >>> logits = gpt(model, token_id=26, position_id=0, cache=empty_cache(model.config))
    >>> len(logits)
    27

A GPT reads a document token by token. Each token becomes a row of n_embd numbers. Every layer adds
to that row twice: attention adds what it finds at earlier positions, and a small network, the MLP,
adds what it makes of the row by itself. At the end, the row is compared with every token of the
vocabulary: the better the match, the higher that token's logit.

Every number here is a scalargrad Value, so `document_loss(...).backward()` finds the derivative of
the loss by each parameter. The rows are Vectors. They compute number by number, and `nn.linear` and
its kin work on whole rows: the same arithmetic as one scalar at a time, and much faster.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence

from record import Record

from scalargrad import Value, Vector, nn

# --8<-- [start:sizes]
Matrix = tuple[Vector, ...]
LARGEST = 100_000_000  # parameters: they take 13 GB, and seconds for a step


class Config(Record):
    """The sizes of a GPT."""

    n_layer: int  # how often attention and MLP are repeated
    n_embd: int  # the width of the row that a token becomes
    n_head: int  # how many places each attention looks at, at once
    block_size: int  # how many positions the model can see: its context

    # --8<-- [end:sizes]
    # --8<-- [start:checks]
    def __init__(
        self, n_layer: int = 1, n_embd: int = 16, n_head: int = 4, block_size: int = 16
    ) -> None:
        sizes = {"n_layer": n_layer, "n_embd": n_embd, "n_head": n_head, "block_size": block_size}
        for name, size in sizes.items():
            if type(size) is not int or size < 1:
                raise ValueError(f"{name} must be a whole number from 1 up, got {size!r}")
        if n_embd % n_head:
            raise ValueError(
                f"n_embd must be a multiple of n_head, which is {n_head}, "
                f"so that every head gets the same share of a row; got {n_embd}"
            )
        vars(self).update(sizes)

    # --8<-- [end:checks]


# --8<-- [start:weights]
class GPT:
    """A model: its sizes and its weights, each a matrix with a name."""

    def __init__(self, config: Config, weights: dict[str, Matrix]) -> None:
        self.config = config
        self.weights = weights
        prefixes = [f"layer{i}." for i in range(config.n_layer)]
        self.layers = [  # the same weights, layer by layer
            {name.removeprefix(p): m for name, m in weights.items() if name.startswith(p)}
            for p in prefixes
        ]

    @property
    def vocab_size(self) -> int:
        return len(self.weights["wte"])


def shapes(config: Config, vocab_size: int) -> Iterator[tuple[str, int, int]]:
    """The name, rows and columns of each matrix, in the order in which they are drawn."""
    n_embd = config.n_embd
    yield "wte", vocab_size, n_embd  # token embeddings
    yield "wpe", config.block_size, n_embd  # position embeddings
    yield "lm_head", vocab_size, n_embd
    for layer in range(config.n_layer):
        yield f"layer{layer}.attn_wq", n_embd, n_embd
        yield f"layer{layer}.attn_wk", n_embd, n_embd
        yield f"layer{layer}.attn_wv", n_embd, n_embd
        yield f"layer{layer}.attn_wo", n_embd, n_embd
        yield f"layer{layer}.mlp_fc1", 4 * n_embd, n_embd
        yield f"layer{layer}.mlp_fc2", n_embd, 4 * n_embd


def new_gpt(config: Config, vocab_size: int, rng: random.Random) -> GPT:
    """A model that knows nothing yet: small random weights, no biases."""
    in_layers = config.n_layer * 12 * config.n_embd**2
    elsewhere = (2 * vocab_size + config.block_size) * config.n_embd
    if in_layers + elsewhere > LARGEST:
        raise ValueError(
            f"a GPT of these sizes has more than {LARGEST:,} parameters; give smaller ones"
        )
    weights = {
        name: nn.matrix(nout, nin, std=0.08, rng=rng)
        for name, nout, nin in shapes(config, vocab_size)
    }
    return GPT(config, weights)


def parameter_count(model: GPT) -> int:
    return sum(len(row) for matrix in model.weights.values() for row in matrix)


# --8<-- [end:weights]
# --8<-- [start:gpt]
class LayerCache:
    """What the attention of one layer remembers of the positions so far: its key/value cache.

    `keys[h]` and `values[h]` are those of head h, one row per position. They are stored once per
    position and used at every later one. `heads[h]` is the part of a row that head h works on.
    """

    def __init__(self, config: Config) -> None:
        width = config.n_embd // config.n_head
        self.heads = [slice(i * width, (i + 1) * width) for i in range(config.n_head)]
        self.keys: list[list[Vector]] = [[] for _ in self.heads]
        self.values: list[list[Vector]] = [[] for _ in self.heads]


def empty_cache(config: Config) -> list[LayerCache]:
    """The cache before the first position: one for each layer."""
    return [LayerCache(config) for _ in range(config.n_layer)]


def gpt(model: GPT, token_id: int, position_id: int, cache: Sequence[LayerCache]) -> Vector:
    """The logits of the token that follows `token_id` at `position_id`.

    The cache holds what the layers computed at the positions before; this call adds its own.
    """
    x = nn.rmsnorm(model.weights["wte"][token_id] + model.weights["wpe"][position_id])
    for layer, layer_cache in zip(model.layers, cache):
        x = attention(layer, x, layer_cache)
        x = mlp(layer, x)
    return nn.linear(x, model.weights["lm_head"])


# --8<-- [end:gpt]
# --8<-- [start:attention]
def attention(layer: dict[str, Matrix], x: Vector, cache: LayerCache) -> Vector:
    """Add to x what earlier positions have to say.

    Each head asks a question (its query), compares it with the key of every position up to this
    one, and takes the average of the values there, weighted by how well the keys match.
    """
    normed = nn.rmsnorm(x)
    head_dim = len(x) // len(cache.heads)
    scale = 1 / math.sqrt(head_dim)  # keeps the logits' size independent of head_dim
    query = nn.linear(normed, layer["attn_wq"]) * scale
    key = nn.linear(normed, layer["attn_wk"])
    value = nn.linear(normed, layer["attn_wv"])
    found = []
    for head, keys, values in zip(cache.heads, cache.keys, cache.values):
        keys.append(key[head])
        values.append(value[head])
        attention_weights = nn.softmax(nn.linear(query[head], keys))  # one per position
        found.append(nn.weighted_sum(attention_weights, values))
    # With x in the place of the bias, linear adds the residual connection in the same node.
    return nn.linear(nn.concatenate(found), layer["attn_wo"], x)


# --8<-- [end:attention]
# --8<-- [start:mlp]
def mlp(layer: dict[str, Matrix], x: Vector) -> Vector:
    """Add to x what a two-layer network, four times as wide in between, makes of it."""
    hidden = nn.linear(nn.rmsnorm(x), layer["mlp_fc1"]).relu()
    return nn.linear(hidden, layer["mlp_fc2"], x)


# --8<-- [end:mlp]
# --8<-- [start:loss]
def document_loss(model: GPT, tokens: Sequence[int]) -> Value:
    """How surprised the model is by a document: the mean cross-entropy per token, in nats.

    At each position it sees the tokens up to there and is asked for the next. A document that is
    longer than the context is read only as far as the context goes.
    """
    n = min(model.config.block_size, len(tokens) - 1)
    cache = empty_cache(model.config)
    losses = [
        nn.cross_entropy(gpt(model, tokens[i], i, cache), target=tokens[i + 1]) for i in range(n)
    ]
    return Vector(losses).mean()


# --8<-- [end:loss]
