"""What nodes need is away: nobody gets in, nobody is sent away, and nothing is forgotten."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from hamcrest import assert_that, equal_to, less_than

from support.capabilities.auth_jwt_redis_session.client import Adapter, Answer, Verdict
from support.capabilities.auth_jwt_redis_session.deeds import (
    Deeds,
    carried_out,
    do_all,
    leaving,
    looking,
    patient,
    told,
)
from support.capabilities.auth_jwt_redis_session.forgeries import Forger
from support.promise import broken
from support.worlds.crowds import for_each, threads

if TYPE_CHECKING:
    from support.capabilities.auth_jwt_redis_session.world import Customer, World

_BACK_WITHIN_S = 5.0
_AGAIN_AFTER_S = 0.25
_FAILURES: Sequence[Mapping[str, Any]] = (  # of an identity provider that is asked to sign
    {"do": "status", "status": 429},
    {"do": "reset"},
    {"do": "status", "status": 401},
)


class Outages:
    """What was answered meanwhile, by what was asked, and how long the slowest answer took (seconds)."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._answers: dict[str, Verdict] = {}
        self._slowest_s = 0.0
        self._rounds = 1

    def break_off(self) -> None:
        """The identity provider does nothing until it is healed: it fails in one way after another, and then in one.

        Each hits a refresh and a sign-in at each node.
        """
        identity, at_token, times = self._world.identity, {"path": "/token"}, 2 * len(self._world.gateways)
        for how in _FAILURES:
            identity.arm(**how, times=times, match=at_token)
        answered = times * sum(how["do"] == "status" for how in _FAILURES)
        identity.arm("reset", part="body", times=times, nth=answered + 1, match=at_token)  # amid a good answer
        identity.arm("status", status=503, times=None, nth=times + 1, match=at_token)  # after these
        identity.refuse_keys()
        self._rounds = len(_FAILURES) + 1

    # All that there is to do

    def use_all(self) -> None:
        """Somebody new does all there is to do, at both nodes. AssertionError unless all of it succeeds."""
        for_each(self._world.gateways, self._use_all)

    def _use_all(self, node: Adapter) -> None:
        for what in ("sign-out", "support", "new password"):
            self._use_and_end(node, what)

    def _use_and_end(self, node: Adapter, what: str) -> None:
        world, name = self._world, self._world.fresh("somebody")
        tokens, who = world.sign_in(name, "phone", node), world.customers[name]
        calls = looking(node, tokens.access) | {"refresh": partial(node.refresh, tokens.refresh)}
        calls = patient(calls, _BACK_WITHIN_S)
        ends = leaving(node, tokens.access, who, self._new_password(f"{name}'s phone"))
        ends[f"{node.name}: support"] = partial(node.expel, who.name)
        done = do_all(world, calls) | {what: carried_out(ends[f"{node.name}: {what}"], _BACK_WITHIN_S)}
        self._expect_all(done, Verdict.ACCEPTED, f"what {node.name} said to {name}, who did all there is to do")
        ended = do_all(world, calls)
        self._expect_all(ended, Verdict.UNAUTHENTICATED, f"what {node.name} said to {name} after the {what}")

    def try_all(self, staying: str, leaving_one: str, expelled: str, for_s: float) -> None:
        """Everything is tried at both nodes at once, again and again for `for_s`."""
        world, end = self._world, time.monotonic() + for_s
        new = self._new_password(leaving_one)
        while True:
            deeds: dict[str, Callable[[], Answer]] = {}
            for node in world.gateways:
                deeds |= looking(node, world.devices[staying].access) | self._renewals(node, staying)
                deeds |= leaving(node, world.devices[leaving_one].access, self._owner(leaving_one), new)
                deeds[f"{node.name}: support"] = partial(node.expel, self._owner(expelled).name)
            self._ask(deeds)
            if time.monotonic() >= end:
                return
            time.sleep(_AGAIN_AFTER_S)

    def renew(self, device: str) -> None:
        """The owner of `device` refreshes and signs in again, all at once through both nodes."""
        for _ in range(self._rounds):
            self._ask({
                what: deed for node in self._world.gateways for what, deed in self._renewals(node, device).items()
            })  # fmt: skip

    def renew_beside_unknown_keys(self, device: str, count: int) -> None:
        """The same, while so many tokens of keys that nobody knows yet are shown to each node, all at once."""
        world = self._world
        forger = Forger(world.identity, world.devices[device].access, world.devices[device].refresh)
        unknown: Deeds = {
            f"{node.name}: token {number} of an unknown key": partial(node.call, forger.of_unknown_key())
            for node in world.gateways
            for number in range(count)
        }
        with threads(1) as pool:
            shown = pool.submit(self._ask, unknown)
            self.renew(device)
        shown.result()

    def renew_in_vain(self, device: str) -> None:
        """Calls, refreshes and sign-ins, whatever is answered; then all is mended, and nothing is forgotten."""
        access = self._world.devices[device].access
        self._ask({f"{node.name}: call": partial(node.call, access) for node in self._world.gateways})
        self.renew(device)
        self.expect_nothing_forgotten(device)

    def come_back_without_keys(self) -> None:
        """The second node, which was killed, is back, and does not reach the identity provider."""
        node = self._world.gateways[-1].name
        self._world.faults.cut("identity-provider", node)
        self._world.faults.mend(node)

    def ask_second_node(self, device: str) -> None:
        """The owner of `device` does all there at the second node that an access token is shown for."""
        self._ask(looking(self._world.gateways[-1], self._world.devices[device].access))

    def expect_told_to_wait(self, within_s: float) -> None:
        """Every answer was to ask again later, and came within `within_s`.

        A node gives up after a second or so, and comes to that later where the machine stands still; one that waits
        for as long as a client does by itself takes 5 s and more.
        """
        expected = dict.fromkeys(self._answers, Verdict.UNAVAILABLE)
        assert_that(self._answers, equal_to(expected), "what was answered")
        assert_that(self._slowest_s, less_than(within_s), "seconds that the slowest answer took")

    def expect_nothing_forgotten(self, device: str) -> None:
        """When all is well again, the very same tokens are taken, and the refresh token gets the next."""
        self._expect_good(device, self._world.gateways[:1])

    def expect_nothing_spent(self, device: str) -> None:
        """The same, where no refresh was carried out.

        The refresh token is good at the kiosk, too, which grants those that were used too little time to hide that.
        """
        self._expect_good(device, [self._world.kiosk, *self._world.gateways[:1]])

    def _expect_good(self, device: str, refreshing: Sequence[Adapter]) -> None:
        world, access = self._world, self._world.devices[device].access
        world.faults.heal()
        world.identity.heal()
        for node in world.gateways:
            answer = self._once_back(partial(node.call, access))
            assert_that(answer.verdict, equal_to(Verdict.ACCEPTED), f"the access token from before, at {node.name}")
        for node in refreshing:
            world.keep(device, self._once_back(partial(node.refresh, world.devices[device].refresh)))
        world.expect_signed_in(device)

    def _owner(self, device: str) -> "Customer":
        return self._world.customers[device.partition("'")[0]]

    def _new_password(self, device: str) -> str:
        self._world.hear_secret(new := f"new-{self._owner(device).password}")
        return new

    def _renewals(self, node: Adapter, device: str) -> Deeds:
        tokens, customer = self._world.devices[device], self._owner(device)
        return {
            f"{node.name}: refresh": partial(node.refresh, tokens.refresh),
            f"{node.name}: sign-in": partial(node.sign_in, customer.name, customer.password),
        }

    def _ask(self, deeds: Deeds) -> None:
        """Does them at once. What was once answered otherwise than to ask again later stays so."""

        def timed(deed: Callable[[], Answer]) -> Answer:
            began = time.monotonic()
            answer = deed()
            self._slowest_s = max(self._slowest_s, time.monotonic() - began)
            return answer

        for what, answer in do_all(self._world, {what: partial(timed, deed) for what, deed in deeds.items()}).items():
            if self._answers.get(what, Verdict.UNAVAILABLE) is Verdict.UNAVAILABLE:
                self._answers[what] = answer.verdict

    @staticmethod
    def _expect_all(answers: Mapping[str, Answer], verdict: Verdict, what: str) -> None:
        verdicts = {name: answer.verdict for name, answer in answers.items()}
        assert_that(verdicts, equal_to(dict.fromkeys(verdicts, verdict)), what)

    @staticmethod
    def _once_back(work: Callable[[], Answer]) -> Answer:
        """The first answer that is not to ask again later. AssertionError when none comes."""
        answer = told(work, _BACK_WITHIN_S)
        if answer.verdict is Verdict.UNAVAILABLE:
            broken(f"{_BACK_WITHIN_S:g} s after the outage it is still told to ask again later")
        return answer
