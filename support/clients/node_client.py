"""One node over HTTP: a request, its answer, and what an answer must have; what a capability's client is built on."""

import reprlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from support.origin import blame
from support.platforms.platform import Door
from support.promise import broken

_SHOWN = 300
_SHORT = reprlib.Repr()  # a body may be large, and the record of exchanges keeps little of it
_SHORT.maxstring = 60


class NodeClient:
    """A user's connections to one node; any number of threads may use them at once.

    What the node should not have answered, or its silence, is an AssertionError with the last exchanges; what this
    machine lacks to ask it is a ProbeError.
    """

    def __init__(self, door: Door, answer_within_s: float = 10.0, at_once: int = 10) -> None:
        """`answer_within_s`: a node that is silent for so long is taken to be silent for ever. `at_once`: requests."""
        self.name = door.name
        self._url = door.url
        self._exchanges = door.exchanges
        self._answer_within_s = answer_within_s
        self._http = requests.Session()
        self._http.trust_env = False  # no proxy is looked for, which costs more than the request does
        self._http.mount("http://", HTTPAdapter(pool_maxsize=at_once))

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        token: str = "",
        headers: Mapping[str, str] = {},
        secret: bool = False,
    ) -> requests.Response:
        """One request, with the session of `token`; its answer, whatever it is.

        A `body` of bytes is sent as it is, an iterator of them piece by piece, any other as JSON. Where body or answer
        hold what is `secret`, such as a password or a new token, neither is recorded.
        """
        began = time.monotonic()
        headers = {**headers, "Authorization": f"Bearer {token}"} if token else headers
        asked = f"{method} {path} {'' if body is None or secret else _SHORT.repr(body)}".rstrip()
        try:
            # An answer that sends elsewhere is an answer; and what is asked goes to loopback only.
            answer = self._http.request(
                method,
                self._url + path,
                **{"data" if isinstance(body, bytes | Iterator) else "json": body},
                headers=headers,
                timeout=self._answer_within_s,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            self._exchanges.note(self.name, f"{asked} -> {error}")
            blame(error, f"{self.name} gave no answer to {method} {path}: {error}")
        took = (time.monotonic() - began) * 1000
        told = "" if secret else answer.text
        self._exchanges.note(self.name, f"{asked} -> {answer.status_code} ({took:.0f} ms) {told}")
        return answer

    def expect(self, answer: requests.Response, status: int, *members: str) -> dict[str, Any]:
        """The JSON object of an answer that must have `status` and all of `members`; empty where none is asked for."""
        found = {name: member(answer, name) for name in members}
        expected = f"{status} with {', '.join(members)}" if members else str(status)
        if answer.status_code != status or None in found.values():
            broken(
                f"{self.name}: expected {expected} from {answer.request.method} {answer.request.path_url}, "
                f"got {answer.status_code}: {answer.text[:_SHOWN]}\n"
                f"the last exchanges:\n{self._exchanges.last()}"
            )
        return found

    def close(self) -> None:
        """Gives the connections back."""
        self._http.close()


def member(answer: requests.Response, name: str) -> Any:
    """A member of the JSON object that the answer is; None where it is not there, or the answer is no such object."""
    try:
        body = answer.json()
    except ValueError:
        return None
    return body.get(name) if isinstance(body, dict) else None
