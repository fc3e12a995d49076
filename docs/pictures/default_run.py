"""The run that the pictures of the GPT show: what `examples/microgpt/train.py` does by default."""

import functools
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "examples" / "microgpt"))
from model import Config
from report import Metrics, Progress
from run import Run, Training, new_run
from train import train


@functools.cache
def default_run() -> Run:
    """The run after its last step, with its losses and the trained model."""
    training = Training()
    run = new_run(None, Config(), training)
    with Metrics(None, done=0) as metrics, Progress(0, training.steps) as progress:
        train(run, training.steps, progress, metrics, enough=lambda: False)
    return run
