"""NumPy: arrays of Values compute as arrays of numbers do, and gradients flow through them."""

import math
import warnings

import numpy as np
import pytest
from oracles import bits


@pytest.fixture
def array(sg):
    return np.array([sg.Value(1.0), sg.Value(2.0), sg.Value(3.0)])


def numbers(array):
    return [x.data for x in array.flat]


def test_an_array_of_values_is_an_object_array(array):
    assert array.dtype == object
    assert array.shape == (3,)


def test_a_row_becomes_an_array_of_its_elements(sg):
    row = sg.nn.vector([1.0, 2.0])
    array = np.array(row)
    assert array.dtype == object
    assert list(array) == list(row)


@pytest.mark.parametrize(
    "compute",
    [
        lambda a, x: a + x,
        lambda a, x: x + a,
        lambda a, x: a - x,
        lambda a, x: x - a,
        lambda a, x: a * x,
        lambda a, x: x * a,
        lambda a, x: a / x,
        lambda a, x: x / a,
        lambda a, x: a**x,
        lambda a, x: x**a,
    ],
    ids=["a+x", "x+a", "a-x", "x-a", "a*x", "x*a", "a/x", "x/a", "a**x", "x**a"],
)
class TestOperators:
    def test_between_an_array_of_floats_and_a_value(self, sg, compute):
        floats = np.array([1.0, 2.0, 3.0])
        result = compute(floats, sg.Value(1.5))
        assert all(isinstance(x, sg.Value) for x in result)
        assert numbers(result) == [compute(x, 1.5) for x in (1.0, 2.0, 3.0)]

    def test_between_an_array_of_values_and_a_value_or_number(self, sg, array, compute):
        expected = [compute(x, 1.5) for x in (1.0, 2.0, 3.0)]
        for other in (sg.Value(1.5), 1.5, np.float64(1.5), np.float32(1.5)):
            assert numbers(compute(array, other)) == expected

    def test_between_two_arrays(self, sg, array, compute):
        assert numbers(compute(array, np.array([0.5, 1.5, 2.5]))) == [
            compute(x, y) for x, y in ((1.0, 0.5), (2.0, 1.5), (3.0, 2.5))
        ]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (np.exp, math.exp),
        (np.log, math.log),
        (np.log1p, math.log1p),
        (np.expm1, math.expm1),
        (np.sqrt, math.sqrt),
        (np.sin, math.sin),
        (np.cos, math.cos),
        (np.tan, math.tan),
        (np.sinh, math.sinh),
        (np.cosh, math.cosh),
        (np.log2, math.log2),
        (np.log10, math.log10),
        (np.tanh, math.tanh),
        (np.abs, abs),
        (np.negative, lambda x: -x),
        (np.positive, lambda x: x),
        (np.square, lambda x: x * x),
    ],
    ids=lambda f: getattr(f, "__name__", ""),
)
def test_functions_of_numpy(sg, array, function, expected):
    result = function(array)
    assert all(isinstance(x, sg.Value) for x in result)
    assert numbers(result) == [expected(x) for x in (1.0, 2.0, 3.0)]
    single = function(sg.Value(2.0))
    assert isinstance(single, sg.Value)
    assert single.data == expected(2.0)


def test_sums_and_means(array):
    assert array.sum().data == np.sum(array).data == 6.0
    assert array.mean().data == 2.0
    assert numbers(array.cumsum()) == [1.0, 3.0, 6.0]
    assert array.prod().data == 6.0


@pytest.mark.parametrize("ddof", [0, 1])
def test_variance_and_standard_deviation(sg, array, ddof):
    floats = np.array([1.0, 2.0, 3.0])
    assert array.var(ddof=ddof).data == np.var(array, ddof=ddof).data == floats.var(ddof=ddof)
    assert array.std(ddof=ddof).data == floats.std(ddof=ddof)
    np.var(array, ddof=ddof).backward()
    expected = 2 * (floats - floats.mean()) / (3 - ddof)
    assert [x.grad for x in array] == pytest.approx(list(expected), rel=1e-15)
    assert np.conjugate(array[0]) is array[0]


def test_matrix_products(sg, array):
    matrix = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    assert numbers(matrix @ array) == [14.0, 32.0]
    assert (array @ array).data == np.dot(array, array).data == 14.0
    assert numbers(np.einsum("ij,j->i", matrix, array)) == [14.0, 32.0]


def test_ordering(sg, array):
    assert (array < sg.Value(2.0)).tolist() == [True, False, False]
    assert (array >= 2.0).tolist() == [False, True, True]
    assert (sg.Value(2.0) < np.array([1.0, 3.0])).tolist() == [False, True]
    assert (np.array([1.0, 3.0]) < sg.Value(2.0)).tolist() == [True, False]
    assert np.sort(array[::-1]).tolist() == array.tolist()
    assert array.argmax() == 2
    assert array.max() is array[2]
    assert np.maximum(array, sg.Value(2.5))[2] is array[2]


def test_equality_is_that_of_each_value_also_within_arrays(sg, array):
    """Between Values identity, and with numbers that of their numbers."""
    assert (array == array).all()
    assert (array == np.array([1.0, 2.0, 4.0])).tolist() == [True, True, False]
    assert not (array == sg.Value(1.0)).any()


def test_equality_of_a_value_with_arrays_of_numbers_is_that_of_numbers(sg):
    floats = np.array([1.0, 2.0])
    for result in (floats == sg.Value(1.0), sg.Value(1.0) == floats):
        assert result.tolist() == [True, False]
    for result in (floats != sg.Value(1.0), sg.Value(1.0) != floats):
        assert result.tolist() == [False, True]
    assert np.float64(1.0) == sg.Value(1.0)
    assert sg.Value(1.0) == np.float64(1.0)


@pytest.mark.parametrize(
    "compute",
    [
        np.median,
        np.linalg.norm,
        np.prod,
        lambda a: np.clip(a, 1.5, 2.5).sum(),
        lambda a: np.where(a > 1.5, a * a, 0.0).sum(),
        lambda a: np.outer(a, a).sum(),
        lambda a: np.reciprocal(a).sum(),
        lambda a: np.sort(a)[-1],
        np.min,
    ],
    ids=["median", "norm", "prod", "clip", "where", "outer", "reciprocal", "sort", "min"],
)
def test_functions_that_numpy_builds_from_operators(sg, array, compute):
    """Checked by differences of NumPy's own floats."""
    result = compute(array)
    result.backward()
    at = np.array([1.0, 2.0, 3.0])
    assert result.data == pytest.approx(float(compute(at)), rel=1e-15)
    for i, x in enumerate(array):
        step = np.eye(3)[i] * 1e-6
        difference = float(compute(at + step) - compute(at - step)) / 2e-6
        assert x.grad == pytest.approx(difference, abs=1e-8)


def test_gradients_flow_through_arrays(sg):
    x = np.array([sg.Value(0.5), sg.Value(-1.0)])
    w = np.array([[1.0, 2.0], [3.0, 4.0]])
    np.sum(np.tanh(w @ x) ** 2).backward()
    t = np.tanh(w @ [0.5, -1.0])
    assert [v.grad for v in x] == pytest.approx(list(w.T @ (2 * t * (1 - t**2))), rel=1e-14)


def test_poles_of_derivatives_are_no_business_of_numpy(sg):
    """It warns of what the processor has noted since it began, here of anything at all."""
    zero, negative = np.array([sg.Value(0.0)]), np.array([sg.Value(-2.0)])
    with np.errstate(all="raise"):
        assert np.sqrt(zero)[0].local_grads == (math.inf,)
        assert (zero**0.5)[0].local_grads == (math.inf, 0.0)
        assert (zero**0.0)[0].local_grads == (0.0, 0.0)
        assert (zero**-math.inf)[0].local_grads == (-math.inf, -math.inf)
        assert (negative**2.0)[0].local_grads[0] == -4.0
        assert (negative**-1.0)[0].local_grads[0] == -0.25
        assert (negative**math.inf)[0].local_grads[0] == math.inf


def test_a_value_has_neither_length_nor_array_protocol(sg):
    """With them NumPy would take it for something else."""
    x = sg.Value(1.0)
    for name in ("__len__", "__array__", "__array_ufunc__", "__array_priority__", "__iter__"):
        assert not hasattr(x, name)


# Rows: they compute number by number, as arrays do, and give rows.


@pytest.fixture
def row(sg):
    return sg.nn.vector([1.0, 2.0, 3.0])


OPERATORS_OF_TWO = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "maximum": np.maximum,
    "minimum": np.minimum,
}
ON_EITHER_SIDE = {
    "float64": np.float64(2.5),
    "float32": np.float32(2.5),
    "int64": np.int64(2),
    "bool_": np.bool_(True),
    "array": np.array([0.5, 1.5, 2.5]),
    "array of int": np.array([1, 2, 3]),
    "array of float32": np.array([0.5, 1.5, 2.5], dtype=np.float32),
    "array of no dimension": np.array(2.5),
}


class TestRows:
    @pytest.mark.parametrize("other", ON_EITHER_SIDE)
    @pytest.mark.parametrize("symbol", OPERATORS_OF_TWO)
    def test_meet_numbers_and_arrays_on_either_side(self, sg, row, symbol, other):
        compute, beside = OPERATORS_OF_TWO[symbol], ON_EITHER_SIDE[other]
        numbers, others = row.data, np.broadcast_to(np.float64(beside), 3).tolist()
        for result, expected in (
            (compute(row, beside), [compute(a, b) for a, b in zip(numbers, others)]),
            (compute(beside, row), [compute(b, a) for a, b in zip(numbers, others)]),
        ):
            assert type(result) is sg.Vector
            assert [bits(x) for x in result.data] == [bits(float(x)) for x in expected]
            assert {x.op for x in result} == {symbol}
            assert row[1] in result[1].parents

    def test_an_array_of_values_brings_its_graph(self, sg, row, array):
        for result in (row * array, array * row):
            assert type(result) is sg.Vector
            assert set(result[1].parents) == {row[1], array[1]}

    def test_one_number_of_numpy_serves_the_whole_row(self, row):
        y = np.float64(2.0) * row
        assert y[0].parents[0] is y[2].parents[0]
        y.sum().backward()
        assert (row.grad, y[0].parents[0].grad) == ((2.0,) * 3, 6.0)

    @pytest.mark.parametrize(
        ("function", "expected"),
        [
            (np.exp, math.exp),
            (np.log, math.log),
            (np.log1p, math.log1p),
            (np.expm1, math.expm1),
            (np.sqrt, math.sqrt),
            (np.sin, math.sin),
            (np.cos, math.cos),
            (np.tan, math.tan),
            (np.log2, math.log2),
            (np.log10, math.log10),
            (np.arctan, math.atan),
            (np.sinh, math.sinh),
            (np.cosh, math.cosh),
            (np.tanh, math.tanh),
            (np.abs, abs),
            (np.fabs, abs),
            (np.negative, lambda x: -x),
            (np.positive, lambda x: x),
            (np.conjugate, lambda x: x),
            (np.square, lambda x: x * x),
        ],
        ids=lambda f: getattr(f, "__name__", ""),
    )
    def test_functions(self, sg, row, function, expected):
        result = function(row)
        assert type(result) is sg.Vector
        assert result.data == tuple(expected(x) for x in row.data)
        result.sum().backward()
        assert all(row.grad)

    def test_functions_with_other_names_here(self, sg, row):
        small = sg.nn.vector([0.5, -0.25])
        assert np.arcsin(small).data == small.asin().data
        assert np.arccos(small).data == small.acos().data
        assert np.arctan2(row, 2.0).data == sg.atan2(row, 2.0).data
        assert np.arctan2(2.0, row).data == sg.atan2(2.0, row).data
        for pair in ([1000.0, 1000.0], [-3.0, 2.0]):
            a, b = sg.nn.vector([pair[0]]), sg.nn.vector([pair[1]])
            joined = sg.nn.logsumexp(pair).data
            assert np.logaddexp(a, b)[0].data == pytest.approx(joined, rel=1e-15)

    @pytest.mark.parametrize(
        ("function", "symbol"),
        [
            (np.add, "+"),
            (np.subtract, "-"),
            (np.multiply, "*"),
            (np.divide, "/"),
            (np.true_divide, "/"),
            (np.power, "**"),
            (np.float_power, "**"),
        ],
        ids=lambda f: getattr(f, "__name__", ""),
    )
    def test_functions_of_two(self, row, function, symbol):
        for result in (function(row, row), function(row, 2.0), function(2.0, row)):
            assert {x.op for x in result} == {symbol}
        assert function(row, 2.0).data == OPERATORS_OF_TWO[symbol](row, 2.0).data

    @pytest.mark.parametrize(
        ("compute", "message"),
        [
            (
                lambda row: np.add.reduce(row),
                "numpy.add.reduce: not for a Vector; it has .sum() and .mean(), "
                "and np.array(list(row)) is an array of its Values",
            ),
            (
                lambda row: np.multiply.outer(row, row),
                "numpy.multiply.outer: not for a Vector; it has .sum() and .mean(), "
                "and np.array(list(row)) is an array of its Values",
            ),
            (
                lambda row: np.exp(row, out=np.zeros(3)),
                "numpy.exp: a Vector takes no out=; it gives a new Vector",
            ),
            (
                lambda row: np.add(row, 1.0, where=[True, False, True]),
                "numpy.add: a Vector takes no where=; it gives a new Vector",
            ),
            (
                lambda row: np.cbrt(row),
                "numpy.cbrt: not for a Vector; np.cbrt(row.data) computes with its numbers, "
                "without a graph",
            ),
            (
                lambda row: np.less(row, 2.0),
                "numpy.less: not for a Vector; np.less(row.data, other) computes with its "
                "numbers, without a graph",
            ),
            (
                lambda row: np.ones((2, 3)) @ row,
                "numpy.matmul: not for a Vector; write nn.dot(a, b), or nn.linear(row, matrix), "
                "or np.array(list(row)) for the row",
            ),
            (
                lambda row: np.ones((2, 3)) * row,
                "numpy.multiply: beside a Vector an array must have one dimension, "
                "got ndarray of shape (2, 3); go through its rows",
            ),
            (
                lambda row: row + np.ones((3, 1)),
                "numpy.add: beside a Vector an array must have one dimension, "
                "got ndarray of shape (3, 1); go through its rows",
            ),
        ],
        ids=["reduce", "outer", "out", "where", "cbrt", "less", "matmul", "table", "column"],
    )
    def test_what_they_do_not_do_is_refused_with_advice(self, row, compute, message):
        with pytest.raises(TypeError) as raised:
            compute(row)
        assert str(raised.value) == message
        assert (row.data, row.grad) == ((1.0, 2.0, 3.0), (0.0, 0.0, 0.0))

    def test_an_array_is_not_changed_by_a_row_in_place(self, row):
        floats = np.zeros(3)
        with pytest.raises(TypeError, match="a Vector takes no out="):
            floats += row
        assert floats.tolist() == [0.0, 0.0, 0.0]

    def test_errors_name_the_element_as_without_numpy(self, row):
        with pytest.raises(ValueError, match=r"^log of element 0: log\(0.0\): not defined"):
            np.log(row - 1.0)
        with pytest.raises(ValueError, match=r"^\*: the rows have 2 and 3 numbers; they"):
            np.ones(2) * row

    def test_poles_are_no_business_of_numpy(self, sg):
        with np.errstate(all="raise"), warnings.catch_warnings():
            warnings.simplefilter("error")
            zero = sg.nn.vector([0.0, -0.0])
            np.sqrt(zero).sum().backward()
            (np.float64(2.0) * zero**0.5).sum().backward()
            assert str(zero.grad) == "(inf, nan)"  # of -0.0, -inf + inf

    def test_a_row_is_still_a_sequence_to_make_an_array_of(self, row):
        made = np.array(row * 2.0)
        assert (made.dtype, made.shape) == (object, (3,))
        assert np.array(row.data).dtype == np.float64


class TestMatrices:
    def test_are_made_of_the_rows_of_a_table(self, sg):
        table = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
        matrix = tuple(sg.nn.vector(row) for row in table)
        x = sg.nn.vector([1.0, -1.0])
        assert sg.nn.linear(x, matrix).data == sg.nn.linear(x, table).data == (-1.0, -1.0, -1.0)
        sg.nn.linear(x, matrix)[2].backward()
        assert np.array([row.grad for row in matrix]).tolist() == [[0, 0], [0, 0], [1, -1]]
        assert x.grad == (5.0, 6.0)


class TestColumnsOfPandas:
    @pytest.fixture
    def frame(self):
        pandas = pytest.importorskip("pandas", reason="pandas is not installed")
        return pandas.DataFrame({"height": [1.5, 2.5], "weight": [3, 4]})

    def test_become_rows(self, sg, frame):
        assert sg.nn.vector(frame["height"]).data == (1.5, 2.5)
        assert sg.nn.vector(frame["weight"]).data == (3.0, 4.0)

    def test_stand_beside_rows(self, sg, frame):
        row = sg.nn.vector([2.0, 10.0])
        (row * frame["height"]).sum().backward()
        assert row.grad == (1.5, 2.5)

    def test_of_a_whole_table_become_its_rows(self, sg, frame):
        rows = tuple(sg.nn.vector(row) for row in frame.to_numpy())
        assert [row.data for row in rows] == [(1.5, 3.0), (2.5, 4.0)]

    def test_with_names_are_no_matrix(self, sg, frame):
        with pytest.raises(TypeError, match=r"linear: w\[0\] must be a sequence, got str 'height'"):
            sg.nn.linear([1.0, 1.0], frame)
