"""Gives the readers of examples/microgpt files of any content.

    python tests/tools/fuzz_readers.py [options of libFuzzer]

A file of documents must give documents, or DataError; a checkpoint must give a Checkpoint with
which one can go on, or CheckpointError or InputError. The error names the file. Nothing else may
happen. Needs atheris; the tests try some random files without it.
"""

from __future__ import annotations

import atexit
import copy
import json
import math
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "microgpt"))

from choices import Choices, instrumented, main

with instrumented():
    import checkpoint
    import data
    import run
    from checkpoint import Checkpoint, CheckpointError
    from data import DataError
    from model import Config
    from options import InputError
    from tokenizer import Tokenizer

DOCUMENTS = b"ab\nba\nabba\n"
ODD = [
    *(
        None,
        True,
        0,
        1,
        -1,
        3,
        2**63,
        10**400,
        0.5,
        1e308,
        math.inf,
        math.nan,
        "",
        "a",
        "inf",
        "nan",
    ),
    *("ab", "\ud800", "NaN", [], [0.5], [[]], [[[0.5]]], {}, {"n_layer": 1}, [1, 2, 3], "x" * 300),
]


class Files:
    """The files that the readers read, in a folder of this process."""

    def __init__(self) -> None:
        # On a disk, writing them would be all that is done.
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = tempfile.mkdtemp(prefix="scalargrad-fuzz-", dir=memory)
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.file = os.path.join(self.folder, "file")
        self.documents = os.path.join(self.folder, "documents")
        Path(self.documents).write_bytes(DOCUMENTS)
        training = run.Training(steps=3, seed=1)
        started = run.new_run(self.documents, Config(1, 2, 1, 2), training)
        run.save(started, self.file)
        self.good = Path(self.file).read_bytes()

    def write(self, raw: bytes) -> str:
        with open(self.file, "wb") as file:
            file.write(raw)
        return self.file


FILES = Files()


def target(raw: bytes) -> None:
    """One file; AssertionError or any other exception if a reader does not do its duty."""
    choices = Choices(raw)
    kind = choices.number(4)
    if kind == 0:
        read_documents(choices.bytes(len(raw)))
    elif kind == 1:
        read_checkpoint(choices.bytes(len(raw)))
    elif kind == 2:
        read_checkpoint(spliced(choices))
    else:
        read_checkpoint(edited(choices))


def read_documents(raw: bytes) -> None:
    path = FILES.write(raw)
    try:
        documents = data.load(path)
    except DataError as error:
        assert path in str(error), error  # noqa: PT017
        return
    tokenizer = Tokenizer.of(documents)
    assert documents
    assert len(data.fingerprint(documents)) == 64
    for document in documents:
        ids = tokenizer.document(document)
        assert document.strip() == document != ""
        assert tokenizer.decode(ids[1:-1]) == document


def read_checkpoint(raw: bytes) -> None:
    path = FILES.write(raw)
    try:
        loaded = checkpoint.load(path)
        check(loaded)
        resumed = run.resumed_run(path, loaded, FILES.documents)
    except (CheckpointError, DataError, InputError) as error:
        # That no documents would be left to train on is a matter of the settings alone.
        assert path in str(error) or isinstance(error, DataError), error  # noqa: PT017
        return
    resumed.rng.gauss(0.0, 1.0)
    resumed.optimizer.step()


def check(loaded: Checkpoint) -> None:
    """It has what its fields promise, and can be saved."""
    assert isinstance(loaded.source, (str, type(None))), loaded.source
    assert isinstance(loaded.fingerprint, str)
    assert type(loaded.step) is int
    assert all(isinstance(loss, float) for loss in loaded.losses)
    assert loaded.model().vocab_size == loaded.tokenizer.vocab_size
    rng = loaded.random()
    rng.gauss(0.0, 1.0)
    rng.random()
    again_at = os.path.join(FILES.folder, "again")
    checkpoint.save(again_at, loaded)
    again = checkpoint.load(again_at)
    for name in ("vocabulary", "step", "losses", "rng", "weights"):
        assert repr(getattr(again, name)) == repr(getattr(loaded, name)), name


def spliced(choices: Choices) -> bytes:
    """A good checkpoint with some bytes replaced."""
    raw = bytearray(FILES.good)
    for _ in range(1 + choices.number(4)):
        start = (choices.number(256) * 256 + choices.number(256)) % len(raw)
        inserted = choices.bytes(choices.number(20))
        raw[start : start + choices.number(20)] = inserted
    return bytes(raw)


def edited(choices: Choices) -> bytes:
    """A good checkpoint with some entries replaced, added or taken out; it is still JSON."""
    entries = json.loads(FILES.good)
    for _ in range(1 + choices.number(4)):
        place, key = entries, choices.of(list(entries) or [""])
        while isinstance(place.get(key) if isinstance(place, dict) else place[key], (dict, list)):
            inner = place[key]
            if not inner or choices.number(3) == 0:
                break
            place = inner
            key = (
                choices.of(list(place))
                if isinstance(place, dict)
                else choices.number(256) % len(place)
            )
        change = choices.number(5)
        if change == 0:
            del place[key]
        elif change == 1 and isinstance(place, list):
            place.append(copy.deepcopy(choices.of(ODD)))
        elif change == 2 and isinstance(place, dict):
            place[choices.of(["", "a", "n_layer", "steps"])] = copy.deepcopy(choices.of(ODD))
        else:
            place[key] = something(choices, 3)
        if not entries:
            break
    return json.dumps(entries).encode()


def something(choices: Choices, depth: int) -> Any:
    kind = choices.number(8)
    if depth and kind == 0:
        return [something(choices, depth - 1) for _ in range(choices.number(4))]
    if depth and kind == 1:
        return {choices.of(["a", "n_layer", "m"]): something(choices, depth - 1)}
    return copy.deepcopy(choices.of(ODD))


if __name__ == "__main__":
    main(target)
