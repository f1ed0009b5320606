# SPDX-License-Identifier: Apache-2.0
"""Values that cannot be changed, and that cost little to define and to make.

``@record`` makes of a class what ``@dataclass(frozen=True, slots=True)`` makes of it:
its annotations are its fields, in their order, with their defaults; two are equal if
their class and fields are, and have a hash if their fields have. ``dataclasses``
compiles six functions a class, in 0.3 ms; ``trustacks rule lint`` defines sixty classes
before it reads a rule, and somebody waits. Here only the constructor is compiled, and
it fills the slots directly, in two thirds of the time (ADR 0038). ``dataclasses`` knows
a record too: ``replace`` and ``fields`` work.

Deliberately not here: factories of defaults, fields that do not compare or are not
shown, ``__post_init__``, order, inherited fields, ``super()``. A class that needs one
of them is a dataclass.

Example:
    >>> @record
    ... class Place:
    ...     line: int
    ...     column: int = 1
    >>> Place(3), Place(3) == Place(3, 1)
    (Place(line=3, column=1), True)
"""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any, Final, NoReturn, TypeVar, dataclass_transform

T = TypeVar("T")

# What every class has for itself: the record is another class.
_OWN: Final = ("__dict__", "__weakref__")


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """Return a class as a record; its methods stay, and win over those made here."""
    names = tuple(cls.__annotations__)
    defaults = {n: vars(cls)[n] for n in names if n in vars(cls)}
    body = {n: v for n, v in vars(cls).items() if n not in (*names, *_OWN)}
    slots = {"__slots__": names, "__match_args__": names}
    body |= {"__dataclass_fields__": _Fields(cls, defaults)}
    made: Any = type(cls.__name__, cls.__bases__, {**_methods(names), **body, **slots})
    made.__init__ = _constructor(made, names, defaults)
    return made  # type: ignore[no-any-return]


def _constructor(
    made: type, names: Sequence[str], defaults: dict[str, Any]
) -> Callable[..., None]:
    """Compile ``__init__``: what a slot's descriptor sets, ``setattr`` would refuse."""
    takes = (f"{n}=default_{n}" if n in defaults else n for n in names)
    fills = (f"    put_{n}(self, {n})" for n in names)
    space = {f"put_{n}": vars(made)[n].__set__ for n in names}
    space |= {f"default_{n}": value for n, value in defaults.items()}
    text = "\n".join([f"def __init__(self, {', '.join(takes)}):", *fills])
    exec(text, space)  # noqa: S102 - of names that the class has, as dataclasses do it
    constructor: Callable[..., None] = space["__init__"]
    constructor.__qualname__ = f"{made.__qualname__}.__init__"
    return constructor


def _methods(names: tuple[str, ...]) -> dict[str, Callable[..., Any]]:
    read = attrgetter(*names, "__class__")  # a tuple, of one field too

    def same(self: Any, other: Any) -> Any:
        if type(self) is not type(other):
            return NotImplemented
        return read(self) == read(other)

    def digest(self: Any) -> int:
        return hash(read(self))

    def show(self: Any) -> str:
        said = (f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__qualname__}({', '.join(said)})"

    def reduce(self: Any) -> tuple[Any, ...]:
        return type(self), read(self)[:-1]  # to be pickled, and copied

    return {
        "__eq__": same,
        "__hash__": digest,
        "__repr__": show,
        "__reduce__": reduce,
        "__setattr__": _refuse,
        "__delattr__": _refuse,
    }


class _Fields:
    """What ``dataclasses`` asks a class for, made by it when it first asks."""

    def __init__(self, cls: type, defaults: dict[str, Any]) -> None:
        self._cls = cls
        self._defaults = defaults
        self._made: Any = None

    def __get__(self, _value: object, _owner: type) -> Any:
        if self._made is None:
            from dataclasses import make_dataclass  # noqa: PLC0415 - rarely asked for

            fields = self._cls.__annotations__.items()
            made: Any = make_dataclass("_", fields, namespace=self._defaults)
            self._made = made.__dataclass_fields__
        return self._made


def _refuse(self: Any, name: str, *_value: Any) -> NoReturn:
    raise AttributeError(f"expected no change of {type(self).__name__}.{name}")
