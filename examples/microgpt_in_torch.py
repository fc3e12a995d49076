"""To PyTorch and back: the GPT of examples/microgpt as a module, with the weights learned there.

    python examples/microgpt/train.py --checkpoint run.json
    python examples/microgpt/export.py run.json model.safetensors
    python examples/microgpt_in_torch.py model.safetensors

loads the weights, computes the same logits in both libraries, and prints how far apart they are.

    python examples/microgpt_in_torch.py model.safetensors --steps 100 --save tuned.safetensors

trains them further in PyTorch, and export.py brings the result back. This needs
`pip install torch safetensors`. The model is written as one would write it in PyTorch: all
positions at once, and attention as one call.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).with_name("microgpt")))
from advice import install

try:
    import torch
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file
    from torch.nn import Parameter, functional
except ImportError as error:
    sys.exit(f"this needs torch and safetensors ({error}): {install('torch', 'safetensors')}")

import data
import export
import model
from errors import InputError
from options import OptionParser, count, path_name, run_command
from tokenizer import Tokenizer


# --8<-- [start:model]
class GPT(torch.nn.Module):
    """The logits after each token: one row per position, one column per token."""

    def __init__(self, config: model.Config, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        self.wte = new_matrix(vocab_size, config.n_embd)
        self.wpe = new_matrix(config.block_size, config.n_embd)
        self.lm_head = new_matrix(vocab_size, config.n_embd)
        for i in range(config.n_layer):
            self.add_module(f"layer{i}", Layer(config))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = normed(self.wte[tokens] + self.wpe[: len(tokens)])
        for layer in self.children():
            x = layer(x)
        return functional.linear(x, self.lm_head)


class Layer(torch.nn.Module):
    """Attention, then the MLP, each of which adds to x."""

    def __init__(self, config: model.Config) -> None:
        super().__init__()
        n, self.n_head = config.n_embd, config.n_head
        self.attn_wq, self.attn_wk, self.attn_wv, self.attn_wo = (
            new_matrix(n, n) for _ in range(4)
        )
        self.mlp_fc1, self.mlp_fc2 = new_matrix(4 * n, n), new_matrix(n, 4 * n)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attention(normed(x))
        hidden = functional.relu(functional.linear(normed(x), self.mlp_fc1))
        return x + functional.linear(hidden, self.mlp_fc2)

    def attention(self, x: torch.Tensor) -> torch.Tensor:
        query, key, value = (
            functional.linear(x, matrix).view(len(x), self.n_head, -1).transpose(0, 1)
            for matrix in (self.attn_wq, self.attn_wk, self.attn_wv)
        )
        found = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return functional.linear(found.transpose(0, 1).reshape(x.shape), self.attn_wo)


def new_matrix(nout: int, nin: int) -> Parameter:
    return Parameter(0.08 * torch.randn(nout, nin, dtype=torch.float64))


def normed(x: torch.Tensor) -> torch.Tensor:
    return functional.rms_norm(x, x.shape[-1:], eps=1e-5)


# --8<-- [end:model]
# --8<-- [start:files]
def load(path: str) -> tuple[GPT, Tokenizer]:
    """The model in a safetensors file, and its vocabulary."""
    with safe_open(path, framework="pt") as file:
        words = export.described(file.metadata())
    tokenizer = Tokenizer(words["vocabulary"])
    gpt = GPT(model.Config(**words["config"]), tokenizer.vocab_size)
    gpt.load_state_dict(load_file(path))
    return gpt, tokenizer


def save(path: str, gpt: GPT, tokenizer: Tokenizer) -> None:
    """Write a model to a file that export.py can bring back."""
    save_file(gpt.state_dict(), path, export.metadata(gpt.config, tokenizer.characters))


# --8<-- [end:files]
# --8<-- [start:training]
def document_loss(gpt: GPT, tokens: list[int]) -> torch.Tensor:
    """The mean cross-entropy per token, as far as the context goes."""
    document = torch.tensor(tokens[: gpt.config.block_size + 1])
    return functional.cross_entropy(gpt(document[:-1]), document[1:])


def train(gpt: GPT, documents: list[list[int]], steps: int) -> list[float]:
    """Train on a document a step, as the example does; returns the losses."""
    optimizer = torch.optim.Adam(gpt.parameters(), lr=0.01, betas=(0.85, 0.99), eps=1e-8)
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / steps)
    losses = []
    for step in range(steps):
        optimizer.zero_grad()
        loss = document_loss(gpt, documents[step % len(documents)])
        loss.backward()
        optimizer.step()
        rate.step()
        losses.append(loss.item())
    return losses


# --8<-- [end:training]
def largest_difference(trained: model.GPT, gpt: GPT, tokens: list[int]) -> float:
    """Between the logits that the two libraries compute, at any position, for any token."""
    cache = model.empty_cache(trained.config)
    ours = [
        model.gpt(trained, token, position, cache).data for position, token in enumerate(tokens)
    ]
    with torch.no_grad():
        theirs = gpt(torch.tensor(tokens))
    return float((theirs - torch.tensor(ours, dtype=torch.float64)).abs().max())


def main(arguments: Sequence[str] | None = None) -> int:
    parser = OptionParser("microgpt_in_torch.py", "Compute with a trained model in PyTorch.")
    parser.add_argument("model", type=path_name, help="a safetensors file that export.py wrote")
    parser.add_argument("--steps", type=count, default=0, metavar="N", help="train it for so many")
    parser.add_argument(
        "--data", type=path_name, default=data.BUNDLED, metavar="PATH", help="on these documents"
    )
    parser.add_argument("--save", type=path_name, metavar="PATH", help="to a safetensors file")
    options = parser.parse_args(arguments)

    torch.set_num_threads(1)  # rows as short as these are not worth sharing
    ours = export.read(options.model).model()
    gpt, tokenizer = load(options.model)
    tokens = [tokenizer.bos, *range(tokenizer.bos)][: gpt.config.block_size]
    weights = sum(parameter.numel() for parameter in gpt.parameters())
    difference = largest_difference(ours, gpt, tokens)
    print(f"{weights:,} weights carried over; the logits differ by at most {difference:.1e}")

    if options.steps:
        documents = data.shuffled(data.load(options.data), random.Random(42))
        try:
            losses = train(gpt, [tokenizer.document(text) for text in documents], options.steps)
        except ValueError as error:
            raise InputError(f"--data {options.data}: {error}") from None
        print(f"{options.steps:,} steps: loss {losses[0]:.4f} at first, {losses[-1]:.4f} at last")
    if options.save:
        save(options.save, gpt, tokenizer)
    return 0


if __name__ == "__main__":
    sys.exit(run_command("microgpt_in_torch.py", main))
