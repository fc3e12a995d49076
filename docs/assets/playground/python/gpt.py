"""The GPT of the example, live: its own files, trained and asked for names while somebody watches.

    >>> begin(steps=100)["parameters"]
    4192
    >>> set_sampling(temperature=0.8, prompt="em")
    >>> for seen in train():
    ...     losses, samples = seen["losses"], seen["samples"]
    >>> write()["text"]
    'em...'

Nothing of the GPT is here: only what a page wants to see of it. A seed stands for the same run as
on the command line, with the same losses and, after its last step, the same names. What is written
on the way is drawn by other generators, so that looking does not change the run.
"""

import math
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, "examples/microgpt")
from errors import InputError
from looking import attention
from model import Config, parameter_count
from report import mean_of_recent
from run import Training, new_run
from sample import check_prompt, generate
from training import train as steps_of

SECONDS = 0.1  # of training between two tellings, at most
EVERY, SAMPLES = 50, 5  # so many steps, so many samples
NAMES = 20  # that the trained model writes in the end, as on the command line

current = None  # the run that is shown
sampling = 0.5, ""  # the temperature, and what every text begins with
pen = random.Random()  # draws what `write` writes
turn = 0  # of whoever may train; whoever is not on turn any more stops


def begin(words=None, steps=1000, n_embd=16, n_head=4, seed=42):
    """Start a new run: on these words, one on a line, or on the names of the example."""
    global current, sampling, pen
    run = new_run_on(words, Config(n_embd=n_embd, n_head=n_head), Training(steps=steps, seed=seed))
    pause()
    current, sampling, pen = run, (0.5, ""), random.Random(seed)
    return {
        "documents": len(run.documents),
        "characters": run.tokenizer.characters,
        "parameters": parameter_count(run.model),
        "steps": steps,
        "even": math.log(run.tokenizer.vocab_size),  # the loss of a guess without preference
    }


def new_run_on(words, config, training):
    if words is None:
        return new_run(None, config, training)
    if not words.strip():
        raise ValueError("the list of words is empty; write some, each on a line of its own")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "words.txt")
        path.write_text(words, encoding="utf-8")
        return new_run(str(path), config, training)


def set_sampling(temperature, prompt):
    """How much likely characters are favoured, and what every text begins with."""
    global sampling
    if not 0 <= temperature < math.inf:
        raise ValueError(f"the temperature must be a number from 0 up, got {temperature}")
    try:
        check_prompt(prompt, current.tokenizer, current.model.config)
    except InputError as error:
        raise ValueError(str(error).removeprefix("--")) from None
    sampling = temperature, prompt


def train():
    """Train to the last step, or until `pause`; yields what is seen, and the names in the end."""
    pause()
    mine, run = turn, current
    first, began = run.step, time.perf_counter()
    while turn == mine and run.step < run.training.steps:
        losses, enough = [], time.perf_counter() + SECONDS
        for _ in steps_of(run, until=run.training.steps):
            losses.append(run.losses[-1])
            if run.step % EVERY == 0 or time.perf_counter() > enough:
                break
        finished = run.step == run.training.steps
        speed = (run.step - first) / (time.perf_counter() - began)
        yield {
            "step": run.step,
            "losses": losses,
            "mean": mean_of_recent(run.losses),
            "speed": speed,
            "seconds_left": (run.training.steps - run.step) / speed,
            "samples": [] if finished or run.step % EVERY else samples(run),
        }
        if finished:
            for _ in range(NAMES):
                if run is current:
                    yield {"name": text(run, run.rng)}


def samples(run):
    rng = random.Random(run.step)
    return [text(run, rng) for _ in range(SAMPLES)]


def text(run, rng):
    temperature, prompt = sampling
    return generate(run.model, run.tokenizer, rng, temperature, None, prompt)


def pause():
    global turn
    turn += 1


def write():
    """Write one more text, and read it as `read` does."""
    return read(text(current, pen))


def read(text):
    """What each head looks at in this text: for each place, the share of every place so far."""
    tokens = current.tokenizer.document(text)[:-1][: current.model.config.block_size]
    return {"text": text, "heads": attention(current.model, tokens)}
