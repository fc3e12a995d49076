"""The package: which engine runs, what importing it does not do, and that its examples hold."""

import doctest
import hashlib
import importlib
import importlib.metadata
import importlib.resources
import inspect
import os
import pkgutil
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from engines import PACKAGES, load

COMPILED = Path(__file__).parents[1] / "src" / "scalargrad" / "engine" / "compiled"


def run(program: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The program in a Python process of its own."""
    return subprocess.run(
        [sys.executable, *options, "-c", textwrap.dedent(program)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )


class TestEngine:
    def test_the_one_that_was_asked_for_is_loaded(self, sg, engine):
        assert engine == sg.ENGINE
        is_python = inspect.isfunction(sg.Value.backward)
        assert is_python == inspect.isfunction(sg.nn.linear) == (engine == "reference")

    def test_all_parts_of_the_package_use_it(self, sg):
        x = sg.Value(2.0)
        assert type(sg.nn.vector([1.0])) is type(sg.nn.softmax([1.0])) is sg.Vector
        assert type(sg.grad(x * x, [x], create_graph=True)[0]) is sg.Value
        assert type(sg.grad(x.log(), [x], create_graph=True)[0]) is sg.Value

    def test_each_engine_has_classes_of_its_own(self):
        values = [package["scalargrad"].Value for package in PACKAGES.values()]
        assert len(set(values)) == len(PACKAGES)

    def test_it_is_chosen_by_an_environment_variable(self, engine):
        done = run("import scalargrad; print(scalargrad.ENGINE)", SCALARGRAD_ENGINE=engine)
        assert done.stdout == f"{engine}\n"

    def test_unset_or_empty_means_the_fastest_there_is(self):
        fastest = "compiled" if "compiled" in PACKAGES else "reference"
        done = run("import scalargrad; print(scalargrad.ENGINE)", SCALARGRAD_ENGINE="")
        assert done.stdout == f"{fastest}\n"

    @pytest.mark.parametrize("text", ["Reference", "c", "0", " "])
    def test_any_other_text_is_an_error(self, text):
        with pytest.raises(ImportError, match=f"'compiled', 'reference' or unset, got '{text}'"):
            load(text)

    def test_the_compiled_one_is_an_error_where_it_is_missing(self):
        hidden = """
            import sys
            sys.modules["scalargrad.engine.compiled"] = None
            import scalargrad
        """
        done = run(hidden, SCALARGRAD_ENGINE="compiled")
        assert done.returncode == 1
        assert (
            "ImportError: SCALARGRAD_ENGINE=compiled, but this installation has no" in done.stderr
        )

    @pytest.mark.parametrize("wanted", ["", "compiled"])
    @pytest.mark.parametrize("interface", [{}, {"INTERFACE": 0}, {"INTERFACE": 10**6}])
    def test_a_compiled_one_that_is_older_or_newer_is_refused_and_says_what_to_do(
        self, wanted, interface
    ):
        other = f"""
            import sys, types
            other = types.ModuleType("scalargrad.engine.compiled")
            vars(other).update({interface!r})
            sys.modules["scalargrad.engine.compiled"] = other
            import scalargrad
        """
        done = run(other, SCALARGRAD_ENGINE=wanted)
        assert done.returncode == 1
        assert "ImportError: the compiled engine was built from other files" in done.stderr
        assert "install scalargrad again" in done.stderr
        assert run(other, SCALARGRAD_ENGINE="reference").returncode == 0

    def test_what_the_engines_ask_of_each_other_has_a_number(self, sg):
        """If this fails, raise INTERFACE in engine/__init__.py and in engine.h, and note here what
        it stands for: the functions of the engines, and those that the compiled one calls."""
        from scalargrad.engine import INTERFACE, reference

        header = (COMPILED / "engine.h").read_text(encoding="utf-8")
        assert f"enum {{ INTERFACE = {INTERFACE} }};" in header
        code = "".join(path.read_text(encoding="utf-8") for path in sorted(COMPILED.glob("*.c")))
        called = re.findall(
            r'(?:from_arguments|asked_of_arguments|\bcall|import_from)\((?:"[\w.]+", )?"(\w+)', code
        )
        functions = {name: getattr(reference, name) for name in reference.__all__}
        given = [
            f"{name}({', '.join(inspect.signature(function).parameters)})"
            for name, function in functions.items()
        ]
        text = "\n".join([*given, *sorted(set(called))])
        assert (INTERFACE, hashlib.sha256(text.encode()).hexdigest()[:8]) == (3, "8b8e8a0e")

    def test_the_reference_one_runs_where_the_compiled_one_is_missing(self):
        hidden = """
            import sys
            sys.modules["scalargrad.engine.compiled"] = None
            import scalargrad
            print(scalargrad.ENGINE)
        """
        assert run(hidden, SCALARGRAD_ENGINE="").stdout == "reference\n"

    def test_the_reference_one_runs_on_a_python_without_the_global_interpreter_lock(
        self, monkeypatch
    ):
        monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)
        assert load("")["scalargrad"].ENGINE == "reference"
        with pytest.raises(
            ImportError, match=r"SCALARGRAD_ENGINE=compiled, but .* interpreter lock"
        ):
            load("compiled")

    def test_a_demanded_engine_that_is_missing_fails_the_tests(self):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "--collect-only", "-q", __file__],
            env=os.environ
            | {"SCALARGRAD_TEST_ENGINES": "reference,imaginary"}
            | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},  # they take a second to load
            capture_output=True,
            text=True,
        )
        assert done.returncode != 0
        assert "got 'imaginary'" in done.stdout + done.stderr


class TestImport:
    def test_loads_nothing_outside_the_standard_library(self, engine):
        program = """
            import sys
            before = set(sys.modules)
            import scalargrad
            roots = {name.partition(".")[0] for name in set(sys.modules) - before}
            print(sorted(roots - sys.stdlib_module_names))
        """
        assert run(program, SCALARGRAD_ENGINE=engine).stdout == "['scalargrad']\n"

    def test_leaves_for_later_what_a_training_does_not_use(self, engine):
        program = """
            import sys
            import scalargrad
            late = ("graph", "drawing", "layout", "derivatives", "checking")
            print({f"scalargrad.{name}" for name in late} & set(sys.modules))
            print([x for x in ("graph", "grad", "gradcheck") if x not in dir(scalargrad)])
        """
        assert run(program, SCALARGRAD_ENGINE=engine).stdout == "set()\n[]\n"

    @pytest.mark.parametrize(
        "statements",
        [
            "import scalargrad as sg; sg.graph.explain; sg.gradcheck; sg.grad",
            "import scalargrad as sg; sg.grad; sg.gradcheck; sg.graph.explain",
            "from scalargrad import gradcheck, graph, grad; graph.explain",
            "from scalargrad import *; gradcheck; grad; graph.explain",
            "import scalargrad.graph; scalargrad.graph.explain; scalargrad.grad",
        ],
    )
    def test_what_was_left_for_later_comes_when_it_is_asked_for(self, engine, statements):
        done = run(statements, SCALARGRAD_ENGINE=engine)
        assert (done.returncode, done.stderr) == (0, "")

    def test_a_name_that_is_not_there_is_an_error_as_of_any_module(self, sg):
        with pytest.raises(
            AttributeError, match=r"^module 'scalargrad' has no attribute 'Scalar'$"
        ):
            sg.Scalar  # noqa: B018

    def test_prints_nothing_and_warns_of_nothing(self, engine):
        done = run("import scalargrad", "-W", "error", SCALARGRAD_ENGINE=engine)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    def test_changes_no_state_of_the_process(self, engine):
        program = """
            import gc, logging, os, random, signal, sys, threading, warnings
            def state():
                root = logging.getLogger()
                return (
                    root.level, list(root.handlers), list(logging.root.manager.loggerDict),
                    random.getstate(), list(warnings.filters), sys.getrecursionlimit(),
                    gc.isenabled(), gc.get_threshold(), dict(os.environ), os.getcwd(),
                    threading.active_count(), signal.getsignal(signal.SIGINT), sys.path[:],
                )
            before = state()
            import scalargrad
            assert state() == before
        """
        done = run(program, SCALARGRAD_ENGINE=engine)
        assert done.returncode == 0, done.stderr

    def test_writes_no_file(self, engine, tmp_path):
        done = subprocess.run(
            [sys.executable, "-c", "import scalargrad"],
            env=os.environ | {"SCALARGRAD_ENGINE": engine, "HOME": str(tmp_path)},
            cwd=tmp_path,
        )
        assert done.returncode == 0
        assert list(tmp_path.iterdir()) == []


class TestPublicNames:
    def test_of_the_package(self, sg):
        assert sg.__all__ == sorted(sg.__all__)
        assert set(sg.__all__) == {
            *("ENGINE", "Value", "Vector", "atan2", "maximum", "minimum", "no_grad"),
            *("grad", "gradcheck", "graph", "nn", "optim"),
        }

    @pytest.mark.parametrize(
        ("module", "names"),
        [
            (
                "nn",
                {
                    *("cross_entropy", "concatenate", "dot", "linear", "logsumexp", "matrix"),
                    *("rmsnorm", "softmax", "vector", "weighted_sum"),
                },
            ),
            ("optim", {"SGD", "Adam", "AdamW", "clip_grad_norm"}),
            (
                "graph",
                {"Edge", "explain", "first_nonfinite", "ledger", "save"}
                | {"to_dot", "to_mermaid", "to_svg"},
            ),
        ],
    )
    def test_of_its_modules(self, sg, module, names):
        assert set(getattr(sg, module).__all__) == names

    def test_all_of_them_exist_and_a_star_import_brings_them(self, sg):
        for module in (sg, sg.nn, sg.optim, sg.graph):
            namespace: dict[str, object] = {}
            exec(f"from {module.__name__} import *", namespace)
            assert set(module.__all__) <= set(namespace)

    def test_the_version_is_that_of_the_installation(self, sg):
        assert sg.__version__ == importlib.metadata.version("scalargrad")

    def test_every_public_thing_is_documented(self, sg):
        things = [
            getattr(module, name)
            for module in (sg, sg.nn, sg.optim, sg.graph)
            for name in module.__all__
            if name != "ENGINE"
        ]
        methods = [
            getattr(kind, name)
            for kind in (sg.Value, sg.optim.SGD, sg.optim.Adam)
            for name in dir(kind)
            if not name.startswith("_") and hasattr(kind, name)
        ]
        for thing in things + methods:
            assert inspect.getdoc(thing), thing

    def test_type_hints_are_announced(self, sg):
        assert importlib.resources.files("scalargrad").joinpath("py.typed").is_file()


class TestDocumentation:
    def test_the_examples_in_docstrings_give_what_they_say(self, sg):
        other = "reference" if sg.ENGINE == "compiled" else "compiled"
        names = [m.name for m in pkgutil.walk_packages(sg.__path__, "scalargrad.")]
        names = [name for name in names if f".engine.{other}" not in name]
        modules = [sg, *map(importlib.import_module, names)]
        results = [doctest.testmod(module) for module in modules]
        assert sum(result.failed for result in results) == 0
        assert sum(result.attempted for result in results) > 30

    def test_each_example_runs_when_it_is_pasted_by_itself(self, sg):
        for where, text in public_docstrings(sg):
            for block in re.split(r"\n\n(?! *>>>)", text):
                test = doctest.DocTestParser().get_doctest(block, {}, where, None, 0)
                assert doctest.DocTestRunner().run(test).failed == 0


def public_docstrings(sg):
    """The docstrings that the reference pages show, each with the name of what it describes."""
    rooms = (sg, sg.nn, sg.optim, sg.graph)
    things = {name: getattr(room, name) for room in rooms for name in room.__all__}
    for name, thing in list(things.items()):
        if inspect.isclass(thing):
            things |= {
                f"{name}.{x}": getattr(thing, x)
                for x in dir(thing)
                if hasattr(thing, x) and x[0] != "_"
            }
    return [
        (name, inspect.getdoc(thing) or "")
        for name, thing in things.items()
        if name != "ENGINE" and not inspect.ismodule(thing)
    ]
