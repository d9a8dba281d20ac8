"""The pages as Streamlit wants them, and the way from one to another."""

from __future__ import annotations

import streamlit as st

from dashboard.pages import PAGES, Page, pages_for
from dashboard.roles import LOCAL_USER, User


def entry(page: Page) -> st.Page:
    """A page for `st.navigation`, `st.page_link` and `st.switch_page`."""
    is_first = page is PAGES[0]
    path = None if is_first else page.path
    return st.Page(page.render, title=page.title, icon=page.icon, url_path=path, default=is_first)


def groups(user: User) -> dict[str, list[st.Page]]:
    """Heading -> the pages below it that somebody may open."""
    found: dict[str, list[st.Page]] = {}
    for page in pages_for(user):
        found.setdefault(page.group, []).append(entry(page))
    # The default page opens without a path; with its own one Streamlit would say that there is no such page.
    first = PAGES[0]
    alias = st.Page(first.render, title=first.title, icon=first.icon, url_path=first.path, visibility="hidden")
    found.setdefault(first.group, []).append(alias)
    return found


def keep_address() -> None:
    """Let the address that was asked for stand while somebody signs in, with no page and no navigation drawn."""
    st.navigation(groups(LOCAL_USER), position="hidden")


def go(path: str, **query: str) -> None:
    """Leave for another page, with values for the query of its address, such as `go("scan", id="12")`.

    Raises:
        LookupError: there is no such page.
    """
    for page in PAGES:
        if page.path == path:
            st.switch_page(entry(page), query_params=query)
    raise LookupError(f"there is no page {path!r}; there is {', '.join(page.path for page in PAGES)}")
