"""At the edge: the last thing that is allowed, the first that is not, and the cases in between.

These are the places where one more or one less, `<` for `<=`, or the wrong one of two neighbours
would go unnoticed by a test of the middle.
"""

import itertools
import math

import mpmath
import pytest


class TestNumbersOfArguments:
    @pytest.mark.parametrize("target", [2, 3, 2**70, -1])
    def test_a_target_is_one_of_the_logits(self, sg, target):
        assert sg.nn.cross_entropy([0.0, 0.0], 1).data == pytest.approx(math.log(2), rel=1e-15)
        with pytest.raises(IndexError, match=rf"target is {target}, .* from 0 to 1$"):
            sg.nn.cross_entropy([0.0, 0.0], target)

    @pytest.mark.parametrize("count", [1, 3])
    def test_a_bias_has_one_number_per_row(self, sg, count):
        with pytest.raises(ValueError, match=rf"linear: w has 2 rows but b has {count} number"):
            sg.nn.linear([1.0], [[1.0], [2.0]], [0.5] * count)

    @pytest.mark.parametrize("betas", [(), (0.9,), (0.9, 0.9, 0.9)])
    def test_adam_has_two_betas(self, sg, betas):
        with pytest.raises(TypeError, match="Adam: betas must be a pair"):
            sg.optim.Adam([sg.Value(1.0)], betas=betas)

    def test_every_result_of_linear_has_its_own_bias_for_a_parent(self, sg):
        bias = [sg.Value(0.1), sg.Value(0.2), sg.Value(0.3)]
        for i, y in enumerate(sg.nn.linear([2.0], [[1.0], [2.0], [3.0]], bias)):
            assert len(y.parents) == len(y.local_grads) == 3
            assert y.parents[2] is bias[i]

    def test_an_empty_row_has_no_elements(self, sg):
        row = sg.Vector([])
        assert (list(row), len(row), row.count(1.0), repr(row)) == ([], 0, 0, "Vector([])")
        assert list(row[:]) == list(row + [1.0][:0]) == []

    def test_the_first_element_is_found(self, sg):
        row = sg.nn.vector([1.0, 2.0])
        assert (row.index(row[0]), row.index(row[1])) == (0, 1)
        with pytest.raises(ValueError, match="not in"):
            row.index(row[0], 1)


class TestLengths:
    @pytest.mark.parametrize("length", [10**8 - 1, 10**8, 10**8 + 1, 10**9])
    def test_a_row_has_at_most_a_hundred_million_items(self, sg, length):
        class Items:
            def __length_hint__(self):
                return length

            def __iter__(self):
                yield 1.0

        if length <= 10**8:
            assert len(sg.Vector(Items())) == 1
        else:
            with pytest.raises(ValueError, match=f"Vector: values has {length:,} items, more than"):
                sg.Vector(Items())

    @pytest.mark.parametrize("count", [0, 1, 3])
    def test_a_number_may_be_repeated_but_not_without_end(self, sg, count):
        assert len(sg.Vector(itertools.repeat(1.0, count))) == count
        with pytest.raises(TypeError, match="Vector: values must be"):
            sg.Vector(itertools.repeat(1.0))


class TestRanges:
    @pytest.mark.parametrize("std", [math.inf, -math.inf, math.nan, -5e-324])
    def test_a_standard_deviation_is_finite_and_not_negative(self, sg, std):
        with pytest.raises(ValueError, match="matrix: std must be a number from 0 up"):
            sg.nn.matrix(1, 1, std=std)

    @pytest.mark.parametrize(
        ("nout", "nin", "complaint"),
        [
            *((10**4, 10**4, "std"), (1, 10**8, "std"), (10**8, 1, "std")),
            *((10**4, 10**4 + 1, "too many"), (1, 10**8 + 1, "too many"), (10**9, 1, "too many")),
        ],
    )
    def test_a_matrix_has_at_most_a_hundred_million_parameters(self, sg, nout, nin, complaint):
        with pytest.raises(ValueError, match=f"^matrix: .*{complaint}"):  # sizes are checked first
            sg.nn.matrix(nout, nin, std=-1.0)

    def test_a_standard_deviation_may_be_zero(self, sg):
        assert sg.nn.matrix(1, 1, std=0.0)[0][0].data == 0.0

    def test_gradients_below_the_norm_are_not_scaled_up(self, sg):
        x = sg.Value(1.0)
        x.grad = 0.25
        assert sg.optim.clip_grad_norm([x], 1.0) == 0.25
        assert x.grad == 0.25

    def test_the_state_of_an_optimiser_that_has_not_stepped_can_be_loaded(self, sg):
        optimizer = sg.optim.Adam([sg.Value(1.0)])
        state = optimizer.state_dict()
        optimizer.load_state_dict(state)
        assert optimizer.state_dict() == state
        assert type(optimizer.steps) is int

    @pytest.mark.parametrize("steps", [-1, 2**63, 2**63 + 1, 10**400])
    def test_steps_are_counted_from_0_to_below_two_to_the_63(self, sg, steps):
        optimizer = sg.optim.Adam([sg.Value(1.0)])
        state = optimizer.state_dict()
        optimizer.load_state_dict(state | {"steps": 2**63 - 1})
        with pytest.raises(ValueError, match="Adam: steps must be an int from 0 up"):
            optimizer.load_state_dict(state | {"steps": steps})
        assert optimizer.steps == 2**63 - 1

    def test_a_mean_of_squares_is_not_negative_by_however_little(self, sg):
        optimizer = sg.optim.Adam([sg.Value(1.0)])
        state = optimizer.state_dict() | {"v": [-5e-324]}
        with pytest.raises(ValueError, match="v must not be negative"):
            optimizer.load_state_dict(state)


class TestTwiceTheSameParameter:
    @pytest.mark.parametrize("whole_first", [True, False])
    def test_a_row_and_a_part_of_it_count_once(self, sg, whole_first):
        row = sg.nn.vector([1.0, 2.0, 3.0])
        rows = [row, row[1:]] if whole_first else [row[1:], row]
        optimizer = sg.optim.SGD(rows, lr=0.5)
        for value in row:
            value.grad = 1.0
        optimizer.step()
        assert [value.data for value in row] == [0.5, 1.5, 2.5]
        assert len(optimizer.state_dict()["velocity"]) == 3


class TestAdamWithoutEps:
    """A gradient that was always 0 makes 0 / 0: nan there, as in PyTorch, and only there."""

    def test_the_other_parameters_are_stepped_as_ever(self, sg):
        still, x, y = sg.Value(1.0), sg.Value(1.0), sg.Value(-2.0)
        optimizer = sg.optim.Adam([still, x, y], lr=0.1, betas=(0.5, 0.75), eps=0.0)
        m = v = 0.0
        expected = 1.0
        for step, grad in enumerate([2.0, -1.0], 1):
            x.grad, y.grad = grad, 3.0
            optimizer.step()
            m, v = 0.5 * m + 0.5 * grad, 0.75 * v + 0.25 * grad**2
            expected -= 0.1 * (m / (1 - 0.5**step)) / math.sqrt(v / (1 - 0.75**step))
        assert math.isnan(still.data)
        assert x.data == pytest.approx(expected, rel=1e-14)
        assert y.data == pytest.approx(-2.2, rel=1e-14)  # twice the same gradient: twice lr


class TestWordsOfErrors:
    @pytest.mark.parametrize(
        ("thing", "shown"),
        [
            *(("x" * 39, f"str '{'x' * 39}'"), ("x" * 40, "str"), ("x" * 41, "str")),
            *((b"x" * 39, f"bytes b'{'x' * 39}'"), (b"x" * 40, "bytes")),
        ],
    )
    def test_a_text_they_got_is_shown_if_it_is_short(self, sg, thing, shown):
        with pytest.raises(TypeError, match=f"Value: data must be a real number, got {shown}$"):
            sg.Value(thing)

    @pytest.mark.parametrize("sign", [1, -1])
    def test_an_integer_they_got_is_shown_below_41_digits(self, sg, sign):
        shown, *hidden = sign * (10**40 - 1), sign * 10**40, sign * (10**40 + 1)
        with pytest.raises(TypeError, match=f"Vector: values must .* got int {shown}$"):
            sg.Vector(shown)
        for number in hidden:
            with pytest.raises(TypeError, match=r"Vector: values must .* got int$"):
                sg.Vector(number)

    def test_none_is_called_none(self, sg):
        with pytest.raises(TypeError, match=r"must be a real number, got None$"):
            sg.Value(None)

    @pytest.mark.parametrize(
        ("base", "shown"), [(-0.5, r"\(-0\.5\) \*\* 0\.5"), (-0.0, r"\(-0\.0\) \*\* \(-1\.0\)")]
    )
    def test_a_negative_operand_is_in_brackets(self, sg, base, shown):
        with pytest.raises((ValueError, ZeroDivisionError), match=f"^{shown}: "):
            sg.Value(base) ** (0.5 if base else -1.0)

    @pytest.mark.parametrize(
        ("count", "shown"),
        [(12, ", ".join(["1.0"] * 12)), (13, "1.0, 1.0, 1.0, ... 7 more ..., 1.0, 1.0, 1.0")],
    )
    def test_a_row_of_more_than_12_is_shortened(self, sg, count, shown):
        assert repr(sg.nn.vector([1.0] * count)) == f"Vector([{shown}])"

    def test_python_itself_refuses_an_operand_on_either_side(self, sg):
        x = sg.Value(1.0)
        for compute in (lambda: x + None, lambda: None + x):
            with pytest.raises(TypeError, match="unsupported operand type"):
                compute()


class TestALonelyLogit:
    """Its probability is 1 whatever it is, so its gradient is 0 times the upstream one."""

    @pytest.mark.parametrize(("upstream", "grad"), [(1.0, 0.0), (0.0, 0.0), (math.inf, math.nan)])
    def test_has_no_gradient(self, sg, upstream, grad):
        x = sg.Value(3.0)
        sg.nn.cross_entropy([x], 0).backward(upstream)
        assert x.grad == pytest.approx(grad, abs=0.0, nan_ok=True)


class TestDerivativeOfAPower:
    """n x**(n-1) to the last digits: where x**n is no float, and where n - 1 would be rounded."""

    @pytest.mark.parametrize(
        ("x", "n"),
        [
            *((1e-200, 2.0), (1e200, 1.5), (1e-300, 1.5), (1e-310, 1.25), (1e300, 1.0)),
            *((1e300, 1e-17), (1e-300, 3e-17), (1e300, -1e-17), (1e-300, 0.1), (1e300, 0.3)),
            *((3.0, 2.0), (1e300, 7e-17), (2.0, 1e-320), (0.5, 1023.3), (1e100, 0.7)),
        ],
    )
    def test_is_accurate(self, sg, x, n):
        base = sg.Value(x)
        (base**n).backward()
        with mpmath.workdps(50):
            exact = mpmath.mpf(n) * mpmath.mpf(x) ** (mpmath.mpf(n) - 1)
        assert base.grad == pytest.approx(float(exact), rel=1e-15, abs=0.0)


class TestRmsnormFarOut:
    """Where the squares of the numbers are no floats, or hardly."""

    @pytest.mark.parametrize(
        ("row", "eps"),
        [
            *(([1e200, -3e200], 0.0), ([1e200, -3e200], 1e-5), ([1.7e308, -1e307], 1.0)),
            *(([1e-200, -3e-200], 0.0), ([5e-324, -1e-323], 0.0), ([1e-310, 0.0], 0.0)),
            *(([1e-160, -2e-160], 1e-320), ([3e-159, 1e-160], 4e-318), ([1e-300, 1.0], 1e-300)),
            *(([1e-200, 2e-200], 1e-300), ([1e154, 1e154], 1e307), ([1e-146, 3e-146], 2e-292)),
        ],
    )
    def test_is_accurate(self, sg, row, eps):
        with mpmath.workdps(50):
            exact = [mpmath.mpf(x) for x in row]
            mean = sum(x * x for x in exact) / len(exact) + mpmath.mpf(eps)
            expected = [float(x / mpmath.sqrt(mean)) for x in exact]
        found = [y.data for y in sg.nn.rmsnorm(row, eps)]
        assert found == pytest.approx(expected, rel=1e-15, abs=0.0)

    def test_beside_infinity_everything_is_nothing(self, sg):
        row = [y.data for y in sg.nn.rmsnorm([math.inf, 1e308, -1.0])]
        assert math.isnan(row[0])
        assert row[1:] == [0.0, 0.0]


class TestItemsThatStopTheIteration:
    """StopIteration from an item's own __float__ is an error like any other, and not the end."""

    @pytest.mark.parametrize(
        "call",
        [
            lambda sg, items: sg.nn.softmax(items),
            lambda sg, items: sg.nn.softmax([sg.Value(1.0), *items]),
            lambda sg, items: sg.nn.vector(items),
            lambda sg, items: sg.nn.linear(items, [[1.0, 1.0]]),
            lambda sg, items: sg.nn.linear([1.0, 1.0], [items]),
            lambda sg, items: sg.Value(1.0, [sg.Value(1.0)], items),
        ],
    )
    def test_the_row_is_not_cut_short(self, sg, call):
        class Stops:
            def __float__(self):
                raise StopIteration("on purpose")

        with pytest.raises(StopIteration, match="on purpose"):
            call(sg, [1.0, Stops()])

    def test_rows_are_all_there_before_the_first_is_looked_at(self, sg):
        def rows():
            yield [1.0]
            made.append(True)
            yield ["no number"]

        made = []
        with pytest.raises(TypeError, match=r"linear: w\[0\]\[0\] must be"):
            sg.nn.linear([1.0], iter([["text"], *rows()]))
        assert made


class TestFormat:
    @pytest.mark.parametrize("spec", [None, 0, [], b"", 3])
    def test_a_format_that_is_no_text_is_refused(self, sg, spec):
        kind = "None" if spec is None else type(spec).__name__
        with pytest.raises(TypeError, match=f"must be str, not {kind}"):
            sg.Value(1.0).__format__(spec)


class TestWiderThanIsDoneAtOnce:
    """The compiled engine takes rows by eight, gradients by four rows and 64 columns."""

    @pytest.mark.parametrize("nout", [1, 3, 4, 5, 7, 8, 9, 17])
    @pytest.mark.parametrize("nin", [1, 63, 64, 65, 130])
    def test_linear_and_its_gradients(self, sg, nout, nin):
        xs = [(7 * j % 11 - 5) / 8 for j in range(nin)]
        ws = [[((3 * i + 5 * j) % 13 - 6) / 16 for j in range(nin)] for i in range(nout)]
        upstream = [0.0 if i == 2 else (i % 5 + 1) / 4 for i in range(nout)]
        x, w = sg.nn.vector(xs), [sg.nn.vector(row) for row in ws]
        y = sg.nn.linear(x, w)
        sg.nn.dot(y, upstream).backward()  # all numbers are exact: sixteenths of small integers
        assert [v.data for v in y] == [sum(a * b for a, b in zip(row, xs)) for row in ws]
        assert [v.grad for v in x] == [
            sum(upstream[i] * ws[i][j] for i in range(nout)) for j in range(nin)
        ]
        assert [[v.grad for v in row] for row in w] == [[g * a for a in xs] for g in upstream]
