"""What an operator may set for background jobs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..settings import SettingsError, positive


@dataclass(frozen=True)
class JobSettings:
    """Each field is set by the environment variable of its name in capitals; names carry the unit."""

    redis_url: str = field(repr=False)  # may hold a password
    postgres_url: str = field(repr=False)  # the same
    upstream_url: str
    job_role: str  # server: takes jobs; worker: does them
    job_slots: int  # processes of a worker, each with one job at a time
    job_lease_s: float  # who has given no heartbeat for so long has lost its job
    job_timeout_s: float  # a job that runs for longer is ended
    job_tries: int  # a job that has failed so often is put aside
    job_crashes: int  # and one whose worker has died so often
    job_backoff_s: float  # until the second try; it doubles with each
    job_result_s: float  # for how long the result of a job is kept
    job_max_bytes: int  # of a job as it is handed in

    @classmethod
    def load(cls, environ: Mapping[str, str]) -> "JobSettings":
        """Reads the settings from `environ`; raises SettingsError."""
        return cls(
            redis_url=environ.get("REDIS_URL", "redis://localhost:6379/0"),
            postgres_url=environ.get("POSTGRES_URL", "postgresql://postgres@localhost:5432/postgres"),
            upstream_url=environ.get("UPSTREAM_URL", "http://localhost:9000"),
            job_role=_one_of(environ, "JOB_ROLE", "server", "worker"),
            job_slots=int(positive(environ, "JOB_SLOTS", 4)),
            job_lease_s=positive(environ, "JOB_LEASE_S", 30),
            job_timeout_s=positive(environ, "JOB_TIMEOUT_S", 600),
            job_tries=int(positive(environ, "JOB_TRIES", 4)),
            job_crashes=int(positive(environ, "JOB_CRASHES", 3)),
            job_backoff_s=positive(environ, "JOB_BACKOFF_S", 1),
            job_result_s=positive(environ, "JOB_RESULT_S", 86_400),
            job_max_bytes=int(positive(environ, "JOB_MAX_BYTES", 65_536)),
        )


def _one_of(environ: Mapping[str, str], name: str, *known: str) -> str:
    if (value := environ.get(name, known[0])) not in known:
        raise SettingsError(f"{name}: expected one of {', '.join(known)}, got {value!r}")
    return value
