"""Signing in at an identity provider, and what a browser keeps: a real provider on this computer and a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from forensics.password_file import OIDC, Entry, hashed, write
from tests import make_browser
from tests.make_browser import PATIENCE_MS, Server, chromium, serve, settle, visitor, words
from tests.make_provider import Provider, provide

REASON = make_browser.missing("authlib", "httpx")

pytestmark = pytest.mark.skipif(bool(REASON), reason=REASON)

if not REASON:
    from playwright.sync_api import Browser, Page, expect

PASSWORD = "a long pass phrase"

PEOPLE = {
    "Ada": {"email": "Ada@example.org", "email_verified": True},
    "Vera": {"email": "vera@example.org"},
    "Eve": {"email": "eve@example.org", "email_verified": True},
    "Mallory": {"email": "ada@example.org", "email_verified": False},
    "Mo": {"email": "mo@example.org", "realm_access": {"roles": ["offline", "press-desk"]}},
    "Gus": {"email": "gus@example.org", "realm_access": {"roles": ["offline"]}},
}
"""Name on the provider's page -> its claims. Eve is a stranger, and Mallory only says that she is Ada; Mo is listed
nowhere and has a role at the provider, Gus one that counts for nothing."""

ROLES = '[roles]\nclaim = "realm_access.roles"\nmoderator = ["press-desk"]\n'

LISTED = (("ada@example.org", "admin", OIDC), ("vera@example.org", "viewer", OIDC))


@dataclass(frozen=True)
class House:
    """A dashboard, the provider it trusts, and a browser."""

    server: Server
    provider: Provider
    browser: Browser

    def knock(self, path: str = "") -> Page:
        """Somebody new at the form."""
        page, _ = visitor(self.browser)
        page.goto(f"{self.server.url}/{path}")
        expect(page.get_by_label("Name")).to_be_visible()
        return page

    def enter(self, name: str, path: str = "") -> Page:
        """Somebody new who chooses an account at the provider."""
        page = self.knock(path)
        choose(page, name)
        return page


def choose(page: Page, name: str) -> None:
    """From the form to the provider and back."""
    page.get_by_role("button", name="Sign in with your organisation").click()
    page.get_by_role("link", name=name).click()


def signed_in(page: Page) -> str:
    """Who the sidebar says that one is; no part of it is a link."""
    line = page.get_by_text("Signed in as")
    assert line.locator("a").count() == 0
    return line.inner_text().removeprefix("Signed in as ").replace("\u2060", "")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("signing-in")
    write(folder / "people", [*(Entry(*line) for line in LISTED), Entry("max", "moderator", hashed(PASSWORD))])
    expect.set_options(timeout=PATIENCE_MS)
    with provide(PEOPLE) as provider:
        told = (
            "--password-file",
            str(folder / "people"),
            "--secrets",
            str(provider.secrets_file(folder / "oidc.toml", ROLES)),
        )
        with serve(folder, *told) as server, chromium() as browser:
            provider.returns = f"{server.url}/oauth2callback"
            yield House(server, provider, browser)


def test_the_provider_says_who_somebody_is_and_the_list_or_a_claim_which_role_follows(house: House) -> None:
    for name, role in (("Mo", "moderator"), ("Ada", "admin"), ("Vera", "viewer")):
        page = house.enter(name, "settings")
        expect(page.get_by_text(f", {role}")).to_be_attached()
        settle(page)
        assert page.url == f"{house.server.url}/settings", "one gets to where one wanted to go"
        assert page.get_by_role("button", name="Save").first.is_enabled() == (name == "Ada")
        assert signed_in(page) == f"{name.lower()}@example.org, {role}"
    page.reload()
    expect(page.get_by_text(", viewer")).to_be_attached()


def test_who_signs_out_is_out_after_a_reload_too(house: House) -> None:
    page = house.enter("Ada")
    with page.expect_navigation(url=f"{house.server.url}/"):
        page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Name")).to_be_visible()
    page.reload()
    expect(page.get_by_label("Name")).to_be_visible()
    assert not any(cookie["name"].startswith("_streamlit_user") for cookie in page.context.cookies())


@pytest.mark.parametrize(
    ("name", "said"), [("Eve", "is not listed here"), ("Gus", "no role that counts"), ("Mallory", "has not checked")]
)
def test_a_stranger_is_told_so_and_sees_nothing(name: str, said: str, house: House) -> None:
    page = house.enter(name, "settings")
    expect(page.get_by_text(said)).to_be_visible()
    assert page.get_by_text("Signed in as").count() == 0 and "Thresholds" not in page.content()
    choose(page, "Vera")
    expect(page.get_by_text(", viewer")).to_be_attached()


def test_a_provider_that_is_down_refuses_or_is_an_impostor_leads_back_to_the_form_with_words(house: House) -> None:
    page = house.knock()
    house.provider.is_down = True
    page.get_by_role("button", name="Sign in with your organisation").click()
    expect(page.get_by_text("The identity provider does not answer")).to_be_visible()
    house.provider.is_down = False
    choose(page, "Nobody")
    expect(page.get_by_text("The identity provider let nobody in")).to_be_visible()
    house.provider.signs_truly = False
    choose(page, "Ada")
    expect(page.get_by_text("or its answer could not be checked")).to_be_visible()
    house.provider.signs_truly = True
    assert "Traceback" not in page.content() and page.get_by_text("Signed in as").count() == 0
    choose(page, "Ada")
    expect(page.get_by_text(", admin")).to_be_attached()
    assert "sign_in" not in page.url


def test_a_password_gives_a_cookie_that_no_script_can_read_and_signing_out_takes_it_back(house: House) -> None:
    page = house.knock()
    page.get_by_label("Name").fill("max")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    with page.expect_response("**/ticket") as swapped:
        page.get_by_role("button", name="Sign in", exact=True).click()
    assert swapped.value.status == 204
    (cookie,) = (kept for kept in page.context.cookies() if kept["name"] == "unforged_ticket")
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict" and cookie["value"] not in page.content()
    assert "unforged_ticket" not in page.evaluate("document.cookie")
    page.reload()
    expect(page.get_by_text("Signed in as max, moderator")).to_be_attached()
    settle(page)
    with page.expect_response("**/ticket"):
        page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Name")).to_be_visible()
    assert not [kept for kept in page.context.cookies() if kept["name"] == "unforged_ticket"]
    page.context.add_cookies([cookie])  # type: ignore[list-item]
    page.reload()
    expect(page.get_by_label("Name")).to_be_visible()
    assert "Signed in as" not in words(page)
