"""Vector: an immutable sequence of Values, each of them the same object every time."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

# A row of the numbers 1.0 to 6.0, in each of the ways that a row comes about.
KINDS = {
    "parameters": lambda sg: sg.nn.vector([1, 2, 3, 4, 5, 6]),
    "values": lambda sg: sg.Vector([sg.Value(x) for x in (1, 2, 3, 4, 5, 6)]),
    "part": lambda sg: sg.nn.vector([9, 9, 1, 2, 3, 4, 5, 6, 9])[2:8],
    "joined": lambda sg: sg.Vector([*sg.nn.vector([1, 2, 3]), *sg.nn.vector([4, 5, 6])]),
    "computed": lambda sg: sg.nn.linear([1.0], [[1], [2], [3], [4], [5], [6]]),
}
every_kind = pytest.mark.parametrize("kind", KINDS)
indices = st.none() | st.integers(-9, 9)


class TestSequence:
    @every_kind
    def test_it_is_one(self, sg, kind):
        row = KINDS[kind](sg)
        assert isinstance(row, Sequence)
        assert len(row) == 6
        assert [x.data for x in row] == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
        assert [x.data for x in reversed(row)] == [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]
        assert all(isinstance(x, sg.Value) for x in row)

    @every_kind
    def test_an_element_is_the_same_object_every_time(self, sg, kind):
        row = KINDS[kind](sg)
        assert row[3] is row[3]
        assert (
            row[3]
            is row[-3]
            is list(row)[3]
            is row[1:][2]
            is row[::-1][2]
            is sg.Vector([*row, 0])[3]
        )

    @every_kind
    @given(start=indices, stop=indices, step=indices.filter(lambda step: step != 0))
    def test_slices_are_those_of_a_list_and_share_the_elements(self, sg, kind, start, stop, step):
        row, part = KINDS[kind](sg), slice(start, stop, step)
        result = row[part]
        assert isinstance(result, sg.Vector)
        assert list(result) == list(row)[part]  # == is identity
        assert len(result) == len(list(row)[part])

    def test_slices_of_slices(self, sg):
        row = sg.nn.vector(range(10))
        assert list(row[2:9][1:-1][::2]) == [row[3], row[5], row[7]]

    @every_kind
    def test_search_is_by_identity_and_for_numbers_by_number(self, sg, kind):
        row = KINDS[kind](sg)
        assert row[4] in row
        assert sg.Value(5.0) not in row
        assert 5.0 in row
        assert 7.0 not in row
        assert (row.index(5), row.count(5.0), row.count(7)) == (4, 1, 0)
        assert (row.index(5.0, 2), row.index(5.0, start=2, stop=5)) == (4, 4)
        assert row.index(row[4]) == 4
        assert row.index(row[4], 2, 5) == 4
        assert (row.count(row[4]), row.count(sg.Value(5.0))) == (1, 0)
        assert sg.Vector([*row, *row]).count(row[4]) == 2
        with pytest.raises(ValueError, match="not in"):
            row.index(row[4], 5)
        with pytest.raises(ValueError, match="not in"):
            row[:3].index(row[4])

    @every_kind
    @pytest.mark.parametrize("index", [6, -7, 10**30])
    def test_an_index_out_of_range_is_named(self, sg, kind, index):
        with pytest.raises(IndexError, match=rf"index {index} .*6|cannot fit"):
            KINDS[kind](sg)[index]

    @every_kind
    @pytest.mark.parametrize("index", ["0", 1.0, None])
    def test_an_index_is_an_int_or_a_slice(self, sg, kind, index):
        with pytest.raises(TypeError, match="Vector: index must be an int or a slice, got"):
            KINDS[kind](sg)[index]

    def test_an_index_may_be_a_numpy_integer(self, sg):
        row = sg.nn.vector([1.0, 2.0])
        assert row[np.int64(1)] is row[1]

    def test_equality_and_hash_are_identity(self, sg):
        row = sg.nn.vector([1.0])
        assert row == row
        assert row != sg.nn.vector([1.0])
        assert row != [row[0]]
        assert len({row, row[:], row}) == 2

    def test_an_empty_row_is_false(self, sg):
        assert not sg.Vector([])
        assert sg.nn.vector([0.0])

    def test_unpacking(self, sg):
        first, *rest = sg.nn.vector([1.0, 2.0, 3.0])
        assert (first.data, [x.data for x in rest]) == (1.0, [2.0, 3.0])


class TestJoining:
    """Rows are joined as lists are: by unpacking, or by `concatenate`, which is one node."""

    @every_kind
    def test_with_a_row_a_list_or_a_tuple(self, sg, kind):
        row, x = KINDS[kind](sg), sg.Value(7.0)
        other = sg.nn.vector([8.0, 9.0])
        assert [*row, *other, x] == [*list(row), *list(other), x]
        joined = sg.nn.concatenate([row, other, [x], (10.0,)])
        assert joined.data == (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 9.0, 7.0, 10.0)

    def test_a_list_that_a_row_is_added_to_stays_a_list(self, sg):
        row, values = sg.nn.vector([1.0, 2.0]), [sg.Value(0.0)]
        values += row
        assert type(values) is list
        assert values[1:] == list(row)

    def test_plus_is_a_sum_and_says_so_where_somebody_wanted_to_join(self, sg):
        with pytest.raises(ValueError, match="join") as raised:
            sg.nn.vector([1.0, 2.0]) + sg.nn.vector([3.0])
        assert str(raised.value) == (
            "+: the rows have 2 and 1 numbers, but this goes number by number; "
            "to join rows, write [*a, *b] or nn.concatenate([a, b])"
        )

    def test_neither_row_is_changed(self, sg):
        a = b = sg.nn.vector([1.0])
        a += [2.0]
        assert (a.data, b.data) == ((3.0,), (1.0,))


class TestImmutability:
    @every_kind
    def test_elements_can_be_neither_replaced_nor_removed(self, sg, kind):
        row = KINDS[kind](sg)
        before = list(row)
        with pytest.raises(TypeError, match="item assignment"):
            row[0] = sg.Value(1.0)
        with pytest.raises(TypeError, match="item deletion"):
            del row[0]
        assert not hasattr(row, "append")
        assert list(row) == before

    def test_the_list_it_was_made_from_is_not_shared(self, sg):
        values = [sg.Value(1.0), sg.Value(2.0)]
        row = sg.Vector(values)
        values.clear()
        assert len(row) == 2


class TestMaking:
    def test_from_values_numbers_and_both(self, sg):
        x = sg.Value(1.0)
        assert sg.Vector([x])[0] is x
        assert [y.data for y in sg.Vector([x, 2, np.float32(0.5)])] == [1.0, 2.0, 0.5]
        assert [y.data for y in sg.Vector([2, True])] == [2.0, 1.0]

    def test_from_any_sequence(self, sg):
        row = sg.nn.vector([1.0, 2.0])
        assert list(sg.Vector(row)) == list(sg.Vector(tuple(row))) == list(row)
        assert list(sg.Vector(x for x in row)) == list(row)
        assert [x.data for x in sg.Vector(np.array([1.0, 2.0]))] == [1.0, 2.0]
        assert [x.data for x in sg.Vector(range(2))] == [0.0, 1.0]

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ("12", "values must be a sequence, got str '12'"),
            (b"12", "values must be a sequence, got bytes"),
            (3.0, r"values must be a sequence, got float 3\.0"),
            (None, "values must be a sequence, got None"),
            ({1.0: 2.0}, "values must be a sequence, got dict"),
            ({1.0}, "values must be a sequence, got set"),  # in no order
            ([1.0, "2"], r"values\[1\] must be a Value or a real number, got str '2'"),
            ([[1.0]], r"values\[0\] must be a Value or a real number, got list"),
            ([1j], r"values\[0\] must be a Value or a real number, got complex 1j"),
            (np.ones((2, 2)), r"values\[0\] must be a Value or a real number, got ndarray"),
        ],
    )
    def test_anything_else_is_refused_by_name(self, sg, values, message):
        with pytest.raises(TypeError, match=f"Vector: {message}"):
            sg.Vector(values)

    def test_an_int_beyond_the_range_of_floats_is_refused_by_name(self, sg):
        with pytest.raises(OverflowError, match=r"Vector: values\[1\] is too large"):
            sg.Vector([1.0, 10**400])
        with pytest.raises(OverflowError, match=r"Vector: values\[1\] is too large"):
            sg.Vector([sg.Value(1.0), 10**400])


class TestPrinting:
    def test_repr_shows_the_numbers(self, sg):
        assert repr(sg.nn.vector([0.1, -2])) == "Vector([0.1, -2.0])"
        assert repr(sg.Vector([])) == "Vector([])"

    @every_kind
    def test_repr_is_the_same_however_the_row_came_about(self, sg, kind):
        assert repr(KINDS[kind](sg)) == "Vector([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])"

    def test_repr_of_a_long_row_is_short(self, sg):
        assert repr(sg.nn.vector(range(12))).count(",") == 11
        assert repr(sg.nn.vector(range(1000))) == (
            "Vector([0.0, 1.0, 2.0, ... 994 more ..., 997.0, 998.0, 999.0])"
        )


class TestElements:
    """Each element of a row is a Value like any other."""

    def test_of_parameters_are_leaves(self, sg):
        x = sg.nn.vector([1.0, 2.0])[1]
        assert (x.data, x.grad, x.parents, x.local_grads, x.op) == (2.0, 0.0, (), (), "")

    def test_of_linear(self, sg):
        x, w, b = sg.nn.vector([2.0, 3.0]), sg.nn.matrix(2, 2), sg.nn.vector([0.5, 0.25])
        y = sg.nn.linear(x, w, b)[1]
        assert y.op == "linear"
        assert y.parents == (*x, *w[1], b[1])
        assert y.local_grads == (w[1][0].data, w[1][1].data, 2.0, 3.0, 1.0)
        assert y.data == pytest.approx(2.0 * w[1][0].data + 3.0 * w[1][1].data + 0.25)

    def test_of_dot(self, sg):
        a, b = sg.nn.vector([2.0, 3.0]), sg.nn.vector([5.0, 7.0])
        y = sg.nn.dot(a, b)
        assert (y.data, y.op, y.parents) == (31.0, "dot", (*a, *b))
        assert y.local_grads == (5.0, 7.0, 2.0, 3.0)

    def test_of_softmax(self, sg):
        x = sg.nn.vector([1.0, 1.0])
        y = sg.nn.softmax(x)[1]
        assert (y.data, y.op, y.parents) == (0.5, "softmax", tuple(x))
        assert y.local_grads == (-0.25, 0.25)

    def test_of_rmsnorm(self, sg):
        x = sg.nn.vector([3.0, -3.0])
        y = sg.nn.rmsnorm(x, eps=0.0)[1]
        assert (y.data, y.op, y.parents) == (-1.0, "rmsnorm", tuple(x))
        assert y.local_grads == pytest.approx((1 / 6, 1 / 6), rel=1e-15)

    def test_of_cross_entropy(self, sg):
        x = sg.nn.vector([1.0, 1.0])
        y = sg.nn.cross_entropy(x, 0)
        assert (y.op, y.parents, y.local_grads) == ("cross_entropy", tuple(x), (-0.5, 0.5))

    def test_can_be_written_and_the_row_shows_it(self, sg):
        row = sg.nn.vector([1.0, 2.0, 3.0])
        row[1].data, row[2].grad, row[0].label = 20, 5, "first"
        assert repr(row) == "Vector([1.0, 20.0, 3.0])"
        assert [x.grad for x in row] == [0.0, 0.0, 5.0]
        assert row[0].label == "first"
        assert repr(row[0]) == "Value(data=1.0, grad=0.0, label='first')"

    def test_writing_to_a_slice_writes_to_the_row(self, sg):
        row = sg.nn.vector([1.0, 2.0, 3.0])
        part = row[1:]
        part[0].data, part[1].grad = 20.0, 5.0
        assert (row[1].data, row[2].grad) == (20.0, 5.0)

    def test_a_computed_number_can_be_overwritten_for_what_follows(self, sg):
        x = sg.nn.vector([1.0, 2.0])
        y = sg.nn.linear(x, [[3.0, 4.0]])
        y[0].data = 100.0
        z = y[0] * 2.0
        assert z.data == 200.0
        z.backward()
        assert [v.grad for v in x] == [6.0, 8.0]

    def test_outlive_their_row(self, sg):
        x = sg.nn.softmax(sg.nn.vector([1.0, 1.0]))[0]
        assert (x.data, x.op, len(x.parents)) == (0.5, "softmax", 2)
