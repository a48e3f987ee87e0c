"""All that is asked of a node with what a customer's device has: whoever tries one of it tries the others, too."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from support.capabilities.auth_jwt_redis_session.client import Adapter, Answer, Verdict
from support.polling import look_until
from support.worlds.crowds import threads

if TYPE_CHECKING:
    from support.capabilities.auth_jwt_redis_session.world import Customer, World

Deeds = dict[str, Callable[[], Answer]]  # by what messages call them

_PATIENCE_S = 2.0  # a node for which Redis took too long says so once; one that cannot serve says so for longer
_AT_ONCE = 40
FEW = 8  # at once: none of them waits for the others for so long that a busy node puts it off
Key = TypeVar("Key")


def looking(node: Adapter, access: str) -> Deeds:
    """All for which an access token is shown, and after which it is as good as before."""
    return {
        f"{node.name}: call": partial(node.call, access),
        f"{node.name}: history": partial(node.events, access),
        f"{node.name}: live connection": partial(node.stay, access),
    }


def leaving(node: Adapter, access: str, customer: "Customer", new: str) -> Deeds:
    """What ends sessions of the customer whose access token is shown."""
    return {
        f"{node.name}: new password": partial(node.change_password, access, customer.password, new),
        f"{node.name}: sign-out": partial(node.sign_out, access),
    }


def told(deed: Callable[[], Answer], within_s: float = _PATIENCE_S, every_s: float = 0.05) -> Answer:
    """The first answer to `deed` that is not to ask again later; the last one, where none comes within `within_s`."""
    return look_until(lambda answer: answer.verdict is not Verdict.UNAVAILABLE, deed, within_s, every_s)


def carried_out(deed: Callable[[], Answer], within_s: float = _PATIENCE_S) -> Answer:
    """The answer to `deed`, which can be done once only, asked again where it is put off.

    What was put off may have been done all the same: then whoever asks again is refused, and it is ACCEPTED.
    """
    answer = deed()
    if answer.verdict is Verdict.UNAVAILABLE:
        answer = told(deed, within_s)
        if answer.verdict in (Verdict.UNAUTHENTICATED, Verdict.INVALID):
            return Answer(Verdict.ACCEPTED)
    return answer


def patient(
    deeds: Mapping[Key, Callable[[], Answer]], within_s: float = _PATIENCE_S
) -> dict[Key, Callable[[], Answer]]:
    """`deeds`, each of which is asked for again where it is put off."""
    return {what: partial(told, deed, within_s) for what, deed in deeds.items()}


def do_all(world: "World", deeds: Mapping[Key, Callable[[], Answer]], at_once: int = _AT_ONCE) -> dict[Key, Answer]:
    """The answers to `deeds`, which are done at once. Live connections that come of it are closed with the scenario."""
    with threads(min(at_once, len(deeds))) as pool:
        answers = dict(zip(deeds, pool.map(lambda deed: deed(), deeds.values()), strict=True))
    for answer in answers.values():
        if answer.line:
            world.opened(answer.line)
    return answers
