"""backward: the chain rule on every shape of graph, once and again."""

import math

import numpy as np
import pytest


class TestChainRule:
    def test_along_a_chain(self, sg):
        x = sg.Value(0.5)
        y = x.sin().exp()
        y.backward()
        assert x.grad == pytest.approx(math.cos(0.5) * math.exp(math.sin(0.5)), rel=1e-15)

    def test_a_number_used_twice_gets_both_shares(self, sg):
        x = sg.Value(3.0)
        (x * x + 2.0 * x).backward()
        assert x.grad == 8.0

    def test_the_same_number_as_both_operands(self, sg):
        for compute, slope in (
            (lambda x: x + x, 2.0),
            (lambda x: x - x, 0.0),
            (lambda x: x * x, 6.0),
            (lambda x: x / x, 0.0),
            (lambda x: x**x, 27.0 * (1.0 + math.log(3.0))),
            (lambda x: sg.maximum(x, x), 1.0),
        ):
            x = sg.Value(3.0)
            compute(x).backward()
            assert x.grad == pytest.approx(slope, rel=1e-15)

    def test_a_diamond_visits_the_shared_number_after_both_sides(self, sg):
        x = sg.Value(2.0)
        shared = x * 3.0
        left, right = shared * shared, shared + 1.0
        (left * right).backward()  # s**2 (s + 1), with s = 3 x
        assert shared.grad == 3.0 * 6.0**2 + 2.0 * 6.0
        assert x.grad == 3.0 * shared.grad

    def test_a_ladder_of_diamonds_takes_no_more_than_its_nodes(self, sg):
        """It has 2 ** 100 paths."""
        x = y = sg.Value(1.0)
        for _ in range(100):
            y = y + y
        y.backward()
        assert x.grad == 2.0**100

    def test_every_number_on_the_way_has_its_gradient(self, sg):
        x = sg.Value(2.0)
        y = x * 3.0
        z = y * 5.0
        z.backward()
        assert (z.grad, y.grad, x.grad) == (1.0, 5.0, 15.0)

    def test_plain_numbers_are_parents_with_gradients_too(self, sg):
        y = sg.Value(2.0) * 3.0
        y.backward()
        assert y.parents[1].grad == 2.0

    def test_what_the_output_does_not_depend_on_keeps_its_gradient(self, sg):
        x, other = sg.Value(2.0), sg.Value(3.0)
        other.grad = 7.0
        (x * 2.0).backward()
        assert other.grad == 7.0


class TestCustomOperations:
    def test_use_the_derivatives_they_were_given(self, sg):
        x = sg.Value(0.5)
        y = sg.Value(math.atan(x.data), (x,), (1.0 / (1.0 + x.data**2),), op="atan")
        (y * 2.0).backward()
        assert x.grad == 2.0 / 1.25

    def test_the_same_parent_twice(self, sg):
        x = sg.Value(3.0)
        sg.Value(9.0, (x, x), (3.0, 3.0)).backward()
        assert x.grad == 6.0

    def test_of_elements_of_rows(self, sg):
        row = sg.nn.rmsnorm([1.0, 1.0], eps=0.0)
        total = sg.Value(2.0, row, (1.0, 10.0))
        total.backward()
        assert [y.grad for y in row] == [1.0, 10.0]

    def test_parents_are_visited_in_whatever_order_they_stand(self, sg):
        x = sg.Value(2.0)
        y = x * x
        for parents, local_grads in (((x, y), (1.0, 1.0)), ((y, x), (1.0, 1.0))):
            x.grad = 0.0
            sg.Value(6.0, parents, local_grads).backward()
            assert x.grad == 5.0


class TestCallingItAgain:
    def test_leaves_accumulate_and_the_others_hold_the_latest_call(self, sg):
        x = sg.Value(3.0)
        y = x * x
        z = y * 2.0
        z.backward()
        assert (x.grad, y.grad, z.grad) == (12.0, 2.0, 1.0)
        z.backward()
        assert (x.grad, y.grad, z.grad) == (24.0, 2.0, 1.0)

    def test_a_leaf_whose_operation_has_a_name_is_a_leaf(self, sg):
        x = sg.Value(3.0, op="input")
        for times in (1, 2, 3):
            (x * 2.0).backward()
            assert x.grad == 2.0 * times

    def test_the_same_for_rows(self, sg):
        x, w = sg.nn.vector([1.0, 2.0]), sg.nn.vector([3.0, 4.0])
        hidden = sg.nn.linear(x, [w])
        loss = hidden[0] * hidden[0]
        loss.backward()
        once = [v.grad for v in (*x, *w)]
        assert (hidden[0].grad, once) == (22.0, [66.0, 88.0, 22.0, 44.0])
        loss.backward()
        assert hidden[0].grad == 22.0
        assert [v.grad for v in (*x, *w)] == [2.0 * grad for grad in once]

    def test_two_outputs_add_up_in_the_leaves_they_share(self, sg):
        x = sg.Value(3.0)
        y = x * x
        a, b = y * 10.0, y * 100.0
        a.backward()
        b.backward()
        assert (x.grad, y.grad) == (660.0, 100.0)

    def test_from_a_number_on_the_way(self, sg):
        x = sg.Value(3.0)
        y = x * x
        (y * 10.0).backward()
        y.backward()
        assert (x.grad, y.grad) == (66.0, 1.0)

    def test_after_the_gradient_was_set_to_zero(self, sg):
        x = sg.Value(3.0)
        y = x * x
        y.backward()
        x.grad = 0.0
        y.backward()
        assert x.grad == 6.0

    def test_a_gradient_that_was_written_is_added_to_in_leaves_only(self, sg):
        x = sg.Value(3.0)
        y = x * x
        z = y * 2.0
        x.grad = y.grad = z.grad = 100.0
        z.backward()
        assert (x.grad, y.grad, z.grad) == (112.0, 2.0, 1.0)


class TestUpstreamGradient:
    def test_multiplies_every_derivative(self, sg):
        x = sg.Value(3.0)
        y = x * x
        y.backward(10.0)
        assert (y.grad, x.grad) == (10.0, 60.0)

    @pytest.mark.parametrize("number", [2, True, np.float32(0.5)])
    def test_is_any_real_number(self, sg, number):
        x = sg.Value(3.0)
        (x * 1.0).backward(grad=number)
        assert x.grad == float(number)

    @pytest.mark.parametrize("thing", ["1", None, 1j, [1.0]])
    def test_refuses_anything_else_and_changes_nothing(self, sg, thing):
        x = sg.Value(3.0)
        y = x * x
        y.backward()
        with pytest.raises(TypeError, match="backward: grad must be a real number"):
            y.backward(thing)
        assert (x.grad, y.grad) == (6.0, 1.0)

    def test_of_a_leaf_is_its_own_gradient(self, sg):
        for x in (sg.Value(3.0), sg.nn.vector([3.0])[0]):
            x.backward()
            x.backward(2.0)
            assert x.grad == 3.0


class TestRows:
    def test_elements_of_one_row_as_outputs(self, sg):
        x = sg.nn.vector([1.0, 1.0])
        p = sg.nn.softmax(x)
        p[0].backward()
        assert [v.grad for v in x] == [0.25, -0.25]
        assert [v.grad for v in p] == [1.0, 0.0]
        p[1].backward(10.0)
        assert [v.grad for v in x] == [-2.25, 2.25]
        assert [v.grad for v in p] == [0.0, 10.0]

    def test_a_row_of_which_one_number_is_used(self, sg):
        x, w = sg.nn.vector([1.0, 2.0]), sg.nn.matrix(3, 2)
        y = sg.nn.linear(x, w)
        (y[1] * 5.0).backward()
        assert [v.grad for v in y] == [0.0, 5.0, 0.0]
        assert [[v.grad for v in row] for row in w] == [[0.0, 0.0], [5.0, 10.0], [0.0, 0.0]]

    def test_a_parameter_of_which_one_number_is_used(self, sg):
        x = sg.nn.vector([1.0, 2.0, 3.0])
        (x[1] * 5.0).backward()
        assert [v.grad for v in x] == [0.0, 5.0, 0.0]

    def test_a_slice_of_a_row(self, sg):
        x = sg.nn.vector([1.0, 2.0, 3.0])
        h = sg.nn.linear(x, [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        sg.nn.dot(h[1:], [10.0, 100.0]).backward()
        assert [v.grad for v in x] == [0.0, 10.0, 100.0]

    def test_two_numbers_of_one_row_that_depend_on_each_other_through_others(self, sg):
        """The row is done only when everything made from any of its numbers is."""
        x = sg.nn.vector([2.0, 3.0])
        y = sg.nn.linear(x, [[1.0, 0.0], [0.0, 1.0]])
        z = y[0] * y[0]
        loss = z * y[1] + sg.nn.dot(y, [z, 1.0])  # x0**2 x1 + x0**3 + x1
        loss.backward()
        assert [v.grad for v in x] == [24.0, 5.0]

    def test_one_row_in_many_places(self, sg):
        x = sg.nn.vector([2.0, 3.0])
        y = sg.nn.linear(x, [x, x[::-1], [x[0], 1.0]], [x[1], 0.0, x[0] * x[0]])
        sum(y).backward()  # (x0**2 + x1**2 + x1) + 2 x0 x1 + (x0**2 + x1 + x0**2)
        assert [v.grad for v in x] == [4.0 + 6.0 + 8.0, 6.0 + 1.0 + 4.0 + 1.0]

    def test_numbers_of_different_rows_in_one_row(self, sg):
        a, b, c = sg.nn.vector([1.0, 2.0]), sg.nn.softmax([0.0, 0.0]), sg.Value(3.0)
        sg.nn.dot([a[1], b[0], c, 4.0, a[1]], [1.0, 10.0, 100.0, 1000.0, 10000.0]).backward()
        assert ([v.grad for v in a], b[0].grad, c.grad) == ([0.0, 10001.0], 10.0, 100.0)
