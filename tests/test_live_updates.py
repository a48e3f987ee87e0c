"""What live updates make of what a gateway says, and of a line that does not do its part."""

import json
import socket
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hamcrest import assert_that
from websocket import WebSocket

from support.capabilities.websocket_redis_pubsub.client import (
    Adapter,
    Ending,
    Event,
    Gap,
    Joined,
    Left,
    Line,
    Position,
    Refusal,
    Refused,
    Strange,
    Taken,
    Update,
)
from support.capabilities.websocket_redis_pubsub.matchers import exactly_once_in_order
from support.capabilities.websocket_redis_pubsub.pace import ReadersPace
from support.capabilities.websocket_redis_pubsub.peer import Errand, Peer
from support.capabilities.websocket_redis_pubsub.receiver import Connection, Receiver
from support.capabilities.websocket_redis_pubsub.subscriber import Subscriber, serial_in, update_of
from support.clients.exchanges import Exchanges
from support.errors import AdapterError
from support.platforms.fit import Unfit, fit_of
from support.platforms.platform import Door
from support.platforms.reference.websocket_redis_pubsub import event_in
from support.polling import poll

PLACE = {"channel": "c", "epoch": "e", "offset": 3}
UPDATE = {"type": "update", "data": {"serial": 7}} | PLACE
SUBSCRIBED = {"type": "subscribed", "recovered": None, "updates": []} | PLACE
AT = Position("e", 3)


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (UPDATE, Update("c", AT, {"serial": 7})),
        (UPDATE | {"type": "gap"}, Gap("c", AT)),
        (UPDATE | {"type": "published"}, Taken("c")),
        (UPDATE | {"type": "unsubscribed"}, Left("c")),
        (SUBSCRIBED, Joined("c", AT, None, ())),
        (SUBSCRIBED | {"recovered": False}, Joined("c", AT, False, ())),
        (SUBSCRIBED | {"updates": [{"offset": 3, "data": 1}]}, Joined("c", AT, None, (Update("c", AT, 1),))),
        ({"type": "error", "error": "forbidden", "channel": "c"}, Refused("c", Refusal.FORBIDDEN)),
    ],
)
def test_a_message_as_the_protocol_has_it_is_an_event(message: dict[str, object], event: Event) -> None:
    found = event_in(json.dumps(message).encode())
    assert (type(found), found) == (type(event), event)


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "{", '"update"', "{}", '{"type":"unheard of"}', "\xff"]
    + [json.dumps({k: v for k, v in UPDATE.items() if k != missing}) for missing in UPDATE]
    + [json.dumps(UPDATE | {"offset": "3"}), json.dumps(SUBSCRIBED | {"updates": [{"data": 1}]})]
    + [json.dumps(SUBSCRIBED | {"updates": [None]}), json.dumps(SUBSCRIBED | {"recovered": "yes"})]
    + [json.dumps({"type": "error", "error": "bad_request", "channel": None})],
)
def test_anything_else_is_strange_and_raises_nothing(text: str) -> None:
    found = event_in(text.encode())
    assert (type(found), found) == (Strange, Strange(text))


@pytest.mark.parametrize(
    "data",
    [None, 7, "x", [], {}, {"serial": 7}, update_of(7) | {"serial": "7"}, update_of(7) | {"text": "cut"}],
)
def test_data_that_lost_its_serial_number_or_text_counts_as_a_foreign_update(data: object) -> None:
    assert serial_in(update_of(7, padding=3)) == 7
    assert serial_in(data) == 0


def test_whoever_publishes_waits_for_readers_and_for_one_who_never_reads_only_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("support.capabilities.websocket_redis_pubsub.pace._WAITS_FOR_S", 2.0)
    arrivals: list[int] = []
    reader = SimpleNamespace(connection=SimpleNamespace(arrivals=arrivals))
    pace = ReadersPace([cast(Subscriber, reader)], ahead=1)
    began = time.monotonic()
    pace.keep()  # the first update may go, and the second is one ahead
    pace.keep()
    assert time.monotonic() - began < 2
    pace.keep()
    assert time.monotonic() - began >= 2
    pace.keep()
    assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    ("got", "words"),
    [
        ([1, 2], "got 2: 1 lost (3)"),
        ([1, 2, 2, 3], "got 4: 1 received more than once (2)"),
        ([1, 2, 3, 9], "got 4: 1 foreign (9)"),
        ([1, 3, 2], "got 3: out of order from number 2 on"),
        ([2, 2, 8], "got 3: 2 lost (1, 3); 1 received more than once (2); 1 foreign (8)"),
    ],
)
def test_a_mismatch_names_what_was_lost_doubled_foreign_or_out_of_order(got: list[int], words: str) -> None:
    assert_that([1, 2, 3], exactly_once_in_order([1, 2, 3]))
    with pytest.raises(AssertionError, match="Expected: 3 updates, once each and in order") as told:
        assert_that(got, exactly_once_in_order([1, 2, 3]))
    assert words in str(told.value)


class Script:
    """A line whose `take` and `ending` do as the test says, on one end of a pair of sockets.

    Whoever asks to watch gets the frame `answer`.
    """

    def __init__(self, take: Any, ending: Any = lambda code: Ending.OTHER, answer: bytes = b"") -> None:
        here, self.there = socket.socketpair()
        self.socket = WebSocket()
        self.socket.sock, self.socket.connected = here, True
        self.take, self.ending = take, ending
        self._answer = answer

    def watch(self, channel: str, after: Position | None) -> None:
        """The platform answers."""
        self.says(self._answer)

    def says(self, frame: bytes) -> None:
        """The platform sends a frame."""
        self.there.sendall(frame)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def watched(receiver: Receiver, script: Script) -> Connection:
    connection = Connection(cast(Line, script), receiver)
    receiver.watch(connection)
    return connection


TEXT, CLOSE_4000 = b"\x81\x02ab", b"\x88\x02\x0f\xa0"  # frames of RFC 6455 section 5.2


def test_a_frame_may_hold_several_events_and_an_end_is_told(receiver: Receiver) -> None:
    script = Script(lambda frame: [Left(chr(letter)) for letter in frame], lambda code: {4000: Ending.TOO_SLOW}[code])
    connection = watched(receiver, script)
    script.says(TEXT + CLOSE_4000)
    assert poll(lambda: connection.ending, within_s=5) is Ending.TOO_SLOW
    assert [arrival.event for arrival in connection.arrivals] == [Left("a"), Left("b")]


def test_whoever_is_asked_to_come_back_is_answered_over_the_next_connection(receiver: Receiver) -> None:
    joined = Joined("c", AT, None, ())
    first = Script(lambda frame: [], lambda code: Ending.COME_BACK, answer=CLOSE_4000)
    lines = iter([first, Script(lambda frame: [joined], answer=TEXT)])
    gateway = SimpleNamespace(name="gateway-1", enter=lambda session: next(lines))
    ada = Subscriber("ada", "a session", receiver, Exchanges())
    ada.connect(cast(Adapter, gateway))
    assert ada.watch("c") == joined
    assert len(ada.connections) == 2
    ada.close()


def test_a_connection_that_is_lost_without_a_word_is_no_business_of_the_line(receiver: Receiver) -> None:
    script = Script(lambda frame: [])
    connection = watched(receiver, script)
    script.there.close()
    assert poll(lambda: connection.ending, within_s=5) is Ending.LOST


def test_what_a_line_raises_is_told_to_whoever_looks_and_not_held_against_the_target(receiver: Receiver) -> None:
    def broken_take(frame: bytes) -> Iterable[Event]:
        raise KeyError("pub")

    script = Script(broken_take)
    connection = watched(receiver, script)
    script.says(TEXT)
    with pytest.raises(AdapterError, match="the adapter's line does not do its part: KeyError: 'pub'"):
        poll(lambda: connection.arrivals, within_s=5)
    with pytest.raises(AdapterError):
        _ = connection.ending


def test_a_line_may_hold_something_against_the_target(receiver: Receiver) -> None:
    def accusing(code: int | None) -> Ending:
        raise AssertionError("no such code")

    script = Script(lambda frame: [], accusing)
    connection = watched(receiver, script)
    script.says(CLOSE_4000)
    with pytest.raises(AssertionError, match="no such code"):
        poll(lambda: connection.ending, within_s=5)


def test_a_line_that_hangs_is_told_before_anything_is_missed(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("support.capabilities.websocket_redis_pubsub.receiver._HANGS_AFTER_S", 0.1)

    def hanging(frame: bytes) -> Iterable[Event]:
        time.sleep(3)
        return []

    script = Script(hanging)
    connection = watched(receiver, script)
    script.says(TEXT)
    with pytest.raises(AdapterError, match=r"has not taken a frame within 0\.1 s"):
        poll(lambda: connection.arrivals, within_s=5)


@pytest.mark.parametrize("event", [Update("c", AT, None), Joined("c", AT, True, (Update("c", AT, {"a": [1]}),))])
def test_data_may_be_anything_where_events_are_looked_at_closely(event: Event) -> None:
    fit = fit_of(Event, lambda thing, protocol, folder: thing)
    assert fit(event, Path()) is event
    with pytest.raises(Unfit):
        fit(event._replace(channel=7), Path())


NAMES = ("name", "session", "enter", "write", "look", "end_session", "publish", "present", "counts", "close")
METHODS = "".join(f"    def {name}(self, *asked, **named): {{0}}\n" for name in NAMES)
MADE = "class Adapter:\n    def __init__(self, door): {0}\n"
ADAPTERS = {
    "does not load": ("import nothing_of_that_name", AdapterError, "nothing_of_that_name"),
    "raises": (MADE.format("raise KeyError('pub')") + METHODS.format("..."), AdapterError, "'pub'"),
    "gives no line": ((MADE + METHODS).format("..."), AdapterError, "expected Line"),
    "accuses": (MADE.format("...") + METHODS.format("raise AssertionError('a 500')"), AssertionError, "a 500"),
}


@pytest.mark.parametrize("what", ADAPTERS)
def test_a_subscriber_in_a_process_of_its_own_tells_whose_fault_it_is(tmp_path: Path, what: str) -> None:
    source, error, told = ADAPTERS[what]
    (tmp_path / "platform.toml").write_text('name = "Another platform"\n')
    (tmp_path / "websocket_redis_pubsub.py").write_text(source)
    door = Door("gateway-1", "gateway", "http://127.0.0.1:9", {}, Exchanges())
    with pytest.raises(error, match=told):
        Peer(Errand(tmp_path, "websocket_redis_pubsub", door, "session", ("c",)))
