"""optim: the updates are those of the papers, the state can be saved, mistakes are refused."""

import json
import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracles import bits

GRADIENTS = [(0.5, -2.0), (-1.5, 3e-3), (0.0, 7.0), (2.5, -1e4), (1e-6, 0.25)]


def follow(optimizer, params, gradients=GRADIENTS):
    """The parameters after one step for each pair of gradients."""
    for pair in gradients:
        optimizer.zero_grad()
        for x, gradient in zip(params, pair):
            x.grad = gradient
        optimizer.step()
    return [x.data for x in params]


def sgd_by_the_book(x, gradients, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
    """Momentum as in Sutskever et al. 2013, with the learning rate outside, as PyTorch has it."""
    velocity = mpmath.mpf(0)
    for gradient in gradients:
        gradient = gradient + weight_decay * x
        velocity = momentum * velocity + gradient
        x = x - lr * (gradient + momentum * velocity if nesterov else velocity)
    return float(x)


def adam_by_the_book(
    x, gradients, lr, beta1=0.9, beta2=0.999, eps=1e-8, weight_decay=0.0, decoupled=False
):
    """Kingma and Ba 2015, Algorithm 1, with the names it has there, in 50 digits.

    Decoupled, the decay is that of Loshchilov and Hutter 2019, Algorithm 2.
    """
    with mpmath.workdps(50):
        alpha, theta, m, v = map(mpmath.mpf, (lr, x, 0, 0))
        for t, gradient in enumerate(gradients, 1):
            g = mpmath.mpf(gradient) + (0 if decoupled else weight_decay * theta)
            theta = theta - (alpha * weight_decay * theta if decoupled else 0)
            m = beta1 * m + (1 - mpmath.mpf(beta1)) * g
            v = beta2 * v + (1 - mpmath.mpf(beta2)) * g**2
            m_hat = m / (1 - mpmath.mpf(beta1) ** t)
            v_hat = v / (1 - mpmath.mpf(beta2) ** t)
            theta = theta - alpha * m_hat / (mpmath.sqrt(v_hat) + eps)
        return float(theta)


class TestSGD:
    def test_first_step(self, sg):
        x = sg.Value(5.0)
        x.grad = 4.0
        sg.optim.SGD([x], lr=0.25).step()
        assert x.data == 4.0

    def test_two_steps_with_momentum(self, sg):
        x = sg.Value(5.0)
        optimizer = sg.optim.SGD([x], lr=0.25, momentum=0.5)
        x.grad = 4.0
        optimizer.step()  # velocity 4
        optimizer.step()  # velocity 0.5 * 4 + 4
        assert x.data == 5.0 - 0.25 * 4.0 - 0.25 * 6.0

    @pytest.mark.parametrize(
        "settings",
        [
            {},
            {"momentum": 0.9},
            {"momentum": 2.0},
            {"weight_decay": 0.5},
            {"momentum": 0.9, "weight_decay": 0.25},
            {"momentum": 0.5, "nesterov": True},
            {"momentum": 0.9, "weight_decay": 0.25, "nesterov": True},
        ],
        ids=str,
    )
    def test_is_that_of_the_paper(self, sg, settings):
        params = sg.nn.vector([1.0, -2.0])
        result = follow(sg.optim.SGD(params, lr=0.1, **settings), params)
        expected = [
            sgd_by_the_book(x, [pair[i] for pair in GRADIENTS], 0.1, **settings)
            for i, x in enumerate((1.0, -2.0))
        ]
        assert result == pytest.approx(expected, rel=1e-14)

    def test_an_infinite_gradient_without_momentum_is_forgotten(self, sg):
        x = sg.Value(1.0)
        optimizer = sg.optim.SGD([x], lr=0.5)
        x.grad = math.inf
        optimizer.step()
        x.data, x.grad = 1.0, 1.0
        optimizer.step()
        assert x.data == 0.5

    def test_nesterov_without_momentum_is_refused(self, sg):
        with pytest.raises(ValueError, match="SGD: nesterov needs a momentum above 0"):
            sg.optim.SGD([sg.Value(1.0)], lr=0.1, nesterov=True)

    def test_a_state_with_nesterov_can_be_loaded_whatever_there_was_before(self, sg):
        first = sg.optim.SGD([sg.Value(1.0)], lr=0.1, momentum=0.5, nesterov=True)
        second = sg.optim.SGD([sg.Value(1.0)], lr=0.1)
        second.load_state_dict(first.state_dict())
        assert (second.momentum, second.nesterov) == (0.5, True)


class TestAdamW:
    @pytest.mark.parametrize(
        "settings",
        [{}, {"weight_decay": 0.3}, {"weight_decay": 0.0}, {"eps": 0.1, "weight_decay": 2.0}],
        ids=str,
    )
    def test_is_that_of_the_paper(self, sg, settings):
        params = sg.nn.vector([1.0, -2.0])
        result = follow(sg.optim.AdamW(params, lr=0.1, **settings), params)
        settings = {"weight_decay": 0.01} | settings  # as in PyTorch
        expected = [
            adam_by_the_book(x, [pair[i] for pair in GRADIENTS], 0.1, decoupled=True, **settings)
            for i, x in enumerate((1.0, -2.0))
        ]
        assert result == pytest.approx(expected, rel=1e-13)

    def test_the_decay_knows_no_gradient_and_no_gradient_knows_the_decay(self, sg):
        x = sg.Value(4.0)
        optimizer = sg.optim.AdamW([x], lr=0.5, weight_decay=0.5)
        optimizer.step()
        assert x.data == 3.0
        assert optimizer.state_dict()["m"] == [0.0]

    def test_its_state_is_that_of_adam(self, sg):
        x = sg.Value(1.0)
        adam, adamw = sg.optim.Adam([x]), sg.optim.AdamW([x])
        assert adamw.state_dict().keys() == adam.state_dict().keys()
        assert repr(adamw).startswith("AdamW(1 parameter, lr=0.001, ")


class TestAdam:
    @pytest.mark.parametrize("gradient", [1e-3, 1.0, -20.0, 1e8])
    def test_first_step_is_the_learning_rate_whatever_the_gradient(self, sg, gradient):
        x = sg.Value(5.0)
        x.grad = gradient
        sg.optim.Adam([x], lr=0.25, eps=0.0).step()
        assert x.data == pytest.approx(5.0 - math.copysign(0.25, gradient), rel=1e-15)

    def test_eps_matters(self, sg):
        x = sg.Value(5.0)
        x.grad = 1.0
        sg.optim.Adam([x], lr=0.5, eps=1.0).step()
        assert x.data == pytest.approx(5.0 - 0.5 * 1.0 / (1.0 + 1.0), rel=1e-15)

    @pytest.mark.parametrize(
        "settings",
        [
            {},
            {"beta1": 0.85, "beta2": 0.99},
            {"beta1": 0.0, "beta2": 0.0},
            {"eps": 0.1},
            {"weight_decay": 0.3},
        ],
        ids=str,
    )
    def test_is_that_of_the_paper(self, sg, settings):
        options = dict(settings)
        if "beta1" in options:
            options["betas"] = (options.pop("beta1"), options.pop("beta2"))
        params = sg.nn.vector([1.0, -2.0])
        result = follow(sg.optim.Adam(params, lr=0.1, **options), params)
        expected = [
            adam_by_the_book(x, [pair[i] for pair in GRADIENTS], 0.1, **settings)
            for i, x in enumerate((1.0, -2.0))
        ]
        assert result == pytest.approx(expected, rel=1e-13)

    def test_defaults_are_those_of_the_paper(self, sg):
        optimizer = sg.optim.Adam([sg.Value(1.0)])
        assert optimizer.lr == 1e-3
        assert optimizer.betas == (0.9, 0.999)
        assert (optimizer.eps, optimizer.weight_decay, optimizer.steps) == (1e-8, 0.0, 0)

    def test_weight_decay_pulls_towards_zero_without_a_gradient(self, sg):
        x = sg.Value(5.0)
        sg.optim.Adam([x], lr=0.25, weight_decay=0.1).step()
        assert x.data == pytest.approx(4.75, rel=1e-8)

    def test_no_gradient_and_no_eps_is_nan_as_in_the_formula(self, sg):
        x = sg.Value(5.0)
        sg.optim.Adam([x], eps=0.0).step()
        assert math.isnan(x.data)

    def test_a_gradient_of_zero_leaves_a_parameter_alone(self, sg):
        x = sg.nn.vector([5.0, 6.0])
        x[0].grad = 1.0
        sg.optim.Adam(x).step()
        assert x[1].data == 6.0

    def test_training_with_a_schedule_finds_a_minimum(self, sg):
        x, y = sg.Value(-1.0), sg.Value(2.0)
        optimizer = sg.optim.Adam([x, y], lr=0.1)
        for step in range(300):
            optimizer.lr = 0.1 * (1.0 - step / 300)
            optimizer.zero_grad()
            ((x - 3.0) ** 2 + 100.0 * (y + 1.0) ** 2).backward()
            optimizer.step()
        assert (x.data, y.data) == pytest.approx((3.0, -1.0), abs=1e-3)


OPTIMIZERS = {
    "SGD": lambda sg, params, **settings: sg.optim.SGD(
        params, **{"lr": 0.1, "momentum": 0.5, **settings}
    ),
    "Adam": lambda sg, params, **settings: sg.optim.Adam(params, **{"lr": 0.1, **settings}),
    "AdamW": lambda sg, params, **settings: sg.optim.AdamW(
        params, **{"lr": 0.1, "weight_decay": 0.0, **settings}
    ),
}
each = pytest.mark.parametrize("name", OPTIMIZERS)


class TestParameters:
    @each
    def test_in_any_arrangement_get_the_same_update(self, sg, name):
        def update(arrange):
            x = sg.nn.vector([1.0, 2.0, 3.0, 4.0])
            optimizer = OPTIMIZERS[name](sg, arrange(x))
            for _ in range(3):
                for i, value in enumerate(x):
                    value.grad = i + 1.0
                optimizer.step()
            return [value.data for value in x]

        expected = update(lambda x: x)
        assert expected != [1.0, 2.0, 3.0, 4.0]
        for arrange in (
            list,
            iter,
            lambda x: [x],
            lambda x: (value for value in x),
            lambda x: [x[0], x[1:]],
            lambda x: [[x[0], [x[1]]], (x[2],), [], x[3:]],
            lambda x: dict(enumerate(x)).values(),
            lambda x: dict.fromkeys(x).keys(),
            lambda x: [x, x],
            lambda x: [x, x[1], x[2:]],
            lambda x: [x[::-1], x[1:3]],
            lambda x: [x[1], x],
            lambda x: [x[2:], x[:3]],
            lambda x: [layer := [x[:2]], layer, x[2:]],
            lambda x: [x[:1], type(x)(list(x))[1:]],
        ):
            assert update(arrange) == expected

    @each
    def test_of_a_graph_that_is_still_there_change_no_derivative_of_it(self, sg, name):
        x = sg.nn.vector([2.0, 3.0])
        y = sg.nn.dot(x, x)
        y.backward()
        OPTIMIZERS[name](sg, [x[1]]).step()
        assert x[1].data != 3.0
        x[0].grad = x[1].grad = 0.0
        y.backward()
        assert [v.grad for v in x] == [4.0, 6.0]

    @each
    def test_without_weight_decay_an_infinite_one_stays_infinite(self, sg, name):
        x = sg.Value(math.inf)
        x.grad = 1.0
        OPTIMIZERS[name](sg, [x]).step()
        assert x.data == math.inf

    @each
    def test_one_value_alone(self, sg, name):
        x = sg.Value(1.0)
        x.grad = 1.0
        OPTIMIZERS[name](sg, x).step()
        assert x.data == pytest.approx(0.9)

    @each
    def test_what_is_not_among_them_is_left_alone(self, sg, name):
        row = sg.nn.vector([1.0, 2.0, 3.0])
        optimizer = OPTIMIZERS[name](sg, [row[1:]])
        for x in row:
            x.grad = 1.0
        optimizer.step()
        optimizer.zero_grad()
        assert (row[0].data, row[0].grad) == (1.0, 1.0)
        assert row[1].data != 2.0
        assert [x.grad for x in row[1:]] == [0.0, 0.0]

    @each
    @pytest.mark.parametrize(
        ("params", "error", "message"),
        [
            (lambda sg, x: [], ValueError, "params is empty"),
            (lambda sg, x: [[], ()], ValueError, "params is empty"),
            (lambda sg, x: [x, 3.0], TypeError, r"params\[1\] must be a Value .* got float"),
            (lambda sg, x: [[x, ["w"]]], TypeError, r"params\[0\]\[1\]\[0\] .* got str"),
            (lambda sg, x: "w", TypeError, "params must be a Value .* got str"),
            (lambda sg, x: None, TypeError, "params must be a Value .* got None"),
            (lambda sg, x: {"w": x}, TypeError, r"params must be .* got dict; pass its \.values"),
            (lambda sg, x: [x, x * 2.0], ValueError, r"params\[1\] was computed \(op '\*'\)"),
            (
                lambda sg, x: sg.nn.softmax([x, x]),
                ValueError,
                r"params\[0\] was computed .*softmax",
            ),
            (
                lambda sg, x: [[x], sg.Vector([x, x.exp()])],
                ValueError,
                r"params\[1\]\[1\] was computed \(op 'exp'\).*detach",
            ),
        ],
    )
    def test_anything_but_leaves_is_refused_by_name(self, sg, name, params, error, message):
        with pytest.raises(error, match=f"{name}: {message}"):
            OPTIMIZERS[name](sg, params(sg, sg.Value(1.0)))


class TestSettings:
    @pytest.mark.parametrize(
        ("name", "settings", "message"),
        [
            ("SGD", {"lr": -0.1}, "lr must be a number from 0 up, got -0.1"),
            ("SGD", {"lr": math.nan}, "lr must be a number from 0 up, got nan"),
            ("SGD", {"lr": math.inf}, "lr must be a number from 0 up, got inf"),
            ("SGD", {"lr": "0.1"}, "lr must be a real number, got str '0.1'"),
            ("SGD", {"momentum": -1.0}, "momentum must be a number from 0 up, got -1.0"),
            ("Adam", {"lr": None}, "lr must be a real number, got None"),
            ("Adam", {"eps": -1e-8}, "eps must be a number from 0 up, got -1e-08"),
            ("Adam", {"weight_decay": -1}, "weight_decay must be a number from 0 up, got -1"),
            ("Adam", {"betas": (0.9, 1.0)}, r"betas\[1\] .* from 0 up and below 1, got 1.0"),
            ("Adam", {"betas": (-0.1, 0.9)}, r"betas\[0\] .* from 0 up and below 1, got -0.1"),
            ("Adam", {"betas": (0.9,)}, r"betas must be a pair of numbers, got \(0.9,\)"),
            ("Adam", {"betas": 0.9}, "betas must be a pair of numbers, got 0.9"),
        ],
    )
    def test_out_of_range_are_refused_by_name(self, sg, name, settings, message):
        with pytest.raises((ValueError, TypeError, OverflowError), match=f"{name}: {message}"):
            OPTIMIZERS[name](sg, [sg.Value(1.0)], **settings)

    @each
    def test_may_be_any_real_number(self, sg, name):
        for lr in (1, True, Fraction(1, 2), np.float32(0.5), np.int64(1)):
            assert OPTIMIZERS[name](sg, [sg.Value(1.0)], lr=lr).lr == float(lr)

    @each
    def test_the_learning_rate_can_be_written_between_steps(self, sg, name):
        x = sg.Value(1.0)
        optimizer = OPTIMIZERS[name](sg, [x], lr=1.0)
        x.grad = 1.0
        optimizer.lr = 0
        optimizer.step()
        assert (x.data, optimizer.lr) == (1.0, 0.0)
        optimizer.lr = 0.5
        optimizer.step()
        assert x.data < 1.0

    @each
    def test_a_bad_learning_rate_is_refused_and_the_old_one_stays(self, sg, name):
        optimizer = OPTIMIZERS[name](sg, [sg.Value(1.0)], lr=0.5)
        with pytest.raises(ValueError, match=f"{name}: lr .* -1"):
            optimizer.lr = -1
        assert optimizer.lr == 0.5


class TestRepr:
    def test_shows_how_many_parameters_there_are_and_every_setting(self, sg):
        x, row = sg.Value(1.0), sg.nn.vector([1.0, 2.0])
        assert repr(sg.optim.SGD([x], lr=0.1)) == (
            "SGD(1 parameter, lr=0.1, momentum=0.0, weight_decay=0.0, nesterov=False)"
        )
        optimizer = sg.optim.Adam([x, row], betas=(0.85, 0.99))
        optimizer.lr = 0.5
        optimizer.step()
        assert repr(optimizer) == (
            "Adam(3 parameters, lr=0.5, betas=(0.85, 0.99), eps=1e-08, weight_decay=0.0, steps=1)"
        )


class TestZeroGrad:
    @each
    def test_clears_every_gradient_and_nothing_else(self, sg, name):
        row, value = sg.nn.vector([1.0, 2.0]), sg.Value(3.0)
        optimizer = OPTIMIZERS[name](sg, [row, value])
        (row[0] * row[1] * value).backward()
        optimizer.zero_grad()
        assert [(x.data, x.grad) for x in (*row, value)] == [(1.0, 0.0), (2.0, 0.0), (3.0, 0.0)]


class TestState:
    def test_says_what_an_optimiser_has_gathered(self, sg):
        x = sg.Value(1.0)
        x.grad = 2.0
        sgd, adam = sg.optim.SGD([x], lr=0.5, momentum=0.5), sg.optim.Adam([x], betas=(0.5, 0.75))
        sgd.step()
        adam.step()
        assert sgd.state_dict() == {
            "lr": 0.5,
            "momentum": 0.5,
            "weight_decay": 0.0,
            "nesterov": False,
            "velocity": [2.0],
        }
        assert adam.state_dict() == {
            "lr": 1e-3,
            "betas": (0.5, 0.75),
            "eps": 1e-8,
            "weight_decay": 0.0,
            "steps": 1,
            "m": [1.0],
            "v": [1.0],
        }

    @each
    @given(numbers=st.lists(st.floats(-1e3, 1e3), min_size=6, max_size=6))
    def test_through_json_training_goes_on_with_the_same_bits(self, sg, name, numbers):
        gradients = list(zip(numbers[::2], numbers[1::2]))
        straight = sg.nn.vector([1.0, -2.0])
        expected = follow(OPTIMIZERS[name](sg, straight), straight, gradients)

        first = sg.nn.vector([1.0, -2.0])
        optimizer = OPTIMIZERS[name](sg, first)
        halfway = follow(optimizer, first, gradients[:2])
        saved = json.dumps(optimizer.state_dict())

        second = [sg.Value(x) for x in halfway]  # a row or loose Values: the state is the same
        other = OPTIMIZERS[name](sg, second, lr=0.77)
        other.load_state_dict(json.loads(saved))
        result = follow(other, second, gradients[2:])
        assert list(map(bits, result)) == list(map(bits, expected))

    @each
    def test_is_a_copy(self, sg, name):
        x = sg.Value(1.0)
        optimizer = OPTIMIZERS[name](sg, [x])
        state = optimizer.state_dict()
        x.grad = 1.0
        optimizer.step()
        assert optimizer.state_dict() != state
        other = OPTIMIZERS[name](sg, [sg.Value(1.0)])
        state = optimizer.state_dict()
        other.load_state_dict(state)
        for numbers in state.values():
            if isinstance(numbers, list):
                numbers[0] = 99.0
        assert other.state_dict() == optimizer.state_dict()

    @pytest.mark.parametrize(
        ("name", "change", "message"),
        [
            ("SGD", lambda state: None, "expected the keys .* got None"),
            ("SGD", lambda state: {}, "expected the keys .*'lr', 'momentum', 'nesterov'"),
            ("Adam", lambda state: {**state, "lr": -1.0}, "lr must be a number from 0 up, got -1"),
            ("Adam", lambda state: {**state, "extra": 1}, "expected the keys .*'extra'"),
            ("Adam", lambda state: {**state, "m": [1.0]}, "'m' must have 2 numbers.* got 1"),
            ("Adam", lambda state: {**state, "v": 3.0}, "'v' must have 2 numbers.* got float"),
            (
                "Adam",
                lambda state: {**state, "v": [1.0, "2"]},
                "Adam.load_state_dict: .*v.*str '2'",
            ),
            ("Adam", lambda state: {**state, "m": [None, 2.0]}, "Adam.load_state_dict: .*m.*None"),
            ("Adam", lambda state: {**state, "v": [1.0, -2.0]}, "Adam.load_state_dict: .*v.*-2"),
            ("Adam", lambda state: {**state, "steps": -1}, "steps must be an int .* got -1"),
            ("Adam", lambda state: {**state, "steps": 1.5}, "steps must be an int .* got 1.5"),
            ("Adam", lambda state: {**state, "betas": [0.9, 2.0]}, r"betas\[1\] .* got 2.0"),
            ("SGD", lambda state: {**state, "velocity": [1.0] * 3}, "'velocity' must have 2"),
        ],
    )
    def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(
        self, sg, name, change, message
    ):
        params = sg.nn.vector([1.0, 2.0])
        optimizer = OPTIMIZERS[name](sg, params)
        follow(optimizer, params)
        before = optimizer.state_dict()
        with pytest.raises((TypeError, ValueError), match=message):
            optimizer.load_state_dict(change(optimizer.state_dict()))
        assert optimizer.state_dict() == before

    def test_of_the_other_optimiser_is_refused(self, sg):
        x = sg.Value(1.0)
        sgd, adam = sg.optim.SGD([x], lr=0.1), sg.optim.Adam([x])
        for one, other in ((sgd, adam), (adam, sgd)):
            with pytest.raises(ValueError, match=r"load_state_dict: expected the keys"):
                one.load_state_dict(other.state_dict())


class TestClipGradNorm:
    def test_scales_all_gradients_to_the_norm_and_returns_the_old_one(self, sg):
        row, value = sg.nn.vector([1.0, 2.0]), sg.Value(3.0)
        row[0].grad, row[1].grad, value.grad = 3.0, 0.0, -4.0
        assert sg.optim.clip_grad_norm([row, value], max_norm=0.5) == 5.0
        assert [x.grad for x in (*row, value)] == pytest.approx([0.3, 0.0, -0.4], rel=1e-15)
        assert [x.data for x in (*row, value)] == [1.0, 2.0, 3.0]

    def test_leaves_smaller_gradients_alone(self, sg):
        row = sg.nn.vector([1.0, 2.0])
        row[0].grad, row[1].grad = 3.0, -4.0
        assert sg.optim.clip_grad_norm(row, max_norm=5.0) == 5.0
        assert [x.grad for x in row] == [3.0, -4.0]

    def test_of_zero_gradients(self, sg):
        x = sg.Value(1.0)
        assert sg.optim.clip_grad_norm([x], 0.0) == 0.0
        assert x.grad == 0.0

    def test_counts_a_parameter_that_appears_twice_once(self, sg):
        x = sg.Value(1.0)
        x.grad = 3.0
        assert sg.optim.clip_grad_norm([x, [x]], 1.5) == 3.0
        assert x.grad == 1.5

    def test_does_not_overflow_on_the_way(self, sg):
        row = sg.nn.vector([1.0, 2.0])
        row[0].grad, row[1].grad = 3e200, 4e200
        assert sg.optim.clip_grad_norm(row, 5.0) == pytest.approx(5e200, rel=1e-15)
        assert [x.grad for x in row] == pytest.approx([3.0, 4.0], rel=1e-15)

    @pytest.mark.parametrize(
        ("gradients", "clipped"),
        [((math.inf, 1.0), (math.nan, 0.0)), ((math.nan, 1.0), (math.nan, math.nan))],
    )
    def test_of_infinity_and_nan_is_that_of_pytorch(self, sg, gradients, clipped):
        row = sg.nn.vector([1.0, 2.0])
        row[0].grad, row[1].grad = gradients
        assert not math.isfinite(sg.optim.clip_grad_norm(row, 1.0))
        assert [x.grad for x in row] == pytest.approx(clipped, nan_ok=True)

    def test_an_infinite_norm_only_measures(self, sg):
        x = sg.Value(1.0)
        x.grad = -3.0
        assert sg.optim.clip_grad_norm([x], math.inf) == 3.0
        assert x.grad == -3.0

    @pytest.mark.parametrize("max_norm", [-1.0, math.nan, -math.inf, "1", None])
    def test_a_bad_norm_is_refused_and_changes_nothing(self, sg, max_norm):
        x = sg.Value(1.0)
        x.grad = 3.0
        with pytest.raises((TypeError, ValueError), match="clip_grad_norm: max_norm must be a "):
            sg.optim.clip_grad_norm([x], max_norm)
        assert x.grad == 3.0

    def test_computed_values_are_refused(self, sg):
        with pytest.raises(ValueError, match=r"clip_grad_norm: params\[0\] was computed"):
            sg.optim.clip_grad_norm([sg.Value(1.0) * 2.0], 1.0)
