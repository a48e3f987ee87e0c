"""Encryption of single fields: a key for each tenant, wrapped by a master key that the database never sees.

What is sealed is bound to its place: the tenant, the row and the column are authenticated with it (AES-GCM's associated
data, NIST SP 800-38D), so that somebody with write access to the database cannot move it to where it would be shown to
others. A tenant's key is read in the transaction that needs it and kept nowhere, so a change of it holds on every
node at once. Destroying all keys of a tenant makes unreadable whatever was sealed with them, in backups too, once
these no longer have the wrapped keys.
"""

import json
import os
import uuid
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .tenancy import Transaction

_NONCE_BYTES = 12  # SP 800-38D, section 5.2.1.1
_VERSION_BYTES = 4


class KeysDestroyedError(Exception):
    """The tenant's keys were destroyed: what they sealed is lost."""


class DisplacedError(Exception):
    """What was to be opened was sealed for another place, or was changed."""


class Keys:
    """The keys of one tenant by version; the newest one seals, each opens what it has sealed."""

    def __init__(self, tenant: uuid.UUID, keys: Mapping[int, AESGCM]) -> None:
        if not keys:
            raise KeysDestroyedError
        self._tenant, self._keys = tenant, keys
        self.newest = max(keys)

    def seal(self, text: str, column: str, row: str) -> bytes:
        """The ciphertext of `text` for its place, and for no other."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._keys[self.newest].encrypt(nonce, text.encode(), _place(self._tenant, column, row))
        return self.newest.to_bytes(_VERSION_BYTES) + nonce + sealed

    def open(self, sealed: bytes, column: str, row: str) -> str:
        """The text that was sealed for this place. Raises DisplacedError and KeysDestroyedError."""
        version, rest = int.from_bytes(sealed[:_VERSION_BYTES]), sealed[_VERSION_BYTES:]
        if version not in self._keys:
            raise KeysDestroyedError
        try:
            place = _place(self._tenant, column, row)
            return self._keys[version].decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], place).decode()
        except InvalidTag as error:
            raise DisplacedError(f"{column} of {row}") from error


class Vault:
    """Where the keys of tenants are made, kept and destroyed."""

    def __init__(self, master_key: bytes) -> None:
        self._master = AESGCM(master_key)

    def new_key(self, tenant: uuid.UUID, version: int) -> bytes:
        """A new key, wrapped."""
        nonce = os.urandom(_NONCE_BYTES)
        key = AESGCM.generate_key(bit_length=256)
        return nonce + self._master.encrypt(nonce, key, _place(tenant, "data_keys.wrapped", str(version)))

    async def keys(self, transaction: Transaction, tenant: uuid.UUID) -> Keys:
        """The tenant's keys. Raises KeysDestroyedError, and InvalidTag where they are wrapped by another master."""
        rows = await (await transaction.execute("SELECT version, wrapped FROM public.data_keys")).fetchall()
        return Keys(tenant, {row["version"]: self._unwrap(tenant, row["version"], row["wrapped"]) for row in rows})

    async def rotate(self, transaction: Transaction, tenant: uuid.UUID) -> int:
        """Makes the version that seals from now on, and returns it. Raises KeysDestroyedError."""
        version = (await self.keys(transaction, tenant)).newest + 1
        wrapped = self.new_key(tenant, version)
        await transaction.execute("INSERT INTO public.data_keys (version, wrapped) VALUES (%s, %s)", [version, wrapped])
        return version

    @staticmethod
    async def destroy(transaction: Transaction) -> None:
        """Destroys all keys of the transaction's tenant, who gets no new ones: a loss is not to be overlooked."""
        await transaction.execute("DELETE FROM public.data_keys")

    def _unwrap(self, tenant: uuid.UUID, version: int, wrapped: bytes) -> AESGCM:
        place = _place(tenant, "data_keys.wrapped", str(version))
        return AESGCM(self._master.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], place))


def _place(tenant: uuid.UUID, column: str, row: str) -> bytes:
    """As JSON, in which no two places look alike, whatever characters are in a row's id."""
    return json.dumps([str(tenant), column, row]).encode()
