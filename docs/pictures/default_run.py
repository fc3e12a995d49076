"""The run that the pictures of the GPT show: what `examples/microgpt/train.py` does by default."""

import functools
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "examples" / "microgpt"))
from model import Config
from run import Run, Training, new_run
from training import train


@functools.cache
def default_run() -> Run:
    """The run after its last step, with its losses and the trained model."""
    training = Training()
    run = new_run(None, Config(), training)
    for _ in train(run, training.steps):
        pass
    return run
