"""The lists that lead a newcomer through the files name every file."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "src" / "scalargrad"
COMPILED = LIBRARY / "engine" / "compiled"
EXAMPLE = ROOT / "examples" / "microgpt"


def names(*files):
    return sorted(path.name for path in files if path.name != "__init__.py")


@pytest.mark.parametrize("name", names(*EXAMPLE.glob("*.py")))
def test_the_readme_of_the_example(name):
    assert f"`{name}`" in (EXAMPLE / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", names(*COMPILED.glob("*.c"), *COMPILED.glob("*.h")))
def test_the_header_of_the_compiled_engine(name):
    text = (COMPILED / "engine.h").read_text(encoding="utf-8")
    introduction, _, _ = text.partition("*/")
    assert name == "engine.h" or name in introduction.split() or f"{name}," in introduction


@pytest.mark.parametrize("name", names(*LIBRARY.glob("*.py"), *LIBRARY.glob("engine/**/*.py")))
def test_the_house_on_the_page_about_the_design(name):
    _, _, text = (ROOT / "docs/design.md").read_text(encoding="utf-8").partition("## The house")
    table, _, _ = text.partition("\n\nRead them")
    assert f"`{name}`" in table or f"/{name}`" in table


FOLDERS = ["benchmarks", "docs", "examples", "exercises", "playground", "tests"]


@pytest.mark.parametrize("name", FOLDERS)
def test_which_has_a_room_for_every_folder(name):
    assert f"\n| `{name}/` |" in (ROOT / "docs/design.md").read_text(encoding="utf-8")
