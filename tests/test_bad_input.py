"""Bad input: whatever is wrong with a call, the error names it, and nothing is changed.

What can be wrong, and the words of each refusal, stand in bad_input.py.
"""

import inspect
import itertools
import operator
import re
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from bad_input import (
    ATTRIBUTES,
    CALLS,
    CALLS_OF_ROWS,
    LOSING,
    NEITHER,
    NUMBERS,
    OPERATORS,
    PYTHONS_OWN,
    READ_ONLY,
    SYMBOLS,
    WITHOUT_ARGUMENTS,
    World,
    Wrong,
)
from effort import engines_in_turn

EVERY_CALL = CALLS | CALLS_OF_ROWS
CASES = [
    pytest.param(name, parameter, wrong, id=f"{name}-{parameter}-{wrong.name}")
    for name, (_, parameters) in EVERY_CALL.items()
    for parameter, (_, kind, where) in parameters.items()
    for wrong in kind(where or f"{name.rpartition('.')[2]}: {parameter}")
]
ASSIGNMENTS = [
    pytest.param(name, wrong, id=f"{name}-{wrong.name}")
    for name, (_, kind) in ATTRIBUTES.items()
    for wrong in kind(name)
]
every_call = pytest.mark.parametrize("name", EVERY_CALL)


@pytest.fixture
def world(sg) -> Iterator[World]:
    """Something of everything, which the test leaves as it was."""
    world = World(sg)
    before = world.seen()
    yield world
    assert world.seen() == before


def good_arguments(world: World, name: str) -> dict[str, Any]:
    _, parameters = EVERY_CALL[name]
    return {parameter: good(world) for parameter, (good, *_) in parameters.items()}


def signature(world: World, name: str) -> inspect.Signature:
    function, _ = EVERY_CALL[name]
    return inspect.signature(function(world))


def call(world: World, name: str, arguments: dict[str, Any]) -> object:
    """The function, with the arguments as its signature wants them."""
    function, _ = EVERY_CALL[name]
    kinds = signature(world, name).parameters
    positional = [
        x for key, x in arguments.items() if kinds[key].kind is not kinds[key].KEYWORD_ONLY
    ]
    keywords = {
        key: x for key, x in arguments.items() if kinds[key].kind is kinds[key].KEYWORD_ONLY
    }
    return function(world)(*positional, **keywords)


class TestArguments:
    @engines_in_turn
    @pytest.mark.parametrize(("name", "parameter", "wrong"), CASES)
    def test_a_wrong_one_is_refused_by_name(self, world, name, parameter, wrong: Wrong):
        arguments = good_arguments(world, name)
        arguments[parameter] = wrong.make(world)
        with pytest.raises(wrong.error) as raised:
            call(world, name, arguments)
        assert type(raised.value) is wrong.error
        assert str(raised.value.args[0]) == wrong.message

    @engines_in_turn
    @pytest.mark.parametrize(("name", "wrong"), ASSIGNMENTS)
    def test_a_wrong_value_of_an_attribute_is_refused_by_name(self, world, name, wrong: Wrong):
        owner, _ = ATTRIBUTES[name]
        with pytest.raises(wrong.error) as raised:
            setattr(owner(world), re.split(r": |\.", name)[1], wrong.make(world))
        assert type(raised.value) is wrong.error
        assert str(raised.value.args[0]) == wrong.message

    @every_call
    def test_the_good_ones_are_accepted(self, sg, name):
        """Or a refusal would say nothing about the one that is wrong."""
        world = World(sg)
        call(world, name, good_arguments(world, name))

    def test_there_are_many_cases(self):
        assert len(CASES) + len(ASSIGNMENTS) > 200


class TestNumberOfArguments:
    """Refused in Python's words, by a function of that signature."""

    @staticmethod
    def twin(world: World, name: str) -> Any:
        """A function in Python with the same name and signature; its `self` is bound."""
        kind, _, method = name.rpartition(".")
        is_class = inspect.isclass(CALLS[name][0](world))
        is_method = kind[:1].isupper() or is_class
        parameters = list(signature(world, name).parameters.values())
        parameters = [
            p.replace(annotation=p.empty, default=p.empty if p.default is p.empty else None)
            for p in parameters
        ]
        if is_method:
            kind_of_self = (
                parameters[0].kind if parameters else inspect.Parameter.POSITIONAL_OR_KEYWORD
            )
            kind_of_self = min(kind_of_self, inspect.Parameter.POSITIONAL_OR_KEYWORD)
            parameters.insert(0, inspect.Parameter("self", kind_of_self))
        namespace: dict[str, Any] = {}
        exec(f"def function{inspect.Signature(parameters)}: pass", namespace)
        function = namespace["function"]
        function.__qualname__ = f"{method}.__init__" if is_class else name if is_method else method
        return function.__get__(world) if is_method else function

    @staticmethod
    def refusal(function: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> str:
        with pytest.raises(TypeError) as raised:
            function(*arguments, **keywords)
        return re.sub(r"\. Did you mean.*", "", str(raised.value))

    def calls(self, world: World, name: str) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
        parameters = signature(world, name).parameters
        good = good_arguments(world, name)
        by_position = [p for p in good if parameters[p].kind is not inspect.Parameter.KEYWORD_ONLY]
        all_of_them = tuple(good[p] for p in by_position)
        required = [p for p in by_position if parameters[p].default is inspect.Parameter.empty]
        yield (*all_of_them, None), {}
        yield (*all_of_them, None, None), {p: x for p, x in good.items() if p not in by_position}
        yield all_of_them, {"no_such_argument": 1.0}
        for k in range(len(required)):
            yield all_of_them[:k], {}
        if parameters and parameters[by_position[0]].kind is not inspect.Parameter.POSITIONAL_ONLY:
            for p in by_position:
                yield all_of_them, {p: good[p]}
            for k in range(len(required)):
                yield (), {p: good[p] for p in required if p != required[k]}

    @pytest.mark.parametrize(
        "name", [name for name in CALLS if "__" not in name and name != "no_grad"]
    )
    def test_that_does_not_fit_is_refused_in_pythons_words(self, world, name):
        function, twin = CALLS[name][0](world), self.twin(world, name)
        if name in ("Vector.index", "Vector.count"):  # as those of list
            for arguments in ((), (1, 2, 3, 4)):
                assert name.partition(".")[2] in self.refusal(function, arguments, {})
            return
        for arguments, keywords in self.calls(world, name):
            expected = self.refusal(twin, arguments, keywords)
            refusal = self.refusal(function, arguments, keywords)
            assert refusal.replace("_Optimizer", name.partition(".")[0]) == expected

    @pytest.mark.parametrize(
        ("kind", "method"),
        [
            (kind, method)
            for kind in WITHOUT_ARGUMENTS
            for method in sorted(WITHOUT_ARGUMENTS[kind])
        ],
    )
    def test_methods_without_arguments_take_none(self, world, kind, method):
        owners = {"SGD": world.sgd, "Adam": world.adam, "no_grad": world.sg.no_grad()}
        owners |= {"Value": world.row[0], "Vector": world.row}
        for arguments, keywords in (((1.0,), {}), ((), {"x": 1.0})):
            with pytest.raises(
                TypeError, match=rf"{method}|wrapper|expected 0 arguments|pause_recording"
            ):
                getattr(owners[kind], method)(*arguments, **keywords)

    def test_no_grad_takes_a_function_or_none(self, world):
        for call in (lambda: world.sg.no_grad(len, len), lambda: world.sg.no_grad(mode=True)):
            with pytest.raises(TypeError, match=r"no_grad.* takes no arguments|argument 'mode'"):
                call()


BY_PYTHON = [name for name in PYTHONS_OWN if name in NEITHER]
ORDERS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class TestOperators:
    """Refused by Python itself, which calls an element of a row a Value, as everybody does."""

    @pytest.mark.parametrize("thing", BY_PYTHON)
    @pytest.mark.parametrize("symbol", SYMBOLS)
    def test_a_wrong_operand_is_refused(self, world, symbol, thing):
        other = NEITHER[thing](world)
        for x in (world.x, world.row[0]):
            with pytest.raises(TypeError) as raised:
                SYMBOLS[symbol](x, other)
            if symbol == "*" and isinstance(other, (str, bytes, bytearray)):
                assert str(raised.value) == "can't multiply sequence by non-int of type 'Value'"
            else:
                kind = type(other).__name__
                shown = "** or pow()" if symbol == "**" else symbol
                expected = f"unsupported operand type(s) for {shown}: 'Value' and '{kind}'"
                assert str(raised.value) == expected
            with pytest.raises(TypeError, match=r"'?Value'?"):
                SYMBOLS[symbol](other, x)

    @pytest.mark.parametrize("thing", BY_PYTHON)
    @pytest.mark.parametrize("symbol", ORDERS)
    def test_there_is_no_order_with_it(self, world, symbol, thing):
        other = NEITHER[thing](world)
        for x in (world.x, world.row[0]):
            with pytest.raises(
                TypeError, match=f"'{symbol}' not supported between instances of '"
            ) as a:
                ORDERS[symbol](x, other)
            assert str(a.value).endswith(f"of 'Value' and '{type(other).__name__}'")
            with pytest.raises(TypeError, match="not supported between instances of"):
                ORDERS[symbol](other, x)

    @pytest.mark.parametrize("symbol", SYMBOLS)
    def test_a_number_that_is_too_large_or_fails_is_named(self, world, symbol):
        with pytest.raises(OverflowError) as raised:
            SYMBOLS[symbol](world.row[0], 10**400)
        assert str(raised.value) == f"Value {symbol} number: the number is too large for a float"
        with pytest.raises(OverflowError) as raised:
            SYMBOLS[symbol](10**400, world.x)
        assert str(raised.value) == f"number {symbol} Value: the number is too large for a float"


class TestAttributes:
    @pytest.mark.parametrize(
        ("kind", "name"), [(kind, name) for kind in READ_ONLY for name in READ_ONLY[kind]]
    )
    def test_how_a_thing_came_about_cannot_be_written(self, world, kind, name):
        owners = {"SGD": [world.sgd], "Adam": [world.adam]}
        for x in owners.get(kind, [world.x, world.loss, world.row[0]]):
            with pytest.raises(AttributeError, match=f"{name}"):
                setattr(x, name, getattr(x, name))

    @pytest.mark.parametrize("name", ["learning_rate", "param_groups", "beta1", "data"])
    def test_a_misspelt_setting_of_an_optimiser_is_an_error(self, world, name):
        for optimizer in (world.sgd, world.adam):
            with pytest.raises(AttributeError, match=name):
                setattr(optimizer, name, 0.5)

    def test_a_misspelt_attribute_is_an_error(self, world):
        for x in (world.x, world.loss, world.row[0]):
            with pytest.raises(AttributeError, match="'Value' object has no attribute 'gradient'"):
                x.gradient = 0.0
        with pytest.raises(AttributeError, match="'Vector' object has no attribute 'numbers'"):
            world.row.numbers = [1.0]

    def test_a_written_setting_is_used_from_then_on(self, sg):
        x = sg.Value(1.0)
        optimizer = sg.optim.SGD([x], lr=1.0)
        x.grad, optimizer.momentum = 1.0, 1
        optimizer.step()
        optimizer.step()  # velocity 1, then 2
        assert (x.data, optimizer.momentum) == (-2.0, 1.0)


class TestNothingIsForgotten:
    """So that what is added to the library is tested here from its first day."""

    def test_every_public_function_is_here(self, sg):
        functions = set()
        for prefix, module in (
            ("", sg),
            ("nn.", sg.nn),
            ("optim.", sg.optim),
            ("graph.", sg.graph),
        ):
            things = [(name, getattr(module, name)) for name in module.__all__]
            functions |= {prefix + name for name, thing in things if callable(thing)}
        functions.remove("graph.Edge")  # a named tuple, which ledger makes
        assert functions == {name for name in CALLS if not name.partition(".")[0].istitle()} - {
            "no_grad.__call__",
            *(name for name in CALLS if name.startswith(("SGD.", "Adam."))),
        } | {"Value", "Vector"}

    @pytest.mark.parametrize("kind", ["Value", "Vector", "SGD", "Adam", "no_grad"])
    def test_every_method_and_attribute_is_here(self, sg, kind):
        owner = getattr(sg, kind, None) or getattr(sg.optim, kind)
        known = {name.partition(".")[2] for name in CALLS if name.startswith(f"{kind}.")}
        known |= {re.split(r": |\.", name)[1] for name in ATTRIBUTES if name.startswith(kind)}
        known |= WITHOUT_ARGUMENTS.get(kind, set()) | set(READ_ONLY.get(kind, ()))
        known |= {f"__{name}__" for name in OPERATORS.get(kind, ())}
        if kind == "Value":
            known |= LOSING | {"arcsin", "arccos", "arctan"}  # asin and its kin, for NumPy
        if kind == "Vector":  # of which tests are in test_vector.py and test_numpy.py
            known |= {"__array_ufunc__"}
        python = {
            *(
                "__module__",
                "__slots__",
                "__weakref__",
                "__annotations__",
                "__dict__",
                "__firstlineno__",
            ),
            *("__setattr__", "__exit__", "__static_attributes__", "__annotate_func__"),
            *("__annotations_cache__", "__slotnames__"),
        }
        members = {
            name
            for name in set(dir(owner)) - set(dir(object)) - python
            if hasattr(owner, name) and (not name.startswith("_") or name.endswith("__"))
        }
        assert members == known - set(dir(object))

    @every_call
    def test_every_parameter_is_here(self, world, name):
        assert set(signature(world, name).parameters) == set(EVERY_CALL[name][1])


class TestAccepted:
    """What is right must not be refused along with what is wrong."""

    @pytest.mark.parametrize("name", NUMBERS)
    def test_every_real_number_is_one_wherever_a_number_is_wanted(self, world, name):
        sg, number = world.sg, NUMBERS[name](world)
        expected = float(number)
        assert sg.Value(number).data == sg.Value(1.0, [world.x], [number]).data ** 0 * expected
        assert sg.Vector([number, world.x])[0].data == sg.nn.vector([number])[0].data == expected
        assert (
            sg.nn.linear([number], [[number]], [number])[0].data == expected * expected + expected
        )
        assert sg.nn.matrix(1, 1, std=number, rng=world.rng)[0]
        assert sg.optim.SGD([world.y], lr=number).lr == expected
        assert sg.nn.rmsnorm([1.0], eps=number)[0].data == (1.0 + expected) ** -0.5
        world.rng.setstate(World(sg).rng.getstate())

    def test_infinity_and_nan_are_numbers(self, world):
        sg, numbers = world.sg, [float("inf"), float("-inf"), float("nan"), 1e308, 5e-324]
        for function in (sg.Vector, sg.nn.vector, sg.nn.softmax, sg.nn.rmsnorm):
            assert len(function(numbers)) == 5
        assert len(sg.nn.linear(numbers, [numbers, numbers], numbers[:2])) == 2
        for target in range(5):
            sg.nn.cross_entropy(numbers, target).backward(float("nan"))

    def test_a_sequence_is_whatever_has_an_order_and_an_end(self, world):
        numbers = [0.5, 1.5, 2.5]
        for make in (
            tuple,
            iter,
            np.array,
            world.sg.Vector,
            lambda x: (number for number in x),
            lambda x: dict(enumerate(x)).values(),
            lambda x: itertools.islice(itertools.count(0.5), 3),
            lambda x: map(float, x),
            memoryview,
        ):
            given = make(np.array(numbers)) if make is memoryview else make(numbers)
            assert [x.data for x in world.sg.Vector(given)] == numbers
        assert len(world.sg.Vector(itertools.repeat(1.0, 3))) == 3

    def test_parameters_may_be_nested_as_deep_as_you_like(self, sg):
        x = params = sg.Value(1.0)
        for _ in range(3_000):
            params = [params]
        x.grad = 1.0
        sg.optim.SGD(params, lr=0.5).step()
        assert x.data == 0.5

    def test_parameters_may_be_the_keys_of_a_dict(self, sg):
        names = {sg.Value(1.0): "a", sg.Value(2.0): "b"}
        assert len(sg.optim.SGD(names.keys(), 0.1, 0.5).state_dict()["velocity"]) == 2


def test_a_row_may_be_a_hundred_million_long_but_no_longer(sg, monkeypatch):
    assert sys.modules["scalargrad.engine.arguments"].MOST_NUMBERS == 100_000_000
    monkeypatch.setattr(sys.modules["scalargrad.engine.arguments"], "MOST_NUMBERS", 10)
    assert len(sg.nn.softmax(range(10))) == 10
    with pytest.raises(ValueError, match="softmax: x has 11 items, more than 10"):
        sg.nn.softmax(range(11))


def test_a_thing_too_long_to_be_shown_is_named_by_its_class(sg):
    for thing, name in ((10**5000, "int"), (-(10**5000), "int"), ("x" * 10**6, "str")):
        with pytest.raises(TypeError, match=f"^Value: parents must be a sequence, got {name}$"):
            sg.Value(1.0, thing)


def print_all() -> None:
    """All messages, to be read: python tests/test_bad_input.py"""
    messages = {
        wrong.message: None for case in (*CASES, *ASSIGNMENTS) for wrong in case.values[-1:]
    }
    print(*messages, sep="\n")


if __name__ == "__main__":
    print_all()
