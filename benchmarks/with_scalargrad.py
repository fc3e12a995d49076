"""The GPT of examples/microgpt, trained with its default settings on scalargrad.

`MicroGPT` here, in naive.py and in with_torch.py does the same steps, each with its own means.
"""

import random
import sys
from pathlib import Path

from scalargrad import optim

sys.path.insert(0, str(Path(__file__).parents[1] / "examples" / "microgpt"))

from model import Config, new_gpt
from tokenizer import Tokenizer
from training import train_step


class MicroGPT:
    def __init__(
        self, documents, n_embd=16, n_layer=1, context=16, batch_size=1, steps=1000, seed=42
    ):
        rng = random.Random(seed)
        self.documents = list(documents)
        rng.shuffle(self.documents)
        self.batch_size = batch_size
        self.tokenizer = Tokenizer.of(self.documents)
        config = Config(n_layer=n_layer, n_embd=n_embd, block_size=context)
        self.model = new_gpt(config, self.tokenizer.vocab_size, rng)
        self.optimizer = optim.Adam(
            self.model.weights.values(), lr=0.01, betas=(0.85, 0.99), eps=1e-8
        )
        self.steps, self.done = steps, 0

    def step(self):
        """Train on the next documents; return their loss."""
        first = self.done * self.batch_size
        batch = [
            self.tokenizer.document(self.documents[i % len(self.documents)])
            for i in range(first, first + self.batch_size)
        ]
        self.optimizer.lr = 0.01 * (1 - self.done / self.steps)
        self.done += 1
        return train_step(self.model, self.optimizer, batch)
