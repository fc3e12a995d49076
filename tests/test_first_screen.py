"""What README and the site begin with: the graph, the film of its backward pass, and the names."""

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

import scalargrad

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
sys.path.append(str(PICTURES))
# ruff: noqa: E402
import backward_walk

SVG = "{http://www.w3.org/2000/svg}"
FILM = ElementTree.parse(PICTURES / "backward_walk.svg").getroot()


def distance():
    x, y = scalargrad.Value(3.0, label="x"), scalargrad.Value(4.0, label="y")
    return (x * x + y * y).sqrt()


def shown():
    """Each text of the film with the steps from which and up to which it is there."""
    last = backward_walk.Film(7 + 1 + backward_walk.LAST_STEPS).steps
    parents = {child: parent for parent in FILM.iter() for child in parent}
    for text in FILM.iter(f"{SVG}text"):
        steps = re.fullmatch(r"t s(\d+)-(\d+)", parents[text].get("class") or "")
        start, end = map(int, steps.groups()) if steps else (0, last)
        yield "".join(text.itertext()), start, end, parents[text].get("opacity") != "0"


def test_the_files_are_what_the_script_writes(tmp_path, monkeypatch):
    monkeypatch.setattr(backward_walk, "FOLDER", tmp_path)
    backward_walk.main()
    for name in ("backward_walk.svg", "graph.svg"):
        written = (tmp_path / name).read_text(encoding="utf-8")
        assert written == (PICTURES / name).read_text(encoding="utf-8")
        assert len(written) < 60_000


def test_each_edge_of_the_pass_has_its_step_and_its_product():
    captions = [text for text, start, end, _ in shown() if end - start == 1 and "→" in text]
    # d v4 / d v3 is 1 / (2 * 5); a sum hands on what it gets; x * x hands x twice 3 times that.
    assert captions == [
        "v4 → v3: 1 * 0.1 = 0.1",
        "v3 → v1: 0.1 * 1 = 0.1",
        "v3 → v2: 0.1 * 1 = 0.1",
        "v1 → x: 0.1 * 3 = 0.3",
        "v1 → x: 0.1 * 3 = 0.3",
        "v2 → y: 0.1 * 4 = 0.4",
        "v2 → y: 0.1 * 4 = 0.4",
    ]


def test_gradients_grow_as_the_pass_goes():
    """x gets 0.3 in the fourth step and again in the fifth, y 0.4 in the sixth and the seventh."""
    grads = {(text, start) for text, start, _, _ in shown() if text.startswith("grad ")}
    assert {("grad 0.3", 4), ("grad 0.6", 5), ("grad 0.4", 6), ("grad 0.8", 7)} <= grads
    assert ("grad 1", 0) in grads


def test_in_each_step_every_box_has_one_gradient_and_there_is_one_caption():
    everything = [*shown()]
    for step in range(max(end for _, _, end, _ in everything)):
        there = [text for text, start, end, _ in everything if start <= step < end]
        assert sum(text.startswith("grad ") for text in there) == 6
        assert sum("→" in text or "backward" in text or ".grad" in text for text in there) == 1


def test_without_motion_the_end_of_the_pass_is_seen():
    still = [text for text, *_, visible in shown() if visible]
    grads = [text for text in still if text.startswith("grad ")]
    assert sorted(grads) == ["grad 0.1", "grad 0.1", "grad 0.1", "grad 0.6", "grad 0.8", "grad 1"]
    assert "x.grad = 0.6, y.grad = 0.8" in still
    (style,) = FILM.iter(f"{SVG}style")
    moving = style.text.partition("(prefers-reduced-motion: no-preference)")
    assert "animation" not in moving[0]
    assert moving[2].count("@keyframes") > 7


def test_it_comes_to_rest():
    (style,) = FILM.iter(f"{SVG}style")
    assert "infinite" not in style.text


@pytest.mark.parametrize("name", ["backward_walk.svg", "graph.svg"])
def test_nothing_is_run_and_nothing_is_loaded(name):
    text = (PICTURES / name).read_text(encoding="utf-8")
    assert "<script" not in text
    assert re.findall(r"(?:https?:)?//[^\"' ]*", text) == ["http://www.w3.org/2000/svg"]


def test_the_still_picture_is_the_graph_of_the_code_beside_it():
    output = distance()
    output.backward()
    drawn = scalargrad.graph.to_svg(output, local_grads=True)
    assert (PICTURES / "graph.svg").read_text(encoding="utf-8") == drawn + "\n"


@pytest.mark.parametrize(("page", "folder"), [("README.md", "docs/"), ("docs/index.md", "")])
def test_the_pages_begin_with_it(page, folder):
    text = (ROOT / page).read_text(encoding="utf-8")
    beginning = text[: text.index("\n## ")]
    assert f'<img src="{folder}pictures/backward_walk.svg" alt="The graph of distance' in beginning
    still = f'<source media="(prefers-reduced-motion: reduce)" srcset="{folder}pictures/graph.svg">'
    assert still in beginning
    assert "biad" in beginning
    assert "measured" in beginning
    for way in ("Learn", "Teach", "Try it"):
        assert f"**{way}**" in beginning or f"**[{way}](" in beginning
