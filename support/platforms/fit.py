"""Whether a value is of an annotated type: every item of a list, and every field of a value, deterministically."""

import inspect
import types
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import is_dataclass
from functools import cache
from operator import is_
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from beartype import BeartypeConf
from beartype.door import is_bearable
from typing_extensions import is_protocol

Fit = Callable[[Any, Path], Any]  # a value and the platform's folder -> the value, with guards; raises Unfit
Wrap = Callable[[Any, type, Path], Any]  # a value, its Protocol and the platform's folder -> its guard; raises Unfit
_AS_TYPE_CHECKERS = BeartypeConf(is_pep484_tower=True)  # an int is a float, too
_OURS = "support."  # whose Protocols, tuples and dataclasses are looked into


class Unfit(Exception):
    """A value is not of the type that it should be of."""

    def __str__(self) -> str:
        expected, value = self.args
        return f"expected {expected}, got {'None' if value is None else f'{type(value).__name__} {value!r:.100}'}"


def fit_of(hint: Any, wrap: Wrap) -> Fit:
    """A check for `hint`, an annotation that is resolved; `wrap` guards what is of a Protocol of the suite."""
    return _fit_of(hint, wrap)


@cache
def _fit_of(hint: Any, wrap: Wrap) -> Fit:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _one_of([_fit_of(one, wrap) for one in arguments], hint) if any(map(_deep, arguments)) else _plain(hint)
    if not _deep(hint):
        return _plain(hint)
    if isinstance(origin, type):
        return _items(origin, arguments, hint, wrap)
    return (lambda value, folder: wrap(value, hint, folder)) if is_protocol(hint) else _fields(hint, wrap)


def _deep(hint: Any) -> bool:
    """Whether what is of `hint` has parts that are looked at, or is guarded itself."""
    origin = get_origin(hint)
    if origin is not None:
        return isinstance(origin, type) and issubclass(origin, Iterable) and bool(get_args(hint))
    ours = isinstance(hint, type) and hint.__module__.startswith(_OURS)
    return ours and (is_protocol(hint) or is_dataclass(hint) or issubclass(hint, tuple))


def shown(hint: Any) -> str:
    """A type or a signature, as a person would write it."""
    text = inspect.formatannotation(hint) if not isinstance(hint, inspect.Signature) else str(hint)
    for module in {part.rpartition(".")[0] for part in text.replace("[", " ").replace(",", " ").split() if "." in part}:
        text = text.replace(f"{module}.", "")
    return text


def _plain(hint: Any) -> Fit:
    if hint in (Any, object):
        return lambda value, folder: value
    classes = _classes(hint)

    def fit(value: Any, folder: Path) -> Any:
        # Most are classes, and Python itself is ten times as quick about these.
        if not (isinstance(value, classes) if classes else is_bearable(value, hint, conf=_AS_TYPE_CHECKERS)):
            raise Unfit(shown(hint), value)
        return value

    return fit


def _classes(hint: Any) -> tuple[type, ...]:
    """The classes of which a value is to be an instance; none where `hint` is more than that."""
    said = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    alternatives = tuple(object if one is Any else one for one in said)  # nothing is an instance of Any itself
    if not all(isinstance(one, type) and get_origin(one) is None and not is_protocol(one) for one in alternatives):
        return ()
    return (*alternatives, int) if float in alternatives else alternatives


def _one_of(fits: list[Fit], hint: Any) -> Fit:
    def fit(value: Any, folder: Path) -> Any:
        for one in fits:
            try:
                return one(value, folder)
            except Unfit:
                continue
        raise Unfit(shown(hint), value)

    return fit


def _fields(hint: type, wrap: Wrap) -> Fit:
    """A tuple with names, or a dataclass: each field is of its own type."""
    itself = _plain(hint)

    @cache  # not before it is asked for: a field may be of the same class
    def fields() -> Mapping[str, Fit]:
        hints = get_type_hints(hint)
        names: Iterable[str] = getattr(hint, "_fields", None) or vars(hint)["__dataclass_fields__"]
        return {name: _fit_of(hints[name], wrap) for name in names}

    def fit(value: Any, folder: Path) -> Any:
        itself(value, folder)
        for name, one in fields().items():
            try:
                one(getattr(value, name), folder)
            except Unfit as error:
                raise Unfit(f"{hint.__name__} whose {name} fits ({error})", value) from error
        return value

    return fit


def _items(origin: type, arguments: tuple[Any, ...], hint: Any, wrap: Wrap) -> Fit:
    """A collection, each of whose items fits; an iterator is looked at as it goes on."""
    itself = _plain(origin)
    if issubclass(origin, Mapping):
        return _table(itself, *(_fit_of(one, wrap) for one in arguments))
    if issubclass(origin, tuple) and arguments[-1] is not ...:
        return _row(itself, [_fit_of(one, wrap) for one in arguments], hint)
    item = _fit_of(arguments[0], wrap)

    def fit(value: Any, folder: Path) -> Any:
        itself(value, folder)
        if not isinstance(value, Collection):
            return _going_on(iter(value), item, folder)
        fitting = [item(one, folder) for one in value]
        # What has no guards in it stays itself: it may be a list that still grows.
        return value if all(map(is_, fitting, value)) else type(value)(fitting)  # type: ignore[call-arg]

    return fit


def _table(itself: Fit, keys: Fit, values: Fit) -> Fit:
    def fit(value: Any, folder: Path) -> Any:
        fitting = {keys(key, folder): values(one, folder) for key, one in itself(value, folder).items()}
        return value if all(map(is_, fitting.values(), value.values())) else fitting

    return fit


def _row(itself: Fit, fits: list[Fit], hint: Any) -> Fit:
    def fit(value: Any, folder: Path) -> Any:
        if len(itself(value, folder)) != len(fits):
            raise Unfit(shown(hint), value)
        fitting = tuple(one(part, folder) for one, part in zip(fits, value, strict=True))
        return value if all(map(is_, fitting, value)) else fitting

    return fit


def _going_on(items: Iterator[Any], item: Fit, folder: Path) -> Iterator[Any]:
    for one in items:
        yield item(one, folder)
