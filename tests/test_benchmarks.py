"""The benchmarks compare like with like, and run. How fast they find anything is not tested."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from effort import long

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
DOCUMENTS = ["ann", "bo", "a name beyond the context", "nan"]


def output_of(script, *options):
    """What a benchmark prints."""
    command = [sys.executable, str(BENCHMARKS / script), *options]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def contestants(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import naive
    import with_scalargrad

    return naive.MicroGPT, with_scalargrad.MicroGPT


@pytest.mark.parametrize("n_embd", [4, 16])
def test_the_notebook_engine_and_scalargrad_train_the_same_model(contestants, n_embd):
    naive, ours = (model(DOCUMENTS, n_embd=n_embd, steps=5) for model in contestants)
    for _ in DOCUMENTS:
        assert ours.step() == pytest.approx(naive.step(), abs=1e-9)
    weights = (p for matrix in ours.model.weights.values() for row in matrix for p in row)
    assert [p.data for p in weights] == pytest.approx([p.data for p in naive.parameters], abs=1e-9)


def test_rows_that_train_something_else_are_not_timed(contestants):
    import microgpt

    with pytest.raises(SystemExit, match=r"^b begins with the losses \[1.5\], but a with \[2.5\]$"):
        microgpt.check_agreement({"a": [2.5], "b": [1.5]})


@long
def test_the_training_benchmark_runs():
    table = output_of("microgpt.py", "--rounds", "1", "--steps", "5")
    assert "naive engine " in table
    assert "scalargrad, reference " in table


def test_the_graph_benchmark_runs():
    assert "ns per node" in output_of("graphs.py", "--quick")


def test_the_benchmark_of_ratios_runs():
    assert "times backward: grad by rows" in output_of("ratios.py", "--quick")


WITHOUT = """
import sys
import runpy

sys.modules[sys.argv[1]] = None  # as if it were not installed
sys.argv = sys.argv[2:]
sys.path.insert(0, sys.argv[0].rpartition("/")[0])
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.parametrize(
    ("library", "script", "options"),
    [
        ("torch", "benchmarks/microgpt.py", ["--torch"]),
        ("matplotlib", "docs/pictures/loss_curve.py", []),
        ("matplotlib", "docs/pictures/attention_map.py", []),
        ("matplotlib", "docs/pictures/decision_boundary.py", []),
        ("torch", "examples/microgpt_in_torch.py", ["model.safetensors"]),
    ],
    ids=lambda x: x if isinstance(x, str) else "",
)
def test_without_a_library_it_says_in_one_line_how_to_install_it(library, script, options):
    path = str(BENCHMARKS.parent / script)
    command = [sys.executable, "-c", WITHOUT, library, path, *options]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    install = shlex.join([sys.executable, "-m", "pip", "install", library])
    assert re.fullmatch(rf".*{library}.*: {re.escape(install)}( safetensors)?\n", done.stderr, re.I)
