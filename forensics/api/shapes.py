"""What the service answers, as the OpenAPI document describes it."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict, Field

from forensics.api.examining import Stage
from forensics.hostile_text import one_line
from forensics.store.submission_words import Submission, SubmissionState

MAX_PATHS = 1000


class Shape(BaseModel):
    """Root of the shapes: what is not known is refused."""

    model_config = ConfigDict(extra="forbid")


class Problem(Shape):
    """Why a request was not answered."""

    code: str = Field(description="A stable word for machines.")
    message: str = Field(description="For people.")
    request_id: str = Field(description="To find the request in the server's log.")


class Accepted(Shape):
    """A file that was taken in."""

    id: str
    status: str = Field(description="Address to ask how it stands.")


class AcceptedBatch(Shape):
    """Files that were taken in together."""

    id: str
    status: str = Field(description="Address to ask how they stand.")
    scans: list[Accepted]


class Progress(Shape):
    """How far an examination is."""

    step: str = Field(description="The last step that is over: hash or an analyzer; empty before the first.")
    n_steps: int = Field(description="Steps that are over.")
    of_steps: int


class Opinion(Shape):
    """The verdict in short; the report has the reasons."""

    opinion: str
    probability: float = Field(ge=0, le=1)
    llr: float = Field(description="log10 likelihood ratio; above 0 supports a fake.")


class Failure(Shape):
    """Why a file has no result."""

    code: str
    message: str


class Scan(Shape):
    """How one file stands."""

    id: str
    state: SubmissionState
    name: str = Field(description="As it was sent, with hidden characters made visible. Somebody else chose it.")
    batch: str | None
    sha256: str | None
    size_bytes: int | None
    stage: Progress | None = Field(description="While it is examined.")
    verdict: Opinion | None = Field(description="Once it is done.")
    error: Failure | None = Field(description="If it failed.")
    submitted_at: str
    ended_at: str | None
    expires_at: str | None = Field(description="Until when the result is kept.")
    elapsed_s: float


class Batch(Shape):
    """How the files of a batch stand."""

    id: str
    is_over: bool
    scans: list[Scan]


class History(Shape):
    """What a tenant has submitted, newest first."""

    scans: list[Scan]


class Paths(Shape):
    """Files or folders that lie on the server, below folders that its operator allowed."""

    paths: list[str] = Field(min_length=1, max_length=MAX_PATHS, description="Absolute paths.")


class Health(Shape):
    """Whether the server works."""

    status: str


class Readiness(Health):
    """Whether it can take files, and with what it examines them."""

    versions: dict[str, str] = Field(description="Of the tool, decoders and detectors; empty without a key.")
    store: dict[str, str] = Field(description="Kind and version of the store; empty without a key.")


def scan_shape(one: Submission, stage: Stage) -> Scan:
    """A submission as it is told to its tenant."""
    is_done = one.state is SubmissionState.DONE
    verdict = Opinion(opinion=one.opinion, probability=one.probability or 0.0, llr=one.llr or 0.0)
    return Scan(
        id=one.key,
        state=one.state,
        name=one_line(one.name),
        batch=one.batch or None,
        sha256=one.sha256 or None,
        size_bytes=one.size_bytes or None,
        stage=Progress(**vars(stage)) if one.state is SubmissionState.EXAMINING else None,
        verdict=verdict if is_done else None,
        error=Failure(code=one.code, message=one.message) if one.state is SubmissionState.FAILED else None,
        submitted_at=one.submitted_at,
        ended_at=one.ended_at or None,
        expires_at=None
        if one.expires_s is None
        else datetime.fromtimestamp(one.expires_s, UTC).isoformat("T", "seconds"),
        elapsed_s=one.elapsed_s,
    )
