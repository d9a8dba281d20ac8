"""Routes that tell how files stand and hand out reports. They are plain functions, which run beside the event loop."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from forensics.api.access import allowed_to
from forensics.api.documents import problems
from forensics.api.keys import Key
from forensics.api.service import Service
from forensics.api.shapes import Batch, History, Scan

router = APIRouter(tags=["read"])

Reader = Annotated[Key, Depends(allowed_to("read"))]
_OF_ID = "[A-Za-z0-9_-]"

Id = Annotated[str, Path(pattern=f"^{_OF_ID}{{1,64}}$", description="As it was given when the file was submitted.")]

_PROBLEMS = problems(401, 403, 404, 421, 422, 429, 500, 503)

HTML_POLICY = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""A report runs no script, sends no form, and has no origin; the page itself allows one style, by its hash."""

TYPES = {"json": "application/json", "html": "text/html; charset=utf-8", "pdf": "application/pdf"}


class Form(StrEnum):
    """Forms of a report."""

    JSON = "json"
    HTML = "html"
    PDF = "pdf"


@router.get("/v1/scans", responses=_PROBLEMS)
def list_scans(
    request: Request,
    key: Reader,
    sha256: Annotated[str, Query(pattern="^([0-9a-f]{64})?$", description="Only of this file.")] = "",
    before: Annotated[str, Query(pattern=f"^{_OF_ID}{{0,64}}$", description="Only older than this one: its id.")] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> History:
    """List what was submitted, newest first."""
    return History(scans=_service(request).history(key, sha256, before, limit))


@router.get("/v1/scans/{id}", responses=_PROBLEMS)
def read_scan(request: Request, key: Reader, id: Id) -> Scan:
    """Ask how a file stands."""
    return _service(request).scan(key, id)


@router.get("/v1/batches/{id}", responses=_PROBLEMS)
def read_batch(request: Request, key: Reader, id: Id) -> Batch:
    """Ask how the files of a batch stand."""
    return _service(request).batch(key, id)


@router.get(
    "/v1/scans/{id}/report/{form}",
    response_class=Response,
    responses=_PROBLEMS
    | problems(409)
    | {
        200: {
            "description": "The report.",
            "content": {
                "application/json": {"schema": {"type": "object"}},
                "text/html": {"schema": {"type": "string"}},
                "application/pdf": {"schema": {"type": "string", "format": "binary"}},
            },
        }
    },
)
def read_report(request: Request, key: Reader, id: Id, form: Form) -> Response:
    """Fetch the report of a file."""
    name, page = _service(request).report(key, id, form)
    place = "attachment" if form is Form.PDF else "inline"
    headers = {"Content-Disposition": f'{place}; filename="{name}"'}
    if form is Form.HTML:
        headers["Content-Security-Policy"] = HTML_POLICY
    return Response(page, headers=headers, media_type=TYPES[form])


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service
