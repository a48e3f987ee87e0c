"""Sentences about the nodes of the platform, whatever the capability calls them."""

from functools import partial
from typing import TYPE_CHECKING, Protocol

from behave import given

from support.polling import poll

if TYPE_CHECKING:
    from support.containers.fleet import Fleet


WELL_WITHIN_S = 5.0


class Context(Protocol):
    """What these steps use of behave's context."""

    fleet: "Fleet"


@given("a new workspace on two gateways")
@given("a new shop on two storefronts")
def two_nodes_that_are_well(context: Context) -> None:
    """Both nodes answer, and each scenario's world has names that nobody has used before."""
    for node in context.fleet.nodes:
        assert poll(partial(node.answers, *node.address()), WELL_WITHIN_S), node.plight()
