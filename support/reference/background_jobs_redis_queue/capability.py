"""Servers take jobs and tell what has become of them; workers do them. Which of both a node is, its settings say."""

import asyncio
import datetime
import logging
import sys
import threading
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from ..json_text import parse_json
from ..settings import Settings
from ..unavailable import UnavailableError
from .kinds import KINDS
from .orders import Orders, migrate
from .queue import Job, Queue
from .schedules import Schedules, next_runs
from .settings import JobSettings

CONNECTIONS = 10
LOOK_S = 0.1  # how often schedules are looked at, and the shortest interval of one
PRIORITIES = ("high", "normal", "low")
LONGEST_S = 366 * 86_400  # of a delay, an interval, or a job
Endpoint = Callable[[Request], Awaitable[Response]]

logger = logging.getLogger(__name__)


class Capability:
    """The capability: its routes, its lifespan, whether its stores answer, and what it counts."""

    def __init__(self, node: Settings, environ: Mapping[str, str]) -> None:
        self._settings = JobSettings.load(environ)
        self._queue = Queue(self._settings)
        self._schedules = Schedules(self._queue)
        self._pool = ConnectionPool(
            self._settings.postgres_url, min_size=0, max_size=CONNECTIONS, timeout=5, open=False,
            check=ConnectionPool.check_connection,
        )  # fmt: skip
        self._orders = Orders(self._pool, Queue(self._settings))  # on a connection of its own: nobody waits for it
        self._stopping = threading.Event()

    @property
    def routes(self) -> list[BaseRoute]:
        """What the capability answers to."""
        endpoints: dict[tuple[str, str], Endpoint] = {
            ("POST", "/jobs"): self._enqueue,
            ("GET", "/jobs/{id}"): self._show,
            ("DELETE", "/jobs/{id}"): self._cancel,
            ("POST", "/jobs/{id}/requeue"): self._requeue,
            ("PUT", "/schedules/{name}"): self._schedule,
            ("DELETE", "/schedules/{name}"): self._unschedule,
            ("POST", "/schedules/preview"): self._preview,
            ("POST", "/orders"): self._order,
        }
        return [Route(path, what, methods=[verb]) for (verb, path), what in endpoints.items()]

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Owns what carries jobs to the queue, or the worker; a worker ends when its jobs in hand are done."""
        await asyncio.to_thread(migrate, self._settings.postgres_url)
        self._pool.open()
        work = self._serve if self._settings.job_role == "server" else self._labour
        async with work():
            yield
        self._pool.close()

    @asynccontextmanager
    async def _serve(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(asyncio.to_thread(self._orders.run, self._stopping))
            tasks.create_task(asyncio.to_thread(self._heed))
            yield
            self._stopping.set()

    @asynccontextmanager
    async def _labour(self) -> AsyncIterator[None]:
        worker = await asyncio.create_subprocess_exec(sys.executable, "-m", f"{__package__}.worker")
        yield
        worker.terminate()
        await worker.wait()

    async def healthy(self) -> bool:
        """Whether PostgreSQL and Redis answer."""
        try:
            return await asyncio.to_thread(self._ask_stores)
        except (RedisError, psycopg.Error):
            return False

    def counts(self) -> dict[str, int]:
        """Nothing beyond what every node counts."""
        return {}

    def _ask_stores(self) -> bool:
        with self._pool.connection() as connection:
            return bool(self._queue.redis.ping()) and connection.execute("SELECT 1").fetchone() == (1,)

    def _heed(self) -> None:
        while not self._stopping.wait(LOOK_S):
            try:
                self._schedules.heed()
            except RedisError as error:
                logger.warning("no schedule heeded: %s", error)

    async def _enqueue(self, request: Request) -> Response:
        job = _job(await self._body(request))
        outcome, id = await asyncio.to_thread(self._queue.enqueue, job)
        return JSONResponse({"job": id}, {"accepted": 202, "duplicate": 409, "refused": 422}[outcome])

    async def _show(self, request: Request) -> Response:
        found = await asyncio.to_thread(self._queue.show, request.path_params["id"])
        if not found:
            raise HTTPException(404)
        numbers = {name: int(found[name]) for name in ("tries", "progress")}
        return JSONResponse({"state": found["state"], "error": found["error"], **numbers})

    async def _cancel(self, request: Request) -> Response:
        done = await asyncio.to_thread(self._queue.cancel, request.path_params["id"])
        return Response(status_code=204 if done else 409)

    async def _requeue(self, request: Request) -> Response:
        done = await asyncio.to_thread(self._queue.requeue, request.path_params["id"])
        return Response(status_code=204 if done else 409)

    async def _schedule(self, request: Request) -> Response:
        match await self._body(request):
            case {"every_s": int() | float() as every_s, "label": str(label)} if LOOK_S <= every_s <= LONGEST_S:
                await asyncio.to_thread(self._schedules.every, request.path_params["name"], every_s, label)
                return Response(status_code=204)
        raise HTTPException(422, "expected every_s and a label")

    async def _unschedule(self, request: Request) -> Response:
        await asyncio.to_thread(self._schedules.stop, request.path_params["name"])
        return Response(status_code=204)

    async def _preview(self, request: Request) -> Response:
        try:
            match await self._body(request):
                case {"cron": str(cron), "zone": str(zone), "after": str(after), "count": int(count)}:
                    runs = next_runs(cron, zone, datetime.datetime.fromisoformat(after), min(count, 100))
                    return JSONResponse({"runs": [moment.isoformat() for moment in runs]})
        except (ValueError, TypeError, KeyError, OverflowError):  # no text of a cron, no offset, no zone, no such year
            pass
        raise HTTPException(422, "expected cron, zone, after and count")

    async def _order(self, request: Request) -> Response:
        match await self._body(request):
            case {"reference": str(reference), "label": str(label)}:
                return Response(status_code=201 if await self._placed(reference, label) else 409)
        raise HTTPException(422, "expected a reference and a label")

    async def _placed(self, reference: str, label: str) -> bool:
        try:
            return await asyncio.to_thread(self._orders.place, reference, label)
        except psycopg.Error as error:
            raise UnavailableError(str(error)) from error

    async def _body(self, request: Request) -> Any:
        """The JSON of a request; HTTPException 413 when it is too large, 422 when it is something else."""
        body = await request.body()
        if len(body) > self._settings.job_max_bytes:
            raise HTTPException(413, f"expected at most {self._settings.job_max_bytes} bytes")
        try:
            return parse_json(body.decode())
        except ValueError as error:
            raise HTTPException(422, "expected JSON") from error


def _job(said: Any) -> Job:
    """The job that a request asks for; HTTPException 422 when it asks for none."""
    try:
        match said:
            case {"kind": str(kind), "payload": {"label": str()} as payload} if kind in KINDS:
                priority = said.get("priority", "normal")
                if priority not in PRIORITIES:
                    raise ValueError
                unique, after = str(said.get("unique", "")), str(said.get("after", ""))
                timeout_s = _within(float(said.get("timeout_s", 0)))
                return Job(str(uuid.uuid4()), kind, payload, priority, _delay_s(said), unique, after, timeout_s)
    except (TypeError, ValueError, OverflowError):  # the last: a whole number that is too large for a float
        pass
    raise HTTPException(422, "expected a kind that there is, a payload with a label, and a time that there is")


def _delay_s(said: Mapping[str, Any]) -> float:
    """In how many seconds it is to be done: delay_s, or the moment `at` (ISO 8601); ValueError for any other."""
    if at := said.get("at"):
        moment = datetime.datetime.fromisoformat(at)
        return _within((moment - datetime.datetime.now(datetime.UTC)).total_seconds())
    return _within(float(said.get("delay_s", 0)))


def _within(seconds: float) -> float:
    if not 0 <= seconds <= LONGEST_S:  # nor is what is no number
        raise ValueError
    return seconds
