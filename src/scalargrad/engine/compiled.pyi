"""The compiled engine has the types of the reference engine."""

from scalargrad.engine.reference import Value as Value
from scalargrad.engine.reference import Vector as Vector
from scalargrad.engine.reference import adam_update as adam_update
from scalargrad.engine.reference import cross_entropy as cross_entropy
from scalargrad.engine.reference import dot as dot
from scalargrad.engine.reference import linear as linear
from scalargrad.engine.reference import maximum as maximum
from scalargrad.engine.reference import minimum as minimum
from scalargrad.engine.reference import pause_recording as pause_recording
from scalargrad.engine.reference import resume_recording as resume_recording
from scalargrad.engine.reference import rmsnorm as rmsnorm
from scalargrad.engine.reference import sgd_update as sgd_update
from scalargrad.engine.reference import softmax as softmax
from scalargrad.engine.reference import vector as vector
from scalargrad.engine.reference import zero_grads as zero_grads
