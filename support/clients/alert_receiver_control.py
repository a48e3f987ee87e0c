"""What the suite asks the alert receiver besides what it may of every provider: the notifications that it accepted."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from support.clients.provider_control import ProviderControl


@dataclass(frozen=True)
class Notice:
    """One alert of one notification that was accepted: firing, or resolved. Times in seconds since the epoch.

    `fingerprint` and `started` together are one incident.
    """

    seq: int
    at: float
    firing: bool
    group: str
    fingerprint: str
    started: float
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    @property
    def name(self) -> str:
        """The alert's name."""
        return self.labels.get("alertname", "")


class AlertReceiverControl(ProviderControl):
    """The control port of the alert receiver."""

    def notices(self, since: int = 0) -> list[Notice]:
        """What was accepted in requests after the number `since`, one for each alert of each, in that order."""
        accepted = self.ask("GET", "/notifications", query={"since": str(since)})["accepted"]
        return [
            Notice(
                seq=one["seq"],
                at=one["at"],
                firing=alert["status"] == "firing",
                group=one["group"],
                fingerprint=alert["fingerprint"],
                started=seconds(alert["startsAt"]),
                labels=alert["labels"],
                annotations=alert["annotations"] or {},
            )
            for one in accepted
            for alert in one["alerts"]
        ]


def seconds(moment: str) -> float:
    """Seconds since the epoch of a moment as RFC 3339 writes it, to the microsecond."""
    return datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()
