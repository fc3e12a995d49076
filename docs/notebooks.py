"""Every tutorial as a notebook: the same page, in cells that run.

    python docs/notebooks.py

A page that has `notebook: NAME.ipynb` at its top becomes that notebook in docs/assets/notebooks/,
and is run there, so that it comes with its results. scalargrad-notebooks.zip has all of them, with
the library and the examples. `make docs` does this before it builds the site, which links to them.

Nothing is written twice: prose becomes Markdown cells, and a `>>>` block becomes code cells. A cell
ends wherever the page shows a value, since a notebook shows only the last value of a cell. Where
the page has a picture of a graph, a cell ends with the Value, which draws itself.
"""

import ast
import base64
import doctest
import functools
import html
import re
import shutil
import textwrap
import zipfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
from markdown import Markdown
from nbclient import NotebookClient
from nbformat import NotebookNode, v4

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
FOLDER = DOCS / "assets" / "notebooks"
ARCHIVE = "scalargrad-notebooks.zip"
PACKED = ("pyproject.toml", "setup.py", "README.md", "LICENSE", "src/scalargrad", "examples")


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    for page, name in notebooks().items():
        made = notebook(page)
        run(made, FOLDER)
        nbformat.write(made, FOLDER / name)
    pack(FOLDER / ARCHIVE)


@functools.cache
def notebooks() -> dict[Path, str]:
    """The pages that are notebooks too, and the names of these."""
    found = {}
    for page in sorted(DOCS.glob("**/*.md")):
        front, _ = front_matter(page)
        if name := re.search(r"^notebook: (\S+\.ipynb)$", front, re.MULTILINE):
            found[page] = name[1]
    return found


def notebook(page: Path) -> NotebookNode:
    """The page in cells, not yet run."""
    title, _, text = expanded(page).lstrip().partition("\n")
    cells = list(cells_of(text, page))
    uses_examples = any("examples" in cell.source for cell in cells if cell.cell_type == "code")
    beginning = v4.new_markdown_cell(f"{title}\n\n{HOW_TO_RUN}")
    setup = code(SETUP.format(needs_examples=uses_examples))
    setup.metadata.jupyter = {"source_hidden": True}  # folded, where the program can do that
    made = v4.new_notebook(cells=[beginning, setup, *cells])
    made.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    for number, cell in enumerate(made.cells):
        cell.id = f"cell-{number}"  # the same each time
    return made


def run(made: NotebookNode, folder: Path) -> None:
    """Fill in the results; an error in a cell is an error here."""
    NotebookClient(
        made,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],  # not that its port here is open to this machine
        resources={"metadata": {"path": str(folder)}},
        timeout=300,
        record_timing=False,
    ).execute()
    for cell in made.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error":  # without the folders of this machine
                output.traceback = [f"{output.ename}: {output.evalue}"]


def pack(archive: Path) -> None:
    """A small checkout: what a notebook needs, and the notebooks."""
    hidden = re.compile(r"__pycache__|\.(so|pyd)$")
    sources = [path for name in PACKED for path in (ROOT / name, *(ROOT / name).rglob("*"))]
    files = {f"scalargrad/{path.relative_to(ROOT).as_posix()}": path for path in sources}
    files |= {f"scalargrad/notebooks/{path.name}": path for path in FOLDER.glob("*.ipynb")}
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, path in sorted(files.items()):
            if path.is_file() and not hidden.search(name):
                packed.writestr(zipfile.ZipInfo(name), path.read_bytes(), zipfile.ZIP_DEFLATED)


# How every notebook begins: with the library and the examples, and never from a package index,
# where the name belongs to somebody else.

HOW_TO_RUN = """\
*This is a page of scalargrad's documentation as a notebook. Run the first cell, which finds the
library, and then one cell after the other with Shift+Enter. Change what you like, and run it
again.*"""

SETUP = """\
# Finds scalargrad: installed, in a checkout around this notebook, or in a wheel beside it.
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

needs_examples = {needs_examples}
here = Path.cwd()
around = [here, *here.parents, *sorted(here.glob("*/"))]
checkout = next((folder for folder in around if (folder / "src/scalargrad").is_dir()), None)
wheel = next(iter(sorted(here.glob("scalargrad-*.whl"))), None)
found = importlib.util.find_spec("scalargrad")
installed = found is not None and found.origin is not None  # and not just a folder of that name

if not checkout and (needs_examples or not (wheel or installed)):
    advice = "It uses the examples." if needs_examples else "Or put a wheel of it beside this one."
    raise FileNotFoundError(
        "Open this notebook in a checkout of scalargrad, or in the unpacked "
        f"scalargrad-notebooks.zip, which you find where you found this notebook. {{advice}}"
    )
if not installed and sys.platform == "emscripten":  # no pip in a browser, but wheels can be read
    sys.path.append(str(wheel or checkout / "src"))
elif not installed:
    source = str(wheel or checkout)
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", source], check=True)
if checkout:
    os.chdir(checkout)  # where the folder of examples is

import scalargrad

if not hasattr(scalargrad, "ENGINE"):
    raise ImportError(
        f"{{scalargrad.__file__}} is another package of the same name. Uninstall it with "
        "`pip uninstall scalargrad`, restart the kernel, and run this cell again."
    )
print(f"scalargrad {{scalargrad.__version__}}, the {{scalargrad.ENGINE}} engine")
"""


# From a page to cells.

FENCED = re.compile(
    r"(?:^<!-- (?P<made>.+) -->\n)?^```(?P<language>\w*)(?P<rest>.*)\n(?P<body>(?s:.*?))^```$\n?",
    re.MULTILINE,
)
OF_A_VALUE = re.compile(r"[\w.()\"]*graph\.to_mermaid\((\w+)\b.*\)")
NOTE = re.compile(
    r'^(?P<mark>!!!|\?\?\?\+?) (?P<kind>\w+)(?: "(?P<title>.*)")?\n(?P<body>(?:(?: {4}.*)?\n)*)',
    re.MULTILINE,
)


def front_matter(page: Path) -> tuple[str, str]:
    """What stands between the lines `---` at the top, and the rest."""
    text = page.read_text(encoding="utf-8")
    _, front, rest = text.split("---\n", 2) if text.startswith("---\n") else ("", "", text)
    return front, rest


def expanded(page: Path) -> str:
    """The page, with the code that it includes from files."""
    options = {"base_path": [str(ROOT)], "check_paths": True, "dedent_subsections": True}
    reader = Markdown(
        extensions=["pymdownx.snippets"], extension_configs={"pymdownx.snippets": options}
    )
    _, text = front_matter(page)
    return "\n".join(reader.preprocessors["snippet"].run(text.splitlines())) + "\n"


def cells_of(text: str, page: Path) -> Iterator[NotebookNode]:
    end = 0
    for block in FENCED.finditer(text):
        runs = list(cells_of_block(block))
        if runs:
            yield from prose_cells(text[end : block.start()], page)
            yield from runs
            end = block.end()
    yield from prose_cells(text[end:], page)


def cells_of_block(block: re.Match[str]) -> Iterator[NotebookNode]:
    """Of a fenced block that can be run; others stay in the prose."""
    if block["made"] and (value := OF_A_VALUE.fullmatch(block["made"])):
        yield code(value[1], tags=["picture"])
    elif block["made"] and block["language"] == "text":
        yield code(f"print({block['made']})")
    elif block["language"] == "python" and ">>> " in block["body"]:
        yield from cells_of_examples(doctest.DocTestParser().get_examples(block["body"]))
    elif block["language"] == "python" and not block["rest"]:
        yield code(block["body"])


def cells_of_examples(examples: list[doctest.Example]) -> Iterator[NotebookNode]:
    source = ""
    for example in examples:
        source += example.source
        if example.exc_msg:
            yield code(source, tags=["raises-exception"])
            source = ""
        elif example.want and shows_a_value(example.source):
            yield code(source)
            source = ""
    if source:
        yield code(source)


def shows_a_value(source: str) -> bool:
    (statement,) = ast.parse(source).body
    if not isinstance(statement, ast.Expr):
        return False
    call = statement.value
    return not (isinstance(call, ast.Call) and ast.unparse(call.func) == "print")


def prose_cells(text: str, page: Path) -> Iterator[NotebookNode]:
    """One for each section."""
    outside_of_fences = FENCED.sub(lambda block: re.sub(r"\S", " ", block[0]), text)
    headings = [match.start() for match in re.finditer(r"^#+ ", outside_of_fences, re.MULTILINE)]
    for start, end in zip([0, *headings], [*headings, len(text)]):
        if section := prose(text[start:end], page).strip():
            yield v4.new_markdown_cell(section)


def code(source: str, tags: list[str] | None = None) -> NotebookNode:
    return v4.new_code_cell(source.rstrip("\n"), metadata={"tags": tags} if tags else {})


# The site's Markdown in the Markdown of notebooks.

INLINE = re.compile(
    r"(?P<code>`+).*?(?P=code)"
    r"|!\[(?P<alt>[^\]]*)\]\((?P<picture>[^)\s]+)\)(?:\{[^}\n]*\})?\n?"
    r"|\[(?P<text>[^\]\[]*)\]\((?P<target>[^)\s]+)\)(?:\{[^}\n]*\})?"
    r"|(?P<comment><!--.*?-->\n?)",
    re.DOTALL,
)


def prose(text: str, page: Path) -> str:
    parts, end = [], 0
    for match in NOTE.finditer(text):
        parts += [outside_of_notes(text[end : match.start()], page), note(match, page)]
        end = match.end()
    return "".join([*parts, outside_of_notes(text[end:], page)])


def note(match: re.Match[str], page: Path) -> str:
    """Set off as a quotation, or folded away."""
    title = match["title"] or match["kind"].capitalize()
    body = prose(textwrap.dedent(match["body"]), page).strip()
    if match["mark"] == "!!!":
        return textwrap.indent(f"**{title}**\n\n{body}", "> ", lambda line: True) + "\n\n"
    summary = re.sub("`(.+?)`", r"<code>\1</code>", html.escape(title, quote=False))
    return f"<details>\n<summary>{summary}</summary>\n\n{body}\n\n</details>\n\n"


def outside_of_notes(text: str, page: Path) -> str:
    parts, end = [], 0
    for block in FENCED.finditer(text):
        parts += [inline(text[end : block.start()], page), listing(block)]
        end = block.end()
    return "".join([*parts, inline(text[end:], page)])


def listing(block: re.Match[str]) -> str:
    """A fenced block to read, below the name of its file."""
    title = re.search(r'title="(.+?)"', block["rest"])
    above = f"`{title[1]}`:\n\n" if title else ""
    return f"{above}```{block['language']}\n{block['body'].rstrip()}\n```\n"


def inline(text: str, page: Path) -> str:
    def replaced(match: re.Match[str]) -> str:
        if match["code"]:
            return match[0]
        if match["comment"]:
            return ""
        if match["picture"]:
            path, _, scheme = match["picture"].partition("#")
            return "" if scheme == "only-dark" else picture(page.parent / path, match["alt"])
        return link(match["text"], match["target"], page)

    return INLINE.sub(replaced, text)


def picture(path: Path, alt: str) -> str:
    """The picture itself. As an attachment of the cell, Colab would not show it, nor JupyterLab."""
    svg = path.read_text(encoding="utf-8").replace("<svg ", '<svg style="background: white" ', 1)
    data = base64.b64encode(svg.encode()).decode()
    return f'<img alt="{html.escape(alt)}" src="data:image/svg+xml;base64,{data}">\n'


def link(text: str, target: str, page: Path) -> str:
    """To another notebook, if the page is one. Where the site is, a notebook cannot know."""
    path, _, _ = target.partition("#")
    if re.match(r"[a-z]+:", path):
        return f"[{text}]({target})"
    name = notebooks().get((page.parent / path).resolve()) if path else None
    return f"[{text}]({name})" if name else text


if __name__ == "__main__":
    main()
