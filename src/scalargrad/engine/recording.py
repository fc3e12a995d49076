"""`no_grad`: numbers without a graph. It pauses the engine, which knows for each thread.

>>> from scalargrad import Value
>>> x = Value(2.0)
>>> with no_grad():
...     y = x * x
>>> y.data, y.parents
(4.0, ())
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from scalargrad.engine import pause_recording, resume_recording
from scalargrad.engine.arguments import describe

TYPE_CHECKING = False  # importing typing would cost more than all the rest
if TYPE_CHECKING:
    from typing import Any, TypeVar

    Function = TypeVar("Function", bound=Callable[..., Any])


class _AlsoWithoutBrackets(type):
    """Lets `with no_grad:` and `@no_grad` be what `with no_grad():` and `@no_grad()` are."""

    def __enter__(cls) -> None:
        pause_recording()

    def __exit__(cls, *exception: object) -> None:
        resume_recording()

    def __call__(cls, *function: Any) -> Any:
        if len(function) == 1 and cls is no_grad:
            return cls()(*function)
        return super().__call__(*function)


class no_grad(metaclass=_AlsoWithoutBrackets):  # noqa: N801 - named as PyTorch names it
    """Within it, operations compute numbers and record no graph.

    It is a context manager, `with no_grad():`, and a decorator, `@no_grad()`, and the brackets may
    be left out. It applies to the current thread only, and can be nested. A generator or coroutine
    that it decorates records nothing while it runs, and lets others record while it waits. Raises
    TypeError if it has to decorate anything but a function. (`torch.no_grad`)

        >>> from scalargrad import Value, no_grad
        >>> x = Value(2.0)
        >>> with no_grad():
        ...     y = x * x
        >>> y.data, y.parents
        (4.0, ())
    """

    __enter__ = staticmethod(pause_recording)
    __exit__ = staticmethod(resume_recording)

    def __call__(self, function: Function) -> Function:
        from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction

        if not callable(function) or isinstance(function, type):
            raise TypeError(f"no_grad: can only decorate a function, got {describe(function)}")
        if isasyncgenfunction(function):
            raise TypeError(
                "no_grad: cannot decorate an asynchronous generator; "
                "write `with no_grad():` inside it, around what is to be computed without a graph"
            )

        @functools.wraps(function)
        def without_graph(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        @functools.wraps(function)
        def generator(*args: Any, **kwargs: Any) -> Any:
            return (yield from _paused(function(*args, **kwargs)))

        @functools.wraps(function)
        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            return await _Awaiting(function(*args, **kwargs))

        if isgeneratorfunction(function):
            return generator  # type: ignore[return-value]
        return coroutine if iscoroutinefunction(function) else without_graph  # type: ignore[return-value]


class _Awaiting:
    """A coroutine that records nothing while it runs."""

    def __init__(self, coroutine: Any) -> None:
        self.coroutine = coroutine

    def __await__(self) -> Any:
        return _paused(self.coroutine)


def _paused(generator: Any) -> Any:
    """What a generator or coroutine yields and takes; recording is paused between two yields."""
    step, argument = generator.send, None
    while True:
        try:
            with no_grad():
                item = step(argument)
        except StopIteration as stop:
            return stop.value
        try:
            argument = yield item
            step = generator.send
        except GeneratorExit:
            with no_grad():
                generator.close()
            raise
        except BaseException as error:
            step, argument = generator.throw, error
