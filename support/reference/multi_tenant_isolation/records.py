"""A tenant's customers and invoices. No statement here names a tenant: the transaction speaks for one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg.sql import SQL

from .tenancy import Transaction
from .vault import Keys

# What a list can be sorted by: the only text of a request that becomes part of a statement, so it is chosen from here.
ORDERS = {"id": SQL("id"), "name": SQL("name, id"), "-name": SQL("name DESC, id"), "region": SQL("region, id")}
SEALED = ("iban", "tax_id")


@dataclass(frozen=True)
class Customer:
    """A customer as its tenant gives it."""

    id: str
    name: str
    email: str
    region: str
    iban: str
    tax_id: str


async def put_customer(transaction: Transaction, keys: Keys, customer: Customer) -> None:
    """Stores a customer, in the place of an earlier one of its id. Raises psycopg.Error."""
    sealed = {name: keys.seal(getattr(customer, name), f"customers.{name}", customer.id) for name in SEALED}
    await transaction.execute(
        "INSERT INTO customers (id, name, email, region, iban, tax_id)"
        " VALUES (%(id)s, %(name)s, %(email)s, %(region)s, %(iban)s, %(tax_id)s)"
        " ON CONFLICT (tenant, id) DO UPDATE SET (name, email, region, iban, tax_id) ="
        " (excluded.name, excluded.email, excluded.region, excluded.iban, excluded.tax_id)",
        vars(customer) | sealed,
    )


async def customer(transaction: Transaction, keys: Keys, id_: str) -> dict[str, Any] | None:
    """A customer with its bank details. Raises DisplacedError and KeysDestroyedError."""
    query = "SELECT id, name, email, region, iban, tax_id FROM customers WHERE id = %s"
    row = await (await transaction.execute(query, [id_])).fetchone()
    return row and row | {name: keys.open(row[name], f"customers.{name}", id_) for name in SEALED}


async def customers(transaction: Transaction, containing: str = "", order: str = "id") -> list[dict[str, Any]]:
    """The customers whose name contains a text, without their bank details; KeyError for an order there is none of."""
    query = SQL("SELECT id, name, email, region FROM customers WHERE position(%s in name) > 0 ORDER BY {}")
    return await (await transaction.execute(query.format(ORDERS[order]), [containing])).fetchall()


async def delete_customer(transaction: Transaction, id_: str) -> bool:
    """Deletes a customer and its invoices; whether there was one."""
    return (await transaction.execute("DELETE FROM customers WHERE id = %s", [id_])).rowcount > 0


async def put_invoice(transaction: Transaction, invoice: Mapping[str, Any]) -> None:
    """Stores an invoice (id, customer, cents); raises psycopg's ForeignKeyViolation where there is no such customer."""
    await transaction.execute(
        "INSERT INTO invoices (id, customer, cents) VALUES (%(id)s, %(customer)s, %(cents)s)"
        " ON CONFLICT (tenant, id) DO UPDATE SET (customer, cents) = (excluded.customer, excluded.cents)",
        invoice,
    )


async def invoice(transaction: Transaction, id_: str) -> dict[str, Any] | None:
    """An invoice, with the name of its customer."""
    query = (
        "SELECT invoices.id, customer, name, cents FROM invoices"
        " JOIN customers ON customers.id = invoices.customer WHERE invoices.id = %s"
    )
    return await (await transaction.execute(query, [id_])).fetchone()


async def report(transaction: Transaction, region: str) -> dict[str, Any]:
    """How many customers a region has, what they were charged together, and who was charged most."""
    query = (
        "SELECT count(*) AS customers, coalesce(sum(cents), 0)::bigint AS cents,"
        " (array_agg(name ORDER BY cents DESC, id))[1] AS largest FROM totals WHERE region = %s"
    )
    row = await (await transaction.execute(query, [region])).fetchone()
    return {"region": region, **(row or {})}
