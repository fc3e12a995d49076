"""Carry a trained model to other programs, and back: as a safetensors file.

    python examples/microgpt/export.py run.json model.safetensors
    python examples/microgpt/export.py model.safetensors model.json

A safetensors file has matrices by name and a few words about them, and most libraries read it. The
matrices have the names and the bits that they have here, as 64-bit floats; the words are the sizes
and the vocabulary. What comes back serves sample.py and `train.py --init-from`. It has no run to go
on with: neither Adam's moments nor the random state travel.

This needs the safetensors package (`pip install '.[export]'` in the checkout).
"""

from __future__ import annotations

import os
import sys

# The files beside this one: `python -I` and `-P` do not look there by themselves.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
if __name__ == "__main__":
    import startup

    startup.errors_in_one_line()  # before the rest is loaded, which takes a moment

import importlib
import json
from collections.abc import Sequence

import checkpoint
from advice import install
from checkpoint import Weights
from errors import CheckpointError, InputError, RunError
from files import why_not_writable, write_whole
from model import Config
from options import OptionParser, path_name, run_command
from report import say

TYPE_CHECKING = False  # importing typing would only cost time
if TYPE_CHECKING:
    from typing import Any

ENDING = ".safetensors"
KEY = "microgpt"  # of the words about the matrices; one, since a file may have them in any order
READABLE = ("F64", "F32", "F16")  # each of their numbers is a Python float, exactly


def write(path: str, saved: Weights) -> None:
    """Write a model to a safetensors file, whole or not at all; OSError if that fails."""
    numpy, safetensors = _library("numpy"), _library("safetensors.numpy")
    matrices = {name: numpy.array(rows, dtype="float64") for name, rows in saved.weights.items()}
    write_whole(path, safetensors.save(matrices, metadata(saved.config, saved.vocabulary)))


def read(path: str) -> Weights:
    """The model in a safetensors file; CheckpointError if there is none to be had."""
    safetensors = _library("safetensors")
    try:
        if not os.path.isfile(path):
            raise CheckpointError(
                "is a directory" if os.path.isdir(path) else "there is no such file"
            )
        with safetensors.safe_open(path, framework="numpy") as file:
            entries = described(file.metadata())
            entries["weights"] = {name: _rows(file, name) for name in file.keys()}  # noqa: SIM118
        return checkpoint.checked(entries)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from None
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error}") from None
    except safetensors.SafetensorError as error:
        raise CheckpointError(f"{path}: is damaged, or no safetensors file: {error}") from None


def metadata(config: Config, vocabulary: str) -> dict[str, str]:
    """What is said about the matrices: all that a program needs to use them."""
    return {KEY: json.dumps({"config": vars(config), "vocabulary": vocabulary})}


def described(metadata: dict[str, str] | None) -> dict[str, Any]:
    """The entries of a checkpoint that the metadata have."""
    try:
        words = json.loads((metadata or {})[KEY])
        return {
            "format": checkpoint.WEIGHTS_FORMAT,
            "config": words["config"],
            "vocabulary": words["vocabulary"],
        }
    except KeyError as error:
        raise CheckpointError(
            f"has no {error} in its metadata, which must say the sizes and the vocabulary; "
            "write it with export.py, or with `save` in examples/microgpt_in_torch.py"
        ) from None
    except (TypeError, ValueError, RecursionError):
        raise CheckpointError(f"is damaged: {KEY!r} in its metadata cannot be read") from None


def _rows(file: Any, name: str) -> Any:
    kind = file.get_slice(name).get_dtype()
    if kind not in READABLE:
        raise CheckpointError(
            f"{name} has numbers of type {kind}; save the model as 64-bit floats "
            "(in torch: model.double())"
        )
    return file.get_tensor(name).tolist()


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise InputError(
            f"this needs safetensors, which is not installed: {install('safetensors[numpy]')}"
        ) from None


# The command.


def main(arguments: Sequence[str] | None = None) -> int:
    parser = OptionParser("export.py", "Convert a trained model to a safetensors file, or back.")
    parser.add_argument(
        "source", type=path_name, help="a file that train.py saved, or one ending in .safetensors"
    )
    parser.add_argument(
        "target", type=path_name, help="the other: ending in .safetensors, or for this program"
    )
    parser.add_argument("--overwrite", action="store_true", help="even if the target is there")
    options = parser.parse_args(arguments)
    source, target = options.source, options.target

    if source.endswith(ENDING) == target.endswith(ENDING):
        raise InputError(
            f"of {source} and {target}, one must end in {ENDING}, and the other is the "
            "program's own file"
        )
    problem = why_not_writable(target)
    if not problem and os.path.exists(target) and not options.overwrite:
        problem = "is there already; give another path, or --overwrite to replace it"
    if problem:
        raise InputError(f"{target}: {problem}")
    convert_back = source.endswith(ENDING)
    saved = read(source) if convert_back else checkpoint.load_weights(source)
    try:
        (checkpoint.save if convert_back else write)(target, saved)
    except OSError as error:
        raise RunError(f"{target}: cannot be written: {error.strerror}") from None
    say(f"{target}: {_size(saved)}")
    return 0


def _size(saved: Weights) -> str:
    count = sum(len(row) for rows in saved.weights.values() for row in rows)
    return f"{count:,} weights in {len(saved.weights)} matrices"


if __name__ == "__main__":
    sys.exit(run_command("export.py", main))
