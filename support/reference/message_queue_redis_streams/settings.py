"""What an operator may set for the queue."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..settings import SettingsError, positive


@dataclass(frozen=True)
class QueueSettings:
    """Each field is set by the environment variable of its name in capitals; names carry the unit."""

    redis_url: str = field(repr=False)  # may hold a password
    upstream_url: str
    queue_consumers: int  # messages that the node works on at once; none where it only takes them in
    queue_claim_after_s: float  # a message whose worker gave no sign for so long goes to another one
    queue_deliveries: int  # after so many in vain a message is a dead letter
    queue_backoff_s: float  # before the second delivery; each later one waits for twice as long
    queue_drain_s: float  # what is under way has so long to be finished when the node is asked to end
    queue_remember_s: float  # for so long a message that is published again is known to be the same
    queue_forget_workers_s: float  # a worker that holds nothing and was not heard for so long is gone for good
    queue_see_turns_every_s: float  # so often it is looked whether turns were deleted
    queue_message_bytes: int  # the largest payload

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> "QueueSettings":
        """Reads the settings from `environ`; raises SettingsError."""
        return cls(
            redis_url=environ.get("REDIS_URL", "redis://localhost:6379/0"),
            upstream_url=environ.get("UPSTREAM_URL", "http://localhost:9000"),
            queue_consumers=_whole(environ, "QUEUE_CONSUMERS", 4),
            queue_claim_after_s=positive(environ, "QUEUE_CLAIM_AFTER_S", 30),
            queue_deliveries=_whole(environ, "QUEUE_DELIVERIES", 5),
            queue_backoff_s=positive(environ, "QUEUE_BACKOFF_S", 1),
            queue_drain_s=positive(environ, "QUEUE_DRAIN_S", 10),
            queue_remember_s=positive(environ, "QUEUE_REMEMBER_S", 24 * 3600),
            queue_forget_workers_s=positive(environ, "QUEUE_FORGET_WORKERS_S", 3600),
            queue_see_turns_every_s=positive(environ, "QUEUE_SEE_TURNS_EVERY_S", 60),
            queue_message_bytes=_whole(environ, "QUEUE_MESSAGE_BYTES", 64 * 1024),
        )


def _whole(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name, str(default))
    if not (text.isascii() and text.isdecimal()):
        raise SettingsError(f"{name}: expected a whole number, got {text!r}")
    return int(text)
