"""Slopes by measurement: what is measured, how far it may be off, and which steps are taken.

What a function gives at five points is all there is to see; here it is made up for each test.
"""

from types import SimpleNamespace

import pytest

GOLDEN = 0.6180339887498949  # the shorter step, as a part of the longer one


@pytest.fixture
def differences(sg):
    from scalargrad.checking import differences

    return differences


def slope_of(differences, f, x=0.0, h=1e-3):
    return differences.Slope(
        [(x + part * h, f(x + part * h)) for part in (-1.0, -GOLDEN, 0.0, GOLDEN, 1.0)]
    )


def never(slope):
    return False


class TestSlope:
    @pytest.mark.parametrize("h", [0.1, 1e-3])
    def test_of_a_cubic_is_exact_but_for_rounding(self, differences, h):
        slope = slope_of(differences, lambda x: x**3 - x, 2.0, h)
        assert slope.value == pytest.approx(11.0, abs=1e-15 / h * 100)
        assert abs(slope.value - 11.0) <= slope.error
        assert slope.is_clear
        assert not slope.is_kink
        assert not slope.is_flat

    @pytest.mark.parametrize("size", [1.0, 1e-4])
    def test_at_a_kink_reaches_both_sides(self, differences, size):
        slope = slope_of(differences, lambda x: size * abs(x) + x)
        assert slope.is_kink
        assert slope.left == pytest.approx(1.0 - size, rel=1e-9)
        assert slope.right == pytest.approx(1.0 + size, rel=1e-9)
        assert slope.error >= 0.99 * size

    def test_a_bend_that_may_be_rounding_is_no_kink(self, differences):
        unit = 2.0**-33  # the distance between floats around 1e6
        ys = [1e6 + steps * unit for steps in (10, 6, 0, 6, 10)]
        points = [(x, y) for x, y in zip((-1e-3, -GOLDEN * 1e-3, 0.0, GOLDEN * 1e-3, 1e-3), ys)]
        slope = differences.Slope(points)
        assert not slope.is_kink
        assert slope.error > unit / 1e-3

    def test_where_everything_is_zero_there_is_nothing_clear(self, differences):
        slope = slope_of(differences, lambda x: 0.0)
        assert (slope.value, slope.error, str(slope)) == (0.0, 0.0, "0")
        assert slope.is_flat
        assert not slope.is_clear

    def test_is_printed_with_as_many_digits_as_are_known(self, differences):
        assert str(slope_of(differences, lambda x: x / 3.0, h=1e-3)) == "0.3333333333"
        rounded = slope_of(differences, lambda x: round(x / 3.0, 6), h=1e-3)
        assert len(str(rounded)) <= len("0.333")

    def test_is_printed_also_where_its_error_vanishes(self, differences):
        slope = slope_of(differences, lambda x: round(x / 1e6) * 1e-316, h=1e7)
        assert (slope.error, str(slope)) == (0.0, "9.387247271e-323")


class TestTheBetterSlope:
    @pytest.mark.parametrize(
        ("new", "old", "better"),
        [
            ((0.5, 10.0, True), (0.2, 2.0, True), True),  # of two clear ones, relative to it
            ((0.2, 2.0, True), (0.5, 10.0, True), False),
            ((0.2, 2.0, True), (0.2, 2.0, True), False),
            ((0.5, -10.0, True), (0.2, 2.0, True), True),
            ((0.5, 1.0, True), (0.2, 1.0, False), True),  # one that is clear
            ((0.2, 1.0, False), (0.5, 1.0, True), False),
            ((0.2, 1.0, False), (0.5, 1.0, False), True),  # else the one with less error
            ((0.5, 9.0, False), (0.2, 1.0, False), False),
            ((0.5, 1.0, False), (0.5, 1.0, False), False),
        ],
    )
    def test_is_clear_and_then_has_less_error(self, differences, new, old, better):
        new, old = (
            SimpleNamespace(error=error, value=value, is_clear=is_clear)
            for error, value, is_clear in (new, old)
        )
        assert differences._is_better(new, old) == better

    @pytest.mark.parametrize(
        ("spreads", "rounding", "best", "restless"),
        [
            ((1.0, 0.5), 0.0, None, True),  # over a hundredth of the step, half of the change
            ((1.0, 0.25), 0.0, None, False),
            ((1.0, 0.5), 1.0, None, False),  # which may be rounding
            ((10.0, 2.0), 0.0, None, False),
            ((100.0, 0.5), 0.0, (0.1, 1.0), True),  # compared with the best, where that is clear
            ((0.1, 0.5), 0.0, (0.1, 100.0), False),
            ((0.0, 0.0), 0.0, None, False),
        ],
    )
    def test_is_none_where_small_steps_change_as_much_as_large_ones(
        self, differences, spreads, rounding, best, restless
    ):
        found = [
            SimpleNamespace(step=step, spread=spread, rounding=rounding, is_clear=False)
            for step, spread in zip((1.0, 0.01), spreads)
        ]
        if best:
            found.append(
                SimpleNamespace(step=best[0], spread=best[1], rounding=rounding, is_clear=True)
            )
        assert differences._is_restless(found, found[-1]) == restless


class TestSteps:
    def steps(self, differences, f, x, close, eps=1e-6):
        """How far from x the function was asked for, in the order in which that happened."""
        asked = []

        def at(number):
            asked.append(number - x)
            return number, f(number)

        differences.measure(at, x, eps, close)
        return asked

    def test_the_first_is_eps_and_is_enough_if_close(self, differences):
        asked = self.steps(differences, lambda x: x * x, 0.0, close=lambda slope: True)
        parts = (-1.0, -GOLDEN, 0.0, GOLDEN, 1.0)
        assert asked == pytest.approx([part * 1e-6 for part in parts], rel=1e-12)

    def test_large_numbers_have_large_steps(self, differences):
        asked = self.steps(differences, lambda x: x * x, 1000.0, close=lambda slope: True)
        assert max(asked) == pytest.approx(1e-3, rel=1e-6)

    def test_where_nothing_is_clear_larger_and_then_smaller_ones_are_tried(self, differences):
        asked = self.steps(differences, abs, 0.0, close=never)
        sizes = [max(asked[i : i + 5]) for i in range(0, len(asked), 5)]
        assert sizes == pytest.approx([1e-6, 1e-4, 1e-3, 1e-8, 1e-10, 1e-12, 0.0], rel=1e-12)

    @pytest.mark.parametrize("f", [lambda x: 2.0, lambda x: x * x])
    def test_of_a_flat_or_clear_function_only_the_three_large_ones(self, differences, f):
        assert len(self.steps(differences, f, 1.0, close=never)) == 3 * 5

    def test_a_function_that_is_rounded_is_seen_by_a_large_one(self, differences):
        slope = differences.measure(lambda x: (x, round(x * x, 5)), 3.0, 1e-6, close=never)
        assert slope.value == pytest.approx(6.0, rel=0.02)
        assert abs(slope.value - 6.0) <= slope.error

    def test_a_number_that_is_stored_rounded_is_moved_by_a_large_one(self, differences):
        def at(x):
            return round(x, 5), round(x, 5) ** 2

        slope = differences.measure(at, 3.0, 1e-6, close=never)
        assert slope.value == pytest.approx(6.0, rel=1e-3)

    def test_one_that_leaves_the_domain_is_followed_by_smaller_ones(self, differences):
        def at(x):
            if x < 0.0:
                raise ValueError("undefined")
            return x, x**0.5

        x = 1e-7
        slope = differences.measure(at, x, 1e-6, close=lambda slope: slope.is_clear)
        assert slope.value == pytest.approx(0.5 / x**0.5, rel=1e-3)

    def test_one_over_which_the_change_overflows_is_followed_by_smaller_ones(self, differences):
        x = 1e10

        def at(number):
            return number, 1.7e308 * min(max((number - x) / 1e3, -1.0), 1.0)

        slope = differences.measure(at, x, 1e-6, close=lambda slope: True)
        assert slope.value == pytest.approx(1.7e305, rel=1e-9)


class TestComparison:
    def test_a_smooth_function_is_called_a_few_times_only(self, sg):
        calls = []

        def square(x):
            calls.append(x.data)
            return x * x

        assert sg.gradcheck(square, [3.0])
        assert len(calls) <= 2 + 1 + 5

    def test_without_any_tolerance_zero_is_zero(self, sg):
        assert sg.gradcheck(lambda x: x * 0.0, [1.0], atol=0.0, rtol=0.0)

    @pytest.mark.parametrize(("size", "is_refused"), [(1e-8, True), (1e-12, False)])
    def test_a_jump_is_refused_if_it_is_more_than_rounding(self, sg, size, is_refused):
        def step(x):
            return sg.Value(size if x.data > 1.0 else 0.0, (x,), (0.0,))

        if is_refused:
            with pytest.raises(ValueError, match="jumps"):
                sg.gradcheck(step, [1.0])
        else:
            assert sg.gradcheck(step, [1.0])
