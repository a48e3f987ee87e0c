"""Which revisions a database has had, and whether a release can work with that.

Alembic keeps the name of the newest revision and nothing else. What a rollback of the image needs to know besides is
kept here, a row for each revision: the checksum of what was applied, and the oldest release that can still serve.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from alembic.config import Config
from alembic.script import Script, ScriptDirectory

MIGRATIONS = Path(__file__).with_name("migrations")
APPLIED = "SELECT revision, checksum, serves_from FROM schema_revisions ORDER BY revision"
TABLE = """
    CREATE TABLE IF NOT EXISTS schema_revisions (
        revision text PRIMARY KEY,
        checksum text NOT NULL,
        serves_from integer NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    )"""


@dataclass(frozen=True)
class Applied:
    """A revision that a database has had. `serves_from` is the oldest release that works with it."""

    revision: str
    checksum: str
    serves_from: int


class HistoryError(Exception):
    """The database is not one that this release can work with; the message names the revision."""


def config_of(release: int) -> Config:
    """Alembic's configuration for the revisions that `release` knows: its own, and those of the releases before it."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    folders = [str(MIGRATIONS / f"release_{number}") for number in range(1, release + 1)]
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(folders))
    return config


def checksum(script: Script) -> str:
    """The SHA-256 of a revision as it stands in this release."""
    return hashlib.sha256(Path(script.path).read_bytes()).hexdigest()


class History:
    """The revisions that a release knows."""

    def __init__(self, release: int) -> None:
        self._release = release
        scripts = ScriptDirectory.from_config(config_of(release)).walk_revisions()
        self._known = {script.revision: script for script in scripts}
        self._checksums = {name: checksum(script) for name, script in self._known.items()}
        self._oldest_served = {name: self._release_of(script) for name, script in self._known.items()}

    def refuse_edited(self, applied: Iterable[Applied]) -> None:
        """Raises HistoryError for a revision that reads otherwise now than when it was applied."""
        for one in applied:
            if one.revision in self._known and one.checksum != self._checksums[one.revision]:
                raise HistoryError(f"revision {one.revision} was edited after this database had had it")

    def refuse_unknown(self, applied: Iterable[Applied]) -> None:
        """Raises HistoryError for a revision of a later release: the database is ahead."""
        if unknown := [one.revision for one in applied if one.revision not in self._known]:
            raise HistoryError(
                f"the database has had revision {max(unknown)}, which release {self._release} does not know; "
                "migrate it with the release that does"
            )

    def refuse_unfit(self, applied: list[Applied]) -> None:
        """Raises HistoryError unless this release can serve: an edited history, or one too far behind or ahead."""
        self.refuse_edited(applied)
        names = {one.revision for one in applied}
        needed = {name for name, release in self._oldest_served.items() if release < max(self._release, 2)}
        if missing := sorted(needed - names):
            raise HistoryError(f"the database has not had revision {missing[0]}")
        for one in applied:
            if one.serves_from > self._release:
                raise HistoryError(f"revision {one.revision} is of no use to releases before {one.serves_from}")

    def row(self, revision: str) -> dict[str, object]:
        """What is kept of `revision` once it has been applied."""
        serves_from: int = self._known[revision].module.SERVES_FROM
        return {"revision": revision, "checksum": self._checksums[revision], "serves_from": serves_from}

    @staticmethod
    def _release_of(script: Script) -> int:
        return int(Path(script.path).parent.name.removeprefix("release_"))
