"""What can be done at one node of a platform with background jobs, in the feature's words.

Jobs call a service, which the suite plays: it says what a job meets, and counts what was begun.
"""

import datetime
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple, Protocol


class Kind(Enum):
    """What a job does. All of them call the service by POST; what it answers decides what becomes of the job.

    A service that fails (503) makes the job fail, to be tried again; one that refuses (422) makes it fail for good.
    """

    CALL = auto()  # one call, of the job's label
    IN_STEPS = auto()  # five calls, of label/1 to label/5, with the progress told after each
    END_ITS_PROCESS = auto()  # one call, and then the process that does it ends, as one does that is out of memory


class Priority(Enum):
    """How urgent a job is."""

    HIGH = auto()
    NORMAL = auto()
    LOW = auto()


@dataclass(frozen=True)
class Job:
    """A job to be done, at the earliest in `delay_s` seconds; the service sees its `label` as the path.

    `at`, an aware moment, may stand in the place of `delay_s`. Of several with the same `unique` key that are not done
    one is taken, whatever they are; keys are the same when they are so letter for letter. `after` is the id of a job
    that has to be done before; when that is taken back, this one is, too, and one that comes later is refused.
    `timeout_s`: it is ended when it takes longer.
    """

    label: str
    kind: Kind = Kind.CALL
    priority: Priority = Priority.NORMAL
    delay_s: float = 0
    at: datetime.datetime | None = None
    unique: str | None = None
    after: str | None = None
    timeout_s: float | None = None


class Outcome(Enum):
    """What a node says to a job or an order."""

    TAKEN = auto()
    DUPLICATE = auto()  # there is one of that key, or of that reference, already
    REFUSED = auto()  # it makes no sense


class Answer(NamedTuple):
    """What a node says to a job; with its id where it was taken."""

    outcome: Outcome
    id: str | None = None


class Mistake(Enum):
    """What somebody may hand in by mistake, or on purpose."""

    TOO_LARGE = auto()  # more than 64 KiB, the limit that is set, in fewer characters than that
    UNKNOWN_KIND = auto()
    HOSTILE_PICKLE = auto()  # in the place of the request; whoever unpickles it calls the service at its label
    NO_SUCH_DATE = auto()  # to be done on 30 February
    NEGATIVE_DELAY = auto()
    PAST_MOMENT = auto()  # to be done at a moment of years ago
    NEGATIVE_LIMIT = auto()  # it may take less than no time
    AFTER_NOTHING = auto()  # to be done after a job that nobody has handed in
    NO_LABEL = auto()
    UNKNOWN_PRIORITY = auto()
    ENDLESS_DELAY = auto()  # of more seconds than a number of 64 bits can say
    EVERY_NOTHING = auto()  # to be done every 0 s
    EVERY_INSTANT = auto()  # to be done every 0.1 ms
    EVERY_ETERNITY = auto()  # to be done at an interval of more seconds than a number of 64 bits can say


class State(Enum):
    """What has become of a job."""

    OPEN = auto()  # it waits, or is being done
    DONE = auto()
    PUT_ASIDE = auto()  # it failed for good, and waits for somebody to look into it
    CANCELLED = auto()
    FORGOTTEN = auto()  # nothing is known of it, or not any more


class Report(NamedTuple):
    """What a node knows of a job: how often it was begun, how much of it is done (percent), what went wrong last."""

    state: State
    tries: int = 0
    progress: int = 0
    error: str = ""


class Adapter(Protocol):
    """One node. An answer that it should not have given, or none in good time, is an AssertionError."""

    name: str

    def enqueue(self, job: Job) -> Answer:
        """Hands a job in."""

    def offer(self, mistake: Mistake, label: str) -> Answer:
        """Hands in what should be refused; were it done, the service would see `label`."""

    def order(self, reference: str, label: str) -> Outcome:
        """Places an order in the database, with the job that confirms it by a call of the service at `label`."""

    def report(self, job: str) -> Report:
        """What has become of the job with that id."""

    def requeue(self, job: str) -> bool:
        """Has a job done after all that was put aside; whether the node agreed.

        It does not when the job is not put aside, or another that is not done has its key by now.
        """

    def cancel(self, job: str) -> bool:
        """Takes a job back, with what waits for it; whether the node agreed. One that is under way is ended.

        It does not when the job is done, put aside or taken back.
        """

    def every(self, interval_s: float, label: str) -> None:
        """Has a job of kind CALL done every `interval_s` seconds, from one interval on."""

    def stop(self, label: str) -> None:
        """No more of these."""

    def next_runs(self, cron: str, zone: str, after: datetime.datetime, count: int) -> list[datetime.datetime]:
        """When a job would be done that is scheduled by `cron` (crontab(5)) on the clock of `zone` (IANA)."""

    def effects(self) -> str:
        """A SELECT of what jobs have done in the platform's database, one row for each effect: label, by_try.

        `by_try` is the number of the run (from 1) whose effect it is.
        """

    def due(self) -> str:
        """A script (Lua) that Redis runs, and that changes nothing: when each job that waits for its time is due.

        It returns a list of the job's id, that moment (ms since the epoch), the next one's id, and so on.
        """

    def close(self) -> None:
        """Gives the connections back."""
