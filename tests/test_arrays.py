"""Rows of numbers that come in arrays: of the standard library, of NumPy, and plain memory."""

import array
import math

import numpy as np
import pytest


class Odd(array.array):
    """An array whose items are not what lies in its memory."""

    def __iter__(self):
        return iter([7.0] * len(self))


released = memoryview(array.array("d", [1.0]))
released.release()
DOUBLES = array.array("d", [1.0, -0.0, math.inf, 5e-324])
ARRAYS = {
    "array of doubles": DOUBLES,
    "array of floats": array.array("f", [0.5, 0.25]),
    "array of integers": array.array("q", [1, -2]),
    "a class of its own": Odd("d", [1.0, 2.0]),
    "memory": memoryview(DOUBLES),
    "memory, read only": memoryview(bytes(DOUBLES)).cast("d"),
    "every other": memoryview(DOUBLES)[::2],
    "backwards": memoryview(DOUBLES)[::-1],
    "a part": memoryview(DOUBLES)[1:3],
    "NumPy": np.array([1.0, 2.0]),
    "NumPy, every other": np.arange(6.0)[::2],
    "NumPy, the other byte order": np.array([1.0, 2.0], dtype=">f8"),
    "NumPy, float32": np.array([0.5, 0.1], dtype=np.float32),
    "NumPy, a class of its own": np.ma.array([1.0, 2.0]),
}


class TestArraysOfNumbers:
    """Are taken as the numbers that one gets by going through them, wherever a row is given."""

    @pytest.mark.parametrize("numbers", ARRAYS.values(), ids=list(ARRAYS))
    def test_in_every_place(self, sg, numbers):
        expected = [repr(float(x)) for x in numbers]
        n = len(expected)
        row = sg.nn.vector([0.0] * n)
        assert list(map(repr, sg.nn.vector(numbers).data)) == expected
        assert list(map(repr, sg.Vector(numbers).data)) == expected
        assert list(map(repr, sg.nn.concatenate([numbers]).data)) == expected
        row.data = numbers
        row.grad = numbers
        assert list(map(repr, row.data)) == expected
        assert list(map(repr, row.grad)) == expected

    def test_are_copied(self, sg):
        numbers = array.array("d", [1.0, 2.0])
        row = sg.nn.vector(numbers)
        numbers[0] = 5.0
        assert row.data == (1.0, 2.0)
        numbers.append(3.0)  # which an array that somebody still looks into would refuse

    def test_of_the_wrong_length_are_refused_and_change_nothing(self, sg):
        row = sg.nn.vector([1.0, 2.0])
        with pytest.raises(ValueError, match=r"the row has 2 numbers but 3 were given"):
            row.data = array.array("d", [1.0, 2.0, 3.0])
        assert row.data == (1.0, 2.0)

    def test_without_numbers_are_an_empty_row(self, sg):
        with pytest.raises(ValueError, match="vector: numbers is empty"):
            sg.nn.vector(array.array("d"))
        assert len(sg.Vector(array.array("d"))) == 0

    @pytest.mark.parametrize(
        "numbers", [released, memoryview(bytes(16)).cast("d", [1, 2]), np.zeros((2, 1))]
    )
    def test_that_cannot_be_gone_through_are_refused(self, sg, numbers):
        with pytest.raises((TypeError, ValueError, NotImplementedError)):
            sg.nn.vector(numbers)
