"""Tokens that look like a customer's own and are not: each differs from a good one in one thing."""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from hamcrest import assert_that, empty, equal_to

from support.capabilities.auth_jwt_redis_session.client import Adapter, Answer, Tokens, Verdict
from support.capabilities.auth_jwt_redis_session.deeds import do_all, leaving, looking, told
from support.clients.identity_control import IdentityControl, KeysTold
from support.errors import ProbeError
from support.worlds.crowds import threads
from support.worlds.world import turns

if TYPE_CHECKING:
    from support.capabilities.auth_jwt_redis_session.world import World

_LATER_S = 600
_AT_ONCE = 8
_PATIENCE_S = 5.0  # where a busy node cannot yet tell whether there is a key of that name
_ELLIPTIC_BYTES = 64  # of a signature by ES256 (RFC 7518, section 3.4)


class Forger:
    """Makes tokens from a good one. The identity provider signs whatever the forger wants, and so does a stranger."""

    def __init__(self, identity: IdentityControl, good: str, refresh: str) -> None:
        self.identity, self.good, self.refresh_token = identity, good, refresh
        self.header, self.claims = (_decoded(part) for part in good.split(".")[:2])
        self.claims["exp"] = int(time.time()) + _LATER_S  # so that none of them is refused for its age

    @cached_property
    def keys(self) -> KeysTold:
        """The identity provider's keys as they were when they were first needed."""
        return self.identity.keys()

    def signed(self, stranger: bool = False, header: Mapping[str, Any] = {}, **claims: Any) -> str:
        """A token with a valid signature, in which some of header and claims are others (None: left out)."""
        text = self._text({**self.header, **header}, claims)
        return f"{text}.{self.identity.sign(text, stranger)}"

    def hashed(self, key: bytes, **header: Any) -> str:
        """A token that is signed by HS256 with `key`."""
        text = self._text({**self.header, "alg": "HS256", **header}, {})
        return f"{text}.{_encoded(hmac.digest(key, text.encode(), hashlib.sha256))}"

    def unsigned(self, signature: str = "", **header: Any) -> str:
        """A token with anything in the place of its signature."""
        return f"{self._text({**self.header, **header}, {})}.{signature}"

    def altered(self, **claims: Any) -> str:
        """The good token with other claims under its old signature."""
        return f"{self._text(self.header, claims)}.{self.good.split('.')[2]}"

    def of_unknown_key(self) -> str:
        """A token of a key that nobody has published, each time of another."""
        return self.unsigned(self.good.split(".")[2], kid=secrets.token_hex(8))

    def _text(self, header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
        said = {name: value for name, value in {**self.claims, **claims}.items() if value is not None}
        return ".".join(_encoded(json.dumps(part).encode()) for part in (header, said))


def _call(node: Adapter, token: str) -> Answer:
    return node.call(token)


# What the feature's table calls them. Whoever finds another way to forge a token adds a row here, and one there.
_KINDS: Mapping[str, Callable[[Forger], str]] = {
    "no token": lambda f: "",
    "a text that is no token": lambda f: "let me in",
    "a good token twice": lambda f: f.good,
    "a refresh token": lambda f: f.refresh_token,
    "a token without a signature": lambda f: f.good.rpartition(".")[0] + ".",
    "an unsigned token, algorithm none": lambda f: f.unsigned(alg="none"),
    "an unsigned token, NONE in capitals": lambda f: f.unsigned(alg="NONE"),
    "claims that were changed after signing": lambda f: f.altered(sub="somebody else"),
    "the public key used as a password": lambda f: f.hashed(f.keys.pem.encode()),
    "a signature of zeros": lambda f: f.unsigned(
        _encoded(bytes(_ELLIPTIC_BYTES)), alg="ES256", kid=f.keys.elliptic_kid
    ),
    "a stranger's signature": lambda f: f.signed(stranger=True),
    "a key that it brings along": lambda f: f.signed(
        stranger=True, header={"jwk": f.keys.stranger, "kid": f.keys.stranger["kid"]}
    ),
    "the address of its key": lambda f: f.signed(
        stranger=True, header={"jku": f.identity.strangers_address, "kid": f.keys.stranger["kid"]}
    ),
    "the address of its certificate": lambda f: f.signed(
        stranger=True, header={"x5u": f.identity.strangers_address, "kid": f.keys.stranger["kid"]}
    ),
    "a key id that is a path": lambda f: f.hashed(b"", kid="../../../../dev/null"),
    "a key id that is a query": lambda f: f.hashed(b"", kid="' UNION SELECT '' --"),
    "a key id that is an address": lambda f: f.signed(stranger=True, header={"kid": f.identity.strangers_address}),
    "an extension that nobody knows": lambda f: f.signed(header={"crit": ["bribe"], "bribe": 1000}),
    "a body that is said to be unencoded": lambda f: f.signed(header={"crit": ["b64"], "b64": False}),
    "another audience": lambda f: f.signed(aud="somebody else"),
    "no audience": lambda f: f.signed(aud=None),
    "another issuer": lambda f: f.signed(iss="https://identity.example.evil"),
    "a list of issuers, ours among them": lambda f: f.signed(iss=[f.claims["iss"], "https://evil.example"]),
    "another purpose": lambda f: f.signed(header={"typ": "refresh+jwt"}),
    "no purpose": lambda f: f.signed(header={"typ": "JWT"}),
    "no expiry": lambda f: f.signed(exp=None),
    "an expiry in words": lambda f: f.signed(exp=str(f.claims["exp"])),
    "an expiry that is over": lambda f: f.signed(exp=int(time.time()) - 60),
    "a beginning in the future": lambda f: f.signed(nbf=int(time.time()) + _LATER_S),
    "no subject": lambda f: f.signed(sub=None),
    "a hundred thousand letters": lambda f: f.signed(padding="a" * 75_000),
    "an encrypted body": lambda f: f.unsigned(alg="dir", enc="A256GCM", zip="DEF").rstrip(".") + ".AAAA.AAAA.AAAA",
}


# How some are shown: all others as the one token of all that asks for one.
_WAYS: Mapping[str, Callable[[Adapter, str], Answer]] = {
    "no token": lambda node, _: node.call_without_token(),
    "a good token twice": lambda node, token: node.call_with_two(token),
    "a hundred thousand letters": _call,  # more than some servers take at the door of a live connection
}

# What is shown in the place of a refresh token, made from a device's tokens.
_REFRESHES: Mapping[str, Callable[[Tokens], list[str]]] = {
    "an access token": lambda tokens: [tokens.access],
    "a text that is no token": lambda tokens: ["let me in"],
    # The last letter of a text in base64 may stand for the same in two ways.
    "a refresh token in which a letter is another": lambda tokens: [
        _changed(tokens.refresh, place) for place in range(len(tokens.refresh) - 1)
    ],
    "a refresh token without its end": lambda tokens: [
        tokens.refresh.rstrip("=")[:length] for length in range(1, len(tokens.refresh.rstrip("=")))
    ],
    "a refresh token without its beginning": lambda tokens: [
        tokens.refresh[length:] for length in range(1, len(tokens.refresh), 7)
    ],
    "a refresh token and more": lambda tokens: [
        tokens.refresh + more for more in ("x", "0", ".", ".0", tokens.refresh, f".{tokens.refresh}")
    ],
    "a hundred thousand letters": lambda tokens: ["a" * 100_000],
}


class Forgeries:
    """What came of forged tokens at both nodes, by what was forged and what it was shown for."""

    def __init__(self, world: "World") -> None:
        self._world = world

    def show(self, device: str, kinds: Sequence[str]) -> None:
        """Somebody who knows the tokens of `device` shows both nodes each of `kinds`, for all that asks for a token."""
        world, tokens = self._world, self._world.devices[device]
        forger = Forger(world.identity, tokens.access, tokens.refresh)
        self._expect_judgeable(forger)
        forged = {kind: _KINDS[kind](forger) for kind in kinds}
        world.hear_secret(*forged.values())
        self._usual = do_all(world, dict(self._deeds(device, "", "nonsense")))
        self._mark, self._before = world.identity.mark(), world.redis.snapshot()
        deeds = {
            (kind, what): partial(told, deed, _PATIENCE_S)
            for kind, token in forged.items()
            for what, deed in self._deeds(device, kind, token)
        }
        self._answers = do_all(world, deeds)
        self._after = world.redis.snapshot()

    def redeem(self, device: str, kinds: Sequence[str]) -> None:
        """Somebody who knows the tokens of `device` asks the nodes in turn for the next ones, with each of `kinds`."""
        world, nodes = self._world, turns(self._world.gateways)
        forged = [(kind, next(nodes), token) for kind in kinds for token in _REFRESHES[kind](world.devices[device])]
        self._before = world.redis.snapshot()
        with threads(_AT_ONCE) as pool:
            answers = pool.map(lambda one: told(partial(one[1].refresh, one[2])), forged)
            self._redeemed = Counter((kind, answer.verdict) for (kind, *_), answer in zip(forged, answers, strict=True))
        self._after = world.redis.snapshot()

    def expect_none_redeemed(self) -> None:
        """Nobody got any."""
        others = {one for one in self._redeemed if one[1] not in (Verdict.UNAUTHENTICATED, Verdict.INVALID)}
        assert_that(others, empty(), f"other answers, of {dict(self._redeemed)}")

    def expect_refused(self) -> None:
        """Both nodes refused it in the very words of every refusal, and asked nobody whom the token named."""
        other = {what: answer.verdict for what, answer in self._answers.items() if answer != self._usual[what[1]]}
        assert_that(other, empty(), "answers that differ from those to nonsense, by what was shown")
        verdicts = {answer.verdict for answer in self._answers.values()}
        assert_that(verdicts, equal_to({Verdict.UNAUTHENTICATED}))
        fetched = self._world.identity.stranger_fetches(self._mark)
        assert_that(len(fetched), equal_to(0), "times that a node fetched what the token named")

    def _deeds(self, device: str, kind: str, token: str) -> Iterator[tuple[str, Callable[[], Answer]]]:
        """What `token` is shown for, at both nodes."""
        customer = self._world.customers[device.partition("'")[0]]
        for node in self._world.gateways:
            if kind in _WAYS:
                yield f"{node.name}: call", partial(_WAYS[kind], node, token)
            else:
                yield from looking(node, token).items()
                yield from leaving(node, token, customer, customer.password).items()

    def expect_nothing_touched(self) -> None:
        """Redis holds what it held, and nothing in it lives for longer."""
        assert_that(self._before.changed_until(self._after), empty(), "keys in Redis that were touched")

    def _expect_judgeable(self, forger: Forger) -> None:
        """A token in which nothing was changed is taken, so what is refused is so for the one thing that differs."""
        verdicts = {told(partial(node.call, forger.signed())).verdict for node in self._world.gateways}
        if verdicts != {Verdict.ACCEPTED}:
            raise ProbeError(
                f"a good token that was signed once more was answered by {verdicts}, so none can be judged"
            )


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _changed(token: str, place: int) -> str:
    """`token` with another letter or digit at one place: the one before it, where there is one."""
    before, after = chr(ord(token[place]) - 1), chr(ord(token[place]) + 1)
    return token[:place] + (before if before.isalnum() else after if after.isalnum() else "A") + token[place + 1 :]


def _decoded(part: str) -> dict[str, Any]:
    try:
        said = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError as error:
        raise ProbeError("the access token is no JSON Web Token, so no forged one can be made from it") from error
    return dict(said)
