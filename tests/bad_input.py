"""What can be wrong with the arguments of everything public, and the very words of the refusals.

One row of CALLS per public function and method, one kind per parameter. A kind says what is refused
and what the message is; so a new function needs a row, and gets all the cases of its parameters'
kinds. Tests fail while a public name or a parameter is missing here.
"""

import itertools
import operator
import os
import random
import tempfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from oracles import bits


class World:
    """Something of everything, halfway through a training, and all there is to see of it."""

    def __init__(self, sg: ModuleType) -> None:
        self.sg = sg
        self.rng = random.Random(1)
        self.x, self.y = sg.Value(0.5, label="x"), sg.Value(1.5)
        self.row = sg.nn.vector([3.0, 4.0, 5.0])
        self.w = sg.nn.matrix(2, 3, rng=self.rng)
        self.loss = sg.nn.dot(sg.nn.linear(self.row, self.w), [self.x, 2.0])
        self.sgd = sg.optim.SGD([self.row, self.x], lr=0.1, momentum=0.5)
        self.adam = sg.optim.Adam([self.row, self.x], lr=0.1)
        self.loss.backward()
        self.sgd.step()
        self.adam.step()

    def seen(self) -> object:
        values = [self.x, self.y, *self.row, *self.w[0], *self.w[1], self.loss]
        return (
            [(bits(v.data), bits(v.grad), v.label, v.parents, v.local_grads) for v in values],
            (self.sgd.state_dict(), self.adam.state_dict()),
            (self.rng.getstate(), random.getstate()),
            bool((self.x * 2.0).parents),  # whether this thread records graphs
        )


class Wrong(NamedTuple):
    """Something that is refused, and with what."""

    name: str
    make: Callable[[World], Any]
    error: type[Exception]
    message: str


Kind = Callable[[str], Iterator[Wrong]]  # given how the message calls the argument


class Parameter(NamedTuple):
    good: Callable[[World], Any]
    kind: Kind
    where: str = ""  # how the message calls it, if not "function: parameter"


# ---- Things, and how messages call them ----


class Raises:
    def __float__(self) -> float:
        raise LookupError("no number today")


class Junk:
    def __float__(self) -> Any:
        return "junk"


NEITHER = {  # neither number nor sequence
    "str '3'": lambda world: "3",
    f"str_ {np.str_('3')!r}": lambda world: np.str_("3"),
    "str": lambda world: "a text that would be too long for a message",
    "bytes b'3'": lambda world: b"3",
    "bytearray": lambda world: bytearray(b"3"),
    "None": lambda world: None,
    "complex 1j": lambda world: 1j,
    "complex64": lambda world: np.complex64(1),
    "dict": lambda world: {1.0: 2.0},
    "set": lambda world: {1.0},
    "object": lambda world: object(),
    "builtin_function_or_method": lambda world: len,
    "the class float": lambda world: float,
    "the class Value": lambda world: world.sg.Value,
}
SEQUENCES = {
    "list": lambda world: [1.0],
    "tuple": lambda world: (1.0,),
    "range": lambda world: range(3),
    "list_iterator": lambda world: iter([1.0]),
    "generator": lambda world: (x for x in [1.0]),
    "Vector": lambda world: world.row,
}
SCALAR_ARRAY = {"ndarray of shape ()": lambda world: np.array(1.0)}
TABLE = {"ndarray of shape (2, 2)": lambda world: np.ones((2, 2))}
ARRAYS = SCALAR_ARRAY | TABLE | {"ndarray of shape (1,)": lambda world: np.array([1.0])}
ENDLESS = {
    "count": lambda world: itertools.count(),
    "cycle": lambda world: itertools.cycle([1.0]),
    "repeat": lambda world: itertools.repeat(1.0),
}
INTEGERS = {"int 3": lambda world: 3, "bool True": lambda world: True}
NUMBERS = INTEGERS | {
    "float 2.5": lambda world: 2.5,
    "Fraction": lambda world: Fraction(1, 2),
    "Decimal": lambda world: Decimal("0.5"),
    "float32": lambda world: np.float32(0.5),
    f"float64 {np.float64(0.5)!r}": lambda world: np.float64(0.5),
}
VALUE = {"a Value": lambda world: world.y}
PYTHONS_OWN = {  # which Python's own messages call by their plain names, too
    name: make
    for name, make in (NEITHER | NUMBERS | VALUE).items()
    if not name.startswith(("str_", "complex64", "Decimal", "float32", "float64", "the class"))
}
Things = dict[str, Callable[[World], Any]]


def refused(things: Things, where: str, expected: str, hint: str = "") -> Iterator[Wrong]:
    for name, make in things.items():
        yield Wrong(name, make, TypeError, f"{where} must be {expected}, got {name}{hint}")


# ---- Kinds of parameters ----


def real(where: str) -> Iterator[Wrong]:
    yield from refused(NEITHER | SEQUENCES | ARRAYS | ENDLESS, where, "a real number")
    yield from refused(VALUE, where, "a real number", "; use its .data, or .detach() for a leaf")
    yield from inconvertible(where)


def inconvertible(where: str) -> Iterator[Wrong]:
    """Numbers by their class, but of no use."""
    too_large = f"{where} is too large for a float"
    yield Wrong("10**400", lambda world: 10**400, OverflowError, too_large)
    yield Wrong("Raises", lambda world: Raises(), LookupError, "no number today")
    junk = "Junk.__float__ returned non-float (type str)"
    yield Wrong("Junk", lambda world: Junk(), TypeError, junk)


def item(where: str) -> Iterator[Wrong]:
    """What stands in a row."""
    things = NEITHER | SEQUENCES | ARRAYS | ENDLESS
    yield from refused(things, where, "a Value or a real number")
    yield from inconvertible(where)


def operand(where: str) -> Iterator[Wrong]:
    """Of maximum, beside a number. A row would be welcome."""
    return (wrong for wrong in item(where) if wrong.name != "Vector")


def operand_of_row(where: str) -> Iterator[Wrong]:
    """Of maximum, beside a row of three."""
    things = NEITHER | SEQUENCES | TABLE | ENDLESS
    for welcome in ("list", "tuple", "Vector"):
        del things[welcome]
    yield from refused(things, where, "a Value, a row or a real number")
    yield from after(lambda world: 1.0, item(f"{where}[1]"))
    yield from inconvertible(where)
    yield from of_another_length(where.partition(":")[0])


ADVICE = ", but this goes number by number; to join rows, write [*a, *b] or nn.concatenate([a, b])"


def of_another_length(operation: str, first: bool = True) -> Iterator[Wrong]:
    """Beside a row of three."""
    for name, make in {
        "two": lambda world: [1.0, 2.0],
        "none": lambda world: [],
        "four": lambda world: world.sg.nn.vector([1.0] * 4),
        "an array": lambda world: np.ones(2),
    }.items():
        n = {"two": 2, "none": 0, "four": 4, "an array": 2}[name]
        sizes = f"{operation}: the rows have 3 and {n} numbers"
        message = f"{sizes}{ADVICE if operation == '+' else '; they must be equally long'}"
        yield Wrong(name, make, ValueError, message)


def setting(where: str) -> Iterator[Wrong]:
    yield from real(where)
    for number in (-1.0, float("nan"), float("inf"), float("-inf"), -5e-324):
        message = f"{where} must be a number from 0 up, got {number!r}"
        yield Wrong(repr(number), lambda world, x=number: x, ValueError, message)


def norm(where: str) -> Iterator[Wrong]:
    """inf only measures."""
    return (wrong for wrong in setting(where) if wrong.name != "inf")


def positive(where: str) -> Iterator[Wrong]:
    for wrong in setting(where):
        yield wrong._replace(message=wrong.message.replace("from 0 up", "above 0"))
    message = f"{where} must be a number above 0, got 0.0"
    yield Wrong("0", lambda world: 0, ValueError, message)


def epsilon(where: str) -> Iterator[Wrong]:
    yield from real(where)
    for number in (-1e-5, float("nan"), float("-inf")):
        message = f"{where} must be at least 0, got {number!r}"
        yield Wrong(repr(number), lambda world, x=number: x, ValueError, message)


def pair(where: str) -> Iterator[Wrong]:
    wrong = (0.9, (0.9,), [0.1, 0.2, 0.3], "12", None, {0.9: 0.99}, 1j)
    for thing in wrong:
        message = f"{where} must be a pair of numbers, got {thing!r}"
        yield Wrong(repr(thing), lambda world, x=thing: x, TypeError, message)
    for i in (0, 1):
        for bad in real(f"{where}[{i}]"):
            make = bad.make
            yield bad._replace(
                name=f"[{i}] {bad.name}",
                make=lambda world, i=i, make=make: [*[0.5] * i, make(world), *[0.5] * (1 - i)],
            )
        for number in (-0.1, 1.0, float("nan")):
            message = f"{where}[{i}] must be a number from 0 up and below 1, got {number!r}"
            both = (*[0.5] * i, number, *[0.5] * (1 - i))
            yield Wrong(f"[{i}] {number}", lambda world, b=both: b, ValueError, message)


def no_sequence(where: str, expected: str = "a sequence") -> Iterator[Wrong]:
    things = NEITHER | NUMBERS | SCALAR_ARRAY | VALUE
    for wrong in refused(things, where, expected):
        hint = {"dict": "; pass its .values()", "set": ", which has no order"}.get(wrong.name, "")
        yield wrong._replace(message=wrong.message + hint)
    yield from refused(ENDLESS, where, expected, ", which has no end")
    length = f"{where} has 1,000,000,000 items, more than 100,000,000"
    yield Wrong("range(10**9)", lambda world: range(10**9), ValueError, length)
    repeat = lambda world: itertools.repeat(1.0, 10**9)  # noqa: E731
    yield Wrong("repeat(10**9)", repeat, ValueError, length)


def after(before: Callable[[World], Any], wrong: Iterator[Wrong]) -> Iterator[Wrong]:
    """Each of them as the second item of a list."""
    for bad in wrong:
        make = bad.make
        yield bad._replace(
            name=f"[{bad.name}]", make=lambda world, make=make: [before(world), make(world)]
        )


def row(where: str) -> Iterator[Wrong]:
    yield from no_sequence(where)
    yield from after(lambda world: 1.0, item(f"{where}[1]"))
    yield from after(lambda world: world.x, item(f"{where}[1]"))
    (table,) = TABLE.values()
    yield from refused({"ndarray of shape (2,)": table}, f"{where}[0]", "a Value or a real number")


def numbers(where: str) -> Iterator[Wrong]:
    yield from no_sequence(where)
    yield from after(lambda world: 1.0, real(f"{where}[1]"))
    yield Wrong(
        "[]", lambda world: [], ValueError, f"{where} is empty; a row needs at least one number"
    )


def matrix(where: str) -> Iterator[Wrong]:
    yield from no_sequence(where)
    yield from after(lambda world: world.row, no_sequence(f"{where}[1]"))
    yield from after(lambda world: world.row, after(lambda world: 1.0, item(f"{where}[1][1]")))


def weights(where: str) -> Iterator[Wrong]:
    """For two rows."""
    yield from row(where)
    for n in (0, 1, 3):
        message = (
            f"weighted_sum: weights has {n} number{'s' * (n != 1)} and rows has 2 rows; "
            "it needs one weight per row, and at least one"
        )
        yield Wrong(f"{n} numbers", lambda world, n=n: [1.0] * n, ValueError, message)


def rows_to_weigh(where: str) -> Iterator[Wrong]:
    """For two weights."""
    yield from matrix(where)
    for n in (0, 1, 3):
        message = (
            f"weighted_sum: weights has 2 numbers and rows has {n} row{'s' * (n != 1)}; "
            "it needs one weight per row, and at least one"
        )
        yield Wrong(f"{n} rows", lambda world, n=n: [[1.0]] * n, ValueError, message)
    message = (
        "weighted_sum: rows[0] has 3 numbers but rows[1] has 1 number; "
        "all rows must be equally long"
    )
    yield Wrong("uneven", lambda world: [world.row, [1.0]], ValueError, message)


def rows_to_join(where: str) -> Iterator[Wrong]:
    yield from matrix(where)
    message = "concatenate: rows is empty; it needs at least one row"
    yield Wrong("[]", lambda world: [], ValueError, message)


def bias(where: str) -> Iterator[Wrong]:
    return (wrong for wrong in row(where) if wrong.name != "None")  # which means none


ONE_EACH = "give one local derivative per parent"


def parents(where: str) -> Iterator[Wrong]:
    yield from no_sequence(where)
    yield from after(lambda world: world.x, value(f"{where}[1]"))
    message = f"{where} has length 2 but local_grads has length 1; {ONE_EACH}"
    yield Wrong("two", lambda world: [world.x, world.y], ValueError, message)


def local_grads(where: str) -> Iterator[Wrong]:
    yield from no_sequence(where)
    for wrong in after(lambda world: 1.0, real(f"{where}[1]")):
        if wrong.name != "[a Value]":  # which can be differentiated again
            yield wrong
    message = f"Value: parents has length 1 but local_grads has length 2; {ONE_EACH}"
    yield Wrong("two", lambda world: [1.0, 2.0], ValueError, message)


def value(where: str) -> Iterator[Wrong]:
    yield from refused(NEITHER | NUMBERS | SEQUENCES | ARRAYS, where, "a Value")


def graph(where: str) -> Iterator[Wrong]:
    for wrong in value(where):
        sequence = wrong.name in ("list", "tuple", "range", "Vector") or "str" in wrong.name
        sequence = sequence or wrong.name.startswith("byte")
        hint = "; pass one of its elements" if sequence else ""
        yield wrong._replace(message=wrong.message + hint)


def graph_of_a_row_too(where: str) -> Iterator[Wrong]:
    for wrong in graph(where):
        if wrong.name != "Vector":
            message = wrong.message.replace("a Value,", "a Value or a row,")
            yield wrong._replace(message=message)


def file_name(where: str) -> Iterator[Wrong]:
    things = NEITHER | NUMBERS | SEQUENCES | VALUE
    things = {name: make for name, make in things.items() if "str" not in name}
    yield from refused(things, where, "a file name")
    endings = "must end in .svg, .dot or .mmd, or in .png or .pdf if Graphviz is installed"
    for name in ("", "graph", "graph.jpg"):
        message = f"{where} {endings}, got {name!r}"
        yield Wrong(repr(name), lambda world, name=name: name, ValueError, message)


def outputs(where: str) -> Iterator[Wrong]:
    for wrong in no_sequence(where):
        if wrong.name in NUMBERS:
            message = wrong.message.replace("a sequence", "a Value or a row, or a sequence of them")
            yield wrong._replace(message=message + of_a_float(wrong.name))
        elif wrong.name != "a Value":
            yield wrong
    things = NEITHER | NUMBERS | SEQUENCES | ARRAYS
    things = {name: make for name, make in things.items() if name != "Vector"}
    for wrong in refused(things, f"{where}[1]", "a Value or a row"):
        wrong = wrong._replace(message=wrong.message + of_a_float(wrong.name))
        yield from after(lambda world: world.x, iter([wrong]))


def of_a_float(name: str) -> str:
    """Most often it is what `grad` gave before."""
    graph = "; a derivative has a graph only with create_graph=True"
    return graph if name.startswith(("float ", "float64 ")) else ""


def upstreams(where: str) -> Iterator[Wrong]:
    """For a Value and a row of three."""
    yield from (wrong for wrong in no_sequence(where) if wrong.name != "None")
    for wrong in real(f"{where}[0]"):
        make = wrong.make
        yield wrong._replace(
            name=f"[0] {wrong.name}", make=lambda world, make=make: [make(world), [1.0] * 3]
        )
    yield from after(lambda world: 1.0, no_sequence(f"{where}[1]"))
    yield from after(lambda world: 1.0, after(lambda world: 1.0, real(f"{where}[1][1]")))
    for n, given in ((0, []), (1, [1.0]), (3, [1.0, [1.0] * 3, 1.0])):
        message = f"grad: outputs has 2 items but grad_outputs has {n}; give one for each output"
        yield Wrong(f"{n} items", lambda world, given=given: given, ValueError, message)
    for n, kind in ((0, "numbers"), (1, "number"), (4, "numbers")):
        message = f"{where}[1] has {n} {kind} for a row of 3; give one for each"
        make_one = lambda world, n=n: [1.0, [1.0] * n]  # noqa: E731
        yield Wrong(f"{n} for the row", make_one, ValueError, message)


def inputs(where: str) -> Iterator[Wrong]:
    yield from _inputs(where)
    yield from after(lambda world: world.x, _inputs(f"{where}[1]"))
    yield from after(
        lambda world: world.row, after(lambda world: world.x, _inputs(f"{where}[1][1]"))
    )


def _inputs(where: str) -> Iterator[Wrong]:
    expected = "a Value or a row, or a sequence of them"
    for wrong in refused(NEITHER | NUMBERS, where, expected):
        hint = {"dict": "; pass its .values()", "set": ", which has no order"}.get(wrong.name, "")
        yield wrong._replace(message=wrong.message + hint)
    yield from refused(ENDLESS, where, expected, ", which has no end")
    yield from refused(SCALAR_ARRAY, where, "a sequence")
    message = f"{where}[0] must be {expected}, got float 1.0"
    yield Wrong("numbers", SEQUENCES["list"], TypeError, message)


def parameters(where: str) -> Iterator[Wrong]:
    expected = "a Value or a sequence of them"
    things = NEITHER | NUMBERS
    for name, hint in (("dict", "; pass its .values()"), ("set", ", which has no order")):
        yield from refused({name: things[name]}, where, expected, hint)
        things = {other: make for other, make in things.items() if other != name}
    yield from refused(things, where, expected)
    yield from refused(SCALAR_ARRAY, where, "a sequence")
    yield from refused(ENDLESS, where, expected, ", which has no end")
    yield from after(lambda world: world.x, refused(things, f"{where}[1]", expected))
    deep = after(lambda world: world.x, refused(things, f"{where}[1][1]", expected))
    yield from after(lambda world: world.row, deep)
    function = where.partition(":")[0]
    advice = "only leaves can be parameters, so pass what it was computed from, or its detach()"
    for name, make, place, op in (
        ("computed", lambda world: [world.loss], "[0]", "dot"),
        (
            "computed row",
            lambda world: [world.x, world.sg.nn.softmax(world.row)],
            "[1][0]",
            "softmax",
        ),
        ("one computed", lambda world: world.sg.Vector([world.x, world.x * 2.0]), "[1]", "*"),
    ):
        message = f"{where}{place} was computed (op {op!r}); {advice}"
        yield Wrong(name, make, ValueError, message)
    empty = f"{function}: params is empty; pass the Values to be changed"
    yield Wrong("[]", lambda world: [], ValueError, empty)
    yield Wrong("[[], ()]", lambda world: [[], ()], ValueError, empty)
    yield Wrong("itself", contains_itself, ValueError, f"{where}[1][0] contains itself")


def contains_itself(world: World) -> list[Any]:
    endless: list[Any] = []
    endless.append(endless)
    return [world.x, endless]


NOT_INTEGERS = {
    name: make
    for name, make in (NEITHER | SEQUENCES | NUMBERS | VALUE | ENDLESS).items()
    if name not in INTEGERS
}


def target(where: str) -> Iterator[Wrong]:
    """An index into three logits, or three probabilities."""
    things = {n: m for n, m in NOT_INTEGERS.items() if n not in ("list", "tuple", "Vector")}
    yield from refused(things, where, "an int or a row")
    yield from after(lambda world: 1.0, item(f"{where}[1]"))
    for n, make in {
        0: lambda world: [],
        1: lambda world: (1.0,),
        2: lambda world: np.ones(2),
        4: lambda world: world.sg.nn.vector([1.0] * 4),
    }.items():
        message = (
            f"cross_entropy: logits has 3 numbers but target has {n}; "
            "it must be an index, or have one probability for each"
        )
        yield Wrong(f"{n} probabilities", make, ValueError, message)
    for index in (3, -1, -3, 10**9, 10**30, -(10**30)):
        message = f"{where} is {index}, but logits has 3 numbers; it must be from 0 to 2"
        yield Wrong(str(index), lambda world, i=index: i, IndexError, message)


def size(where: str) -> Iterator[Wrong]:
    yield from refused(NOT_INTEGERS, where, "an int")
    for number in (0, -1, -(10**30)):
        message = f"{where} must be at least 1, got {number}"
        yield Wrong(str(number), lambda world, n=number: n, ValueError, message)
    for number in (10**9, 10**30):
        sizes = f"{number:,} * 2" if where.endswith("nout") else f"2 * {number:,}"
        message = f"matrix: nout * nin is {sizes}; more than 100,000,000 parameters are too many"
        yield Wrong(f"{number:.0e}", lambda world, n=number: n, ValueError, message)


def generator(where: str) -> Iterator[Wrong]:
    things = NEITHER | NUMBERS | SEQUENCES | VALUE
    things |= {"the class Random": lambda world: random.Random}
    for wrong in refused(things, where, "?"):
        message = wrong.message.replace("be ?", "have a method gauss, as random.Random() has")
        yield wrong._replace(message=message)


def limit(where: str) -> Iterator[Wrong]:
    return real(where)


def flag(where: str) -> Iterator[Wrong]:
    yield from refused(NEITHER | SEQUENCES | VALUE, where, "True or False")


def function(where: str) -> Iterator[Wrong]:
    callable_ = ("builtin_function_or_method", "the class float", "the class Value")
    things = {name: make for name, make in NEITHER.items() if name not in callable_}
    yield from refused(things | NUMBERS | SEQUENCES | VALUE, where, "a function")


def decorated(where: str) -> Iterator[Wrong]:
    for wrong in function(where):
        got = wrong.message.rpartition(", got ")[2]
        yield wrong._replace(message=f"no_grad: can only decorate a function, got {got}")
    message = "no_grad: can only decorate a function, got the class float"
    yield Wrong("the class float", lambda world: float, TypeError, message)


def text(where: str) -> Iterator[Wrong]:
    things = {name: make for name, make in NEITHER.items() if not name.startswith("str")}
    yield from refused(things | NUMBERS | SEQUENCES | ARRAYS | VALUE, where, "a str")


def index(where: str) -> Iterator[Wrong]:
    things = dict(NOT_INTEGERS.items())
    yield from refused(things, where, "an int or a slice")
    for number in (3, -4, 10**9, 10**30, -(10**30)):
        message = f"{where} {number} is out of range for 3"
        yield Wrong(f"{number}", lambda world, i=number: i, IndexError, message)
    message = "slice indices must be integers or None or have an __index__ method"
    yield Wrong("slice", lambda world: slice("a", None), TypeError, message)
    yield Wrong("step", lambda world: slice(None, None, 0), ValueError, "slice step cannot be zero")


def missing(where: str) -> Iterator[Wrong]:
    """What is not in the row: Values are found by identity, and anything else by number."""
    for name, make in (NEITHER | NUMBERS | SEQUENCES | VALUE).items():
        if name != "int 3":  # which is
            yield Wrong(name, make, ValueError, f"{where}: {name} is not in the row")


def bound(where: str) -> Iterator[Wrong]:
    message = "slice indices must be integers or have an __index__ method"
    for name, make in NOT_INTEGERS.items():
        yield Wrong(name, make, TypeError, message)


def format_spec(where: str) -> Iterator[Wrong]:
    for name, make in PYTHONS_OWN.items():
        if not name.startswith("str"):
            kind = "None" if name == "None" else type_in(name)
            message = f"format() argument 2 must be str, not {kind}"
            yield Wrong(name, make, TypeError, message)


def type_in(name: str) -> str:
    kind = name.removeprefix("a ").partition(" ")[0]
    return "NoneType" if kind == "None" else kind


def right_of_row(symbol: str) -> Kind:
    """The second operand of `Vector + other`. What is no operand at all, Python itself refuses."""

    def right(where: str) -> Iterator[Wrong]:
        yield from after(lambda world: world.x, item(f"Vector {symbol} other: other[1]"))
        yield from inconvertible(f"Vector {symbol} number: the number")
        yield from of_another_length(symbol)
        for name, make in PYTHONS_OWN.items():
            if name in NEITHER:
                yield Wrong(name, make, TypeError, no_operator(symbol, "Vector", type_in(name)))
        for name in ("range", "generator", "list_iterator"):
            message = no_operator(symbol, "Vector", name)
            yield Wrong(name, SEQUENCES[name], TypeError, message)

    return right


def left_of_row(symbol: str) -> Kind:
    """The first operand of `other + Vector`: numbers and Values alone."""

    def left(where: str) -> Iterator[Wrong]:
        yield from inconvertible(f"number {symbol} Vector: the number")
        things = {n: m for n, m in NEITHER.items() if n in PYTHONS_OWN} | SEQUENCES
        for name, make in things.items():
            if name == "Vector":
                continue
            message = no_operator(symbol, type_in(name), "Vector")
            if symbol == "+" and name.partition(" ")[0] in ("str", "bytes", "list", "tuple"):
                message = CONCATENATE[name.partition(" ")[0]]
            elif symbol == "+" and name == "bytearray":
                message = "can't concat Vector to bytearray"
            yield Wrong(name, make, TypeError, message)

    return left


CONCATENATE = {
    "str": 'can only concatenate str (not "Vector") to str',
    "bytes": "can't concat Vector to bytes",
    "list": 'can only concatenate list (not "Vector") to list',
    "tuple": 'can only concatenate tuple (not "Vector") to tuple',
}
REPEATED = ("str", "bytes", "bytearray", "list", "tuple")


def no_operator(symbol: str, left: str, right: str) -> str:
    """In Python's words."""
    if symbol == "*" and (left in REPEATED or right in REPEATED):
        return "can't multiply sequence by non-int of type 'Vector'"
    symbol = "** or pow()" if symbol == "**" else symbol
    return f"unsupported operand type(s) for {symbol}: {left!r} and {right!r}"


def state_of(name: str) -> Kind:
    """States that do not fit: each entry of a good one in turn missing, misnamed or spoilt."""

    def state(where: str) -> Iterator[Wrong]:
        good = {
            "SGD": {
                "lr": 0.1,
                "momentum": 0.5,
                "weight_decay": 0.0,
                "nesterov": False,
                "velocity": [1.0, 2.0, 3.0, 4.0],
            },
            "Adam": {
                "lr": 0.1,
                "betas": (0.9, 0.99),
                "eps": 1e-8,
                "weight_decay": 0.0,
                "steps": 1,
                "m": [1.0, 2.0, 3.0, 4.0],
                "v": [1.0, 2.0, 3.0, 4.0],
            },
        }[name]
        expected = f"{name}.load_state_dict: expected the keys {sorted(good)}, got "

        def wrong(what: str, bad: Any, message: str, error: type[Exception] = ValueError) -> Wrong:
            return Wrong(what, bad if callable(bad) else lambda world: bad, error, message)

        for thing, make in (NEITHER | NUMBERS | SEQUENCES | ARRAYS | VALUE).items():
            if thing != "dict":
                yield wrong(thing, make, expected + thing)
        for key in good:
            rest = {other: x for other, x in good.items() if other != key}
            yield wrong(f"no {key}", rest, expected + str(sorted(rest)))
            other = {**rest, "extra": good[key]}
            yield wrong(f"extra for {key}", other, expected + str(sorted(other)))
        kinds = {"lr": setting, "momentum": setting, "eps": setting, "weight_decay": setting}
        kinds["nesterov"] = flag
        for key, kind in (kinds | {"betas": pair}).items():
            for bad in kind(f"{name}: {key}") if key in good else ():
                make_state = lambda world, k=key, m=bad.make: {**good, k: m(world)}  # noqa: E731
                yield bad._replace(name=f"{key} {bad.name}", make=make_state)
        for steps in (-1, 1.5, "1", None, 10**400) if name == "Adam" else ():
            message = f"Adam: steps must be an int from 0 up, got {steps!r:.60}"
            yield wrong(f"steps {str(steps)[:9]}", {**good, "steps": steps}, message)
        for key in ("velocity", "m", "v"):
            if key not in good:
                continue
            for got, buffer in (
                ("3", [1.0] * 3),
                ("5", (1.0,) * 5),
                ("float 1.0", 1.0),
                ("None", None),
            ):
                message = f"{key!r} must have 4 numbers, one per parameter, got {got}"
                message = f"{name}.load_state_dict: {message}"
                yield wrong(f"{key} {got}", {**good, key: buffer}, message)
            for bad in real(f"{name}.load_state_dict: {key}[2]"):
                make_state = lambda world, k=key, m=bad.make: {  # noqa: E731
                    **good,
                    k: [1.0, 2.0, m(world), 4.0],
                }
                yield bad._replace(name=f"{key} {bad.name}", make=make_state)
        if name == "Adam":
            message = "Adam.load_state_dict: v must not be negative, got -0.5"
            yield wrong("v negative", {**good, "v": [1.0, 1.0, -0.5, 1.0]}, message)

    return state


def check_inputs(where: str) -> Iterator[Wrong]:
    """What gradcheck takes: numbers and Values, also in sequences and dicts."""
    yield from no_sequence(where)
    yield from after(lambda world: 1.0, check_input(f"{where}[1]"))
    yield from after(lambda world: 1.0, after(lambda world: 1.0, check_input(f"{where}[1][1]")))


def check_input(where: str) -> Iterator[Wrong]:
    taken = VALUE | SEQUENCES | ARRAYS | {"dict": lambda world: {}}
    refused_too = ("list_iterator", "generator", "ndarray of shape ()")
    for wrong in real(where):
        if wrong.name not in taken or wrong.name in refused_too:
            yield wrong


# ---- Everything public ----

Call = tuple[Callable[[World], Callable[..., Any]], dict[str, Parameter]]


def anything(where: str) -> Iterator[Wrong]:
    return iter(())


def number(world: World) -> Any:
    return 0.5


def three(world: World) -> Any:
    return world.row


PICTURE = {
    "v": Parameter(lambda world: world.loss, graph_of_a_row_too),
    "fused": Parameter(lambda world: True, flag),
    "local_grads": Parameter(lambda world: True, flag),
    "max_nodes": Parameter(lambda world: 100, limit),
}
SCRATCH = tempfile.TemporaryDirectory()  # until the interpreter ends
A_FILE = os.path.join(SCRATCH.name, "graph.svg")


def picture(name: str) -> Any:
    return lambda world: getattr(world.sg.graph, name), PICTURE


PARAMETERS_OF_ADAM = {
    "params": Parameter(three, parameters),
    "lr": Parameter(number, setting),
    "betas": Parameter(lambda world: (0.9, 0.99), pair),
    "eps": Parameter(number, setting),
    "weight_decay": Parameter(number, setting),
}

CALLS: dict[str, Call] = {
    "Value": (
        lambda world: world.sg.Value,
        {
            "data": Parameter(number, real),
            "parents": Parameter(lambda world: [world.x], parents),
            "local_grads": Parameter(lambda world: [1.0], local_grads),
            "op": Parameter(lambda world: "mine", text),
            "label": Parameter(lambda world: "it", text),
        },
    ),
    "Value.backward": (
        lambda world: world.loss.backward,
        {"grad": Parameter(number, real, "backward: grad")},
    ),
    "Value.__format__": (
        lambda world: lambda format_spec: world.row[0].__format__(format_spec),
        {"format_spec": Parameter(lambda world: ".3f", format_spec)},
    ),
    "Vector": (lambda world: world.sg.Vector, {"values": Parameter(three, row)}),
    "Vector.index": (
        lambda world: world.row.index,
        {
            "value": Parameter(lambda world: world.row[1], missing, "Vector.index"),
            "start": Parameter(lambda world: 0, bound),
            "stop": Parameter(lambda world: 3, bound),
        },
    ),
    "Vector.count": (
        lambda world: world.row.count,
        {"value": Parameter(lambda world: world.row[1], anything)},
    ),
    "Vector.__getitem__": (
        lambda world: lambda index: world.row[index],
        {"index": Parameter(lambda world: 0, index, "Vector: index")},
    ),
    "maximum": (
        lambda world: world.sg.maximum,
        {"a": Parameter(number, operand), "b": Parameter(lambda world: world.x, operand)},
    ),
    "minimum": (
        lambda world: world.sg.minimum,
        {"a": Parameter(lambda world: world.x, operand), "b": Parameter(number, operand)},
    ),
    "atan2": (
        lambda world: world.sg.atan2,
        {"y": Parameter(number, operand), "x": Parameter(lambda world: world.x, operand)},
    ),
    "grad": (
        lambda world: world.sg.grad,
        {
            "outputs": Parameter(lambda world: [world.loss, world.row], outputs),
            "inputs": Parameter(three, inputs),
            "grad_outputs": Parameter(lambda world: [1.0, world.row.data], upstreams),
            "create_graph": Parameter(lambda world: False, flag),
        },
    ),
    "gradcheck": (
        lambda world: world.sg.gradcheck,
        {
            "f": Parameter(lambda world: lambda a, b: a * b, function),
            "inputs": Parameter(lambda world: [world.x, 2.0], check_inputs),
            "eps": Parameter(lambda world: 1e-6, positive),
            "atol": Parameter(lambda world: 1e-5, setting),
            "rtol": Parameter(lambda world: 1e-3, setting),
            "raise_exception": Parameter(lambda world: True, flag),
        },
    ),
    "no_grad": (
        lambda world: world.sg.no_grad,
        {"function": Parameter(lambda world: lambda: None, decorated)},
    ),
    "no_grad.__call__": (
        lambda world: lambda function: world.sg.no_grad()(function),
        {"function": Parameter(lambda world: lambda: None, decorated)},
    ),
    "nn.vector": (
        lambda world: world.sg.nn.vector,
        {"numbers": Parameter(lambda w: [1, 2], numbers)},
    ),
    "nn.matrix": (
        lambda world: world.sg.nn.matrix,
        {
            "nout": Parameter(lambda world: 2, size),
            "nin": Parameter(lambda world: 2, size),
            "std": Parameter(number, setting),
            "rng": Parameter(lambda world: world.rng, generator),
        },
    ),
    "nn.dot": (
        lambda world: world.sg.nn.dot,
        {"a": Parameter(three, row), "b": Parameter(three, row)},
    ),
    "nn.linear": (
        lambda world: world.sg.nn.linear,
        {
            "x": Parameter(three, row),
            "w": Parameter(lambda world: world.w, matrix),
            "b": Parameter(lambda world: [1.0, 2.0], bias),
        },
    ),
    "nn.weighted_sum": (
        lambda world: world.sg.nn.weighted_sum,
        {
            "weights": Parameter(lambda world: [1.0, world.x], weights),
            "rows": Parameter(lambda world: world.w, rows_to_weigh),
        },
    ),
    "nn.concatenate": (
        lambda world: world.sg.nn.concatenate,
        {"rows": Parameter(lambda world: world.w, rows_to_join)},
    ),
    "nn.softmax": (lambda world: world.sg.nn.softmax, {"x": Parameter(three, row)}),
    "nn.rmsnorm": (
        lambda world: world.sg.nn.rmsnorm,
        {"x": Parameter(three, row), "eps": Parameter(number, epsilon)},
    ),
    "nn.logsumexp": (lambda world: world.sg.nn.logsumexp, {"x": Parameter(three, row)}),
    "nn.cross_entropy": (
        lambda world: world.sg.nn.cross_entropy,
        {
            "logits": Parameter(three, row),
            "target": Parameter(lambda world: 1, target),
        },
    ),
    "optim.SGD": (
        lambda world: world.sg.optim.SGD,
        {
            "params": Parameter(three, parameters),
            "lr": Parameter(number, setting),
            "momentum": Parameter(number, setting),
            "weight_decay": Parameter(number, setting),
            "nesterov": Parameter(lambda world: True, flag),
        },
    ),
    "optim.Adam": (lambda world: world.sg.optim.Adam, PARAMETERS_OF_ADAM),
    "optim.AdamW": (lambda world: world.sg.optim.AdamW, PARAMETERS_OF_ADAM),
    "optim.clip_grad_norm": (
        lambda world: world.sg.optim.clip_grad_norm,
        {"params": Parameter(three, parameters), "max_norm": Parameter(number, norm)},
    ),
    "SGD.load_state_dict": (
        lambda world: world.sgd.load_state_dict,
        {"state": Parameter(lambda world: world.sgd.state_dict(), state_of("SGD"))},
    ),
    "Adam.load_state_dict": (
        lambda world: world.adam.load_state_dict,
        {"state": Parameter(lambda world: world.adam.state_dict(), state_of("Adam"))},
    ),
    **{f"graph.to_{language}": picture(f"to_{language}") for language in ("dot", "mermaid", "svg")},
    "graph.save": (
        picture("save")[0],
        {"v": PICTURE["v"], "path": Parameter(lambda world: A_FILE, file_name)} | PICTURE,
    ),
    "graph.explain": (
        lambda world: world.sg.graph.explain,
        {
            "v": Parameter(lambda world: world.loss, graph),
            "max_edges": Parameter(lambda world: 100, limit),
        },
    ),
    "graph.first_nonfinite": (
        lambda world: world.sg.graph.first_nonfinite,
        {"v": Parameter(lambda world: world.loss, graph)},
    ),
    "graph.ledger": (
        lambda world: world.sg.graph.ledger,
        {
            "v": Parameter(lambda world: world.loss, graph),
            "max_edges": Parameter(lambda world: 100, limit),
        },
    ),
}

# Operators of rows, and functions that take rows too. The call names the symbol.
SYMBOLS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
}
CALLS_OF_ROWS: dict[str, Call] = {}
for _symbol, _function in SYMBOLS.items():
    CALLS_OF_ROWS[f"Vector {_symbol} other"] = (
        lambda world, f=_function: lambda other: f(world.row, other),
        {"other": Parameter(three, right_of_row(_symbol))},
    )
    CALLS_OF_ROWS[f"other {_symbol} Vector"] = (
        lambda world, f=_function: lambda other: f(other, world.row),
        {"other": Parameter(three, left_of_row(_symbol))},
    )
for _name in ("maximum", "minimum"):
    CALLS_OF_ROWS[f"{_name} beside a row"] = (
        lambda world, name=_name: lambda b: getattr(world.sg, name)(world.row, b),
        {"b": Parameter(three, operand_of_row, f"{_name}: b")},
    )
CALLS_OF_ROWS["atan2 beside a row"] = (
    lambda world: lambda x: world.sg.atan2(world.row, x),
    {"x": Parameter(three, operand_of_row, "atan2: x")},
)


def all_numbers(attribute: str) -> Kind:
    """The numbers of a row of three."""

    def all_of_them(where: str) -> Iterator[Wrong]:
        yield from no_sequence(f"Vector: {attribute}")
        yield from after(lambda world: 1.0, real(f"{where}[1]"))
        yield from refused(
            {"a Value": lambda world: world.row},
            f"{where}[0]",
            "a real number",
            "; use its .data, or .detach() for a leaf",
        )
        for n in (0, 2, 4):
            message = f"{where}: the row has 3 numbers but {n} were given"
            yield Wrong(f"{n} numbers", lambda world, n=n: (1.0,) * n, ValueError, message)

    return all_of_them


# What can be assigned to, and what it takes.
ATTRIBUTES: dict[str, tuple[Callable[[World], Any], Kind]] = {
    "Value.data": (lambda world: world.x, real),
    "Value.grad": (lambda world: world.row[1], real),
    "Value.label": (lambda world: world.x, text),
    "Vector.data": (lambda world: world.row, all_numbers("data")),
    "Vector.grad": (lambda world: world.sg.Vector([world.x, world.y, 1.0]), all_numbers("grad")),
    "Vector.label": (lambda world: world.row[1:], text),
    "SGD: lr": (lambda world: world.sgd, setting),
    "SGD: momentum": (lambda world: world.sgd, setting),
    "SGD: weight_decay": (lambda world: world.sgd, setting),
    "SGD: nesterov": (lambda world: world.sgd, flag),
    "Adam: lr": (lambda world: world.adam, setting),
    "Adam: betas": (lambda world: world.adam, pair),
    "Adam: eps": (lambda world: world.adam, setting),
    "Adam: weight_decay": (lambda world: world.adam, setting),
    "Adam: steps": (
        lambda world: world.adam,
        lambda where: (
            Wrong(
                repr(x),
                lambda world, x=x: x,
                ValueError,
                f"{where} must be an int from 0 up, got {x!r}",
            )
            for x in (-1, 1.5, "1", None)
        ),
    ),
}
READ_ONLY = {
    "Value": ("parents", "local_grads", "op"),
    "Vector": (),
    "SGD": ("params",),
    "Adam": ("params",),
}

# Methods that take nothing, and those of Python itself that only it calls.
FUNCTIONS = {
    *("exp", "log", "log1p", "log2", "log10", "expm1", "sqrt", "sin", "cos", "tan", "relu"),
    *(
        "asin",
        "acos",
        "atan",
        "sinh",
        "cosh",
        "tanh",
        "sigmoid",
        "softplus",
        "erf",
        "abs",
    ),
    *("conjugate", "__neg__", "__pos__", "__abs__", "__repr__", "__reduce__"),
}
WITHOUT_ARGUMENTS = {
    "Value": FUNCTIONS | {"detach", "__bool__", "__float__"},
    "Vector": FUNCTIONS | {"sum", "mean", "__len__", "__iter__", "__copy__"},
    "SGD": {"step", "zero_grad", "state_dict", "__copy__"},
    "Adam": {"step", "zero_grad", "state_dict", "__copy__"},
    "no_grad": {"__enter__"},
}
ARITHMETIC = {"add", "sub", "mul", "truediv", "pow", "radd", "rsub", "rmul", "rtruediv", "rpow"}
OPERATORS = {"Value": ARITHMETIC | {"lt", "le", "gt", "ge"}, "Vector": ARITHMETIC}
# What would lose the gradient, and says so whatever it is given.
LOSING = {
    *("__int__", "__trunc__", "__round__", "__floor__", "__ceil__", "as_integer_ratio"),
    *("__floordiv__", "__rfloordiv__", "__mod__", "__rmod__", "__divmod__", "__rdivmod__"),
}
