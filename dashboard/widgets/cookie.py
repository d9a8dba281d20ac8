"""A cookie that holds the ticket of whoever signed in: a reload of the page is a new session, and must know them."""

from __future__ import annotations

import streamlit as st

from dashboard.tickets import COOKIE, PATH

COOKIE_JS = """
const sent = new Set();

export default function ({ data }) {
  if (!data || (data.slip && sent.has(data.slip))) return;
  sent.add(data.slip);
  fetch(data.path, { method: data.slip ? "POST" : "DELETE", body: data.slip || undefined, credentials: "same-origin" });
}
"""


def kept_cookie() -> str:
    """The ticket that the browser brought along when this session began; "" for none."""
    return str(st.context.cookies.get(COOKIE, ""))


def fetch_cookie(slip: str) -> None:
    """Let the browser swap a slip for the cookie."""
    _register()(data={"path": PATH, "slip": slip}, key="cookie", height=1)


def forget_cookie() -> None:
    """Let the browser give it back."""
    _register()(data={"path": PATH, "slip": ""}, key="no cookie", height=1)


@st.cache_resource(show_spinner=False)
def _register() -> st.components.v2.types.ComponentRenderer:
    return st.components.v2.component("unforged_cookie", html="<span></span>", js=COOKIE_JS)
