"""One scenario of billing and analytics: a customer of its own, and what single rules need beyond it."""

from support.capabilities.database_transaction_coordination.crashes import Crash, LostCommits
from support.capabilities.database_transaction_coordination.customer import Customer
from support.capabilities.database_transaction_coordination.differences import Differences, Meanwhile
from support.capabilities.database_transaction_coordination.drift import Poison, TableChange
from support.capabilities.database_transaction_coordination.outages import Backlog, BillingOutage
from support.capabilities.database_transaction_coordination.races import Balance, Reference, Refunds, Relays, Share
from support.capabilities.database_transaction_coordination.refusals import Privacy, Rejections
from support.capabilities.database_transaction_coordination.speed import ChargeRate, SteadyCharges
from support.worlds.world import part


class World(Customer):
    """What the steps of one scenario share; what belongs to a single rule is a part of its own."""

    rejections = part(Rejections)
    privacy = part(Privacy)
    backlog = part(Backlog)
    outage = part(BillingOutage)
    rate = part(ChargeRate)
    crash = part(Crash)
    commits = part(LostCommits)
    balance = part(Balance)
    reference = part(Reference)
    refunds = part(Refunds)
    relays = part(Relays)
    share = part(Share)
    differences = part(Differences)
    meanwhile = part(Meanwhile)
    poison = part(Poison)
    table = part(TableChange)
    steady = part(SteadyCharges)

    def meet_another(self, cents: int) -> None:
        """Another customer has paid `cents`, and both stores know of it. AssertionError if not."""
        other = self.another()
        other.book_one(other.bill(cents=cents), node=0)
        other.expect_shown(within_s=10)
