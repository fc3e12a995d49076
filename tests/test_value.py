"""Value: how it is made, what can be written, and how it mixes with other numbers."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from effort import cpython
from hypothesis import given
from hypothesis import strategies as st
from oracles import bits


class TestMaking:
    def test_a_leaf_has_a_number_and_nothing_else(self, sg):
        x = sg.Value(3)
        assert (x.data, x.grad, x.parents, x.local_grads, x.op, x.label) == (
            3.0,
            0.0,
            (),
            (),
            "",
            "",
        )

    @pytest.mark.parametrize(
        ("number", "data"),
        [
            (3, 3.0),
            (2.5, 2.5),
            (True, 1.0),
            (Fraction(1, 4), 0.25),
            (Decimal("0.5"), 0.5),
            (np.float32(0.1), 0.10000000149011612),
            (np.float64(0.1), 0.1),
            (np.int64(7), 7.0),
            (np.bool_(True), 1.0),
            (math.inf, math.inf),
        ],
        ids=lambda x: type(x).__name__,
    )
    def test_every_real_number_becomes_a_float(self, sg, number, data):
        x = sg.Value(number)
        assert type(x.data) is float
        assert x.data == data

    def test_a_number_of_a_class_of_its_own(self, sg):
        class Metres:
            def __float__(self) -> float:
                return 2.5

        class Index:
            def __index__(self) -> int:
                return 7

        assert sg.Value(Metres()).data == 2.5
        assert sg.Value(Index()).data == 7.0

    @pytest.mark.parametrize(
        ("thing", "named"),
        [
            ("3", "str '3'"),
            (b"3", "bytes b'3'"),
            (None, "None"),
            (1j, "complex 1j"),
            (np.complex64(1), "complex64"),
            ([1.0], "list"),
            ((1.0,), "tuple"),
            ({1: 2}, "dict"),
            (np.array(1.0), "ndarray"),
            (np.array([1.0]), "ndarray"),
            (np.str_("3"), "str"),
            (object(), "object"),
        ],
        ids=lambda x: type(x).__name__,
    )
    def test_anything_else_is_refused_by_name(self, sg, thing, named):
        with pytest.raises(TypeError, match=f"Value: data must be a real number, got {named}"):
            sg.Value(thing)
        with pytest.raises(TypeError, match=r"Value: local_grads\[1\] must be a real number"):
            sg.Value(1.0, [sg.Value(1.0)] * 2, [2.0, thing])
        x = sg.Value(1.0)
        with pytest.raises(TypeError, match=r"Value\.data must be a real number"):
            x.data = thing
        with pytest.raises(TypeError, match=r"Value\.grad must be a real number"):
            x.grad = thing
        assert (x.data, x.grad) == (1.0, 0.0)

    def test_a_value_in_a_value_is_refused_with_advice(self, sg):
        with pytest.raises(TypeError, match=r"got a Value; use its \.data, or \.detach\(\)"):
            sg.Value(sg.Value(1.0))

    def test_an_int_beyond_the_range_of_floats_is_refused_by_name(self, sg):
        with pytest.raises(OverflowError, match="Value: data is too large"):
            sg.Value(10**400)

    def test_numbers_that_fail_to_convert_raise_what_they_raise(self, sg):
        class Broken:
            def __float__(self) -> float:
                raise RuntimeError("no number today")

        with pytest.raises(RuntimeError, match="no number today"):
            sg.Value(Broken())
        with pytest.raises(RuntimeError, match="no number today"):
            sg.Value(1.0) + Broken()

    def test_a_custom_operation_needs_a_number_parents_and_derivatives(self, sg):
        x, y = sg.Value(3.0), sg.Value(4.0)
        h = sg.Value(math.hypot(3.0, 4.0), (x, y), (3.0 / 5.0, 4.0 / 5.0), op="hypot", label="h")
        assert (h.data, h.parents, h.local_grads, h.op, h.label) == (
            5.0,
            (x, y),
            (0.6, 0.8),
            "hypot",
            "h",
        )

    def test_parents_and_derivatives_come_from_any_iterable(self, sg):
        row = sg.nn.vector([1.0, 2.0])
        total = sg.Value(3.0, row, (1 for _ in row))
        assert total.parents == tuple(row)
        assert total.local_grads == (1.0, 1.0)

    def test_later_changes_to_the_lists_it_was_made_from_do_not_matter(self, sg):
        parents, local_grads = [sg.Value(1.0)], [2.0]
        x = sg.Value(1.0, parents, local_grads)
        parents.clear()
        local_grads.clear()
        assert (len(x.parents), x.local_grads) == (1, (2.0,))

    @pytest.mark.parametrize(
        ("parents", "local_grads", "error", "message"),
        [
            ("one", [1.0, 2.0], ValueError, "parents has length 1 but local_grads has length 2"),
            ("one", [], ValueError, "parents has length 1 but local_grads has length 0"),
            ([], [1.0], ValueError, "parents has length 0 but local_grads has length 1"),
            ([3.0], [1.0], TypeError, r"parents\[0\] must be a Value, got float 3\.0"),
            ("none", [1.0], TypeError, "parents must be a sequence, got None"),
            ("value", [1.0], TypeError, "parents must be a sequence, got a Value"),
            ("one", 1.0, TypeError, r"local_grads must be a sequence, got float 1\.0"),
        ],
    )
    def test_parents_and_derivatives_must_belong_together(
        self, sg, parents, local_grads, error, message
    ):
        x = sg.Value(1.0)
        given = (
            {"one": [x], "none": None, "value": x}.get(parents, parents)
            if isinstance(parents, str)
            else parents
        )
        with pytest.raises(error, match=f"Value: {message}"):
            sg.Value(1.0, given, local_grads)

    @pytest.mark.parametrize("name", ["op", "label"])
    def test_names_are_text(self, sg, name):
        with pytest.raises(TypeError, match=f"Value: {name} must be a str, got int 3"):
            sg.Value(1.0, **{name: 3})

    def test_names_are_given_by_keyword(self, sg):
        with pytest.raises(TypeError):
            sg.Value(1.0, (), (), "op")


class TestWriting:
    def test_data_grad_and_label_can_be_written(self, sg):
        x = sg.Value(1.0)
        x.data, x.grad, x.label = 2, np.float32(0.5), "x"
        assert (x.data, x.grad, x.label) == (2.0, 0.5, "x")
        assert type(x.data) is type(x.grad) is float

    @pytest.mark.parametrize("name", ["parents", "local_grads", "op"])
    def test_how_it_was_made_can_not_be_written(self, sg, name):
        row = sg.nn.softmax([1.0, 2.0])
        for x in (sg.Value(1.0).exp(), row[0], sg.nn.vector([1.0])[0]):
            before = getattr(x, name)
            with pytest.raises(AttributeError):
                setattr(x, name, before)

    def test_a_misspelt_attribute_is_an_error(self, sg):
        for x in (sg.Value(1.0), sg.nn.vector([1.0])[0]):
            with pytest.raises(AttributeError):
                x.gradient = 0.0

    @pytest.mark.parametrize("name", ["data", "grad", "label", "parents"])
    def test_attributes_can_not_be_deleted(self, sg, name):
        for x in (sg.Value(1.0), sg.nn.vector([1.0])[0]):
            with pytest.raises((AttributeError, TypeError)):
                delattr(x, name)
            assert x.data == 1.0

    def test_label_is_text(self, sg):
        x = sg.Value(1.0, label="x")
        with pytest.raises(TypeError, match=r"Value\.label must be a str, got None"):
            x.label = None
        assert x.label == "x"


OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
}
every_operator = pytest.mark.parametrize("operator", OPERATORS)
plain_numbers = pytest.mark.parametrize(
    "number",
    [
        3,
        2.5,
        True,
        Fraction(5, 4),
        Decimal("2.5"),
        np.float64(2.5),
        np.float32(2.5),
        np.float16(2.5),
        np.int64(3),
        np.uint8(3),
        np.bool_(True),
    ],
    ids=lambda x: type(x).__name__,
)


class TestMixedArithmetic:
    @every_operator
    @plain_numbers
    def test_a_plain_number_on_either_side(self, sg, operator, number):
        compute, x = OPERATORS[operator], sg.Value(1.75)
        for result, expected in (
            (compute(x, number), compute(1.75, float(number))),
            (compute(number, x), compute(float(number), 1.75)),
        ):
            assert isinstance(result, sg.Value)
            assert bits(result.data) == bits(expected)
            assert result.op == operator
            assert x in result.parents

    @every_operator
    def test_the_gradient_flows_from_either_side(self, sg, operator):
        compute, h = OPERATORS[operator], 1e-6
        for f in (lambda x: compute(x, 2.5), lambda x: compute(2.5, x)):
            x = sg.Value(1.75)
            f(x).backward()
            assert x.grad == pytest.approx((f(1.75 + h) - f(1.75 - h)) / (2 * h), rel=1e-7)

    @every_operator
    @pytest.mark.parametrize("other", ["3", None, 1j, np.complex64(1), [1.0], {}, object()])
    def test_other_things_are_refused_on_either_side(self, sg, operator, other):
        compute, x = OPERATORS[operator], sg.Value(1.75)
        with pytest.raises(TypeError):
            compute(x, other)
        with pytest.raises(TypeError):
            compute(other, x)

    @every_operator
    def test_the_other_operand_is_asked_too(self, sg, operator):
        class Other:
            """Something that knows how to combine itself with a Value."""

            def answer(self, value: object) -> str:
                return "from the other"

            __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rpow__ = answer
            __add__ = __sub__ = __mul__ = __truediv__ = __pow__ = answer

        assert OPERATORS[operator](sg.Value(1.0), Other()) == "from the other"
        assert OPERATORS[operator](Other(), sg.Value(1.0)) == "from the other"

    def test_ints_beyond_the_range_of_floats_overflow_as_they_do_with_floats(self, sg):
        for compute in (lambda: sg.Value(1.0) + 10**400, lambda: 10**400 * sg.Value(1.0)):
            with pytest.raises(OverflowError, match="too large for a float"):
                compute()

    def test_sum_works(self, sg):
        x = sg.Value(2.0)
        total = sum([x, 3.0, x * x])
        assert total.data == 9.0
        total.backward()
        assert x.grad == 5.0

    def test_in_place_operators_bind_the_name_to_a_new_value(self, sg):
        x = y = sg.Value(2.0)
        y += 1.0
        y *= x
        assert (x.data, y.data) == (2.0, 6.0)

    def test_plus_x_keeps_the_gradient(self, sg):
        x = sg.Value(3.0)
        (+x * 2.0).backward()
        assert x.grad == 2.0

    @pytest.mark.parametrize(
        "compute", [lambda x: x // 2, lambda x: x % 2, lambda x: divmod(x, 2), lambda x: x @ x]
    )
    def test_operators_without_a_useful_derivative_are_not_there(self, sg, compute):
        with pytest.raises(TypeError, match=r"unsupported operand|write v\.data for the number"):
            compute(sg.Value(3.0))

    @pytest.mark.parametrize("kinds", ["Value int int", "int Value int", "Value Value int"])
    def test_power_takes_no_modulus(self, sg, kinds):
        makers = {"Value": sg.Value, "int": int}
        a, b, modulus = (makers[kind](3) for kind in kinds.split())
        types = ", ".join(map(repr, kinds.split()))
        said = rf"^unsupported operand type\(s\) for (\*\* or )?pow\(\): {types}$"
        with pytest.raises(TypeError, match=said):
            pow(a, b, modulus)

    def test_nor_does_power_with_the_operands_exchanged_which_python_asks_since_3_14(self, sg):
        assert sg.Value(3.0).__rpow__(2, 5) is NotImplemented
        assert sg.nn.vector([3.0]).__rpow__(2, 5) is NotImplemented

    @every_operator
    def test_a_number_class_of_ones_own_is_no_value_whatever_its_slots(self, sg, operator):
        """A student's own class, which knows how to combine itself with a number."""

        class Own:
            __slots__ = ("data", "local_grads", "parents")

            def answer(self, value: object) -> str:
                return "from the other"

            __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rpow__ = answer

        assert OPERATORS[operator](sg.Value(1.0), Own()) == "from the other"
        with pytest.raises(TypeError, match="must be a real number, got Own"):
            sg.Value(Own())


class TestMaximumAndMinimum:
    @plain_numbers
    def test_mix_with_plain_numbers_on_either_side(self, sg, number):
        x = sg.Value(1.75)
        assert sg.maximum(x, number).data == sg.maximum(number, x).data == max(1.75, float(number))
        assert sg.minimum(x, number).data == sg.minimum(number, x).data == min(1.75, float(number))

    def test_of_two_plain_numbers_is_a_value(self, sg):
        assert isinstance(sg.maximum(1, 2), sg.Value)

    @pytest.mark.parametrize("name", ["maximum", "minimum"])
    def test_other_things_are_refused_by_name(self, sg, name):
        function = getattr(sg, name)
        with pytest.raises(TypeError, match=f"{name}: a must be a Value or a real number, got str"):
            function("1", 2.0)
        with pytest.raises(
            TypeError, match=f"{name}: b must be a Value or a real number, got None"
        ):
            function(sg.Value(1.0), None)
        with pytest.raises(OverflowError, match=f"{name}: b is too large"):
            function(sg.Value(1.0), 10**400)


class TestComparing:
    def test_equality_and_hash_are_identity_between_values(self, sg):
        x, y = sg.Value(1.0), sg.Value(1.0)
        assert x == x
        assert x != y
        assert not x != x  # noqa: SIM202
        assert hash(x) == object.__hash__(x)
        assert len({x, y, x}) == 2
        assert {x: "x", y: "y"}[y] == "y"
        assert [y, x].index(x) == 1

    @plain_numbers
    def test_equality_with_plain_numbers_is_that_of_the_number(self, sg, number):
        x = sg.Value(float(number))
        assert x == number
        assert number == x
        assert not x != number  # noqa: SIM202
        assert x != float(number) + 1.0
        assert not float(number) + 1.0 == x  # noqa: SIM201
        assert not {number} & {x}  # as their hashes differ

    @pytest.mark.parametrize("other", ["1.0", None, [1.0], (), {}, object()])
    def test_equality_with_other_things_is_that_of_a_float(self, sg, other):
        assert sg.Value(1.0) != other
        assert not sg.Value(1.0) == other  # noqa: SIM201
        assert sg.Value(1.0) != sg.nn.vector([1.0])

    def test_equality_with_nan_with_a_complex_number_and_with_a_large_int(self, sg):
        assert sg.Value(math.nan) != math.nan
        assert sg.Value(1.0) == 1 + 0j
        assert sg.Value(2.0**60) == 2**60 != sg.Value(2.0**60 + 256.0)
        assert sg.Value(2.0**60) != 2**60 + 1

    def test_equality_gives_what_the_other_side_gives(self, sg):
        class Other:
            def __eq__(self, other: object) -> object:  # type: ignore[override]
                return "equal"

            def __ne__(self, other: object) -> object:  # type: ignore[override]
                return "different"

            __hash__ = None  # type: ignore[assignment]

        assert (sg.Value(1.0) == Other()) == "equal"
        assert (sg.Value(1.0) != Other()) == "different"
        assert (sg.Value(1.0) == np.array([1.0, 2.0])).tolist() == [True, False]
        assert (np.array([1.0, 2.0]) != sg.Value(1.0)).tolist() == [False, True]

    @plain_numbers
    def test_ordering_with_plain_numbers(self, sg, number):
        assert sg.Value(float(number) - 0.5) < number
        assert number < sg.Value(float(number) + 0.5)
        assert sg.Value(float(number)) <= number
        assert sg.Value(float(number)) >= number

    def test_sorting_and_max(self, sg):
        values = [sg.Value(x) for x in (3.0, 1.0, 2.0)]
        assert [v.data for v in sorted(values)] == [1.0, 2.0, 3.0]
        assert max(values) is values[0]

    def test_ints_beyond_the_range_of_floats_are_ordered(self, sg):
        assert sg.Value(1.0) < 10**400
        assert sg.Value(math.inf) > 10**400

    @pytest.mark.parametrize("other", ["3", None, 1j, [1.0]])
    def test_other_things_have_no_order(self, sg, other):
        with pytest.raises(TypeError, match="not supported between"):
            assert sg.Value(1.0) < other
        with pytest.raises(TypeError, match="not supported between"):
            assert other >= sg.Value(1.0)

    def test_zero_is_false(self, sg):
        assert not sg.Value(0.0)
        assert not sg.Value(-0.0)
        assert sg.Value(1e-300)
        assert sg.Value(math.nan)


class TestPrinting:
    def test_repr(self, sg):
        x = sg.Value(0.1)
        x.grad = -2
        assert repr(x) == "Value(data=0.1, grad=-2.0)"

    def test_repr_with_a_label(self, sg):
        assert repr(sg.Value(1.0, label="it's")) == """Value(data=1.0, grad=0.0, label="it's")"""

    def test_repr_of_an_element_of_a_row(self, sg):
        assert repr(sg.nn.vector([1.0, 2.0])[1]) == "Value(data=2.0, grad=0.0)"

    @given(st.floats())
    def test_repr_shows_every_bit(self, sg, number):
        assert f"data={number!r}, " in repr(sg.Value(number))

    def test_format_is_that_of_the_number_and_repr_without_one(self, sg):
        x = sg.Value(3.14159)
        assert f"{x:.2f}|{x:>8.1f}|{x:e}" == "3.14|     3.1|3.141590e+00"
        assert f"{x}" == str(x) == repr(x)

    def test_a_bad_format_is_an_error(self, sg):
        with pytest.raises(ValueError, match="format"):
            f"{sg.Value(1.0):no such format}"


class TestNoSilentLossOfTheGradient:
    @pytest.mark.parametrize(
        "convert",
        [float, pytest.param(complex, marks=cpython), math.exp, math.isnan, np.float64, math.sqrt],
        ids=lambda f: f.__name__,
    )
    def test_conversion_to_a_plain_number_is_refused_with_advice(self, sg, convert):
        with pytest.raises(TypeError, match=r"write v\.data for the number, or .* v\.exp\(\)"):
            convert(sg.Value(1.0))

    @pytest.mark.parametrize(
        ("convert", "expression"),
        [
            (int, "int(Value)"),
            (round, "round(Value)"),
            (lambda x: round(x, 2), "round(Value)"),
            (math.floor, "math.floor(Value)"),
            (math.ceil, "math.ceil(Value)"),
            (math.trunc, "math.trunc(Value)"),
            (lambda x: x // 2, "Value // other"),
            (lambda x: 2 // x, "other // Value"),
            (lambda x: x % 2, "Value % other"),
            (lambda x: 2 % x, "other % Value"),
            (lambda x: divmod(x, 2), "divmod(Value, other)"),
            (lambda x: divmod(2, x), "divmod(other, Value)"),
            (lambda x: x.as_integer_ratio(), "an exact fraction of a Value"),
        ],
        ids=lambda x: x if isinstance(x, str) else "",
    )
    def test_what_would_lose_the_gradient_is_refused_with_advice(self, sg, convert, expression):
        message = f"{expression} would lose the gradient: write v.data for the number"
        for x in (sg.Value(1.0), sg.nn.vector([1.0])[0]):
            with pytest.raises(TypeError) as raised:
                convert(x)
            assert str(raised.value) == message

    @pytest.mark.parametrize("convert", [range, "abc".__getitem__])
    def test_conversion_to_an_int_is_refused(self, sg, convert):
        with pytest.raises(TypeError):
            convert(sg.Value(1.0))

    def test_an_array_of_floats_takes_no_values(self, sg):
        with pytest.raises(TypeError, match=r"v\.data"):
            np.array([sg.Value(1.0)], dtype=float)


class TestDetach:
    def test_is_a_new_leaf_with_the_same_number(self, sg):
        x = sg.Value(2.0, label="x")
        y = x * x
        z = y.detach()
        assert (z.data, z.grad, z.parents, z.op) == (4.0, 0.0, (), "")
        assert z is not y

    def test_no_gradient_flows_through_it(self, sg):
        x = sg.Value(2.0)
        (x * x.detach()).backward()
        assert x.grad == 2.0

    def test_leaves_the_row_it_came_from_alone(self, sg):
        row = sg.nn.vector([1.0, 2.0])
        x = row[0].detach()
        x.data, x.grad = 5.0, 6.0
        assert (row[0].data, row[0].grad) == (1.0, 0.0)
