"""A cookie that holds the ticket of whoever signed in: a reload of the page is a new session, and must know them.

Streamlit reads cookies but sets none for passwords, so a few lines of script do. It holds a random ticket, no name.
"""

from __future__ import annotations

import streamlit as st

NAME = "unforged_ticket"

SECONDS = 12 * 3600

COOKIE_JS = """
export default function ({ data }) {
  if (!data) return;
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${data.name}=${data.ticket}; Path=/; SameSite=Strict; Max-Age=${data.seconds}${secure}`;
}
"""


def kept_cookie() -> str:
    """The ticket that the browser brought along; "" for none."""
    return str(st.context.cookies.get(NAME, ""))


def keep_cookie(ticket: str) -> None:
    """Let the browser keep it for a day."""
    _register()(data={"name": NAME, "ticket": ticket, "seconds": SECONDS}, key="cookie", height=1)


def forget_cookie() -> None:
    """Let the browser forget it."""
    _register()(data={"name": NAME, "ticket": "", "seconds": 0}, key="no cookie", height=1)


@st.cache_resource(show_spinner=False)
def _register() -> st.components.v2.types.ComponentRenderer:
    return st.components.v2.component("unforged_cookie", html="<span></span>", js=COOKIE_JS)
