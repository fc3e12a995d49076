"""The compiled engine has the types of the reference engine."""

from scalargrad.engine.reference import *  # noqa: F403
