"""The relay of a node: carries events from the outbox to analytics, at least once and in the order of each account."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Counter, Gauge
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from . import outbox
from .analytics import Analytics, AnalyticsError, RefusedError
from .outbox import Waiting
from .settings import DatabaseSettings

logger = logging.getLogger(__name__)


@dataclass
class Delivery:
    """What became of a batch. What is in neither list waits behind an event of its account that was refused."""

    shipped: list[Waiting] = field(default_factory=list)
    refused: list[tuple[Waiting, str]] = field(default_factory=list)

    def may_go(self, event: Waiting) -> bool:
        """Whether no earlier event of the same account was refused."""
        return all(event.entry.account_id != held.entry.account_id for held, _ in self.refused)


class Relay:
    """Runs from `run` until `stop`, which lets it finish the batch that it has in hand."""

    def __init__(
        self, engine: AsyncEngine, analytics: Analytics, settings: DatabaseSettings, registry: CollectorRegistry
    ) -> None:
        self._engine, self._analytics, self._settings = engine, analytics, settings
        self._stopping = asyncio.Event()
        self._prepared = False
        self._drift: list[str] = []
        self._alert = Gauge(
            "billing_analytics_schema_drift", "Columns of analytics that billing cannot write.", registry=registry
        )
        self._count = Counter("billing_events_shipped", "Events that analytics acknowledged.", registry=registry)

    async def run(self) -> None:
        """Ships what waits at every interval, because analytics likes few large batches; an outage is waited out."""
        while not self._stopping.is_set():
            try:
                busy = await self.ship()
            except (SQLAlchemyError, AnalyticsError, RefusedError) as error:
                logger.warning("nothing shipped: %s", error)
                busy = False
            if not busy:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), self._settings.relay_interval_s)

    def stop(self) -> None:
        """Ends `run` after the batch in hand."""
        self._stopping.set()

    async def ship(self) -> bool:
        """Ships one batch; returns whether it was a full one, so that more may wait.

        Raises SQLAlchemyError, AnalyticsError and RefusedError.

        Events leave the outbox after analytics has acknowledged them, never before. A crash in between delivers
        them again, and analytics counts them once.
        """
        await self.prepare()
        async with self._engine.begin() as transaction:
            batch = await outbox.claim(transaction, self._settings.relay_batch)
            if not (batch or self._drift) or await self._has_drifted():
                return False
            delivery = Delivery()
            await self._deliver(batch, delivery)
            await outbox.shipped(transaction, [event.id for event in delivery.shipped])
            if delivery.refused and not await self._has_drifted():
                await self._refuse(transaction, delivery.refused)
        self._count.inc(len(delivery.shipped))
        return len(delivery.shipped) >= self._settings.relay_batch

    async def prepare(self) -> None:
        """Makes the table and the view of analytics, once. Raises AnalyticsError and RefusedError."""
        if not self._prepared:
            await asyncio.to_thread(self._analytics.prepare)
            self._prepared = True

    async def _deliver(self, batch: Sequence[Waiting], delivery: Delivery) -> None:
        """Ships a batch; of one that is refused, both halves, until it is known which event is to blame."""
        batch = [event for event in batch if delivery.may_go(event)]
        try:
            if batch:
                await asyncio.to_thread(self._analytics.insert, [event.entry for event in batch])
            delivery.shipped += batch
        except RefusedError as error:
            if len(batch) == 1:
                delivery.refused.append((batch[0], str(error)))
                return
            middle = len(batch) // 2
            await self._deliver(batch[:middle], delivery)
            await self._deliver(batch[middle:], delivery)

    async def _refuse(self, transaction: AsyncConnection, refused: Sequence[tuple[Waiting, str]]) -> None:
        for event, reason in refused:
            if await outbox.refused(transaction, event.id, reason, self._settings.outbox_max_attempts):
                logger.error("parked the event of entry %s: %s", event.entry.id, reason)

    async def _has_drifted(self) -> bool:
        """Whether analytics is no longer as billing writes it. No event is to blame for that, so all of them wait."""
        drift = await asyncio.to_thread(self._analytics.drift)
        if drift != self._drift:
            logger.error("the schema of analytics has drifted: %s", ", ".join(drift) or "no longer")
        self._drift = drift
        self._alert.set(len(drift))
        return bool(drift)
