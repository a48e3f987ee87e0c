"""Imports of many customers, done in the background and in the name of the tenant that started them.

What is to be imported waits in the database, sealed and under its tenant. The stream in Redis, which all tenants share,
names only tenant and import; an import is looked up in that tenant's name, so one that is another's is not found.
"""

import asyncio
import json
import logging
import uuid
from dataclasses import asdict
from typing import cast

import psycopg
from psycopg_pool import PoolTimeout
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from . import records
from .records import Customer
from .reports import Reports
from .tenancy import BusyError, Tenancy, UnknownTenantError
from .vault import DisplacedError, KeysDestroyedError, Vault

STREAM, GROUP = "imports", "workers"
BLOCK_MS = 1000
PAUSE_S = 1.0
COLUMN = "imports.customers"
# What is stored may still be missing in a report that was made before: it is not done until these are forgotten.
_TOLD = {"stored": "waiting"}

Entry = tuple[str, dict[str, str]]

logger = logging.getLogger(__name__)


class Imports:
    """The queue, and the one worker that a node has."""

    def __init__(self, node: str, redis: Redis, tenancy: Tenancy, vault: Vault, reports: Reports) -> None:
        self._node, self._redis, self._tenancy, self._vault, self._reports = node, redis, tenancy, vault, reports

    async def start(self, tenant: uuid.UUID, id_: str, customers: list[Customer]) -> None:
        """Takes an import; to start one again changes nothing. Raises RedisError, psycopg.Error, KeysDestroyedError.

        Whoever is told of a RedisError starts it again: it is kept, and waits.
        """
        text = json.dumps([asdict(customer) for customer in customers])
        async with self._tenancy.transaction(tenant) as transaction:
            sealed = (await self._vault.keys(transaction, tenant)).seal(text, COLUMN, id_)
            insert = "INSERT INTO public.imports (id, customers) VALUES (%s, %s) ON CONFLICT (tenant, id) DO NOTHING"
            await transaction.execute(insert, [id_, sealed])
        await self._redis.xadd(STREAM, {"tenant": tenant.hex, "import": id_})

    async def state(self, tenant: uuid.UUID, id_: str) -> str | None:
        """waiting, done or failed; None where there is no such import."""
        async with self._tenancy.transaction(tenant) as transaction:
            query = "SELECT state FROM public.imports WHERE id = %s"
            found = await (await transaction.execute(query, [id_])).fetchone()
        return _TOLD.get(found["state"], found["state"]) if found else None

    async def work(self) -> None:
        """Does one import after the other, those first that this node had in hand when it ended the last time."""
        after = "0"
        while True:
            try:
                await self._join()
                while True:
                    after = await self._work_off(after)
            except (RedisError, psycopg.Error, PoolTimeout, BusyError) as error:
                logger.warning("imports wait: %s", error)
                after = "0"
                await asyncio.sleep(PAUSE_S)

    async def _join(self) -> None:
        try:
            await self._redis.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):  # another node has made it
                raise

    async def _work_off(self, after: str) -> str:
        """Does the next import, if one comes soon; gives what to ask for then."""
        found = await self._redis.xreadgroup(GROUP, self._node, {STREAM: after}, count=1, block=BLOCK_MS)
        entries = [entry for _, entries in cast(list[tuple[str, list[Entry]]], found or []) for entry in entries]
        for number, fields in entries:
            await self._do(uuid.UUID(fields["tenant"]), fields["import"])
            await self._redis.xack(STREAM, GROUP, number)
        return after if entries else ">"

    async def _do(self, tenant: uuid.UUID, id_: str) -> None:
        ended = "UPDATE public.imports SET state = 'done' WHERE id = %s AND state = 'stored'"
        try:
            await self._import(tenant, id_)
        except (psycopg.IntegrityError, psycopg.DataError, KeysDestroyedError, DisplacedError, UnknownTenantError):
            logger.warning("import %s of tenant %s failed", id_, tenant)
            ended = "UPDATE public.imports SET state = 'failed' WHERE id = %s"
        async with self._tenancy.transaction(tenant) as transaction:
            await transaction.execute(ended, [id_])

    async def _import(self, tenant: uuid.UUID, id_: str) -> None:
        """Stores all customers of an import, or none, and forgets the reports from before."""
        async with self._reports.forgetting(tenant), self._tenancy.transaction(tenant) as transaction:
            query = "SELECT customers FROM public.imports WHERE id = %s AND state = 'waiting' FOR UPDATE"
            waiting = await (await transaction.execute(query, [id_])).fetchone()
            if waiting is None:
                return
            keys = await self._vault.keys(transaction, tenant)
            for fields in json.loads(keys.open(waiting["customers"], COLUMN, id_)):
                await records.put_customer(transaction, keys, Customer(**fields))
            await transaction.execute("UPDATE public.imports SET state = 'stored' WHERE id = %s", [id_])
