"""The seam: what an adapter does wrong is told as the adapter's, with its place, and never as the platform's."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, get_type_hints

import pytest
from routes_and_codes import found_in
from typing_extensions import get_protocol_members, is_protocol

from support.clients.exchanges import Exchanges
from support.containers.layout import CAPABILITIES
from support.errors import AdapterError, ProbeError
from support.platforms import fit, seam
from support.platforms.platform import Door, Platform
from support.settings import REFERENCE

ROOT = Path(__file__).resolve().parents[1]
TOLLGATE = ROOT / "tests" / "platforms" / "tollgate"
LIMITS = "rate_limiting_redis"
DOOR = Door("gate-1", "gateway", "http://127.0.0.1:9", {"TOLL_KEY": "k"}, Exchanges())
HEAD = """
    from test_seam import Answer
    from support.errors import ProbeError
    from support.promise import broken

    class Adapter:
        def __init__(self, door):
            pass

        def close(self):
            pass
"""


@dataclass(frozen=True)
class Answer:
    """What a gate says, and how many passages are left."""

    said: str
    left: int | None = None


class Gate(Protocol):
    """What the adapters of these tests are to be like."""

    def call(self, who: str, path: str, cost: int = 1) -> Answer: ...


# What the methods of adapters are like


class Refusal(Enum):
    CLOSED = 1


class Place(NamedTuple):
    number: int
    text: str


@dataclass(frozen=True)
class Books:
    places: list[Place]
    kind: Literal["old", "new"]


class Line(Protocol):
    name: str

    def take(self, place: Place) -> Place | None: ...


class Shop(Protocol):
    def enter(self, who: str, *, late: bool = False) -> Line | Refusal: ...
    def lines(self) -> Mapping[str, Line]: ...
    def books(self) -> Books: ...
    def places(self) -> Iterator[Place]: ...
    def speed(self) -> float: ...
    def anything(self) -> list[Any] | None: ...
    def hand_over(self, lines: Sequence[Line]) -> None: ...


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], Any]:
    """Puts a guard of Shop before a thing."""
    monkeypatch.setattr(fit, "_OURS", __name__)
    return lambda thing: seam._guard_of(Shop)(thing, Path(__file__).parent)


class AnyLine:
    name = "a"

    def take(self, place: Any) -> Any:
        return place


class AnyShop:
    """Returns whatever it was made with."""

    def __init__(self, **results: Any) -> None:
        self._results = results

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **named: self._results[name]


GOOD = Books([Place(1, "a")], "old")


@pytest.mark.parametrize(
    ("method", "result"),
    [
        ("enter", Refusal.CLOSED),
        ("books", GOOD),
        ("speed", 1),
        ("speed", 0.5),
        ("anything", [1, None]),
    ],
)
def test_what_fits_comes_through_as_it_is(shop: Any, method: str, result: object) -> None:
    guarded = shop(AnyShop(**{method: result}))
    assert getattr(guarded, method)(*["who"] * (method == "enter")) is result


@pytest.mark.parametrize(
    ("method", "result", "told"),
    [
        ("enter", None, r"expected Line \| Refusal, got None"),
        ("anything", 3, r"expected list\[Any\] \| None, got int 3"),
        ("enter", 3, r"expected Line \| Refusal, got int 3"),
        ("books", Books([Place(1, "a"), Place("2", "b")], "old"), "number fits .expected int, got str '2'"),  # type: ignore[arg-type]
        ("books", Books([], "odd"), "kind fits"),  # type: ignore[arg-type]
        ("speed", "1", "expected float, got str '1'"),
        ("lines", {"a": 1}, "expected Line, which has name, take, got int 1"),
    ],
)
def test_what_does_not_fit_is_the_adapters(shop: Any, method: str, result: object, told: str) -> None:
    guarded = shop(AnyShop(**{method: result}))
    with pytest.raises(AdapterError, match=f"the adapter, {method} .*{told}"):
        getattr(guarded, method)(*["who"] * (method == "enter"))


def test_what_an_iterator_gives_late_is_seen_to(shop: Any) -> None:
    places = shop(AnyShop(places=iter([Place(1, "a"), Place(2, None)]))).places()  # type: ignore[arg-type]
    assert next(places) == Place(1, "a")
    with pytest.raises(AdapterError, match=r"the adapter, places .*text fits .expected str, got None"):
        next(places)


def test_things_of_other_protocols_are_guarded_and_given_back_bare(shop: Any) -> None:
    received: list[object] = []
    line = AnyLine()
    thing = AnyShop(enter=line, lines={"a": line})
    vars(thing)["hand_over"] = received.extend
    guarded = shop(thing)
    entered = guarded.enter("who", late=True)
    assert (type(entered).__name__, entered.name, entered.take(Place(1, "a"))) == ("GuardedLine", "a", Place(1, "a"))
    with pytest.raises(AdapterError, match=r"the adapter, take \(test_seam.py:\d+\): expected Place"):
        entered.take((1, "a"))
    assert guarded.lines() == {"a": entered} and hash(entered) == hash(line)
    guarded.hand_over([entered])
    assert received == [line] and received[0] is line


def test_thousands_of_calls_cost_little(shop: Any) -> None:
    import timeit

    guarded = shop(AnyShop(speed=0.5))
    assert timeit.timeit(guarded.speed, number=10_000) < 1.0


# Adapters of a platform


@pytest.fixture
def gates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Adapters are to be like Gate."""
    monkeypatch.setattr(fit, "_OURS", __name__)
    monkeypatch.setattr(seam, "_protocol_of", lambda capability: Gate)


def platform(folder: Path, code: str) -> Platform:
    """One with an adapter of `code`."""
    (folder / "platform.toml").write_text('name = "Any"\n')
    (folder / f"{LIMITS}.py").write_text(textwrap.dedent(code))
    return Platform(folder)


def method(body: str) -> str:
    """An adapter whose call does `body`."""
    return (
        HEAD
        + f"""
        def call(self, who, path, cost=1):
            {body}
"""
    )


@pytest.mark.parametrize(
    ("body", "error", "told"),
    [
        ("return Answer('in')", None, ""),
        ("return {}['left']", AdapterError, rf"the adapter, call: {LIMITS}.py:\d+, KeyError: 'left'"),
        ("return True", AdapterError, rf"the adapter, call \({LIMITS}.py:\d+\): expected Answer, got bool True"),
        ("return Answer('in', '7')", AdapterError, "whose left fits"),
        ("return None", AdapterError, "expected Answer, got None"),
        ("raise OSError('no route')", AdapterError, "OSError: no route"),
        ("raise ProbeError('no look')", ProbeError, "no look"),
        ("broken('it let in too many')", AssertionError, "it let in too many"),
        ("raise KeyboardInterrupt", KeyboardInterrupt, "^$"),
    ],
)
@pytest.mark.usefixtures("gates")
def test_only_an_assertion_is_about_the_platform(
    body: str, error: type[BaseException] | None, told: str, tmp_path: Path
) -> None:
    adapter = platform(tmp_path, method(body)).meet(LIMITS, DOOR)
    if error is None:
        assert adapter.call("ada", "x").left is None
        return
    with pytest.raises(error, match=told):
        adapter.call("ada", "x")


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import nothing_of_that_name", rf"does not load: {LIMITS}.py:1, ModuleNotFoundError: No module named"),
        ("def Adapter(): pass", "has no class Adapter"),
        (HEAD, r"no method call\(self, who: str, path: str, cost: int = 1\) -> Answer; add it"),
        (HEAD + "\n        def call(self, whom, cost): pass", r"Adapter.call does not take what it is given: "),
        (HEAD + "\n        def call(self, who, path, cost): pass", "missing a required argument: 'cost'"),
        (HEAD + "\n        call = 3", "it is no method"),
        (
            "class Adapter:\n  def call(self, who, path, cost=1): pass",
            "no method close",
        ),
        ("class Adapter:\n  def __init__(self): pass", r"is to be built as Adapter\(door\)"),
        (
            "import test_seam\nclass Adapter(test_seam.Gate):\n  def __init__(self, door): pass",
            "no method call",
        ),
    ],
)
@pytest.mark.usefixtures("gates")
def test_what_is_not_there_is_told_before_anything_starts(code: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(AdapterError, match=told) as error:
        platform(tmp_path, code).adapter_of(LIMITS)
    assert str(tmp_path / f"{LIMITS}.py") in str(error.value)


@pytest.mark.usefixtures("gates")
def test_an_adapter_that_cannot_be_built_is_the_adapters(tmp_path: Path) -> None:
    broken = HEAD.replace("pass", "raise ValueError('odd')") + "\n        def call(self, who, path, cost=1): pass"
    with pytest.raises(AdapterError, match=rf"the adapter, Adapter: {LIMITS}.py:\d+, ValueError: odd"):
        platform(tmp_path, broken).meet(LIMITS, DOOR)


KEYS = sorted(path.parent.name for path in CAPABILITIES.glob("*/client.py"))


@pytest.mark.parametrize("key", KEYS)
def test_the_protocols_of_every_capability_can_be_guarded_and_the_reference_has_them(key: str) -> None:
    client = import_module(f"support.capabilities.{key}.client")
    protocols = [one for one in vars(client).values() if isinstance(one, type) and is_protocol(one)]
    for protocol in (one for one in protocols if one.__module__ == client.__name__):
        seam._guard_of(protocol)
        for name in get_protocol_members(protocol):
            member = inspect.getattr_static(protocol, name, None)
            assert not inspect.isfunction(member) or "return" in get_type_hints(member), f"{key}: {protocol}.{name}"
    Platform(REFERENCE).adapter_of(key)


# No route, message, status or close code on the suite's side of it


@pytest.mark.parametrize("key", KEYS)
def test_a_capability_knows_no_route_message_or_code(key: str) -> None:
    for path in [*sorted((CAPABILITIES / key).glob("*.py")), ROOT / "steps" / f"{key}.py"]:
        problems = found_in(ast.parse(path.read_text()))
        assert not problems, f"{path.relative_to(ROOT)}: {problems}; it belongs into the adapters (support/platforms)"


def test_the_shared_worlds_know_no_route_message_or_code() -> None:
    for path in sorted((ROOT / "support" / "worlds").glob("*.py")):
        problems = found_in(ast.parse(path.read_text()))
        assert not problems, f"{path.relative_to(ROOT)}: {problems}"


@pytest.mark.parametrize(
    "code",
    [
        'ask("GET", "/session")',
        'url + "/realtime"',
        'f"/channels/{channel}/updates"',
        'send({"type": "subscribe"})',
        "answer.status_code == 401",
        "if status in (200, 503): pass",
        "must(connection.close_code == 1008, 'x')",
        "CLOSED = 4008",
        "match answer.status:\n  case 404: pass",
        'run("SELECT * FROM charges")',
        'run("SELECT * FROM pg_locks JOIN orders USING (pid)")',
        'run("insert into charges values (1)")',
    ],
)
def test_routes_messages_and_codes_are_found(code: str) -> None:
    assert found_in(ast.parse(code))


@pytest.mark.parametrize(
    "code",
    [
        '"200 updates arrive/second"',
        'api.arrivals(path="/orders")',
        'arm(match={"path": f"/{service}/late"})',
        '"/"',
        '"/proc/1/fd"',
        "count == 200",
        "len(rows) == 1000",
        '"select one of them"',
        '"SELECT count(*) FROM pg_stat_activity WHERE state = 1"',
        '"SELECT count(*) FROM ("',
        '"INSERT INTO l3_bare VALUES (1)"',
        'dict(kind="update")',
        '"""The /health of a node."""',
        "timeout = 4000",
        "AT_ONCE = 2000",
    ],
)
def test_other_words_and_numbers_are_not(code: str) -> None:
    assert not found_in(ast.parse(code))
