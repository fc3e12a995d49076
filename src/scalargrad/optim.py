"""Optimisers: move parameters against their gradients, a little at each step.

>>> from scalargrad import Value, optim
>>> x = Value(5.0)
>>> optimizer = optim.SGD([x], lr=0.1)
>>> for _ in range(100):
...     optimizer.zero_grad()
...     ((x - 3.0) ** 2).backward()
...     optimizer.step()
>>> round(x.data, 6)
3.0
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, KeysView, Mapping

from scalargrad.engine import Value, Vector, adam_update, sgd_update, vector, zero_grads
from scalargrad.engine.arguments import (
    TEXTS,
    as_float,
    check_flag,
    describe,
    iterable,
    why_no_sequence,
)

__all__ = ["SGD", "Adam", "AdamW", "clip_grad_norm"]

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    # Values, rows of them, matrices of rows, and so on.
    Parameters: TypeAlias = Iterable[Any]


class _Optimizer:
    """What all optimisers have: the parameters, the learning rate, and saving their state.

    `step()` updates every parameter once, from its `grad`.
    """

    __slots__ = ("__weakref__", "_count", "_lr", "_rows")

    # The names of what state_dict saves besides lr: settings, and per-parameter numbers.
    _settings: tuple[str, ...]
    _buffers: tuple[str, ...]

    def __init__(self, params: Parameters, lr: float) -> None:
        self._rows = _rows(params, type(self).__name__)
        self.lr = lr
        self._count = sum(map(len, self._rows))
        for name in self._buffers:
            setattr(self, name, vector([0.0] * self._count))

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._settings:
            value = self._checked(name, value)
        object.__setattr__(self, name, value)  # faster than through super()

    def __repr__(self) -> str:
        count = f"{self._count} parameter{'' if self._count == 1 else 's'}"
        settings = [f"{name}={getattr(self, name)!r}" for name in ("lr", *self._settings)]
        return f"{type(self).__name__}({', '.join([count, *settings])})"

    @property
    def params(self) -> tuple[Vector, ...]:
        """The parameters, a tuple of rows; Values that came by themselves are gathered in rows."""
        return self._rows

    @property
    def lr(self) -> float:
        """The learning rate, a float; assign to it between steps to follow a schedule."""
        return self._lr

    @lr.setter
    def lr(self, lr: float) -> None:
        self._lr: float = self._checked("lr", lr)

    def zero_grad(self) -> None:
        """Set every parameter's `grad` to 0, because `backward` adds to it."""
        zero_grads(self._rows)

    def state_dict(self) -> dict[str, Any]:
        """Everything but the parameters themselves, as numbers and lists that JSON can hold.

        Its numbers are copies: later steps do not change them.

            >>> from scalargrad import Value, optim
            >>> optim.SGD([Value(1.0)], lr=0.1, momentum=0.9).state_dict()
            {'lr': 0.1, 'momentum': 0.9, 'weight_decay': 0.0, 'nesterov': False, 'velocity': [0.0]}
        """
        state: dict[str, Any] = {name: getattr(self, name) for name in ("lr", *self._settings)}
        for name in self._buffers:
            state[name.strip("_")] = [value.data for value in getattr(self, name)]
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from where the optimiser that gave `state` was.

        Args:
            state: What `state_dict` returned for an optimiser of the same class, with the same
                number of parameters.

        Raises:
            TypeError: If something in `state` is of the wrong kind; nothing is changed then.
            ValueError: If `state` is not from such an optimiser; nothing is changed then.

        Examples:
            >>> from scalargrad import Value, optim
            >>> first, second = (optim.SGD([Value(1.0)], lr) for lr in (0.1, 0.2))
            >>> second.load_state_dict(first.state_dict())
            >>> second.lr
            0.1
        """
        kind = type(self).__name__
        names = {"lr", *self._settings, *(name.strip("_") for name in self._buffers)}
        if not isinstance(state, Mapping) or set(state) != names:
            got = sorted(map(str, state)) if isinstance(state, Mapping) else describe(state)
            raise ValueError(
                f"{kind}.load_state_dict: expected the keys {sorted(names)}, got {got}"
            )
        settings = {name: self._checked(name, state[name]) for name in ("lr", *self._settings)}
        buffers = {name: self._loaded(name, state[name.strip("_")]) for name in self._buffers}
        for name, value in settings.items():
            setattr(self, name, value)
        for name, buffer in buffers.items():
            setattr(self, name, buffer)

    def __copy__(self) -> None:
        kind = type(self).__name__
        raise TypeError(
            f"{kind}: a shallow copy would be a second optimiser with the same state; use "
            f"deepcopy, together with the parameters, or load state_dict() into a new {kind}"
        )

    def _loaded(self, name: str, numbers: Any) -> Vector:
        kind, key = type(self).__name__, name.strip("_")
        if not isinstance(numbers, (list, tuple)) or len(numbers) != self._count:
            got = len(numbers) if isinstance(numbers, (list, tuple)) else describe(numbers)
            raise ValueError(
                f"{kind}.load_state_dict: {key!r} must have {self._count} numbers, "
                f"one per parameter, got {got}"
            )
        where = f"{kind}.load_state_dict: {key}"
        return vector([as_float(number, f"{where}[{i}]") for i, number in enumerate(numbers)])

    def _checked(self, name: str, value: Any) -> Any:
        """A setting, if it is in its range; subclasses know the ranges."""
        return _in_range(type(self).__name__, name, value, math.inf)


class SGD(_Optimizer):
    """Stochastic gradient descent, with momentum if that is not 0.

        g = grad + weight_decay * parameter
        velocity = momentum * velocity + g
        parameter -= lr * velocity

    With `nesterov`, the last line is parameter -= lr * (g + momentum * velocity), which looks ahead
    along the velocity. The settings are attributes, too, and can be changed between steps.
    (`torch.optim.SGD`; Sutskever, Martens, Dahl and Hinton 2013, On the Importance of
    Initialization and Momentum in Deep Learning.)

    Args:
        params: Leaf Values or (nested) rows of them; one that appears twice counts once.
        lr: The learning rate, 0 or more.
        momentum: How much of the velocity is kept from step to step, 0 or more.
        weight_decay: How much of the parameter is added to its gradient, 0 or more.
        nesterov: Whether to look ahead along the velocity; this needs a momentum above 0.

    Raises:
        TypeError: If `params` holds anything but Values and rows of them.
        ValueError: If `params` is empty or holds a computed Value, or if a setting is out of range.

    Examples:
        >>> from scalargrad import Value, optim
        >>> x = Value(1.0)
        >>> optimizer = optim.SGD([x], lr=0.25)
        >>> (x * x).backward()
        >>> optimizer.step()
        >>> x.data                               # 1 - 0.25 * 2
        0.5
    """

    __slots__ = {
        "_velocity": "One number per parameter.",
        "momentum": "How much of the velocity is kept from step to step; can be written.",
        "nesterov": "Whether to look ahead along the velocity; can be written.",
        "weight_decay": "How much of the parameter is added to its gradient; can be written.",
    }

    _settings = ("momentum", "weight_decay", "nesterov")
    _buffers = ("_velocity",)
    _velocity: Vector

    def __init__(
        self,
        params: Parameters,
        lr: float,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        super().__init__(params, lr)
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.nesterov = nesterov
        if self.nesterov and not self.momentum:
            raise ValueError("SGD: nesterov needs a momentum above 0")

    def step(self) -> None:
        """Update every parameter once, from its `grad`."""
        settings = self.lr, self.momentum, self.weight_decay, self.nesterov
        sgd_update(self._rows, self._velocity, *settings)

    def _checked(self, name: str, value: Any) -> Any:
        if name != "nesterov":
            return super()._checked(name, value)
        check_flag(value, "SGD: nesterov")
        return bool(value)


class Adam(_Optimizer):
    """Adam, with bias correction: steps of about `lr`, whatever the size of the gradients.

        m = beta1 * m + (1 - beta1) * grad
        v = beta2 * v + (1 - beta2) * grad**2
        parameter -= lr * (m / (1 - beta1**step)) / (sqrt(v / (1 - beta2**step)) + eps)

    The settings are attributes, too, and can be changed between steps. (Kingma and Ba 2015, Adam: A
    Method for Stochastic Optimization, Algorithm 1; `torch.optim.Adam`.)

    Args:
        params: Leaf Values or (nested) rows of them; one that appears twice counts once.
        lr: The learning rate, 0 or more.
        betas: How much of m and of v is kept from step to step, each at least 0 and below 1.
        eps: Prevents a division by zero; 0 or more.
        weight_decay: How much of the parameter is added to its gradient first, 0 or more.

    Raises:
        TypeError: If `params` holds anything but Values and rows of them.
        ValueError: If `params` is empty or holds a computed Value, or if a setting is out of range.

    Examples:
        >>> from scalargrad import Value, optim
        >>> x = Value(1.0)
        >>> optimizer = optim.Adam([x], lr=0.25)
        >>> (1000 * x).backward()
        >>> optimizer.step()
        >>> round(x.data, 6)                     # 1 - 0.25, however large the gradient
        0.75
    """

    __slots__ = {
        "_m": "One number per parameter.",
        "_v": "One number per parameter.",
        "betas": "How much of m and of v is kept from step to step; can be written.",
        "eps": "Keeps the division from being one by zero; can be written.",
        "steps": "How many steps were taken.",
        "weight_decay": "How much of the parameter is added to its gradient; can be written.",
    }

    _decoupled = False
    _settings = ("betas", "eps", "weight_decay", "steps")
    _buffers = ("_m", "_v")
    _m: Vector
    _v: Vector

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, lr)
        self.betas = betas
        self.eps = eps
        self.weight_decay = weight_decay
        self.steps = 0

    def step(self) -> None:
        """Update every parameter once, from its `grad`."""
        adam_update(
            self._rows,
            self._m,
            self._v,
            self.lr,
            self.betas,
            self.eps,
            self.weight_decay,
            self._decoupled,
            self.steps + 1,
        )
        self.steps += 1

    def _checked(self, name: str, value: Any) -> Any:
        kind = type(self).__name__
        if name == "betas":
            if not isinstance(value, (tuple, list)) or len(value) != 2:
                raise TypeError(f"{kind}: betas must be a pair of numbers, got {value!r:.60}")
            return tuple(_in_range(kind, f"betas[{i}]", b, 1.0) for i, b in enumerate(value))
        if name == "steps":
            if not isinstance(value, int) or not 0 <= value < 2**63:
                raise ValueError(f"{kind}: steps must be an int from 0 up, got {value!r:.60}")
            return value
        return super()._checked(name, value)

    def _loaded(self, name: str, numbers: Any) -> Vector:
        loaded = super()._loaded(name, numbers)
        lowest = min(value.data for value in loaded)
        if name == "_v" and lowest < 0.0:  # a mean of squares
            kind = type(self).__name__
            raise ValueError(f"{kind}.load_state_dict: v must not be negative, got {lowest!r}")
        return loaded


class AdamW(Adam):
    """Adam with decoupled weight decay: it acts on the parameters, not on their gradients.

        parameter *= 1 - lr * weight_decay

    This comes before each step, which is then that of Adam without decay. Everything else is as in
    `Adam`. (Loshchilov and Hutter 2019, Decoupled Weight Decay Regularization;
    `torch.optim.AdamW`.)

    Args:
        params: Leaf Values or (nested) rows of them; one that appears twice counts once.
        lr: The learning rate, 0 or more.
        betas: How much of m and of v is kept from step to step, each at least 0 and below 1.
        eps: Prevents a division by zero; 0 or more.
        weight_decay: How much a parameter shrinks in each step, as a multiple of `lr`, 0 or more.

    Raises:
        TypeError: If `params` holds anything but Values and rows of them.
        ValueError: If `params` is empty or holds a computed Value, or if a setting is out of range.

    Examples:
        >>> from scalargrad import Value, optim
        >>> x = Value(1.0)
        >>> optimizer = optim.AdamW([x], lr=0.5, weight_decay=0.1)
        >>> optimizer.step()
        >>> x.data                               # 1 - 0.5 * 0.1; there was no gradient
        0.95
    """

    __slots__ = ()

    _decoupled = True

    def __init__(
        self,
        params: Parameters,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay)


def clip_grad_norm(params: Parameters, max_norm: float) -> float:
    """Scale all gradients down together so that their norm is at most `max_norm`.

    Gradients with a smaller norm are left alone, so `max_norm=math.inf` only measures. As in
    PyTorch, an infinite gradient becomes nan and the others 0, and a gradient that is nan makes all
    of them nan: check the returned norm if that can happen. (Pascanu, Mikolov and Bengio 2013, On
    the Difficulty of Training Recurrent Neural Networks; `torch.nn.utils.clip_grad_norm_`.)

    Args:
        params: Leaf Values or (nested) rows of them; one that appears twice counts once.
        max_norm: The largest norm that is left alone, 0 or more.

    Returns:
        The norm before clipping: sqrt(sum of grad**2) over all parameters.

    Raises:
        TypeError: If `params` holds anything but Values and rows of them, or `max_norm` is not a
            number.
        ValueError: If `params` is empty or holds a computed Value, or if `max_norm` is negative
            or nan.

    Examples:
        >>> from scalargrad import Value, optim
        >>> x, y = Value(1.0), Value(1.0)
        >>> (30 * x + 40 * y).backward()
        >>> optim.clip_grad_norm([x, y], max_norm=5.0)
        50.0
        >>> round(x.grad, 6), round(y.grad, 6)
        (3.0, 4.0)
    """
    values = [value for row in _rows(params, "clip_grad_norm") for value in row]
    max_norm = as_float(max_norm, "clip_grad_norm: max_norm")
    if not max_norm >= 0.0:
        raise ValueError(f"clip_grad_norm: max_norm must be a number from 0 up, got {max_norm!r}")
    grads = [value.grad for value in values]
    norm = math.nan if any(map(math.isnan, grads)) else math.hypot(*grads)
    if not norm <= max_norm:
        scale = max_norm / norm
        for value in values:
            value.grad *= scale
    return norm


def _rows(params: Parameters, function: str) -> tuple[Vector, ...]:
    """The parameters as rows: each Vector as it is, loose Values gathered; none of them twice."""
    rows: list[Vector] = []
    loose: list[Value] = []
    seen: dict[int, Value] = {}  # by identity, for somebody's class may compare by value
    for path, item in _flatten(params, function):
        values = list(item) if isinstance(item, Vector) else [item]
        for i, value in enumerate(values):
            if value.parents:
                where = f"{path}[{i}]" if isinstance(item, Vector) else path
                raise ValueError(
                    f"{function}: {where} was computed (op {value.op!r}); only leaves can be "
                    "parameters, so pass what it was computed from, or its detach()"
                )
        fresh = dict(zip(map(id, values), values))
        for known in fresh.keys() & seen.keys():
            del fresh[known]
        seen |= fresh
        if isinstance(item, Vector) and len(fresh) == len(item):
            rows += [Vector(loose)] if loose else []
            rows.append(item)
            loose = []
        else:
            loose += fresh.values()
    rows += [Vector(loose)] if loose else []
    if not seen:
        raise ValueError(f"{function}: params is empty; pass the Values to be changed")
    return tuple(rows)


def _flatten(params: Any, function: str) -> Iterator[tuple[str, Value | Vector]]:
    """The Values and Vectors in it, in order, each with where it stands; however deep."""
    outer: list[tuple[Any, Iterator[tuple[str, Any]]]] = [(None, iter([("params", params)]))]
    entered: set[int] = set()
    while outer:
        sequence, items = outer[-1]
        for path, item in items:
            if isinstance(item, (Value, Vector)):
                yield path, item
            elif id(item) in entered:
                raise ValueError(f"{function}: {path} contains itself")
            else:
                entered.add(id(item))
                outer.append((item, _numbered(item, function, path)))
                break
        else:
            entered.discard(id(sequence))
            outer.pop()


def _numbered(sequence: Any, function: str, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(sequence, KeysView):  # in the order of the dict
        sequence = list(sequence)
    why_not = why_no_sequence(sequence)
    if why_not or isinstance(sequence, TEXTS) or not isinstance(sequence, Iterable):
        raise TypeError(
            f"{function}: {path} must be a Value or a sequence of them, "
            f"got {describe(sequence)}{why_not}"
        )
    items = enumerate(iterable(sequence, function, path))
    return ((f"{path}[{i}]", item) for i, item in items)


def _in_range(function: str, name: str, value: Any, end: float) -> float:
    number = as_float(value, f"{function}: {name}")
    if not 0.0 <= number < end:
        below = "" if math.isinf(end) else f" and below {end:g}"
        raise ValueError(f"{function}: {name} must be a number from 0 up{below}, got {value!r}")
    return number


def __getattr__(name: str) -> object:
    from scalargrad.engine.foreign import missing

    return missing(__name__, name)
