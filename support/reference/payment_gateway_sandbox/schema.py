"""The tables. Of several nodes that start at once one makes them, and the others wait for it.

Cards are the provider's tokens for them; no number of a card, and nothing that the provider calls secret, is kept.
"""

import psycopg

_LOCK = 5_140_000  # any number that is no other lock's

_TABLES = """
CREATE TABLE IF NOT EXISTS orders (
    id uuid PRIMARY KEY,
    customer text NOT NULL,
    lines jsonb NOT NULL,
    amount bigint NOT NULL CHECK (amount > 0),
    currency text NOT NULL,
    disputed boolean NOT NULL DEFAULT false
);
-- An attempt to pay an order. Its id is the idempotency key of the call to the provider, and is stored before that.
CREATE TABLE IF NOT EXISTS payments (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES orders,
    card text NOT NULL,
    status text NOT NULL DEFAULT 'requested',
    reason text,
    provider_id text UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);
-- What a customer's key stands for: a request to pay by this card, and the payment that it made or joined.
CREATE TABLE IF NOT EXISTS keys (
    customer text NOT NULL,
    key text NOT NULL,
    card text NOT NULL,
    payment_id uuid NOT NULL REFERENCES payments,
    PRIMARY KEY (customer, key)
);
-- An order has one payment that may have moved money, or will: everybody who pays it joins that one.
CREATE UNIQUE INDEX IF NOT EXISTS one_payment_for_each_order ON payments (order_id)
    WHERE status IN ('requested', 'processing', 'requires_action', 'succeeded');
CREATE TABLE IF NOT EXISTS refunds (
    id uuid PRIMARY KEY,
    payment_id uuid NOT NULL REFERENCES payments,
    amount bigint NOT NULL CHECK (amount > 0),
    status text NOT NULL DEFAULT 'requested',
    provider_id text UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS prices (
    plan text PRIMARY KEY,
    provider_id text NOT NULL UNIQUE
);
CREATE TABLE IF NOT EXISTS subscriptions (
    id uuid PRIMARY KEY,
    customer text NOT NULL,
    card text NOT NULL,
    plan text NOT NULL,
    trial_days int NOT NULL,
    status text NOT NULL DEFAULT 'requested',
    customer_id text,
    provider_id text UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now()
);
-- What a subscriber was told that a change of plan costs. Who chose the moment would choose the price.
CREATE TABLE IF NOT EXISTS quotes (
    id uuid PRIMARY KEY,
    subscription text NOT NULL,
    plan text NOT NULL,
    due bigint NOT NULL,
    as_of bigint NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS one_subscription_for_each_customer ON subscriptions (customer)
    WHERE status NOT IN ('canceled', 'incomplete_expired', 'declined');
-- Each movement of money twice, once for each side, so that all of them sum to 0.
CREATE TABLE IF NOT EXISTS ledger (
    movement text NOT NULL,
    side text NOT NULL,
    kind text NOT NULL,
    owner text NOT NULL,
    amount bigint NOT NULL,
    currency text NOT NULL,
    booked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (movement, side)
);
CREATE TABLE IF NOT EXISTS inbox (
    event text PRIMARY KEY,
    type text NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS findings (
    kind text NOT NULL,
    reference text NOT NULL,
    found_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, reference)
);
"""


async def prepare(url: str) -> None:
    """Makes what is not there yet. Raises psycopg.Error."""
    async with await psycopg.AsyncConnection.connect(url, connect_timeout=5) as connection:
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        await connection.execute(_TABLES)


async def book(
    connection: psycopg.AsyncConnection[object], movement: str, kind: str, owner: str, amount: int, currency: str
) -> None:
    """Books a movement of money, once however often it is told; `amount` above 0 comes from the customer."""
    rows = [
        (movement, "provider", kind, owner, amount, currency),
        (movement, "customer", kind, owner, -amount, currency),
    ]
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO ledger (movement, side, kind, owner, amount, currency) VALUES (%s, %s, %s, %s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            rows,
        )
