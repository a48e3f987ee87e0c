"""One node over HTTP: a request, its answer, and what an answer must have; what a capability's client is built on."""

import json
import reprlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import urllib3

from support.platforms.platform import Door
from support.promise import broken

_SHOWN = 300
_SHORT = reprlib.Repr()  # a body may be large, and the record of exchanges keeps little of it
_SHORT.maxstring = 60


@dataclass(frozen=True)
class HttpAnswer:
    """What a node answered when it was `asked` (the method and the path); names of `headers` have no case."""

    asked: str
    status_code: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        """The content as UTF-8; what is none is shown as such."""
        return self.content.decode(errors="replace")

    def json(self) -> Any:
        """The content as JSON. Raises ValueError."""
        return json.loads(self.content)


class NodeClient:
    """A user's connections to one node; any number of threads may use them at once.

    What the node should not have answered, or its silence, is an AssertionError with the last exchanges. urllib3 takes
    half the time for a request that a library on top of it would, and a node is no slower than whoever measures it.
    """

    def __init__(self, door: Door, answer_within_s: float = 10.0, at_once: int = 10) -> None:
        """`answer_within_s`: a node that is silent for so long is taken to be silent for ever. `at_once`: requests."""
        self.name = door.name
        self._exchanges = door.exchanges
        self._http = urllib3.connection_from_url(door.url, maxsize=at_once, timeout=answer_within_s, retries=False)

    def ask(self, method: str, path: str, body: Any = None, token: str = "") -> HttpAnswer:
        """One request, with `body` as JSON and the session of `token`; its answer, whatever it is."""
        began = time.monotonic()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        asked = f"{method} {path} {'' if body is None else _SHORT.repr(body)}".rstrip()
        try:
            got = self._http.request(method, path, json=body, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            self._exchanges.note(self.name, f"{asked} -> {error}")
            raise AssertionError(f"{self.name} gave no answer to {method} {path}: {error}") from error
        answer = HttpAnswer(f"{method} {path}", got.status, got.headers, got.data)
        took = (time.monotonic() - began) * 1000
        self._exchanges.note(self.name, f"{asked} -> {answer.status_code} ({took:.0f} ms) {answer.text}")
        return answer

    def expect(self, answer: HttpAnswer, status: int, *members: str) -> dict[str, Any]:
        """The JSON object of an answer that must have `status` and all of `members`; empty where none is asked for."""
        found = {name: member(answer, name) for name in members}
        expected = f"{status} with {', '.join(members)}" if members else str(status)
        if answer.status_code != status or None in found.values():
            broken(
                f"{self.name}: expected {expected} from {answer.asked}, got {answer.status_code}: "
                f"{answer.text[:_SHOWN]}\nthe last exchanges:\n{self._exchanges.last()}"
            )
        return found

    def close(self) -> None:
        """Gives the connections back."""
        self._http.close()


def member(answer: HttpAnswer, name: str) -> Any:
    """A member of the JSON object that the answer is; None where it is not there, or the answer is no such object."""
    try:
        body = answer.json()
    except ValueError:
        return None
    return body.get(name) if isinstance(body, dict) else None
