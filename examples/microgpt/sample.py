"""Let a trained model write: token by token, until it says that it is done.

    python examples/microgpt/sample.py --checkpoint run.json --samples 5 --prompt em

The model gives a logit to each token. `softmax(logits / temperature)` makes them probabilities, and
one token is drawn from these. Below temperature 1 likely tokens get likelier, and at 0 the
likeliest is always taken. `--top-k` leaves only the k likeliest to draw from.
"""

from __future__ import annotations

import os
import sys

# The files beside this one: `python -I` and `-P` do not look there by themselves.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
if __name__ == "__main__":
    import startup

    startup.errors_in_one_line()  # before the rest is loaded, which takes a moment

import math
import random
from collections.abc import Sequence

from errors import CheckpointError, InputError, RunError, printable
from model import GPT, Config, empty_cache, gpt
from normalization import form_in_which
from options import (
    OptionParser,
    count,
    non_negative,
    path_name,
    positive,
    run_command,
    whole_number,
)
from streams import discard
from tokenizer import Tokenizer

from scalargrad import Vector, nn, no_grad


# --8<-- [start:writing]
def choose(logits: Vector, rng: random.Random, temperature: float, top_k: int | None = None) -> int:
    """Draw a token."""
    numbers = logits.data
    top = max(numbers)
    if temperature == 0.0:
        return numbers.index(top)
    tokens = sorted(range(len(numbers)), key=lambda token: -numbers[token])[:top_k]
    tokens.sort()
    # softmax does not mind if all are shifted, and a tiny temperature now cannot overflow.
    probabilities = nn.softmax([(numbers[token] - top) / temperature for token in tokens])
    return rng.choices(tokens, weights=probabilities.data)[0]


def generate(
    model: GPT,
    tokenizer: Tokenizer,
    rng: random.Random,
    temperature: float = 0.5,
    top_k: int | None = None,
    prompt: str = "",
) -> str:
    """Write one document that begins with `prompt`."""
    tokens = [tokenizer.bos, *tokenizer.encode(prompt)]
    cache = empty_cache(model.config)
    for position in range(model.config.block_size):
        with no_grad():
            logits = gpt(model, tokens[position], position, cache)
        if position + 1 < len(tokens):
            continue  # still reading the prompt
        if not all(map(math.isfinite, logits.data)):
            raise RunError(
                "the model's logits are not finite, since its training diverged; "
                "train again with a lower --lr"
            )
        token = choose(logits, rng, temperature, top_k)
        if token == tokenizer.bos:
            break
        tokens.append(token)
    return tokenizer.decode(tokens[1:])


# --8<-- [end:writing]
def check_prompt(prompt: str, tokenizer: Tokenizer, config: Config) -> None:
    """Raise InputError if the model cannot go on from this prompt."""
    try:
        tokenizer.encode(prompt)
    except ValueError as error:
        form = form_in_which(lambda text: not tokenizer.unknown(text), prompt)
        hint = f"; it has these letters in Unicode normalization form {form}: write it so"
        raise InputError(f"--prompt {prompt!r}: {error}{hint if form else ''}") from None
    longest = config.block_size - 1
    if len(prompt) > longest:
        raise InputError(
            f"--prompt {prompt!r}: {len(prompt)} characters are too long for a context of "
            f"{config.block_size} tokens; give at most {longest}"
        )


def print_samples(
    model: GPT,
    tokenizer: Tokenizer,
    rng: random.Random,
    samples: int,
    temperature: float,
    top_k: int | None,
    prompt: str,
) -> None:
    """Write documents to stdout, one per line, each as soon as it is there.

    What a terminal would obey is shown instead, since the data may be anybody's.

    It is over when whoever reads them has seen enough, as in `| head`.
    """
    try:
        for _ in range(samples):
            text = generate(model, tokenizer, rng, temperature, top_k, prompt)
            print(printable(text), flush=True)
    except BrokenPipeError:
        discard(sys.stdout)


def add_sampling_options(parser: OptionParser) -> None:
    group = parser.add_argument_group("sampling")
    group.add_argument(
        "--samples", type=count, default=20, metavar="N", help="how many to print (default 20)"
    )
    group.add_argument(
        "--temperature",
        type=non_negative,
        default=0.5,
        metavar="T",
        help="0 always takes the likeliest token, 1 is what was learnt (default 0.5)",
    )
    group.add_argument(
        "--prompt", default="", metavar="TEXT", help="what every sample begins with (default none)"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = OptionParser("sample.py", "Print samples of a model that train.py has trained.")
    parser.add_argument(
        "--checkpoint",
        type=path_name,
        required=True,
        metavar="PATH",
        help="the model, as train.py or export.py saved it",
    )
    add_sampling_options(parser)
    parser.add_argument(
        "--top-k",
        type=positive,
        metavar="K",
        help="draw from the K likeliest tokens only (default all)",
    )
    parser.add_argument(
        "--seed",
        type=whole_number,
        default=42,
        metavar="N",
        help="for the random draws (default 42)",
    )
    options = parser.parse_args(arguments)
    import checkpoint  # late, since train.py imports this file and may save nothing

    try:
        saved = checkpoint.load_weights(options.checkpoint)
    except CheckpointError as error:
        raise InputError(f"--checkpoint {error}") from None
    check_prompt(options.prompt, saved.tokenizer, saved.config)

    print_samples(
        saved.model(),
        saved.tokenizer,
        random.Random(options.seed),
        options.samples,
        options.temperature,
        options.top_k,
        options.prompt,
    )
    return 0


if __name__ == "__main__":
    sys.exit(run_command("sample.py", main))
