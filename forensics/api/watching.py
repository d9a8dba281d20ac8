"""Routes for who runs the server: is it alive, is it ready, and how much it does."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from forensics.api.access import Access, Given, allowed_to
from forensics.api.documents import problems
from forensics.api.keys import Key
from forensics.api.problems import busy
from forensics.api.service import Service
from forensics.api.shapes import Health, Readiness

router = APIRouter(tags=["watch"])

METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@router.get("/health/live", responses=problems(421, 500))
def live() -> Health:
    """Whether the server answers at all; needs no key."""
    return Health(status="live")


@router.get("/health/ready", responses=problems(421, 429, 500, 503), openapi_extra={"security": [{}]})
def ready(request: Request, given: Given) -> Readiness:
    """Whether files can be examined; needs no key. With one, it tells what they are examined with."""
    door: Access = request.app.state.access
    service: Service = request.app.state.service
    found = service.readiness(door.who(request, None if given is None else given.credentials))
    if found is None:
        raise busy("no worker is ready yet", 5)
    return found


@router.get(
    "/metrics",
    response_class=Response,
    responses=problems(401, 403, 421, 429, 500, 503)
    | {200: {"description": "Figures.", "content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(request: Request, key: Annotated[Key, Depends(allowed_to("admin"))]) -> Response:
    """Figures of the whole server in the text format of Prometheus; no names of tenants or files are in them."""
    service: Service = request.app.state.service
    return Response(service.metrics(), headers={"Content-Type": METRICS_TYPE})
