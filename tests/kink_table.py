"""What every operation gives at its kinks and poles, at infinity and at nan, and where it raises.

One row per case. The tests run each of them on both engines and, where it is installed, on PyTorch,
whose convention for derivatives this is; docs/edge-cases.md shows the same rows to readers. After a
change, `python tests/kink_table.py` writes them there anew.
"""

import math
import re
from math import inf, nan
from pathlib import Path
from typing import NamedTuple

PAGE = Path(__file__).parents[1] / "docs" / "edge-cases.md"


class Kink(NamedTuple):
    """An operation at some operands: its value, and the derivative with respect to each."""

    op: str
    operands: tuple[float, ...]
    value: float
    slopes: tuple[float, ...]
    why: str = ""


class Handed(NamedTuple):
    """What an operation at some operands hands down, when its own gradient is no usual number.

    `theirs` is what PyTorch hands down: None where that is the same.
    """

    op: str
    operands: tuple[float, ...]
    upstream: float
    ours: tuple[float, ...]
    theirs: tuple[float, ...] | None
    why: str = ""


class Refusal(NamedTuple):
    """An operation that raises at these operands, and what it says."""

    op: str
    operands: tuple[float, ...]
    error: type[Exception]
    message: str


KINKS = {
    "kinks": (
        Kink("relu", (0.0,), 0.0, (0.0,), "between the slopes 0 and 1"),
        Kink("relu", (-0.0,), 0.0, (0.0,)),
        Kink("abs", (0.0,), 0.0, (0.0,), "between the slopes -1 and 1"),
        Kink("abs", (-0.0,), 0.0, (0.0,)),
        Kink("maximum", (3.0, 3.0), 3.0, (0.5, 0.5), "a tie: half to each"),
        Kink("maximum", (0.0, -0.0), 0.0, (0.5, 0.5), "0 and -0 are equal"),
        Kink("maximum", (-0.0, 0.0), 0.0, (0.5, 0.5)),
        Kink("minimum", (3.0, 3.0), 3.0, (0.5, 0.5), "a tie: half to each"),
        Kink("minimum", (0.0, -0.0), 0.0, (0.5, 0.5)),
        Kink("minimum", (-0.0, 0.0), 0.0, (0.5, 0.5)),
        Kink("atan2", (0.0, 0.0), 0.0, (0.0, 0.0), "the origin has no direction"),
        Kink("atan2", (-0.0, -0.0), -math.pi, (0.0, 0.0), "the signs of 0 count, as in Python"),
        Kink("atan2", (0.0, -1.0), math.pi, (-1.0, 0.0), "a step from -pi to pi"),
        Kink("atan2", (-0.0, -1.0), -math.pi, (-1.0, 0.0)),
        Kink("asin", (1.0,), math.pi / 2, (inf,), "the tangent is upright"),
        Kink("asin", (-1.0,), -math.pi / 2, (inf,)),
        Kink("acos", (1.0,), 0.0, (-inf,)),
        Kink("acos", (-1.0,), math.pi, (-inf,)),
        Kink("sqrt", (0.0,), 0.0, (inf,), "the tangent is upright"),
        Kink("sqrt", (-0.0,), 0.0, (-inf,), "`0.5 / sqrt(-0.0)`, and `sqrt(-0.0)` is -0.0"),
    ),
    "powers": (
        Kink("**", (0.0, 0.0), 1.0, (0.0, 0.0), "`x ** 0` is 1 everywhere"),
        Kink("**", (3.0, 0.0), 1.0, (0.0, math.log(3.0))),
        Kink("**", (-2.0, 0.0), 1.0, (0.0, nan), "no real power of -2 is near this one"),
        Kink("**", (inf, 0.0), 1.0, (0.0, inf)),
        Kink("**", (nan, 0.0), 1.0, (0.0, nan)),
        Kink("**", (0.0, 0.5), 0.0, (inf, 0.0), "as `sqrt(0)`"),
        Kink("**", (0.0, 1.0), 0.0, (1.0, 0.0), "`0 ** n` is 0 for all n > 0"),
        Kink("**", (0.0, 1.5), 0.0, (0.0, 0.0)),
        Kink("**", (0.0, 2.0), 0.0, (0.0, 0.0)),
        Kink("**", (-0.0, 1.0), 0.0, (1.0, 0.0)),
        Kink("**", (-0.0, 2.0), 0.0, (0.0, 0.0)),
        Kink("**", (0.0, 1e-320), 0.0, (inf, 0.0)),
        Kink(
            "**",
            (2.0, 3.0),
            8.0,
            (12.0, 8.0 * math.log(2.0)),
            "nothing special: 3 * 4, and 8 log 2",
        ),
        Kink("**", (2.0, -1.0), 0.5, (-0.25, 0.5 * math.log(2.0))),
        Kink("**", (1.0, 5.0), 1.0, (5.0, 0.0)),
        Kink(
            "**", (-2.0, 1.0), -2.0, (1.0, nan), "no real derivative with respect to the exponent"
        ),
        Kink("**", (-2.0, 2.0), 4.0, (-4.0, nan)),
        Kink("**", (-2.0, 3.0), -8.0, (12.0, nan)),
        Kink("**", (-2.0, -1.0), -0.5, (-0.25, nan)),
        Kink("**", (-2.0, -3.0), -0.125, (-0.1875, nan)),
        Kink("**", (inf, 2.0), inf, (inf, inf)),
        Kink("**", (inf, 0.5), inf, (0.0, inf)),
        Kink("**", (inf, -1.0), 0.0, (0.0, nan), "`0 * log(inf)`"),
        Kink("**", (inf, -5e-324), 0.0, (0.0, nan)),
        Kink("**", (-inf, 2.0), inf, (-inf, nan)),
        Kink("**", (-inf, 3.0), -inf, (inf, nan)),
        Kink("**", (-inf, -1.0), 0.0, (0.0, nan)),
        Kink("**", (0.5, inf), 0.0, (nan, 0.0), "`inf * 0`"),
        Kink("**", (2.0, inf), inf, (inf, inf)),
        Kink("**", (2.0, -inf), 0.0, (nan, 0.0), "`-inf * 0`"),
        Kink("**", (1.0, inf), 1.0, (inf, 0.0), "`1 ** n` is 1 for all n"),
        Kink("**", (-1.0, inf), 1.0, (inf, nan)),
        Kink("**", (-2.0, inf), inf, (inf, nan)),
        Kink("**", (-0.5, -inf), inf, (-inf, nan)),
        Kink("**", (0.0, inf), 0.0, (nan, 0.0)),
        Kink("**", (0.0, -inf), inf, (-inf, -inf)),
        Kink("**", (nan, 2.0), nan, (nan, nan)),
        Kink("**", (2.0, nan), nan, (nan, nan)),
        Kink("**", (1.0, nan), 1.0, (nan, 0.0), "`1 ** n` is 1 for all n"),
        Kink("**", (-1.0, nan), nan, (nan, nan)),
    ),
    "division": (
        Kink("/", (1.0, inf), 0.0, (0.0, 0.0)),
        Kink("/", (0.0, inf), 0.0, (0.0, 0.0)),
        Kink("/", (0.0, 1e-200), 0.0, (1e200, 0.0), "`0 / (b * b)` would be nan"),
        Kink("/", (inf, 2.0), inf, (0.5, -inf)),
        Kink("/", (-inf, 2.0), -inf, (0.5, inf)),
        Kink("/", (inf, inf), nan, (0.0, nan)),
        Kink("/", (nan, 2.0), nan, (0.5, nan)),
        Kink("/", (2.0, nan), nan, (nan, nan)),
        Kink("/", (1.0, 1e-320), inf, (inf, -inf), "too large for a float"),
        Kink("/", (1e-200, 1e-200), 1.0, (1e200, -1e200), "`b * b` would be 0"),
    ),
    "infinity": (
        Kink("+", (inf, 1.0), inf, (1.0, 1.0)),
        Kink("+", (inf, -inf), nan, (1.0, 1.0), "the derivative does not depend on the operands"),
        Kink("-", (inf, 1.0), inf, (1.0, -1.0)),
        Kink("-", (inf, inf), nan, (1.0, -1.0)),
        Kink("*", (inf, 2.0), inf, (2.0, inf)),
        Kink("*", (inf, 0.0), nan, (0.0, inf)),
        Kink("*", (0.0, -inf), nan, (-inf, 0.0)),
        Kink("neg", (inf,), -inf, (-1.0,)),
        Kink("neg", (-inf,), inf, (-1.0,)),
        Kink("abs", (inf,), inf, (1.0,)),
        Kink("abs", (-inf,), inf, (-1.0,)),
        Kink("exp", (inf,), inf, (inf,)),
        Kink("exp", (-inf,), 0.0, (0.0,)),
        Kink("log", (inf,), inf, (0.0,)),
        Kink("log", (1e-320,), -736.8272408909739, (inf,), "1e320 is too large for a float"),
        Kink("log1p", (inf,), inf, (0.0,)),
        Kink("log2", (inf,), inf, (0.0,)),
        Kink("log10", (inf,), inf, (0.0,)),
        Kink("expm1", (inf,), inf, (inf,)),
        Kink("expm1", (-inf,), -1.0, (0.0,)),
        Kink("sqrt", (inf,), inf, (0.0,)),
        Kink("atan", (inf,), math.pi / 2, (0.0,)),
        Kink("atan", (-inf,), -math.pi / 2, (0.0,)),
        Kink("atan2", (inf, 1.0), math.pi / 2, (0.0, nan), "with respect to x: `-inf / inf`"),
        Kink("atan2", (1.0, inf), 0.0, (nan, 0.0), "with respect to y: `inf / inf`"),
        Kink("atan2", (1.0, -inf), math.pi, (nan, 0.0)),
        Kink("atan2", (inf, -inf), 0.75 * math.pi, (nan, nan)),
        Kink("sinh", (inf,), inf, (inf,)),
        Kink("sinh", (-inf,), -inf, (inf,)),
        Kink("cosh", (inf,), inf, (inf,)),
        Kink("cosh", (-inf,), inf, (-inf,)),
        Kink("tanh", (inf,), 1.0, (0.0,)),
        Kink("tanh", (-inf,), -1.0, (0.0,)),
        Kink("sigmoid", (inf,), 1.0, (0.0,)),
        Kink("sigmoid", (-inf,), 0.0, (0.0,)),
        Kink("softplus", (inf,), inf, (1.0,)),
        Kink("softplus", (-inf,), 0.0, (0.0,)),
        Kink("erf", (inf,), 1.0, (0.0,)),
        Kink("erf", (-inf,), -1.0, (0.0,)),
        Kink("relu", (inf,), inf, (1.0,)),
        Kink("relu", (-inf,), 0.0, (0.0,)),
        Kink("maximum", (inf, 1.0), inf, (1.0, 0.0)),
        Kink("maximum", (inf, inf), inf, (0.5, 0.5)),
        Kink("maximum", (-inf, -inf), -inf, (0.5, 0.5)),
        Kink("minimum", (inf, 1.0), 1.0, (0.0, 1.0)),
        Kink("minimum", (inf, inf), inf, (0.5, 0.5)),
        Kink("minimum", (-inf, -inf), -inf, (0.5, 0.5)),
    ),
    "nan": (
        Kink("+", (nan, 1.0), nan, (1.0, 1.0)),
        Kink("-", (1.0, nan), nan, (1.0, -1.0)),
        Kink("*", (nan, 2.0), nan, (2.0, nan)),
        Kink("neg", (nan,), nan, (-1.0,)),
        Kink("abs", (nan,), nan, (0.0,), "nan has no sign"),
        Kink("exp", (nan,), nan, (nan,)),
        Kink("log", (nan,), nan, (nan,)),
        Kink("log1p", (nan,), nan, (nan,)),
        Kink("expm1", (nan,), nan, (nan,)),
        Kink("sqrt", (nan,), nan, (nan,)),
        Kink("sin", (nan,), nan, (nan,)),
        Kink("cos", (nan,), nan, (nan,)),
        Kink("tan", (nan,), nan, (nan,)),
        Kink("log2", (nan,), nan, (nan,)),
        Kink("log10", (nan,), nan, (nan,)),
        Kink("asin", (nan,), nan, (nan,)),
        Kink("acos", (nan,), nan, (nan,)),
        Kink("atan", (nan,), nan, (nan,)),
        Kink("atan2", (nan, 1.0), nan, (nan, nan)),
        Kink("atan2", (1.0, nan), nan, (nan, nan)),
        Kink("sinh", (nan,), nan, (nan,)),
        Kink("cosh", (nan,), nan, (nan,)),
        Kink("softplus", (nan,), nan, (nan,)),
        Kink("erf", (nan,), nan, (nan,)),
        Kink("tanh", (nan,), nan, (nan,)),
        Kink("sigmoid", (nan,), nan, (nan,)),
        Kink("relu", (nan,), nan, (1.0,), "nan stays nan, instead of hiding in a 0"),
        Kink("maximum", (nan, 1.0), nan, (1.0, 1.0), "nan is larger and smaller than all"),
        Kink("maximum", (1.0, nan), nan, (1.0, 1.0)),
        Kink("minimum", (nan, 1.0), nan, (1.0, 1.0)),
        Kink("minimum", (1.0, nan), nan, (1.0, 1.0)),
    ),
}

HANDED = (
    Handed("sqrt", (0.0,), 0.0, (0.0,), (nan,), "a gradient of 0 hands nothing down"),
    Handed("*", (inf, 2.0), 0.0, (0.0, 0.0), (0.0, nan)),
    Handed("*", (nan, 2.0), -0.0, (0.0, 0.0), (0.0, nan), "nor does -0"),
    Handed("/", (1.0, 1e-320), 0.0, (0.0, 0.0), (0.0, nan)),
    Handed("**", (0.0, 0.5), 0.0, (0.0, 0.0), (nan, 0.0)),
    Handed("exp", (nan,), 0.0, (0.0,), (nan,)),
    Handed("relu", (-1.0,), inf, (0.0,), None, "a branch that was not taken gets nothing"),
    Handed("relu", (0.0,), inf, (0.0,), None),
    Handed("relu", (-1.0,), nan, (0.0,), None),
    Handed("relu", (2.0,), nan, (nan,), None),
    Handed("maximum", (2.0, 1.0), inf, (inf, 0.0), None),
    Handed("maximum", (2.0, 1.0), nan, (nan, 0.0), None),
    Handed("minimum", (2.0, 1.0), -inf, (0.0, -inf), None),
    Handed("maximum", (3.0, 3.0), inf, (inf, inf), None, "a tie: both were taken"),
    Handed("abs", (0.0,), inf, (nan,), None, "`0 * inf`: no branches, but a slope of 0"),
    Handed("*", (0.0, 2.0), inf, (inf, nan), None),
    Handed("tanh", (inf,), inf, (nan,), None),
    Handed("cos", (0.0,), inf, (nan,), None),
    Handed("**", (0.0, 2.0), inf, (nan, nan), None),
    Handed("+", (1.0, 2.0), nan, (nan, nan), None),
    Handed("**", (3.0, 0.0), inf, (nan, inf), (0.0, inf), "PyTorch takes `x ** 0` for a constant"),
    Handed("**", (3.0, 0.0), nan, (nan, nan), (0.0, nan)),
    Handed("sigmoid", (700.0,), inf, (inf,), (nan,), "its slope of 1e-304 is 0 to PyTorch"),
)

ZERO, UNDEFINED = "division by zero", "not defined for real numbers"
TOO_LARGE = "the result is too large for a float"

REFUSALS = (
    Refusal("/", (1.0, 0.0), ZeroDivisionError, f"1.0 / 0.0: {ZERO}"),
    Refusal("/", (0.0, 0.0), ZeroDivisionError, f"0.0 / 0.0: {ZERO}"),
    Refusal("/", (-2.5, -0.0), ZeroDivisionError, f"(-2.5) / (-0.0): {ZERO}"),
    Refusal("/", (inf, 0.0), ZeroDivisionError, f"inf / 0.0: {ZERO}"),
    Refusal("/", (nan, 0.0), ZeroDivisionError, f"nan / 0.0: {ZERO}"),
    Refusal("**", (0.0, -1.0), ZeroDivisionError, f"0.0 ** (-1.0): {ZERO}"),
    Refusal("**", (0.0, -0.5), ZeroDivisionError, f"0.0 ** (-0.5): {ZERO}"),
    Refusal("**", (-0.0, -3.0), ZeroDivisionError, f"(-0.0) ** (-3.0): {ZERO}"),
    Refusal("**", (-8.0, 0.5), ValueError, f"(-8.0) ** 0.5: {UNDEFINED}"),
    Refusal("**", (-8.0, 1 / 3), ValueError, f"(-8.0) ** 0.3333333333333333: {UNDEFINED}"),
    Refusal("**", (10.0, 400.0), OverflowError, f"10.0 ** 400.0: {TOO_LARGE}"),
    Refusal("**", (-10.0, 401.0), OverflowError, f"(-10.0) ** 401.0: {TOO_LARGE}"),
    Refusal("sqrt", (-1.0,), ValueError, f"sqrt(-1.0): {UNDEFINED}"),
    Refusal("sqrt", (-1e-300,), ValueError, f"sqrt(-1e-300): {UNDEFINED}"),
    Refusal("sqrt", (-inf,), ValueError, f"sqrt(-inf): {UNDEFINED}"),
    Refusal("log", (0.0,), ValueError, f"log(0.0): {UNDEFINED}"),
    Refusal("log", (-0.0,), ValueError, f"log(-0.0): {UNDEFINED}"),
    Refusal("log", (-1.0,), ValueError, f"log(-1.0): {UNDEFINED}"),
    Refusal("log", (-inf,), ValueError, f"log(-inf): {UNDEFINED}"),
    Refusal("log2", (0.0,), ValueError, f"log2(0.0): {UNDEFINED}"),
    Refusal("log2", (-1.0,), ValueError, f"log2(-1.0): {UNDEFINED}"),
    Refusal("log2", (-inf,), ValueError, f"log2(-inf): {UNDEFINED}"),
    Refusal("log10", (0.0,), ValueError, f"log10(0.0): {UNDEFINED}"),
    Refusal("log10", (-1.0,), ValueError, f"log10(-1.0): {UNDEFINED}"),
    Refusal("log10", (-inf,), ValueError, f"log10(-inf): {UNDEFINED}"),
    Refusal("log1p", (-1.0,), ValueError, f"log1p(-1.0): {UNDEFINED}"),
    Refusal("log1p", (-2.0,), ValueError, f"log1p(-2.0): {UNDEFINED}"),
    Refusal("log1p", (-inf,), ValueError, f"log1p(-inf): {UNDEFINED}"),
    Refusal("exp", (709.79,), OverflowError, f"exp(709.79): {TOO_LARGE}"),
    Refusal("exp", (1e300,), OverflowError, f"exp(1e+300): {TOO_LARGE}"),
    Refusal("expm1", (709.79,), OverflowError, f"expm1(709.79): {TOO_LARGE}"),
    Refusal("expm1", (1e300,), OverflowError, f"expm1(1e+300): {TOO_LARGE}"),
    Refusal("sin", (inf,), ValueError, f"sin(inf): {UNDEFINED}"),
    Refusal("sin", (-inf,), ValueError, f"sin(-inf): {UNDEFINED}"),
    Refusal("cos", (inf,), ValueError, f"cos(inf): {UNDEFINED}"),
    Refusal("cos", (-inf,), ValueError, f"cos(-inf): {UNDEFINED}"),
    Refusal("tan", (inf,), ValueError, f"tan(inf): {UNDEFINED}"),
    Refusal("tan", (-inf,), ValueError, f"tan(-inf): {UNDEFINED}"),
    Refusal("asin", (1.0000000000000002,), ValueError, f"asin(1.0000000000000002): {UNDEFINED}"),
    Refusal("asin", (-2.0,), ValueError, f"asin(-2.0): {UNDEFINED}"),
    Refusal("asin", (inf,), ValueError, f"asin(inf): {UNDEFINED}"),
    Refusal("asin", (-inf,), ValueError, f"asin(-inf): {UNDEFINED}"),
    Refusal("acos", (-1.0000000000000002,), ValueError, f"acos(-1.0000000000000002): {UNDEFINED}"),
    Refusal("acos", (2.0,), ValueError, f"acos(2.0): {UNDEFINED}"),
    Refusal("acos", (inf,), ValueError, f"acos(inf): {UNDEFINED}"),
    Refusal("acos", (-inf,), ValueError, f"acos(-inf): {UNDEFINED}"),
    Refusal("sinh", (710.5,), OverflowError, f"sinh(710.5): {TOO_LARGE}"),
    Refusal("sinh", (-1e300,), OverflowError, f"sinh(-1e+300): {TOO_LARGE}"),
    Refusal("cosh", (710.5,), OverflowError, f"cosh(710.5): {TOO_LARGE}"),
    Refusal("cosh", (-1e300,), OverflowError, f"cosh(-1e+300): {TOO_LARGE}"),
)


def all_kinks() -> list[Kink]:
    return [kink for rows in KINKS.values() for kink in rows]


def kinks_of(op: str) -> tuple[tuple[tuple[float, ...], tuple[float, ...]], ...]:
    """The operands, and the derivative with respect to each."""
    return tuple((kink.operands, kink.slopes) for kink in all_kinks() if kink.op == op)


def refused_by(op: str) -> tuple[tuple[float, ...], ...]:
    return tuple(refusal.operands for refusal in REFUSALS if refusal.op == op)


# The page.


def expression(row: Kink | Handed | Refusal) -> str:
    """The case as readers would write it on paper."""
    x = [repr(number).removesuffix(".0") for number in row.operands]
    if row.op == "neg":
        return f"-({x[0]})"
    if row.op in ("+", "-", "*", "/", "**"):
        a, b = (f"({n})" if n.startswith("-") else n for n in x)
        return f"{a} {row.op} {b}"
    return f"{row.op}({', '.join(x)})"


def tables() -> dict[str, str]:
    """What the page has between `<!-- table: NAME -->` and `<!-- end of table -->`."""
    made = {name: _kink_table(rows) for name, rows in KINKS.items()}
    lines = ["| expression | raises | message |", "|---|---|---|"]
    lines += [f"| `{expression(r)}` | {r.error.__name__} | `{r.message}` |" for r in REFUSALS]
    made["handed"] = _handed_table()
    made["raises"] = "\n".join(lines)
    return made


def with_tables(page: str) -> str:
    """The page, each of its tables made anew."""
    made = tables()
    return re.sub(
        r"(<!-- table: (\w+) -->\n).*?(<!-- end of table -->)",
        lambda found: f"{found[1]}\n{made[found[2]]}\n\n{found[3]}",
        page,
        flags=re.DOTALL,
    )


def _kink_table(rows: tuple[Kink, ...]) -> str:
    lines = ["| expression | value | derivative | note |", "|---|---|---|---|"]
    for row in rows:
        value, *slopes = (f"{x:.6g}" for x in (row.value, *row.slopes))
        lines.append(f"| `{expression(row)}` | {value} | {', '.join(slopes)} | {row.why} |")
    return "\n".join(lines)


def _handed_table() -> str:
    lines = [
        "| expression | its gradient | handed down | by PyTorch | note |",
        "|---|---|---|---|---|",
    ]
    for row in HANDED:
        ours, theirs = (
            ", ".join(f"{x:.6g}" for x in side) for side in (row.ours, row.theirs or row.ours)
        )
        gradient = f"{row.upstream:.6g}"
        lines.append(
            f"| `{expression(row)}` | {gradient} | {ours} | "
            f"{theirs if row.theirs else 'the same'} | {row.why} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
