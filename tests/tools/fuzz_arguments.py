"""Calls everything that the engines have with whatever may come, and compares the two engines.

    python tests/tools/fuzz_arguments.py [options of libFuzzer]

Every call must give the same in both: the same numbers, or the same exception with the same
message; and nothing may crash. Among the arguments are objects that misbehave when they are asked
for their number, their length or their items: that lie, raise, change the list they stand in,
delete what is being computed with, or call the engine again. Needs atheris; the tests run some
random programs without it.
"""

from __future__ import annotations

import operator
import re
import struct
import sys
from collections import deque
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from choices import Choices, instrumented, main

with instrumented():
    from engines import PACKAGES

FLOATS = [0.0, -0.0, 1.0, -1.0, 0.5, -8.0, 3.0, 710.0, 1e-320, 1e308, float("inf"), float("nan")]
PLAIN = [
    *(
        None,
        True,
        0,
        1,
        2,
        -1,
        7,
        10**400,
        2**63,
        -(2**63) - 1,
        "",
        "text",
        b"bytes",
        1j,
        ...,
        object,
    ),
    *(
        Decimal("0.1"),
        Decimal("nan"),
        Fraction(1, 3),
        range(3),
        {},
        {1.0: 2.0},
        {1.0},
        NotImplemented,
    ),
]
SLICES = [
    slice(None),
    slice(1, None),
    slice(None, None, -1),
    slice(0, 10**30),
    slice(2, 1),
    slice(0, 3, 2),
]
ERRORS = [TypeError, ValueError, KeyError, IndexError, OverflowError, StopIteration, AttributeError]
UNARY = ["exp", "log", "log1p", "expm1", "sqrt", "sin", "cos", "tan", "tanh", "sigmoid", "relu"]
BUILT_IN = [operator.neg, operator.pos, abs, bool, repr, float, int, round, str, len, iter, list]
BINARY = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.mod]
ORDER = [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne]
FUNCTIONS = {
    "Value": ("data", "parents", "local_grads", "op", "label"),
    "Vector": ("values",),
    "vector": ("numbers",),
    "dot": ("a", "b"),
    "linear": ("x", "w", "b"),
    "softmax": ("x",),
    "rmsnorm": ("x", "eps"),
    "cross_entropy": ("logits", "target"),
    "maximum": ("a", "b"),
    "minimum": ("a", "b"),
}
# What only the optimisers call, having checked the arguments: here these need only not crash.
UNCHECKED = {
    "zero_grads": ("rows",),
    "sgd_update": ("rows", "velocity", "lr", "momentum", "weight_decay", "nesterov"),
    "adam_update": (
        *("rows", "first_moment", "second_moment", "lr", "betas", "eps"),
        *("weight_decay", "decoupled", "step"),
    ),
}
LONGEST = 25  # calls in a program


def target(data: bytes) -> None:
    """One program on both engines; AssertionError if they differ."""
    choices = Choices(data)
    programs = [Program(package["scalargrad.engine"]) for package in PACKAGES.values()]
    for i in range(LONGEST):
        if not choices:
            break
        call = choose_call(choices)
        outcomes = [program.outcome(call) for program in programs]
        if outcomes[1:] != outcomes[:-1]:
            raise AssertionError(f"call {i}, {call}:\n" + "\n".join(map(str, outcomes)))
    call = ("function", choices.of(list(UNCHECKED)), *choose_arguments(choices, UNCHECKED))
    programs[-1].outcome(call)


# What to call with what, as tuples; each engine makes its own objects from them.


def choose_call(choices: Choices) -> tuple[Any, ...]:
    kind = choices.number(16)
    if kind < 8:
        return ("function", (name := choices.of(list(FUNCTIONS))), *choose_named(choices, name))
    if kind == 8:
        return "unary", choices.of(UNARY), choose_own(choices)
    if kind == 9:
        return "built-in", choices.of(BUILT_IN), choose_own(choices)
    if kind in (10, 11, 12):
        operands = [choose_own(choices), choose(choices, 3)]
        function = choices.of([*BINARY, *ORDER])
        return "binary", function, *(operands if choices.number(2) else reversed(operands))
    if kind == 13:
        name = choices.of(["data", "grad", "label", "op", "parents", "wrong"])
        return "set", name, choose_own(choices), choose(choices, 3)
    if kind == 14:
        name = choices.of(["backward", "detach", "index", "count", "__format__", "__contains__"])
        return "method", name, choose_own(choices), *choose_arguments(choices, {name: ("grad",)}, 1)
    return "item", choose_own(choices), choose_index(choices)


def choose_own(choices: Choices) -> Any:
    """A Value or a row."""
    return choices.of(["value", "value", "row"]), choices.number(12)


def choose_named(choices: Choices, name: str) -> tuple[Any, Any]:
    return choose_arguments(choices, {name: FUNCTIONS[name]}, len(FUNCTIONS[name]))


def choose_arguments(
    choices: Choices, table: dict[str, tuple[str, ...]], usual: int = 0
) -> tuple[Any, Any]:
    names = next(iter(table.values()))
    odd = choices.number(8)
    count = choices.number(9) if odd == 0 else min(usual, 3) - choices.number(2) if usual else 0
    positional = [choose(choices, 4) for _ in range(max(count, 0))]
    keywords = {}
    for _ in range(choices.number(3) if odd in (1, 2) else 0):
        keywords[choices.of([*names, "wrong"])] = choose(choices, 3)
    return positional, keywords


def choose_index(choices: Choices) -> Any:
    if choices.number(2):
        return "plain", choices.of([*range(-2, 4), *SLICES])
    return choose(choices, 2)


def choose(choices: Choices, depth: int) -> Any:
    """An argument: first of all what there is, then what is less and less reasonable."""
    kind = choices.number(16)
    if kind < 4:
        return "value", choices.number(12)
    if kind < 6:
        return "row", choices.number(8)
    if kind < 8:
        return "plain", choices.of(FLOATS)
    if kind == 8:
        return "plain", choices.of(PLAIN)
    if kind < 12 and depth > 0:
        items = [choose(choices, depth - 1) for _ in range(choices.number(5))]
        return choices.of(["list", "list", "tuple", "deque", "generator", "items"]), items
    if kind < 15 and depth > 0:
        action = choose_action(choices, depth)
        return choices.of(HOSTILE), action, choose(choices, depth - 1)
    return "plain", 2.0


def choose_action(choices: Choices, depth: int) -> Any:
    kind = choices.number(10)
    if kind < 2:
        return ("nothing",)
    if kind < 4:
        return "raise", choices.of(ERRORS)
    if kind == 4:
        return "call", choose_call(choices) if depth > 1 else ("built-in", repr, ("value", 0))
    return (
        choices.of(["forget value", "forget row", "write", "backward", "clear", "append", "quiet"]),
        choices.number(12),
    )


HOSTILE = [
    "number",
    "index",
    "sized number",
    "float",
    "int",
    "sequence",
    "iterator",
    "operand",
    "class",
]


class Program:
    """What the calls have made so far in one engine."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        x, y = engine.Value(1.5, label="x"), engine.Value(-0.5)
        self.values = [x, y, x * y]
        self.rows = [engine.vector([0.25, -2.0]), engine.Vector([x, y]), engine.softmax([x, 2.0])]
        self.containers: list[Any] = []
        self.depth = 0
        self.quiet = 0

    def outcome(self, call: tuple[Any, ...]) -> Any:
        self.containers.clear()
        try:
            result = self.seen(self.keep(self.run(call)))
        except (Exception, RecursionError) as error:
            result = type(error).__name__, message(error)
        for _ in range(self.quiet):
            self.engine.no_grad().__exit__(None, None, None)
        self.quiet = 0
        numbers = [(bits(v.data), bits(v.grad)) for v in self.values]
        return result, numbers, [repr(row) for row in self.rows]

    def run(self, call: tuple[Any, ...]) -> Any:
        kind, name, *arguments = call
        if kind == "function":
            positional, keywords = arguments
            function = getattr(self.engine, name)
            return function(*map(self.make, positional), **self.makes(keywords))
        if kind == "method":
            made, positional, keywords = self.make(arguments[0]), *arguments[1:]
            return getattr(made, name)(*map(self.make, positional), **self.makes(keywords))
        if kind == "unary":
            return getattr(self.make(arguments[0]), name)()
        if kind in ("built-in", "binary"):
            return name(*map(self.make, arguments))
        if kind == "set":
            return setattr(self.make(arguments[0]), name, self.make(arguments[1]))
        return self.make(name)[self.make(arguments[0])]

    def keep(self, result: Any) -> Any:
        if isinstance(result, self.engine.Value):
            self.values.append(result)
        elif isinstance(result, self.engine.Vector):
            self.rows.append(result)
        return result

    def seen(self, result: Any) -> Any:
        if isinstance(result, self.engine.Value):
            parents = [self.seen(parent) for parent in result.parents[:4]] if self.depth < 1 else []
            return bits(result.data), result.op, list(map(bits, result.local_grads)), parents
        if isinstance(result, self.engine.Vector):
            return [self.seen(value) for value in result]
        if isinstance(result, float):
            return bits(result)
        if isinstance(result, str):
            return ADDRESS.sub("", result)
        return result if isinstance(result, int) else None

    # Making objects.

    def makes(self, named: dict[str, Any]) -> dict[str, Any]:
        return {name: self.make(argument) for name, argument in named.items()}

    def make(self, recipe: tuple[Any, ...]) -> Any:
        kind, *rest = recipe
        if kind == "plain":
            return rest[0]
        if kind == "value":
            return self.values[rest[0] % len(self.values)]
        if kind == "row":
            return self.rows[rest[0] % len(self.rows)]
        if kind in CONTAINERS:
            items = [self.make(item) for item in rest[0]]
            self.containers.append(items)
            return CONTAINERS[kind](items)
        return hostile(self, *recipe)

    # What a hostile object does.

    def act(self, action: tuple[Any, ...]) -> None:
        kind, *rest = action
        if kind == "raise":
            raise rest[0]("on purpose")
        if kind == "nothing" or self.depth > 2:
            return
        self.depth += 1
        try:
            self.act_on(kind, rest[0])
        finally:
            self.depth -= 1

    def act_on(self, kind: str, choice: Any) -> None:
        if kind == "call":
            self.keep(self.run(choice))
        elif kind == "forget value":
            if len(self.values) > 1:
                del self.values[choice % len(self.values)]
        elif kind == "forget row":
            if len(self.rows) > 1:
                del self.rows[choice % len(self.rows)]
        elif kind == "write":
            value = self.values[choice % len(self.values)]
            value.data = value.grad = 0.75
        elif kind == "backward":
            self.values[choice % len(self.values)].backward()
        elif kind == "quiet":
            self.engine.no_grad().__enter__()
            self.quiet += 1
        elif self.containers:
            container = self.containers[choice % len(self.containers)]
            if kind == "clear":
                container.clear()
            elif len(container) < 50:
                container.append(container[0] if container else 1.0)


def items_only(items: list[Any]) -> Any:
    class Items:
        def __getitem__(self, index: int) -> Any:
            return items[index]

    return Items()


CONTAINERS = {
    "list": lambda items: items,
    "tuple": tuple,
    "deque": deque,
    "generator": lambda items: (item for item in items),
    "items": items_only,
}


def hostile(program: Program, kind: str, action: Any, recipe: Any) -> Any:
    """An object that acts before it answers, and whose answer may be anything."""

    def answer(*_: Any) -> Any:
        program.act(action)
        return program.make(recipe)

    def items(*_: Any) -> Any:
        for _ in range(3):
            program.act(action)
            yield program.make(recipe)

    methods: dict[str, Any] = {
        "number": {"__float__": answer},
        "index": {"__index__": answer},
        "sized number": {"__float__": answer, "__len__": answer},
        "float": {"__float__": answer, "__repr__": lambda self: "float"},
        "int": {"__index__": answer, "__float__": answer, "__repr__": lambda self: "int"},
        "sequence": {"__len__": answer, "__getitem__": answer, "__iter__": items},
        "iterator": {"__iter__": answer},
        "operand": {
            f"__{side}{name}__": answer
            for name in ("add", "mul", "sub", "truediv", "pow")
            for side in ("", "r")
        },
        "class": {"__class__": property(lambda self: float), "__float__": answer},
    }[kind]
    base = {"float": float, "int": int, "sequence": list}.get(kind, object)
    return type("Hostile", (base,), methods)()


def bits(number: Any) -> Any:
    if not isinstance(number, float):
        return number
    return "nan" if number != number else struct.pack("<d", number).hex()


# Python's own words, which differ between what is written in C and in Python.
PYTHONS_WORDS = re.compile(
    r"\(\) (missing|takes|got (an unexpected|multiple|some))|^\w+ expected "
    r"|unsupported operand|not subscriptable"
)

ADDRESS = re.compile(" at 0x[0-9a-f]+")


def message(error: BaseException) -> str:
    text = ADDRESS.sub("", str(error).replace("Element", "Value"))
    return "" if isinstance(error, AttributeError) or PYTHONS_WORDS.search(text) else text


if __name__ == "__main__":
    main(target)
