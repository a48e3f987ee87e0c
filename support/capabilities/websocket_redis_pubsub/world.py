"""One scenario of live updates: a workspace of its own, and what single rules need beyond it."""

from collections.abc import Sequence

from support.capabilities.websocket_redis_pubsub.moments import Moments
from support.capabilities.websocket_redis_pubsub.peers import QuietPeers
from support.capabilities.websocket_redis_pubsub.pressure import PassersBy, StalledReaders, SteadyFlow
from support.capabilities.websocket_redis_pubsub.reconnects import Absence, DeafGateway, Handover
from support.capabilities.websocket_redis_pubsub.sessions import PrivateChannels, Sessions
from support.capabilities.websocket_redis_pubsub.subscriber import Subscriber
from support.capabilities.websocket_redis_pubsub.workspace import Workspace
from support.worlds.crowds import for_each
from support.worlds.world import part


class World(Workspace):
    """What the steps of one scenario share."""

    absence = part(Absence)
    deaf = part(DeafGateway)
    flow = part(SteadyFlow)
    handover = part(Handover)
    moments = part(Moments)
    passers_by = part(PassersBy)
    private = part(PrivateChannels)
    quiet = part(QuietPeers)
    sessions = part(Sessions)
    stalled = part(StalledReaders)

    def everybody_leaves(self, leaving: Sequence[Subscriber]) -> None:
        """All of `leaving` leave, at the same time."""
        for_each(leaving, self.leave)
