"""The address at which a browser swaps a slip for a cookie that no script can read, and gives the cookie back.

A page of Streamlit comes over a web socket, on which no cookie can be set. So who has signed in gets a slip there, good
once and for seconds; a line of script takes it to this address, and the answer sets the cookie: HttpOnly, and brought
along by pages of this address only.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard.backend.options import Options
from dashboard.backend.signing_in import TICKET_S, gate_of
from dashboard.short_body import short_body

PATH = "/ticket"

COOKIE = "unforged_ticket"


async def swap(request: Request) -> Response:
    """Set the cookie for a slip: 204, or 403 for a slip that is none (any more)."""
    people = Options.from_environment().password_file
    slip = await short_body(request)
    ticket = gate_of(people).swapped(slip) if people is not None and slip else None
    if ticket is None:
        return Response(status_code=403)
    answer = Response(status_code=204)
    is_secure = request.headers.get("origin", "").startswith("https:")
    age_s = int(TICKET_S)
    answer.set_cookie(COOKIE, ticket, max_age=age_s, httponly=True, samesite="strict", secure=is_secure)
    return answer


async def give_back(request: Request) -> Response:
    """Forget the ticket of the cookie, and the cookie."""
    people, ticket = Options.from_environment().password_file, request.cookies.get(COOKIE)
    if people is not None and ticket:
        gate_of(people).sign_out(ticket)
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


ROUTES = (Route(PATH, swap, methods=["POST"]), Route(PATH, give_back, methods=["DELETE"]))
