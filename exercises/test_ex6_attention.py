"""Tests of exercise 6: they fail until ex6_attention.py is complete."""

import math

import pytest
from ex6_attention import attention, cross_entropy

from scalargrad import Value, gradcheck, nn

QUERIES = [[1.0, 0.5], [-0.5, 2.0], [0.3, -1.0]]
KEYS = [[0.2, -1.0], [1.5, 0.4], [-0.7, 0.9]]
VALUES = [[1.0, 10.0, 0.0], [2.0, 20.0, -1.0], [3.0, 30.0, 0.5]]


def numbers(rows):
    return [[value.data for value in row] for row in rows]


def leaves(rows):
    return [nn.vector(row) for row in rows]


def test_cross_entropy_of_even_odds():
    assert cross_entropy(nn.vector([2.0, 2.0]), 0).data == pytest.approx(math.log(2.0))


@pytest.mark.parametrize("target", [0, 1, 2])
def test_cross_entropy_is_that_of_the_library(target):
    logits = [0.5, -1.0, 2.0]
    mine = cross_entropy(nn.vector(logits), target)
    assert mine.data == pytest.approx(nn.cross_entropy(logits, target).data, rel=1e-12)
    assert mine.parents


def test_its_gradient_is_the_probability_less_one_at_the_target():
    logits = nn.vector([0.5, -1.0, 2.0])
    cross_entropy(logits, 2).backward()
    p = [value.data for value in nn.softmax(logits)]
    assert [x.grad for x in logits] == pytest.approx([p[0], p[1], p[2] - 1.0], rel=1e-12)
    assert gradcheck(lambda x: cross_entropy(x, 2), [[0.5, -1.0, 2.0]])


def test_cross_entropy_of_large_logits():
    assert cross_entropy(nn.vector([1000.0, 0.0]), 1).data == 1000.0
    assert cross_entropy(nn.vector([-1000.0, -1000.0]), 1).data == pytest.approx(math.log(2.0))


def test_the_first_place_sees_only_itself():
    assert numbers(attention(leaves(QUERIES), leaves(KEYS), leaves(VALUES)))[0] == VALUES[0]


def test_equal_scores_take_the_mean():
    same = [[1.0, 1.0]] * 3
    last = numbers(attention(leaves(same), leaves(same), leaves(VALUES)))[2]
    assert last == pytest.approx([2.0, 20.0, -0.5 / 3.0], rel=1e-12)


def test_two_places_by_hand():
    scores = [sum(q * k for q, k in zip(QUERIES[1], key)) / math.sqrt(2.0) for key in KEYS[:2]]
    first = 1.0 / (1.0 + math.exp(scores[1] - scores[0]))
    expected = [first * a + (1.0 - first) * b for a, b in zip(*VALUES[:2])]
    row = numbers(attention(leaves(QUERIES), leaves(KEYS), leaves(VALUES)))[1]
    assert row == pytest.approx(expected, rel=1e-12)


def test_nobody_sees_the_future():
    queries, keys, values = leaves(QUERIES), leaves(KEYS), leaves(VALUES)
    sum(attention(queries, keys, values)[1], start=Value(0.0)).backward()
    future = [value.grad for row in (queries[2], keys[2], values[2]) for value in row]
    assert future == [0.0] * len(future)
    assert 0.0 not in [value.grad for value in values[1]]


def test_gradcheck_agrees():
    assert gradcheck(lambda q, k, v: attention(q, k, v)[2], [QUERIES, KEYS, VALUES])
