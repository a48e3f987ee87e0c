"""One scenario of live updates: a workspace of its own, and what single rules need beyond it."""

from collections.abc import Sequence

from support.capabilities.websocket_redis_pubsub.client import Subscriber
from support.capabilities.websocket_redis_pubsub.moments import Moments
from support.capabilities.websocket_redis_pubsub.peers import QuietPeers
from support.capabilities.websocket_redis_pubsub.pressure import Crowd, Stall, Stream
from support.capabilities.websocket_redis_pubsub.reconnects import Absence, Handover, Outage
from support.capabilities.websocket_redis_pubsub.sessions import PrivateChannels, Sessions
from support.capabilities.websocket_redis_pubsub.workspace import Workspace
from support.faults.faults import Faults
from support.worlds.crowds import for_each
from support.worlds.world import Stage


class World(Workspace):
    """What the steps of one scenario share; what a single rule needs is made by the method that begins it."""

    def __init__(self, stage: Stage, faults: Faults) -> None:
        super().__init__(stage, faults)
        self.absence = Absence(self)
        self.moments = Moments(self)
        self.outage = Outage(self)
        self.sessions = Sessions(self)

    def stall_readers(self, count: int) -> None:
        """`count` more subscribers of the first gateway stop reading."""
        self.stall = Stall(self, count)

    def warm_up(self, count: int) -> None:
        """`count` subscribers come and are lost, so that the gateways have made what they keep."""
        self.crowd = Crowd(self, count)

    def open_private_channels(self, count: int) -> None:
        """`count` users each watch a channel of their own."""
        self.private = PrivateChannels(self, count)

    def start_quiet_peers(self) -> None:
        """Ada and bob watch the workspace from processes of their own, and say nothing."""
        self.quiet = QuietPeers(self)

    def prepare_handover(self, count: int) -> None:
        """`count` subscribers on each gateway, who move when theirs says that it ends."""
        self.handover = Handover(self, count)

    def open_workspaces(self, workspaces: int, count: int) -> None:
        """`workspaces` more workspaces with `count` subscribers each."""
        self.stream = Stream(self, workspaces, count)

    def everybody_leaves(self, leaving: Sequence[Subscriber]) -> None:
        """All of `leaving` leave, at the same time."""
        for_each(leaving, self.leave)
