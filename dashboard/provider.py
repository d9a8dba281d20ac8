"""Signing in at an identity provider by Streamlit's own OpenID Connect: for whom it vouches, and words for failures."""

from __future__ import annotations

import time
from dataclasses import dataclass

import streamlit as st
from streamlit.errors import StreamlitAuthError

from dashboard.backend.signing_in import TICKET_S, told_role
from dashboard.backend.words import as_markdown
from dashboard.roles import Role
from dashboard.round_trip import FAILED, REFUSED, UNREACHABLE

_WHY = {
    UNREACHABLE: "The identity provider does not answer. Please try again later.",
    REFUSED: "The identity provider let nobody in, or its answer could not be checked. Please try again; whoever runs "
    "this dashboard finds the reason in what it prints.",
}


@dataclass(frozen=True)
class Identity:
    """What a provider says of whoever sits at the browser.

    Attributes:
        name: their address; "" where it vouches for none.
        role: what its claims give them; None for none.
        problem: why not, in a sentence of Markdown; "" where nobody has signed in there.
    """

    name: str = ""
    role: Role | None = None
    problem: str = ""


def has_provider() -> bool:
    """Whether the dashboard was started with one."""
    try:
        return "auth" in st.secrets
    except FileNotFoundError:
        return False


def identity() -> Identity:
    """For whom the provider vouches.

    The cookie that Streamlit keeps lasts for thirty days; what it says counts for a working day, like a password.

    Raises:
        ValueError: the section [roles] of the secrets file is damaged.
    """
    if not has_provider() or not st.user.is_logged_in:
        return Identity()
    if time.time() - _number(st.user.get("iat")) > TICKET_S:
        return Identity(problem="You signed in more than a working day ago. Please do so again.")
    name = str(st.user.get("email") or st.user.get("preferred_username") or "")
    if not name:
        return Identity(problem="The identity provider names no address of yours; it has to give the claim `email`.")
    if st.user.get("email_verified") is False:
        return Identity(problem=f"The identity provider has not checked that {as_markdown(name)} is your address.")
    return Identity(name, told_role(st.secrets.get("roles"), st.user.to_dict()))


def leave_for_provider() -> None:
    """Let the browser go there to sign in; says why if it cannot."""
    try:
        st.login()
    except StreamlitAuthError as error:
        st.error(as_markdown(" ".join(str(error).split())), icon=":material/error:")


def what_failed() -> str:
    """Why the last try failed; "" for no reason, or after somebody got in."""
    return _WHY.get(str(st.query_params.get(FAILED, "")), "")


def forget_failure() -> None:
    """Take the reason out of the address."""
    if FAILED in st.query_params:
        del st.query_params[FAILED]


def _number(claim: object) -> float:
    return float(claim) if isinstance(claim, int | float) else 0.0
