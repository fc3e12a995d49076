"""Is this fit to be published, and is the name ours?

    python tests/tools/release.py check dist   the files: whole, described, nothing extra in them
    python tests/tools/release.py name         the name on the package index is free, or ours
    python tests/tools/release.py tag v2.0.0   the tag is that of the version

`check` wants twine and check-wheel-contents. `name` asks the index that pip is set up for. While
somebody else holds the name it fails, and nothing is published: who installs by name gets theirs.
"""

import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAME = "scalargrad"
OURS = f"{NAME}/engine/reference/value.py"  # which no other package of that name has
COMPILED = re.compile(rf"{NAME}/engine/compiled\..*\.(so|pyd)$")
MADE = re.compile(
    r"(^|/)(vendor|notebooks|node_modules|site|\.venv|__pycache__)/|/local\.json$|\.so$"
)
# What tests and documentation need beside the library.
IN_SOURCE = (
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "mkdocs.yml"),
    *("pyproject.toml", "setup.py", "src/scalargrad/engine/compiled/engine.h"),
    *("tests/conftest.py", "tests/tools/release.py", "tests/exercise_solutions/ex1_value.py"),
    *("docs/index.md", "docs/assets/site.css", "overrides/main.html", "benchmarks/naive.py"),
    *("docs/assets/playground/panel.js", "playground/assemble.py", "overrides/404.html"),
    *("examples/microgpt/names.txt", "examples/microgpt/train.py", "exercises/ex1_value.py"),
)


def main(arguments):
    match arguments:
        case ["check", folder]:
            problems = check(Path(folder))
        case ["name"]:
            problems = check_name()
        case ["tag", tag]:
            problems = check_tag(tag)
        case _:
            problems = [__doc__]
    for problem in problems:
        print(problem, file=sys.stderr)
    return int(bool(problems))


def check(folder):
    """What is wrong with the files in a folder."""
    files = sorted(folder.glob("*.whl")) + sorted(folder.glob("*.tar.gz"))
    wheels = [path for path in files if path.suffix == ".whl"]
    problems = [problem for path in wheels for problem in check_wheel(path)]
    problems += [problem for path in set(files) - set(wheels) for problem in check_source(path)]
    if not any(path.name.endswith("-py3-none-any.whl") for path in wheels):
        problems.append(f"{folder}: has no wheel for every platform (py3-none-any)")
    if len(files) - len(wheels) != 1:
        problems.append(f"{folder}: has {len(files) - len(wheels)} source archives, not 1")
    for command in (["twine", "check", "--strict"], ["check_wheel_contents"]):
        given = files if command[0] == "twine" else wheels
        done = subprocess.run([sys.executable, "-m", *command, *map(str, given)])
        if done.returncode:
            problems.append(f"{' '.join(command)} failed")
    return problems


def check_wheel(path):
    """Its tag says whether the compiled engine is in it; and there is only the library in it."""
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
    compiled = any(map(COMPILED.match, names))
    if compiled == path.name.endswith("-py3-none-any.whl"):
        yield f"{path.name}: {'has a' if compiled else 'has no'} compiled engine"
    if OURS not in names or f"{NAME}/py.typed" not in names:
        yield f"{path.name}: the library is not whole"
    for name in names:
        top = name.split("/")[0]
        if (top != NAME and not top.endswith(".dist-info")) or name.endswith((".c", ".h")):
            yield f"{path.name}: has {name}, which is no part of the library"


def check_source(path):
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for name in IN_SOURCE:
        if name not in names:
            yield f"{path.name}: has no {name}"
    for name in names:
        if MADE.search(name):
            yield f"{path.name}: has {name}, which is made, not written"


def check_name():
    """Whose the latest version on the index is: by a wheel, as building a source would run it."""
    with tempfile.TemporaryDirectory() as folder:
        asked = pip("download", "--no-deps", "--only-binary", ":all:", "--dest", folder, NAME)
        if asked.returncode == 0:
            (path,) = Path(folder).iterdir()
            with zipfile.ZipFile(path) as wheel:
                if OURS in wheel.namelist():
                    return []
            return [f"the name {NAME} is somebody else's: {path.name} is not this library"]
    listed = pip("index", "versions", NAME)
    if listed.returncode == 0:
        return [f"the name {NAME} is somebody else's: {listed.stdout.splitlines()[0]}, no wheel"]
    # pip says the same where it reaches no index, so it is asked for what every index has, too.
    reached = pip("index", "versions", "pip").returncode == 0
    if reached and "No matching distribution found" in listed.stderr:
        return []  # nobody's, so it can be ours
    return [f"the index cannot be asked whose {NAME} is: {listed.stderr.strip()[-300:]}"]


def pip(*arguments):
    command = [sys.executable, "-m", "pip", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def check_tag(tag):
    text = (ROOT / "src" / NAME / "__init__.py").read_text(encoding="utf-8")
    version = re.search(r'^__version__ = "(.+)"', text, re.MULTILINE)[1]
    return [] if tag == f"v{version}" else [f"the tag is {tag}, the version {version}"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
