"""One scenario of live updates: a workspace of its own, and what single rules need beyond it."""

from collections.abc import Sequence

from support.capabilities.websocket_redis_pubsub.moments import Moments
from support.capabilities.websocket_redis_pubsub.outage import Outage
from support.capabilities.websocket_redis_pubsub.peers import QuietPeers
from support.capabilities.websocket_redis_pubsub.pressure import PassersBy, StalledReaders, SteadyFlow
from support.capabilities.websocket_redis_pubsub.reconnects import Absence, DeafGateway, Handover
from support.capabilities.websocket_redis_pubsub.sessions import PrivateChannels, Sessions
from support.capabilities.websocket_redis_pubsub.subscriber import Subscriber
from support.capabilities.websocket_redis_pubsub.workspace import Workspace
from support.polling import poll
from support.worlds.crowds import for_each
from support.worlds.world import part

_RESUBSCRIBES_WITHIN_S = 5.0


class World(Workspace):
    """What the steps of one scenario share."""

    absence = part(Absence)
    deaf = part(DeafGateway)
    flow = part(SteadyFlow)
    handover = part(Handover)
    moments = part(Moments)
    outage = part(Outage)
    passers_by = part(PassersBy)
    private = part(PrivateChannels)
    quiet = part(QuietPeers)
    sessions = part(Sessions)
    stalled = part(StalledReaders)

    def everybody_leaves(self, leaving: Sequence[Subscriber]) -> None:
        """All of `leaving` leave, at the same time."""
        for_each(leaving, self.leave)

    def everybody_leaves_while_resubscribing(self) -> None:
        """All leave as soon as Redis counts the gateways' subscriptions again, before these have been told so."""
        self.redis.drop_subscribers()
        gateways = len(self.gateways)
        poll(lambda: self.redis.subscriptions(self.channel) == gateways, _RESUBSCRIBES_WITHIN_S, every_s=0.005)
        self.everybody_leaves(self.subscribers)
