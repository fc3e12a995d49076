"""Commands that a message tells the user to run: as they stand, in a shell of this system.

>>> command("python", "train.py", "--resume", "my run.json") == (
...     'python train.py --resume "my run.json"'
...     if sys.platform == "win32"
...     else "python train.py --resume 'my run.json'"
... )
True
"""

from __future__ import annotations

import os
import sys

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def command(*words: str) -> str:
    """The words as they are typed."""
    if sys.platform == "win32":
        from subprocess import list2cmdline  # late, as most runs advise nothing

        return list2cmdline(words)
    from shlex import join

    return join(words)


def python(*words: str) -> str:
    """A command for the Python that is running."""
    return command(sys.executable or "python", *words)


def install(*what: str) -> str:
    """How to install a package for the Python that is running."""
    return python("-m", "pip", "install", *what)
