"""examples/steps: each program is what its page says; the last is the GPT of examples/microgpt."""

import ast
import importlib.util
import random
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import microgpt_support  # lets the modules of the example be imported  # noqa: F401
import numpy as np
import pytest
from effort import long, long_in_python

# isort: split
from model import Config, empty_cache, gpt, new_gpt
from run import Training, new_run
from sample import generate
from training import train as train_microgpt

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "docs" / "pictures"))
# ruff: noqa: E402
import step_differences
import steps_losses

STEPS = {path.stem: path for path in step_differences.STEPS}
COUNTING, GRADIENT, MLP, ATTENTION, FULL, ADAM = STEPS
LEARNING = [GRADIENT, MLP, ATTENTION, FULL, ADAM]
PAGE = (ROOT / "docs" / "steps.md").read_text(encoding="utf-8")
ANNA = [26, 0, 13, 13, 0]


def variants():
    """What the page suggests to try: the step, the changes, how many names, and the loss."""
    for letters, steps, loss in (
        (2, 5000, "2.360"),
        (4, 5000, "2.277"),
        (5, 5000, "2.253"),
        (5, 20000, "2.156"),
    ):
        tokens = ", ".join(["tokens", *(f"tokens[{i}:]" for i in range(1, letters))])
        changes = {
            "3 * 16": f"{letters} * 16",
            "[END, END, *tokens]": f"[{'END, ' * (letters - 1)}*tokens]",
            "tokens, tokens[1:], tokens[2:]": tokens,
        }
        yield MLP, changes, steps, loss
    yield MLP, {"0.3": "0.5"}, 5000, "2.296"
    yield FULL, {"0.3": "1.0"}, 5000, "nan"
    yield ATTENTION, {"x = nn.weighted_sum": "x = x + nn.weighted_sum"}, 5000, "2.312"
    yield ATTENTION, {" + wpe[position]": ""}, 5000, "2.406"
    yield FULL, {" + wpe[position]": ""}, 5000, "2.300"
    yield ADAM, {}, 20000, "2.222"


every_step = pytest.mark.parametrize("step", STEPS)


def fresh(step):
    """A program as a module, as if it had just been started."""
    spec = importlib.util.spec_from_file_location(step, STEPS[step])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def load(sg):
    """Loads a program on the engine of the test."""
    return fresh


def array(matrix):
    return np.array([row.data for row in matrix])


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def rmsnorm(x):
    return x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-5)


def larger(program):
    """Weights that are large enough for every part of the model to matter."""
    draw = random.Random(5)
    for matrix in program.weights:
        for row in matrix:
            row.data = [draw.gauss(0, 0.5) for _ in row]


class TestEach:
    @every_step
    def test_is_30_to_90_lines_without_the_blank_ones(self, step):
        assert 30 <= sum(map(bool, STEPS[step].read_text().splitlines())) <= 90

    @every_step
    def test_has_the_same_functions_in_the_same_order(self, step):
        tree = ast.parse(STEPS[step].read_text())
        functions = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
        assert functions == ["model", "losses", "train", "held_out_loss", "write"]

    @pytest.mark.parametrize(("before", "after"), list(pairwise(STEPS)))
    def test_is_a_small_difference_from_the_one_before(self, before, after):
        lines = step_differences.difference(STEPS[before], STEPS[after]).splitlines()[2:]
        assert 0 < sum(line[0] in "+-" for line in lines) <= 45

    def test_holds_out_the_tenth_that_the_example_does(self):
        run = new_run(None, Config(), Training(val_fraction=0.1))
        for step in STEPS:
            program = fresh(step)
            assert (program.training_names, program.held_out) == (run.documents, run.held_out)

    @every_step
    def test_answers_at_each_position_without_looking_ahead(self, load, step):
        program = load(step)
        rows = [list(map(float_of, row)) for row in program.model(ANNA)]
        assert [len(row) for row in rows] == [27] * 5
        for n in range(1, 5):
            assert [list(map(float_of, row)) for row in program.model(ANNA[:n])] == rows[:n]

    @every_step
    def test_is_at_first_as_surprised_as_one_that_chooses_among_27(self, load, step):
        losses = [float_of(loss) for loss in load(step).losses("anna")]
        assert len(losses) == 5
        assert sum(losses) / 5 == pytest.approx(np.log(27), abs=0.3)

    @long_in_python
    @every_step
    def test_writes_letters_until_the_end_and_at_most_16(self, load, step):
        program = load(step)
        written = [program.write() for _ in range(5)]
        assert all(re.fullmatch("[a-z]{0,16}", name) for name in written)
        program.rng.choices = lambda tokens, weights: [next(tokens_to_write)]
        tokens_to_write = iter([4, 12, 12, 0, program.END, 1])
        assert program.write() == "emma"
        tokens_to_write = iter([1] * 99)
        assert program.write() == "b" * 16

    @long_in_python
    @every_step
    def test_draws_the_next_letter_as_the_temperature_says(self, load, step):
        program, drawn = load(step), []
        if step != COUNTING:
            larger(program)
        row = np.array(list(map(float_of, program.model([26])[0])))
        program.rng.choices = lambda tokens, weights: drawn.append(weights) or [program.END]
        program.write(temperature=1.0)
        program.write(temperature=0.25)
        expected = row if step == COUNTING else softmax(row)
        for weights, power in zip(drawn, (1, 4)):
            chances = expected**power / (expected**power).sum()
            assert np.array(weights) / sum(weights) == pytest.approx(chances, rel=1e-9)

    @long_in_python
    @pytest.mark.parametrize("step", LEARNING)
    def test_learns(self, load, step, capsys):
        program = load(step)
        names = program.training_names[:30]

        def loss():
            return np.mean([x.data for name in names for x in program.losses(name)])

        before = loss()
        program.train(len(names))
        assert loss() < before - 0.01
        assert re.fullmatch(r"step     0   loss 3\.\d{3}\n", capsys.readouterr().out)

    @long
    @every_step
    def test_run_by_itself_prints_its_loss_and_ten_names(self, step):
        done = subprocess.run(
            [sys.executable, "-W", "error", STEPS[step], "20"],
            capture_output=True,
            text=True,
            check=True,
        )
        *_, loss, names = done.stdout.splitlines()
        assert re.fullmatch(r"loss on held-out names after 20 steps: [23]\.\d{3}", loss)
        assert names.count(" ") == 9


def float_of(number):
    return getattr(number, "data", number)


class TestCounting:
    def test_a_probability_is_a_share_of_the_pairs_that_were_seen(self, load):
        program = load(COUNTING)
        program.training_names[:2] = ["abba", "cab"]  # pairs of a: ab, a., ab; one more of each
        program.train(2)
        (after_a,) = program.model([0])
        assert after_a[1] == pytest.approx(3 / 30)
        assert after_a[26] == pytest.approx(2 / 30)
        assert after_a[2] == pytest.approx(1 / 30)

    @long
    def test_the_loss_is_that_of_an_independent_count_of_all_names(self):
        program = fresh(COUNTING)
        program.train(len(program.training_names))
        chances = np.ones((27, 27))
        for before, after in pairs(program.training_names):
            chances[before, after] += 1
        chances /= chances.sum(axis=1, keepdims=True)
        expected = -np.mean([np.log(chances[pair]) for pair in pairs(program.held_out)])
        assert program.held_out_loss() == pytest.approx(expected, rel=1e-9)
        assert f"{expected:.3f}" == "2.456"


def pairs(names):
    alphabet = ".abcdefghijklmnopqrstuvwxyz"
    for name in names:
        tokens = [alphabet.index(letter) - 1 for letter in f".{name}."]
        yield from pairwise(tokens)  # -1, the end, is the last row and column of 27


class TestGradient:
    def test_the_optimum_is_what_counting_gives(self, load):
        """There the gradient is 0; and the loss, which is convex, has no other such place."""
        counting, learning = load(COUNTING), load(GRADIENT)
        names = counting.training_names[:100]
        counting.train(len(names))
        for row, counts in zip(learning.table, counting.counts):
            row.data = [np.log(count) for count in counts]
        assert [x.data for x in learning.losses("anna")] == pytest.approx(counting.losses("anna"))

        one_of_each = [
            learning.nn.cross_entropy(row, target)
            for row in learning.model(range(27))
            for target in range(27)
        ]
        seen = [loss for name in names for loss in learning.losses(name)]
        learning.Vector(seen + one_of_each).sum().backward()
        assert np.array([row.grad for row in learning.table]) == pytest.approx(0, abs=1e-11)


class TestModels:
    """Against matrix algebra."""

    def test_the_mlp(self, load):
        program = load(MLP)
        larger(program)
        wte, fc1, head = map(array, program.weights)
        padded = [26, 26, *ANNA]
        rows = np.array([np.concatenate(wte[padded[i : i + 3]]) for i in range(5)])
        expected = np.maximum(rows @ fc1.T, 0) @ head.T
        assert array(program.model(ANNA)) == pytest.approx(expected, rel=1e-9)

    def test_attention(self, load):
        program = load(ATTENTION)
        larger(program)
        wte, wpe, head, q, k, v = map(array, program.weights)
        x = rmsnorm(wte[ANNA] + wpe[:5])
        scores = (x @ q.T) @ (x @ k.T).T / 4
        scores[np.triu_indices(5, 1)] = -np.inf
        expected = softmax(scores) @ (x @ v.T) @ head.T
        assert array(program.model(ANNA)) == pytest.approx(expected, rel=1e-9)

    @pytest.mark.parametrize("step", [FULL, ADAM])
    def test_the_gpt_is_that_of_the_example(self, load, step):
        program = load(step)
        larger(program)
        example = new_gpt(Config(), vocab_size=27, rng=random.Random(1))
        for name, matrix in example.weights.items():
            for row, theirs in zip(matrix, getattr(program, name.removeprefix("layer0."))):
                row.data = theirs.data
        cache = empty_cache(Config())
        with_example = [gpt(example, token, i, cache).data for i, token in enumerate(ANNA)]
        assert array(program.model(ANNA)) == pytest.approx(np.array(with_example), rel=1e-9)

    @long_in_python
    def test_the_last_trains_and_writes_as_the_example_does(self, load):
        run = new_run(None, Config(), Training(steps=5, val_fraction=0.1))
        for _ in train_microgpt(run, until=5):
            pass
        program = load(ADAM)
        program.train(5)
        for matrix, theirs in zip(program.weights, run.model.weights.values()):
            assert array(matrix) == pytest.approx(array(theirs), rel=1e-9)
        theirs = [generate(run.model, run.tokenizer, run.rng) for _ in range(3)]
        assert [program.write() for _ in range(3)] == theirs


class TestPage:
    def test_the_differences_are_those_of_the_files(self):
        for path, text in step_differences.differences().items():
            assert path.read_text(encoding="utf-8") == text, "run docs/pictures/step_differences.py"
            assert f'--8<-- "docs/pictures/{path.name}"' in PAGE

    def test_so_many_names_are_held_out_and_seen_all_the_same(self):
        program = fresh(COUNTING)
        seen = set(program.training_names[:5000])
        assert sum(name in seen for name in program.held_out) == 91
        assert re.search(r"\b91 of those held out are also among the first 5,000", PAGE)
        assert f"{len(program.held_out):,} others" in PAGE

    def test_the_picture_has_the_numbers_of_the_table(self):
        assert len(steps_losses.table()) == len(STEPS)
        for name, few, many in steps_losses.table():
            assert re.search(rf"^\| {name[0]} .*\| {few:.3f} \| {many:.3f} \|", PAGE, re.M), name

    def test_shows_the_new_part_of_each(self):
        new = dict.fromkeys(STEPS, "model") | {ADAM: "train"}
        for step, part in new.items():
            assert f'--8<-- "examples/steps/{step}.py:{part}"' in PAGE

    @long
    @every_step
    def test_the_tables_are_what_the_programs_give(self, step):
        (row,) = re.findall(rf"^\| {step[4]}\b.*\|$", PAGE, re.MULTILINE)[:1]
        losses = re.findall(r"\d\.\d{3}", row)
        (written,) = re.findall(rf"^\| {step[4]}\b[^|]*\| ((?:[a-z]+, )+[a-z]+) \|$", PAGE, re.M)
        for steps, loss in zip((1000, 5000), losses, strict=True):
            program = fresh(step)
            program.train(steps)
            assert f"{program.held_out_loss():.3f}" == loss
        assert ", ".join(program.write() for _ in range(10)) == written

    @long
    @pytest.mark.parametrize(("step", "changes", "steps", "loss"), list(variants()))
    def test_what_to_try_gives_what_the_page_says(self, step, changes, steps, loss):
        _, _, answers = PAGE.partition("## What to try")
        program = STEPS[step].read_text(encoding="utf-8")
        for old, new in changes.items():
            assert old in program
            program = program.replace(old, new)
        names = {"__name__": step, "__file__": str(STEPS[step])}
        exec(program, names)
        names["train"](steps)
        assert f"{names['held_out_loss']():.3f}" == loss
        assert re.search(rf"\b{loss}\b", answers)
