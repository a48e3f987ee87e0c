"""The guard at the seam: what an adapter does wrong is told as the adapter's, and is never held against the platform.

Each adapter, and each object of another Protocol that it gives out, is met through a guard made of that Protocol: it
has the same methods, what they return is of the annotated type, and what they raise is an AssertionError (about the
platform), an error of the suite's own, what the capability's client.py allows by MAY_RAISE, or else
an AdapterError.
"""

import inspect
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from traceback import walk_tb
from types import GeneratorType
from typing import Any, ClassVar, get_type_hints

from typing_extensions import get_protocol_members, is_protocol

from support.errors import AdapterError, SuiteError
from support.platforms.fit import Fit, Unfit, fit_of, shown
from support.settings import ROOT

_EVERY_ONE_HAS = ("close",)  # what the suite itself asks of every adapter


def told(error: BaseException, folder: Path) -> str:
    """An error as "place in the folder, type: message"; the place is the innermost that is the adapter's own."""
    frames = [(Path(frame.f_code.co_filename), line) for frame, line in walk_tb(error.__traceback__)]
    own = [f"{path.relative_to(folder)}:{line}, " for path, line in frames if path.is_relative_to(folder)]
    return f"{own[-1] if own else ''}{type(error).__name__}: {error}"


def expect_methods(found: type, capability: str, path: Path) -> None:
    """Sees that the class `found` in `path` has what `capability` asks of an adapter.

    Raises AdapterError naming all that is absent or takes other parameters, with the mend.
    """
    problems = [*_misfits(found, _protocol_of(capability))]
    if problems:
        mend = f"support/capabilities/{capability}/client.py says what each of them does"
        raise AdapterError(f"the adapter {path}: {'; '.join(problems)} ({mend})")


def guarded(build: Callable[[], Any], capability: str, folder: Path) -> Any:
    """What `build` makes, an adapter of a platform in `folder`, behind its guard. Raises AdapterError."""
    return _guard_of(_protocol_of(capability))(_attempt(build, folder, "Adapter"), folder)


class Guard:
    """Stands before `thing` of a platform in `folder`. What it has else is that of a Protocol; see `_guard_of`."""

    __slots__ = ("_folder", "_thing")
    may_raise: ClassVar[tuple[type[Exception], ...]] = (AssertionError, SuiteError)

    def __init__(self, thing: Any, folder: Path) -> None:
        self._thing, self._folder = thing, folder

    def close(self) -> None:
        """Closes the thing."""
        _attempt(self._thing.close, self._folder, "close")

    def __eq__(self, other: object) -> bool:
        return bool(self._thing == _bare(other))

    def __hash__(self) -> int:
        return hash(self._thing)

    def __repr__(self) -> str:
        return repr(self._thing)


def _protocol_of(capability: str) -> type:
    """The Protocol of the capability's adapters, found by its key. Raises SuiteError when it has none."""
    path = f"support/capabilities/{capability}/client.py"
    if not (ROOT / path).is_file():
        raise SuiteError(f"there is no {path}; it holds the class Adapter(Protocol) that adapters are held to")
    found = getattr(import_module(f"support.capabilities.{capability}.client"), "Adapter", None)
    if not (isinstance(found, type) and is_protocol(found)):
        raise SuiteError(f"{path} has no class Adapter(Protocol), which adapters are held to")
    return found


@cache
def _guard_of(protocol: type) -> type[Guard]:
    """The guard for things of `protocol`: a class with a method for each of its methods, and its attributes."""
    members: dict[str, Any] = {"__slots__": (), "may_raise": _may_raise(protocol)}
    for name in get_protocol_members(protocol):
        member = inspect.getattr_static(protocol, name, None)
        if inspect.isfunction(member):
            members[name] = _method(name, fit_of(get_type_hints(member).get("return", Any), _guard))
        else:
            said = member.fget if isinstance(member, property) else protocol
            hint = get_type_hints(said).get("return" if isinstance(member, property) else name, Any)
            members[name] = property(_reading(name, fit_of(hint, _guard)))
    return type(f"Guarded{protocol.__name__}", (Guard,), members)


def _may_raise(protocol: type) -> tuple[type[Exception], ...]:
    """What comes through a guard: also what the capability itself judges, by MAY_RAISE in the module of `protocol`."""
    found: tuple[type[Exception], ...] = getattr(sys.modules[protocol.__module__], "MAY_RAISE", ())
    return (*Guard.may_raise, *found)


def _guard(thing: Any, protocol: type, folder: Path) -> Guard:
    """`thing` behind a guard of `protocol`. Raises Unfit when it has not all of that."""
    absent = [name for name in get_protocol_members(protocol) if not hasattr(thing, name)]
    if absent:
        raise Unfit(f"{protocol.__name__}, which has {', '.join(sorted(absent))}", thing)
    return _guard_of(protocol)(thing, folder)


def _method(name: str, fit: Fit) -> Callable[..., Any]:
    def method(self: Guard, /, *args: Any, **named: Any) -> Any:
        try:
            bare = {key: _bare(value) for key, value in named.items()}
            result = fit(getattr(self._thing, name)(*map(_bare, args), **bare), self._folder)
        except self.may_raise:
            raise
        except Exception as error:
            raise _fault(error, self._thing, name, self._folder) from error
        return _going_on(result, self, name) if type(result) is GeneratorType else result

    return method


def _reading(name: str, fit: Fit) -> Callable[[Guard], Any]:
    def reading(self: Guard) -> Any:
        return _attempt(lambda: fit(getattr(self._thing, name), self._folder), self._folder, name, self._thing)

    return reading


def _going_on(items: Iterator[Any], guard: Guard, name: str) -> Iterator[Any]:
    """What an adapter gives out one after the other, each of which it may yet fail to."""
    end = object()
    while (item := _attempt(lambda: next(items, end), guard._folder, name, guard._thing)) is not end:
        yield item


def _attempt(work: Callable[[], Any], folder: Path, name: str, thing: Any = None) -> Any:
    """What `work`, an adapter's own code, returns. Raises what it may raise, else AdapterError."""
    try:
        return work()
    except (AssertionError, SuiteError):
        raise
    except Exception as error:
        raise _fault(error, thing, name, folder) from error


def _fault(error: Exception, thing: Any, name: str, folder: Path) -> AdapterError:
    if isinstance(error, Unfit):
        return AdapterError(f"the adapter, {name} ({_place(thing, name, folder)}): {error}")
    return AdapterError(f"the adapter, {name}: {told(error, folder)}")


def _place(thing: Any, name: str, folder: Path) -> str:
    """Where `thing` has `name`, as a file and a line; only the class where nobody knows."""
    code = getattr(getattr(thing, name, None), "__code__", None)
    if not code:
        return type(thing).__name__
    path = Path(code.co_filename)
    return f"{path.relative_to(folder) if path.is_relative_to(folder) else path}:{code.co_firstlineno}"


def _bare(value: Any) -> Any:
    """What an adapter is given is its own, without the guard."""
    if isinstance(value, Guard):
        return value._thing
    return type(value)(map(_bare, value)) if type(value) in (list, tuple) else value


def _misfits(found: type, protocol: type) -> Iterator[str]:
    try:
        inspect.signature(found).bind("door")
    except TypeError as error:
        yield f"Adapter is to be built as Adapter(door): {error}"
    for name in sorted({*get_protocol_members(protocol), *_EVERY_ONE_HAS}):
        asked = inspect.getattr_static(protocol, name, None)
        own = inspect.getattr_static(found, name, None)
        parameters = inspect.signature(asked) if inspect.isfunction(asked) else None
        if own is None or own is asked:  # of a Protocol that it is derived from, it has but the name
            if parameters or name in _EVERY_ONE_HAS:
                yield f"Adapter has no method {name}{shown(parameters) if parameters else '(self) -> None'}; add it"
        elif parameters and (misfit := _misfit(parameters, own)):
            yield f"Adapter.{name} does not take what it is given: {misfit}; let it be {name}{shown(parameters)}"


def _misfit(asked: inspect.Signature, own: Any) -> str:
    """Why a method that is there cannot be called as `asked`: by position, by name, and with no more than needed."""
    inner = own.__func__ if isinstance(own, (staticmethod, classmethod)) else own
    if not callable(inner):
        return "it is no method"
    first = [] if isinstance(own, staticmethod) else ["self"]
    taken = inspect.signature(inner)
    named = [p for p in list(asked.parameters.values())[1:] if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    by_place = [p for p in named if p.kind != p.KEYWORD_ONLY]
    only = {p.name: p for p in named if p.kind == p.KEYWORD_ONLY}
    needed = [p for p in by_place if p.default is p.empty]
    by_name = {p.name: p for p in named if p.kind != p.POSITIONAL_ONLY}
    before = [p for p in by_place if p.kind == p.POSITIONAL_ONLY]
    needed_only = {name: p for name, p in only.items() if p.default is p.empty}
    try:
        taken.bind(*first, *by_place, **only)
        taken.bind(*first, *needed, **needed_only)
        taken.bind(*first, *before, **by_name)
    except TypeError as error:
        return str(error)
    return ""
