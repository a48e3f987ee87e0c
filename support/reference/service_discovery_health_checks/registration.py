"""How an instance stands in Consul: it registers, sends heartbeats, and takes itself out before it ends.

Two checks say whether it is to be called: Consul asks it how it is (which notices that it cannot work), and it has to
send heartbeats (which notices that it stands still, long before a question would time out).
"""

import logging
import threading
from typing import Any

from consul.exceptions import ConsulException

from .agent import connect
from .settings import DiscoverySettings

# The least that Consul takes; it looks every 30 s (Consul's documentation of DeregisterCriticalServiceAfter).
DEREGISTER_AFTER = "1m"
# Longer than the heartbeats are waited for: those notice a standstill, and a slow answer alone is none.
CHECK_TIMEOUT = "4s"

logger = logging.getLogger(__name__)


class Registration:
    """One instance at `address`:`port`. Every method waits for Consul, so none is for the event loop."""

    def __init__(self, settings: DiscoverySettings, address: str, port: int, health: str) -> None:
        """`health` is the path at which the instance says how it is."""
        self._settings, self._address, self._port, self._health = settings, address, port, health
        # Names that people give are given twice one day. Two at one address are never there at the same time.
        self._id = f"{settings.discovery_service}-{address}-{port}"
        self._heartbeat = f"{self._id}:heartbeat"
        self._consul = connect(settings.consul_url)
        self._turn = threading.Lock()
        self._stands = True

    def begin(self) -> None:
        """Registers anew: the checks of a former life at this address may still be passing, and would be kept."""
        with self._turn:
            self._consul.agent.service.deregister(self._id)
            self._register()

    def beat(self) -> None:
        """Sends a heartbeat. An agent that has forgotten the instance, or never knew it, is told of it again."""
        with self._turn:
            if self._stands and not self._is_known():
                self._register()
                self._is_known()

    def end(self) -> None:
        """Takes the instance out; no heartbeat puts it back."""
        with self._turn:
            self._stands = False
            self._consul.agent.service.deregister(self._id)

    def _is_known(self) -> bool:
        try:
            return bool(self._consul.agent.check.ttl_pass(self._heartbeat))
        except ConsulException:  # the agent answers that there is no such check
            return False

    def _register(self) -> None:
        self._consul.agent.service.register(
            self._settings.discovery_service,
            service_id=self._id,
            address=self._address,
            port=self._port,
            tags=list(self._settings.discovery_tags),
            meta={"name": self._settings.discovery_name},
            check=self._asked(),
            extra_checks=[self._heard()],
        )
        logger.info("registered as %s", self._id)

    def _asked(self) -> dict[str, Any]:
        """Consul asks; the client library's own check has no thresholds."""
        return {
            "CheckID": f"{self._id}:health",
            "HTTP": f"http://{self._address}:{self._port}{self._health}",
            "Interval": f"{self._settings.discovery_check_interval_s:g}s",
            "Timeout": CHECK_TIMEOUT,
            "FailuresBeforeCritical": self._settings.discovery_check_failures,
            "SuccessBeforePassing": self._settings.discovery_check_successes,
            "DeregisterCriticalServiceAfter": DEREGISTER_AFTER,
        }

    def _heard(self) -> dict[str, Any]:
        """The instance is to be heard of."""
        return {
            "CheckID": self._heartbeat,
            "TTL": f"{self._settings.discovery_ttl_s:g}s",
            "DeregisterCriticalServiceAfter": DEREGISTER_AFTER,
        }
