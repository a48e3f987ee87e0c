"""What must be nowhere: not in a log of any container, not in Redis."""

import re
from typing import TYPE_CHECKING

from hamcrest import assert_that, empty, equal_to, greater_than

from support.errors import FaultError

if TYPE_CHECKING:
    from support.capabilities.auth_jwt_redis_session.world import World

_LINES = 100_000
_ARGON2ID = re.compile(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=\d+\$[^$]+\$[\w+/]+")  # the form of the reference library
_LEAST_KIB, _LEAST_ROUNDS = 19 * 1024, 2  # OWASP, Password Storage Cheat Sheet


class Secrecy:
    """Everything that a scenario had to do with and nobody may read."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._odd: list[str] = []

    def use_all(self, name: str) -> None:
        """Good and bad sign-ins, refreshes, forged and stolen tokens, a new password, and Redis and keys that fail."""
        world = self._world
        device = f"{name}'s phone"
        customer = world.register(name)
        world.sign_in(name, "phone")
        world.hear_secret(wrong := f"wrong-{customer.password}")
        world.gateways[0].sign_in(customer.name, wrong)
        world.gateways[0].sign_in([customer.name], customer.password)
        world.refreshes.refresh(device, 2)
        world.forgeries.show(device, "a stranger's signature")
        world.faults.cut("redis-durable", world.gateways[0].name)
        world.outages.renew_in_vain(device)
        world.outages.answer_with_errors()
        world.outages.renew_in_vain(device)
        world.change_password(name, "phone")
        world.sign_in(name, "phone")
        world.expect_refreshes(device)
        self._held = world.redis.everything()

    def expect_in_no_log(self) -> None:
        """No container has written any of it, nor the nodes' secrets. AssertionError with where, never with what."""
        world = self._world
        secrets = world.heard | {one for node in world.nodes for one in node.secrets}
        logs = {service.name: service.last_lines(_LINES) for service in world.fleet.services}
        if not all(logs[node.name] for node in world.nodes):
            raise FaultError("a node has written nothing at all, so its log shows nothing")
        found = sorted(name for name, log in logs.items() if any(secret in log for secret in secrets))
        assert_that(found, empty(), f"containers that have written one of {len(secrets)} secrets to their log")

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

    # What users send by mistake

    def sign_in_wrongly(self, name: str, what: str) -> None:
        """`name` tries to sign in with `what`, at both nodes."""
        world = self._world
        customer = world.register(name)
        odd: dict[str, tuple[object, object]] = {
            "no password": (customer.name, None),
            "a password that is a number": (customer.name, 12345678),
            "a list of passwords": (customer.name, [customer.password]),
            "half of a letter": (customer.name, "\ud83d"),
            "no name": (None, customer.password),
            "a name that is an object": ({"name": customer.name}, customer.password),
            "the name in capitals": (customer.name.upper(), customer.password),
            "a blank after the password": (customer.name, customer.password + " "),
        }
        self._before = world.redis.snapshot()
        self._odd = [node.sign_in(*odd[what]).verdict.name for node in world.gateways]

    def expect_refused(self) -> None:
        """Both nodes refused it for good, and nothing has changed."""
        assert_that(set(self._odd) - {"INVALID", "UNAUTHENTICATED"}, empty(), "other answers")
        changed = self._before.changed_until(self._world.redis.snapshot())
        assert_that(changed, empty(), "keys in Redis that were touched")
