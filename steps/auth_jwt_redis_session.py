"""Sentences of sessions."""

import re
from typing import TYPE_CHECKING, Any, Protocol

from behave import given, then, when
from behave.matchers import register_type
from parse import with_pattern

from support.capabilities.auth_jwt_redis_session.client import Event

if TYPE_CHECKING:
    from support.capabilities.auth_jwt_redis_session.world import World


class Context(Protocol):
    """What these steps use of behave's context."""

    world: "World"
    table: Any


_DEVICE = r"\w+'s (?:phone|laptop|tablet)"


@with_pattern(_DEVICE)  # type: ignore[untyped-decorator]  # parse's own
def device(text: str) -> str:
    """Whose device it is, and which."""
    return str(text)


@with_pattern(rf"{_DEVICE}(?:(?:, | and | or ){_DEVICE})*")  # type: ignore[untyped-decorator]
def devices(text: str) -> list[str]:
    """One or more of them."""
    return re.split(", | and | or ", text)


@with_pattern(r"\w+(?:(?:, | and )\w+)*")  # type: ignore[untyped-decorator]
def people(text: str) -> list[str]:
    """One or more customers."""
    return re.split(", | and ", text)


register_type(Device=device, Devices=devices, People=people)


# Signing in and out


@given("two nodes and a kiosk")
def nodes_and_kiosk(context: Context) -> None:
    context.world.expect_nodes_well()


@given("{people:People} is signed in on a {device:w}")
@given("{people:People} are signed in on a {device:w}")
def signed_in(context: Context, people: list[str], device: str) -> None:
    context.world.sign_in_each(people, device)


@given("{people:People} are signed in on a {device:w}, at nodes that have served all there is to ask for")
def signed_in_at_used_nodes(context: Context, people: list[str], device: str) -> None:
    context.world.outages.use_all()
    context.world.sign_in_each(people, device)


@given("{name:w} is signed in on {count:Count} more devices")
def signed_in_often(context: Context, name: str, count: int) -> None:
    context.world.sign_in_often(name, count)


@given("customers whose names look alike are signed in")
def signed_in_alike(context: Context) -> None:
    context.world.namesakes.sign_in()


@when("some of them sign out or change the password, and support ends the sessions of one after the other")
def end_alike(context: Context) -> None:
    context.world.namesakes.end_one_after_the_other()


@when("{name:w} signs in on {device:Device}")
def sign_in_on(context: Context, name: str, device: str) -> None:
    """The device shows what it has."""
    context.world.sign_in(name, device.rpartition(" ")[2], shown=context.world.devices[device].access)


@given("{name:w} has signed in on a {device:w}, and out again")
def signed_in_and_out(context: Context, name: str, device: str) -> None:
    context.world.sign_in(name, device)
    context.world.endings.sign_out(f"{name}'s {device}")


@when("{device:Device} signs out")
def sign_out(context: Context, device: str) -> None:
    context.world.endings.sign_out(device)


@when("{name:w}'s sessions are ended by {event}")
def end_all(context: Context, name: str, event: str) -> None:
    context.world.endings.end_all(name, event)


@when("{name:w} tries to end {other:w}'s sessions as support does, with anything but support's key")
def end_without_right(context: Context, name: str, other: str) -> None:
    context.world.endings.expel_without_right(f"{name}'s phone", other)


@given("{devices:Devices} has a live connection to each node")
@given("{devices:Devices} have a live connection to each node")
def open_lines(context: Context, devices: list[str]) -> None:
    context.world.endings.stay(devices)


@then("the live connections of {device:Device} stay open for {time:Duration}")
def lines_open(context: Context, device: str, time: float) -> None:
    context.world.endings.expect_lines_open(device, time)


@then("{device:Device} has kept its live connections, and loses them within {deadline:Duration} of signing out")
def lines_kept(context: Context, device: str, deadline: float) -> None:
    context.world.endings.expect_lines_open(device, for_s=0.1)
    context.world.endings.sign_out(device)
    context.world.endings.expect_lines_ended(device, deadline)


@when(
    "the second node ends each of these sessions while the first one, {delay:Duration} late, "
    "works on a request of its customer"
)
def end_beside_requests(context: Context, delay: float) -> None:
    context.world.endings.end_each_beside([row.as_dict() for row in context.table], delay)


@when("{name:w} tries to sign in with each of these, at both nodes")
def sign_in_wrongly(context: Context, name: str) -> None:
    context.world.secrecy.sign_in_wrongly(name, [row["what"] for row in context.table])


@when("{count:Count} sign-ins as {name:w} fail, and as many for names that nobody has")
def fail_to_sign_in(context: Context, count: int, name: str) -> None:
    context.world.bursts.fail(name, count)


@when(
    "{name:w} signs in {count:Count} times and {strangers:Count} strangers try to, all at once, "
    "while {device:Device} makes one call after the other"
)
def rush(context: Context, name: str, count: int, strangers: int, device: str) -> None:
    context.world.bursts.rush(name, count, strangers, device)


@when("{name:w} signs in, rightly and wrongly, and uses every kind of token while this and that fails")
def use_all_secrets(context: Context, name: str) -> None:
    context.world.secrecy.use_all(name)


# Tokens


@when("somebody who knows the tokens of {device:Device} shows both nodes each of these, for all that asks for a token")
def show_forged(context: Context, device: str) -> None:
    context.world.forgeries.show(device, [row["what"] for row in context.table])


@given("{device:Device} has refreshed its tokens {count:Count} times")
def refreshed(context: Context, device: str, count: int) -> None:
    context.world.refreshes.refresh(device, count)


@when("somebody who knows the tokens of {device:Device} asks both nodes for new ones with each of these")
def redeem_forged(context: Context, device: str) -> None:
    context.world.forgeries.redeem(device, [row["what"] for row in context.table])


@when(
    "somebody uses the next to last refresh token of {device:Device} again and again at the kiosk, for {time:Duration}"
)
def reuse_newest(context: Context, device: str, time: float) -> None:
    context.world.refreshes.reuse(device, -2, context.world.kiosk, time)


@when("somebody uses the first refresh token of {device:Device} at once")
def reuse_oldest(context: Context, device: str) -> None:
    context.world.refreshes.reuse(device, 0, context.world.gateways[-1])


@when("{device:Device} refreshes its tokens with {count:Count} requests at once, through both nodes")
def refresh_at_once(context: Context, device: str, count: int) -> None:
    context.world.refreshes.refresh_at_once(device, count)


@when("somebody uses the second refresh token of {device:Device} at once")
def reuse_second(context: Context, device: str) -> None:
    context.world.refreshes.reuse(device, 1, context.world.gateways[-1])


@when("{device:Device} does not hear the answer to a refresh, goes on for a while, and asks the other node")
def refresh_again(context: Context, device: str) -> None:
    context.world.refreshes.refresh_again(device)


@given(
    "at the kiosk {again:w} will call {first:Duration}, {second:Duration} and {third:Duration} after signing in, "
    "and {last:w} after {late:Duration} of live connections"
)
def plan_at_kiosk(
    context: Context, again: str, first: float, second: float, third: float, last: str, late: float
) -> None:
    context.world.at_kiosk.plan((again, (first, second, third)), (last, late))


@when(
    "they sign in there with {one:w}, who refreshes all the while, {other:w}, who signs in on a phone, too, and calls "
    "all the while, and {name:w}, whose access token is shown for {time:Duration}"
)
def use_at_kiosk(context: Context, one: str, other: str, name: str, time: float) -> None:
    context.world.at_kiosk.pass_time(one, other, name, time)


@when(
    "{count:Count} tokens with keys that nobody has are shown to both nodes again and again for {time:Duration}, "
    "and as long once more while the keys cannot be fetched"
)
def show_unknown_keys(context: Context, count: int, time: float) -> None:
    context.world.published.show_unknown_keys(count, "ada's phone", time)


# The identity provider, and outages


@given("the identity provider fails in one way after another")
def identity_fails(context: Context) -> None:
    context.world.outages.break_off()


@when("the second node is back, and does not reach the identity provider")
def come_back_without_keys(context: Context) -> None:
    context.world.outages.come_back_without_keys()


@given("every node has failed to fetch the keys once")
def refuse_keys_once(context: Context) -> None:
    context.world.published.fail_once()


@when("the identity provider signs by a new key, just after the nodes have looked for one that there is none of")
def rotate(context: Context) -> None:
    context.world.published.rotate_after_unknown("ada's phone")


@when("the identity provider withdraws the key, long after {name:w} and the nodes have got to know the next one")
def withdraw(context: Context, name: str) -> None:
    context.world.published.withdraw(name)


@when(
    "{staying:Device} is used for everything, {left:Device} is to be signed out, and {expelled:Device} by support, "
    "at both nodes, again and again for {time:Duration}"
)
def ask_for_everything(context: Context, staying: str, left: str, expelled: str, time: float) -> None:
    context.world.outages.try_all(staying, left, expelled, time)


@when(
    "{device:Device} refreshes its tokens and signs in again, through both nodes, "
    "and {count:Count} tokens of unknown keys are shown to each"
)
def ask_for_tokens(context: Context, device: str, count: int) -> None:
    context.world.outages.renew_beside_unknown_keys(device, count)


# What must hold


@then("both nodes refuse each as they refuse anything else")
def refused_alike(context: Context) -> None:
    context.world.forgeries.expect_refused()


@then("no session was touched")
def nothing_touched(context: Context) -> None:
    context.world.forgeries.expect_nothing_touched()


@then("nobody gets any")
def none_redeemed(context: Context) -> None:
    context.world.forgeries.expect_none_redeemed()


@then("{name:w}'s was taken everywhere for {lifetime:Duration}, and nowhere after {longer:Duration} more")
def good_for(context: Context, name: str, lifetime: float, longer: float) -> None:
    context.world.at_kiosk.expect_good_for(name, lifetime, longer)


@then("{name:w}'s refresh token gets tokens that are taken everywhere")
def refresh_is_good(context: Context, name: str) -> None:
    (device,) = (device for device in context.world.devices if device.startswith(f"{name}'s "))
    context.world.expect_refreshes(device)


@then("{devices:Devices} is still signed in")
@then("{devices:Devices} are still signed in")
def still_signed_in(context: Context, devices: list[str]) -> None:
    context.world.expect_signed_in(*devices)


@then("both nodes refuse that, and {device:Device} is still signed in")
def refused_without_right(context: Context, device: str) -> None:
    context.world.endings.expect_refused()
    context.world.expect_signed_in(device)


@then("what {device:Device} had opens the account of its owner alone, or nothing")
def apart(context: Context, device: str) -> None:
    context.world.expect_apart(device)


@then("{device:Device} is still signed in, and reads that a refresh token was used twice")
def reads_of_reuse(context: Context, device: str) -> None:
    context.world.expect_signed_in(device)
    context.world.expect_event(device, Event.REFRESH_TOKEN_REUSED, 1)


@then("no token that {device:Device} ever had is taken")
def family_ended(context: Context, device: str) -> None:
    context.world.refreshes.expect_family_ended(device)


@then("one of the refresh tokens that it got is good, and the phone is still signed in")
def one_successor(context: Context) -> None:
    context.world.refreshes.expect_one_successor("ada's phone")
    context.world.expect_refreshes("ada's phone")


@then("within {deadline:Duration} no node takes a token of {devices:Devices}")
def signed_out(context: Context, deadline: float, devices: list[str]) -> None:
    context.world.expect_signed_out(*devices, within_s=deadline)


@then(
    "within {deadline:Duration} {device:Device} has no live connection, and no node takes a token of it, "
    "however it is written"
)
def signed_out_in_every_spelling(context: Context, deadline: float, device: str) -> None:
    context.world.expect_signed_out(device, within_s=deadline)
    context.world.endings.expect_no_spelling_taken(device)


@then("within {deadline:Duration} no node takes the access token of {device:Device}")
def access_refused(context: Context, deadline: float, device: str) -> None:
    context.world.published.expect_access_refused(device, deadline)


@then("within {deadline:Duration} no node takes a token that any of them has or got")
def ended_beside(context: Context, deadline: float) -> None:
    context.world.endings.expect_beside(deadline)


@then("each of them is who it was, and signed in until it is its own turn")
def nobody_mistaken(context: Context) -> None:
    context.world.namesakes.expect_nobody_mistaken()


@then("{name:w}, who signed in again in the same second, stays signed in")
def new_session_lives(context: Context, name: str) -> None:
    context.world.endings.expect_new_session_lives(name)


@then("for {time:Duration} nothing of their sessions is in Redis")
def nothing_left(context: Context, time: float) -> None:
    context.world.endings.expect_nothing_left(time)


@then("{lively:w} is still signed in, and {late:w} is not")
def idle_ended(context: Context, lively: str, late: str) -> None:
    context.world.at_kiosk.expect_lively(lively)
    context.world.at_kiosk.expect_ended(late)


@then("{people:People} were signed out {absolute:Duration} after signing in, or at most {later:Duration} later")
def absolute_end(context: Context, people: list[str], absolute: float, later: float) -> None:
    context.world.at_kiosk.expect_all_ended_after(people, absolute, later)


@then("a decision of support then ends the sessions of {devices:Devices}, too")
def support_ends(context: Context, devices: list[str]) -> None:
    context.world.endings.expel_owners(devices)
    context.world.expect_signed_out(*devices, within_s=1)


@then("whatever Redis keeps of sessions ends within {time:Duration}")
def all_end(context: Context, time: float) -> None:
    context.world.at_kiosk.expect_all_end(time)


@then("each of them was told within {deadline:Duration} to ask again later")
def told_to_wait(context: Context, deadline: float) -> None:
    context.world.outages.expect_told_to_wait(deadline)


@then("when that is over, the same tokens of {device:Device} are good")
def nothing_spent(context: Context, device: str) -> None:
    context.world.outages.expect_nothing_spent(device)


@then("when that is over, the same tokens of {device:Device} are good, and both nodes serve all again")
def all_served_after(context: Context, device: str) -> None:
    context.world.outages.expect_nothing_forgotten(device)
    context.world.outages.use_all()


@then(
    "{device:Device} is told within {deadline:Duration} to ask again later, and its tokens are good when that is over"
)
def waits_for_keys(context: Context, device: str, deadline: float) -> None:
    context.world.outages.ask_second_node(device)
    context.world.outages.expect_told_to_wait(deadline)
    context.world.outages.expect_nothing_forgotten(device)


@then("{name:w}, who signs in now, is let in everywhere at once")
def let_in_at_once(context: Context, name: str) -> None:
    context.world.published.let_in(name)


@then("each was refused, and told to wait while the keys could not be fetched")
def unknown_keys_refused(context: Context) -> None:
    context.world.published.expect_refused()


@then("no node has asked for the keys more than {count:Count} times in a second")
def few_fetches(context: Context, count: int) -> None:
    context.world.published.expect_few_fetches(count)


@then("their answers are the same, and one took {least:g} to {most:g} times the work of the other")
def alike(context: Context, least: float, most: float) -> None:
    context.world.bursts.expect_alike(least, most)


@then("all {count:Count} succeed, the strangers are refused, and at least {calls:Count} calls were answered meanwhile")
def all_served(context: Context, count: int, calls: int) -> None:
    context.world.bursts.expect_all_served(count, calls)


@then("each is refused, also as the old password of a new one, and nothing has changed")
def sign_in_refused(context: Context) -> None:
    context.world.secrecy.expect_refused()


@then("no password, token or key is in the log of any container")
def in_no_log(context: Context) -> None:
    context.world.secrecy.expect_in_no_log()


@then("Redis holds no token, and of passwords only hashes by Argon2id")
def not_in_redis(context: Context) -> None:
    context.world.secrecy.expect_not_in_redis()
    context.world.secrecy.expect_hashed("ada")
