"""The engine in plain Python: the one to read, and the one that runs anywhere.

Start with value.py, which is the whole idea. operations.py has each operation with its derivative
beside it, and methods.py and functions.py are how they are called. vector.py is the same for whole
rows at once, and fused.py for linear, softmax and their kin; floats.py is what their derivatives
are written in. gradients.py is `backward` for `grad`, updates.py steps the optimisers, and
recording.py says whether graphs are recorded, and letting_go.py is for browsers only.
"""

import sys

from scalargrad.engine.reference.functions import atan2, maximum, minimum
from scalargrad.engine.reference.fused import (
    concatenate,
    cross_entropy,
    dot,
    linear,
    logsumexp,
    rmsnorm,
    softmax,
    weighted_sum,
)
from scalargrad.engine.reference.gradients import gradients
from scalargrad.engine.reference.letting_go import end_of_block, end_of_value
from scalargrad.engine.reference.recording import pause_recording, resume_recording
from scalargrad.engine.reference.updates import adam_update, sgd_update, zero_grads
from scalargrad.engine.reference.value import Value, ieee_node
from scalargrad.engine.reference.vector import Block, Vector, vector

if sys.platform == "emscripten":
    Value.__del__ = end_of_value
    Block.__del__ = end_of_block

__all__ = [
    "Value",
    "Vector",
    "adam_update",
    "atan2",
    "concatenate",
    "cross_entropy",
    "dot",
    "gradients",
    "ieee_node",
    "linear",
    "logsumexp",
    "maximum",
    "minimum",
    "pause_recording",
    "resume_recording",
    "rmsnorm",
    "sgd_update",
    "softmax",
    "vector",
    "weighted_sum",
    "zero_grads",
]
