"""The words of what is submitted over HTTP: where a file stands, what is known of it, what the audit log says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SubmissionState(StrEnum):
    """Where a submission stands."""

    WAITING = "waiting"
    EXAMINING = "examining"
    DONE = "done"
    FAILED = "failed"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen to it."""
        return self in (SubmissionState.DONE, SubmissionState.FAILED)


class ApiAct(StrEnum):
    """What the audit log says of the HTTP service."""

    SUBMIT = "api submit"
    FETCH = "api fetch"
    ADD_KEY = "api add key"
    REMOVE_KEY = "api remove key"


@dataclass(frozen=True)
class Submission:
    """One submitted file.

    Attributes:
        key: what it is asked for by; hard to guess.
        tenant, submitted_by: whose it is, and the name of the API key that brought it.
        batch: it came with others under this key; "" for alone.
        name: of the file; hostile text on one line.
        path: where it lies, of a file that was named instead of sent; "" else.
        upload: name of its copy in the server's folder; "" else, and once it was examined.
        sha256, size_bytes: of the file; "" and 0 until it is known.
        state: where it stands.
        n_tries: how often a worker took it up.
        code, message: why it failed; "" else.
        digest: of settings and versions that made the result.
        opinion, probability, llr: of the verdict.
        submitted_at, ended_at: UTC, ISO 8601; "" until it has ended.
        elapsed_s: how long the examination took.
        expires_s: until when the result is kept, seconds since 1970; None until it has ended.
        id: number in the store.
    """

    key: str
    tenant: str
    submitted_by: str
    name: str
    batch: str = ""
    path: str = ""
    upload: str = ""
    sha256: str = ""
    size_bytes: int = 0
    state: SubmissionState = SubmissionState.WAITING
    n_tries: int = 0
    code: str = ""
    message: str = ""
    digest: str = ""
    opinion: str = ""
    probability: float | None = None
    llr: float | None = None
    submitted_at: str = ""
    ended_at: str = ""
    elapsed_s: float = 0.0
    expires_s: float | None = None
    id: int = 0
