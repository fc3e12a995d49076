"""Leave for PyTorch: the GPT of examples/microgpt there, with the weights that it learned here.

    python examples/microgpt/train.py --checkpoint run.json
    python examples/microgpt_in_torch.py run.json

reads the weights, computes the same logits in both libraries, and prints how far apart they are.
It needs `pip install torch`. The model is written as one would write it in PyTorch: all positions
at once, and attention as one call.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch
from torch.nn import functional

sys.path.insert(0, str(Path(__file__).with_name("microgpt")))

import checkpoint
import model

# --8<-- [start:weights]
Weights = dict[str, torch.Tensor]


def carried_over(weights: dict[str, list[list[float]]]) -> Weights:
    """The matrices of a checkpoint, by name, as parameters in PyTorch."""
    return {
        name: torch.tensor(rows, dtype=torch.float64, requires_grad=True)
        for name, rows in weights.items()
    }


# --8<-- [end:weights]
# --8<-- [start:model]
def gpt(weights: Weights, config: model.Config, tokens: list[int]) -> torch.Tensor:
    """The logits after each token: one row per position, one column per token."""
    x = normed(weights["wte"][tokens] + weights["wpe"][: len(tokens)])
    for i in range(config.n_layer):
        layer = {name: weights[f"layer{i}.{name}"] for name in MATRICES}
        x = x + attention(layer, config, normed(x))
        hidden = functional.relu(functional.linear(normed(x), layer["mlp_fc1"]))
        x = x + functional.linear(hidden, layer["mlp_fc2"])
    return functional.linear(x, weights["lm_head"])


def attention(layer: Weights, config: model.Config, x: torch.Tensor) -> torch.Tensor:
    query, key, value = (
        functional.linear(x, layer[name]).view(len(x), config.n_head, -1).transpose(0, 1)
        for name in ("attn_wq", "attn_wk", "attn_wv")
    )
    found = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    return functional.linear(found.transpose(0, 1).reshape(x.shape), layer["attn_wo"])


def normed(x: torch.Tensor) -> torch.Tensor:
    return functional.rms_norm(x, x.shape[-1:], eps=1e-5)


MATRICES = ("attn_wq", "attn_wk", "attn_wv", "attn_wo", "mlp_fc1", "mlp_fc2")
# --8<-- [end:model]


def largest_difference(trained: model.GPT, weights: Weights, tokens: list[int]) -> float:
    """Between the logits that the two libraries compute, at any position, for any token."""
    cache = model.empty_cache(trained.config)
    ours = [
        model.gpt(trained, token, position, cache).data for position, token in enumerate(tokens)
    ]
    with torch.no_grad():
        theirs = gpt(weights, trained.config, tokens)
    return float((theirs - torch.tensor(ours, dtype=torch.float64)).abs().max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", help="a file that train.py --checkpoint wrote")
    saved = checkpoint.load(parser.parse_args().checkpoint)
    weights = carried_over(saved.weights)
    tokens = [len(saved.vocabulary), *range(len(saved.vocabulary))][: saved.config.block_size]
    difference = largest_difference(saved.model(), weights, tokens)
    count = sum(weight.numel() for weight in weights.values())
    print(f"{count:,} weights carried over; the logits differ by at most {difference:.1e}")


if __name__ == "__main__":
    main()
