"""Changes the C of the compiled engine in one place at a time, and demands that a test notices.

    python tests/tools/flip_c.py [--list] [--sample N] [file ...]

Operators, comparisons and constants are exchanged for others, operands are swapped and statements
left out, in the rows of operations and in the loops that backward, linear, the fused functions and
the optimisers are made of. Each variant is built and tested until one test fails; a crash counts,
too. Changes that can make no difference stand in equivalents.txt, with the reason.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import equivalents
from trials import PACKAGE, ImpossibleError, Variant, measure, trials

SOURCES = PACKAGE / "engine" / "compiled"
FILES = ["operations.h", "backward.c", "linear.c", "fused.c", "updates.c"]
INCLUDING = {"operations.h": ["operators.c", "fused.c", "updates.c"]}
TESTS = [
    f"tests/test_{name}.py"
    for name in (
        *("operations", "value", "vector", "backward", "nn", "optim", "no_grad", "twins"),
        *("boundaries", "principles", "laws", "fuzz_targets", "numpy"),
        *("kinks", "accuracy", "copies", "compiled_safety"),
    )
]
ENGINES = "reference,compiled"
FLAGS = [
    *("-O1", "-w", "-fPIC", "-std=c11", "-ffp-contract=off", "-fno-math-errno", "-DNDEBUG"),
    *("-fvisibility=hidden", "-fwrapv", f"-I{sysconfig.get_path('include')}", f"-I{SOURCES}"),
]

# What to look for, and what to write in its place.
FLIPS = [
    *((rf"(?<= ){re.escape(a)}(?= )", b) for a, b in [("+", "-"), ("-", "+"), ("*", "/")]),
    *((rf"(?<= ){re.escape(a)}(?= )", b) for a, b in [("/", "*"), ("+=", "-="), ("+=", "=")]),
    *((rf"(?<= ){a}(?= )", b) for a, b in [("<", "<="), ("<=", "<"), (">", ">="), (">=", ">")]),
    *((rf"(?<= ){a}(?= )", b) for a, b in [("<", ">"), ("==", "!="), ("!=", "=="), ("&&", "||")]),
    *((rf"(?<= ){re.escape(a)}(?= )", b) for a, b in [("||", "&&"), ("|=", "="), ("&=", "=")]),
    (r"(?<=[ (,])-(?=[\w(])", ""),
    (r"!(?=[\w(])", ""),
    *((rf"(?<![\w.]){re.escape(a)}(?![\w.])", b) for a, b in [("0.0", "1.0"), ("1.0", "0.0")]),
    *((rf"(?<![\w.]){re.escape(a)}(?![\w.])", b) for a, b in [("0.5", "1.0"), ("2.0", "1.0")]),
    *((rf"(?<![\w.]){a}(?![\w.])", b) for a, b in [("0", "1"), ("1", "0"), ("4", "3"), ("8", "7")]),
    *((rf"\b{a}\b", b) for a, b in [("NAN", "0.0"), ("INFINITY", "-INFINITY"), ("true", "false")]),
    *((rf"\b{a}\b", b) for a, b in [("sin", "cos"), ("cos", "sin"), ("false", "true")]),
    *((rf"\b{a}\(", "(") for a in ("fabs", "isnan", "isfinite", "isinf", "signbit")),
    (r"\(a, b\)", "(b, a)"),
    (r"\(b, a\)", "(a, b)"),
    (r"(?<=\? )([\w.]+) : ([\w.]+)", r"\2 : \1"),
]
STATEMENT = re.compile(
    r"^ +(?!return|if|for|while|else|case|break|continue|goto|struct|const|static|Py_X?DECREF"
    r"|Py_CLEAR|Py_RETURN|release_|PyErr_Clear|PyMem_Free)"
    r"([*\w][\w.>\[\]()+*, -]*? [|&+-]?= [^;{}]*|[*\w.>\[\]-]+\+\+|\w+\([^;{}]*\));$"
)
DECLARATION = re.compile(
    r"^ +(enum |bool |int |double |Py_ssize_t |uint64_t |[A-Z]\w+ \*?\*?\w+( =|,))"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="*", default=FILES, metavar="file")
    parser.add_argument("--list", action="store_true", help="only say what would be changed")
    parser.add_argument("--sample", type=int, help="only so many, the same in every run")
    parser.add_argument("--only", default="", help="only changes whose description contains this")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    os.environ["SCALARGRAD_TWIN_PROGRAMS"] = "100"
    with tempfile.TemporaryDirectory() as folder:
        objects = Path(folder)
        flips = [flip for file in arguments.files for flip in flipped(file, objects)]
        flips = [flip for flip in flips if arguments.only in flip.name]
        if arguments.sample:
            flips = random.Random(1).sample(flips, arguments.sample)
        if arguments.list:
            print(*(flip.name for flip in flips), sep="\n")
            return
        for source in SOURCES.glob("*.c"):
            compile_object(source, objects / f"{source.stem}.o")
        unchanged = builder(FILES[0], (SOURCES / FILES[0]).read_text(), objects)
        suite = measure(["-k", "not reference", *TESTS], ENGINES, change=unchanged)
        print(f"{len(flips)} changes, {len(suite.seconds)} tests", flush=True)
        done = trials(flips, suite, ENGINES, arguments.jobs)
        complete = [] if arguments.only or arguments.sample else arguments.files
        equivalents.report(done, complete=complete)


def flipped(file: str, objects: Path) -> Iterator[Variant]:
    """The file with one change each."""
    lines = (SOURCES / file).read_text().splitlines()
    names: Counter[str] = Counter()
    for i, line in changeable(lines):
        for after in changes(line):
            name = f"{file}: {' '.join(line.split())} -> {' '.join(after.split()) or '(deleted)'}"
            names[name] += 1
            if names[name] > 1:
                name = f"{name} ({names[name]})"
            text = "\n".join([*lines[:i], after, *lines[i + 1 :]]) + "\n"
            yield Variant(name, builder(file, text, objects), file)


def changeable(lines: list[str]) -> Iterator[tuple[int, str]]:
    """The lines of code, without comments, texts and the head of the file.

    Those that run where there is no memory are for no_memory.py.
    """
    in_comment = no_memory = False
    for i, line in enumerate(lines):
        code = line.split("/*")[0] if "/*" in line else line
        if in_comment or (line.startswith("#") and "define" not in line):
            code = ""
        if "/*" in line or in_comment:
            in_comment = "*/" not in line
        no_memory, after = "PyErr_NoMemory" in code or "reserve(" in code, no_memory
        if code.strip() and '"' not in code and not (no_memory or (after and "return" in code)):
            yield i, line


def changes(line: str) -> Iterator[str]:
    code, comment, rest = line.partition("/*")
    seen = {line}
    for pattern, replacement in FLIPS:
        for match in re.finditer(pattern, code):
            after = code[: match.start()] + match.expand(replacement) + code[match.end() :]
            if after + comment + rest not in seen:
                seen.add(after + comment + rest)
                yield after + comment + rest
    if STATEMENT.match(code.rstrip()) and not DECLARATION.match(code):
        yield ""


def builder(file: str, text: str, objects: Path) -> Callable[[Path], None]:
    def build(package: Path) -> None:
        folder = package.parent / "changed"
        folder.mkdir()
        (folder / file).write_text(text)
        changed = []
        for name in INCLUDING.get(file, [file]):
            source = folder / name
            if name != file:
                shutil.copy(SOURCES / name, source)
            changed.append(folder / f"{source.stem}.o")
            compile_object(source, changed[-1], f"-I{folder}")
        stems = {path.stem for path in changed}
        others = [path for path in objects.glob("*.o") if path.stem not in stems]
        for old in (package / "engine").glob("compiled.*.so"):
            old.unlink()
        library = package / "engine" / f"compiled{sysconfig.get_config_var('EXT_SUFFIX')}"
        run_compiler("-shared", "-o", library, *changed, *others, "-lm")

    return build


def compile_object(source: Path, target: Path, *flags: str) -> None:
    run_compiler("-c", *flags, *FLAGS, source, "-o", target)


def run_compiler(*arguments: str | Path) -> None:
    done = subprocess.run(["cc", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise ImpossibleError(done.stderr)


if __name__ == "__main__":
    sys.exit(main())
