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


class no_grad:  # noqa: N801 - named as PyTorch names it
    """Within it, operations compute numbers and record no graph.

    A context manager, `with no_grad():`, and a decorator, `@no_grad()`. It holds for the current
    thread only, and can be nested. Raises TypeError if it is to decorate a generator or a
    coroutine, whose body would run later. (`torch.no_grad`)

        >>> from scalargrad import Value
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
        if any(f(function) for f in (isgeneratorfunction, iscoroutinefunction, isasyncgenfunction)):
            raise TypeError(
                "no_grad: cannot decorate a generator or a coroutine, whose body runs later; "
                "write `with no_grad():` inside it"
            )

        @functools.wraps(function)
        def without_graph(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return without_graph  # type: ignore[return-value]
