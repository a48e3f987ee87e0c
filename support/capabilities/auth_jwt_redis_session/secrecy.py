"""What must be nowhere: not in a log of any container, not in Redis."""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, equal_to, greater_than

from support.capabilities.auth_jwt_redis_session.client import Answer, Verdict
from support.capabilities.auth_jwt_redis_session.deeds import FEW, do_all, looking, patient
from support.errors import FaultError
from support.worlds.world import turns

if TYPE_CHECKING:
    from support.capabilities.auth_jwt_redis_session.world import Customer, World

_LINES = 100_000
_ARGON2ID = re.compile(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=\d+\$[^$]+\$[\w+/]+")  # the form of the reference library
_LEAST_KIB, _LEAST_ROUNDS = 19 * 1024, 2  # OWASP, Password Storage Cheat Sheet


class Secrecy:
    """Everything that a scenario had to do with and nobody may read."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._odd: dict[str, Answer] = {}

    def use_all(self, name: str) -> None:
        """Everything is done, rightly and wrongly, with Redis and the identity provider there and away."""
        world = self._world
        device = f"{name}'s phone"
        world.sign_in(name, "phone")
        world.refreshes.refresh(device, 2)
        self._misuse_all(name)
        world.forgeries.show(device, ["a stranger's signature"])
        for node in world.gateways:  # or one of them would use the refresh token up
            world.faults.cut("redis-durable", node.name)
        self._misuse_all(name)
        world.outages.renew_in_vain(device)
        world.outages.break_off()
        self._misuse_all(name)
        world.outages.renew_in_vain(device)
        world.outages.use_all()
        world.change_password(name, "phone")
        world.sign_in(name, "phone")
        world.expect_refreshes(device)
        self._held = world.redis.everything()

    def _misuse_all(self, name: str) -> None:
        """Each secret is shown where it is asked for, and something is wrong with it or beside it: all in vain."""
        world, customer = self._world, self._world.customers[name]
        tokens, node = world.devices[f"{name}'s phone"], world.gateways[0]
        wrong, key = f"wrong-{customer.password}", node.support_key[:-1] + "-"
        long, forged, refresh = customer.password * 3, tokens.access[:-9] + "A" * 9, tokens.refresh + "x"
        world.hear_secret(wrong, key, long, forged, refresh)
        deeds: dict[str, Callable[[], Answer]] = {
            "another password": partial(node.sign_in, customer.name, wrong),
            "a longer one": partial(node.sign_in, customer.name, long),
            "names": partial(node.sign_in, [customer.name], customer.password),
            "another old password": partial(node.change_password, tokens.access, wrong, f"new-{wrong}"),
            "a new one that is too long": partial(node.change_password, tokens.access, wrong, long),
            "a new one by a forged token": partial(node.change_password, forged, customer.password, wrong),
            "another refresh token": partial(node.refresh, refresh),
            "an access token for a refresh": partial(node.refresh, tokens.access),
            "another key of support": partial(node.expel, customer.name, key),
        }
        do_all(world, deeds | looking(node, forged) | looking(node, tokens.refresh))

    def expect_in_no_log(self) -> None:
        """No container has written any of it, nor the nodes' secrets. AssertionError with where, never with what."""
        world = self._world
        said = world.heard | {one for node in world.nodes for one in node.secrets}
        logs = {service.name: service.last_lines(_LINES) for service in world.fleet.services}
        if not all(logs[node.name] for node in world.nodes):
            raise FaultError("a node has written nothing at all, so its log shows nothing")
        found = sorted(name for name, log in logs.items() if any(secret in log for secret in said))
        assert_that(found, empty(), f"containers that have written one of {len(said)} secrets to their log")

    def expect_not_in_redis(self) -> None:
        """Redis held neither a token nor a password that anybody could use, just after the last refresh."""
        found = sorted(
            key.partition(":")[0]
            for key, text in self._held.items()
            if any(one in key + text for one in self._world.heard)
        )
        assert_that(found, empty(), "kinds of keys that hold a secret")

    def expect_hashed(self, *names: str) -> None:
        """Passwords are kept as hashes by Argon2id, each with its own salt and enough work."""
        text = " ".join(self._held.values())
        hashes = [match for match in _ARGON2ID.finditer(text)]
        assert_that(len(hashes), greater_than(len(names) - 1), "passwords in Redis that are hashed by Argon2id")
        weak = [one for one in hashes if int(one[1]) < _LEAST_KIB or int(one[2]) < _LEAST_ROUNDS]
        assert_that(len(weak), equal_to(0), "hashes that are made with less work than OWASP asks for")
        assert_that(len({one[0] for one in hashes}), equal_to(len(hashes)), "different hashes, of as many accounts")

    # What users send by mistake, and thieves on purpose

    def sign_in_wrongly(self, name: str, kinds: Sequence[str]) -> None:
        """`name` tries to sign in with each of `kinds`, at both nodes; texts are tried as the old password, too."""
        world, customer = self._world, self._world.customers[name]
        odd = _odd(customer, world.register("bob"))
        tried = [(node, kind, odd[kind]) for kind in kinds for node in world.gateways]
        self._before = world.redis.snapshot()
        signing_in = {f"{node.name}: {kind}": partial(node.sign_in, *said) for node, kind, said in tried}
        self._odd = do_all(world, patient(signing_in), FEW)
        self._after = world.redis.snapshot()
        access = world.devices[f"{name}'s phone"].access
        self._odd |= do_all(world, patient({
            f"{node.name}: {kind} as the old password": partial(node.change_password, access, said[1], "a new password")
            for node, (kind, said) in zip(turns(world.gateways), odd.items(), strict=False)
            if kind in kinds and said[0] == customer.name and isinstance(said[1], str)
        }), FEW)  # fmt: skip

    def expect_refused(self) -> None:
        """Both nodes refused each for good, and nothing has changed."""
        refused = (Verdict.INVALID, Verdict.UNAUTHENTICATED)
        others = {what: answer.verdict for what, answer in self._odd.items() if answer.verdict not in refused}
        assert_that(others, empty(), "other answers")
        assert_that(self._before.changed_until(self._after), empty(), "keys in Redis that were touched")


def _odd(customer: "Customer", other: "Customer") -> Mapping[str, tuple[object, object]]:
    """A name and a password, by what the feature's table calls them: one is no text, or not quite right."""
    name, password = customer.name, customer.password
    wrong: dict[str, object] = {
        "no password": None,
        "a password that is a number": 12345678,
        "a list of passwords": [password],
        "half of a letter": "\ud83d",
        "somebody else's password": other.password,
        **_nearly(password),
    }
    names = {"no name": None, "a name that is an object": {"name": name}, "the name in capitals": name.upper()}
    said: dict[str, tuple[object, object]] = {kind: (name, one) for kind, one in wrong.items()}
    return said | {kind: (one, password) for kind, one in names.items()}


def _nearly(password: str) -> Mapping[str, str]:
    """What differs from `password` in one thing; where the letter is that is another is drawn."""
    place = secrets.choice(range(1, len(password) - 1))
    another, other_last = ("x" if one != "x" else "y" for one in (password[place], password[-1]))
    return {
        "a blank after the password": password + " ",
        "a blank before the password": " " + password,
        "the first half of the password": password[: len(password) // 2],
        "the password without its last letter": password[:-1],
        "the password without its first letter": password[1:],
        "the password and a letter more": password + "x",
        "the password with another letter in it": password[:place] + another + password[place + 1 :],
        "the password with another last letter": password[:-1] + other_last,
        "the password in other capitals": password.swapcase(),
    }
