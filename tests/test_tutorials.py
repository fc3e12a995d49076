"""The tutorial pages: they show the code they promise, and the programs beside them are right.

That the examples on them run is tested with all pages.
"""

import ast
import base64
import importlib
import io
import json
import math
import random
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from effort import long, long_in_python
from engines import PACKAGES
from matplotlib.image import imread
from microgpt_support import DATA, environment

import scalargrad
from scalargrad import gradcheck, nn

ROOT = Path(__file__).parents[1]
DOCS, EXAMPLES = ROOT / "docs", ROOT / "examples"

sys.path += [str(EXAMPLES), str(DOCS / "pictures")]
# ruff: noqa: E402
import attention_head
import attention_map
import decision_boundary
import embeddings
import expected
import figure
import forward_pass
import gpt_map
import layer
import loss_curve
import my_value
import neuron
import newton
import order
import tangent
import tanh
import training_steps
import valley
import way_of_a_token
from default_run import default_run
from model import Config, document_loss, empty_cache, gpt, shapes
from two_moons import accuracy

GPT = ["gpt/index.md", "gpt/model.md", "gpt/training.md", "gpt/sampling.md"]
TUTORIALS = {"backpropagation": ["backpropagation.md"], "mlp": ["mlp.md"], "gpt": GPT}
PAGES = [page for pages in TUTORIALS.values() for page in pages] + ["second-derivatives.md"]
INCLUDE = re.compile(r'^ *--8<-- "(?P<path>[^":]+\.py)(?::(?P<part>.+))?"$', re.MULTILINE)
MARKER = re.compile(r"# --8<-- \[(start|end):(.+)\]")
IMAGE = re.compile(
    r"!\[(?P<alt>[^\]]*)\]\((?:\.\./)?pictures/(?P<file>.+?\.svg)#only-(?P<scheme>\w+)\)"
)

# What a tutorial shows: the whole of some files, and of others what matters.
SHOWN = {
    "backpropagation": {"examples/my_value.py": "all"},
    "mlp": {
        "examples/two_moons.py": "two_moons new_network score mean_loss train accuracy",
    },
    "gpt": {
        "examples/microgpt/data.py": "load fingerprint shuffled split",
        "examples/microgpt/tokenizer.py": "all",
        "examples/microgpt/model.py": "all",
        "examples/microgpt/run.py": "Run new_run new_optimizer",
        "examples/microgpt/training.py": (
            "train_step learning_rate train _where_it_began held_out_loss"
        ),
        "examples/microgpt/gradients.py": "batch_gradients group_gradients _add_gradient",
        "examples/microgpt/sample.py": "choose generate",
        "examples/microgpt/checkpoint.py": "Checkpoint weights_of save load",
    },
}
shown_files = pytest.mark.parametrize(
    ("tutorial", "path"), [(tutorial, path) for tutorial, files in SHOWN.items() for path in files]
)


class TestIncludedCode:
    @shown_files
    def test_every_statement_is_shown_once(self, tutorial, path):
        shown = shown_lines(tutorial, path)
        source = (ROOT / path).read_text()
        for first, last in statements(source, SHOWN[tutorial][path]):
            times = {shown.count(line) for line in range(first, last + 1)}
            lines = "\n".join(source.splitlines()[first - 1 : last])
            assert times == {1}, f"{tutorial} must show these lines of {path} once\n{lines}"

    @shown_files
    def test_it_is_shown_in_the_order_of_the_file(self, tutorial, path):
        shown = shown_lines(tutorial, path)
        assert shown == sorted(shown)

    @pytest.mark.parametrize("page", PAGES)
    def test_no_part_begins_or_ends_within_a_statement(self, page):
        for path, part, lines in includes(page):
            source = (ROOT / path).read_text()
            for begin, end in [*statements(source, "all"), *docstrings(source)]:
                inside = [line in lines for line in range(begin, end + 1)]
                assert all(inside) or not any(inside), (
                    f"{page}: {path}:{part} cuts lines {begin} to {end}"
                )

    @shown_files
    def test_every_part_that_a_file_marks_begins_ends_and_is_shown(self, tutorial, path):
        marked = MARKER.findall((ROOT / path).read_text())
        pages = TUTORIALS[tutorial]
        parts = [part for page in pages for p, part, _ in includes(page) if p == path]
        assert marked == [(kind, part) for part in parts if part for kind in ("start", "end")]

    @pytest.mark.parametrize("page", PAGES)
    def test_each_block_has_the_name_of_its_file(self, page):
        text = (DOCS / page).read_text(encoding="utf-8")
        for match in INCLUDE.finditer(text):
            assert text[: match.start()].endswith(f'```python title="{match["path"]}"\n')


def includes(page):
    """The path of each included file, the name of the part of it, and the numbers of its lines."""
    for match in INCLUDE.finditer((DOCS / page).read_text(encoding="utf-8")):
        lines = [line.strip() for line in (ROOT / match["path"]).read_text().splitlines()]
        before, after = 0, len(lines) + 1
        if match["part"]:
            before, after = (
                lines.index(f"# --8<-- [{kind}:{match['part']}]") + 1 for kind in ("start", "end")
            )
        yield match["path"], match["part"], range(before + 1, after)


def shown_lines(tutorial, path):
    shown = [included for page in TUTORIALS[tutorial] for included in includes(page)]
    return [line for p, _, lines in shown if p == path for line in lines]


def statements(source, names):
    """First and last line of each statement; of a compound one only the lines before its body.

    `names` are those of functions and classes, or "all" for the whole file but imports.
    """
    for node in ast.parse(source).body:
        if names == "all" or getattr(node, "name", None) in names.split():
            yield from (span(x) for x in ast.walk(node) if isinstance(x, ast.stmt) and code(x))


def span(node):
    first = min([node.lineno, *(x.lineno for x in getattr(node, "decorator_list", []))])
    body = getattr(node, "body", None)
    last = span(body[0])[0] - 1 if isinstance(body, list) else node.end_lineno
    return first, max(first, last)


def code(node):
    return not (is_text(node) or isinstance(node, (ast.Import, ast.ImportFrom)))


def is_text(node):
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def docstrings(source):
    return [span(node) for node in ast.walk(ast.parse(source)) if is_text(node)]


class TestMyValue:
    """The class that a reader writes."""

    @pytest.mark.parametrize(
        ("f", "inputs"),
        [
            (lambda x: x + x, [3.0]),
            (lambda x: x * x * x, [-2.0]),
            (lambda x: 2 * x + 1, [0.5]),
            (lambda x: 1 + x * 2, [0.5]),
            (lambda x, y: x * y + (x * y).exp(), [2.0, 0.5]),
            (lambda x, y, z: (x * y + z) * (x + z * z).exp() * x, [0.3, -1.5, 0.7]),
        ],
    )
    def test_its_gradients_are_those_of_the_library_and_of_finite_differences(self, f, inputs):
        mine, theirs = [list(map(kind, inputs)) for kind in (my_value.Value, scalargrad.Value)]
        for leaves in (mine, theirs):
            f(*leaves).backward()
        assert [x.grad for x in mine] == [x.grad for x in theirs]
        assert gradcheck(f, mine)

    def test_leaves_accumulate_and_nothing_else_does(self):
        x = my_value.Value(3.0)
        y = x * x
        z = y * y
        z.backward()
        z.backward()
        assert (x.grad, y.grad, z.grad) == (2 * 4 * 3.0**3, 2 * 9.0, 1.0)

    def test_a_node_hands_down_after_all_that_was_made_from_it(self):
        x = my_value.Value(3.0)
        a = x * x
        (a + a * 2).backward()
        assert x.grad == 18.0

    def test_a_deep_graph_is_no_problem(self):
        x = y = my_value.Value(1.0)
        for _ in range(50_000):
            y = y + 1
        y.backward()
        assert x.grad == 1.0

    def test_it_has_forty_lines(self):
        lines = (EXAMPLES / "my_value.py").read_text().splitlines()
        assert 30 <= sum(bool(line.strip()) for line in lines) <= 40


@pytest.fixture
def two_moons(sg, monkeypatch):
    """The program, on one engine."""
    monkeypatch.delitem(sys.modules, "two_moons")
    return importlib.import_module("two_moons")


class TestTwoMoons:
    def test_the_points_lie_on_two_half_circles_about_a_tenth_off(self, two_moons):
        points = two_moons.two_moons(200, random.Random(3))
        assert [label for _, label in points] == [1.0, -1.0] * 200
        off = []
        for (x, y), label in points:
            x, y = label * x + 0.5, label * y + 0.25
            off.append(math.hypot(x, y) - 1)
            assert y > -0.5
        assert abs(np.mean(off)) < 0.02
        assert 0.08 < np.std(off) < 0.12

    def test_a_network_of_zeros_scores_0_and_has_loss_1(self, two_moons):
        network = two_moons.new_network([2, 3, 1], random.Random(1))
        for weights, _ in network:
            for row in weights:
                for weight in row:
                    weight.data = 0.0
        points = two_moons.two_moons(10, random.Random(1))
        assert two_moons.score(network, (0.3, 0.4)).data == 0.0
        assert two_moons.mean_loss(network, points).data == pytest.approx(1.0, rel=1e-14)
        assert two_moons.accuracy(network, points) == 0.0

    def test_the_score_is_that_of_matrix_algebra(self, two_moons):
        network = two_moons.new_network([2, 5, 1], random.Random(4))
        row = np.array([0.3, -0.8])
        for weights, biases in network:
            w = np.array([[x.data for x in r] for r in weights])
            row = np.tanh(w @ row + [b.data for b in biases])
        score = two_moons.score(network, (0.3, -0.8))
        assert score.data == pytest.approx(row[0], rel=1e-14)

    @long_in_python
    def test_a_hidden_layer_learns_what_one_neuron_cannot(self, two_moons):
        points = two_moons.two_moons(30, random.Random(2))
        found = {}
        for sizes in ((2, 1), (2, 8, 1)):
            network = two_moons.new_network(sizes, random.Random(2))
            losses = two_moons.train(network, points)
            assert losses[-1] < losses[0]
            found[sizes] = two_moons.accuracy(network, points)
        assert found[2, 1] < 0.95
        assert found[2, 8, 1] >= 0.99

    @long_in_python
    @pytest.mark.parametrize("engine", PACKAGES)
    def test_the_program_prints_its_way_down(self, engine):
        done = subprocess.run(
            [sys.executable, EXAMPLES / "two_moons.py"],
            capture_output=True,
            text=True,
            env=environment(engine),
            check=True,
        )
        *steps, last = done.stdout.splitlines()
        losses = [float(line.split()[-1]) for line in steps]
        assert losses == sorted(losses, reverse=True)
        assert losses[-1] < 0.05
        assert last == "100% of the points are told apart"

    def test_it_has_about_forty_lines_before_those_that_print(self):
        program, _, _ = (EXAMPLES / "two_moons.py").read_text().partition("if __name__")
        code = [line for line in program.splitlines() if line and not MARKER.match(line)]
        assert 35 <= len(code) <= 44


class TestNumbersBehindThePictures:
    def test_the_default_run_is_the_one_that_was_published(self):
        losses = default_run().losses
        published = json.loads((DATA / "microgpt_bundled.json").read_text())["loss"]
        assert {step: losses[int(step) - 1] for step in published} == pytest.approx(
            published, rel=1e-9
        )

    def test_attention_is_the_softmax_of_queries_and_keys(self):
        model = default_run().model
        tokens = default_run().tokenizer.document("charlotte")[:-1]
        assert np.array(
            [
                [row + [0.0] * (len(tokens) - len(row)) for row in head]
                for head in attention_map.attention(model, tokens)
            ]
        ) == pytest.approx(attention_by_numpy(model, tokens), rel=1e-9, abs=1e-12)

    def test_one_head_is_attention_for_each_number_of_it(self):
        model, tokenizer = default_run().model, default_run().tokenizer
        tokens = tokenizer.document(attention_head.NAME)[:-1]
        for head in range(model.config.n_head):
            shown = attention_head.head_at_last(model, tokens, head)
            q, k, v, shares = heads_by_numpy(model, tokens)
            by_numpy = {
                "query": q[-1, head] / math.sqrt(q.shape[2]),
                "keys": k[:, head],
                "matches": k[:, head] @ q[-1, head] / math.sqrt(q.shape[2]),
                "shares": shares[head, -1],
                "values": v[:, head],
                "found": shares[head, -1] @ v[:, head],
            }
            assert shown.keys() == by_numpy.keys()
            for name, numbers in by_numpy.items():
                assert np.array(shown[name]) == pytest.approx(numbers, rel=1e-9, abs=1e-12), name

    def test_the_heads_look_where_the_page_says(self):
        tokens = default_run().tokenizer.document("charlotte")[:-1]
        _, head1, _, head3 = attention_map.attention(default_run().model, tokens)
        places = "·charlotte"
        assert {places[i] for i in top(head1[6], 2)} == set("rl")
        assert {places[i] for i in top(head1[9], 2)} == set("rl")
        for t in (7, 8):
            assert {places[i] for i in top(head3[t], 3)} == set("·ao")

    def test_guesses_are_entropies(self):
        # Half of the tokens are 1 and half are 2; after 0 either is as likely, after 1 comes 2,
        # and after 2 there is nothing.
        documents = [[0, 1, 2], [0, 1], [0, 2]]
        found = list(loss_curve.guesses(documents).values())
        by_pairs = -(3 * (2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3))) / 4
        assert found == pytest.approx([math.log(2), math.log(2), by_pairs])

    def test_the_boundary_is_where_the_scores_change_sign(self):
        xs, ys = decision_boundary.XS, decision_boundary.YS
        points, network = decision_boundary.trained([2, 8, 1])
        grid = decision_boundary.scores(network)
        assert (len(grid), len(grid[0])) == (len(ys), len(xs))
        assert min(xs) < min(x for (x, _), _ in points) < max(x for (x, _), _ in points) < max(xs)
        assert min(ys) < min(y for (_, y), _ in points) < max(y for (_, y), _ in points) < max(ys)
        for (x, y), moon in points:
            nearest = grid[round((y - ys[0]) / 0.1)][round((x - xs[0]) / 0.1)]
            assert nearest * moon > -0.8
        assert accuracy(network, points) == 1.0

    def test_the_graph_of_a_document_has_a_box_per_step(self):
        config = Config(n_layer=2, n_embd=4, n_head=2, block_size=3)
        rng = random.Random(1)
        matrices = {n: nn.matrix(i, j, rng=rng) for n, i, j in shapes(config, vocab_size=5)}
        model = type(default_run().model)(config, matrices)
        boxes, arrows = drawn(document_loss(model, [4, 0, 1, 4]), matrices)
        in_each_layer = ["rmsnorm", "rmsnorm", "softmax", "*", "relu", *["linear"] * 7]
        in_each_layer += ["weighted_sum", "concatenate"]
        assert sorted(op for op, _ in boxes.values() if op not in matrices) == sorted(
            ["+", "rmsnorm", *in_each_layer, *in_each_layer, "linear", "cross_entropy", "mean"]
        )
        assert {op: size for op, size in boxes.values() if op in matrices} == {
            name: 3 * 4 if name in ("wte", "wpe") else rows * columns
            for name, rows, columns in shapes(config, vocab_size=5)
        }
        relu, last = (
            [n for n, box in boxes.items() if box == made] for made in (("relu", 48), ("mean", 1))
        )
        assert len(relu) == 2
        assert not any(start == last[0] for start, _ in arrows)

    def test_what_was_made_in_another_way_has_a_box_of_its_own(self):
        w = nn.vector([1.0, 2.0, 3.0])
        boxes, arrows = drawn(w[0] * w[1] + w[2].exp(), {"w": [w]})
        assert boxes == {0: ("w", 3), 1: ("*", 1), 2: ("exp", 1), 3: ("+", 1)}
        assert arrows == [(0, 1), (0, 2), (1, 3), (2, 3)]


class TestWhatThePicturesTell:
    """Against arithmetic that can be done by hand, and what the pages say about them."""

    def test_the_nudge_finds_the_slope_of_the_tangent(self):
        assert tangent.slope() == 2 * tangent.X + 2

    def test_the_slope_of_tanh_is_1_less_its_square(self):
        for total in (tanh.TOTAL, 2.5):
            y = math.tanh(total)
            assert tanh.result_and_slope(total) == pytest.approx((y, 1 - y * y), rel=1e-14)

    def test_the_neuron_and_the_layer_are_those_of_the_page(self):
        page = (DOCS / "mlp.md").read_text(encoding="utf-8")
        assert f"{math.tanh(neuron.total()):.4f}\n" in page
        _, results = layer.layer()
        assert f"{[round(y, 4) for y in results.data]}\n" in page

    @pytest.mark.parametrize("lr", [0.1, 0.9, 1.05])
    def test_each_step_in_the_valley_multiplies_w_by_the_same_number(self, lr):
        assert valley.walk(lr, 5) == pytest.approx([3 * (1 - 2 * lr) ** k for k in range(6)])

    def test_in_the_wrong_order_a_contribution_comes_too_late(self):
        at_turn, at_end = order.gradients("yab")
        assert (at_turn["a"], at_end["a"], at_end["x"]) == (1, 3, 6)
        at_turn, at_end = order.gradients("yba")
        assert (at_turn["a"], at_end["a"], at_end["x"]) == (3, 3, 18)

    def test_the_parabola_of_newtons_step_has_slope_and_bend_of_the_curve(self):
        e = math.exp(newton.START)
        assert newton.parabola(newton.START) == pytest.approx((e - 2 * newton.START, e - 2, e))

    def test_the_map_has_the_shapes_of_the_matrices(self):
        assert gpt_map.sizes() == {
            "row": 16,
            "tokens": 27,
            "positions": 16,
            "heads": 4,
            "head": 4,
            "hidden": 64,
            "layers": 1,
        }

    def test_embeddings_are_seen_from_their_principal_components(self):
        model = default_run().model
        rows = np.array([row.data for row in model.weights["wte"]])
        values, vectors = np.linalg.eigh(np.cov(rows.T))
        shadow, share = embeddings.places(model)
        assert share == pytest.approx(values[-2:].sum() / values.sum())
        by_numpy = (rows - rows.mean(axis=0)) @ vectors[:, [-1, -2]]
        assert np.abs(shadow) == pytest.approx(np.abs(by_numpy))

    def test_training_gathers_the_vowels_on_one_side(self):
        before, after = (embeddings.places(m)[0] for m in embeddings.before_and_after().values())
        characters = default_run().tokenizer.characters

        def gathered(shadow):
            x = dict(zip(characters, shadow[:, 0]))
            consonants = set(characters) - set(embeddings.VOWELS)
            return min(x[c] for c in "aeou") > max(x[c] for c in consonants)

        assert gathered(after)
        assert not gathered(before)

    def test_after_sh_the_model_learns_to_expect_vowels(self):
        *_, (step, loss, _, found) = training_steps.moments()
        assert step == 1000
        assert loss == pytest.approx(np.mean(default_run().losses[-50:]))
        tokens = [token for token, _ in found]
        assert set(tokens[:5]) < set(embeddings.VOWELS)
        assert tokens[0] == "a"

    def test_expected_are_the_largest_of_all_probabilities(self):
        run = default_run()
        cache = empty_cache(run.model.config)
        for position, token in enumerate(run.tokenizer.document(expected.BEGINNING)[:-1]):
            logits = gpt(run.model, token, position, cache)
        for temperature in (0.5, 1.0):
            e = np.exp(np.array(logits.data) / temperature)
            largest = sorted(e / e.sum())[::-1][: expected.LIKELIEST]
            found = expected.likeliest(run.model, run.tokenizer, temperature)
            assert [p for _, p in found] == pytest.approx(largest)

    def test_the_way_of_a_token_ends_where_the_model_does(self):
        model, tokenizer = default_run().model, default_run().tokenizer
        rows, probabilities = way_of_a_token.way(model, tokenizer)
        cache = empty_cache(model.config)
        for position, token in enumerate(tokenizer.document(way_of_a_token.READ)[:-1]):
            logits = gpt(model, token, position, cache)
        assert probabilities.data == nn.softmax(logits).data
        _, _, x, found, _ = (np.array(row.data) for row in rows.values())
        assert np.mean(x**2) == pytest.approx(1, abs=1e-3)
        assert np.corrcoef(x, found)[0, 1] > 0.9  # attention adds, and replaces nothing

    def test_what_is_told_of_the_moments_is_what_is_drawn(self):
        page = (DOCS / "gpt" / "training.md").read_text(encoding="utf-8")
        for step, loss, sample, _ in training_steps.moments():
            assert f"tep {step:,}, loss {loss:.2f}, sample {sample}" in page


def top(shares, count):
    return sorted(range(len(shares)), key=lambda i: -shares[i])[:count]


def attention_by_numpy(model, tokens):
    return heads_by_numpy(model, tokens)[3]


def heads_by_numpy(model, tokens):
    """Queries, keys and values by position and head, and the shares of attention by head."""
    w = {n: np.array([[x.data for x in r] for r in m]) for n, m in model.weights.items()}

    def norm(x):
        return x / np.sqrt((x**2).mean(axis=1, keepdims=True) + 1e-5)

    x = norm(norm(w["wte"][tokens] + w["wpe"][: len(tokens)]))
    q, k, v = (
        (x @ w[f"layer0.attn_w{n}"].T).reshape(len(tokens), model.config.n_head, -1) for n in "qkv"
    )
    logits = np.einsum("ihd,jhd->hij", q, k) / math.sqrt(q.shape[2])
    e = np.exp(logits) * np.tril(np.ones(logits.shape[1:]))
    return q, k, v, e / e.sum(axis=2, keepdims=True)


def drawn(output, matrices):
    """The boxes, by number, and the arrows of the picture of a graph."""
    text = forward_pass.mermaid(output, matrices)
    boxes = re.findall(r'^  n(\d+)[\[(]"(.+)<br>(\d+) numbers?"[\])]$', text, re.MULTILINE)
    arrows = re.findall(r"^  n(\d+) --> n(\d+)$", text, re.MULTILINE)
    assert len(text.splitlines()) == 1 + len(boxes) + len(arrows)
    return (
        {int(n): (op, int(size)) for n, op, size in boxes},
        [(int(start), int(end)) for start, end in arrows],
    )


class TestPictures:
    @pytest.mark.parametrize("page", PAGES)
    def test_each_has_a_version_for_light_and_for_dark_and_says_what_is_on_it(self, page):
        pictures = IMAGE.findall((DOCS / page).read_text(encoding="utf-8"))
        assert len(pictures) == (DOCS / page).read_text(encoding="utf-8").count("![")
        light = [p for p in pictures if p[2] == "light"]
        assert [(alt, file.replace("-light", "-dark"), "dark") for alt, file, _ in light] == [
            p for p in pictures if p[2] == "dark"
        ]
        assert all(len(alt) > 40 for alt, _, _ in light)

    @pytest.mark.parametrize("path", sorted(DOCS.glob("pictures/*.svg")), ids=lambda p: p.name)
    def test_each_is_small_and_on_a_page(self, path):
        assert path.stat().st_size < 60_000
        pages = [page.read_text(encoding="utf-8") for page in DOCS.glob("**/*.md")]
        assert any(path.name in page for page in pages)

    @long
    @pytest.mark.parametrize(
        "script",
        [path for path in sorted(DOCS.glob("pictures/*.py")) if "    save(" in path.read_text()],
        ids=lambda path: path.name,
    )
    def test_each_is_what_its_script_draws(self, script, tmp_path, monkeypatch):
        monkeypatch.setattr(figure, "FOLDER", tmp_path)
        runpy.run_path(str(script), run_name="__main__")
        drawn = sorted(tmp_path.iterdir())
        folder = DOCS / "pictures"
        kept = {*folder.glob(f"{script.stem}-*.svg"), *folder.glob(f"{script.stem}_*-*.svg")}
        assert [path.name for path in drawn] == sorted(path.name for path in kept)
        for path in drawn:
            words, numbers = taken_apart(path)
            kept_words, kept_numbers = taken_apart(DOCS / "pictures" / path.name)
            hint = f"run python docs/pictures/{script.name}"
            assert words == kept_words, hint
            assert numbers == pytest.approx(kept_numbers, abs=0.02), hint


def taken_apart(picture):
    """The text of an SVG without its numbers, and the numbers: those may differ a little."""
    text = re.sub(r"\b[mp][0-9a-f]{10}\b", "name", picture.read_text(encoding="utf-8"))
    image, number = r"(?<=;base64,)[^\"]*", r"-?\d+\.?\d*(?:e-?\d+)?"
    pixels = [imread(io.BytesIO(base64.b64decode(data))) for data in re.findall(image, text)]
    text = re.sub(image, "", text)
    numbers = [float(x) for x in re.findall(number, text)]
    return re.sub(number, "0", text), numbers + [x for rows in pixels for x in rows.ravel()]
