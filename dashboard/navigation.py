"""The pages as Streamlit wants them, and the way from one to another."""

from __future__ import annotations

import streamlit as st

from dashboard.pages import PAGES, Page, pages_for
from dashboard.roles import User


def entry(page: Page) -> st.Page:
    """A page for `st.navigation`, `st.page_link` and `st.switch_page`."""
    return st.Page(page.render, title=page.title, icon=page.icon, url_path=page.path, default=page is PAGES[0])


def groups(user: User) -> dict[str, list[st.Page]]:
    """Heading -> the pages below it that somebody may open."""
    found: dict[str, list[st.Page]] = {}
    for page in pages_for(user):
        found.setdefault(page.group, []).append(entry(page))
    return found


def go(path: str, **query: str) -> None:
    """Leave for another page, with values for the query of its address, such as `go("scan", id="12")`.

    Raises:
        LookupError: there is no such page.
    """
    for page in PAGES:
        if page.path == path:
            st.switch_page(entry(page), query_params=query)
    raise LookupError(f"there is no page {path!r}; there is {', '.join(page.path for page in PAGES)}")
