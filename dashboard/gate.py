"""The gate before every page: nobody has to sign in, or with a password, or at an identity provider."""

from __future__ import annotations

from functools import partial

import streamlit as st

from dashboard.backend.signing_in import SignIn, gate_of
from dashboard.backend.words import as_markdown, sentence
from dashboard.provider import forget_failure, has_provider, identity, leave_for_provider, what_failed
from dashboard.roles import LOCAL_USER, User
from dashboard.session import USER_KEY, USER_NOW_KEY, options
from dashboard.widgets.cookie import fetch_cookie, forget_cookie, kept_cookie
from dashboard.widgets.downloads import withdraw

_TICKET = "ticket"

_SLIP = "slip"


def passed() -> bool:
    """Whether somebody is signed in; draws the form if not. `current_user` says who it is."""
    if options().is_open:
        if has_provider():
            st.error("An identity provider is set up that this dashboard was not started with: name it by `--secrets`.")
            return False
        st.session_state[USER_KEY] = LOCAL_USER
        st.session_state[USER_NOW_KEY] = lambda: LOCAL_USER
        return True
    gate = gate_of(options().password_file)
    try:
        user = _recognised(gate)
    except (OSError, ValueError) as error:
        st.error(sentence(error), icon=":material/error:")
        return False
    if user is None:
        st.session_state.pop(USER_KEY, None)
        _form(gate)
        return False
    forget_failure()
    st.session_state[USER_KEY] = user
    return True


def who() -> None:
    """Say in the sidebar who is signed in, and let them leave."""
    user = st.session_state.get(USER_KEY)
    if user is None or options().is_open:
        return
    with st.sidebar:
        st.caption(f"Signed in as {as_markdown(user.name)}, {user.role.word}")
        if st.button("Sign out", icon=":material/logout:", key="sign out"):
            _leave(gate_of(options().password_file))


def remember() -> None:
    """Let the browser fetch its cookie, at the end of the page, where it moves nothing."""
    slip, ticket = st.session_state.get(_SLIP), st.session_state.get(_TICKET)
    if slip and ticket != kept_cookie():
        fetch_cookie(slip)


def _recognised(gate: SignIn) -> User | None:
    """Looked up at every click, so that a changed role counts at once."""
    if st.session_state.pop("leave", False):
        forget_cookie()
        return None
    ticket = st.session_state.get(_TICKET) or kept_cookie()
    user = gate.with_ticket(ticket) if ticket else None
    if user is not None:
        st.session_state[_TICKET] = ticket
        st.session_state[USER_NOW_KEY] = partial(gate.with_ticket, ticket)
        return user
    found = identity()
    if not found.name:
        return None
    ask = partial(gate.with_identity, found.name, found.role)
    st.session_state[USER_NOW_KEY] = ask
    return ask()


def _form(gate: SignIn) -> None:
    _, middle, _ = st.columns([1, 1.2, 1])
    with middle:
        st.title("Unforged", anchor=False)
        _say_why_not()
        if options().password_file is not None:
            _password_form(gate)
        if has_provider() and st.button("Sign in with your organisation", width="stretch"):
            leave_for_provider()


def _password_form(gate: SignIn) -> None:
    with st.form("sign in"):
        name = st.text_input("Name", autocomplete="username", max_chars=100)
        password = st.text_input("Password", type="password", autocomplete="current-password", max_chars=1000)
        sent = st.form_submit_button("Sign in", type="primary", width="stretch")
    if sent:
        _try(gate, name.strip(), password)


def _say_why_not() -> None:
    """Why the identity provider did not get them in; they may choose another account there, or use a password."""
    found = identity()
    if found.name:
        st.error(
            f"{as_markdown(found.name)} is not listed here, and has no role that counts here; ask whoever runs this "
            "dashboard.",
            icon=":material/error:",
        )
    elif words := found.problem or what_failed():
        st.error(words, icon=":material/error:")


def _try(gate: SignIn, name: str, password: str) -> None:
    try:
        user = gate.with_password(name, password)
    except PermissionError as error:
        st.error(sentence(error), icon=":material/timer:")
        return
    if user is None:
        st.error("This name and password do not fit together.", icon=":material/lock:")
        return
    ticket = gate.ticket(user)
    st.session_state[_TICKET], st.session_state[_SLIP] = ticket, gate.slip(ticket)
    st.rerun()


def _leave(gate: SignIn) -> None:
    for ticket in (st.session_state.pop(_TICKET, None), kept_cookie()):
        if ticket:
            gate.sign_out(ticket)
    for key in (USER_KEY, _SLIP):
        st.session_state.pop(key, None)
    withdraw()
    if has_provider() and st.user.is_logged_in:
        st.logout()
        # The browser leaves for the provider; to run again at once might throw the word to do so away.
        st.stop()
    st.session_state["leave"] = True
    st.rerun()
