"""Puts the application together: routes, errors in one shape, start and stop of the service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from forensics import __version__
from forensics.api import reading, submitting, watching
from forensics.api.access import Access
from forensics.api.configuration import Configuration
from forensics.api.guard import Guard
from forensics.api.problems import CODES, Refusal, busy
from forensics.api.service import Service
from forensics.api.telling import tell
from forensics.store import Store, StoreError

ABOUT = """Submit images and videos, ask how they stand, fetch reports. Every error has the shape `Problem`."""


def create_app(configuration: Configuration, store: Store) -> Guard:
    """The application, guarded; its service starts and stops with it.

    Args:
        configuration: of the server.
        store: an open one; whoever opened it closes it.

    Raises:
        ValueError: the key file is damaged.
        RuntimeError: another server works in the folder.
        OSError: the folder cannot be written, or the key file not be read.
    """
    access = Access(configuration)
    service = Service(configuration, store)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(service.start)
        tell("started", {"version": __version__})
        try:
            yield
        finally:
            tell("stopping", {})
            await run_in_threadpool(service.stop)
            tell("stopped", {})

    # The pages that FastAPI has for reading the document come from elsewhere: nothing is fetched at run time.
    app = FastAPI(
        title="Unforged", version=__version__, description=ABOUT, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.state.access = access
    app.state.service = service
    for routes in (submitting, reading, watching):
        app.include_router(routes.router)
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(StoreError, _without_store)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    return Guard(app, configuration, service.figures)


def _problem(request: Request, error: Refusal) -> JSONResponse:
    body = {"code": error.code, "message": str(error), "request_id": request.state.facts["request_id"]}
    return JSONResponse(body, error.status, headers=error.headers)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refusal)
    return _problem(request, error)


async def _without_store(request: Request, error: Exception) -> JSONResponse:
    tell("store failed", {**request.state.facts, "message": str(error)})
    return _problem(request, busy("the store of this server does not work", 30))


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    told = (f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()[:5])
    return _problem(request, Refusal(422, "invalid", "; ".join(told)))


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = CODES.get(error.status_code, "bad-request")
    return _problem(request, Refusal(error.status_code, code, str(error.detail), error.headers))
