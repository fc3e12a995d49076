"""The benchmarks compare like with like, and run. How fast they find anything is not tested."""

import importlib
import json
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


@pytest.fixture
def program(monkeypatch):
    """One of the benchmarks as a module."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module


@pytest.fixture
def published():
    return json.loads((BENCHMARKS / "results" / "published.json").read_text(encoding="utf-8"))


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


@pytest.mark.parametrize(
    "grown", [{}, {"n_embd": 8}, {"n_layer": 2}, {"context": 40}, {"batch_size": 3}], ids=str
)
def test_scalargrad_and_pytorch_train_the_same_model_when_it_grows(program, grown):
    pytest.importorskip("torch", reason="PyTorch is not installed")
    documents = program("microgpt").random_documents(letters=grown.get("context", 16) - 1)
    ours, torch = (
        program(name).MicroGPT(documents, **grown) for name in ("with_scalargrad", "with_torch")
    )
    for _ in range(3):
        assert ours.step() == pytest.approx(torch.step(), abs=1e-9)


@long
def test_all_benchmarks_run_with_one_command(tmp_path):
    results = tmp_path / "new" / "results.json"
    output_of("all.py", "--quick", "--output", str(results))
    measured = json.loads(results.read_text(encoding="utf-8"))["measured"]
    assert list(measured) == ["microgpt", "growth", "graphs", "ratios", "parallel"]


def test_what_is_measured_is_written_with_machine_and_versions(tmp_path):
    path = tmp_path / "results.json"
    output_of("all.py", "--quick", "--only", "parallel", "--output", str(path))
    results = json.loads(path.read_text(encoding="utf-8"))
    assert set(results["machine"]) == {"date", "processor", "cores", "system"}
    assert set(results["versions"]) == {"Python", "compiler", "scalargrad", "numpy", "torch"}
    (row,) = results["measured"]["parallel"]["rows"]
    assert set(row["speedup"]) == {"median", "lowest", "highest"}


def test_rounds_are_told_as_median_and_spread(program):
    assert program("all").summary({"a": [3.0, 1.0, 2.5], "b": {"c": 7}, "d": "compiled"}) == {
        "a": {"median": 2.5, "lowest": 1.0, "highest": 3.0},
        "b": {"c": 7},
        "d": "compiled",
    }


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        ([1.0, 1.1, 1.2], [1.3, 1.4, 1.5], ["  1.27 times as long: a / b"]),
        ([1.3, 1.4, 1.5], [1.0, 1.1, 1.2], ["  0.79 times as long: a / b"]),
        ([1.0, 1.1, 1.4], [1.3, 1.4, 1.5], []),  # the spreads meet
        ([1.00, 1.01, 1.02], [1.03, 1.04, 1.05], []),  # no more than one run differs from another
    ],
)
def test_only_a_clear_change_is_told(program, before, now, told):
    before, now = (program("all").summary({"a": {"b": x}}) for x in (before, now))
    assert list(program("all").changes(before, now)) == told


def test_the_tables_of_the_page_are_what_was_measured(program, published):
    tables = program("tables")
    hint = "run benchmarks/tables.py and docs/pictures/growth.py"
    assert tables.TABLES.read_text(encoding="utf-8") == tables.text(published), hint


class TestWhatThePageSays:
    """In words, without numbers: so that a new measurement shows which of it is true no longer."""

    @pytest.fixture
    def lead(self, program, published):
        """How many times as long as the compiled engine PyTorch takes, for each value of a size."""
        tables = program("tables")

        def found(size):
            points = published["measured"]["growth"]["sizes"][size].items()
            return {
                int(value): x[tables.PYTORCH]["median"] / x[tables.COMPILED]["median"]
                for value, x in points
            }

        return found

    def test_a_value_in_plain_python_gains_nothing_and_a_compiled_one_does(self, published):
        rows = published["measured"]["microgpt"]["n_embd"]["16"]
        reference, compiled = (rows[f"its Value swapped, {x}"] for x in ("reference", "compiled"))
        assert compiled["median"] < 0.2 * rows["naive engine"]["median"]
        assert reference["median"] > rows["naive engine"]["median"]

    def test_they_meet_at_a_width_of_about_a_hundred(self, lead):
        assert lead("n_embd")[16] > 3
        assert lead("n_embd")[64] > 1 > lead("n_embd")[256]

    def test_layers_leave_the_compiled_engine_ahead(self, lead):
        assert min(lead("n_layer").values()) > 2

    def test_pytorch_is_ahead_with_some_hundred_tokens_and_with_batches(self, lead):
        assert lead("context")[64] > 0.9
        assert lead("context")[256] < 1
        assert lead("batch_size")[4] > 1 > lead("batch_size")[16]

    def test_a_node_costs_thousands_of_ns_in_pytorch_and_few_in_the_compiled_engine(
        self, program, published
    ):
        measured = published["measured"]["graphs"]
        series = {engine: measured[engine]["ns per node"] for engine in ("reference", "compiled")}
        series["PyTorch"] = program("tables").nodes_in_pytorch(measured)
        for name, low, high in (
            ("PyTorch", 3000, 20_000),
            ("reference", 900, 3500),
            ("compiled", 20, 300),
        ):
            for parts in series[name].values():
                assert low < sum(part["median"] for part in parts.values()) < high, name


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
        ("torch", "benchmarks/growth.py", ["--torch"]),
        ("torch", "benchmarks/graphs.py", ["--torch"]),
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
