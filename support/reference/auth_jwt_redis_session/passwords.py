"""Passwords, hashed by Argon2id (RFC 9106) with what OWASP's password storage cheat sheet asks for at least.

A hash costs memory and time on purpose. So at most two are made at once, in threads: a rush of logins neither stops
the event loop nor takes more memory than a node has.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

AT_ONCE = 2
MEMORY_KIB = 19 * 1024
ROUNDS = 2


class Passwords:
    """Makes hashes, and compares passwords to them."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(ROUNDS, MEMORY_KIB, parallelism=1)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="argon2")
        self._nobodys = self._hasher.hash("nobody's password")

    async def hash(self, password: str) -> str:
        """What is kept of a password."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, password)

    async def fits(self, password: str, kept: str | None) -> bool:
        """Whether `kept` was made of `password`. It takes as long where nothing is kept: nobody learns who is here."""
        loop = asyncio.get_running_loop()
        fits = await loop.run_in_executor(self._threads, self._verify, kept or self._nobodys, password)
        return fits and kept is not None

    def _verify(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerificationError, InvalidHashError):
            return False
