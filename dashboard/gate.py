"""The gate before every page: nobody has to sign in, or with a password, or at an identity provider."""

from __future__ import annotations

import streamlit as st

from dashboard.backend.options import Options
from dashboard.backend.signing_in import SignIn
from dashboard.backend.words import as_markdown, sentence
from dashboard.roles import LOCAL_USER, User
from dashboard.session import USER_KEY, options
from dashboard.widgets.cookie import forget_cookie, keep_cookie, kept_cookie

_TICKET = "ticket"


def passed() -> bool:
    """Whether somebody is signed in; draws the form if not. `current_user` says who it is."""
    started = options()
    if started.password_file is None:
        if _has_provider():
            st.error("An identity provider is set up, but no password file says which role each person has.")
            return False
        st.session_state[USER_KEY] = LOCAL_USER
        return True
    try:
        user = _recognised(_sign_in(started))
    except (OSError, ValueError) as error:
        st.error(sentence(error), icon=":material/error:")
        return False
    if user is None:
        st.session_state.pop(USER_KEY, None)
        _form(_sign_in(started))
        return False
    st.session_state[USER_KEY] = user
    return True


def who() -> None:
    """Say in the sidebar who is signed in, and let them leave."""
    user = st.session_state.get(USER_KEY)
    if user is None or options().password_file is None:
        return
    with st.sidebar:
        st.caption(f"Signed in as {as_markdown(user.name)}, {user.role.word}")
        if st.button("Sign out", icon=":material/logout:", key="sign out"):
            _leave(_sign_in(options()))


def _recognised(gate: SignIn) -> User | None:
    """Looked up at every click, so that a changed role counts at once."""
    if st.session_state.pop("leave", False):
        forget_cookie()
        return None
    provided = _provided_name()
    if provided:
        user = gate.with_identity(provided)
        if user is None:
            st.error(f"{as_markdown(provided)} is not listed here; ask whoever runs this dashboard.")
        return user
    ticket = st.session_state.get(_TICKET) or kept_cookie()
    user = gate.with_ticket(ticket) if ticket else None
    if user is not None and st.session_state.get(_TICKET) != ticket:
        st.session_state[_TICKET] = ticket
    return user


def remember() -> None:
    """Let the browser keep the ticket, at the end of the page, where it moves nothing."""
    ticket = st.session_state.get(_TICKET)
    if ticket and ticket != kept_cookie():
        keep_cookie(ticket)


def _form(gate: SignIn) -> None:
    _, middle, _ = st.columns([1, 1.2, 1])
    with middle:
        st.title("Unforged", anchor=False)
        with st.form("sign in"):
            name = st.text_input("Name", autocomplete="username", max_chars=100)
            password = st.text_input("Password", type="password", autocomplete="current-password", max_chars=1000)
            sent = st.form_submit_button("Sign in", type="primary", width="stretch")
        if sent:
            _try(gate, name.strip(), password)
        if _has_provider() and st.button("Sign in with your organisation", width="stretch"):
            st.login()
        if _provided_name() and st.button("Use another account", width="stretch"):
            st.logout()


def _try(gate: SignIn, name: str, password: str) -> None:
    try:
        user = gate.with_password(name, password)
    except PermissionError as error:
        st.error(sentence(error), icon=":material/timer:")
        return
    if user is None:
        st.error("This name and password do not fit together.", icon=":material/lock:")
        return
    st.session_state[_TICKET] = gate.ticket(user)
    st.rerun()


def _leave(gate: SignIn) -> None:
    for ticket in (st.session_state.pop(_TICKET, None), kept_cookie()):
        if ticket:
            gate.sign_out(ticket)
    st.session_state.pop(USER_KEY, None)
    if _provided_name():
        st.logout()
    st.session_state["leave"] = True
    st.rerun()


@st.cache_resource(show_spinner=False, hash_funcs={Options: repr})
def _sign_in(started: Options) -> SignIn:
    assert started.password_file is not None
    return SignIn(started.password_file)


def _has_provider() -> bool:
    try:
        return "auth" in st.secrets
    except FileNotFoundError:
        return False


def _provided_name() -> str:
    """Whom the identity provider vouches for: the address, if it is theirs; "" for nobody."""
    if not _has_provider() or not st.user.is_logged_in or st.user.get("email_verified") is False:
        return ""
    return str(st.user.get("email") or st.user.get("preferred_username") or "")
