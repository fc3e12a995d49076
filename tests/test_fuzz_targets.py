"""The fuzz targets of tests/tools, on random bytes: a few here, without end under atheris.

`tests/tools/fuzz` says how to run them so.
"""

import random
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from engines import PACKAGES

sys.path.append(str(Path(__file__).parent / "tools"))

import fuzz_arguments
import fuzz_readers
from choices import Choices


@pytest.mark.parametrize("seed", range(20))
def test_any_call_gives_the_same_in_both_engines(seed):
    rng = random.Random(seed)
    for _ in range(50):
        fuzz_arguments.target(rng.randbytes(rng.choice([40, 150, 400])))


def run_all(programs):
    for start in range(0, len(programs), 150):
        fuzz_arguments.target(programs[start : start + 150])


def test_a_difference_between_the_engines_is_found(monkeypatch):
    engine = PACKAGES["reference"]["scalargrad.engine"]
    other = SimpleNamespace(**vars(engine) | {"maximum": engine.minimum})
    pair = {"one": {"scalargrad.engine": engine}, "other": {"scalargrad.engine": other}}
    monkeypatch.setattr(fuzz_arguments, "PACKAGES", pair)
    rng = random.Random(0)
    programs = b"".join(rng.randbytes(150) for _ in range(500))
    with pytest.raises(AssertionError, match=r"call .*'maximum'"):
        run_all(programs)


@pytest.mark.parametrize("seed", range(20))
def test_any_file_is_read_or_refused(seed):
    rng = random.Random(seed)
    for _ in range(50):
        fuzz_readers.target(rng.randbytes(rng.choice([5, 30, 120])))


@pytest.mark.parametrize("error", [KeyError("on purpose"), ValueError("on purpose")])
def test_a_reader_that_fails_in_another_way_is_found(monkeypatch, error):
    def fail(path):
        raise error

    monkeypatch.setattr(fuzz_readers.data, "load", fail)
    with pytest.raises(type(error), match="on purpose"):
        fuzz_readers.target(bytes([0]) + b"emma\n")


def test_every_kind_of_file_is_tried(monkeypatch):
    tried = set()
    for name in ("read_documents", "spliced", "edited"):
        original = getattr(fuzz_readers, name)
        monkeypatch.setattr(
            fuzz_readers, name, lambda x, f=original, n=name: (tried.add(n), f(x))[1]
        )
    for seed in range(30):
        fuzz_readers.target(random.Random(seed).randbytes(30))
    assert tried == {"read_documents", "spliced", "edited"}


def test_choices_are_those_of_the_bytes_and_then_the_first():
    choices = Choices(bytes([5, 1]))
    assert [choices.number(3), choices.of("ab"), choices.of("ab")] == [2, "b", "a"]
    assert not choices
