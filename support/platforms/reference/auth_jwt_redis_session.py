"""Sessions of the reference platform: its routes, its statuses, its keys in Redis."""

import time
from typing import Any
from urllib.parse import quote

import requests
from urllib3 import HTTPHeaderDict
from websocket import WebSocket, WebSocketException, WebSocketTimeoutException

from support.capabilities.auth_jwt_redis_session.client import Answer, Event, Tokens, Verdict
from support.clients.node_client import NodeClient, member
from support.clients.websocket_client import dial
from support.origin import blame
from support.platforms.platform import Door
from support.promise import broken

_AT_ONCE = 40
_ANSWERS_WITHIN_S = 30.0  # where many passwords are checked at once, each waits for those before it
_SECRETS = ("JWT_SECRET", "IDENTITY_PROVIDER_KEY", "SUPPORT_KEY")
_REFUSALS = {
    400: Verdict.INVALID,
    409: Verdict.INVALID,
    413: Verdict.INVALID,
    422: Verdict.INVALID,
    401: Verdict.UNAUTHENTICATED,
    503: Verdict.UNAVAILABLE,
}


class Adapter(NodeClient):
    """One node, as its customers use it."""

    session_keys = "session*"

    def __init__(self, door: Door) -> None:
        super().__init__(door, _ANSWERS_WITHIN_S, _AT_ONCE)
        self._door = door
        self.role = door.role
        self.support_key = door.environment["SUPPORT_KEY"]
        self.secrets = [door.environment[name] for name in _SECRETS]

    def register(self, name: str, password: str) -> Answer:
        """A new account."""
        return self._answer(self.ask("POST", "/accounts", {"name": name, "password": password}, secret=True), 201)

    def sign_in(self, name: object, password: object, shown: str = "") -> Answer:
        """Begins a session."""
        said = {"name": name, "password": password}
        body = {key: value for key, value in said.items() if value is not None}
        return self._tokens(self.ask("POST", "/sessions", body, shown, secret=True))

    def call(self, access: str, scheme: str = "Bearer") -> Answer:
        """Asks who it is."""
        headers = {"Authorization": f"{scheme} {access}"}
        return self._answer(self.ask("GET", "/session", headers=headers), 200)

    def call_without_token(self) -> Answer:
        """Asks who it is, and says nothing of itself."""
        return self._answer(self.ask("GET", "/session"), 200)

    def call_with_two(self, access: str) -> Answer:
        """Asks who it is, with two headers."""
        asked = requests.Request("GET", f"{self._url}/session").prepare()
        asked.headers = HTTPHeaderDict([("Authorization", f"Bearer {access}")] * 2)  # type: ignore[assignment]
        try:
            return self._answer(self._http.send(asked, timeout=_ANSWERS_WITHIN_S), 200)
        except requests.RequestException as error:
            blame(error, f"{self.name} gave no answer to two tokens: {error}")

    def refresh(self, refresh: str) -> Answer:
        """Exchanges a refresh token."""
        return self._tokens(self.ask("POST", "/sessions/refresh", {"refresh_token": refresh}, secret=True))

    def sign_out(self, access: str) -> Answer:
        """Ends the session."""
        return self._answer(self.ask("DELETE", "/session", token=access), 204)

    def change_password(self, access: str, old: str, new: str) -> Answer:
        """Changes the password."""
        return self._answer(self.ask("PUT", "/password", {"old": old, "new": new}, access, secret=True), 204)

    def expel(self, name: str, key: str | None = None) -> Answer:
        """Ends all sessions of a customer, with the key of support unless another is named."""
        shown = self.support_key if key is None else key
        return self._answer(self.ask("DELETE", f"/accounts/{quote(name, safe='')}/sessions", token=shown), 204)

    def stay(self, access: str) -> Answer:
        """A WebSocket."""
        opened = dial(self._door, "/live", header={"Authorization": f"Bearer {access}"})
        if isinstance(opened, WebSocket):
            return Answer(Verdict.ACCEPTED, line=Line(opened))
        return Answer(_REFUSALS.get(opened) or broken(f"{self.name} refused a WebSocket by {opened}"))

    def events(self, access: str) -> Answer:
        """The account's history."""
        answer = self.ask("GET", "/events", token=access)
        if not answer.ok:
            return self._answer(answer, 200)
        told = self.expect(answer, 200, "events")["events"]
        return Answer(Verdict.ACCEPTED, events=tuple(Event[one.upper()] for one in told))

    def _tokens(self, answer: requests.Response) -> Answer:
        if not answer.ok:
            return self._answer(answer, 200)
        found: dict[str, Any] = {name: member(answer, name) for name in ("access_token", "refresh_token", "expires_in")}
        if None in found.values():
            broken(f"{self.name} accepted {answer.request.path_url}, and its answer lacks some of {list(found)}")
        return Answer(Verdict.ACCEPTED, Tokens(*found.values()))

    def _answer(self, answer: requests.Response, good: int) -> Answer:
        if answer.status_code == good:
            return Answer(Verdict.ACCEPTED, user=member(answer, "user") or "" if answer.content else "")
        if answer.status_code not in _REFUSALS:
            broken(f"{self.name} answered {answer.request.path_url} by {answer.status_code}: {answer.text[:300]}")
        return Answer(_REFUSALS[answer.status_code], said=answer.text)


class Line:
    """A WebSocket, on which nothing is said but that it ends."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    def ended(self, within_s: float) -> bool:
        """A close frame, or a connection that breaks."""
        end = time.monotonic() + within_s
        while self._socket.connected:
            self._socket.settimeout(max(0.01, end - time.monotonic()))
            try:
                self._socket.recv()
            except WebSocketTimeoutException:
                return False
            except (WebSocketException, OSError):
                return True
        return True

    def close(self) -> None:
        """Without waiting for an answer."""
        self._socket.shutdown()
