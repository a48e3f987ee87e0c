"""The roles, tables and policies by which PostgreSQL itself keeps tenants apart, and how they are made.

`tenants_owner` owns everything and cannot log in. Nodes serve as `tenants_service`, which owns nothing, so that row
security binds it, as FORCE lets it bind the owner. A tenant that wants a schema of its own gets a role of its own with
it: only that role may enter the schema, and the service becomes it for the length of a transaction.
"""

import uuid
from contextlib import closing

import psycopg
from psycopg import sql

SERVICE = "tenants_service"
_LOCK = 4_150_010  # any number that is no other lock's
_ROLES = {
    "tenants_owner": "NOLOGIN NOSUPERUSER NOBYPASSRLS",
    "tenants_everybody": "NOLOGIN NOSUPERUSER NOBYPASSRLS",  # what the service and the tenants' roles have in common
    SERVICE: "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB",
}
_SHARED = """
CREATE FUNCTION current_tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    -- A setting that was local to a transaction that has ended is not NULL but empty.
    RETURN nullif(current_setting('app.tenant', true), '')::uuid;

CREATE TABLE tenants (tenant uuid PRIMARY KEY, name text NOT NULL UNIQUE, own_schema text UNIQUE);
CREATE TABLE data_keys (
    tenant uuid NOT NULL DEFAULT current_tenant() REFERENCES tenants,
    version int NOT NULL,
    wrapped bytea NOT NULL,
    PRIMARY KEY (tenant, version)
);
CREATE TABLE imports (
    tenant uuid NOT NULL DEFAULT current_tenant() REFERENCES tenants,
    id text NOT NULL,
    customers bytea NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'stored', 'done', 'failed')),
    PRIMARY KEY (tenant, id)
);
CREATE TABLE accesses (
    tenant uuid NOT NULL DEFAULT current_tenant() REFERENCES tenants,
    at timestamptz NOT NULL DEFAULT now(),
    who text NOT NULL,
    what text NOT NULL
) PARTITION BY HASH (tenant);
CREATE TABLE accesses_0 PARTITION OF accesses FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE accesses_1 PARTITION OF accesses FOR VALUES WITH (MODULUS 2, REMAINDER 1);

GRANT SELECT ON tenants TO tenants_everybody;
GRANT SELECT, INSERT, DELETE ON data_keys TO tenants_everybody;
GRANT SELECT, INSERT, UPDATE ON imports TO tenants_everybody;
GRANT SELECT, INSERT ON accesses TO tenants_everybody;
"""
# Ids and addresses are a tenant's own: others may use the same, and nobody learns of it. A key that refers to another
# table has the tenant in it, because PostgreSQL checks such keys, and deletes along them, without looking at policies.
_RECORDS = """
CREATE TABLE {schema}.customers (
    tenant uuid NOT NULL DEFAULT public.current_tenant() REFERENCES public.tenants,
    id text NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    region text NOT NULL,
    iban bytea NOT NULL,
    tax_id bytea NOT NULL,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, email)
);
CREATE TABLE {schema}.invoices (
    tenant uuid NOT NULL DEFAULT public.current_tenant(),
    id text NOT NULL,
    customer text NOT NULL,
    cents bigint NOT NULL CHECK (cents > 0),
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, customer) REFERENCES {schema}.customers (tenant, id) ON DELETE CASCADE
);
CREATE VIEW {schema}.totals WITH (security_invoker = true) AS
    SELECT customers.tenant, customers.id, name, region, coalesce(sum(cents), 0)::bigint AS cents
    FROM {schema}.customers
    LEFT JOIN {schema}.invoices ON invoices.tenant = customers.tenant AND invoices.customer = customers.id
    GROUP BY customers.tenant, customers.id;

GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON {schema}.customers, {schema}.invoices TO {role};
GRANT SELECT ON {schema}.totals TO {role};
"""
# Without WITH CHECK a policy's USING holds for new rows, too (PostgreSQL, CREATE POLICY).
_PROTECTION = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON {table} USING (tenant = (SELECT public.current_tenant()));
"""
_TABLES = ("tenants", "data_keys", "imports", "accesses", "accesses_0", "accesses_1")
_RECORD_TABLES = ("customers", "invoices")


def migrate(url: str, service_password: str) -> None:
    """Makes roles and tables; of several nodes that start at once, one does it and the others wait for it.

    Blocks, so call it in a thread. Raises psycopg.Error.
    """
    with closing(psycopg.connect(url, connect_timeout=5)) as connection, connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        _make_roles(connection, service_password)
        if connection.execute("SELECT to_regclass('public.tenants')").fetchone() == (None,):
            connection.execute("GRANT USAGE, CREATE ON SCHEMA public TO tenants_owner")
            connection.execute("GRANT USAGE ON SCHEMA public TO tenants_everybody")
            connection.execute("SET LOCAL ROLE tenants_owner")
            connection.execute(_SHARED)
            _protect(connection, "public", _TABLES)
            _make_records(connection, "public", SERVICE)


def open_tenant(url: str, tenant: uuid.UUID, name: str, wants_schema: bool, wrapped_key: bytes) -> None:
    """Makes a tenant with its first key, in a schema of its own if it wants one. Blocks; raises psycopg.Error."""
    schema = f"tenant_{tenant.hex}" if wants_schema else None
    with closing(psycopg.connect(url, connect_timeout=5)) as connection, connection.transaction():
        if schema:
            _make_schema(connection, schema)
        connection.execute("SET LOCAL ROLE tenants_owner")
        connection.execute("SELECT set_config('app.tenant', %s, true)", [str(tenant)])
        connection.execute("INSERT INTO tenants VALUES (%s, %s, %s)", [tenant, name, schema])
        connection.execute("INSERT INTO data_keys (version, wrapped) VALUES (1, %s)", [wrapped_key])
        if schema:
            _make_records(connection, schema, schema)


def _make_roles(connection: psycopg.Connection, service_password: str) -> None:
    for name, rights in _ROLES.items():
        if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [name]).fetchone() is None:
            connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))
        connection.execute(f"ALTER ROLE {name} {rights}".encode())
    password = sql.SQL("ALTER ROLE {} PASSWORD {}")
    connection.execute(password.format(sql.Identifier(SERVICE), sql.Literal(service_password)))
    connection.execute("GRANT tenants_everybody TO tenants_service WITH INHERIT TRUE, SET FALSE")


def _make_schema(connection: psycopg.Connection, schema: str) -> None:
    """A schema, and the role of the same name that the service may become, but does not have the rights of."""
    for statement in (
        "CREATE ROLE {} NOLOGIN NOSUPERUSER NOBYPASSRLS IN ROLE tenants_everybody",
        "GRANT {} TO tenants_service WITH INHERIT FALSE, SET TRUE",
        "CREATE SCHEMA {} AUTHORIZATION tenants_owner",
    ):
        connection.execute(sql.SQL(statement).format(sql.Identifier(schema)))


def _make_records(connection: psycopg.Connection, schema: str, role: str) -> None:
    connection.execute(sql.SQL(_RECORDS).format(schema=sql.Identifier(schema), role=sql.Identifier(role)))
    _protect(connection, schema, _RECORD_TABLES)


def _protect(connection: psycopg.Connection, schema: str, tables: tuple[str, ...]) -> None:
    for table in tables:
        connection.execute(sql.SQL(_PROTECTION).format(table=sql.Identifier(schema, table)))
