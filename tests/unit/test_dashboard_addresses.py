"""The addresses beside Streamlit's own: tickets are swapped once, and the trip to a provider ends where it should."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("streamlit")

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from dashboard.backend.signing_in import gate_of
from dashboard.roles import Role, User
from dashboard.round_trip import RoundTrip
from dashboard.short_body import MAX_BYTES
from dashboard.tickets import COOKIE, PATH, ROUTES
from forensics.cli import main
from forensics.cli.dashboard_secrets import check_secrets
from forensics.password_file import OIDC, Entry, write

ANN = User("ann", Role.ADMIN)


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(tmp_path / "people", [Entry("ann", "admin", OIDC)])
    monkeypatch.setenv("UNFORGED_DASHBOARD_PASSWORD_FILE", str(tmp_path / "people"))
    return tmp_path / "people"


def provided(request: Request) -> Response:
    """As Streamlit answers: a session where the provider vouched for somebody, nothing where it did not."""
    answer = RedirectResponse("/", 302)
    if request.query_params.get("state") == "good":
        answer.set_cookie("_streamlit_user", "signed")
    elif "state" in request.query_params:
        answer.delete_cookie("_streamlit_user")
    return answer


def leaving(request: Request) -> Response:
    if "down" in request.query_params:
        return PlainTextResponse("Authentication error", 400)
    return RedirectResponse("https://provider.example/authorize", 302)


@pytest.fixture
def browser(people: Path) -> Iterator[TestClient]:
    trip = [Route("/auth/login", leaving), Route("/oauth2callback", provided)]
    app = Starlette(routes=[*ROUTES, *trip], middleware=[Middleware(RoundTrip)])
    with TestClient(app, follow_redirects=False) as client:
        yield client


def test_a_slip_becomes_a_cookie_for_this_address_that_no_script_reads(browser: TestClient, people: Path) -> None:
    gate = gate_of(people)
    ticket = gate.ticket(ANN)
    slip = gate.slip(ticket)
    for wrong in ("", "guess", ticket, "x" * (MAX_BYTES + 1)):
        refused = browser.post(PATH, content=wrong)
        assert refused.status_code == 403 and "set-cookie" not in refused.headers
    answer = browser.post(PATH, content=slip)
    assert answer.status_code == 204 and answer.cookies[COOKIE] == ticket
    flags = {part.strip().casefold() for part in answer.headers["set-cookie"].split(";")}
    assert {"httponly", "samesite=strict", "path=/"} <= flags and "secure" not in flags
    assert browser.post(PATH, content=slip).status_code == 403
    safe = browser.post(PATH, content=gate.slip(ticket), headers={"origin": "https://moderation.example"})
    assert "secure" in safe.headers["set-cookie"].casefold()


def test_giving_the_cookie_back_ends_the_ticket(browser: TestClient, people: Path) -> None:
    gate = gate_of(people)
    ticket = gate.ticket(ANN)
    browser.cookies.set(COOKIE, ticket)
    assert "max-age=0" in browser.delete(PATH).headers["set-cookie"].casefold()
    assert gate.with_ticket(ticket) is None
    assert browser.get(PATH).status_code == 405


@pytest.mark.parametrize(
    ("came_from", "ends_at"),
    [
        ("http://testserver/settings", "/settings"),
        ("http://testserver/?id=12", "/?id=12"),
        ("http://testserver/?sign_in=refused", "/"),
        ("https://elsewhere.example//evil.example/\\x", "/evil.example/\\x"),
        ("", "/"),
    ],
)
def test_the_trip_ends_where_one_wanted_to_go_and_on_this_server(
    came_from: str, ends_at: str, browser: TestClient
) -> None:
    left = browser.get("/auth/login", headers={"referer": came_from} if came_from else {})
    assert left.headers["location"] == "https://provider.example/authorize"
    assert browser.get("/oauth2callback?state=good&code=1").headers["location"] == ends_at


@pytest.mark.parametrize(
    ("address", "status", "ends_at"),
    [
        ("/auth/login?down", 303, "/?sign_in=unreachable"),
        ("/oauth2callback?state=bad&code=1", 302, "/?sign_in=refused"),
        ("/oauth2callback?error=access_denied", 302, "/?sign_in=refused"),
        ("/oauth2callback", 302, "/"),
    ],
)
def test_a_trip_that_fails_leads_to_words_and_signing_out_does_not(
    address: str, status: int, ends_at: str, browser: TestClient
) -> None:
    answer = browser.get(address)
    assert (answer.status_code, answer.headers["location"]) == (status, ends_at)


GOOD = {
    "redirect_uri": "https://moderation.example/oauth2callback",
    "cookie_secret": "0123456789abcdef0123456789abcdef",
    "client_id": "unforged",
    "client_secret": "x",
    "server_metadata_url": "https://provider.example/.well-known/openid-configuration",
}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"client_id": ""}, "lacks client_id"),
        ({"redirect_uri": "https://moderation.example/"}, "redirect_uri"),
        ({"cookie_secret": "short"}, "cookie_secret"),
        (None, "no TOML"),
    ],
)
def test_a_secrets_file_that_would_let_nobody_in_is_refused_before_anything_starts(
    changed: dict[str, str] | None, said: str, people: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("authlib")
    lines = "[" if changed is None else "".join(f"{k} = '{v}'\n" for k, v in (GOOD | changed).items())
    (tmp_path / "oidc.toml").write_text("[auth]\n" + lines)
    assert main(["dashboard", "--password-file", str(people), "--secrets", str(tmp_path / "oidc.toml")]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("roles", "said"),
    [("", "must say which role"), ("claim = 'groups'", "values for a role"), ("admins = ['x']", "needs claim")],
)
def test_a_provider_alone_lets_in_only_by_roles_that_its_claims_give(
    roles: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("authlib")
    auth = "".join(f"{k} = '{v}'\n" for k, v in GOOD.items())
    secrets = tmp_path / "oidc.toml"
    secrets.write_text(f"[auth]\n{auth}" + (f"[roles]\n{roles}\n" if roles else ""))
    assert main(["dashboard", "--host", "0.0.0.0", "--secrets", str(secrets)]) == 2
    assert said in capsys.readouterr().err
    secrets.write_text(f"[auth]\n{auth}[roles]\nclaim = 'groups'\nadmin = ['chiefs']\n")
    assert check_secrets(secrets)
