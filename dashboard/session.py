"""What every page asks for: how the dashboard was started, who is signed in, and the one store and scanning service."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard.backend.configuration import Configuration, load
from dashboard.backend.options import Options
from dashboard.backend.scanning import Scanning, towers_on
from dashboard.backend.storing import Store, open_store
from dashboard.roles import User

USER_KEY = "signed_in_user"

USER_NOW_KEY = "who_that_is_now"


def options() -> Options:
    """How this dashboard was started."""
    return Options.from_environment()


def current_user() -> User:
    """Who is signed in. Only called behind `dashboard.gate.passed`, which puts them there at every run."""
    user = st.session_state[USER_KEY]
    assert isinstance(user, User)
    return user


def user_now() -> Callable[[], User | None]:
    """Asks later, and outside of the script, who that user is by then; None for who is signed out."""
    ask: Callable[[], User | None] = st.session_state[USER_NOW_KEY]
    return ask


def configuration() -> Configuration:
    """The settings in force.

    Raises:
        ValueError: the saved ones are damaged.
    """
    return load(options())


def store() -> Store:
    """The open store, one for all users: SQLAlchemy gives each thread a connection of its own."""
    opened: Store = _open(options().database)
    return opened


def scanning() -> Scanning:
    """The warm workers, the same for all users."""
    service: Scanning = _scanning(options())
    return service


@st.cache_resource(show_spinner=False, max_entries=4)
def _open(url: str) -> Store:
    return open_store(url)


@st.cache_resource(show_spinner=False, max_entries=4, hash_funcs={Options: repr})
def _scanning(started: Options) -> Scanning:
    return Scanning(
        started.folder,
        lambda: load(started),
        open_store(started.database),
        n_lanes=started.n_lanes,
        towers=towers_on(started.devices),
    )
