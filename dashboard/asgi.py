"""What the web server runs: Streamlit with `app.py`, beside it tickets and downloads, and words for failed sign-ins.

It is named on the command line of Streamlit, which looks for `app` in it, and imported by nothing else.
"""

from __future__ import annotations

from pathlib import Path

from starlette.middleware import Middleware
from streamlit.starlette import App

from dashboard.downloads import ROUTES as DOWNLOADS
from dashboard.round_trip import RoundTrip
from dashboard.tickets import ROUTES as TICKETS

app = App(Path(__file__).with_name("app.py"), routes=[*TICKETS, *DOWNLOADS], middleware=[Middleware(RoundTrip)])
