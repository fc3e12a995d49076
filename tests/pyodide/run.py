"""The engine's tests in the Python of the playground: Pyodide, in WebAssembly, under node.

    python tests/pyodide/run.py
    python tests/pyodide/run.py -x tests/test_value.py

What runs is what the site serves: the files of Pyodide and the wheel of scalargrad are those that
playground/assemble.py gathers. If the wheel has the compiled engine in it, both engines are tested.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
VENDOR = ROOT / "docs" / "assets" / "vendor"
PACKAGES = ROOT / "build" / "pyodide-tests"

# Those that are about the engine, as many as take about two minutes where nothing else runs.
TESTS = ["value", "vector", "backward", "operations", "nn", "optim", "derivatives", "gradients"]
TESTS += ["graph", "kinks", "laws", "boundaries", "no_grad", "principles"]


def main(arguments: list[str]) -> int:
    run(sys.executable, ROOT / "playground" / "assemble.py")
    if not (VENDOR / "manifest.json").exists():
        sys.exit("nothing to test: npm brings Pyodide, see playground/assemble.py")
    install_test_packages()
    wheel = VENDOR / json.loads((VENDOR / "manifest.json").read_text(encoding="utf-8"))["wheel"]
    tests = arguments or ["-q", *(f"tests/test_{name}.py" for name in TESTS)]
    options = ["-p", "without", "-p", "no:cacheprovider", *tests]
    node = shutil.which("node") or sys.exit("node is not installed")
    return subprocess.call(
        [node, HERE / "run.mjs", VENDOR / "pyodide", wheel, PACKAGES, ROOT, *options]
    )


def install_test_packages() -> None:
    """What has no compiled parts runs anywhere."""
    if PACKAGES.exists():
        return
    options = ["--platform=any", "--abi=none", "--implementation=py", "--only-binary=:all:"]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--python-version=3.14", *options]
    run(*pip, "--target", PACKAGES, "pytest", "hypothesis", "mpmath")


def run(*command: object) -> None:
    subprocess.run([*map(str, command)], cwd=ROOT, check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
