"""Gathers what the playground is served with, in docs/assets/vendor/: `make docs` runs this first.

    python playground/assemble.py

Python itself (Pyodide), the editor, the layout of graphs and the charts come from npm, pinned by
package-lock.json and its hashes; pytest's wheels, for the exercises, from pip, pinned by
exercises-requirements.txt and its hashes. scalargrad comes from this checkout, as a wheel without
the compiled engine, or, if there is one for WebAssembly, as SCALARGRAD_WASM_WHEEL or in dist/. The
examples and exercises are this checkout's own files. manifest.json says what there is.

Nothing is done if nothing changed. Without npm or a network nothing is gathered: the site is built
all the same, and its pages say what is missing.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).parent
BUILD = ROOT / "build" / "playground"  # npm's packages stay here, for the next time
MODULES = BUILD / "node_modules"
VENDOR = ROOT / "docs" / "assets" / "vendor"

PYODIDE = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
COPIED = {f"pyodide/{name}": f"pyodide/{name}" for name in (*PYODIDE, "pyodide-lock.json")} | {
    "viz.js": "@viz-js/viz/dist/viz.js",
    "uplot.js": "uplot/dist/uPlot.esm.js",
    "uplot.css": "uplot/dist/uPlot.min.css",
}
# The files of the checkout that the worker finds below its working directory, at the same paths.
CHECKOUT = (
    "examples/microgpt/*.py",
    "examples/microgpt/names.txt",
    "examples/*.py",
    "exercises/*.py",
)


def main() -> None:
    made_from = fingerprint()
    manifest = VENDOR / "manifest.json"
    if manifest.exists() and json.loads(manifest.read_text())["made_from"] == made_from:
        return
    missing = install_packages()
    if missing:
        print(f"the site is built without the playground: {missing}", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory(dir=BUILD) as folder:
        gathered = Path(folder)
        gather(gathered, made_from)
        shutil.rmtree(VENDOR, ignore_errors=True)
        shutil.copytree(gathered, VENDOR)


def gather(folder: Path, made_from: str) -> None:
    for target, source in COPIED.items():
        copy(MODULES / source, folder / target)
    bundle_editor(folder / "editor.js")
    wheel = bring_scalargrad(folder / "wheels")
    testing = bring_pytest(folder / "wheels" / "pytest")
    checkout = [path.relative_to(ROOT) for path in files_of_checkout()]
    for path in checkout:
        copy(ROOT / path, folder / "checkout" / path)
    (folder / "licences.txt").write_text(licences(testing), encoding="utf-8")
    sizes = {
        path.relative_to(folder).as_posix(): path.stat().st_size
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    manifest = {
        "made_from": made_from,
        "packages": versions(),
        "engine": "reference" if wheel.name.endswith("-none-any.whl") else "compiled",
        "wheel": wheel.relative_to(folder).as_posix(),
        "pytest": [path.relative_to(folder).as_posix() for path in testing],
        "checkout": [path.as_posix() for path in checkout],
        "bytes": sizes,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def install_packages() -> str:
    """npm's packages, as the lock file has them; or what is missing for it, in words."""
    lock = (HERE / "package-lock.json").read_bytes()
    installed = MODULES / "installed-from-package-lock.json"
    if installed.exists() and installed.read_bytes() == lock:
        return ""
    npm = shutil.which("npm")
    if not npm:
        return "npm is not installed; with it, `make docs` brings the playground"
    BUILD.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        copy(HERE / name, BUILD / name)
    options = ["--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run([npm, "ci", *options], cwd=BUILD, capture_output=True, text=True)
    if done.returncode:
        return f"`npm ci` failed in {BUILD}:\n{done.stderr}"
    installed.write_bytes(lock)
    return ""


def bundle_editor(target: Path) -> None:
    """CodeMirror is two dozen small packages; the page loads one file."""
    shutil.copy(HERE / "editor.js", BUILD)
    program = MODULES / "esbuild" / "bin" / "esbuild"
    options = ["--bundle", "--format=esm", "--minify", "--log-level=warning"]
    run(program, BUILD / "editor.js", *options, f"--outfile={target}")


def bring_scalargrad(folder: Path) -> Path:
    folder.mkdir()
    wasm = wasm_wheel()
    if wasm:
        shutil.copy(wasm, folder)
    else:
        with tempfile.TemporaryDirectory() as clean:  # no remains of other builds get into it
            source = Path(clean)
            for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
                shutil.copy(ROOT / name, source)
            hidden = shutil.ignore_patterns("*.so", "*.pyd", "__pycache__", "*.egg-info")
            shutil.copytree(ROOT / "src", source / "src", ignore=hidden)
            never = os.environ | {"SCALARGRAD_EXTENSION": "never"}
            pip("wheel", source, "--no-deps", "--wheel-dir", folder, env=never)
    (wheel,) = folder.glob("*.whl")
    return wheel


def wasm_wheel() -> Path | None:
    """A wheel of the compiled engine for WebAssembly, if one was built."""
    named = os.environ.get("SCALARGRAD_WASM_WHEEL")
    built = sorted((ROOT / "dist").glob("scalargrad-*wasm32.whl"))
    return Path(named) if named else built[-1] if built else None


def bring_pytest(folder: Path) -> list[Path]:
    """The wheels that the exercises' tests run with."""
    folder.mkdir()
    requirements = HERE / "exercises-requirements.txt"
    any_platform = ["--platform", "any", "--implementation", "py", "--abi", "none"]
    options = ["--require-hashes", "--no-deps", "--only-binary=:all:", "--python-version=3.14"]
    pip("download", "-r", requirements, *options, *any_platform, "--dest", folder)
    return sorted(folder.glob("*.whl"))


# Packages that have no licence file with them: which licences they and their parts are under.
LICENCES = {
    "pyodide": {"Pyodide": "MPL-2.0", "Python": "Python-2.0", "libffi and others": "MIT"},
    "@viz-js/viz": {
        "Viz.js, copyright (c) Michael Daines": "MIT",
        "Graphviz, version 2.0 of its licence": "EPL-2.0",
        "Graphviz, version 1.0 of its licence": "EPL-1.0",
        "Expat": "MIT",
    },
}


def licences(wheels: list[Path]) -> str:
    """The texts of the licences of everything that is gathered, one after the other."""
    texts = []
    for package, version in versions().items():
        own = sorted((MODULES / package).glob("LICEN[SC]E*"))
        texts += [(f"{package} {version}", path.read_text(encoding="utf-8")) for path in own]
        texts += [
            (f"{package} {version}: {part} ({name})", standard_licence(name))
            for part, name in ({} if own else LICENCES[package]).items()
        ]
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            texts += [
                (f"{wheel.stem}: {Path(name).name}", archive.read(name).decode("utf-8"))
                for name in archive.namelist()
                if ".dist-info/licenses/" in name
            ]
    return "\n\n".join(f"{'=' * 78}\n{title}\n{'=' * 78}\n\n{text}" for title, text in texts)


def standard_licence(name: str) -> str:
    path = MODULES / "spdx-license-list" / "licenses" / f"{name}.json"
    return str(json.loads(path.read_text(encoding="utf-8"))["licenseText"])


def versions() -> dict[str, str]:
    """Name and version of every npm package of which something is served, by the lock file."""
    lock = json.loads((HERE / "package-lock.json").read_text(encoding="utf-8"))
    return {
        path.removeprefix("node_modules/"): package["version"]
        for path, package in lock["packages"].items()
        if path and not package.get("dev") and not re.match("node_modules/(@types/|ws$)", path)
    }


def files_of_checkout() -> list[Path]:
    found = {path for pattern in CHECKOUT for path in ROOT.glob(pattern) if path.is_file()}
    return sorted(found)


def fingerprint() -> str:
    """Changes when anything does that the playground is made from."""
    wheel = wasm_wheel()
    sources = [path for path in HERE.iterdir() if path.is_file()]
    sources += [ROOT / "pyproject.toml", *ROOT.glob("src/scalargrad/**/*.py"), *files_of_checkout()]
    sources += [wheel] if wheel else []
    digest = hashlib.sha256()
    for path in sorted(sources):
        digest.update(f"{path}\n".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def pip(*arguments: object, env: dict[str, str] | None = None) -> None:
    quiet = ["--quiet", "--disable-pip-version-check"]
    run(sys.executable, "-m", "pip", *arguments, *quiet, env=env)


def run(*command: object, env: dict[str, str] | None = None) -> None:
    done = subprocess.run([*map(str, command)], env=env, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    main()
