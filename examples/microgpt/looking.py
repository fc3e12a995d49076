"""What a model looks at while it reads: the attention weights, as its graph remembers them.

    >>> import random
    >>> from model import Config, new_gpt
    >>> model = new_gpt(Config(n_head=2), vocab_size=3, rng=random.Random(42))
    >>> [[len(row) for row in head] for head in attention(model, [2, 0, 1])]
    [[1, 2, 3], [1, 2, 3]]
    >>> round(sum(attention(model, [2, 0, 1])[0][2]), 12)  # shared among the three positions
    1.0

The pictures of the documentation are made of these numbers, and so are those of its playground.
"""

from __future__ import annotations

from collections.abc import Sequence

from model import GPT, empty_cache, gpt


def attention(model: GPT, tokens: Sequence[int]) -> list[list[list[float]]]:
    """For each head of the last layer, one row per position: how much it takes from each so far.

    Nothing in the model has to be changed to see these numbers. A logit was made by `linear` from a
    row x and a row of lm_head; x by the MLP's second `linear`, whose last parent is x before the
    MLP; that by attention's last `linear`, whose parents begin with what the heads found,
    concatenated; and each head found it by `weighted_sum`, whose parents begin with the attention
    weights.
    """
    config, cache = model.config, empty_cache(model.config)
    heads: list[list[list[float]]] = [[] for _ in range(config.n_head)]
    for position, token in enumerate(tokens):
        logits = gpt(model, token, position, cache)
        before_mlp = logits[0].parents[0].parents[-1]
        found = before_mlp.parents[: config.n_embd]
        for rows, number in zip(heads, found[:: config.n_embd // config.n_head]):
            (weighted_sum,) = number.parents
            rows.append([weight.data for weight in weighted_sum.parents[: position + 1]])
    return heads
