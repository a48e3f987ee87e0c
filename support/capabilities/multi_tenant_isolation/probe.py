"""What a superuser of the database, its disk, Redis and the servers' logs say, beside the target."""

import datetime
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

import psycopg
from docker.errors import DockerException
from psycopg.sql import SQL, Composable, Identifier, Literal
from redis import Redis
from redis.exceptions import RedisError

from support.capabilities.multi_tenant_isolation.client import Sealed
from support.containers.fleet import Fleet
from support.errors import ProbeError
from support.polling import poll
from support.probes.postgres import connect

_PRINTS_WITHIN_S = 10.0
# What somebody made has numbers from 16384 on (src/include/access/transam.h).
_TABLES = """
    SELECT nspname, relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE relkind = 'r' AND pg_class.oid >= 16384 AND nspname NOT LIKE 'pg_toast%' ORDER BY 1, 2
"""
# Which accounts an account has the rights of, or can become.
_REACH = """
    SELECT able.oid, able.rolname, able.rolsuper OR able.rolreplication OR able.rolcreaterole OR able.rolcreatedb,
    able.rolbypassrls, account.rolname FROM pg_roles account
    JOIN pg_roles able ON pg_has_role(account.oid, able.oid, 'USAGE') OR pg_has_role(account.oid, able.oid, 'SET')
    WHERE account.rolname = ANY(%s)
"""
_BELONGINGS = """
    SELECT pg_describe_object(classid, objid, 0), rolname FROM pg_shdepend JOIN pg_roles ON pg_roles.oid = refobjid
    LEFT JOIN pg_database ON pg_database.oid = dbid
    WHERE deptype = 'o' AND refobjid = ANY(%s) AND (datname IS NULL OR datname = current_database())
"""
_EMPTIABLE = """
    SELECT pg_class.oid::regclass::text, rolname FROM pg_class, pg_roles
    WHERE pg_roles.oid = ANY(%s) AND relkind IN ('r', 'p', 'f') AND pg_class.oid >= 16384
    AND has_table_privilege(pg_roles.oid, pg_class.oid, 'TRUNCATE, REFERENCES, TRIGGER')
"""
# Where the accounts can make things: a table or a function of theirs could be taken for another's.
_OPEN_TO_ALL = """
    SELECT nspname, rolname FROM pg_namespace, pg_roles WHERE pg_roles.oid = ANY(%s)
    AND nspname !~ '^pg_' AND has_schema_privilege(pg_roles.oid, pg_namespace.oid, 'CREATE')
"""
# Whom the accounts can let in to what they may do themselves: what they hold WITH GRANT OPTION, or WITH ADMIN OPTION.
_HANDED_ON = """
    SELECT thing, grantee::regrole::text FROM (
        SELECT oid::regclass::text AS thing, relacl AS rights FROM pg_class
        UNION ALL SELECT attrelid::regclass || '.' || attname, attacl FROM pg_attribute
        UNION ALL SELECT oid::regnamespace::text, nspacl FROM pg_namespace
        UNION ALL SELECT oid::regprocedure::text, proacl FROM pg_proc
        UNION ALL SELECT oid::regtype::text, typacl FROM pg_type
        UNION ALL SELECT datname, datacl FROM pg_database
    ) AS granted, aclexplode(rights) WHERE is_grantable AND grantee = ANY(%s)
    UNION SELECT roleid::regrole::text, member::regrole::text FROM pg_auth_members
    WHERE member = ANY(%s) AND admin_option
"""
_BORROWED = """
    SELECT pg_proc.oid::regprocedure::text, rolname FROM pg_proc, pg_roles WHERE pg_roles.oid = ANY(%s) AND prosecdef
    AND pg_proc.oid >= 16384 AND has_function_privilege(pg_roles.oid, pg_proc.oid, 'EXECUTE')
    AND NOT EXISTS (SELECT FROM unnest(proconfig) AS setting WHERE setting LIKE 'search_path=%%')
"""
# Of functions that a condition on rows rests on, or that look at the session's settings.
_REMEMBERED = """
    SELECT oid::regprocedure::text FROM pg_proc WHERE oid >= 16384 AND provolatile = 'i' AND prokind = 'f'
    AND (pg_get_functiondef(oid) ~* 'current_setting|current_user|session_user' OR oid IN
         (SELECT refobjid FROM pg_depend WHERE classid = 'pg_policy'::regclass AND refclassid = 'pg_proc'::regclass))
"""
_LENIENT = """
    SELECT pg_class.oid::regclass::text FROM pg_class
    WHERE relkind IN ('r', 'p') AND relrowsecurity AND NOT relforcerowsecurity
"""
_ALL_FILES = {"pg_read_server_files", "pg_write_server_files", "pg_execute_server_program"}


class Row(NamedTuple):
    """A row of a table: where it is, its place and version there, its text."""

    schema: str
    name: str
    version: str
    text: str


class Place(NamedTuple):
    """A bank detail's place: the id of the company, that of the customer, and which of Sealed's columns."""

    company: str
    customer: str
    column: int


def rows_with(connection: psycopg.Connection[Any], mark: str) -> list[Row]:
    """All rows of all tables whose text holds `mark`, in a fixed order."""
    look = SQL(
        "SELECT {schema} AS l3_schema, {name} AS l3_name, ctid::text || xmin::text AS l3_version,"
        " l3_row::text AS l3_text FROM {table} AS l3_row WHERE l3_row::text LIKE {mark}"
    )
    looks = [
        look.format(schema=Literal(schema), name=Literal(table), table=Identifier(schema, table), mark=containing(mark))
        for schema, table in connection.execute(_TABLES).fetchall()
    ]
    found = connection.execute(SQL(" UNION ALL ").join(looks) + SQL(" ORDER BY 1, 2, 3")).fetchall()
    return [Row(*row) for row in found]


def containing(mark: str) -> Composable:
    """The pattern of LIKE for texts that hold `mark`, which has none of LIKE's own characters in it."""
    return Literal(f"%{mark}%")


class Ground:
    """The database as its superuser sees it. Every method raises ProbeError when the server does not answer."""

    def __init__(self, fleet: Fleet) -> None:
        self._server = fleet.stores["postgres"]
        neighbours = [*fleet.nodes, *([fleet.toxiproxy] if fleet.toxiproxy else [])]
        self._from = [service.inner_address() for service in neighbours]
        self._superuser = connect(self._server.address())

    def close(self) -> None:
        """Gives the connection back."""
        self._superuser.close()

    def rows(self, mark: str) -> list[Row]:
        """All rows that hold `mark`."""
        try:
            return rows_with(self._superuser, mark)
        except psycopg.Error as error:
            raise ProbeError(f"PostgreSQL did not say where {mark} is: {error}") from error

    # The platform's accounts

    def accounts(self) -> list[str]:
        """The roles as which the platform's nodes are connected. ProbeError when there is none."""
        asked = (
            "SELECT DISTINCT usename FROM pg_stat_activity WHERE host(client_addr) = ANY(%s) AND usename IS NOT NULL"
        )
        found = [name for (name,) in self._ask(asked, self._from)]
        if not found:
            raise ProbeError(f"nobody is connected to PostgreSQL from {', '.join(self._from)}")
        return found

    def open_transactions(self) -> int:
        """How many connections of the platform's have a transaction that nobody is working in."""
        asked = "SELECT count(*) FROM pg_stat_activity WHERE host(client_addr) = ANY(%s) AND state LIKE 'idle in tr%%'"
        return int(self._ask(asked, self._from)[0][0])

    def waiting_for_locks(self) -> int:
        """How many connections of the platform's wait for somebody else's lock."""
        asked = "SELECT count(*) FROM pg_stat_activity WHERE host(client_addr) = ANY(%s) AND wait_event_type = 'Lock'"
        return int(self._ask(asked, self._from)[0][0])

    def too_mighty(self) -> list[str]:
        """Accounts of the platform's that are above row-level security, or can become one that is."""
        return [
            f"{account} is or can become {able}"
            for _, able, superuser, exempt, account in self._reach()
            if superuser or exempt or able in _ALL_FILES
        ]

    def belongings(self) -> list[str]:
        """What the accounts own, or others that they can become, and what these can empty, make or hand on."""
        roles = [oid for oid, *_ in self._reach()]
        owned = [f"{owner} owns {thing}" for thing, owner in self._ask(_BELONGINGS, roles)]
        owned += [f"{role} can empty, or refer to, {table}" for table, role in self._ask(_EMPTIABLE, roles)]
        owned += [f"{role} can make things in {schema}" for schema, role in self._ask(_OPEN_TO_ALL, roles)]
        return owned + [f"{role} can hand on {able}" for able, role in self._ask(_HANDED_ON, roles, roles)]

    def borrowed_rights(self) -> list[str]:
        """The functions that run with other rights for the accounts, and look names up wherever the caller says."""
        return [name for name, _ in self._ask(_BORROWED, [oid for oid, *_ in self._reach()])]

    def remembered_conditions(self) -> list[str]:
        """The functions behind conditions on rows whose answer may be kept."""
        return [name for (name,) in self._ask(_REMEMBERED)]

    def lenient_tables(self) -> list[str]:
        """The tables with conditions on rows that do not hold for their owner."""
        return [name for (name,) in self._ask(_LENIENT)]

    def clock(self) -> datetime.datetime:
        """What time it is at the database, which is in the same place as the platform's servers."""
        found: datetime.datetime = self._ask("SELECT clock_timestamp()")[0][0]
        return found

    def break_waiting(self) -> int:
        """Ends the connections of the platform's that wait for a lock, as an operator would; how many there were."""
        asked = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE host(client_addr) = ANY(%s) AND wait_event_type = 'Lock'"
        )
        return len(self._ask(asked, self._from))

    # Bank details

    def sealed(self, sealed: Sealed, company: str, column: int) -> dict[str, bytes]:
        """What is kept of a company's bank details: id of the customer -> what is in the column."""
        query = SQL("SELECT {}::text, {} FROM {} WHERE {}::text = %s").format(
            Identifier(sealed.id), Identifier(sealed.columns[column]), _table(sealed), Identifier(sealed.company)
        )
        return dict(self._ask(query, company))

    def swap(self, sealed: Sealed, one: Place, other: Place) -> None:
        """Puts what is kept in each of two places into the other one."""
        kept = {place: self.sealed(sealed, place.company, place.column)[place.customer] for place in (one, other)}
        for place, content in ((one, kept[other]), (other, kept[one])):
            update = SQL("UPDATE {} SET {} = %s WHERE {}::text = %s AND {}::text = %s RETURNING 1").format(
                _table(sealed),
                Identifier(sealed.columns[place.column]),
                Identifier(sealed.company),
                Identifier(sealed.id),
            )
            if len(self._ask(update, content, place.company, place.customer)) != 1:
                raise ProbeError(f"there is no row of {place} in {sealed.table}")

    def lock(self, sealed: Sealed, company: str, customer: str) -> psycopg.Connection[Any]:
        """Locks a customer's row; that ends with the connection that is returned."""
        connection = connect(self._server.address())
        connection.autocommit = False
        query = SQL("SELECT 1 FROM {} WHERE {}::text = %s AND {}::text = %s FOR UPDATE").format(
            _table(sealed), Identifier(sealed.company), Identifier(sealed.id)
        )
        if connection.execute(query, [company, customer]).fetchone() is None:
            raise ProbeError(f"there is no row of {customer} in {sealed.table}")
        return connection

    def on_disk(self, marks: Collection[str]) -> set[str]:
        """Those of `marks` that a file of the database holds, write-ahead log included."""
        self._ask("SELECT 1 FROM pg_switch_wal()")
        self._superuser.execute("CHECKPOINT")
        search = 'for mark in "$@"; do grep -rqaF -e "$mark" "$PGDATA" && echo "$mark"; done; echo searched'
        printed = poll(lambda: self._run(["sh", "-c", search, "sh", *marks]), _PRINTS_WITHIN_S)
        if not printed.endswith("searched"):
            raise ProbeError(f"the search of the database's disk printed {printed!r}")
        return set(printed.split()) - {"searched"}

    def _run(self, command: list[str]) -> str:
        try:
            return self._server.exec(command).output.decode(errors="replace").strip()
        except DockerException as error:
            raise ProbeError(f"the engine did not search the database's disk: {error}") from error

    def _reach(self) -> list[tuple[Any, ...]]:
        return self._ask(_REACH, self.accounts())

    def _ask(self, query: Any, *values: Any) -> list[tuple[Any, ...]]:
        try:
            return self._superuser.execute(query, values).fetchall()
        except psycopg.Error as error:
            raise ProbeError(f"PostgreSQL did not answer {query}: {error}") from error


class RedisContents:
    """All that a Redis server holds. Each method raises ProbeError when it does not answer within 5 s."""

    def __init__(self, fleet: Fleet) -> None:
        host, port = fleet.stores["redis"].address()
        self._redis = Redis(host=host, port=port, socket_timeout=5, socket_connect_timeout=5)

    def close(self) -> None:
        """Gives the connection back."""
        self._redis.close()

    def holding(self, mark: str) -> set[str]:
        """The keys, fields and values of which one holds `mark`, each as one text."""
        return {text for text in self._texts() if mark in text}

    def _texts(self) -> Iterable[str]:
        try:
            keys = list(self._redis.scan_iter(count=1000))
            return [f"{key!r} {part!r}" for key in keys for part in self._parts(key)]
        except RedisError as error:
            raise ProbeError(f"Redis did not say what it holds: {error}") from error

    def _parts(self, key: bytes) -> Sequence[Any]:
        redis: Any = self._redis
        match redis.type(key):
            case b"string":
                return [redis.get(key)]
            case b"hash":
                return list(redis.hgetall(key).items())
            case b"list":
                return list(redis.lrange(key, 0, -1))
            case b"set":
                return list(redis.smembers(key))
            case b"zset":
                return list(redis.zrange(key, 0, -1))
            case b"stream":
                return list(redis.xrange(key))
        return []


def in_logs(fleet: Fleet, marks: Collection[str]) -> set[str]:
    """Those of `marks` that a server, the database or Redis has written into its log."""
    writers = [*fleet.nodes, *fleet.stores.values()]
    try:
        logs = "".join(one.get_wrapped_container().logs().decode(errors="replace") for one in writers)
    except DockerException as error:
        raise ProbeError(f"the engine did not give the logs: {error}") from error
    return {mark for mark in marks if mark in logs}


def _table(sealed: Sealed) -> Identifier:
    return Identifier(*sealed.table.split("."))
