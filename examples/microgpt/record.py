"""What frozen dataclasses do, as much of it as is needed here.

Importing dataclasses takes as long as fifty steps of training.
"""

from __future__ import annotations

TYPE_CHECKING = False  # nor is there time for typing
if TYPE_CHECKING:
    from typing import NoReturn


class Record:
    """Values with names. A constructor checks them and sets them with `vars(self).update`.

    After that they do not change. Two records are equal if they are of the same class and all their
    values are. A name that begins with an underscore is for something that follows from the others.
    """

    def __setattr__(self, name: str, value: object) -> NoReturn:
        kind = type(self).__name__
        raise AttributeError(f"cannot set {name}: a {kind} does not change; make another {kind}")

    def __delattr__(self, name: str) -> NoReturn:
        kind = type(self).__name__
        raise AttributeError(f"cannot delete {name}: a {kind} does not change")

    def _values(self) -> dict[str, object]:
        return {name: value for name, value in vars(self).items() if name[0] != "_"}

    def check_complete(self, entry: dict[str, object]) -> None:
        """KeyError if a value is missing in what was read: it need not have been the default."""
        for name in self._values():
            entry[name]

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self._values().items())
        return f"{type(self).__name__}({values})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record) or type(self) is not type(other):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash(tuple(self._values().values()))
