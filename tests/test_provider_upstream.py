"""The frame of all providers, tried on the upstream: what it is told to do to a request it does, and it tells so."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
import requests
from provider_process import Addresses, provider
from urllib3.exceptions import HTTPError

from support.clients.upstream_control import UpstreamControl
from support.errors import FaultError, ProbeError
from support.polling import poll
from support.settings import ROOT

Call = Callable[..., "Future[requests.Response]"]


@pytest.fixture(scope="module")
def addresses() -> Iterator[Addresses]:
    with provider("upstream") as found:
        yield found


@pytest.fixture
def control(addresses: Addresses) -> Iterator[UpstreamControl]:
    """The control port of an upstream that remembers nothing."""
    made = UpstreamControl("upstream", addresses.control_url, {addresses.url.removeprefix("http://"): "node-1"})
    made.ask("POST", "/forget")
    yield made
    made.close()


@pytest.fixture
def call(addresses: Addresses) -> Iterator[Call]:
    """Calls the upstream from a thread: call("GET", "/path", timeout=..., data=...)."""
    with ThreadPoolExecutor(30) as pool:

        def request(method: str, path: str, timeout: float = 5, **more: Any) -> "Future[requests.Response]":
            return pool.submit(requests.request, method, addresses.url + path, timeout=timeout, **more)

        yield request


def test_the_meter_tells_every_request_with_who_called_and_what_became_of_it(
    control: UpstreamControl, call: Call
) -> None:
    assert call("GET", "/a/1?x=2", headers={"Authorization": "Bearer secret"}).result().json()["path"] == "/a/1"
    mark = control.mark()
    call("POST", "/b", data="body").result()
    first, second = control.arrivals()
    assert (first.method, first.path, first.query, first.via) == ("GET", "/a/1", {"x": "2"}, "node-1")
    assert (first.executed, first.status, first.cut, first.open) == (True, 200, None, False)
    assert first.ended and first.arrived <= first.ended <= second.arrived
    assert "secret" not in str(first)
    assert (second.body, second.source) == ("body", "127.0.0.1")
    assert control.arrivals(since=mark) == [second] == control.arrivals(path="/b*") == control.arrivals(method="POST")


def test_an_effect_is_done_as_often_as_it_is_asked_for(control: UpstreamControl, call: Call) -> None:
    for key, body in (("job-1", "a"), ("job-2", "b"), ("job-1", "c")):
        call("POST", f"/effects/{key}", data=body).result()
    assert [(effect.key, effect.body) for effect in control.effects()] == [
        ("job-1", "a"),
        ("job-2", "b"),
        ("job-1", "c"),
    ]
    assert [effect.body for effect in control.effects("*-1")] == ["a", "c"]
    assert len(control.arrivals(key="job-1")) == 2


def test_a_request_that_is_repeated_under_its_name_has_one_effect(control: UpstreamControl, call: Call) -> None:
    for name in ("a", "a", "b", ""):
        call("POST", "/effects/job-1", headers={"Idempotency-Key": name}).result()
    assert len(control.effects("job-1")) == 3
    assert [arrival.executed for arrival in control.arrivals(key="job-1")] == [True] * 4


def test_what_is_held_before_it_is_carried_out_has_no_effect_until_it_is_released(
    control: UpstreamControl, call: Call
) -> None:
    fault = control.arm("hold_before", match={"key": "job-1"})
    held, other = call("POST", "/effects/job-1"), call("POST", "/effects/job-2")
    assert other.result().ok
    (arrival,) = fault.await_waiting()
    assert (arrival.open, arrival.executed, arrival.via) == (True, False, "node-1")
    assert [effect.key for effect in control.effects()] == ["job-2"]
    fault.release(arrival.seq)
    assert held.result().json()["effects"] == 1
    assert fault.hits() == [arrival.seq] and not fault.waiting()


def test_a_caller_that_goes_while_it_is_held_leaves_no_effect_behind(control: UpstreamControl, call: Call) -> None:
    fault = control.arm("hold_before")
    gone = call("POST", "/effects/job-1", timeout=2)
    fault.await_waiting()
    with pytest.raises(requests.ReadTimeout):
        gone.result()
    assert poll(lambda: not fault.waiting(), 5)
    (arrival,) = control.arrivals()
    assert (arrival.cut, arrival.executed, arrival.status) == ("caller", False, None)
    control.heal()
    assert control.effects() == []


def test_what_is_held_afterwards_has_been_done(control: UpstreamControl, call: Call) -> None:
    fault = control.arm("hold_after")
    held = call("POST", "/effects/job-1")
    (arrival,) = fault.await_waiting()
    assert arrival.executed and len(control.effects()) == 1
    assert not held.done()
    control.heal()
    assert held.result().ok


def test_what_is_held_is_cut_before_or_after_it_was_done(control: UpstreamControl, call: Call) -> None:
    for do, effects in (("hold_before", 0), ("hold_after", 1)):
        fault = control.arm(do)
        held = call("POST", "/effects/job-1")
        (arrival,) = fault.await_waiting()
        fault.cut(arrival.seq)
        assert _fate(held) == "lost"
        assert len(control.effects()) == effects


def test_a_reply_is_dropped_after_the_deed_for_the_third_of_a_key_twice(control: UpstreamControl, call: Call) -> None:
    fault = control.arm("drop_after", nth=3, times=2, match={"key": "job-1"})
    fates = [_fate(call("POST", "/effects/job-1")) for _ in range(6)]
    assert fates == ["200", "200", "lost", "lost", "200", "200"]
    assert len(control.effects()) == 6
    assert [arrival.cut for arrival in control.arrivals()] == [None, None, "provider", "provider", None, None]
    assert len(fault.await_hits(2)) == 2


@pytest.mark.parametrize(("when", "effects"), [("before", 0), ("after", 1)])
def test_a_refusal_comes_before_or_after_the_deed(
    control: UpstreamControl, call: Call, when: str, effects: int
) -> None:
    control.arm("status", status=503, when=when, headers={"Retry-After": "1"})
    answer = call("POST", "/effects/job-1").result()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert len(control.effects()) == effects
    assert control.arrivals()[0].status == 503


@pytest.mark.parametrize(("part", "seen"), [("nothing", ""), ("head", "head"), ("body", "head and some")])
@pytest.mark.parametrize("do", ["hang", "reset"])
def test_an_answer_breaks_off_where_it_is_told_to(
    control: UpstreamControl, call: Call, addresses: Addresses, do: str, part: str, seen: str
) -> None:
    fault = control.arm(do, part=part)
    assert _received(addresses.url + "/x") == seen
    fault.await_hits()
    (arrival,) = control.arrivals()
    assert poll(lambda: control.arrivals()[0].cut == ("provider" if do == "reset" else "caller"), 2)
    assert arrival.executed is (part != "nothing")


def test_what_hangs_is_cut_when_it_is_healed_and_not_carried_out(control: UpstreamControl, call: Call) -> None:
    fault = control.arm("hang")
    hanging = call("POST", "/effects/job-1")
    fault.await_waiting()
    fault.heal()
    assert _fate(hanging) == "lost"
    assert control.effects() == []


def test_slowness_is_on_all_that_match_until_it_is_healed(control: UpstreamControl, call: Call) -> None:
    control.arm("slow", ms=1000, times=None, match={"path": "/slow/*"})
    took = [call("GET", path).result().elapsed.total_seconds() for path in ("/slow/1", "/slow/2", "/fast")]
    control.heal()
    took.append(call("GET", "/slow/3").result().elapsed.total_seconds())
    assert [seconds >= 1 for seconds in took] == [True, True, False, False]


def test_a_body_drips_and_comes_whole_at_the_end_of_its_time(control: UpstreamControl, addresses: Addresses) -> None:
    control.answer({}, body="a word in letters")
    fault = control.arm("drip", ms=2000, times=2)
    began = time.monotonic()
    with requests.get(addresses.url + "/x", stream=True, timeout=5) as answer:
        bytes_of_it = answer.iter_content(1)
        said, begun_s = next(bytes_of_it), time.monotonic() - began
        said += b"".join(bytes_of_it)
    assert said == b"a word in letters"
    assert begun_s < 2.0 <= time.monotonic() - began
    with requests.get(addresses.url + "/x", stream=True, timeout=5):
        fault.await_hits(2)
    assert poll(lambda: control.arrivals()[1].cut == "caller", 5)
    assert [arrival.status for arrival in control.arrivals()] == [200, None]


def test_some_of_many_that_are_held_are_let_go(control: UpstreamControl, call: Call) -> None:
    fault = control.arm("hold_before", times=20)
    calls = [call("GET", f"/{number}") for number in range(20)]
    held = fault.await_waiting(20)
    fault.release(*[arrival.seq for arrival in held[:5]])
    assert poll(lambda: sum(future.done() for future in calls) == 5, 2)
    fault.release()
    assert all(future.result().ok for future in calls)


def test_answers_are_scripted(control: UpstreamControl, call: Call) -> None:
    control.answer({"path": "/a"}, 429, "busy", {"Retry-After": "3"})
    control.answer({"path": "/a", "method": "POST"}, body="{not json")
    answer = call("GET", "/a").result()
    assert (answer.status_code, answer.text, answer.headers["Retry-After"]) == (429, "busy", "3")
    assert call("POST", "/a").result().text == "{not json"
    control.answer_as_ever()
    assert call("GET", "/a").result().json()["path"] == "/a"


def test_a_fault_that_did_not_hit_or_cannot_be_is_told(control: UpstreamControl) -> None:
    fault = control.arm("hold_after")
    with pytest.raises(FaultError, match=r"was to hit 1, and hit 0 within 0\.1 s"):
        fault.await_hits(within_s=0.1)
    with pytest.raises(FaultError, match="a fault does hold_before, "):
        control.arm("explode")
    with pytest.raises(FaultError, match="a fault has no colour"):
        control.arm("reset", colour="red")
    with pytest.raises(FaultError, match="a request has no colour; it has method, path, key"):
        control.arm("reset", match={"colour": "red"})
    with pytest.raises(ProbeError, match="a request has no colour"):
        control.arrivals(colour="red")
    nobody = UpstreamControl("upstream", "http://127.0.0.1:1")
    with pytest.raises(ProbeError, match="upstream gave no answer to GET /meter"):
        nobody.arrivals()


def test_everything_is_forgotten_and_what_is_held_is_cut(control: UpstreamControl, call: Call) -> None:
    control.answer({}, body="scripted")
    call("POST", "/effects/job-1").result()
    fault = control.arm("hold_before")
    held = call("POST", "/effects/job-2")
    fault.await_waiting()
    control.ask("POST", "/forget")
    assert _fate(held) == "lost"
    assert control.arrivals() == [] and control.effects() == []
    assert call("GET", "/a").result().text != "scripted"


def test_what_was_told_is_taken_back_and_what_was_done_stays(control: UpstreamControl, call: Call) -> None:
    control.answer({}, body="scripted")
    control.arm("slow", ms=5000, times=None, match={"path": "/a"})
    fault = control.arm("hold_before", match={"key": "job-1"})
    held = call("POST", "/effects/job-1")
    fault.await_waiting()
    control.ask("POST", "/calm")
    assert held.result().json()["effects"] == 1
    assert call("GET", "/a").result().text != "scripted"
    assert len(control.effects()) == 1 and len(control.arrivals()) == 2


def test_a_kind_that_there_is_none_of_is_told_with_those_that_there_are() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "support.providers", "oracle"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert "no provider 'oracle'; there are" in ended.stderr and "upstream" in ended.stderr


def _fate(call: "Future[requests.Response]") -> str:
    try:
        return str(call.result().status_code)
    except requests.ConnectionError:
        return "lost"


def _received(url: str) -> str:
    """What of an answer comes within a second."""
    try:
        with requests.get(url, stream=True, timeout=1.0) as answer:
            try:
                return "head and some" if answer.raw.read(1) else "head"
            except HTTPError:
                return "head"
    except requests.RequestException:
        return ""
