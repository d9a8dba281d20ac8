"""The address at which a browser takes away what a page offers: it brings the offer's secret and gets the file.

The secret comes in the body, so that no history or log holds it, and the answer is bytes to be saved, never a page.
"""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from dashboard.backend.offers import all_offers
from dashboard.backend.words import plain_sentence
from dashboard.roles import NotAllowedError
from dashboard.short_body import short_body

PATH = "/take"

GONE = "This page has been open for too long. Load it anew."

HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff", "content-disposition": "attachment"}


async def take(request: Request) -> Response:
    """The bytes: 200; or a sentence: 404 for no offer (any more), 403 for somebody else by now, 503 for a failure."""
    offer = all_offers().find(await short_body(request))
    if offer is None:
        return PlainTextResponse(GONE, 404)
    try:
        return Response(await run_in_threadpool(offer.taken), 200, HEADERS, "application/octet-stream")
    except NotAllowedError as error:
        return PlainTextResponse(plain_sentence(error), 403)
    except (OSError, ValueError, LookupError, RuntimeError, ImportError) as error:
        return PlainTextResponse(plain_sentence(error), 503)


ROUTES = (Route(PATH, take, methods=["POST"]),)
