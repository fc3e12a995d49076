"""The engine in plain Python: the one to read, and the one that runs anywhere.

Start with value.py, which is the whole idea. operations.py has each operation with its derivative
beside it. vector.py and fused.py do the same for whole rows at once, and updates.py steps the
optimisers. recording.py says whether graphs are recorded.
"""

from scalargrad.engine.reference.fused import cross_entropy, dot, linear, rmsnorm, softmax
from scalargrad.engine.reference.recording import pause_recording, resume_recording
from scalargrad.engine.reference.updates import adam_update, sgd_update, zero_grads
from scalargrad.engine.reference.value import Value, maximum, minimum
from scalargrad.engine.reference.vector import Vector, vector

__all__ = [
    "Value",
    "Vector",
    "adam_update",
    "cross_entropy",
    "dot",
    "linear",
    "maximum",
    "minimum",
    "pause_recording",
    "resume_recording",
    "rmsnorm",
    "sgd_update",
    "softmax",
    "vector",
    "zero_grads",
]
