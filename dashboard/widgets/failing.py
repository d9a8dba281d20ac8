"""A store that cannot be read or written is told on the page, in a line."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import streamlit as st

from dashboard.backend.words import sentence

P = ParamSpec("P")


def plainly(draw: Callable[P, None]) -> Callable[P, None]:
    """Draw, or say why not. Streamlit catches what a fragment raises itself, so each fragment needs its own."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            draw(*args, **kwargs)
        except OSError as error:
            st.error(sentence(error), icon=":material/error:")

    return drawn
