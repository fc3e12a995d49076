"""Changes the Python of the library in one place at a time, and demands that a test notices.

    python tests/tools/mutants.py [--list] [--sample 300] [file ...]

Every operator, comparison, number, condition and statement is changed in turn (by cosmic-ray's
operators, and by deleting statements), and the tests that run that line are run on the reference
engine, until one fails. A mutant that none notices shows a missing test or needless code. Those
that can make no difference stand in equivalents.txt, with the reason.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import equivalents
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from trials import PACKAGE, Suite, Variant, measure, trials

FILES = [
    *(f"engine/reference/{name}.py" for name in ("operations", "value", "vector", "fused")),
    *(f"engine/reference/{name}.py" for name in ("updates", "numbers", "recording")),
    *("nn.py", "optim.py", "derivatives.py"),
    # Not what guesses at the cause of a wrong gradient, of which examples are all there is to test.
    *("checking/__init__.py", "checking/differences.py"),
]
TESTS = [
    f"tests/test_{name}.py"
    for name in (
        *("operations", "value", "vector", "backward", "nn", "optim", "no_grad", "derivatives"),
        *("principles", "laws", "numpy", "graph", "boundaries", "gradcheck", "differences"),
        *("kinks", "accuracy", "bad_input", "higher_order", "copies"),
    )
]
WANTED = 0.95

ARITHMETIC = ["Add", "Sub", "Mul", "Div"]
COMPARISONS = ["Eq", "NotEq", "Lt", "LtE", "Gt", "GtE"]
OPERATORS = [
    *(f"ReplaceBinaryOperator_{a}_{b}" for a in ARITHMETIC for b in ARITHMETIC if a != b),
    *("ReplaceBinaryOperator_Pow_Mul", "ReplaceBinaryOperator_Pow_Div"),
    *("ReplaceBinaryOperator_BitOr_BitAnd", "ReplaceBinaryOperator_FloorDiv_Div"),
    *(f"ReplaceComparisonOperator_{a}_{b}" for a in COMPARISONS for b in COMPARISONS if a != b),
    *("ReplaceComparisonOperator_Is_IsNot", "ReplaceComparisonOperator_IsNot_Is"),
    *("ReplaceUnaryOperator_USub_UAdd", "ReplaceUnaryOperator_Delete_Not", "AddNot"),
    *("ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd"),
    *("ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ExceptionReplacer"),
    *("NumberReplacer", "RemoveDecorator", "ZeroIterationForLoop"),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "files", nargs="*", default=FILES, metavar="file", help="below src/scalargrad"
    )
    parser.add_argument("--list", action="store_true", help="only say what would be changed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--sample", type=int, help="only so many, the same in every run")
    parser.add_argument("--only", default="", help="only changes whose description contains this")
    arguments = parser.parse_args()
    if arguments.list:
        for file in arguments.files:
            print(*(variant.name for variant in mutants(file, Suite({}))), sep="\n")
        return
    suite = measure(TESTS, "reference", covered=True)
    print(f"{len(suite.seconds)} tests, {sum(suite.seconds.values()):.0f} seconds", flush=True)
    variants: Iterable[Variant] = (
        variant
        for file in arguments.files
        for variant in mutants(file, suite)
        if arguments.only in variant.name
    )
    if arguments.sample:
        variants = random.Random(1).sample(list(variants), arguments.sample)
    done = trials(variants, suite, "reference", arguments.jobs)
    partly = arguments.only or arguments.sample
    complete = [] if partly else [Path(file).name for file in arguments.files]
    equivalents.report(done, WANTED, complete)


def mutants(file: str, suite: Suite) -> Iterator[Variant]:
    """The file with one change each."""
    path = PACKAGE / file
    source = path.read_text()
    covering = suite.lines.get(file, {})
    meaning = _meaning(source)
    seen = {meaning}
    names: Counter[str] = Counter()
    for mutated in [*_by_operators(source), *_by_deletion(source)]:
        try:
            means = _meaning(mutated)
        except SyntaxError:
            continue
        if means in seen:  # an annotation, or the same as another
            continue
        seen.add(means)
        number, before, after = _difference(source, mutated)
        name = f"{path.name}: {before} -> {after}"
        names[name] += 1
        if names[name] > 1:
            name = f"{name} ({names[name]})"
        tests = covering.get(number, [""])  # "" is while the tests are imported: all may notice
        yield Variant(name, _writer(file, mutated), file, None if "" in tests else tests)


def _writer(file: str, text: str):
    def write(package: Path) -> None:
        (package / file).write_text(text)

    return write


def _by_operators(source: str) -> Iterator[str]:
    nodes = list(ast_nodes(get_ast(source)))
    for name in OPERATORS:
        operator = get_operator(f"core/{name}")()
        count = sum(len(list(operator.mutation_positions(node))) for node in nodes)
        for occurrence in range(count):
            yield mutate_code(source, operator, occurrence) or source


def _by_deletion(source: str) -> Iterator[str]:
    """The source without one of its statements that do something."""
    lines = source.splitlines(keepends=True)
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            if _does_something(node):
                indent = " " * node.col_offset
                yield "".join(
                    [*lines[: node.lineno - 1], f"{indent}pass\n", *lines[node.end_lineno :]]
                )


def _does_something(node: ast.AST) -> bool:
    if isinstance(node, ast.Assign):
        return not all(isinstance(target, (ast.Name, ast.Tuple)) for target in node.targets)
    if isinstance(node, ast.Expr):
        return not isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Return):  # of None, it happens anyway
        return not (isinstance(node.value, ast.Constant) and node.value.value is None)
    return isinstance(node, (ast.AugAssign, ast.Raise))


class _Meaning(ast.NodeTransformer):
    """Drops what has no effect when the library runs."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST | None:
        if any(isinstance(d, ast.Name) and d.id == "overload" for d in node.decorator_list):
            return None
        node.returns = None
        self.generic_visit(node)
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        node.annotation = ast.Constant(None)
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        if isinstance(node.value, ast.Constant):
            return ast.Pass()
        self.generic_visit(node)
        return node

    def visit_If(self, node: ast.If) -> ast.AST | None:
        test = node.test
        while isinstance(test, ast.UnaryOp):
            test = test.operand
        if isinstance(test, ast.Name) and test.id == "TYPE_CHECKING":
            return None
        self.generic_visit(node)
        return node


def _meaning(source: str) -> str:
    tree = _Meaning().visit(ast.parse(source))
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "TYPE_CHECKING":
            node.value = ast.Constant(None)
    return ast.dump(tree)


def _difference(source: str, mutated: str) -> tuple[int, str, str]:
    """The number of the first line that differs, and that line in both."""
    before, after = source.splitlines(), mutated.splitlines()
    i = next(i for i, (a, b) in enumerate(zip(before, after)) if a != b)
    first, second = (" ".join(line[i].split()) for line in (before, after))
    return i + 1, first, "(deleted)" if second == "pass" else second


if __name__ == "__main__":
    sys.exit(main())
