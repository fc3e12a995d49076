"""What the playground runs in the page, run here: its programs, on the engines of this machine.

tests/browser/playground.py opens the pages themselves.
"""

import asyncio
import importlib
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROGRAMS = ROOT / "docs" / "assets" / "playground" / "python"
PRESETS = sorted(PROGRAMS.glob("presets/*.py"))
every_preset = pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)


@pytest.fixture
def program(sg, monkeypatch):
    """Imports one of the programs, on the engine of the test."""
    names = [path.stem for path in PROGRAMS.glob("*.py")]
    monkeypatch.syspath_prepend(str(PROGRAMS))
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module
    for name in names:
        sys.modules.pop(name, None)


@pytest.fixture
def expression(program):
    return program("expression")


class TestOutput:
    @pytest.mark.parametrize(
        ("end", "name"),
        [
            ("y", "y"),
            ("y = x * x", "y"),
            ("y = x * x\nz = y + 1.0\ny", "y"),
            ("y = x * x\ny.backward()", "y"),
            ("y = x * x\nprint('done')", "y"),
            ("y = x * x\nn = 3", "y"),
            ("for i in range(3):\n    y = y * x", "y"),
        ],
    )
    def test_is_the_last_line_or_the_last_name_that_was_given_to_a_value(
        self, expression, end, name
    ):
        text = f"from scalargrad import Value\nx = Value(3.0)\ny = x + 1.0\n{end}"
        assert expression.look(text)["output"]["name"] == name

    def test_is_missing_where_there_is_no_value(self, expression):
        with pytest.raises(ValueError, match="end it with a line that is one"):
            expression.look("x = 3.0\nx * x")

    def test_is_no_row(self, expression):
        with pytest.raises(ValueError, match=r"Of a row, take one number, or its sum\(\)"):
            expression.look("from scalargrad import nn\nnn.vector([1.0, 2.0])")

    def test_a_number_without_a_label_is_called_by_its_variable(self, expression):
        text = (
            "from scalargrad import Value\nx, b = Value(3.0), Value(1.0, label='bias')\ny = x * b"
        )
        assert set(expression.look(text)["boxes"]) == {"x", "bias", "y"}

    def test_a_leaf_has_no_lines(self, expression):
        found = expression.look("from scalargrad import Value\nx = Value(3.0)")
        assert (found["output"]["name"], found["steps"]) == ("x", [])

    @pytest.mark.parametrize(
        ("leaf", "name"), [("Value(3.0)", "v1"), ("Value(3.0, label='a \\n b')", "a b")]
    )
    def test_a_leaf_is_called_as_in_its_box(self, expression, leaf, name):
        found = expression.look(f"from scalargrad import Value\n{leaf}")
        assert found["output"]["name"] == name
        assert set(found["boxes"]) == {name}


class TestSteps:
    def test_are_the_gradients_that_the_tutorial_finds_by_nudging(self, expression):
        steps = expression.look((PROGRAMS / "presets/bill.py").read_text())["steps"]
        last = {step["parent"]: step["grad"] for step in steps}
        found = {name: last[name] for name in ("price", "count", "delivery", "tax")}
        assert found == {"price": 4.5, "count": 6.0, "delivery": 1.5, "tax": 17.0}

    @every_preset
    def test_are_the_lines_of_the_ledger(self, sg, expression, preset):
        text = preset.read_text()
        fields = ("node", "op", "upstream", "local", "contribution", "parent", "grad")
        ledger = sg.graph.ledger(expression.output_of(text))
        steps = expression.look(text)["steps"]
        assert [tuple(step[field] for field in fields) for step in steps] == ledger

    @every_preset
    def test_go_along_arrows_of_the_picture_and_every_arrow_is_gone_along(self, expression, preset):
        found = expression.look(preset.read_text())
        drawn = [arrow.replace(" ", "") for arrow in re.findall(r"n\d+ -> n\d+", found["dot"])]
        assert {step["arrow"] for step in found["steps"]} == set(drawn)

    def test_go_along_both_arrows_of_a_square(self, expression):
        text = "from scalargrad import Value\nx = Value(3.0)\ny = x * x"
        steps = expression.look(text)["steps"]
        assert [(s["arrow"], s["which"]) for s in steps] == [("n1->n2", 0), ("n1->n2", 1)]


class TestBoxes:
    @every_preset
    def test_say_where_the_gradient_of_each_number_stands(self, expression, preset):
        found = expression.look(preset.read_text())
        labels = dict(expression.NODE.findall(found["dot"]))
        for name, grad in {s["parent"]: s["shown"]["grad"] for s in found["steps"]}.items():
            place = found["boxes"][name]
            written = re.findall(r"grad (\S+)", expression.text_of(labels[place["box"]]))
            assert written[place["gradient"]] == grad

    def test_the_middle_of_a_long_row_is_in_its_box_but_not_written(self, expression):
        text = "from scalargrad import nn\nx = nn.vector([0.5] * 12)\ny = nn.softmax(x).sum()"
        boxes = expression.look(text)["boxes"]
        assert boxes["x[5]"] == {"box": boxes["x[0]"]["box"], "gradient": None}
        assert (boxes["x[0]"]["gradient"], boxes["x[11]"]["gradient"]) == (-7, -1)

    @pytest.mark.parametrize(
        "label", ['"', "\\", "\\n", "a\\", "&amp;", "<b>", "grad 1", "x (exp)", "n1 -> n2"]
    )
    def test_are_found_whatever_a_number_is_called(self, expression, label):
        text = f"from scalargrad import Value\nx = Value(3.0, label={label!r})\ny = x.exp()"
        found = expression.look(text)
        assert found["boxes"] == {
            label: {"box": "n1", "gradient": -1},
            "y": {"box": "n2", "gradient": -1},
        }


class TestSliders:
    def test_are_for_the_numbers_that_become_values(self, expression):
        text = (
            "import scalargrad as sg\n"
            "x, y = sg.Value(3), sg.Value(-2.5, label='why')\n"
            "w = sg.nn.vector([0.5, -1.0])\n"
            "z = sg.Value(y.data)\n"
            "out = (x * y + sg.Value(7.0)) * 5.0 + w.sum() * z\n"
        )
        found = [(n["name"], n["value"]) for n in expression.look(text)["numbers"]]
        assert found == [("x", 3.0), ("why", -2.5), ("w[0]", 0.5), ("w[1]", -1.0), ("line 5", 7.0)]

    def test_change_the_number_in_the_text(self, expression):
        text = "from scalargrad import Value\nñ = 'é'; x = Value( -2.5 ) # x\ny = x * x"
        found = expression.look(text, [0, 4])
        assert found["text"] == text.replace("-2.5", "4.0")
        assert found["output"]["data"] == 16.0


class TestErrors:
    def told(self, program, text):
        try:
            program("session").run(text, {})
        except BaseException as error:
            return program("session").told(error)
        raise AssertionError("it ran")

    def test_are_told_in_the_lines_of_the_program_alone(self, program):
        told = self.told(program, "def f(x):\n    return 1 / x\n\nf(0)\n")
        assert (told["type"], told["line"]) == ("ZeroDivisionError", 2)
        assert set(re.findall('File "(.*?)"', told["traceback"])) == {"program.py"}
        assert "return 1 / x" in told["traceback"]

    def test_in_the_library_are_told_where_the_program_called_it(self, program):
        told = self.told(program, "import scalargrad as sg\nsg.Value(-1.0).log()")
        assert (told["type"], told["line"]) == ("ValueError", 2)
        assert set(re.findall('File "(.*?)"', told["traceback"])) == {"program.py"}

    def test_of_spelling_have_their_line(self, program):
        told = self.told(program, "x = 1\ny = = 2\n")
        assert (told["type"], told["line"]) == ("SyntaxError", 2)
        assert 'File "program.py", line 2' in told["traceback"]

    def test_an_exit_is_told_too(self, program):
        assert self.told(program, "raise SystemExit('bye')")["message"] == "bye"


class TestCalls:
    @pytest.fixture
    def calls(self, program, monkeypatch, tmp_path):
        """Makes several calls at once, of functions in a module; gives what was sent, in order."""
        session = program("session")
        monkeypatch.setattr(session, "as_javascript", lambda value: value)
        monkeypatch.syspath_prepend(str(tmp_path))

        def calls(text, *calls):
            (tmp_path / "called_by_a_test.py").write_text(text)
            sent = []

            async def all_of_them():
                waiting = [
                    session.call(
                        "called_by_a_test", name, given, lambda *s, n=n: sent.append((n, *s))
                    )
                    for n, (name, given) in enumerate(calls)
                ]
                await asyncio.gather(*waiting)

            asyncio.run(all_of_them())
            return sent

        yield calls
        sys.modules.pop("called_by_a_test", None)

    def test_send_what_the_function_returns(self, calls):
        text = "def add(a, b): return a + b"
        assert calls(text, ("add", {"a": 1, "b": 2})) == [(0, "result", 3)]

    def test_of_a_generator_send_each_item_and_what_it_returns(self, calls):
        text = "def count():\n    yield 1\n    yield 2\n    return 'end'"
        sent = [(0, "item", 1), (0, "item", 2), (0, "result", "end")]
        assert calls(text, ("count", {})) == sent

    def test_are_answered_between_the_items_of_another(self, calls):
        text = (
            "rate = 1\n"
            "def train():\n    for i in range(3):\n        yield rate\n"
            "def set_rate(to):\n    global rate\n    rate = to"
        )
        sent = calls(text, ("train", {}), ("set_rate", {"to": 5}))
        assert [value for n, kind, value in sent if kind == "item"] == [1, 5, 5]

    def test_that_fail_say_so(self, calls):
        ((_, kind, error),) = calls("def fail(): raise KeyError('k')", ("fail", {}))
        assert (kind, error["type"], error["message"]) == ("error", "KeyError", "'k'")


class TestBreakIt:
    @pytest.fixture
    def broken(self, program):
        text = (PROGRAMS / "small_value.py").read_text()
        return lambda *mistakes: program("break_it").look(text, mistakes)

    @pytest.mark.parametrize(
        ("mistakes", "grads"),
        [
            ([], [1.0, 1.0, 3.0, 18.0]),
            (["sort"], [1.0, 1.0, 3.0, 6.0]),
            (["add"], [1.0, 1.0, 2.0, 6.0]),
            (["zero"], [1.0, 1.0, 3.0, 18.0]),
        ],
    )
    def test_the_example_goes_wrong_beside_the_right_numbers(self, broken, mistakes, grads):
        example = broken(*mistakes)["example"]
        assert [line["grad"] for line in example] == grads
        assert [line["right"] for line in example] == [1.0, 1.0, 3.0, 18.0]

    @pytest.mark.parametrize(
        ("mistake", "cause"), [("sort", "the wrong order"), ("add", "a gradient is overwritten")]
    )
    def test_gradcheck_names_the_cause(self, broken, mistake, cause):
        assert f"cause: {cause}" in broken(mistake)["gradcheck"]

    @pytest.mark.parametrize("mistakes", [[], ["zero"]])
    def test_gradcheck_finds_nothing_wrong_with_backward_where_there_is_nothing(
        self, broken, mistakes
    ):
        assert broken(*mistakes)["gradcheck"] == ""

    def test_the_right_loss_shrinks_by_the_same_factor_at_each_step(self, broken):
        # loss = (2 w - 6)^2 has the slope 8 (w - 3), so a step of 0.05 leaves 0.6 of w - 3
        for step, line in enumerate(broken()["training"]):
            assert line["right_loss"] == pytest.approx(36 * 0.36**step)
            assert line["loss"] == line["right_loss"]
            assert line["grad"] == line["right_grad"]

    def test_without_zero_grad_the_gradients_pile_up_and_the_loss_swings(self, broken):
        distance, gathered = -3.0, 0.0
        for line in broken("zero")["training"]:
            gathered += 8 * distance
            assert (line["loss"], line["grad"]) == pytest.approx(((2 * distance) ** 2, gathered))
            distance -= 0.05 * gathered
        assert max(line["loss"] for line in broken("zero")["training"][4:]) > 36

    def test_each_mistake_changes_one_line_that_is_shown(self, broken):
        for mistake in ("sort", "add", "zero"):
            kinds = [line["kind"] for line in broken(mistake)["lines"]]
            assert (kinds.count("old"), kinds.count("new")) == (1, 1)


class TestWhatIsServed:
    LOCK = json.loads((ROOT / "playground" / "package-lock.json").read_text())["packages"]
    WHEELS = (ROOT / "playground" / "exercises-requirements.txt").read_text()

    @pytest.fixture
    def assemble(self, monkeypatch):
        monkeypatch.syspath_prepend(str(ROOT / "playground"))
        return importlib.import_module("assemble")

    def test_every_package_is_pinned_by_a_hash(self):
        pinned = {path: "integrity" in package for path, package in self.LOCK.items() if path}
        assert pinned
        assert all(pinned.values()), pinned
        wheels = [line for line in self.WHEELS.splitlines() if not line.startswith("#")]
        assert wheels
        assert all(re.fullmatch(r"\S+==\S+ --hash=sha256:\w{64}", line) for line in wheels)

    def test_every_package_is_named_on_the_page_of_licences(self, assemble):
        page = (ROOT / "docs" / "licences.md").read_text()
        packages = [*assemble.versions(), *re.findall("^([a-z]+)==", self.WHEELS, re.MULTILINE)]
        assert [name for name in packages if f"`{name}`" not in page] == []

    def test_without_npm_the_site_is_built_without_it(
        self, assemble, monkeypatch, tmp_path, capsys
    ):
        monkeypatch.setattr(assemble, "VENDOR", tmp_path / "vendor")
        monkeypatch.setattr(assemble, "MODULES", tmp_path / "node_modules")
        monkeypatch.setattr(assemble.shutil, "which", lambda program: None)
        assemble.main()
        assert "npm is not installed" in capsys.readouterr().err
        assert list(tmp_path.iterdir()) == []
