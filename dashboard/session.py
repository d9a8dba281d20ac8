"""What every page asks for: how the dashboard was started, who is signed in, and the one open store."""

from __future__ import annotations

import streamlit as st

from dashboard.backend.options import Options
from dashboard.backend.storing import Store, open_store
from dashboard.roles import LOCAL_USER, User

_USER = "signed_in_user"


def options() -> Options:
    """How this dashboard was started."""
    return Options.from_environment()


def current_user() -> User:
    """Who is signed in. Only called behind the gate in `dashboard.app`."""
    user = st.session_state.get(_USER, LOCAL_USER)
    assert isinstance(user, User)
    return user


def store() -> Store:
    """The open store, one for all users: SQLAlchemy gives each thread a connection of its own."""
    opened: Store = _open(options().database)
    return opened


@st.cache_resource(show_spinner=False, max_entries=4)
def _open(url: str) -> Store:
    return open_store(url)
