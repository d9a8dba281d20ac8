"""Routes that take files in. The body is read by hand, so that keys and limits are checked before it is."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, BinaryIO

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError
from starlette.datastructures import FormData, UploadFile

from forensics.api.access import allowed_to
from forensics.api.documents import problems
from forensics.api.keys import Key
from forensics.api.problems import Refusal, too_large
from forensics.api.service import Service
from forensics.api.shapes import Accepted, AcceptedBatch, Paths

router = APIRouter(tags=["submit"])

Submitter = Annotated[Key, Depends(allowed_to("scan"))]

MAX_JSON_BYTES = 1 << 20

_PROBLEMS = problems(400, 401, 403, 408, 413, 415, 421, 422, 429, 500, 503)


def _form(**properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}}


_FILE = {"type": "string", "format": "binary", "minLength": 1}

_PATHS = {"required": True, "content": {"application/json": {"schema": Paths.model_json_schema()}}}


@router.post("/v1/scans", status_code=202, responses=_PROBLEMS, openapi_extra=_form(file=_FILE))
async def submit_one(request: Request, response: Response, key: Submitter) -> Accepted:
    """Submit one file to be examined."""
    _, (accepted,) = await _submit(request, key, "file", 1)
    response.headers["Location"] = accepted.status
    return accepted


@router.post(
    "/v1/batches",
    status_code=202,
    responses=_PROBLEMS,
    openapi_extra=_form(files={"type": "array", "items": _FILE, "minItems": 1}),
)
async def submit_batch(request: Request, response: Response, key: Submitter) -> AcceptedBatch:
    """Submit several files at once: all of them are taken in, or none."""
    service: Service = request.app.state.service
    batch, accepted = await _submit(request, key, "files", service.configuration.max_files)
    return _batch(response, batch, accepted)


@router.post("/v1/paths", status_code=202, responses=_PROBLEMS, openapi_extra={"requestBody": _PATHS})
async def submit_paths(request: Request, response: Response, key: Submitter) -> AcceptedBatch:
    """Submit files that lie on the server, below folders that its operator allowed. Nothing is ever fetched."""
    service: Service = request.app.state.service
    _check_type(request, "application/json")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_JSON_BYTES:
            raise too_large(MAX_JSON_BYTES)
    try:
        wanted = Paths.model_validate_json(bytes(body))
    except ValidationError as error:
        raise Refusal(422, "invalid", _words(error)) from None
    batch, ids = await run_in_threadpool(service.submit_paths, key, wanted.paths)
    return _batch(response, batch, [_accepted(one) for one in ids])


async def _submit(request: Request, key: Key, field: str, n_most: int) -> tuple[str, list[Accepted]]:
    service: Service = request.app.state.service
    _check_type(request, "multipart/form-data")
    # Parts lie on the disk beyond a megabyte.
    async with request.form(max_files=n_most, max_fields=0) as form:
        files = _files(form, field)
        if not files or (field == "file" and len(files) > 1):
            raise Refusal(422, "invalid", f"the form holds no file under {field!r}, or too many")
        work = asyncio.ensure_future(run_in_threadpool(service.submit, key, files, together=field == "files"))
        # A client that hangs up must not leave half of it behind.
        batch, ids = await asyncio.shield(work)
    return batch, [_accepted(one) for one in ids]


def _files(form: FormData, field: str) -> list[tuple[str, BinaryIO]]:
    found = []
    for name, value in form.multi_items():
        if name != field or not isinstance(value, UploadFile):
            raise Refusal(422, "invalid", f"the form holds something else than files under {field!r}")
        found.append((value.filename or "", value.file))
    return found


def _check_type(request: Request, wanted: str) -> None:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != wanted:
        raise Refusal(415, "wrong-type", f"the body must be {wanted}")


def _accepted(number: str) -> Accepted:
    return Accepted(id=number, status=f"/v1/scans/{number}")


def _batch(response: Response, batch: str, accepted: list[Accepted]) -> AcceptedBatch:
    response.headers["Location"] = f"/v1/batches/{batch}"
    return AcceptedBatch(id=batch, status=f"/v1/batches/{batch}", scans=accepted)


def _words(error: ValidationError) -> str:
    told = (f"{'.'.join(str(part) for part in one['loc']) or 'body'}: {one['msg']}" for one in error.errors()[:5])
    return "; ".join(told)
