"""Rows compute number by number: with the bits of the operation on Values, as one node.

What Values do themselves is said elsewhere, with the same tables: here a row is compared with as
many Values. Where the order of additions matters, numbers are chosen that tell it: 1e16 + 1.0 is
1e16, so that 1e16, 1.0 and -1e16 add up to 0, and in another order to 1.
"""

import math
import operator
from array import array
from math import inf, nan
from typing import Any

import numpy as np
import pytest
from effort import engines_in_turn, examples, long, long_in_python
from hypothesis import given, settings
from hypothesis import strategies as st
from op_table import OPS, Op
from oracles import bits

BRANCHES = ("relu", "maximum", "minimum")  # what was not taken gets nothing
any_float = st.floats() | st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0, 0.5, inf, -inf, nan])
every_op = pytest.mark.parametrize("op", OPS, ids=lambda op: op.name)
OF_ONE = [op for op in OPS if len(op.smooth[0]) == 1]
OF_TWO = [op for op in OPS if len(op.smooth[0]) == 2]


def all_bits(numbers: Any) -> list[str]:
    return [bits(x) for x in numbers]


# The ways in which operands meet: each takes columns of numbers, one for each operand, and gives
# the operands, and the Values that each result is made from. A column of equal numbers may be one
# Value for all.


def row(sg: Any, numbers: Any) -> tuple[Any, Any]:
    made = sg.nn.vector(numbers)
    return made, list(made)


def part_of_a_row(sg: Any, numbers: Any) -> tuple[Any, Any]:
    made = sg.nn.vector([7.0, *numbers, 9.0])[1:-1]
    return made, list(made)


def row_of_values(sg: Any, numbers: Any) -> tuple[Any, Any]:
    values = [sg.Value(x) for x in numbers]
    return sg.Vector(values), values


def computed_row(sg: Any, numbers: Any) -> tuple[Any, Any]:
    made = sg.nn.concatenate([numbers])
    return made, list(made)


def one_value(sg: Any, numbers: Any) -> tuple[Any, Any]:
    value = sg.Value(numbers[0])
    return value, [value] * len(numbers)


def one_number(sg: Any, numbers: Any) -> tuple[Any, Any]:
    return numbers[0], None


def numpy_number(sg: Any, numbers: Any) -> tuple[Any, Any]:
    return np.float64(numbers[0]), None


def list_of_values(sg: Any, numbers: Any) -> tuple[Any, Any]:
    values = [sg.Value(x) for x in numbers]
    return values, values


def tuple_with_numbers(sg: Any, numbers: Any) -> tuple[Any, Any]:
    return tuple(numbers), None


def machine_array(sg: Any, numbers: Any) -> tuple[Any, Any]:
    return array("d", numbers), None


def numpy_array(sg: Any, numbers: Any) -> tuple[Any, Any]:
    return np.array(numbers), None


SINGLES = (one_value, one_number, numpy_number)
ROWS = (row, part_of_a_row, row_of_values, computed_row)
SEQUENCES = (list_of_values, tuple_with_numbers, machine_array, numpy_array)
PAIRS = [
    *((left, row) for left in (*ROWS, one_value, one_number, numpy_number)),
    *((row, right) for right in (*ROWS[1:], *SINGLES, *SEQUENCES)),
    (part_of_a_row, part_of_a_row),
    (row_of_values, row_of_values),
    (row_of_values, one_value),
]
FORMS = [*((form,) for form in ROWS), *PAIRS]


def name_of(forms: Any) -> str:
    return " and ".join(form.__name__.replace("_", " ") for form in forms)


CASES = [
    pytest.param(op, forms, id=f"{op.name}-{name_of(forms)}")
    for op in OPS
    for forms in FORMS
    if len(forms) == len(op.smooth[0])
]
every_case = pytest.mark.parametrize(("op", "forms"), CASES)


def points_of(op: Op, forms: Any) -> list[list[Any]]:
    """Columns of operands, at which the operation gives a number: its smooth points and its kinks.

    Where one number serves all, there is one set of columns for each of some such numbers.
    """
    points = [*op.smooth, *(point for point, _ in op.kinks)]
    single = next((i for i, form in enumerate(forms) if form in SINGLES), None)
    if single is None:
        return [list(map(list, zip(*points)))]
    numbers = dict.fromkeys(bits(point[single]) for point in points)
    groups = [[p for p in points if bits(p[single]) == number] for number in numbers]
    return [list(map(list, zip(*group))) for group in sorted(groups, key=len)[-4:]]


def handed_down(op: Op, local_grad: float, g: float) -> float:
    """What backward adds: local_grad * g, but nothing of 0, and nothing to a branch not taken."""
    if g == 0.0 or (op.name in BRANCHES and local_grad == 0.0):
        return 0.0
    return local_grad * g


class TestNumberByNumber:
    """The case names the operation and what its operands are."""

    @engines_in_turn
    @every_case
    def test_has_the_bits_of_the_operation_on_values(self, sg, op: Op, forms):
        for columns in points_of(op, forms):
            operands = [form(sg, column)[0] for form, column in zip(forms, columns)]
            result = op.on_values(sg, *operands)
            singly = [op.on_values(sg, *map(sg.Value, point)) for point in zip(*columns)]
            assert type(result) is sg.Vector
            assert all_bits(result.data) == all_bits(y.data for y in singly)
            assert result.grad == (0.0,) * len(singly)
            for y, one in zip(result, singly):
                assert y.op == one.op == op.name
                assert all_bits(y.local_grads) == all_bits(one.local_grads)

    @engines_in_turn
    @every_case
    def test_each_number_is_made_from_its_own_operands(self, sg, op: Op, forms):
        columns = points_of(op, forms)[0]
        operands, sources = zip(*(form(sg, column) for form, column in zip(forms, columns)))
        result = op.on_values(sg, *operands)
        for i, y in enumerate(result):
            assert [parent.data for parent in y.parents] == pytest.approx(
                [column[i] for column in columns], nan_ok=True
            )
            for parent, source in zip(y.parents, sources):
                if source is not None:
                    assert parent is source[i]
            for k, form in enumerate(forms):
                if form in SINGLES:  # one for all, which is a leaf where it was a number
                    assert y.parents[k] is result[0].parents[k]

    @engines_in_turn
    @every_case
    @pytest.mark.parametrize(
        "upstreams",
        [[1.0, -0.5, 3.0], [0.0, 2.0, -0.0], [inf, 1.0, nan], [1e16, 1.0, -1e16]],
        ids=["usual", "with 0", "not finite", "cancelling"],
    )
    def test_gradients_are_those_of_values_and_of_one_for_all_their_sum(
        self, sg, op: Op, forms, upstreams
    ):
        for columns in points_of(op, forms):
            n = len(columns[0])
            g = (upstreams * n)[:n]
            operands, sources = zip(*(form(sg, column) for form, column in zip(forms, columns)))
            result = op.on_values(sg, *operands)
            derivatives = [y.local_grads for y in result]
            leaves = [source for source in sources if source is not None]
            by_grad = sg.grad([result], leaves, grad_outputs=[g])
            sg.nn.dot(result, g).backward()
            k = 0
            for i, (form, source) in enumerate(zip(forms, sources)):
                if source is None:
                    continue
                shares = [handed_down(op, d[i], gj) for d, gj in zip(derivatives, g)]
                if form in SINGLES:
                    whole = 0.0
                    for share in shares:
                        whole = whole + share
                    shares = [0.0 + whole] * n
                expected = all_bits(0.0 + share for share in shares)
                assert all_bits(value.grad for value in source) == expected
                assert all_bits(by_grad[k]) == expected
                k += 1

    @engines_in_turn
    @every_case
    def test_within_no_grad_it_is_a_row_of_leaves(self, sg, op: Op, forms):
        columns = points_of(op, forms)[0]
        operands = [form(sg, column)[0] for form, column in zip(forms, columns)]
        recorded = op.on_values(sg, *operands)
        with sg.no_grad():
            result = op.on_values(sg, *operands)
        assert all_bits(result.data) == all_bits(recorded.data)
        assert {(y.parents, y.local_grads, y.op) for y in result} == {((), (), "")}

    @engines_in_turn
    @every_case
    def test_writing_data_afterwards_changes_no_gradient(self, sg, op: Op, forms):
        columns = points_of(op, forms)[0]

        def gradients(write: bool) -> list[str]:
            operands, sources = zip(*(form(sg, column) for form, column in zip(forms, columns)))
            result = op.on_values(sg, *operands)
            if write:
                for value in [v for source in sources for v in source or ()]:
                    value.data = 123.0
                result.data = [77.0] * len(result)
            result.sum().backward()
            return [bits(v.grad) for source in sources for v in source or ()]

        assert gradients(write=True) == gradients(write=False)

    @pytest.mark.parametrize("forms", [f for f in FORMS if one_number not in f], ids=name_of)
    def test_a_row_of_no_numbers_gives_one(self, sg, forms):
        for op in OPS:
            if len(forms) == len(op.smooth[0]) and not set(forms) & set(SINGLES):
                operands = [form(sg, [])[0] for form in forms if form is not row]
                operands = [sg.Vector([])] * (len(forms) - len(operands)) + operands
                result = op.on_values(sg, *operands)
                assert (type(result), len(result)) == (sg.Vector, 0)

    @long
    @every_op
    @settings(max_examples=examples(100))
    @given(data=st.data())
    def test_at_any_floats(self, sg, op: Op, data):
        points = data.draw(st.lists(st.tuples(*[any_float] * len(op.smooth[0])), max_size=6))
        singly = []
        for point in points:
            try:
                singly.append((point, op.on_values(sg, *map(sg.Value, point))))
            except (ArithmeticError, ValueError):
                continue
        columns = [[point[i] for point, _ in singly] for i in range(len(op.smooth[0]))]
        g = [data.draw(any_float) for _ in singly]
        operands = [sg.Vector(column) for column in columns]
        result = op.on_values(sg, *operands)
        assert all_bits(result.data) == [bits(y.data) for _, y in singly]
        sg.nn.dot([*result, 0.0], [*g, 0.0]).backward()
        for (_, y), upstream in zip(singly, g):
            y.backward(upstream)
        for i, operand in enumerate(operands):
            assert all_bits(operand.grad) == [bits(y.parents[i].grad) for _, y in singly]


class TestTheOrderOfAdditions:
    BIG = (1e16, 1.0, -1e16)
    REORDERED = (1e16, -1e16, 1.0)

    def test_a_number_that_stands_in_a_row_several_times_gets_one_addition_for_each(self, sg):
        for factors, gathered in ((self.BIG, 0.0), (self.REORDERED, 1.0)):
            x = sg.Value(2.0)
            (sg.Vector([x, x, x]) * factors).sum().backward()
            assert x.grad == gathered
            assert sg.grad((sg.Vector([x, x, x]) * factors).sum(), x) == (gathered,)

    def test_they_are_made_in_the_order_of_the_row_after_what_was_there(self, sg):
        x = sg.Value(2.0)
        x.grad = 1.0
        (sg.Vector([x, x]) * (1e16, -1e16)).sum().backward()
        assert x.grad == 0.0  # (1 + 1e16) - 1e16

    def test_a_value_that_serves_a_whole_row_gets_one_addition_in_all(self, sg):
        x = sg.Value(2.0)
        x.grad = 1.0
        (x * sg.nn.vector([1e16, -1e16])).sum().backward()
        assert x.grad == 1.0  # 1 + (1e16 - 1e16)

    @pytest.mark.parametrize("left", [True, False])
    def test_that_is_the_sum_from_left_to_right(self, sg, left):
        for factors, gathered in ((self.BIG, 0.0), (self.REORDERED, 1.0)):
            x, row = sg.Value(2.0), sg.nn.vector(factors)
            (x * row if left else row * x).sum().backward()
            assert x.grad == gathered
            assert row.grad == (2.0, 2.0, 2.0)

    def test_the_sum_begins_with_0_and_takes_only_what_is_handed_down(self, sg):
        """A -0.0 that is not handed down leaves a -0.0 alone; one that is makes it 0.0."""
        x, row = sg.Value(0.0), sg.nn.vector([-3.0, 5.0])
        x.grad = -0.0
        sg.nn.dot(row * x, [0.0, 0.0]).backward()
        assert bits(x.grad) == bits(-0.0)
        y = sg.Value(1.0)
        y.grad = -0.0
        sg.nn.dot(y + row, [-0.0, 0.0]).backward()
        assert bits(y.grad) == bits(-0.0)
        (row * y).sum().backward()
        assert y.grad == 2.0

    def test_the_first_operand_comes_before_the_second(self, sg):
        """x is the first number of the row, and serves all of it, too."""
        for compute, gathered in (
            (lambda row, x: row + x, 0.0),  # (-1e16 + 1) + (1 + 1e16)
            (lambda row, x: x + row, 1.0),  # (-1e16 + (1 + 1e16)) + 1
        ):
            row = sg.nn.vector([3.0, 4.0])
            row.grad = (-1e16, 0.0)
            sg.nn.dot(compute(row, row[0]), [1.0, 1e16]).backward()
            assert row.grad == (gathered, 1e16)

    def test_a_row_beside_itself_gets_both_contributions_to_each_number(self, sg):
        row = sg.nn.vector([3.0, 4.0])
        (row * row).sum().backward()
        assert row.grad == (6.0, 8.0)
        row.grad = (1e16, 1.0)
        sg.nn.dot(row - row, [1.0, 1e16]).backward()
        assert row.grad == (1e16, 0.0)  # (1e16 + 1) - 1, and (1 + 1e16) - 1e16

    def test_overlapping_parts_of_a_row(self, sg):
        row = sg.nn.vector([1.0, 2.0, 3.0])
        (row[:2] * row[1:]).sum().backward()
        assert row.grad == (2.0, 4.0, 2.0)


class TestSumAndMean:
    ROW = (1e16, 1.0, -1e16, 3.0)

    @pytest.mark.parametrize("form", [*ROWS], ids=lambda form: form.__name__)
    @given(numbers=st.lists(any_float, min_size=1, max_size=9))
    def test_run_from_left_to_right_beginning_with_0(self, sg, form, numbers):
        made, _ = form(sg, numbers)
        total = 0.0
        for x in numbers:
            total = total + x
        assert bits(made.sum().data) == bits(total)
        assert bits(made.mean().data) == bits(total / len(numbers))

    def test_sum_has_the_bits_of_the_builtin(self, sg):
        row = sg.nn.vector(self.ROW)
        assert row.sum().data == sum(row).data == sum([*row]).data == 3.0
        row = sg.nn.vector([0.1] * 10)  # 1.0 by compensated summation, as Python 3.12 adds floats
        assert row.sum().data == sum(row).data == 0.9999999999999999

    def test_each_number_gets_the_gradient(self, sg):
        row = sg.nn.vector(self.ROW)
        total = row.sum()
        total.backward(0.3)
        assert row.grad == (0.3,) * 4
        assert (total.op, total.parents, total.local_grads) == ("sum", tuple(row), (1.0,) * 4)

    def test_of_a_mean_it_is_divided_by_the_length_first(self, sg):
        row = sg.nn.vector([1.0, 2.0, 3.0])
        mean = row.mean()
        mean.backward(5.0)
        assert row.grad == ((1.0 / 3.0) * 5.0,) * 3
        assert (mean.op, mean.parents, mean.local_grads) == ("mean", tuple(row), (1.0 / 3.0,) * 3)

    def test_of_no_numbers(self, sg):
        assert repr(sg.Vector([]).sum()) == "Value(data=0.0, grad=0.0)"
        with pytest.raises(ValueError, match=r"^mean: the row is empty; it needs at least one num"):
            sg.Vector([]).mean()

    def test_a_part_is_summed_alone(self, sg):
        row = sg.nn.vector([1.0, 2.0, 4.0, 8.0])
        row[1:3].sum().backward()
        assert row.grad == (0.0, 1.0, 1.0, 0.0)

    def test_an_infinite_gradient_times_no_derivative_of_0(self, sg):
        """A mean hands 1/n to all: 0.0 to none."""
        row = sg.nn.vector([1.0, 2.0])
        row.mean().backward(inf)
        assert row.grad == (inf, inf)


class TestWeightedSum:
    def test_adds_up_each_column_from_left_to_right(self, sg):
        rows = [[1e16, 1e16], [1.0, -1e16], [-1e16, 1.0]]
        assert sg.nn.weighted_sum([1.0, 1.0, 1.0], rows).data == (0.0, 1.0)

    @given(data=st.data(), n=st.integers(1, 4), width=st.integers(0, 4))
    def test_is_a_dot_product_for_each_column(self, sg, data, n, width):
        draw = lambda size: data.draw(  # noqa: E731
            st.lists(st.floats(-1e9, 1e9), min_size=size, max_size=size)
        )
        weights, rows, g = draw(n), [draw(width) for _ in range(n)], draw(width)
        w, r = sg.nn.vector(weights), [sg.Vector(row) for row in rows]
        result = sg.nn.weighted_sum(w, r)
        for y, column in zip(result, zip(*rows)):
            assert bits(y.data) == bits(sg.nn.dot(weights, column).data)
        if width:
            sg.nn.dot(result, g).backward()
        live = [j for j in range(width) if g[j] != 0.0]
        for i in range(n):
            total = 0.0
            for j in live:
                total = total + rows[i][j] * g[j]
            assert bits(w[i].grad) == bits(0.0 + total)
            expected = [weights[i] * g[j] if g[j] else 0.0 for j in range(width)]
            assert all_bits(r[i].grad) == all_bits(0.0 + x for x in expected)

    def test_what_each_number_is_made_from(self, sg):
        w, rows = sg.nn.vector([2.0, 3.0]), sg.nn.matrix(2, 2)
        y = sg.nn.weighted_sum(w, rows)[1]
        assert y.op == "weighted_sum"
        assert y.parents == (*w, rows[0][1], rows[1][1])
        assert y.local_grads == (rows[0][1].data, rows[1][1].data, 2.0, 3.0)

    def test_a_weight_gets_one_addition_and_before_the_rows(self, sg):
        x = sg.Value(3.0)
        x.grad = 1.0
        sg.nn.weighted_sum([x], [[1e16, -1e16]]).sum().backward()
        assert x.grad == 1.0  # 1 + (1e16 - 1e16)
        x.grad = -1e16
        sg.nn.weighted_sum([x, 1.0], [[1e16], [x]])[0].backward()
        assert x.grad == 1.0  # (-1e16 + 1e16) + 1

    def test_is_the_twin_of_linear(self, sg):
        w = sg.nn.matrix(3, 4)
        x = sg.nn.vector([0.5, -1.0, 2.0])
        columns = [[row[j] for row in w] for j in range(4)]
        assert sg.nn.weighted_sum(x, w).data == sg.nn.linear(x, columns).data


class TestConcatenate:
    def test_one_row_after_the_other(self, sg):
        x, row = sg.Value(1.0), sg.nn.vector([2.0, 3.0])
        result = sg.nn.concatenate([[x], row, (4, 5.0), row[:0], [], row[1:]])
        assert result.data == (1.0, 2.0, 3.0, 4.0, 5.0, 3.0)
        assert [y.parents[0] for y in result][:3] == [x, *row]
        assert {(y.op, len(y.parents), y.local_grads) for y in result} == {
            ("concatenate", 1, (1.0,))
        }

    def test_it_is_a_new_row(self, sg):
        row = sg.nn.vector([1.0])
        result = sg.nn.concatenate([row])
        assert result[0] is not row[0]
        row.data = [5.0]
        assert result.data == (1.0,)

    def test_every_number_gets_its_own_gradient_row_by_row(self, sg):
        row = sg.nn.vector([1.0, 2.0])
        sg.nn.dot(sg.nn.concatenate([row, row[1:], row]), [1.0, 1e16, -1e16, 3.0, 5.0]).backward()
        assert row.grad == (4.0, 5.0)  # ((1e16 - 1e16) + 5)

    def test_of_nothing_at_all_it_is_empty(self, sg):
        assert len(sg.nn.concatenate([[], sg.Vector([])])) == 0

    def test_in_pieces_and_together_again(self, sg):
        row = sg.nn.vector(range(7))
        together = sg.nn.concatenate([row[:2], row[2:5], row[5:]])
        assert together.data == row.data
        sg.nn.dot(together, row.data).backward()
        assert row.grad == row.data


ATTRIBUTES = pytest.mark.parametrize("attribute", ["data", "grad"])


class TestDataAndGrad:
    """The numbers of a row, all at once; a tuple of floats to read, and anything to write."""

    @ATTRIBUTES
    @pytest.mark.parametrize("form", ROWS, ids=lambda form: form.__name__)
    def test_are_those_of_the_elements(self, sg, attribute, form):
        made, values = form(sg, [1.0, -0.0, nan])
        for value, number in zip(values, (2.0, -0.0, nan)):
            setattr(value, attribute, number)
        numbers = getattr(made, attribute)
        assert type(numbers) is tuple
        assert {type(x) for x in numbers} == {float}
        assert all_bits(numbers) == all_bits((2.0, -0.0, nan))
        setattr(made, attribute, (5, True, np.float32(0.5)))
        assert [getattr(value, attribute) for value in values] == [5.0, 1.0, 0.5]

    @ATTRIBUTES
    def test_take_whatever_holds_numbers_in_an_order(self, sg, attribute):
        row = sg.nn.vector([0.0, 0.0])
        for given_numbers in ([1, 2], (1, 2), range(1, 3), iter([1, 2]), np.array([1.0, 2.0])):
            setattr(row, attribute, [0.0, 0.0])
            setattr(row, attribute, given_numbers)
            assert getattr(row, attribute) == (1.0, 2.0)
        other = sg.nn.vector([3.0, 4.0])
        setattr(row, attribute, other.data)
        assert getattr(row, attribute) == (3.0, 4.0)

    @ATTRIBUTES
    @pytest.mark.parametrize("n", [0, 2, 4])
    @pytest.mark.parametrize("form", ROWS, ids=lambda form: form.__name__)
    def test_another_number_of_numbers_changes_nothing(self, sg, attribute, n, form):
        made, _ = form(sg, [1.0, 2.0, 3.0])
        before = getattr(made, attribute)
        with pytest.raises(ValueError, match=attribute) as raised:
            setattr(made, attribute, [9.0] * n)
        assert str(raised.value) == f"Vector.{attribute}: the row has 3 numbers but {n} were given"
        assert getattr(made, attribute) == before

    @ATTRIBUTES
    def test_all_are_converted_before_the_first_is_written(self, sg, attribute):
        class Late:
            def __float__(self) -> float:
                seen.append(getattr(row, attribute))
                return 3.0

        class Broken:
            def __float__(self) -> float:
                raise LookupError("no number today")

        seen: list[Any] = []
        row = sg.nn.vector([0.0, 0.0])
        setattr(row, attribute, [1.0, Late()])
        assert seen == [(0.0, 0.0)]
        with pytest.raises(LookupError):
            setattr(row, attribute, [5.0, Broken()])
        assert getattr(row, attribute) == (1.0, 3.0)

    def test_a_graph_that_was_recorded_before_keeps_its_numbers(self, sg):
        row = sg.nn.vector([3.0, 4.0])
        for result in (row * row, row[:] ** 2, sg.nn.concatenate([row]), -row):
            before = result.data
            row.data = (7.0, 8.0)
            assert result.data == before
            row.data = (3.0, 4.0)
        product = row * row
        row.data = (7.0, 8.0)
        product.sum().backward()
        assert row.grad == (6.0, 8.0)
        assert (row * row).data == (49.0, 64.0)

    def test_a_written_result_counts_for_what_follows(self, sg):
        row = sg.nn.vector([1.0, 2.0])
        y = row.exp()
        y.data = (10.0, 20.0)
        z = (y * y).sum()
        assert z.data == 500.0
        z.backward()
        assert y.grad == (20.0, 40.0)
        assert row.grad == (20.0 * math.exp(1.0), 40.0 * math.exp(2.0))

    def test_numbers_that_were_read_are_not_those_of_later(self, sg):
        row = sg.nn.vector([1.0, 2.0])
        before = row.data
        row.data = (3.0, 4.0)
        assert before == (1.0, 2.0)

    @ATTRIBUTES
    def test_can_not_be_deleted(self, sg, attribute):
        for made in (sg.nn.vector([1.0]), sg.Vector([sg.Value(1.0)])):
            with pytest.raises(AttributeError):
                delattr(made, attribute)
            assert made.data == (1.0,)

    def test_parts_write_to_the_row_and_the_row_to_its_parts(self, sg):
        row = sg.nn.vector([1.0, 2.0, 3.0])
        part = row[1:]
        part.data, part.grad = (20.0, 30.0), (5.0, 6.0)
        assert (row.data, row.grad) == ((1.0, 20.0, 30.0), (0.0, 5.0, 6.0))
        row.data = (7.0, 8.0, 9.0)
        assert part.data == (8.0, 9.0)

    def test_a_value_that_stands_there_twice_keeps_the_last(self, sg):
        x = sg.Value(1.0)
        sg.Vector([x, x]).data = (2.0, 3.0)
        assert x.data == 3.0

    def test_after_backward_they_have_the_gradients_of_the_row(self, sg):
        row = sg.nn.vector([1.0, 2.0])
        y = row * 3.0
        y.sum().backward()
        y.sum().backward()
        assert (y.grad, row.grad) == ((1.0, 1.0), (6.0, 6.0))  # leaves add up, others do not


class TestLabel:
    def test_a_whole_row_has_one_wherever_it_is_seen(self, sg):
        row = sg.nn.vector([1.0, 2.0])
        assert row.label == ""
        row[:].label = "w"
        assert row.label == row[:].label == row[0:2].label == "w"

    def test_a_part_has_its_own_and_only_there(self, sg):
        row = sg.nn.vector([1.0, 2.0])
        part = row[1:]
        part.label = "p"
        assert (part.label, row.label, row[1:].label) == ("p", "", "")

    def test_a_collection_of_values_too(self, sg):
        x = sg.Value(1.0, label="x")
        row = sg.Vector([x])
        row.label = "all"
        assert (row.label, sg.Vector([x]).label, x.label) == ("all", "", "x")

    def test_it_is_text_and_stored_as_plain_text(self, sg):
        class Text(str):
            pass

        for row in (sg.nn.vector([1.0]), sg.nn.vector([1.0, 2.0])[1:]):
            row.label = Text("t")
            assert type(row.label) is str
            with pytest.raises(TypeError, match=r"^Vector.label must be a str, got int 3$"):
                row.label = 3
            assert row.label == "t"
            with pytest.raises(AttributeError):
                del row.label

    def test_the_labels_of_elements_are_their_own(self, sg):
        row = sg.nn.vector([1.0, 2.0])
        row.label, row[0].label = "w", "first"
        assert [x.label for x in row] == ["first", ""]


class TestWhatARowIsNot:
    def test_it_has_no_backward_and_says_what_to_take(self, sg):
        for row in (sg.nn.vector([1.0]), sg.Vector([]), sg.nn.softmax([1.0])):
            assert not hasattr(row, "backward")
            with pytest.raises(AttributeError) as raised:
                row.backward()
            assert str(raised.value) == (
                "Vector has no backward: take .sum() or .mean() of the row first, "
                "which is one Value"
            )

    @pytest.mark.parametrize(
        "compute", [operator.floordiv, operator.mod, divmod, operator.matmul, operator.and_]
    )
    def test_operators_without_a_useful_derivative_are_not_there(self, sg, compute):
        row = sg.nn.vector([3.0])
        for pair in ((row, row), (row, 2.0), (2.0, row), (sg.Value(2.0), row)):
            with pytest.raises(TypeError, match=r"unsupported operand|would lose the gradient"):
                compute(*pair)

    def test_power_takes_no_modulus(self, sg):
        with pytest.raises(TypeError):
            pow(sg.nn.vector([3.0]), 2, 5)

    @pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge])
    def test_there_is_no_order_among_rows(self, sg, compare):
        row = sg.nn.vector([3.0])
        for other in (row, 2.0, sg.Value(2.0), [2.0]):
            for pair in ((row, other), (other, row)):
                with pytest.raises(TypeError, match="not supported between"):
                    compare(*pair)

    @pytest.mark.parametrize("convert", [float, int, complex, round, math.exp])
    def test_it_is_no_number(self, sg, convert):
        with pytest.raises(TypeError):
            convert(sg.nn.vector([3.0]))

    def test_plus_row_is_the_row_itself(self, sg):
        row = sg.nn.vector([3.0])
        assert +row is row
        assert row.conjugate() is row

    @pytest.mark.parametrize("kind", [list, tuple])
    @pytest.mark.parametrize(
        "compute",
        [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow],
    )
    def test_to_its_right_a_list_or_tuple_is_one_to_its_left_it_is_python_own(
        self, sg, kind, compute
    ):
        row = sg.nn.vector([3.0, 4.0])
        assert compute(row, kind([1.0, 2.0])).data == (compute(3.0, 1.0), compute(4.0, 2.0))
        with pytest.raises(TypeError):
            compute(kind([1.0, 2.0]), row)

    def test_a_list_is_extended_by_a_row(self, sg):
        row = sg.nn.vector([3.0])
        values = [sg.Value(1.0)]
        values += row
        assert values[1] is row[0]
        values.extend(row * 2.0)
        assert len(values) == 3

    def test_a_row_is_replaced_by_its_sum_with_a_list(self, sg):
        row = before = sg.nn.vector([3.0])
        row += [1.0]
        assert (row.data, before.data) == ((4.0,), (3.0,))

    def test_the_other_operand_is_asked_too(self, sg):
        class Other:
            def answer(self, row: object) -> str:
                return "from the other"

            __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rpow__ = answer
            __add__ = __sub__ = __mul__ = __truediv__ = __pow__ = answer

        row = sg.nn.vector([1.0])
        for compute in (operator.add, operator.sub, operator.mul, operator.truediv, operator.pow):
            assert compute(row, Other()) == compute(Other(), row) == "from the other"

    def test_two_lists_are_no_rows_for_maximum(self, sg):
        with pytest.raises(TypeError, match=r"^maximum: a must be a Value or a real number, got l"):
            sg.maximum([1.0], [2.0])
        assert sg.maximum([1.0, 5.0], sg.nn.vector([2.0, 2.0])).data == (2.0, 5.0)
        assert sg.minimum(sg.nn.vector([2.0, 2.0]), (1.0, 5.0)).data == (1.0, 2.0)
        assert sg.minimum(2, sg.nn.vector([1.0, 5.0])).data == (1.0, 2.0)


REFUSED = [(op, point) for op in OPS for point in op.refused]


class TestErrors:
    """A failing element is named, the first of them; and nothing has changed."""

    @pytest.mark.parametrize(("op", "point"), REFUSED, ids=[f"{op.name}{p}" for op, p in REFUSED])
    def test_an_element_is_named_and_then_it_is_the_error_of_the_number(self, sg, op: Op, point):
        with pytest.raises((ArithmeticError, ValueError)) as of_number:
            op.on_values(sg, *map(sg.Value, point))
        good = op.smooth[-1]
        columns = [[g, g, bad, bad] for g, bad in zip(good, point)]
        rows = [sg.nn.vector(column) for column in columns]
        before = [(made.data, made.grad) for made in rows]
        with pytest.raises(of_number.type) as raised:
            op.on_values(sg, *rows)
        assert type(raised.value) is of_number.type
        assert str(raised.value) == f"{op.name} of element 2: {of_number.value}"
        after = [(made.data, made.grad) for made in rows]
        assert list(map(str, after)) == list(map(str, before))

    def test_in_the_words_of_the_operation(self, sg):
        row = sg.nn.vector([1.0, 2.0, 4.0, -1.0])
        for compute, error, message in (
            (row.log, ValueError, "log of element 3: log(-1.0): not defined for real numbers"),
            (
                lambda: 1.0 / (row - 1.0),
                ZeroDivisionError,
                "/ of element 0: 1.0 / 0.0: division by zero",
            ),
            (
                lambda: row**0.5,
                ValueError,
                "** of element 3: (-1.0) ** 0.5: not defined for real numbers",
            ),
            (
                lambda: (row * 400.0).exp(),
                OverflowError,
                "exp of element 1: exp(800.0): the result is too large for a float",
            ),
        ):
            with pytest.raises(error) as raised:
                compute()
            assert str(raised.value) == message

    @pytest.mark.parametrize("op", OF_TWO, ids=lambda op: op.name)
    def test_of_another_length_are_refused(self, sg, op: Op):
        row = sg.nn.vector([1.0, 2.0])
        for other in (sg.nn.vector([1.0]), sg.Vector([]), row[1:], sg.Vector([1.0] * 3)):
            for a, b in ((row, other), (other, row)):
                with pytest.raises(ValueError, match="the rows have") as raised:
                    op.on_values(sg, a, b)
                sizes = f"{op.name}: the rows have {len(a)} and {len(b)} numbers"
                advice = (
                    ", but this goes number by number; to join rows, write [*a, *b] or "
                    "nn.concatenate([a, b])"
                )
                equal = "; they must be equally long"
                assert str(raised.value) == sizes + (advice if op.name == "+" else equal)

    def test_what_fails_within_no_grad_fails_likewise(self, sg):
        with sg.no_grad(), pytest.raises(ValueError, match="log of element 1: log"):
            sg.nn.vector([1.0, 0.0]).log()


class TestAsOneNode:
    def test_however_long_it_is(self, sg):
        """So that a picture shows one box for it, and `_place` one row."""
        row = sg.nn.vector(range(1000))
        y = row * 2.0 + 1.0
        assert len({x._place()[0] for x in y}) == 1
        assert [x._place()[1] for x in y] == list(range(1000))

    @long_in_python
    def test_a_chain_of_rows_has_no_limit(self, sg):
        row = x = sg.nn.vector([1.0, 2.0])
        for _ in range(50_000):
            row = row + x
        row.sum().backward()
        assert x.grad == (50_001.0, 50_001.0)

    def test_a_value_and_the_row_it_serves_meet_again(self, sg):
        x = sg.Value(3.0)
        row = x * sg.nn.vector([1.0, 2.0])
        ((row * x).sum() * x).backward()  # x**3 (1 + 2)
        assert x.grad == 3.0 * 3.0 * 9.0

    def test_elements_and_rows_mix(self, sg):
        row = sg.nn.vector([1.0, 2.0, 3.0])
        doubled = row * 2.0
        (doubled[0] * doubled[2] + (doubled * row[1]).sum()).backward()
        # 4 x0 x2 + 2 x1 (x0 + x1 + x2)
        assert row.grad == (4.0 * 3.0 + 4.0, 2.0 * 6.0 + 4.0, 4.0 * 1.0 + 4.0)
